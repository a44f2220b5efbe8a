//! Handshakes: Signpost asks a receiver whether it wants webhooks (CloudEvents, HTTP 1.1 Web Hooks for Event Delivery, version 1.0,
//! section 4).
//!
//! A handshake is one `OPTIONS` request, made when a caller asks for it. It is never retried, and kept for 24 hours.

use std::time::Duration;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use crate::foundation::id::{EndpointId, EventId};
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::endpoint::{EndpointUrl, OwnershipProof, Pace, allows};

/// How long a handshake and its result are stored.
pub const RETENTION: Duration = Duration::from_hours(24);

/// Maximum time between the request for a handshake and its sending. After that, the caller is no longer waiting.
pub const MAX_WAIT: Duration = Duration::from_secs(30);

/// Header of the request: the host that asks for permission.
pub const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");

/// Header of the request: the number of webhooks per minute that the customer wants, if there is a limit.
pub const REQUEST_RATE: HeaderName = HeaderName::from_static("webhook-request-rate");

/// Header of the response: the host that gets the permission, or `*`.
pub const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");

/// Header of the response: the number of webhooks per minute that the receiver allows, or `*`.
pub const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// A handshake and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    /// Id of the handshake.
    pub id: EventId,
    /// Endpoint whose receiver is asked.
    pub endpoint_id: EndpointId,
    /// URL that the request goes to.
    pub url: EndpointUrl,
    /// Number of webhooks per minute that the request asks for: the `pace` of the endpoint. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_rate: Option<Pace>,
    /// Whether and how the receiver answered.
    #[serde(flatten)]
    pub state: HandshakeAnswer,
}

/// Whether and how the receiver answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum HandshakeAnswer {
    /// The receiver has not answered yet.
    Pending,
    /// The receiver granted webhooks.
    Granted {
        /// Number of webhooks per minute that the receiver allows. Absent: any number.
        #[serde(rename = "allowedRate", default, skip_serializing_if = "Option::is_none")]
        allowed_rate: Option<Pace>,
        /// The request with the response.
        attempt: Attempt,
    },
    /// The receiver did not grant webhooks.
    Refused {
        /// Why this is not a grant.
        #[serde(rename = "refusedBecause")]
        reason: RefusalReason,
        /// Value of the header `WebHook-Allowed-Origin` in the response.
        #[serde(rename = "allowedOrigin", default, skip_serializing_if = "Option::is_none")]
        allowed_origin: Option<String>,
        /// The request with the response.
        attempt: Attempt,
    },
}

public_names! {
    /// Why an answer is not a grant.
    pub enum RefusalReason {
        /// The request failed, or the response had a status other than 200–299. The attempt says why.
        RequestFailed = "request-failed",
        /// The response has no header `WebHook-Allowed-Origin`, or its value is neither the origin of the request nor `*`.
        NotAllowed = "not-allowed",
        /// The header `WebHook-Allowed-Rate` of the response is neither a number above zero nor `*`.
        InvalidRate = "invalid-rate",
    }
}

/// The headers of a response that matter in a handshake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantHeaders {
    /// Value of `WebHook-Allowed-Origin`.
    pub allowed_origin: Option<String>,
    /// Value of `WebHook-Allowed-Rate`.
    pub allowed_rate: Option<String>,
}

impl GrantHeaders {
    /// The number of webhooks per minute that the receiver allows, if the answer is a grant to `origin`.
    fn grant(&self, origin: &str, attempt: &Attempt) -> Result<Option<Pace>, RefusalReason> {
        if !attempt.succeeded() {
            return Err(RefusalReason::RequestFailed);
        }
        if !self.allowed_origin.as_deref().is_some_and(|allowed| allows(allowed, origin)) {
            return Err(RefusalReason::NotAllowed);
        }
        match self.allowed_rate.as_deref() {
            Some(rate) => Pace::of_allowed_rate(rate).map_err(|_| RefusalReason::InvalidRate),
            None => Ok(None),
        }
    }
}

impl Handshake {
    /// Whether the receiver has not been asked, or has not answered.
    pub fn is_pending(&self) -> bool {
        self.state == HandshakeAnswer::Pending
    }

    /// Whether it is too late to ask the receiver at `now`.
    pub fn is_late(&self, now: Timestamp) -> bool {
        now.since(self.id.created_at()) > MAX_WAIT
    }

    /// Sets the result of the handshake. `origin` is the origin of the request.
    #[must_use]
    pub fn answered(self, origin: &str, attempt: Attempt, headers: GrantHeaders) -> Self {
        let state = match headers.grant(origin, &attempt) {
            Ok(allowed_rate) => HandshakeAnswer::Granted { allowed_rate, attempt },
            Err(reason) => HandshakeAnswer::Refused { reason, allowed_origin: headers.allowed_origin, attempt },
        };
        Self { state, ..self }
    }

    /// The proof of ownership, if the receiver granted webhooks.
    pub fn proof(&self) -> Option<OwnershipProof> {
        match &self.state {
            HandshakeAnswer::Granted { allowed_rate, attempt } => {
                Some(OwnershipProof { url: self.url.clone(), at: attempt.at, allowed_rate: *allowed_rate })
            }
            HandshakeAnswer::Pending | HandshakeAnswer::Refused { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::address::AddressGuard;
    use crate::webhooks::attempt::{FailureReason, Phases};

    const ORIGIN: &str = "api.signpost.example";

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn answered(reason: Option<FailureReason>, allowed_origin: Option<&str>, allowed_rate: Option<&str>) -> Handshake {
        let pending = Handshake {
            id: EventId::new(now(), &SystemRandom),
            endpoint_id: EndpointId::new(now(), &SystemRandom),
            url: EndpointUrl::parse("https://hooks.example.com/", &AddressGuard::default()).unwrap(),
            requested_rate: None,
            state: HandshakeAnswer::Pending,
        };
        let (phases, status) = (Phases::default(), Some(200));
        let attempt = Attempt { number: 1, at: now(), duration_ms: 9, phases, status, reason, response: None };
        let text = |value: Option<&str>| value.map(str::to_owned);
        let headers = GrantHeaders { allowed_origin: text(allowed_origin), allowed_rate: text(allowed_rate) };
        pending.answered(ORIGIN, attempt, headers)
    }

    fn refusal(handshake: &Handshake) -> Option<RefusalReason> {
        match &handshake.state {
            HandshakeAnswer::Refused { reason, .. } => Some(*reason),
            HandshakeAnswer::Pending | HandshakeAnswer::Granted { .. } => None,
        }
    }

    #[test]
    fn a_grant_needs_a_success_and_our_origin() {
        let granted = answered(None, Some(ORIGIN), Some("120"));
        let proof = granted.proof().unwrap();
        assert_eq!((proof.url, proof.at, proof.allowed_rate.map(Pace::per_minute)), (granted.url, now(), Some(120)));
        assert_eq!(answered(None, Some("*"), Some("*")).proof().unwrap().allowed_rate, None);
        for (reason, allowed, rate, expected) in [
            (None, None, None, RefusalReason::NotAllowed),
            (None, Some("other.example"), None, RefusalReason::NotAllowed),
            (None, Some(ORIGIN), Some("0"), RefusalReason::InvalidRate),
            (None, Some(ORIGIN), Some("60, 120"), RefusalReason::InvalidRate),
            (Some(FailureReason::Status), Some(ORIGIN), None, RefusalReason::RequestFailed),
            (Some(FailureReason::Timeout), None, None, RefusalReason::RequestFailed),
        ] {
            let refused = answered(reason, allowed, rate);
            assert_eq!((refusal(&refused), refused.proof()), (Some(expected), None), "{reason:?} {allowed:?} {rate:?}");
        }
    }

    #[test]
    fn a_handshake_survives_a_round_trip_through_json() {
        for handshake in [answered(None, Some("*"), Some("5")), answered(None, None, None)] {
            let json = serde_json::to_value(&handshake).unwrap();
            assert_eq!(serde_json::from_value::<Handshake>(json).unwrap(), handshake);
        }
    }
}
