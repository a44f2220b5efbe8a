//! Deliveries: one event on its way to one endpoint.
//!
//! ```text
//!             ┌──────── failed attempt, more to come ───────┐
//!             ▼                                             │
//! queued ──► waiting ───────────────────────────────────────┘
//!    │        │ ▲ │
//!    │        │ │ └──► delivered   an attempt was answered with 200–299
//!    ├────────┤ │ ├──► failed      the last attempt failed
//!    │        │ │ └──► cancelled   the endpoint was deleted
//!    ▼        ▼ │
//!    held ──────┘  released when its endpoint takes webhooks again
//! ```
//!
//! A replay sends what is over once more, and turns `failed` into `delivered` if the receiver takes it then.
//!
//! From `queued` and `held` the three ends are reached as from `waiting`. The stored delivery is the truth. A queue message is
//! only a [`Nudge`] to make one attempt: it may come twice, late or never. An attempt is recorded only if the delivery still
//! waits for just that attempt, so none is counted twice.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventType, SubmissionId};
use crate::id::{DeliveryId, EndpointId, ProjectId};
use crate::time::Timestamp;

mod attempt;
mod filter;
mod nudge;
mod replay;
#[cfg(test)]
mod simulation;
mod step;
#[cfg(test)]
mod tests;

pub use attempt::{Attempt, FailureReason, Phases};
pub use filter::{DeliveryFilter, Position};
pub use nudge::{
    LONGEST_MESSAGE_DELAY, Nudge, Reminder, ReplayNudge, SECOND_LOOK, SWEEP_AHEAD, SendMessage, Subject, TestNudge,
    remind,
};
pub use replay::{MOST_REPLAYS_KEPT, ReplayOutcome, Replayed, SkipReason};
pub use step::Step;

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The event and the endpoint.
    pub id: DeliveryId,
    /// Whose event it is.
    pub project_id: ProjectId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Which submission it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// How far it has come.
    pub state: DeliveryState,
    /// When the next attempt is due; only while waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Why no attempt is made; only while held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_because: Option<HoldReason>,
    /// The attempts made, in order; at most 16.
    pub attempts: Vec<Attempt>,
    /// The latest replays, in order; at most [`MOST_REPLAYS_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replays: Vec<Replayed>,
    /// How many replays were ever recorded.
    #[serde(default)]
    pub replay_count: u32,
    /// When its event was erased, if it was: what receivers answered is gone too then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// No attempt was recorded yet.
    Queued,
    /// Another attempt is due.
    Waiting,
    /// Another attempt is due as soon as the endpoint takes webhooks again.
    Held,
    /// A receiver took it. Final.
    Delivered,
    /// All attempts failed. Final, but that a replay may still deliver it.
    Failed,
    /// The endpoint was deleted. Final.
    Cancelled,
}

impl DeliveryState {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it stays so for ever.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Waiting | Self::Held => false,
            Self::Delivered | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a delivery is held. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HoldReason {
    /// The customer paused the endpoint.
    Paused,
    /// The endpoint was disabled: its receiver said that it is gone, or failed for long.
    Disabled,
    /// Attempt after attempt failed: the receiver is left alone for a while.
    Failing,
    /// The receiver answered 429 or 503: it is given time.
    Busy,
}

impl HoldReason {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Failing => "failing",
            Self::Busy => "busy",
        }
    }
}

impl Delivery {
    /// A delivery of which nothing is stored yet: accepted, and no attempt recorded.
    pub fn queued(event: &Event, endpoint: EndpointId) -> Self {
        let id = DeliveryId { event: event.id, endpoint };
        Self::unattempted(event.project_id, id, event.event_type, event.submission_id.clone())
    }

    /// The same, where of the event only these facts are at hand.
    pub fn unattempted(
        project_id: ProjectId,
        id: DeliveryId,
        event_type: EventType,
        submission_id: Option<SubmissionId>,
    ) -> Self {
        Self {
            id,
            project_id,
            event_type,
            submission_id,
            state: DeliveryState::Queued,
            next_attempt_at: None,
            held_because: None,
            attempts: Vec::new(),
            replays: Vec::new(),
            replay_count: 0,
            erased_at: None,
        }
    }

    /// How many attempts were made.
    pub fn attempts_made(&self) -> u8 {
        u8::try_from(self.attempts.len()).expect("a delivery has at most 16 attempts")
    }

    /// Whether this delivery still waits for the attempt `number`: it is not final, and the one before was the last made.
    pub fn awaits(&self, number: u8) -> bool {
        !self.state.is_final() && self.attempts_made() + 1 == number
    }

    /// Whether a message for the attempt `number` knows of attempts that this delivery does not: it was read too early.
    pub fn is_behind(&self, number: u8) -> bool {
        !self.state.is_final() && self.attempts_made() + 1 < number
    }

    /// The delivery after `attempt`. When that failed, `wait` is how long until the next; `None` if it was the last.
    #[must_use]
    pub fn after(mut self, attempt: Attempt, wait: Option<Duration>) -> Self {
        let (state, next_attempt_at) = match (attempt.succeeded(), wait) {
            (true, _) => (DeliveryState::Delivered, None),
            (false, Some(wait)) => (DeliveryState::Waiting, Some(attempt.ended_at().plus(wait))),
            (false, None) => (DeliveryState::Failed, None),
        };
        self.attempts.push(attempt);
        Self { state, next_attempt_at, held_because: None, ..self }
    }

    /// The delivery after its endpoint was found not to take webhooks.
    #[must_use]
    pub fn held(self, because: HoldReason) -> Self {
        Self { state: DeliveryState::Held, next_attempt_at: None, held_because: Some(because), ..self }
    }

    /// The delivery after its endpoint was found to take webhooks again; its next attempt is due at `next_attempt_at`.
    #[must_use]
    pub fn released(self, next_attempt_at: Timestamp) -> Self {
        Self { state: DeliveryState::Waiting, next_attempt_at: Some(next_attempt_at), held_because: None, ..self }
    }

    /// The delivery after its endpoint was deleted.
    #[must_use]
    pub fn cancelled(self) -> Self {
        Self { state: DeliveryState::Cancelled, next_attempt_at: None, held_because: None, ..self }
    }

    /// The delivery after its event was erased at `at`: nothing more is sent, and what receivers answered is gone. That it was
    /// sent, when, and how that went stays.
    #[must_use]
    pub fn erased(self, at: Timestamp) -> Self {
        let mut erased = if self.state.is_final() { self } else { self.cancelled() };
        erased.erased_at = Some(at);
        for attempt in &mut erased.attempts {
            attempt.response = None;
        }
        for replayed in &mut erased.replays {
            replayed.outcome.erase();
        }
        erased
    }

    /// The nudge for the next attempt.
    pub fn next_nudge(&self) -> Nudge {
        Nudge::again(self.project_id, self.id, self.attempts_made() + 1)
    }
}
