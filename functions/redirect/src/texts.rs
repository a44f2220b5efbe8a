//! Every sentence of the pages, one file per language. Nothing else in this function is read by people.
//!
//! A language is whole or does not build: its texts are a struct without optional fields, and its messages for errors a
//! `match` without a rest.

use crate::error_kind::ErrorKind;
use crate::language::Language;

mod english;
mod korean;
mod spanish;

/// What a page says.
pub(crate) struct Message {
    /// Its headline.
    pub(crate) title: &'static str,
    /// One to three sentences below it.
    pub(crate) text: &'static str,
}

/// All that the pages say in one language, but for errors.
pub(crate) struct Texts {
    /// The result is "approved".
    pub(crate) approved: Message,
    /// The result is "pending".
    pub(crate) pending: Message,
    /// The result is "rejected".
    pub(crate) rejected: Message,
    /// The return link was right once.
    pub(crate) expired_link: Message,
    /// The return link works once, and was used.
    pub(crate) used_link: Message,
    /// The return link was never one.
    pub(crate) foreign_link: Message,
    /// There is nothing at this address.
    pub(crate) no_such_page: Message,
    /// Our own fault.
    pub(crate) unavailable: Message,
    /// Stands before an error code.
    pub(crate) code_label: &'static str,
    /// What an error code is good for.
    pub(crate) code_hint: &'static str,
    /// Button: leave the result page.
    pub(crate) ok: &'static str,
    /// Button: leave the error page.
    pub(crate) go_back: &'static str,
    /// Button: load the page again.
    pub(crate) try_again: &'static str,
    /// What stands before and after the seconds that are left.
    pub(crate) countdown: [&'static str; 2],
    /// Link: end the countdown.
    pub(crate) stay: &'static str,
    /// There is no way on from here.
    pub(crate) close: &'static str,
}

impl Language {
    /// What the pages say in this language.
    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &english::TEXTS,
            Self::Korean => &korean::TEXTS,
            Self::Spanish => &spanish::TEXTS,
        }
    }

    /// What an error page says in this language: what the person can do, and never what a check has found.
    pub(crate) const fn error(self, kind: ErrorKind) -> Message {
        match self {
            Self::English => english::error(kind),
            Self::Korean => korean::error(kind),
            Self::Spanish => spanish::error(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::error_kind::tests::all;

    fn messages(language: Language) -> Vec<Message> {
        all().into_iter().map(|kind| language.error(kind)).collect()
    }

    #[test]
    fn every_kind_of_error_has_a_text_of_its_own_in_every_language() {
        let every = Language::ALL.into_iter().flat_map(messages);
        let texts: HashSet<&str> = every.map(|message| message.text).collect();
        assert_eq!(texts.len(), 3 * all().len());
    }

    #[test]
    fn titles_are_short_and_texts_end_like_sentences() {
        for language in Language::ALL {
            for Message { title, text } in messages(language) {
                assert!((4..=60).contains(&title.chars().count()), "{title}");
                assert!(!title.ends_with('.') && text.ends_with('.'), "{title}: {text}");
                assert!((20..=200).contains(&text.chars().count()), "{text}");
            }
        }
    }

    #[test]
    fn korean_is_written_in_hangul_and_nothing_else_is() {
        let is_hangul = |character| ('가'..='힣').contains(&character);
        for language in Language::ALL {
            for Message { title, text } in messages(language) {
                let expected = language == Language::Korean;
                assert!([title, text].iter().all(|said| said.contains(is_hangul) == expected), "{title}: {text}");
            }
        }
    }

    #[test]
    fn what_a_check_has_found_is_never_told() {
        let telling =
            ["vpn", "proxy", "emula", "virtual", "bot", "tamper", "fraud", "fraude", "가상", "프록시", "부정"];
        for language in Language::ALL {
            for Message { title, text } in messages(language) {
                let said = format!("{title} {text}").to_lowercase();
                let words: Vec<&str> = said.split(|character: char| !character.is_alphabetic()).collect();
                for word in telling {
                    assert!(!words.iter().any(|one| one.starts_with(word)), "{word}: {said}");
                }
            }
        }
    }
}
