//! Whether a browser opens a console link because a person follows it.
//!
//! A link works once. Programs that look at links before a person does, such as mail scanners and the previews of messengers,
//! must not use it up. Browsers say that a person navigates to a page in headers that scripts cannot set. Other requests get a
//! page with one button.

use axum::http::{HeaderMap, Method};

/// Whether the request itself may open the link, without the button. `may_be_framed`: the operator's pages may show the console
/// in a frame.
pub(super) fn is_navigation(method: &Method, headers: &HeaderMap, may_be_framed: bool) -> bool {
    let is = |name: &str, values: &[&str]| {
        let mut sent = headers.get_all(name).iter();
        matches!((sent.next(), sent.next()), (Some(value), None) if values.iter().any(|known| value == known))
    };
    let destinations: &[&str] = if may_be_framed { &["document", "iframe"] } else { &["document"] };
    let is_ahead_of_time =
        ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| headers.contains_key(*name));
    *method == Method::GET
        && is("sec-fetch-mode", &["navigate"])
        && is("sec-fetch-dest", destinations)
        && !is_ahead_of_time
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NAVIGATION: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];

    fn claims(method: &Method, headers: &[&[(&'static str, &'static str)]], may_be_framed: bool) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers.concat() {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_navigation(method, &map, may_be_framed)
    }

    #[test]
    fn only_a_person_who_navigates_uses_the_link() {
        let get = Method::GET;
        assert!(claims(&get, &[NAVIGATION, &[("sec-fetch-site", "cross-site")]], false));
        assert!(!claims(&Method::HEAD, &[NAVIGATION], false));
        for headers in [
            &[][..],
            &[("sec-fetch-mode", "navigate")],
            &[("sec-fetch-dest", "document")],
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "embed")],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        ] {
            assert!(!claims(&get, &[headers], false), "{headers:?}");
        }
    }

    #[test]
    fn a_page_that_is_loaded_ahead_of_time_does_not_use_the_link() {
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            assert!(!claims(&Method::GET, &[NAVIGATION, &[(name, value)]], true), "{name}: {value}");
        }
    }

    #[test]
    fn a_frame_uses_the_link_only_if_frames_are_allowed() {
        let frame: &[_] = &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert!(claims(&Method::GET, &[frame], true) && !claims(&Method::GET, &[frame], false));
    }
}
