//! The first failed deliveries one by one, and all of them by reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ranked::{Rank, Ranked};
use crate::foundation::id::{DeliveryId, EndpointId};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::FailureReason;
use crate::webhooks::delivery::{Delivery, DeliveryState};
use crate::webhooks::event::{EventType, SubmissionId};

/// Maximum number of failures that a report lists. Others are only counted.
pub const MAX_FAILURES: usize = 50;

/// The deliveries whose last attempt failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonTotals {
    /// The reason.
    pub reason: FailureReason,
    /// Number of deliveries.
    pub deliveries: u64,
}

/// A delivery that failed or expired, or whose last attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Id of the delivery.
    pub delivery_id: DeliveryId,
    /// Id of the endpoint.
    pub endpoint_id: EndpointId,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Submission of the event, if it has one and was not erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// `failed` or `expired`, or `waiting` or `held` until the next attempt.
    pub state: DeliveryState,
    /// Number of attempts made.
    pub attempts: u8,
    /// When the last attempt began, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt_at: Option<Timestamp>,
    /// When the next attempt is due, if one is scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last attempt failed, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// HTTP status of the last attempt, if the receiver answered, or the token server with a reason that begins with `token-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Failure {
    /// The failure of a delivery as it stands: it failed or expired, or its last attempt failed and another follows.
    pub(super) fn of(delivery: &Delivery) -> Option<Self> {
        let last = delivery.attempts.last();
        let is_failure = match delivery.state {
            DeliveryState::Failed | DeliveryState::Expired => true,
            DeliveryState::Waiting | DeliveryState::Held => last.is_some(),
            DeliveryState::Queued | DeliveryState::Delivered | DeliveryState::Cancelled => false,
        };
        is_failure.then(|| Self {
            delivery_id: delivery.id,
            endpoint_id: delivery.id.endpoint,
            event_type: delivery.event_type,
            submission_id: delivery.submission_id.clone().filter(|_| delivery.erased_at.is_none()),
            state: delivery.state,
            attempts: delivery.attempts_made(),
            last_attempt_at: last.map(|last| last.at),
            next_attempt_at: delivery.next_attempt_at,
            reason: last.and_then(|last| last.reason),
            status: last.and_then(|last| last.status),
        })
    }
}

impl Rank for Failure {
    /// Final failures first, then by event.
    fn rank(&self) -> (bool, DeliveryId) {
        (!self.state.is_final(), self.delivery_id)
    }
}

/// The first failures, and the number of all by reason.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failures {
    by_reason: BTreeMap<FailureReason, u64>,
    pub(super) first: Ranked<Failure, MAX_FAILURES>,
    pub(super) more: u64,
}

impl Failures {
    pub(super) fn add(&mut self, failure: Failure) {
        if let Some(reason) = failure.reason {
            *self.by_reason.entry(reason).or_default() += 1;
        }
        self.insert(failure);
    }

    fn insert(&mut self, failure: Failure) {
        self.more += u64::from(self.first.add(failure));
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (reason, deliveries) in other.by_reason {
            *self.by_reason.entry(reason).or_default() += deliveries;
        }
        other.first.into_iter().for_each(|failure| self.insert(failure));
        self.more += other.more;
    }

    pub(super) fn by_reason(&self) -> Vec<ReasonTotals> {
        let rows = self.by_reason.iter();
        rows.map(|(reason, deliveries)| ReasonTotals { reason: *reason, deliveries: *deliveries }).collect()
    }
}
