//! The states of a delivery.

use crate::public_names;
use crate::webhooks::health::HoldReason;

public_names! {
    /// State of a delivery.
    pub enum DeliveryState {
        /// No attempt has been recorded yet.
        Queued = "queued",
        /// Another attempt is scheduled.
        Waiting = "waiting",
        /// Attempts are on hold until the endpoint can be sent webhooks again, or until an earlier delivery has ended.
        Held = "held",
        /// The receiver accepted the webhook. Final.
        Delivered = "delivered",
        /// All attempts failed. Final, unless a replay delivers it.
        Failed = "failed",
        /// The endpoint was deleted, the event was erased, or held deliveries were discarded. Final.
        Cancelled = "cancelled",
        /// The delivery was held, or waited for an attempt, until a day before its event is deleted. Final, unless a replay
        /// delivers it.
        Expired = "expired",
    }
}

public_names! {
    /// Why a delivery is held.
    pub enum DeliveryHoldReason {
        /// The customer paused the endpoint.
        Paused = "paused",
        /// The endpoint is disabled because its receiver answered 410 or failed for too long.
        Disabled = "disabled",
        /// Several attempts in a row failed, so the endpoint's circuit breaker is open.
        Failing = "failing",
        /// The receiver answered 429 or 503 and gets time to recover.
        Busy = "busy",
        /// The endpoint is `ordered`, and the delivery of an earlier event of the same submission has not ended.
        Order = "order",
        /// The receiver has not granted webhooks in a handshake.
        Unverified = "unverified",
        /// The endpoint has a `pace`, and the webhooks of the next 15 minutes are planned.
        Pace = "pace",
    }
}

impl From<HoldReason> for DeliveryHoldReason {
    fn from(reason: HoldReason) -> Self {
        match reason {
            HoldReason::Paused => Self::Paused,
            HoldReason::Disabled => Self::Disabled,
            HoldReason::Failing => Self::Failing,
            HoldReason::Busy => Self::Busy,
            HoldReason::Unverified => Self::Unverified,
        }
    }
}

public_names! {
    /// Why a delivery was cancelled.
    pub enum CancelReason {
        /// The endpoint was deleted.
        EndpointDeleted = "endpoint-deleted",
        /// The data of the event was erased.
        EventErased = "event-erased",
        /// The held deliveries of the endpoint were discarded.
        Discarded = "discarded",
    }
}

impl DeliveryState {
    /// Whether no further attempt follows.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Waiting | Self::Held => false,
            Self::Delivered | Self::Failed | Self::Cancelled | Self::Expired => true,
        }
    }
}
