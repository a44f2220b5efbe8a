//! Static headers of an endpoint: the names that customers may set, and the values, which may be secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Name of a static header, in lower case. Headers that Signpost or HTTP sets are reserved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "authorization"))]
#[serde(try_from = "String", into = "String")]
pub struct HeaderName(String);

/// A string that is not a [`HeaderName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadHeaderName {
    /// The name does not follow the syntax of HTTP.
    #[error("is not a header name")]
    Malformed,
    /// Signpost or HTTP sets the header.
    #[error("is a reserved header")]
    Reserved,
}

impl HeaderName {
    /// The name in the form that the HTTP client takes.
    pub fn to_http(&self) -> http::HeaderName {
        http::HeaderName::from_str(&self.0).expect("the name was checked when it was read")
    }
}

impl FromStr for HeaderName {
    type Err = BadHeaderName;

    fn from_str(text: &str) -> Result<Self, BadHeaderName> {
        const RESERVED: [&str; 14] = [
            "accept-encoding",
            "connection",
            "cookie",
            "date",
            "expect",
            "forwarded",
            "host",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "user-agent",
            "via",
        ];
        const RESERVED_PREFIXES: [&str; 4] = ["content-", "proxy-", "sec-", "webhook-"];
        let name = http::HeaderName::from_str(text).map_err(|_| BadHeaderName::Malformed)?;
        let has_reserved_prefix = RESERVED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
        if RESERVED.contains(&name.as_str()) || has_reserved_prefix {
            return Err(BadHeaderName::Reserved);
        }
        Ok(Self(name.as_str().to_owned()))
    }
}

impl TryFrom<String> for HeaderName {
    type Error = BadHeaderName;

    fn try_from(text: String) -> Result<Self, BadHeaderName> {
        text.parse()
    }
}

impl From<HeaderName> for String {
    fn from(name: HeaderName) -> Self {
        name.0
    }
}

/// Maximum length of a value. Bearer tokens with many claims take 2 to 4 KiB, and common servers accept header lines of 8 KiB.
const MAX_VALUE_BYTES: usize = 4096;

/// Value of a static header: 1 to 4,096 visible ASCII characters and inner spaces. It may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(String);

/// A string that is not a [`HeaderValue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 4096 visible ASCII characters, with spaces only inside")]
pub struct BadHeaderValue;

impl HeaderValue {
    /// The value in the clear, to be sent or sealed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HeaderValue {
    type Error = BadHeaderValue;

    fn try_from(text: String) -> Result<Self, BadHeaderValue> {
        if is_visible(&text, MAX_VALUE_BYTES) { Ok(Self(text)) } else { Err(BadHeaderValue) }
    }
}

/// Whether a string has 1 to `max_bytes` visible ASCII characters, with spaces only inside.
pub(super) fn is_visible(text: &str, max_bytes: usize) -> bool {
    let is_clean = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && text.trim() == text;
    (1..=max_bytes).contains(&text.len()) && is_clean
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderValue(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_headers_cannot_be_set() {
        for name in [
            "Host",
            "content-type",
            "Content-Digest",
            "Webhook-Signature",
            "webhook-test",
            "user-agent",
            "Connection",
            "proxy-authorization",
        ] {
            assert_eq!(name.parse::<HeaderName>(), Err(BadHeaderName::Reserved), "{name}");
        }
        assert!("Authorization".parse::<HeaderName>().is_ok());
    }

    #[test]
    fn a_value_has_up_to_4_kib_of_visible_ascii() {
        let value = |text: &str| HeaderValue::try_from(text.to_owned()).is_ok();
        assert!(value(&format!("Bearer {}", "x".repeat(MAX_VALUE_BYTES - 7))));
        assert!(!value(&format!("Bearer {}", "x".repeat(MAX_VALUE_BYTES - 6))));
        for bad in ["", " ", " x", "x ", "a\tb", "a\r\nb: c", "caf\u{e9}", "\u{7f}", "a\0b"] {
            assert!(!value(bad), "{bad:?}");
        }
    }
}
