//! Texts in all languages, side by side.

use std::fmt::Display;

/// Defines a struct of texts, each in English, Korean and Spanish. A text without a translation does not compile.
///
/// ```ignore
/// words! {
///     /// The texts of this area.
///     pub(crate) struct Words {
///         title: "Notification users", "알림 수신자", "Destinatarios de los informes";
///         /// `{count}`: number of users.
///         count: "{count} users", "{count}명", "{count} destinatarios";
///     }
/// }
/// ```
///
/// `Words::of(language)` returns the texts of a language. [`Fill::fill`] replaces placeholders. The macro adds a test that
/// compares the placeholders of the translations. A module can use it once.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$doc:meta])* $text:ident: $english:literal, $korean:literal, $spanish:literal;)+
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $name {
            $($(#[$doc])* $visibility $text: &'static str,)+
        }

        impl $name {
            const ENGLISH: Self = Self { $($text: $english,)+ };
            const KOREAN: Self = Self { $($text: $korean,)+ };
            const SPANISH: Self = Self { $($text: $spanish,)+ };

            /// The texts in a language.
            $visibility const fn of(language: ::domain::foundation::language::Language) -> &'static Self {
                match language {
                    ::domain::foundation::language::Language::English => &Self::ENGLISH,
                    ::domain::foundation::language::Language::Korean => &Self::KOREAN,
                    ::domain::foundation::language::Language::Spanish => &Self::SPANISH,
                }
            }
        }

        #[cfg(test)]
        mod translations {
            #[test]
            fn every_text_is_translated_with_the_same_placeholders() {
                $($crate::layout::translations::check(stringify!($text), [$english, $korean, $spanish]);)+
            }
        }
    };
}
pub(crate) use words;

/// Replaces placeholders in texts.
pub(crate) trait Fill {
    /// Replaces `{name}` by `value`. If a text has several placeholders, fill in what people typed last: it may contain braces.
    fn fill(&self, name: &str, value: impl Display) -> String;
}

impl Fill for str {
    fn fill(&self, name: &str, value: impl Display) -> String {
        self.replace(&format!("{{{name}}}"), &value.to_string())
    }
}

/// Fails unless the translations have the same placeholders and are not empty.
#[cfg(test)]
pub(crate) fn check(name: &str, translations: [&str; 3]) {
    let placeholders = |text: &str| {
        let mut names: Vec<String> =
            text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    let [english, others @ ..] = translations;
    assert!(!english.is_empty(), "{name} is empty");
    for other in others {
        assert!(!other.is_empty(), "{name} is not translated");
        assert_eq!(placeholders(english), placeholders(other), "{name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_by_name() {
        assert_eq!("attempt {n} of {max}, {n}".fill("n", 3).fill("max", 10), "attempt 3 of 10, 3");
    }

    #[test]
    #[should_panic(expected = "title")]
    fn a_translation_without_a_placeholder_is_found() {
        check("title", ["{n} users", "{n}명", "usuarios"]);
    }
}
