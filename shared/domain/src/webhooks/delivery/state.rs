//! The states of a delivery.

use crate::public_names;

public_names! {
    /// State of a delivery.
    pub enum DeliveryState {
        /// No attempt has been recorded yet.
        Queued = "queued",
        /// Another attempt is scheduled.
        Waiting = "waiting",
        /// Attempts are on hold until the endpoint can be sent webhooks again.
        Held = "held",
        /// The receiver accepted the webhook. Final.
        Delivered = "delivered",
        /// All attempts failed. Final, unless a replay delivers it.
        Failed = "failed",
        /// The endpoint was deleted. Final.
        Cancelled = "cancelled",
    }
}

impl DeliveryState {
    /// Whether no further attempt follows.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Waiting | Self::Held => false,
            Self::Delivered | Self::Failed | Self::Cancelled => true,
        }
    }
}
