//! What the api returns about a delivery.

use domain::foundation::id::{DeliveryId, EndpointId, EventId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::delivery::{CancelReason, DeliveryHoldReason, DeliveryState, ReplayOutcome, Replayed};
use domain::webhooks::event::{EventType, Sequence};
use serde::Deserialize;

use crate::http::pairs::Pairs;
use crate::layout::delivery_words;
use crate::pages::deliveries::{LIST, path_of};

/// A delivery.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    pub(super) id: DeliveryId,
    pub(super) event_id: EventId,
    pub(super) endpoint_id: EndpointId,
    #[serde(rename = "type")]
    pub(super) event_type: EventType,
    #[serde(default)]
    pub(super) submission_id: Option<String>,
    #[serde(default)]
    pub(super) sequence: Option<Sequence>,
    pub(super) state: DeliveryState,
    #[serde(default)]
    pub(super) next_attempt_at: Option<Timestamp>,
    #[serde(default, rename = "heldBecause")]
    pub(super) hold_reason: Option<DeliveryHoldReason>,
    #[serde(default, rename = "cancelledBecause")]
    pub(super) cancel_reason: Option<CancelReason>,
    /// The replay that sent the event to an endpoint that had missed it.
    #[serde(default)]
    pub(super) added_by: Option<ReplayId>,
    pub(super) attempts: Vec<Attempt>,
    #[serde(default)]
    pub(super) replays: Vec<Replayed>,
    #[serde(default)]
    pub(super) erased_at: Option<Timestamp>,
}

impl Delivery {
    /// The path of the delivery's page.
    pub(super) fn path(&self) -> String {
        path_of(self.id)
    }

    /// The page of the event.
    pub(super) fn event_path(&self) -> String {
        format!("/events/{}", self.event_id)
    }

    /// The list of the event's deliveries.
    pub(super) fn siblings_path(&self) -> String {
        Pairs::default().and("event", self.event_id).href(LIST)
    }

    /// The list of the submission's deliveries.
    pub(super) fn submission_path(&self) -> String {
        Pairs::default().and("submissionId", self.submission_id.as_deref().unwrap_or_default()).href(LIST)
    }

    /// Whether the delivery waits for an earlier one of the submission.
    pub(super) fn is_held_for_order(&self) -> bool {
        self.state == DeliveryState::Held && self.hold_reason == Some(DeliveryHoldReason::Order)
    }

    /// The page of the replay that added the delivery.
    pub(super) fn added_by_path(&self) -> Option<String> {
        self.added_by.map(|replay| format!("/replays/{replay}"))
    }

    /// When the event was accepted.
    pub(super) fn accepted_at(&self) -> Timestamp {
        self.event_id.created_at()
    }

    /// The tone of the state's chip.
    pub(super) const fn tone(&self) -> &'static str {
        delivery_words::tone(self.state)
    }

    /// The last attempt or replay that was sent.
    pub(super) fn last_sent(&self) -> Option<&Attempt> {
        let replay = self.replays.iter().rev().find_map(|replayed| match &replayed.outcome {
            ReplayOutcome::Sent(attempt) => Some(attempt),
            ReplayOutcome::Skipped { .. } => None,
        });
        replay.or(self.attempts.last())
    }

    /// Whether a replay delivered the webhook after all attempts had failed.
    pub(super) fn was_delivered_by_replay(&self) -> bool {
        self.state == DeliveryState::Delivered && self.attempts.last().is_none_or(|attempt| !attempt.succeeded())
    }
}
