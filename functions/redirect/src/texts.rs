//! Every sentence of the pages, one file per language.
//!
//! A language is complete or does not build: its texts are a struct without optional fields, and its error messages are a
//! `match` without a `_` arm.

use domain::foundation::language::Language;

use crate::error_kind::ErrorKind;

mod english;
mod korean;
mod spanish;

/// The message of a page.
pub(crate) struct Message {
    /// The headline, without a full stop.
    pub(crate) title: &'static str,
    /// One to three sentences below the headline.
    pub(crate) text: &'static str,
}

/// The texts of the pages in one language, except error messages.
pub(crate) struct Texts {
    /// The result is `approved`.
    pub(crate) approved: Message,
    /// The result is `pending`.
    pub(crate) pending: Message,
    /// The result is `rejected`.
    pub(crate) rejected: Message,
    /// The return link has expired.
    pub(crate) expired_link: Message,
    /// The single-use return link was used before.
    pub(crate) used_link: Message,
    /// The return link was altered or is not one of ours.
    pub(crate) invalid_link: Message,
    /// The URL has no page.
    pub(crate) page_not_found: Message,
    /// Signpost failed.
    pub(crate) unavailable: Message,
    /// Precedes an error code.
    pub(crate) code_label: &'static str,
    /// Tells what to do with an error code.
    pub(crate) code_hint: &'static str,
    /// Button: leave the result page.
    pub(crate) ok: &'static str,
    /// Button: leave the error page.
    pub(crate) go_back: &'static str,
    /// Button: load the page again.
    pub(crate) try_again: &'static str,
    /// Precedes and follows the remaining seconds.
    pub(crate) countdown: [&'static str; 2],
    /// Link: stop the countdown.
    pub(crate) stay: &'static str,
    /// The person can close the page.
    pub(crate) close: &'static str,
}

/// Returns the texts of a language.
pub(crate) const fn in_language(language: Language) -> &'static Texts {
    match language {
        Language::English => &english::TEXTS,
        Language::Korean => &korean::TEXTS,
        Language::Spanish => &spanish::TEXTS,
    }
}

/// Returns the message of an error page. It says what the person can do, and never what a check found.
pub(crate) const fn error(kind: ErrorKind, language: Language) -> Message {
    match language {
        Language::English => english::error(kind),
        Language::Korean => korean::error(kind),
        Language::Spanish => spanish::error(kind),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::error_kind::tests::all;

    fn messages(language: Language) -> Vec<Message> {
        all().into_iter().map(|kind| error(kind, language)).collect()
    }

    #[test]
    fn each_kind_of_error_has_its_own_message_in_every_language() {
        let every = Language::ALL.into_iter().flat_map(messages);
        let texts: HashSet<&str> = every.map(|message| message.text).collect();
        assert_eq!(texts.len(), 3 * all().len());
    }

    #[test]
    fn titles_are_short_and_texts_end_with_a_full_stop() {
        for language in Language::ALL {
            for Message { title, text } in messages(language) {
                assert!((4..=60).contains(&title.chars().count()), "{title}");
                assert!(!title.ends_with('.') && text.ends_with('.'), "{title}: {text}");
                assert!((20..=200).contains(&text.chars().count()), "{text}");
            }
        }
    }

    #[test]
    fn only_korean_is_written_in_hangul() {
        let is_hangul = |character| ('가'..='힣').contains(&character);
        for language in Language::ALL {
            for Message { title, text } in messages(language) {
                let expected = language == Language::Korean;
                assert!([title, text].iter().all(|part| part.contains(is_hangul) == expected), "{title}: {text}");
            }
        }
    }

    #[test]
    fn messages_never_reveal_what_a_check_found() {
        let revealing =
            ["vpn", "proxy", "emula", "virtual", "bot", "tamper", "fraud", "fraude", "가상", "프록시", "부정"];
        for language in Language::ALL {
            for Message { title, text } in messages(language) {
                let message = format!("{title} {text}").to_lowercase();
                let words: Vec<&str> = message.split(|character: char| !character.is_alphabetic()).collect();
                for word in revealing {
                    assert!(!words.iter().any(|one| one.starts_with(word)), "{word}: {message}");
                }
            }
        }
    }
}
