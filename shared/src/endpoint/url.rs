//! Where an endpoint may be.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::address::{AddressGuard, BlockedUrl};

/// Where an endpoint takes its webhooks: `https`, a host name, port 443 or 8443, at most 2,048 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointUrl(Url);

/// A text that is no [`EndpointUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEndpointUrl {
    /// It is no absolute URL.
    #[error("must be an absolute URL")]
    Malformed,
    /// It is too long.
    #[error("must have at most 2048 characters")]
    TooLong,
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
        if text.len() > 2048 {
            return Err(BadEndpointUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| BadEndpointUrl::Malformed)?;
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
    fn urls_that_cannot_be_meant_are_refused() {
        for url in ["", "example.com", "https://", "https://example.com/#top", "javascript:alert(1)", "//example.com"] {
            assert!(EndpointUrl::parse(url, &AddressGuard::default()).is_err(), "{url}");
        }
    }
}
