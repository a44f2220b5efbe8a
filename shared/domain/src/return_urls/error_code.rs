//! The codes of errors that end a verification.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Documented codes that are words. The product calls them legacy codes.
const WORDS: [&str; 8] = [
    "page-not-found",
    "service-blocked",
    "bad-path",
    "refresh",
    "invalid-browser",
    "hash_problem",
    "project-closed",
    "period",
];

/// The error that ended a verification, such as `DE-20000` or `bad-path`: 1 to 64 letters, digits, hyphens and underscores.
/// The list of codes is open: every code of this form is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "DE-20000"))]
#[serde(try_from = "String", into = "String")]
pub struct ErrorCode(String);

/// A string that is not an [`ErrorCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 64 ASCII letters, digits, hyphens and underscores")]
pub struct BadErrorCode;

impl ErrorCode {
    /// The code as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ErrorCode {
    type Err = BadErrorCode;

    fn from_str(text: &str) -> Result<Self, BadErrorCode> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if (1..=64).contains(&text.len()) && is_plain { Ok(Self(text.to_owned())) } else { Err(BadErrorCode) }
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = BadErrorCode;

    fn try_from(text: String) -> Result<Self, BadErrorCode> {
        text.parse()
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

/// An error code of a form that the product documents: two capital letters, a hyphen and 3 to 5 digits, such as `DE-20000`, or one
/// of its words, such as `bad-path`.
///
/// Anonymous callers may name only these codes. The return URL is encrypted and signed. With AES-256-ECB, a caller who chooses a
/// value could make blocks that pass as other fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentedCode(ErrorCode);

/// An [`ErrorCode`] whose form the product does not document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not a code that the product documents")]
pub struct Undocumented;

impl TryFrom<ErrorCode> for DocumentedCode {
    type Error = Undocumented;

    fn try_from(code: ErrorCode) -> Result<Self, Undocumented> {
        let is_documented = WORDS.contains(&code.as_str()) || is_numbered(code.as_str());
        if is_documented { Ok(Self(code)) } else { Err(Undocumented) }
    }
}

impl From<DocumentedCode> for ErrorCode {
    fn from(documented: DocumentedCode) -> Self {
        documented.0
    }
}

fn is_numbered(code: &str) -> bool {
    let Some((prefix, number)) = code.split_once('-') else { return false };
    let has_prefix = prefix.len() == 2 && prefix.bytes().all(|byte| byte.is_ascii_uppercase());
    has_prefix && (3..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documented(code: &str) -> Result<DocumentedCode, Undocumented> {
        code.parse::<ErrorCode>().unwrap().try_into()
    }

    #[test]
    fn every_well_formed_code_is_accepted() {
        for code in ["DE-20000", "TK-10001", "hash_problem", "bad-path", "ER-001", "Zz9", &"x".repeat(64)] {
            assert_eq!(code.parse::<ErrorCode>().unwrap().as_str(), code);
        }
        for bad in ["", "DE 20000", "a/b", "a.b", "코드", "x&y", "a\r\nb", &"x".repeat(65)] {
            assert_eq!(bad.parse::<ErrorCode>(), Err(BadErrorCode), "{bad:?}");
        }
    }

    #[test]
    fn documented_codes_are_numbered_or_words() {
        for code in WORDS.into_iter().chain(["DE-20000", "TK-10001", "LO-99999", "ER-001", "XX-1234"]) {
            let back = documented(code).map(ErrorCode::from);
            assert_eq!(back.as_ref().map(ErrorCode::as_str), Ok(code));
        }
        for other in [
            "unheard-of",
            "Period",
            "bad_path",
            "DE-20",
            "DE-200000",
            "de-20000",
            "D1-20000",
            "DEX-20000",
            "DE_20000",
            "DE-2000O",
            "DE-20000-",
            "DE--20000",
            "-20000",
            "20000",
        ] {
            assert_eq!(documented(other), Err(Undocumented), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_documented_code_has_at_most_15_characters(code in "[A-Za-z0-9_-]{1,64}") {
            if documented(&code).is_ok() {
                prop_assert!(code.len() <= 15);
            }
        }
    }
}
