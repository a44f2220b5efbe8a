//! Where the console leads back to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::foundation::web_url;

const MAX_CHARACTERS: usize = 1024;

/// The page of the operator that the console leads back to: `https`, or `http` for `localhost`, without credentials. At most
/// 1,024 characters. Stored as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uri", min_length = 1, max_length = 1024, example = "https://dashboard.example/settings"))]
#[serde(try_from = "String", into = "String")]
pub struct ReturnTo(String);

/// Why a string is not a [`ReturnTo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadReturnTo {
    /// The URL is too long. An empty one is [`Self::Malformed`].
    #[error("must have 1 to {MAX_CHARACTERS} characters")]
    Length,
    /// The URL has control characters, or spaces at its start or end.
    #[error("must not have control characters, such as tabs and line breaks, or spaces at its start or end")]
    Control,
    /// The URL is not absolute.
    #[error("must be an absolute URL, such as https://dashboard.example/settings")]
    Malformed,
    /// The URL has another scheme than `https`, or `http` for another host than `localhost`.
    #[error("must be https; http is allowed for localhost only")]
    Insecure,
    /// The URL has a user name or a password.
    #[error("must not have credentials")]
    Credentials,
}

impl ReturnTo {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReturnTo {
    type Err = BadReturnTo;

    fn from_str(text: &str) -> Result<Self, BadReturnTo> {
        if web_url::has_dropped_character(text) {
            return Err(BadReturnTo::Control);
        }
        let url = Url::parse(text).map_err(|_| BadReturnTo::Malformed)?;
        if !web_url::is_secure(&url) {
            return Err(BadReturnTo::Insecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadReturnTo::Credentials);
        }
        // The parsed URL can be longer, because the parser percent-encodes.
        if text.len().max(url.as_str().len()) > MAX_CHARACTERS {
            return Err(BadReturnTo::Length);
        }
        Ok(Self(url.into()))
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ReturnTo {
    type Error = BadReturnTo;

    fn try_from(text: String) -> Result<Self, BadReturnTo> {
        text.parse()
    }
}

impl From<ReturnTo> for String {
    fn from(url: ReturnTo) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secure_url_is_stored_as_browsers_write_it() {
        for (text, expected) in [
            ("https://dashboard.example/settings?tab=2#keys", "https://dashboard.example/settings?tab=2#keys"),
            ("HTTPS://Dashboard.Example", "https://dashboard.example/"),
            ("http://localhost:3000/", "http://localhost:3000/"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
            ("http://[::1]/", "http://[::1]/"),
        ] {
            assert_eq!(text.parse::<ReturnTo>().unwrap().as_str(), expected);
        }
    }

    #[test]
    fn another_url_is_rejected_with_the_reason() {
        for (text, expected) in [
            ("", BadReturnTo::Malformed),
            ("https://dashboard.example/a\tb", BadReturnTo::Control),
            ("https://dashboard.example/\n", BadReturnTo::Control),
            (" https://dashboard.example/", BadReturnTo::Control),
            ("/settings", BadReturnTo::Malformed),
            ("//dashboard.example/", BadReturnTo::Malformed),
            ("http://dashboard.example/", BadReturnTo::Insecure),
            ("http://localhost.evil.example/", BadReturnTo::Insecure),
            ("javascript:alert(1)", BadReturnTo::Insecure),
            ("data:text/html,x", BadReturnTo::Insecure),
            ("https://user@dashboard.example/", BadReturnTo::Credentials),
            ("https://:secret@dashboard.example/", BadReturnTo::Credentials),
            (&format!("https://dashboard.example/{}", "x".repeat(1024)), BadReturnTo::Length),
            (&format!("https://dashboard.example/{}", "\u{d55c}".repeat(200)), BadReturnTo::Length),
        ] {
            assert_eq!(text.parse::<ReturnTo>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_url_is_stable_and_safe(text in "(https?://)?[a-z0-9@:./?#\\\\\\[\\] %\t]{0,30}|\\PC{0,40}") {
            let Ok(accepted) = text.parse::<ReturnTo>() else { return Ok(()) };
            prop_assert!(accepted.as_str().starts_with("https://") || accepted.as_str().starts_with("http://"));
            prop_assert!(accepted.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(accepted.as_str().parse::<ReturnTo>(), Ok(accepted.clone()));
        }
    }
}
