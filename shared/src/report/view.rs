//! What a report tells: JSON for programs, and what the mail is made of.

use serde::{Serialize, Serializer};

use crate::delivery::{DeliveryState, FailureReason, HoldReason};
use crate::event::{EventType, SubmissionId};
use crate::id::{ApiKeyId, DeliveryId, EndpointId, ProjectId};
use crate::project::Name;
use crate::time::{Timestamp, UtcDay};

/// A report: JSON for programs, and what the mail is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// Whose deliveries it counts.
    pub project_id: ProjectId,
    /// The UTC day of their events.
    pub day: UtcDay,
    /// When the deliveries were in the states told here.
    pub as_of: Timestamp,
    /// All deliveries by state.
    pub totals: Totals,
    /// How many deliveries the first attempt settled.
    #[cfg_attr(feature = "openapi", schema(value_type = ShownFirstAttempts))]
    pub first_attempts: FirstAttempts,
    /// How long deliveries took; absent when none was delivered.
    #[serde(rename = "latencyMs", skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Deliveries of each event type that occurred, in the order of the documentation.
    pub by_type: Vec<TypeTotals>,
    /// Deliveries to each endpoint that had any, oldest endpoint first.
    pub by_endpoint: Vec<EndpointTotals>,
    /// Failed and failing deliveries by the reason of their last attempt.
    pub by_reason: Vec<ReasonTotals>,
    /// Deliveries that failed, then those whose last attempt failed and that wait for another; at most 50.
    pub failures: Vec<Failure>,
    /// How many more there are.
    pub more_failures: u64,
    /// Endpoints that get no webhooks, or not all of them, as of now; oldest endpoint first.
    pub endpoints_in_trouble: Vec<TroubledEndpoint>,
    /// API keys that expire within 14 days from now; the first to expire first.
    pub expiring_keys: Vec<ExpiringKey>,
}

/// How a day went, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to deliver.
    Quiet,
    /// Whatever was not cancelled was delivered.
    Delivered,
    /// Nothing failed for good, but something is not delivered yet.
    StillTrying,
    /// A delivery failed for good.
    Failed,
}

impl ReportView {
    /// How the day went.
    pub fn outcome(&self) -> Outcome {
        match self.totals {
            Totals { failed: 1.., .. } => Outcome::Failed,
            Totals { still_trying: 1.., .. } | Totals { held: 1.., .. } => Outcome::StillTrying,
            Totals { deliveries: 0, .. } => Outcome::Quiet,
            Totals { .. } => Outcome::Delivered,
        }
    }

    /// Whether there is anything to tell.
    pub fn has_news(&self) -> bool {
        self.outcome() != Outcome::Quiet || !self.endpoints_in_trouble.is_empty() || !self.expiring_keys.is_empty()
    }

    /// Whether the day was over when the report was built, so that no event can be missing from it.
    pub fn is_whole_day(&self) -> bool {
        self.as_of.day() > self.day
    }
}

/// Deliveries by state. The last five add up to the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All of them.
    pub deliveries: u64,
    /// A receiver took them.
    pub delivered: u64,
    /// All their attempts failed.
    pub failed: u64,
    /// They wait for their first or another attempt.
    pub still_trying: u64,
    /// They wait until their endpoint takes webhooks again.
    pub held: u64,
    /// Their endpoint was deleted.
    pub cancelled: u64,
}

impl Totals {
    pub(super) fn count(&mut self, state: DeliveryState) {
        self.deliveries += 1;
        let counter = match state {
            DeliveryState::Queued | DeliveryState::Waiting => &mut self.still_trying,
            DeliveryState::Held => &mut self.held,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Cancelled => &mut self.cancelled,
        };
        *counter += 1;
    }
}

/// First attempts: how many deliveries had one, and how many needed no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FirstAttempts {
    /// Deliveries with at least one attempt.
    pub made: u64,
    /// Those whose first attempt the receiver took.
    pub succeeded: u64,
}

impl FirstAttempts {
    /// The share that succeeded, in thousandths, rounded down so that only a perfect day shows as one; `None` without
    /// any.
    pub fn per_mille(self) -> Option<u64> {
        (self.succeeded * 1000).checked_div(self.made)
    }
}

/// First attempts: how many deliveries had one, and how many needed no other.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstAttempts))]
#[serde(rename_all = "camelCase")]
struct ShownFirstAttempts {
    /// Deliveries with at least one attempt.
    made: u64,
    /// Those whose first attempt the receiver took.
    succeeded: u64,
    /// The share that succeeded, with three decimals; `null` when no attempt was made.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    success_rate: Option<f64>,
}

impl Serialize for FirstAttempts {
    /// Adds the share that succeeded.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let per_mille = self.per_mille().and_then(|per_mille| u16::try_from(per_mille).ok());
        let success_rate = per_mille.map(|per_mille| f64::from(per_mille) / 1000.0);
        ShownFirstAttempts { made: self.made, succeeded: self.succeeded, success_rate }.serialize(serializer)
    }
}

/// How long deliveries took, from the event being accepted to the end of the attempt, or replay, that the receiver took: what
/// its receiver felt, waiting and failed attempts included. Within one per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Latency {
    /// Half of them took no longer, in milliseconds.
    #[serde(rename = "p50")]
    pub p50_ms: u64,
    /// 95 of 100 took no longer, in milliseconds.
    #[serde(rename = "p95")]
    pub p95_ms: u64,
}

/// The deliveries of one event type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TypeTotals {
    /// The type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Its deliveries.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The deliveries to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndpointTotals {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The host of its URL, unless it was deleted. The rest of the URL may hold secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its deliveries.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The deliveries whose last attempt failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonTotals {
    /// The reason.
    pub reason: FailureReason,
    /// How many there are.
    pub deliveries: u64,
}

/// A delivery whose last attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Where it was to go.
    pub endpoint_id: EndpointId,
    /// What had happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Which submission it had happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// `failed`, or `waiting` for another attempt.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u8,
    /// When the last one began.
    pub last_attempt_at: Timestamp,
    /// When the next is due, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last one failed.
    pub reason: FailureReason,
    /// The HTTP status it was answered with, if any was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// An API key that will soon be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExpiringKey {
    /// Which key.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: Name,
    /// How it begins.
    pub hint: String,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// An endpoint whose deliveries are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TroubledEndpoint {
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// The host of its URL.
    pub host: String,
    /// Why they are held: `paused`, `disabled`, `failing` or `busy`.
    pub state: HoldReason,
    /// Since when its receiver fails, or the endpoint is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The HTTP status it was answered with, if any was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When the endpoint will be disabled if it goes on like that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
}
