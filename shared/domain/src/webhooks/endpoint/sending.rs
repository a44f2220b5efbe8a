//! What the settings of an endpoint permit: whether webhooks may be sent to it, and how many.

use super::{Endpoint, EndpointState, Ownership, Pace};

/// Whether the settings of an endpoint permit webhooks. The health of its receiver may still hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendingState {
    /// Webhooks may be sent.
    Active,
    /// The receiver has not granted webhooks in a handshake. Nothing is sent to it, also no test.
    Unverified,
    /// The customer paused the endpoint.
    Paused,
}

impl Endpoint {
    /// Whether the settings permit webhooks.
    pub fn sending_state(&self) -> SendingState {
        match self.state {
            _ if self.ownership == Ownership::Handshake && !self.has_valid_proof() => SendingState::Unverified,
            EndpointState::Paused => SendingState::Paused,
            EndpointState::Active => SendingState::Active,
        }
    }

    /// Whether the endpoint asks for a handshake, and has the grant of the owner of its current URL.
    pub(super) fn has_valid_proof(&self) -> bool {
        let is_for_url = self.ownership_proof.as_ref().is_some_and(|proof| proof.url == self.url);
        self.ownership == Ownership::Handshake && is_for_url
    }

    /// Maximum number of webhooks per minute: the smaller one of what the customer set and what the receiver allows.
    pub fn effective_pace(&self) -> Option<Pace> {
        let proof = self.ownership_proof.as_ref().filter(|_| self.has_valid_proof());
        let allowed = proof.and_then(|proof| proof.allowed_rate);
        self.pace.into_iter().chain(allowed).min()
    }
}
