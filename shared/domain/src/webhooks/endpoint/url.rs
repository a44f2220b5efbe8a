//! The URL of an endpoint.

use percent_encoding::percent_encode_byte;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use crate::foundation::web_url;
use crate::webhooks::address::{AddressGuard, BlockedUrl};

const MAX_CHARACTERS: usize = 2048;

/// Limit of RFC 1035, without the trailing dot.
const MAX_HOST_CHARACTERS: usize = 253;

/// URL that webhooks are sent to: `https`, a public host name, port 443 or 8443, at most 2,048 characters. Path and query contain
/// only characters that RFC 3986 allows there. Others are percent-encoded, because some servers reject them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, max_length = 2048, format = "uri", example = "https://hooks.example.com/kyc"))]
#[serde(from = "Url", into = "Url")]
pub struct EndpointUrl(Url);

/// A string that is not an [`EndpointUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEndpointUrl {
    /// It is not an absolute URL.
    #[error("must be an absolute URL")]
    Malformed,
    /// It is too long.
    #[error("must have at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// Its host is longer than DNS allows.
    #[error("must have a host of at most {MAX_HOST_CHARACTERS} characters")]
    HostTooLong,
    /// It has a control character, or a space at its start or end. The parser would drop most of them, which changes the path.
    #[error("must not have control characters, such as tabs and line breaks, or spaces at its start or end")]
    Control,
    /// It has a backslash, which some clients read as a slash and others as part of the host.
    #[error("must not have a backslash")]
    Backslash,
    /// It has a percent sign that does not begin an encoded character.
    #[error("must have two hexadecimal digits after each percent sign; write %25 for a percent sign")]
    Percent,
    /// It has a fragment, which HTTP never sends.
    #[error("must not have a fragment")]
    Fragment,
    /// The host is no name that DNS can have (RFC 1035, section 2.3.4), such as `{tenant}.example.com`.
    #[error(
        "must have a host name of letters, digits, hyphens and underscores, with at most 63 characters between dots"
    )]
    HostName,
    /// The address guard blocks it.
    #[error(transparent)]
    Blocked(#[from] BlockedUrl),
}

impl EndpointUrl {
    /// Reads a URL. Fails if `guard` blocks it.
    pub fn parse(text: &str, guard: &AddressGuard) -> Result<Self, BadEndpointUrl> {
        if text.len() > MAX_CHARACTERS {
            return Err(BadEndpointUrl::TooLong);
        }
        if web_url::has_dropped_character(text) {
            return Err(BadEndpointUrl::Control);
        }
        if text.contains('\\') {
            return Err(BadEndpointUrl::Backslash);
        }
        if has_stray_percent(text) {
            return Err(BadEndpointUrl::Percent);
        }
        let url = encode_illegal(Url::parse(text).map_err(|_| BadEndpointUrl::Malformed)?);
        // The stored form may be longer than the input, because parsing adds an empty path and percent-encodes
        // characters.
        if url.as_str().len() > MAX_CHARACTERS {
            return Err(BadEndpointUrl::TooLong);
        }
        if url.host_str().is_some_and(|host| host.len() > MAX_HOST_CHARACTERS) {
            return Err(BadEndpointUrl::HostTooLong);
        }
        if url.fragment().is_some() {
            return Err(BadEndpointUrl::Fragment);
        }
        if let Some(Host::Domain(domain)) = url.host()
            && !domain.trim_end_matches('.').split('.').all(is_label)
        {
            return Err(BadEndpointUrl::HostName);
        }
        guard.check_url(&url)?;
        Ok(Self(url))
    }

    /// Whether another URL has the same scheme, host and port.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// The parsed URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

/// Whether this can be a part of a host name. Host names that DNS does not allow never resolve.
fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(is_allowed) && !label.starts_with('-') && !label.ends_with('-')
}

/// Percent-encodes illegal characters in URLs that earlier versions stored.
impl From<Url> for EndpointUrl {
    fn from(url: Url) -> Self {
        Self(encode_illegal(url))
    }
}

impl From<EndpointUrl> for Url {
    fn from(url: EndpointUrl) -> Self {
        url.0
    }
}

fn is_encoded_at(text: &[u8], percent: usize) -> bool {
    text.get(percent + 1..percent + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

fn has_stray_percent(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).any(|index| bytes[index] == b'%' && !is_encoded_at(bytes, index))
}

/// Percent-encodes characters that RFC 3986 (sections 3.3 and 3.4) does not allow in path and query. The parser follows the WHATWG
/// standard and keeps some of them, such as `|`, `^` and braces.
fn encode_illegal(mut url: Url) -> Url {
    let path = encode(url.path(), "/");
    let query = url.query().map(|query| encode(query, "/?"));
    if path != url.path() {
        url.set_path(&path);
    }
    if query.as_deref() != url.query() {
        url.set_query(query.as_deref());
    }
    url
}

/// Percent-encodes all characters except those of `pchar` (RFC 3986) and `others`.
fn encode(text: &str, others: &str) -> String {
    let bytes = text.as_bytes();
    let mut encoded = String::with_capacity(text.len());
    for (index, &byte) in bytes.iter().enumerate() {
        let is_legal = byte.is_ascii_alphanumeric()
            || b"-._~!$&'()*+,;=:@".contains(&byte)
            || others.as_bytes().contains(&byte)
            || (byte == b'%' && is_encoded_at(bytes, index));
        if is_legal {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(percent_encode_byte(byte));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parsing_untrusted_input_never_panics(input in "\\PC{0,120}") {
            let _ = EndpointUrl::parse(&input, &AddressGuard::default());
        }

        #[test]
        fn path_and_query_have_only_legal_characters_and_read_back_the_same(rest in "[/?][ -~\u{e9}]{0,40}") {
            if let Ok(url) = EndpointUrl::parse(&format!("https://example.com{rest}"), &AddressGuard::default()) {
                let rest = &url.as_url()[url::Position::BeforePath..];
                let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
                prop_assert!(rest.bytes().all(is_legal) && !has_stray_percent(rest), "{rest}");
                prop_assert_eq!(EndpointUrl::parse(url.as_url().as_str(), &AddressGuard::default()), Ok(url));
            }
        }

        #[test]
        fn only_public_https_urls_are_accepted(
            scheme in "(https?|ftp|HTTPS)",
            user in "(|me@|me:pw@)",
            host in "([a-z0-9.-]{1,20}|[0-9.]{1,15}|\\[[0-9a-f:]{2,12}\\]|0x[0-9a-f]{1,8})(|\\.com|\\.example\\.com)",
            port in "(|:443|:8443|:80|:[0-9]{1,6})",
            path in "(|/[a-z?&=/#]{0,10})",
        ) {
            let input = format!("{scheme}://{user}{host}{port}{path}");
            if let Ok(url) = EndpointUrl::parse(&input, &AddressGuard::default()) {
                let url = url.as_url();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(matches!(url.host(), Some(url::Host::Domain(name)) if name.contains('.')), "{}", input);
                prop_assert!(matches!(url.port_or_known_default(), Some(443 | 8443)), "{}", input);
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{}", input);
            }
        }
    }

    #[test]
    fn the_length_limits_apply_to_the_stored_form() {
        let url = |path: &str| EndpointUrl::parse(&format!("https://example.com{path}"), &AddressGuard::default());
        let longest = format!("/{}", "a".repeat(2048 - "https://example.com/".len()));
        assert_eq!(url(&longest).unwrap().as_url().as_str().len(), 2048);
        assert_eq!(url(&longest.replacen('a', "é", 1)), Err(BadEndpointUrl::TooLong));
        assert_eq!(url(&longest.replacen('a', " ", 1)), Err(BadEndpointUrl::TooLong));
        assert_eq!(url(&format!("?{}", &longest[1..])), Err(BadEndpointUrl::TooLong));
        let long_host = format!("https://{}com/", "a.".repeat(126));
        assert_eq!(EndpointUrl::parse(&long_host, &AddressGuard::default()), Err(BadEndpointUrl::HostTooLong));
    }

    #[test]
    fn illegal_characters_in_path_and_query_are_encoded() {
        let url = |path: &str| {
            let url = EndpointUrl::parse(&format!("https://example.com{path}"), &AddressGuard::default()).unwrap();
            url.as_url().as_str().strip_prefix("https://example.com").unwrap().to_owned()
        };
        assert_eq!(url("/hook?r={}"), "/hook?r=%7B%7D");
        assert_eq!(url("/a|b^c`d{e}[f]?a|b^c`d{e}[f]"), "/a%7Cb%5Ec%60d%7Be%7D%5Bf%5D?a%7Cb%5Ec%60d%7Be%7D%5Bf%5D");
        assert_eq!(url("/caf\u{e9} \"<>?\u{e9} \"<>'"), "/caf%C3%A9%20%22%3C%3E?%C3%A9%20%22%3C%3E%27");
        let legal = "/a%7B/b;c=1,2:@!$&()*+-._~?x=%2F/?&y=a+b:@!$()*,;-._~";
        assert_eq!(url(legal), legal);
    }

    #[test]
    fn control_characters_and_outer_spaces_are_refused_and_never_dropped() {
        for url in [
            "https://example.com/a\tb",
            "https://example.com/a\nb",
            "https://example.com/a\rb",
            "https://example.com/\0",
            "https://example.com/?a\u{1f}b",
            "https://example.com/\u{7f}",
            "https://example.com/\u{85}",
            "https://exam\tple.com/",
            "ht\ntps://example.com/",
            " https://example.com/",
            "https://example.com/ ",
            "https://example.com/\u{a0}",
        ] {
            assert_eq!(EndpointUrl::parse(url, &AddressGuard::default()), Err(BadEndpointUrl::Control), "{url:?}");
        }
        // Encoded characters are part of the path.
        let url = EndpointUrl::parse("https://example.com/a%09b%0A%00", &AddressGuard::default()).unwrap();
        assert_eq!(url.as_url().path(), "/a%09b%0A%00");
    }

    #[test]
    fn backslashes_and_stray_percent_signs_are_refused() {
        let read = |url: &str| EndpointUrl::parse(url, &"localhost=127.0.0.0/8".parse().unwrap());
        for url in [
            r"https://example.com\@10.0.0.1/",
            r"https://example.com/a\b",
            r"https://example.com/?a\b",
            r"https:\\example.com/",
            r"http://localhost\@example.com/",
        ] {
            assert_eq!(read(url), Err(BadEndpointUrl::Backslash), "{url}");
        }
        for url in
            ["https://example.com/%zz", "https://example.com/?100%", "https://example.com/%4", "https://a.example/%%41"]
        {
            assert_eq!(read(url), Err(BadEndpointUrl::Percent), "{url}");
        }
    }

    #[test]
    fn a_stored_url_with_illegal_characters_is_read_as_a_legal_one() {
        let stored = |url: &str| serde_json::from_value::<EndpointUrl>(url.into()).unwrap();
        assert_eq!(
            stored("https://example.com/hook?r={}&x=%zz").as_url().as_str(),
            "https://example.com/hook?r=%7B%7D&x=%25zz"
        );
        let url = stored("https://example.com/a%7B?b");
        assert_eq!(serde_json::to_value(&url).unwrap(), "https://example.com/a%7B?b");
    }

    #[test]
    fn malformed_urls_are_refused() {
        for url in ["", "example.com", "https://", "https://example.com/#top", "javascript:alert(1)", "//example.com"] {
            assert!(EndpointUrl::parse(url, &AddressGuard::default()).is_err(), "{url}");
        }
    }

    #[test]
    fn a_host_that_dns_cannot_have_is_refused() {
        let long = "a".repeat(64);
        for host in [
            "{tenant}.example.com",
            "a`b.example.com",
            "*.example.com",
            "a,b.example.com",
            "-a.example.com",
            "a-.example.com",
            &long,
        ] {
            let url = format!("https://{host}.example.com/hook");
            assert_eq!(EndpointUrl::parse(&url, &AddressGuard::default()), Err(BadEndpointUrl::HostName), "{host}");
        }
        for host in [
            "my_service.example.com",
            "1.example.com",
            "xn--bcher-kva.example",
            "b\u{fc}cher.example",
            "a.example.com.",
        ] {
            assert!(EndpointUrl::parse(&format!("https://{host}/"), &AddressGuard::default()).is_ok(), "{host}");
        }
    }
}
