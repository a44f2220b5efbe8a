//! The recorded result of each replay of a delivery.

use serde::{Deserialize, Serialize};

use crate::foundation::id::ReplayId;
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::attempt::Attempt;

/// Maximum number of replays kept in a delivery. A repeated queue message is recognised by the kept replays, so a
/// message that repeats after ten newer replays of the same delivery would be sent again.
pub const MAX_KEPT_REPLAYS: usize = 10;

/// A replay of a delivery and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Id of the replay.
    pub replay_id: ReplayId,
    /// Result of the replay.
    #[serde(flatten)]
    pub outcome: ReplayOutcome,
}

/// Result of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ReplayOutcome {
    /// The webhook was sent. The number of this attempt continues the count of attempts and earlier replays.
    Sent(Attempt),
    /// The webhook was not sent.
    Skipped {
        /// When the replay was skipped.
        at: Timestamp,
        /// Why the webhook was not sent.
        #[serde(rename = "skipped")]
        reason: SkipReason,
    },
}

impl ReplayOutcome {
    /// Removes the receiver's response.
    pub(super) fn erase(&mut self) {
        if let Self::Sent(attempt) = self {
            attempt.response = None;
        }
    }

    /// The attempt, if the receiver accepted it.
    pub fn successful_attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Sent(attempt) => Some(attempt).filter(|attempt| attempt.succeeded()),
            Self::Skipped { .. } => None,
        }
    }
}

public_names! {
    /// Why a delivery cannot be replayed.
    pub enum SkipReason {
        /// The delivery has not ended yet.
        DeliveryUnderWay = "delivery-under-way",
        /// The endpoint was deleted.
        EndpointDeleted = "endpoint-deleted",
        /// The customer paused the endpoint.
        EndpointPaused = "endpoint-paused",
        /// The endpoint is disabled: its receiver answered 410 or failed for too long.
        EndpointDisabled = "endpoint-disabled",
        /// The receiver has not granted webhooks in a handshake.
        EndpointUnverified = "endpoint-unverified",
        /// The endpoint got as many webhooks as its `pace` allows for more than an hour.
        EndpointPace = "endpoint-pace",
        /// The event has expired or was erased.
        EventGone = "event-gone",
        /// The replay by filter that included this delivery was cancelled.
        ReplayCancelled = "replay-cancelled",
    }
}

impl SkipReason {
    /// Sentence for the caller: why the delivery cannot be replayed, and what to do about it if there is a remedy.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::DeliveryUnderWay => "delivery has not ended yet; replay it after it has ended",
            Self::EndpointDeleted => "endpoint of this delivery was deleted",
            Self::EndpointPaused => "endpoint of this delivery is paused; resume it first",
            Self::EndpointDisabled => "endpoint of this delivery is disabled; resume it first",
            Self::EndpointUnverified => {
                "receiver of this delivery has not granted webhooks; make the handshake of the endpoint first"
            }
            Self::EndpointPace => {
                "endpoint of this delivery gets as many webhooks as its pace allows; replay it again later"
            }
            Self::EventGone => "event of this delivery is no longer stored",
            Self::ReplayCancelled => "replay was cancelled",
        }
    }
}
