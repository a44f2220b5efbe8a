//! Which URLs people may be brought back to.

use std::fmt;
use std::str::FromStr;

use ::url::{Host, Url};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ReturnField;

const MOST_CHARACTERS: usize = 2048;

/// The parameter that holds the encrypted fields.
pub(super) const ENCRYPTED: &str = "encrypted";
/// The parameter that names the key of a ciphertext.
pub(super) const KEY_ID: &str = "kid";
/// The parameter that says when a URL was signed, in seconds since 1970.
pub(super) const SIGNED_AT: &str = "ts";
/// The parameter that makes every signed URL different.
pub(super) const NONCE: &str = "nonce";
/// The parameter that holds the signature.
pub(super) const SIGNATURE: &str = "sig";

/// Parameters that Signpost adds besides the fields.
const PROTECTION_PARAMETERS: [&str; 5] = [ENCRYPTED, KEY_ID, SIGNED_AT, NONCE, SIGNATURE];

/// A URL that a person may be brought back to, kept exactly as it was written: nothing is added, re-encoded or
/// lower-cased, because receivers compare it.
///
/// It is `https`, or `http` on this machine (`localhost`, `127.0.0.1`, `[::1]`), or has the scheme of an app. It has
/// at most 2,048 characters, no fragment, no credentials, and none of the parameters that Signpost adds.
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
                "A URL that a person may be brought back to: `https`, `http` on this machine, or the scheme of an app. No \
                 fragment, no credentials, none of the parameters `encrypted`, `kid`, `ts`, `nonce`, `sig`; kept exactly as it \
                 was written.",
            ))
            .min_length(Some(1))
            .max_length(Some(MOST_CHARACTERS))
            .format(Some(utoipa::openapi::SchemaFormat::Custom("uri".to_owned())))
            .examples(["https://app.example/done"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ReturnUrl {}

/// A text that is no [`ReturnUrl`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadReturnUrl {
    /// It is empty or too long.
    #[error("must have 1 to {MOST_CHARACTERS} characters")]
    Length,
    /// It has a character that no URL has.
    #[error(
        "must have only visible ASCII characters other than \" < > \\ ^ ` {{ | }}; write others percent-encoded, and host names in punycode"
    )]
    Character,
    /// A `%` is not followed by two hexadecimal digits.
    #[error("must have two hexadecimal digits after every %")]
    Encoding,
    /// It has a fragment, which the parameters would have to stand before.
    #[error("must not have a fragment")]
    Fragment,
    /// It is no absolute URL.
    #[error("must be an absolute URL, such as https://app.example/done")]
    Malformed,
    /// It names a user or a password.
    #[error("must not have credentials")]
    Credentials,
    /// It is neither `https` nor local.
    #[error("must be https; http is only for localhost")]
    Insecure,
    /// Its scheme is not an app's.
    #[error("must not have the scheme {0}")]
    Scheme(String),
    /// Its query has an apostrophe, which browsers write as `%27`: a signature over the one does not fit the other.
    #[error("must have %27 in place of ' in its query, as browsers send it")]
    Apostrophe,
    /// Its query already has a parameter that Signpost adds.
    #[error("must not already have the parameter {0}")]
    Parameter(String),
}

impl ReturnUrl {
    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether its scheme is an app's own, as opposed to `https` and `http`.
    pub fn is_for_app(&self) -> bool {
        self.is_for_app
    }

    /// The URL with `query`, which is not empty, after the query it already has.
    pub(super) fn with_query(&self, query: &str) -> String {
        let joint = match self.text.split_once('?') {
            None => "?",
            Some((_, own_query)) if own_query.is_empty() || own_query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{joint}{query}", self.text)
    }

    /// What [`Self::with_query`] added, in a URL that a browser brought: `None` if it leads elsewhere, or lacks the query
    /// that this URL has of its own. Browsers write hosts in lower case and add the slash of an empty path, so scheme,
    /// host, port and path are compared as they read them; the query is compared as it stands.
    pub(super) fn added_to<'a>(&self, brought: &'a str) -> Option<&'a str> {
        let is_same_place = place(&self.text).is_some_and(|own| place(brought).is_some_and(|other| own == other));
        if !is_same_place {
            return None;
        }
        let query = |text: &'a str| text.split_once('?').map_or("", |(_, query)| query);
        let own = self.text.split_once('?').map_or("", |(_, query)| query);
        let added = query(brought).strip_prefix(own)?;
        if own.is_empty() || own.ends_with('&') || added.is_empty() { Some(added) } else { added.strip_prefix('&') }
    }
}

/// A URL without its query.
fn place(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_query(None);
    Some(url)
}

impl FromStr for ReturnUrl {
    type Err = BadReturnUrl;

    fn from_str(text: &str) -> Result<Self, BadReturnUrl> {
        if !(1..=MOST_CHARACTERS).contains(&text.len()) {
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
        // The text is what browsers get, so what the parser read out of it is checked, and that it had nothing to mend.
        let authority = authority(text);
        let is_for_app = match url.scheme() {
            "https" | "http" if authority.is_none_or(str::is_empty) => return Err(BadReturnUrl::Malformed),
            "https" => false,
            "http" if is_local(&url) => false,
            "http" => return Err(BadReturnUrl::Insecure),
            scheme if is_nobodys_app(scheme) => return Err(BadReturnUrl::Scheme(scheme.to_owned())),
            _ => true,
        };
        if authority.is_some_and(|authority| authority.contains('@')) {
            return Err(BadReturnUrl::Credentials);
        }
        if !is_for_app && text.split_once('?').is_some_and(|(_, query)| query.contains('\'')) {
            return Err(BadReturnUrl::Apostrophe);
        }
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| is_ours(name)) {
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

/// What stands between `://` and the path: user, host and port.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(':')?;
    rest.strip_prefix("//")?.split(['/', '?']).next()
}

/// Schemes that run or show what the URL itself holds, open something of the device, or are not for pages.
fn is_nobodys_app(scheme: &str) -> bool {
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

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Whether Signpost adds this parameter, however its letters are cased: receivers that fold case would see it twice.
fn is_ours(name: &str) -> bool {
    let fields = ReturnField::ALL.into_iter().map(ReturnField::key);
    fields.chain(PROTECTION_PARAMETERS).any(|ours| ours.eq_ignore_ascii_case(name))
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
    fn good_urls_are_kept_as_they_were_written() {
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
            assert_eq!((parsed.as_str(), parsed.is_for_app()), (url, false));
        }
    }

    #[test]
    fn apps_have_schemes_of_their_own() {
        for url in ["yourapp://kyc/done", "com.example.app:/done?x=1", "my-app+kyc:done"] {
            assert!(parse(url).unwrap().is_for_app(), "{url}");
        }
    }

    #[test]
    fn schemes_that_run_or_open_something_are_nobodys_app() {
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
    fn what_browsers_would_mend_is_refused() {
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
    fn parameters_that_signpost_adds_cannot_be_there_already() {
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
    fn an_own_query_is_kept_and_continued() {
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
    fn what_was_added_is_told_from_the_own_query() {
        for (url, brought, added) in [
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
            assert_eq!(parse(url).unwrap().added_to(brought), added, "{url} {brought}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser_and_what_it_takes_is_safe_in_a_header(text in "(https://|yourapp:|[a-z]{1,6}:)?\\PC{0,60}") {
            if let Ok(url) = parse(&text) {
                prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(url.as_str(), text);
            }
        }
    }
}
