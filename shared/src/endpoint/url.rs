//! Where an endpoint may be.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::address::{AddressGuard, BlockedUrl};

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
    use super::*;

    #[test]
    fn urls_that_cannot_be_meant_are_refused() {
        for url in ["", "example.com", "https://", "https://example.com/#top", "javascript:alert(1)", "//example.com"] {
            assert!(EndpointUrl::parse(url, &AddressGuard::default()).is_err(), "{url}");
        }
    }
}
