//! Proof that the owner of an endpoint's URL wants webhooks: the handshake of CloudEvents (HTTP 1.1 Web Hooks for Event Delivery,
//! version 1.0, section 4).
//!
//! Signpost sends an `OPTIONS` request with the header `WebHook-Request-Origin`. The receiver grants webhooks with the header
//! `WebHook-Allowed-Origin`. An endpoint whose ownership is not proved gets nothing: its deliveries are held.

use serde::{Deserialize, Serialize};

use super::{EndpointUrl, Pace};
use crate::foundation::time::Timestamp;
use crate::public_names;

public_names! {
    /// Whether the owner of an endpoint's URL must grant webhooks.
    #[derive(Default)]
    pub enum Ownership {
        /// Webhooks are sent without a handshake.
        #[default]
        None = "none",
        /// Webhooks are sent after the receiver has granted them in a handshake. A new URL needs a new handshake.
        Handshake = "handshake",
    }
}

/// The grant of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnershipProof {
    /// The URL whose owner granted webhooks.
    pub url: EndpointUrl,
    /// When the owner granted them.
    pub at: Timestamp,
    /// Number of webhooks per minute that the receiver allows. `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_rate: Option<Pace>,
}

/// Whether the value of `WebHook-Allowed-Origin` grants webhooks from `origin`. Host names do not depend on case.
pub fn allows(allowed_origin: &str, origin: &str) -> bool {
    let allowed = allowed_origin.trim();
    allowed == "*" || allowed.eq_ignore_ascii_case(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_origin_and_the_asterisk_grant_webhooks() {
        for (value, is_granted) in [
            ("api.signpost.example", true),
            (" API.Signpost.Example ", true),
            ("*", true),
            ("", false),
            ("signpost.example", false),
            ("evil.example, api.signpost.example", false),
            ("*.signpost.example", false),
        ] {
            assert_eq!(allows(value, "api.signpost.example"), is_granted, "{value:?}");
        }
    }
}
