//! Why deliveries are held, why an endpoint was disabled, and why an attempt failed.

use serde::{Deserialize, Serialize};

use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::attempt::{Attempt, FailureReason};

public_names! {
    /// Why a delivery is held.
    pub enum HoldReason {
        /// The customer paused the endpoint.
        Paused = "paused",
        /// The endpoint is disabled because its receiver answered 410 or failed for too long.
        Disabled = "disabled",
        /// Several attempts in a row failed, so the endpoint's circuit breaker is open.
        Failing = "failing",
        /// The receiver answered 429 or 503 and gets time to recover.
        Busy = "busy",
        /// The receiver has not granted webhooks in a handshake.
        Unverified = "unverified",
    }
}

public_names! {
    /// Why an endpoint was disabled.
    pub enum DisableReason {
        /// The receiver answered 410.
        Gone = "gone",
        /// The receiver failed for days without accepting a webhook.
        Failing = "failing",
    }
}

/// An endpoint disabled by its health. It stays disabled until the customer enables it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When the endpoint was disabled.
    pub at: Timestamp,
    /// Why the endpoint was disabled.
    #[serde(rename = "because")]
    pub reason: DisableReason,
}

/// Why the most recent attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastFailure {
    /// Why the attempt failed.
    pub reason: FailureReason,
    /// HTTP status of the response. Absent if there was no response. With a reason that begins with `token-`, the status of the token
    /// server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl LastFailure {
    pub(super) fn of(attempt: &Attempt) -> Option<Self> {
        attempt.reason.map(|reason| Self { reason, status: attempt.status })
    }
}
