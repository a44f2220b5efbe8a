//! The languages that Signpost writes to people in, and how a browser asks for one of them.

use crate::foundation::weight::{self, FULL_WEIGHT};
use crate::public_names;

public_names! {
    /// A language of pages and mails. Its name is its BCP 47 tag.
    #[derive(Default)]
    pub enum Language {
        /// English.
        #[default]
        English = "en",
        /// Korean.
        Korean = "ko",
        /// Spanish.
        Spanish = "es",
    }
}

impl Language {
    /// Returns the language that an `Accept-Language` header prefers (RFC 9110 §12.5.4).
    ///
    /// The highest weight wins; of equal weights, the first in the header. A region is ignored, so `es-419` asks for
    /// Spanish. `*` stands for the languages that the header does not name, English first, and loses to a named language of
    /// the same weight. `q=0` excludes a language. Malformed ranges are skipped. A header that accepts none of our languages
    /// is disregarded and gives English.
    pub fn preferred(header: &str) -> Self {
        let ranges: Vec<(Range, u16)> = header.split(',').filter_map(range).collect();
        let is_named = |language| ranges.iter().any(|(range, _)| *range == Range::Language(language));
        let named = ranges.iter().filter_map(|(range, weight)| match range {
            Range::Language(language) => Some((*language, *weight)),
            Range::Any => None,
        });
        let any_weight = ranges.iter().find(|(range, _)| *range == Range::Any).map_or(0, |(_, weight)| *weight);
        let unnamed = Self::ALL.into_iter().filter(|language| !is_named(*language));
        let mut best = (Self::default(), 0);
        for (language, weight) in named.chain(unnamed.map(|language| (language, any_weight))) {
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    fn of_range(range: &str) -> Option<Self> {
        let primary = range.split('-').next()?;
        Self::ALL.into_iter().find(|language| language.as_str().eq_ignore_ascii_case(primary))
    }
}

/// A language range that concerns us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    Language(Language),
    Any,
}

/// Parses one range of the header and its weight in thousandths; `None` if it is not one of ours or malformed.
fn range(part: &str) -> Option<(Range, u16)> {
    let (range, weight) = match part.split_once(';') {
        Some((range, parameter)) => (range.trim(), weight::parse(parameter.trim())?),
        None => (part.trim(), FULL_WEIGHT),
    };
    let range = if range == "*" { Range::Any } else { Range::Language(Language::of_range(range)?) };
    Some((range, weight))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_preferred(cases: &[(&str, Language)]) {
        for (header, language) in cases {
            assert_eq!(Language::preferred(header), *language, "{header}");
        }
    }

    #[test]
    fn the_highest_weight_wins_and_then_the_first_in_the_header() {
        assert_preferred(&[
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Language::Korean),
            ("es-419", Language::Spanish),
            ("fr-FR, fr;q=0.9, es;q=0.3, en;q=0.2", Language::Spanish),
            ("en;q=0.5, KO;q=0.55", Language::Korean),
            ("ko, es", Language::Korean),
            ("en;Q=0.5, es;Q=0.6", Language::Spanish),
            ("ko\t;\tq=1.000, en", Language::Korean),
        ]);
    }

    #[test]
    fn a_language_with_weight_zero_is_excluded() {
        assert_preferred(&[
            ("es;q=0, en;q=0.1", Language::English),
            ("en;q=0, ko;q=0.001", Language::Korean),
            ("en;q=0, *", Language::Korean),
            ("en;q=0.000, ko;q=0, *;q=0.1", Language::Spanish),
        ]);
    }

    #[test]
    fn a_wildcard_stands_for_the_languages_that_are_not_named() {
        assert_preferred(&[
            ("*", Language::English),
            ("fr, *", Language::English),
            ("*, ko", Language::Korean),
            ("*;q=0.9, ko;q=0.5", Language::English),
            ("en;q=0.3, *;q=0.5", Language::Korean),
            ("es, *;q=0", Language::Spanish),
        ]);
    }

    #[test]
    fn a_header_that_accepts_none_of_our_languages_gives_english() {
        assert_preferred(&[
            ("", Language::English),
            ("fr", Language::English),
            ("en;q=0", Language::English),
            ("*;q=0", Language::English),
        ]);
    }

    #[test]
    fn malformed_ranges_are_skipped() {
        assert_preferred(&[
            (";;,=q,ko;q=nonsense,es;q=9", Language::English),
            ("ko;q=1e9, es;q=0.1", Language::Spanish),
            ("ko;q=1.001, es;q=0.1", Language::Spanish),
            ("ko;q=0.1234, es;q=0.1", Language::Spanish),
            ("ko;q=.5, ko;q=-1, ko;q=, es;q=0.1", Language::Spanish),
            ("ko;level=1, es;q=0.1", Language::Spanish),
            ("korean, ../ko, k, es;q=0.1", Language::Spanish),
        ]);
    }

    proptest! {
        #[test]
        fn any_header_gives_a_language(header in ".*") {
            let _ = Language::preferred(&header);
        }
    }
}
