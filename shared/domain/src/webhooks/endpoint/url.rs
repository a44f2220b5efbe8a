//! The URL of an endpoint.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::webhooks::address::{AddressGuard, BlockedUrl};

const MAX_CHARACTERS: usize = 2048;

/// Limit of RFC 1035, without the trailing dot.
const MAX_HOST_CHARACTERS: usize = 253;

/// URL that webhooks are sent to: `https`, a public host name, port 443 or 8443, at most 2,048 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, max_length = 2048, format = "uri", example = "https://hooks.example.com/kyc"))]
#[serde(transparent)]
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
    /// It has a fragment, which HTTP never sends.
    #[error("must not have a fragment")]
    Fragment,
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
        let url = Url::parse(text).map_err(|_| BadEndpointUrl::Malformed)?;
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
        guard.check_url(&url)?;
        Ok(Self(url))
    }

    /// The parsed URL.
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
        fn parsing_untrusted_input_never_panics(input in "\\PC{0,120}") {
            let _ = EndpointUrl::parse(&input, &AddressGuard::default());
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
    fn malformed_urls_are_refused() {
        for url in ["", "example.com", "https://", "https://example.com/#top", "javascript:alert(1)", "//example.com"] {
            assert!(EndpointUrl::parse(url, &AddressGuard::default()).is_err(), "{url}");
        }
    }
}
