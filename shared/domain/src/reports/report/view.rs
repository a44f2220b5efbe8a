//! The finished report, which the API returns as JSON and the mail is rendered from.

use serde::{Serialize, Serializer};

use crate::foundation::id::{ApiKeyId, DeliveryId, EndpointId, ProjectId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::name::Name;
use crate::webhooks::attempt::FailureReason;
use crate::webhooks::delivery::DeliveryState;
use crate::webhooks::event::{EventType, SubmissionId};
use crate::webhooks::health::HoldReason;

/// The report on a project's deliveries of one UTC day.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// The project.
    pub project_id: ProjectId,
    /// UTC day of the events whose deliveries are counted.
    pub day: UtcDay,
    /// When the deliveries were counted.
    pub as_of: Timestamp,
    /// All deliveries by state.
    pub totals: Totals,
    /// Success rate of first attempts.
    #[cfg_attr(feature = "openapi", schema(value_type = ShownFirstAttempts))]
    pub first_attempts: FirstAttempts,
    /// Latency of delivered deliveries; absent if none was delivered.
    #[serde(rename = "latencyMs", skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Deliveries by event type, without types that had none, in the order of the documentation.
    pub by_type: Vec<TypeTotals>,
    /// Deliveries by endpoint, without endpoints that had none, oldest endpoint first.
    pub by_endpoint: Vec<EndpointTotals>,
    /// Deliveries whose last attempt failed, by the reason of that attempt.
    pub by_reason: Vec<ReasonTotals>,
    /// Failed deliveries, then deliveries whose last attempt failed and that wait for another; at most 50.
    pub failures: Vec<Failure>,
    /// Number of further failures that are not listed.
    pub more_failures: u64,
    /// Endpoints whose deliveries are held at the time of the report, oldest endpoint first.
    pub endpoints_in_trouble: Vec<TroubledEndpoint>,
    /// API keys that expire within 14 days after the time of the report, in the order of expiry.
    pub expiring_keys: Vec<ExpiringKey>,
}

/// The outcome of a day's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There were no deliveries.
    Quiet,
    /// All deliveries that were not cancelled were delivered.
    Delivered,
    /// No delivery failed finally, but some are not delivered yet.
    StillTrying,
    /// At least one delivery failed finally.
    Failed,
}

impl ReportView {
    /// The outcome of the day.
    pub fn outcome(&self) -> Outcome {
        match self.totals {
            Totals { failed: 1.., .. } => Outcome::Failed,
            Totals { still_trying: 1.., .. } | Totals { held: 1.., .. } => Outcome::StillTrying,
            Totals { deliveries: 0, .. } => Outcome::Quiet,
            Totals { .. } => Outcome::Delivered,
        }
    }

    /// Returns whether the report has deliveries, endpoints in trouble or expiring keys.
    pub fn has_news(&self) -> bool {
        self.outcome() != Outcome::Quiet || !self.endpoints_in_trouble.is_empty() || !self.expiring_keys.is_empty()
    }

    /// Returns whether the day had ended when the report was built, so that it contains all events.
    pub fn is_whole_day(&self) -> bool {
        self.as_of.day() > self.day
    }
}

/// Number of deliveries by state. `deliveries` is the sum of the other fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All deliveries.
    pub deliveries: u64,
    /// Deliveries that the receiver accepted.
    pub delivered: u64,
    /// Deliveries whose attempts all failed.
    pub failed: u64,
    /// Deliveries that wait for their first or next attempt.
    pub still_trying: u64,
    /// Deliveries that are held until their endpoint accepts webhooks again.
    pub held: u64,
    /// Deliveries that were cancelled, because their endpoint was deleted or their event erased.
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

/// First attempts of deliveries and their success rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FirstAttempts {
    /// Deliveries with at least one attempt.
    pub made: u64,
    /// Deliveries whose first attempt succeeded.
    pub succeeded: u64,
}

impl FirstAttempts {
    /// Returns the success rate in thousandths; `None` without attempts. It is rounded down, so that it is 1,000 only if all first
    /// attempts succeeded.
    pub fn per_mille(self) -> Option<u64> {
        (self.succeeded * 1000).checked_div(self.made)
    }
}

/// First attempts of deliveries and their success rate.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstAttempts))]
#[serde(rename_all = "camelCase")]
struct ShownFirstAttempts {
    /// Deliveries with at least one attempt.
    made: u64,
    /// Deliveries whose first attempt succeeded.
    succeeded: u64,
    /// Success rate from 0 to 1 with three decimals, rounded down; `null` if no attempt was made.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    success_rate: Option<f64>,
}

impl Serialize for FirstAttempts {
    /// Adds the success rate.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let per_mille = self.per_mille().and_then(|per_mille| u16::try_from(per_mille).ok());
        let success_rate = per_mille.map(|per_mille| f64::from(per_mille) / 1000.0);
        ShownFirstAttempts { made: self.made, succeeded: self.succeeded, success_rate }.serialize(serializer)
    }
}

/// Time from the acceptance of an event to the end of the successful attempt or replay, including waiting time and failed
/// attempts. Accurate to one percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Latency {
    /// Median in milliseconds.
    #[serde(rename = "p50")]
    pub p50_ms: u64,
    /// 95th percentile in milliseconds.
    #[serde(rename = "p95")]
    pub p95_ms: u64,
}

/// The deliveries of one event type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TypeTotals {
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Deliveries of events of this type.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The deliveries to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndpointTotals {
    /// Id of the endpoint.
    pub endpoint_id: EndpointId,
    /// Host of the endpoint's URL, unless the endpoint was deleted. The rest of the URL may contain secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Deliveries to this endpoint.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The deliveries whose last attempt failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonTotals {
    /// The reason.
    pub reason: FailureReason,
    /// Number of deliveries.
    pub deliveries: u64,
}

/// A delivery whose last attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Submission of the event, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// `failed`, or `waiting` or `held` until the next attempt.
    pub state: DeliveryState,
    /// Number of attempts made.
    pub attempts: u8,
    /// When the last attempt began.
    pub last_attempt_at: Timestamp,
    /// When the next attempt is due, if one is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub reason: FailureReason,
    /// HTTP status of the last attempt, if the receiver answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// An API key that expires soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExpiringKey {
    /// Id of the API key.
    pub id: ApiKeyId,
    /// Name of the API key.
    pub name: Name,
    /// Prefix and first four characters of the key.
    pub hint: String,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// An endpoint whose deliveries are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TroubledEndpoint {
    /// Id of the endpoint.
    pub endpoint_id: EndpointId,
    /// Host of the endpoint's URL.
    pub host: String,
    /// Why deliveries are held.
    pub state: HoldReason,
    /// When the receiver started to fail or the endpoint was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// HTTP status of the last attempt, if the receiver answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When the endpoint will be disabled if its receiver keeps failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
}
