//! Display names and the rules for new ones.
//!
//! Customers choose the names of projects, notification users and API keys, and other people read them: on result pages, in mails,
//! and in the audit log. A new name therefore must not hide or reorder text. The names of projects and notification users also must
//! not contain a web address, because they appear in mails to people who have not agreed to receive mails.
//!
//! Stored names are read without these checks, because they may be older than the rules.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Maximum length of a name in characters.
const MAX_CHARACTERS: usize = 100;

/// A display name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 100, example = "Acme"))]
#[serde(transparent)]
pub struct Name(String);

/// A new name: 1 to 100 characters, at least one of them visible. Leading and trailing white space, control characters, line
/// separators and characters that change the direction of text are not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 100, pattern = r"^(?=.*[^\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb])[^\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]([^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069])?$", example = "Acme"))]
#[serde(try_from = "String")]
pub struct NewName(Name);

/// The new name of a project or a person: a [`NewName`] that contains no web address, such as `example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 100, pattern = r"^(?=.*[^\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb])(?!.*://)(?!.*[\w-][.\u3002\uff0e\uff61][^\W\d_]{2})[^\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]([^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069])?$", example = "Acme"))]
#[serde(try_from = "String")]
pub struct NewPublicName(Name);

/// Why a string is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadName {
    /// It is empty or too long, has a control character or a line separator, or white space at an end.
    #[error("must have 1 to 100 characters, no control characters, and no leading or trailing white space")]
    Form,
    /// It has a character that changes the direction of text, so readers see another order than the stored one.
    #[error("must not contain characters that change the direction of text, such as U+202E")]
    Direction,
    /// It has only invisible characters.
    #[error("must contain a visible character")]
    Invisible,
    /// It has a web address, which mail programs turn into a link.
    #[error(
        "must not contain a web address: no `://`, and no dot between a letter or digit and two letters, as in `example.com`"
    )]
    WebAddress,
}

impl Name {
    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let has_good_length = (1..=MAX_CHARACTERS).contains(&text.chars().count());
        let has_controls = text.chars().any(|character| character.is_control() || is_line_separator(character));
        if !has_good_length || has_controls || text.trim() != text {
            return Err(BadName::Form);
        }
        if text.chars().any(changes_direction) {
            return Err(BadName::Direction);
        }
        if text.chars().all(is_invisible) {
            return Err(BadName::Invisible);
        }
        Ok(Self(text))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl TryFrom<String> for NewName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Name::try_from(text).map(Self)
    }
}

impl From<NewName> for Name {
    fn from(new: NewName) -> Self {
        new.0
    }
}

impl TryFrom<String> for NewPublicName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let name = Name::try_from(text)?;
        if has_web_address(name.as_str()) { Err(BadName::WebAddress) } else { Ok(Self(name)) }
    }
}

impl From<NewPublicName> for Name {
    fn from(new: NewPublicName) -> Self {
        new.0
    }
}

fn is_line_separator(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether a character is a control of the Unicode bidirectional algorithm (UAX 9).
fn changes_direction(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is invisible by itself: white space, Unicode's `Default_Ignorable_Code_Point`, or the empty Braille pattern,
/// which looks the same.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether mail programs turn a part of the name into a link: `://`, or a dot between a letter or digit and two letters, as in
/// every host name with a top-level domain. Invisible characters are ignored, because readers do not see them.
fn has_web_address(text: &str) -> bool {
    let seen: Vec<char> =
        text.chars().filter(|character| character.is_whitespace() || !is_invisible(*character)).collect();
    let is_dot = |character: char| matches!(character, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
    let is_host = |part: &[char]| match part {
        [before, dot, first, second] => {
            (before.is_alphanumeric() || *before == '-')
                && is_dot(*dot)
                && first.is_alphabetic()
                && second.is_alphabetic()
        }
        _ => false,
    };
    seen.windows(3).any(|part| part == [':', '/', '/']) || seen.windows(4).any(is_host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> Result<NewPublicName, BadName> {
        NewPublicName::try_from(text.to_owned())
    }

    #[test]
    fn names_of_companies_and_people_are_accepted() {
        for good in [
            "Acme",
            "아고스 Identity",
            "J.P. Morgan",
            "S.A.S. Banque",
            "Müller & Söhne GmbH",
            "Dr. Ada Lovelace",
            "v1.2",
            "3.5 %",
            "שלום",
            "مرحبا",
            "🏳️‍🌈",
            "Zero\u{200D}width",
            "A:B",
            "and/or",
            "Wait...",
            "한국.",
        ] {
            assert!(public(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_name_has_1_to_100_characters_without_controls() {
        for bad in ["", " x", "x ", "a\nb", "a\u{7f}b", "a\u{2028}b", "a\u{2029}b", "\u{85}a", &"x".repeat(101)] {
            assert_eq!(public(bad), Err(BadName::Form), "{bad:?}");
        }
        assert!(public(&"é".repeat(100)).is_ok());
    }

    #[test]
    fn a_name_cannot_change_the_direction_of_text() {
        for control in
            "\u{61C}\u{200E}\u{200F}\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\u{2068}\u{2069}".chars()
        {
            for bad in [format!("a{control}b"), format!("{control}a"), control.to_string()] {
                assert_eq!(public(&bad), Err(BadName::Direction), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_name_has_a_visible_character() {
        for bad in ["\u{200B}", "\u{200B}\u{2060}\u{FEFF}", "\u{3164}", "\u{2800} \u{2800}", "\u{AD}", "\u{E0041}"] {
            assert_eq!(public(bad), Err(BadName::Invisible), "{bad:?}");
        }
    }

    #[test]
    fn names_of_projects_and_people_contain_no_web_address() {
        for bad in [
            "https://evil.example/login",
            "see x://y",
            "www.evil.example",
            "WWW.EVIL.EXAMPLE",
            "evil.example",
            "Your account is locked: evil.example/login",
            "ada@evil.example",
            "a-.co",
            "bücher.example",
            "evil\u{3002}example",
            "evil.\u{200B}example",
            "evil.e\u{2060}xample",
            "h\u{AD}ttps:\u{AD}//x",
            "점.한국",
        ] {
            assert_eq!(public(bad), Err(BadName::WebAddress), "{bad:?}");
            assert!(NewName::try_from(bad.to_owned()).is_ok(), "an API key may be named {bad:?}");
        }
    }

    #[test]
    fn a_stored_name_is_read_without_checks() {
        for old in ["https://evil.example", "a\u{202E}b", "\u{200B}", " x "] {
            let json = serde_json::to_string(old).unwrap();
            assert_eq!(serde_json::from_str::<Name>(&json).unwrap().as_str(), old);
            assert!(serde_json::from_str::<NewPublicName>(&json).is_err(), "{old:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_name_never_has_the_shape_of_a_host_name(text in "[a-z0-9.:/ -]{1,20}") {
            let is_host = |word: &str| {
                let last = word.rsplit('.').next().unwrap_or_default();
                word.split('.').count() > 1 && last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_lowercase())
                    && word.split('.').all(|label| !label.is_empty())
            };
            if public(&text).is_ok() {
                let words = text.split([' ', ':', '/']);
                prop_assert!(words.clone().all(|word| !is_host(word)), "{}", text);
                prop_assert!(!text.contains("://"));
            }
        }
    }
}
