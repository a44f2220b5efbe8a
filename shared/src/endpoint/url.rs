//! Where an endpoint may be.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::address::{AddressGuard, BlockedUrl};

const MOST_CHARACTERS: usize = 2048;

/// RFC 1035, without the dot at the end.
const MOST_CHARACTERS_OF_HOST: usize = 253;

/// Where an endpoint takes its webhooks: `https`, a host name, port 443 or 8443, at most 2,048 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, max_length = 2048, format = "uri", example = "https://hooks.example.com/kyc"))]
#[serde(transparent)]
pub struct EndpointUrl(Url);

/// A text that is no [`EndpointUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEndpointUrl {
    /// It is no absolute URL.
    #[error("must be an absolute URL")]
    Malformed,
    /// It is too long.
    #[error("must have at most {MOST_CHARACTERS} characters")]
    TooLong,
    /// No name server knows names as long as its host.
    #[error("must have a host of at most {MOST_CHARACTERS_OF_HOST} characters")]
    HostTooLong,
    /// It has a fragment, which would never be sent.
    #[error("must not have a fragment")]
    Fragment,
    /// Webhooks may not go there.
    #[error(transparent)]
    Blocked(#[from] BlockedUrl),
}

impl EndpointUrl {
    /// Reads a URL that `guard` lets webhooks go to.
    pub fn parse(text: &str, guard: &AddressGuard) -> Result<Self, BadEndpointUrl> {
        if text.len() > MOST_CHARACTERS {
            return Err(BadEndpointUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| BadEndpointUrl::Malformed)?;
        // What is kept is the URL as it was read, which may be longer: its path is never empty, and what it quotes is encoded.
        if url.as_str().len() > MOST_CHARACTERS {
            return Err(BadEndpointUrl::TooLong);
        }
        if url.host_str().is_some_and(|host| host.len() > MOST_CHARACTERS_OF_HOST) {
            return Err(BadEndpointUrl::HostTooLong);
        }
        if url.fragment().is_some() {
            return Err(BadEndpointUrl::Fragment);
        }
        guard.check_url(&url)?;
        Ok(Self(url))
    }

    /// The URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_reader(text in "\\PC{0,120}") {
            let _ = EndpointUrl::parse(&text, &AddressGuard::default());
        }

        #[test]
        fn only_public_https_is_ever_accepted(
            scheme in "(https?|ftp|HTTPS)",
            user in "(|me@|me:pw@)",
            host in "([a-z0-9.-]{1,20}|[0-9.]{1,15}|\\[[0-9a-f:]{2,12}\\]|0x[0-9a-f]{1,8})(|\\.com|\\.example\\.com)",
            port in "(|:443|:8443|:80|:[0-9]{1,6})",
            path in "(|/[a-z?&=/#]{0,10})",
        ) {
            let text = format!("{scheme}://{user}{host}{port}{path}");
            if let Ok(url) = EndpointUrl::parse(&text, &AddressGuard::default()) {
                let url = url.as_url();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(matches!(url.host(), Some(url::Host::Domain(name)) if name.contains('.')), "{}", text);
                prop_assert!(matches!(url.port_or_known_default(), Some(443 | 8443)), "{}", text);
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{}", text);
            }
        }
    }

    #[test]
    fn the_longest_url_is_as_long_when_it_is_kept() {
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
    fn urls_that_cannot_be_meant_are_refused() {
        for url in ["", "example.com", "https://", "https://example.com/#top", "javascript:alert(1)", "//example.com"] {
            assert!(EndpointUrl::parse(url, &AddressGuard::default()).is_err(), "{url}");
        }
    }
}
