//! The URLs that people may be sent to.

use std::fmt;
use std::str::FromStr;

use ::url::Url;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ReturnField;
use crate::foundation::web_url;

const MAX_CHARACTERS: usize = 2048;

/// The parameter with the encrypted fields.
pub(super) const ENCRYPTED: &str = "encrypted";
/// The parameter with the id of the key that encrypted the fields.
pub(super) const KEY_ID: &str = "kid";
/// The parameter with the time of the signature, in seconds since the Unix epoch.
pub(super) const SIGNED_AT: &str = "ts";
/// The parameter with a random value that makes every signed URL unique.
pub(super) const NONCE: &str = "nonce";
/// The parameter with the signature.
pub(super) const SIGNATURE: &str = "sig";

/// The parameters that Signpost adds besides the fields.
const PROTECTION_PARAMETERS: [&str; 5] = [ENCRYPTED, KEY_ID, SIGNED_AT, NONCE, SIGNATURE];

/// A URL that people may be sent to. It is kept exactly as the customer wrote it, because receivers may compare it.
///
/// It is `https`, `http` for a loopback host (`localhost`, `127.0.0.1`, `[::1]`), or has the scheme of an app. It has at most 2,048
/// characters, no fragment, no credentials, and none of the parameters that Signpost adds. `AppSchemes` limits the app schemes in
/// requests. URLs stored before that rule keep working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReturnUrl {
    text: String,
    is_for_app: bool,
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ReturnUrl {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let schema = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        schema
            .description(Some(
                "A URL that people may be sent to: `https`, `http` for `localhost`, `127.0.0.1` or `[::1]`, or the scheme of an \
                 app: one in reverse-DNS form, such as `com.example.app:`, or one that the deployment allows by name. It must \
                 not have a fragment, credentials, one of the parameters `encrypted`, `kid`, `ts`, `nonce` and `sig`, or a \
                 parameter of a field. It is kept exactly as you send it.",
            ))
            .min_length(Some(1))
            .max_length(Some(MAX_CHARACTERS))
            .format(Some(utoipa::openapi::SchemaFormat::Custom("uri".to_owned())))
            .examples(["https://app.example/done"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ReturnUrl {}

/// Why a string is not a [`ReturnUrl`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadReturnUrl {
    /// The URL is empty or too long.
    #[error("must have 1 to {MAX_CHARACTERS} characters")]
    Length,
    /// The URL has a character that is not allowed in URLs.
    #[error(
        "must have only visible ASCII characters other than \" < > \\ ^ ` {{ | }}; percent-encode others, and write host names in punycode"
    )]
    Character,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("must have two hexadecimal digits after every %")]
    Encoding,
    /// The URL has a fragment. Parameters would have to be inserted before it.
    #[error("must not have a fragment")]
    Fragment,
    /// The URL is not absolute.
    #[error("must be an absolute URL, such as https://app.example/done")]
    Malformed,
    /// The URL has a user name or a password.
    #[error("must not have credentials")]
    Credentials,
    /// The URL is `http` for a host other than a loopback host.
    #[error("must be https; http is allowed for localhost only")]
    Insecure,
    /// The scheme is reserved and cannot be that of an app.
    #[error("must not have the scheme {0}")]
    Scheme(String),
    /// The query has an apostrophe. Browsers send it as `%27`, so the signature would not match.
    #[error("must have %27 instead of ' in its query, as browsers send it")]
    Apostrophe,
    /// The query has a parameter that Signpost adds.
    #[error("must not have the parameter {0}, which Signpost adds")]
    Parameter(String),
}

impl ReturnUrl {
    /// The URL as the customer wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme of an app in lower case; `None` if the URL is `https` or `http`.
    pub fn app_scheme(&self) -> Option<String> {
        let (scheme, _) = self.text.split_once(':').filter(|_| self.is_for_app)?;
        Some(scheme.to_ascii_lowercase())
    }

    /// Returns whether the URL is `http`, so it points to the person's own device.
    pub(super) fn is_local(&self) -> bool {
        Url::parse(&self.text).is_ok_and(|url| url.scheme() == "http")
    }

    /// Returns the URL with `query`, which must not be empty, appended to its own query.
    pub(super) fn with_query(&self, query: &str) -> String {
        let separator = match self.text.split_once('?') {
            None => "?",
            Some((_, own_query)) if own_query.is_empty() || own_query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{separator}{query}", self.text)
    }

    /// Returns the query that [`Self::with_query`] appended to this URL, from a URL that a browser sent. Returns `None` if the
    /// URL has another scheme, host, port or path, or lacks this URL's own query.
    ///
    /// Browsers write hosts in lower case and add the slash of an empty path, so these parts are compared after parsing. The
    /// query is compared byte for byte.
    pub(super) fn added_to<'a>(&self, received: &'a str) -> Option<&'a str> {
        let (expected, actual) = (without_query(&self.text)?, without_query(received)?);
        if expected != actual {
            return None;
        }
        let query = |text: &'a str| text.split_once('?').map_or("", |(_, query)| query);
        let own = self.text.split_once('?').map_or("", |(_, query)| query);
        let added = query(received).strip_prefix(own)?;
        if own.is_empty() || own.ends_with('&') || added.is_empty() { Some(added) } else { added.strip_prefix('&') }
    }
}

fn without_query(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_query(None);
    Some(url)
}

impl FromStr for ReturnUrl {
    type Err = BadReturnUrl;

    fn from_str(text: &str) -> Result<Self, BadReturnUrl> {
        if !(1..=MAX_CHARACTERS).contains(&text.len()) {
            return Err(BadReturnUrl::Length);
        }
        if !text.bytes().all(is_url_character) {
            return Err(BadReturnUrl::Character);
        }
        if text.contains('#') {
            return Err(BadReturnUrl::Fragment);
        }
        if !is_percent_encoded_well(text) {
            return Err(BadReturnUrl::Encoding);
        }
        let url = Url::parse(text).map_err(|_| BadReturnUrl::Malformed)?;
        // Browsers get the original string, not the parsed URL. So the parser must not have corrected anything, and the parts
        // that it found are checked in the original string.
        let authority = authority(text);
        let is_for_app = match url.scheme() {
            "https" | "http" if authority.is_none_or(str::is_empty) => return Err(BadReturnUrl::Malformed),
            "https" | "http" if web_url::is_secure(&url) => false,
            "http" => return Err(BadReturnUrl::Insecure),
            scheme if is_reserved(scheme) => return Err(BadReturnUrl::Scheme(scheme.to_owned())),
            _ => true,
        };
        if authority.is_some_and(|authority| authority.contains('@')) {
            return Err(BadReturnUrl::Credentials);
        }
        if !is_for_app && text.split_once('?').is_some_and(|(_, query)| query.contains('\'')) {
            return Err(BadReturnUrl::Apostrophe);
        }
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| is_added_by_signpost(name)) {
            return Err(BadReturnUrl::Parameter(name.into_owned()));
        }
        Ok(Self { text: text.to_owned(), is_for_app })
    }
}

fn is_url_character(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)
}

fn is_percent_encoded_well(text: &str) -> bool {
    let is_hex_pair = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.split('%').skip(1).all(is_hex_pair)
}

/// Returns the part between `://` and the path: user, host and port.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(':')?;
    rest.strip_prefix("//")?.split(['/', '?']).next()
}

/// Returns whether browsers use the scheme to run or show content of the URL, to open a file or program of the device, or for
/// something else than pages.
pub(super) fn is_reserved(scheme: &str) -> bool {
    matches!(
        scheme,
        "about"
            | "blob"
            | "cid"
            | "content"
            | "data"
            | "file"
            | "filesystem"
            | "ftp"
            | "intent"
            | "jar"
            | "javascript"
            | "mailto"
            | "sms"
            | "tel"
            | "vbscript"
            | "view-source"
            | "ws"
            | "wss"
    )
}

/// Compares without regard to case, because a receiver that ignores case would see the parameter twice.
fn is_added_by_signpost(name: &str) -> bool {
    let fields = ReturnField::ALL.into_iter().map(ReturnField::as_str);
    fields.chain(PROTECTION_PARAMETERS).any(|added| added.eq_ignore_ascii_case(name))
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for ReturnUrl {
    type Error = BadReturnUrl;

    fn try_from(text: String) -> Result<Self, BadReturnUrl> {
        text.parse()
    }
}

impl From<ReturnUrl> for String {
    fn from(url: ReturnUrl) -> Self {
        url.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<ReturnUrl, BadReturnUrl> {
        text.parse()
    }

    #[test]
    fn a_valid_url_is_kept_as_it_was_written() {
        for url in [
            "https://argosidentity.com",
            "HTTPS://App.Example:443/Done/../x",
            "https://app.example/done?lang=ko&tag[]=a",
            "https://app.example/%ED%95%9C?",
            "https://app.example/o'hara?name=o%27hara",
            "https://xn--argos-8ve.example/",
            "https://203.0.113.9/done",
            "http://localhost:3000/done",
            "http://127.0.0.1/",
            "http://[::1]:8080/",
        ] {
            let parsed = parse(url).unwrap();
            assert_eq!((parsed.as_str(), parsed.app_scheme()), (url, None));
        }
    }

    #[test]
    fn a_url_may_have_the_scheme_of_an_app() {
        for (url, scheme) in [
            ("yourapp://kyc/done", "yourapp"),
            ("Com.Example.App:/done?x=1", "com.example.app"),
            ("my-app+kyc:done", "my-app+kyc"),
        ] {
            assert_eq!(parse(url).unwrap().app_scheme().as_deref(), Some(scheme), "{url}");
        }
    }

    #[test]
    fn reserved_schemes_are_rejected() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "javascript://app.example/%0aalert(1)",
            "data:text/html,hi",
            "file:///etc/passwd",
            "vbscript:x",
            "blob:https://app.example/1",
            "about:blank",
            "view-source:https://app.example",
            "wss://app.example",
        ] {
            assert!(matches!(parse(url), Err(BadReturnUrl::Scheme(_))), "{url}: {:?}", parse(url));
        }
    }

    #[test]
    fn urls_that_browsers_would_correct_are_rejected() {
        for (url, bad) in [
            ("", BadReturnUrl::Length),
            (&format!("https://app.example/{}", "x".repeat(2048)), BadReturnUrl::Length),
            ("app.example/done", BadReturnUrl::Malformed),
            ("//app.example/done", BadReturnUrl::Malformed),
            ("/done", BadReturnUrl::Malformed),
            ("https:app.example", BadReturnUrl::Malformed),
            ("https:/app.example", BadReturnUrl::Malformed),
            ("https:///app.example", BadReturnUrl::Malformed),
            ("https://", BadReturnUrl::Malformed),
            ("https://?x=1", BadReturnUrl::Malformed),
            ("https://app.example:99999/", BadReturnUrl::Malformed),
            ("https:\\\\app.example", BadReturnUrl::Character),
            ("https://app.example\\@evil.example/", BadReturnUrl::Character),
            (" https://app.example", BadReturnUrl::Character),
            ("https://app.example/a b", BadReturnUrl::Character),
            ("https://app.example/\r\nset-cookie:x=1", BadReturnUrl::Character),
            ("https://app.example/\u{0}", BadReturnUrl::Character),
            ("java\tscript:alert(1)", BadReturnUrl::Character),
            ("https://аpp.example/", BadReturnUrl::Character),
            ("https://app.example/\">", BadReturnUrl::Character),
            ("https://app.example/100%", BadReturnUrl::Encoding),
            ("https://app.example/%0x", BadReturnUrl::Encoding),
            ("https://app.example/done#top", BadReturnUrl::Fragment),
            ("https://app.example/done?x=1#", BadReturnUrl::Fragment),
            ("https://user:pw@app.example/", BadReturnUrl::Credentials),
            ("https://app.example@evil.example/", BadReturnUrl::Credentials),
            ("https://@evil.example/", BadReturnUrl::Credentials),
            ("yourapp://user@done", BadReturnUrl::Credentials),
            ("http://app.example/", BadReturnUrl::Insecure),
            ("http://localhost.evil.example/", BadReturnUrl::Insecure),
            ("http://10.0.0.1/", BadReturnUrl::Insecure),
            ("https://app.example/?name=o'hara", BadReturnUrl::Apostrophe),
        ] {
            assert_eq!(parse(url), Err(bad), "{url:?}");
        }
    }

    #[test]
    fn a_url_with_a_parameter_that_signpost_adds_is_rejected() {
        for (url, name) in [
            ("https://app.example/?kycStatus=approved", "kycStatus"),
            ("https://app.example/?x=1&KYCSTATUS=approved", "KYCSTATUS"),
            ("https://app.example/?kyc%53tatus=approved", "kycStatus"),
            ("https://app.example/?sig=v1,x", "sig"),
            ("https://app.example/?Kid=x", "Kid"),
            ("yourapp:done?encrypted=x", "encrypted"),
        ] {
            assert_eq!(parse(url), Err(BadReturnUrl::Parameter(name.to_owned())), "{url}");
        }
    }

    #[test]
    fn parameters_are_appended_to_the_urls_own_query() {
        for (url, whole) in [
            ("https://app.example", "https://app.example?a=b"),
            ("https://app.example/done", "https://app.example/done?a=b"),
            ("https://app.example/done?", "https://app.example/done?a=b"),
            ("https://app.example/done?x=1", "https://app.example/done?x=1&a=b"),
            ("https://app.example/done?x=1&", "https://app.example/done?x=1&a=b"),
            ("https://app.example/done?x=?", "https://app.example/done?x=?&a=b"),
        ] {
            assert_eq!(parse(url).unwrap().with_query("a=b"), whole);
        }
    }

    #[test]
    fn added_parameters_are_separated_from_the_urls_own_query() {
        for (url, received, added) in [
            ("https://app.example", "https://app.example?a=b", Some("a=b")),
            ("https://app.example", "https://app.example/?a=b", Some("a=b")),
            ("HTTPS://App.Example:443/done", "https://app.example/done?a=b", Some("a=b")),
            ("https://app.example/x/../done", "https://app.example/done", Some("")),
            ("https://app.example/?x=1", "https://app.example/?x=1&a=b", Some("a=b")),
            ("https://app.example/?x=1&", "https://app.example/?x=1&a=b", Some("a=b")),
            ("https://app.example/?x=1", "https://app.example/?x=1", Some("")),
            ("https://app.example/?x=1", "https://app.example/?x=12&a=b", None),
            ("https://app.example/?x=1", "https://app.example/?a=b&x=1", None),
            ("https://app.example/done", "https://app.example/done/?a=b", None),
            ("https://app.example/done", "https://app.example/Done?a=b", None),
            ("https://app.example/", "https://app.example:8443/?a=b", None),
            ("https://app.example/", "http://app.example/?a=b", None),
            ("https://app.example/", "https://user@app.example/?a=b", None),
            ("https://app.example/", "https://app.example.evil.example/?a=b", None),
            ("yourapp://done", "yourapp://done?a=b", Some("a=b")),
            ("yourapp://done", "otherapp://done?a=b", None),
        ] {
            assert_eq!(parse(url).unwrap().added_to(received), added, "{url} {received}");
        }
    }

    proptest! {
        #[test]
        fn the_parser_never_panics_and_accepts_only_urls_that_are_safe_in_a_header(text in "(https://|yourapp:|[a-z]{1,6}:)?\\PC{0,60}") {
            if let Ok(url) = parse(&text) {
                prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(url.as_str(), text);
            }
        }
    }
}
