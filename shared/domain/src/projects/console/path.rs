//! The page of the console that a link opens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

const MAX_CHARACTERS: usize = 512;

/// Path and query of a page of the console. Following it never leaves the console.
///
/// It starts with exactly one `/`, and has no `//`, no backslash and only characters that are allowed in URLs. Browsers read `//`
/// and `/\` as the start of a host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 512, pattern = r##"^/([!$-.0-;=?-Z_a-z~\[\]#%]+/)*[!$-.0-;=?-Z_a-z~\[\]#%]*$"##, example = "/deliveries?state=failed"))]
#[serde(try_from = "String", into = "String")]
pub struct ConsolePath(String);

/// A string that is not a [`ConsolePath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be a path within the console, such as /deliveries?state=failed: at most {MAX_CHARACTERS} characters that are allowed in URLs, \
     one / at the start, and no //"
)]
pub struct BadConsolePath;

impl ConsolePath {
    /// The path and the query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConsolePath {
    type Err = BadConsolePath;

    fn from_str(text: &str) -> Result<Self, BadConsolePath> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
        let is_path = (1..=MAX_CHARACTERS).contains(&text.len())
            && text.starts_with('/')
            && !text.contains("//")
            && text.bytes().all(is_allowed);
        if is_path { Ok(Self(text.to_owned())) } else { Err(BadConsolePath) }
    }
}

impl fmt::Display for ConsolePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ConsolePath {
    type Error = BadConsolePath;

    fn try_from(text: String) -> Result<Self, BadConsolePath> {
        text.parse()
    }
}

impl From<ConsolePath> for String {
    fn from(path: ConsolePath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn a_path_with_a_query_is_accepted() {
        for path in ["/", "/deliveries?state=failed&endpoint=019ab5e0", "/endpoints/new", "/a%2F%2Fb", "/?x=[1]#top"] {
            assert_eq!(path.parse::<ConsolePath>().unwrap().as_str(), path);
        }
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_is_rejected() {
        let long = format!("/{}", "x".repeat(MAX_CHARACTERS));
        for path in [
            "",
            "deliveries",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/a//b",
            "/?next=https://evil.example",
            " /",
            "/ ",
            "/\t/evil.example",
            "/\n",
            "/\u{e9}",
            "javascript:alert(1)",
            &long,
        ] {
            assert_eq!(path.parse::<ConsolePath>(), Err(BadConsolePath), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_path_never_leaves_the_console(text in "[/\\\\.?#@:%a-z0-9\t\n ]{0,12}|/[/\\\\.?#@:%a-z0-9\t]{0,12}|\\PC{0,20}") {
            let Ok(path) = text.parse::<ConsolePath>() else { return Ok(()) };
            let console = Url::parse("https://console.example/in/token").unwrap();
            let target = console.join(path.as_str()).unwrap();
            prop_assert_eq!(target.origin(), console.origin());
            prop_assert!(target.username().is_empty() && target.password().is_none());
        }
    }
}
