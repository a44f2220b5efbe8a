//! Problems: failures counted by endpoint and event type, with their reasons and examples.
//!
//! A receiver that rejects one event type fails every day with different webhooks. Counted together they are one problem,
//! which the reader can recognise and solve.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Endpoints;
use super::failures::Failure;
use super::ranked::{Rank, Ranked};
use crate::foundation::id::{DeliveryId, EndpointId};
use crate::webhooks::attempt::FailureReason;
use crate::webhooks::delivery::DeliveryState;
use crate::webhooks::event::{EventType, SubmissionId};

/// Maximum number of problems that a report lists. Others are only counted.
pub const MAX_PROBLEMS: usize = 50;

/// Maximum number of example deliveries of a problem.
pub const MAX_EXAMPLES: usize = 3;

/// Maximum number of reasons of a problem.
const MAX_REASONS: usize = 3;

/// Failures of one event type at one endpoint, as they stand at the time of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReportProblem))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Id of the endpoint.
    pub endpoint_id: EndpointId,
    /// Host of the endpoint's URL, unless the endpoint was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Type of the events.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Deliveries whose attempts all failed. Only a replay sends them again.
    pub failed: u64,
    /// Deliveries that expired. Only a replay sends them again.
    pub expired: u64,
    /// Deliveries whose last attempt failed and that wait for another.
    pub still_trying: u64,
    /// Why the last attempts failed: the most frequent reasons, at most 3. Empty if no attempt was made.
    #[cfg_attr(feature = "openapi", schema(max_items = 3))]
    pub reasons: Vec<ProblemReason>,
    /// Some of the deliveries, failed and expired ones first; at most 3.
    #[cfg_attr(feature = "openapi", schema(max_items = 3))]
    pub examples: Vec<Example>,
}

/// Why last attempts of a problem failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemReason {
    /// The reason.
    pub reason: FailureReason,
    /// HTTP status, if the receiver answered, or the token server with a reason that begins with `token-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Number of deliveries.
    pub deliveries: u64,
}

/// A delivery that has a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// Id of the delivery.
    pub delivery_id: DeliveryId,
    /// Submission of the event, if it has one and was not erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// State of the delivery.
    pub state: DeliveryState,
}

impl Problem {
    /// Deliveries that failed or expired.
    pub fn lost(&self) -> u64 {
        self.failed + self.expired
    }
}

impl Rank for Example {
    /// Failed and expired deliveries first, then by event.
    fn rank(&self) -> (bool, DeliveryId) {
        (!self.state.is_final(), self.delivery_id)
    }
}

/// What is counted of a problem.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProblemCounts {
    failed: u64,
    expired: u64,
    still_trying: u64,
    /// Reasons without a status.
    reasons: BTreeMap<FailureReason, u64>,
    /// Reasons with a status: a status, and a redirect.
    statuses: BTreeMap<FailureReason, BTreeMap<u16, u64>>,
    examples: Ranked<Example, MAX_EXAMPLES>,
}

impl ProblemCounts {
    fn add(&mut self, failure: &Failure) {
        match failure.state {
            DeliveryState::Failed => self.failed += 1,
            DeliveryState::Expired => self.expired += 1,
            DeliveryState::Queued
            | DeliveryState::Waiting
            | DeliveryState::Held
            | DeliveryState::Delivered
            | DeliveryState::Cancelled => self.still_trying += 1,
        }
        match (failure.reason, failure.status) {
            (Some(reason), Some(status)) => {
                *self.statuses.entry(reason).or_default().entry(status).or_default() += 1;
            }
            (Some(reason), None) => *self.reasons.entry(reason).or_default() += 1,
            (None, _) => {}
        }
        let Failure { delivery_id, submission_id, state, .. } = failure.clone();
        self.examples.add(Example { delivery_id, submission_id, state });
    }

    fn merge(&mut self, other: Self) {
        self.failed += other.failed;
        self.expired += other.expired;
        self.still_trying += other.still_trying;
        for (reason, deliveries) in other.reasons {
            *self.reasons.entry(reason).or_default() += deliveries;
        }
        for (reason, statuses) in other.statuses {
            let ours = self.statuses.entry(reason).or_default();
            for (status, deliveries) in statuses {
                *ours.entry(status).or_default() += deliveries;
            }
        }
        for example in other.examples {
            self.examples.add(example);
        }
    }

    fn view(self, endpoint_id: EndpointId, event_type: EventType, endpoints: &Endpoints) -> Problem {
        let plain = self.reasons.into_iter().map(|(reason, deliveries)| (reason, None, deliveries));
        let with_status = self.statuses.into_iter().flat_map(|(reason, statuses)| {
            statuses.into_iter().map(move |(status, deliveries)| (reason, Some(status), deliveries))
        });
        let reason = |(reason, status, deliveries)| ProblemReason { reason, status, deliveries };
        let mut reasons: Vec<ProblemReason> = plain.chain(with_status).map(reason).collect();
        reasons.sort_by_key(|reason| Reverse(reason.deliveries));
        reasons.truncate(MAX_REASONS);
        Problem {
            endpoint_id,
            host: endpoints.get(&endpoint_id).map(|endpoint| endpoint.host.clone()),
            event_type,
            failed: self.failed,
            expired: self.expired,
            still_trying: self.still_trying,
            reasons,
            examples: self.examples.into_iter().collect(),
        }
    }
}

/// The problems of a day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Problems(BTreeMap<EndpointId, BTreeMap<EventType, ProblemCounts>>);

impl Problems {
    pub(super) fn add(&mut self, failure: &Failure) {
        self.0.entry(failure.endpoint_id).or_default().entry(failure.event_type).or_default().add(failure);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (endpoint, types) in other.0 {
            let ours = self.0.entry(endpoint).or_default();
            for (event_type, counts) in types {
                ours.entry(event_type).or_default().merge(counts);
            }
        }
    }

    /// The first [`MAX_PROBLEMS`] problems, most lost webhooks first, and the number of further ones.
    pub(super) fn view(self, endpoints: &Endpoints) -> (Vec<Problem>, u64) {
        let problems = self.0.into_iter().flat_map(|(endpoint, types)| {
            types.into_iter().map(move |(event_type, counts)| counts.view(endpoint, event_type, endpoints))
        });
        let mut problems: Vec<Problem> = problems.collect();
        problems.sort_by_key(|problem| Reverse((problem.lost(), problem.still_trying)));
        let more = problems.len().saturating_sub(MAX_PROBLEMS);
        problems.truncate(MAX_PROBLEMS);
        (problems, more as u64)
    }
}
