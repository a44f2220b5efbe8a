//! A delivery and its state transitions. Each transition takes a delivery and returns the changed one; the caller
//! stores it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::slots::Slot;
use super::{CancelReason, DeliveryHoldReason, DeliveryState, Replayed};
use crate::foundation::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::event::{Event, EventType, Sequence, SubmissionId};

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The event and the endpoint, which together identify the delivery.
    pub id: DeliveryId,
    /// The project that owns the event.
    pub project_id: ProjectId,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Submission that the event is about, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// Number of the event within its submission. `None` also while the delivery has no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
    /// Current state.
    pub state: DeliveryState,
    /// When the next attempt is due. Present in the state `waiting`. While the delivery is held for
    /// [order](DeliveryHoldReason::Order), the time from which on it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// The slot of the next attempt at the endpoint's [pace](crate::webhooks::endpoint::Pace), if the attempt waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Why attempts are on hold, or were on hold when the delivery expired. Present only in the states `held` and `expired`.
    #[serde(rename = "heldBecause", skip_serializing_if = "Option::is_none")]
    pub hold_reason: Option<DeliveryHoldReason>,
    /// When the delivery ended without an attempt, such as a cancellation. A delivery that ended with an attempt or replay
    /// ended when that did; see [`Self::ended_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Why the delivery was cancelled. Absent in deliveries that an earlier version cancelled.
    #[serde(rename = "cancelledBecause", default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<CancelReason>,
    /// Attempts in the order they were made, at most 16.
    #[serde(with = "crate::webhooks::stored_reason::list")]
    pub attempts: Vec<Attempt>,
    /// Most recent replays, oldest first, at most [`MAX_KEPT_REPLAYS`](super::MAX_KEPT_REPLAYS).
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::webhooks::stored_reason::list")]
    pub replays: Vec<Replayed>,
    /// Number of all replays recorded so far, including those no longer kept.
    #[serde(default)]
    pub replay_count: u32,
    /// When the event was erased, if it was. The receivers' responses are erased with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
    /// The replay with the scope `missing` that added the delivery. Absent: the delivery was accepted with its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_by: Option<ReplayId>,
}

impl Delivery {
    /// A delivery of an accepted event that has no stored row yet.
    pub fn queued(event: &Event, endpoint: EndpointId) -> Self {
        let id = DeliveryId { event: event.id, endpoint };
        let delivery = Self::unattempted(event.project_id, id, event.event_type, event.submission_id.clone());
        Self { sequence: event.sequence, ..delivery }
    }

    /// Same as [`Self::queued`], for callers that know only these fields of the event.
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
            sequence: None,
            state: DeliveryState::Queued,
            next_attempt_at: None,
            slot: None,
            hold_reason: None,
            closed_at: None,
            cancel_reason: None,
            attempts: Vec::new(),
            replays: Vec::new(),
            replay_count: 0,
            erased_at: None,
            added_by: None,
        }
    }

    /// The same delivery, as a replay adds it to an earlier event: its first attempt is due at `first_attempt_at`.
    #[must_use]
    pub fn added(self, by: ReplayId, first_attempt_at: Timestamp) -> Self {
        Self { added_by: Some(by), ..self.released(first_attempt_at) }
    }

    /// Number of attempts made.
    pub fn attempts_made(&self) -> u8 {
        u8::try_from(self.attempts.len()).expect("a delivery has at most 16 attempts")
    }

    /// Whether attempt `number` is the next one of this delivery: the delivery is not final, and `number - 1` attempts
    /// were made.
    pub fn awaits(&self, number: u8) -> bool {
        !self.state.is_final() && self.attempts_made() + 1 == number
    }

    /// Whether this delivery lacks attempts that a message for attempt `number` implies: an eventually consistent read
    /// returned an old version.
    pub fn is_behind(&self, number: u8) -> bool {
        !self.state.is_final() && self.attempts_made() + 1 < number
    }

    /// Adds `attempt`. If the attempt failed, `wait` is the delay before the next one, or `None` if it was the last.
    #[must_use]
    pub fn after(mut self, attempt: Attempt, wait: Option<Duration>) -> Self {
        let (state, next_attempt_at) = match (attempt.succeeded(), wait) {
            (true, _) => (DeliveryState::Delivered, None),
            (false, Some(wait)) => (DeliveryState::Waiting, Some(attempt.ended_at().plus(wait))),
            (false, None) => (DeliveryState::Failed, None),
        };
        self.attempts.push(attempt);
        Self { state, next_attempt_at, slot: None, hold_reason: None, ..self }
    }

    /// Puts the delivery on hold because of its endpoint.
    #[must_use]
    pub fn held(self, reason: impl Into<DeliveryHoldReason>) -> Self {
        let hold_reason = Some(reason.into());
        Self { state: DeliveryState::Held, next_attempt_at: None, slot: None, hold_reason, ..self }
    }

    /// Has the next attempt wait for its slot at the endpoint's pace.
    #[must_use]
    pub fn waiting_for_slot(self, slot: Slot) -> Self {
        Self { slot: Some(slot), ..self.released(slot.at) }
    }

    /// Releases a held delivery. Its next attempt is due at `next_attempt_at`.
    #[must_use]
    pub fn released(self, next_attempt_at: Timestamp) -> Self {
        let next_attempt_at = Some(next_attempt_at);
        Self { state: DeliveryState::Waiting, next_attempt_at, slot: None, hold_reason: None, ..self }
    }

    /// Cancels the delivery at `at` because its endpoint was deleted.
    #[must_use]
    pub fn cancelled(self, at: Timestamp) -> Self {
        let (state, cancel_reason) = (DeliveryState::Cancelled, Some(CancelReason::EndpointDeleted));
        Self { state, next_attempt_at: None, slot: None, hold_reason: None, closed_at: Some(at), cancel_reason, ..self }
    }

    /// Ends the delivery as expired at `at`. The reason for which it was held stays, if it was held.
    #[must_use]
    pub fn expired(self, at: Timestamp) -> Self {
        Self { state: DeliveryState::Expired, next_attempt_at: None, slot: None, closed_at: Some(at), ..self }
    }

    /// Erases the receivers' responses and cancels further attempts, because the event was erased at `at`. The times
    /// and results of the attempts stay.
    #[must_use]
    pub fn erased(self, at: Timestamp) -> Self {
        let mut erased = if self.state.is_final() {
            self
        } else {
            Self { cancel_reason: Some(CancelReason::EventErased), ..self.cancelled(at) }
        };
        erased.erased_at = Some(at);
        for attempt in &mut erased.attempts {
            attempt.response = None;
        }
        for replayed in &mut erased.replays {
            replayed.outcome.erase();
        }
        erased
    }
}
