//! `Accept`: whether the caller prefers a page or JSON (RFC 9110, section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use domain::foundation::weight::{self, FULL_WEIGHT};

const HTML: [&str; 2] = ["text", "html"];
const JSON: [&str; 2] = ["application", "json"];

/// A media range of the header.
struct Range<'a> {
    main_type: &'a str,
    subtype: &'a str,
    weight: u16,
}

/// Whether the caller prefers HTML to JSON.
///
/// The higher weight wins. With equal weights, the type that the header names first wins, so `text/html, */*` asks for HTML and
/// `*/*` for JSON. A header that accepts neither is disregarded and gives JSON.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let lines: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    let ranges: Vec<Range<'_>> = lines.iter().flat_map(|line| line.split(',')).filter_map(Range::parse).collect();
    let (html, json) = (weight_of(HTML, &ranges), weight_of(JSON, &ranges));
    if html == json { html > 0 && is_named_first(&ranges) } else { html > json }
}

/// The weight of a media type: that of the most specific range that includes it, or 0.
fn weight_of(media_type: [&str; 2], ranges: &[Range<'_>]) -> u16 {
    let matching = ranges.iter().filter_map(|range| Some((range.specificity(media_type)?, range.weight)));
    matching.max().map_or(0, |(_, weight)| weight)
}

/// Whether HTML is named, and before JSON if that is named too.
fn is_named_first(ranges: &[Range<'_>]) -> bool {
    let position = |media_type| ranges.iter().position(|range| range.specificity(media_type) == Some(2));
    position(HTML).is_some_and(|html| position(JSON).is_none_or(|json| html < json))
}

impl<'a> Range<'a> {
    /// Parses a range such as `text/*;q=0.5`. Parameters other than `q` are ignored. Returns `None` if it is malformed.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (main_type, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find(|part| part.get(..2).is_some_and(|name| name.eq_ignore_ascii_case("q=")));
        let weight = quality.map_or(Some(FULL_WEIGHT), weight::parse)?;
        Some(Self { main_type, subtype, weight })
    }

    /// How specifically the range includes a media type: 2 by name, 1 as `text/*`, 0 as `*/*`. `None` if it does not.
    fn specificity(&self, [main_type, subtype]: [&str; 2]) -> Option<u8> {
        match (self.main_type, self.subtype) {
            ("*", "*") => Some(0),
            (main, "*") if main.eq_ignore_ascii_case(main_type) => Some(1),
            (main, sub) if main.eq_ignore_ascii_case(main_type) && sub.eq_ignore_ascii_case(subtype) => Some(2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn prefers(lines: &[&str]) -> bool {
        let lines = lines.iter().map(|line| (ACCEPT, HeaderValue::from_bytes(line.as_bytes()).unwrap()));
        prefers_html(&lines.collect())
    }

    #[test]
    fn the_type_with_the_higher_weight_is_preferred() {
        for accept in [
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "text/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/xhtml+xml,application/xml;q=0.9,text/html",
            "application/json;q=0.5, text/html;q=0.6",
            "application/json;q=0, */*",
            "*/*, application/json;q=0.5, text/html",
            "text/html;level=1;q=0.4, application/json;q=0.3",
            "text/html, */*",
            "text/html, application/json",
            "text/*;q=0.1, text/html;q=0.9, application/*;q=0.5",
        ] {
            assert!(prefers(&[accept]), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/*",
            "text/html;q=0, application/json",
            "text/html;q=0, application/json;q=0.001",
            "text/html;q=0",
            "text/html;Q=0.000, */*",
            "text/html;q=0.5, */*",
            "text/html;q=0.5, application/json;q=0.6",
            "application/json, text/html",
            "application/json, text/*;q=0.9",
            "text/plain, application/problem+json",
            "text/html;q=nonsense",
            "text/html;q=2",
            "text/html;q=0.1234",
            "text/htmlx, texthtml, text",
            "image/png",
        ] {
            assert!(!prefers(&[accept]), "{accept}");
        }
    }

    #[test]
    fn several_lines_count_as_one_list() {
        assert!(prefers(&["application/json;q=0.5", "text/html"]));
        assert!(!prefers(&["text/html;q=0.5", "application/json"]));
        assert!(!prefers(&[]));
    }

    proptest! {
        #[test]
        fn reading_an_untrusted_header_never_panics(accept in "\\PC{0,60}") {
            let _ = prefers(&[&accept]);
        }
    }
}
