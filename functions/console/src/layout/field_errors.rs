//! What is wrong with a field, in the language of the page. The api writes it in English.

use domain::foundation::language::Language;

use crate::layout::field_error_translations::{REWORDED, TRANSLATIONS};

/// What is wrong with a field.
pub(crate) struct FieldError {
    /// A sentence.
    pub(crate) text: String,
    /// Whether the sentence is in English although the page is not, because it has no translation.
    pub(crate) is_foreign: bool,
}

impl FieldError {
    /// The sentence for what the api says in `detail`.
    pub(crate) fn new(detail: &str, language: Language) -> Self {
        let known = || {
            let begins = |rest: &str| rest.is_empty() || rest.starts_with(':');
            TRANSLATIONS.iter().find(|(english, _)| detail.strip_prefix(english).is_some_and(begins))
        };
        let translated = match language {
            Language::English => REWORDED.iter().find(|(english, _)| detail == *english).map(|(_, text)| *text),
            Language::Korean => known().map(|(_, [korean, _])| *korean),
            Language::Spanish => known().map(|(_, [_, spanish])| *spanish),
        };
        match translated {
            Some(text) => Self { text: text.to_owned(), is_foreign: false },
            None => Self { text: sentence(without_call(detail)), is_foreign: language != Language::English },
        }
    }
}

/// Leaves out the advice to call the API, such as `: issue one with POST …/return-url/keys`. The pages have links for that.
fn without_call(detail: &str) -> &str {
    match detail.rsplit_once(": ") {
        Some((before, advice)) if advice.contains("POST …/") => before,
        _ => detail,
    }
}

/// `must be https` as `Must be https.`
fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if detail.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_one_translation() {
        let mut known: Vec<&str> = TRANSLATIONS.iter().map(|(english, _)| *english).collect();
        known.sort_unstable();
        assert!(known.windows(2).all(|pair| pair[0] != pair[1]), "{known:?}");
    }

    #[test]
    fn an_error_is_a_sentence_in_the_language_of_the_page_or_marked_as_english() {
        let written = |detail, language| {
            let error = FieldError::new(detail, language);
            (error.text, error.is_foreign)
        };
        assert_eq!(written("is required", Language::English), ("Is required.".to_owned(), false));
        assert_eq!(written("is required", Language::Korean), ("필수 항목입니다.".to_owned(), false));
        assert_eq!(
            written("is required: a user must have one", Language::Spanish),
            ("Es obligatorio.".to_owned(), false)
        );
        assert!(written("is requiredly odd", Language::Korean).1);
        assert_eq!(written("is odd", Language::Spanish), ("Is odd.".to_owned(), true));
        assert_eq!(written("", Language::English), (".".to_owned(), false));
    }
}
