//! The finished report, which the API returns as JSON and the mail is rendered from.

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use super::attempts::ShownAttemptCounts;
use super::{
    AttemptCounts, Endings, EndpointTotals, ExpiringKey, Failure, Latency, Problem, ReasonTotals, Totals,
    TroubledEndpoint, TypeTotals, UnusedKey,
};
use crate::foundation::id::{DeliveryId, ProjectId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::webhooks::event::SubmissionId;

/// The report on a project's webhooks of one UTC day.
///
/// A delivery belongs to the day of its event. `totals` and the fields that divide it count the deliveries of the day's events,
/// as they stand when the report is built. `earlierDays` counts deliveries of earlier events that were attempted or ended on
/// the day, or waited for an attempt. `problems` and `failures` are about both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// The project.
    pub project_id: ProjectId,
    /// The UTC day.
    pub day: UtcDay,
    /// When the deliveries were counted.
    pub as_of: Timestamp,
    /// Number of events accepted on the day, including those that no endpoint subscribes to. Absent from reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Deliveries of the day's events by state.
    pub totals: Totals,
    /// Deliveries of events of earlier days that were attempted or ended on the day, or waited for an attempt, by state.
    #[serde(default)]
    pub earlier_days: Totals,
    /// Deliveries in `totals` and `earlierDays` that are held because their endpoint is ordered, and an earlier delivery of their
    /// submission has not ended.
    #[serde(default)]
    pub held_for_order: u64,
    /// Deliveries that ended on the day, whatever the day of their event.
    #[serde(default)]
    pub ended: Endings,
    /// Attempts made on the day, whatever the day of their event.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = ShownAttemptCounts))]
    pub attempts: AttemptCounts,
    /// First attempts of the deliveries in `totals`.
    #[cfg_attr(feature = "openapi", schema(value_type = ShownAttemptCounts))]
    pub first_attempts: AttemptCounts,
    /// Latency of the delivered deliveries in `totals`; absent if none was delivered.
    #[serde(rename = "latencyMs", default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// `totals` by event type, without types that had none, in the order of the documentation.
    pub by_type: Vec<TypeTotals>,
    /// `totals` by endpoint, without endpoints that had none, oldest endpoint first.
    pub by_endpoint: Vec<EndpointTotals>,
    /// Failures by the reason of the last attempt. Deliveries that expired before their first attempt have none.
    pub by_reason: Vec<ReasonTotals>,
    /// Failures by endpoint and event type, most failed and expired deliveries first; at most 50.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Number of further problems that are not listed.
    #[serde(default)]
    pub more_problems: u64,
    /// Failed and expired deliveries, then deliveries whose last attempt failed and that wait for another; at most 50.
    pub failures: Vec<Failure>,
    /// Number of further failures that are not listed.
    pub more_failures: u64,
    /// Endpoints whose deliveries are held at the time of the report, oldest endpoint first.
    pub endpoints_in_trouble: Vec<TroubledEndpoint>,
    /// API keys that expire within 14 days after the time of the report, in the order of expiry.
    pub expiring_keys: Vec<ExpiringKey>,
    /// Valid API keys that were created more than 90 days before the report and not used since, oldest key first.
    #[serde(default)]
    pub unused_keys: Vec<UnusedKey>,
}

/// The outcome of a day's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There were no deliveries.
    Quiet,
    /// All deliveries that were not cancelled were delivered.
    Delivered,
    /// No delivery failed or expired, but some are not delivered yet.
    StillTrying,
    /// At least one delivery failed or expired.
    Failed,
}

impl ReportView {
    /// Adds the API keys that are not used. They are no news, so they cause no report on a quiet day.
    #[must_use]
    pub fn with_unused_keys(self, unused_keys: Vec<UnusedKey>) -> Self {
        Self { unused_keys, ..self }
    }

    /// The outcome of the day.
    pub fn outcome(&self) -> Outcome {
        let all = self.all();
        match (all.lost(), all.open(), all.deliveries) {
            (1.., _, _) => Outcome::Failed,
            (0, 1.., _) => Outcome::StillTrying,
            (0, 0, 0) => Outcome::Quiet,
            (0, 0, _) => Outcome::Delivered,
        }
    }

    /// The deliveries of the day's events and those of earlier days.
    pub fn all(&self) -> Totals {
        self.totals + self.earlier_days
    }

    /// Returns whether the report has deliveries, endpoints in trouble or expiring keys.
    pub fn has_news(&self) -> bool {
        self.outcome() != Outcome::Quiet || !self.endpoints_in_trouble.is_empty() || !self.expiring_keys.is_empty()
    }

    /// Returns whether the day had ended when the report was built, so that it contains all events.
    pub fn is_whole_day(&self) -> bool {
        self.as_of.day() > self.day
    }

    /// The numbers of the report.
    pub fn summary(&self) -> ReportSummary {
        ReportSummary {
            day: self.day,
            as_of: self.as_of,
            totals: self.totals,
            earlier_days: self.earlier_days,
            ended: self.ended,
            attempts: self.attempts,
            first_attempts: Some(self.first_attempts),
            latency: self.latency,
        }
    }

    /// The submissions that the report names, each with its delivery. A submission is erased from a report by setting it to
    /// `None`.
    pub fn submissions_mut(&mut self) -> impl Iterator<Item = (DeliveryId, &mut Option<SubmissionId>)> {
        let examples = self.problems.iter_mut().flat_map(|problem| &mut problem.examples);
        let examples = examples.map(|example| (example.delivery_id, &mut example.submission_id));
        let failures = self.failures.iter_mut().map(|failure| (failure.delivery_id, &mut failure.submission_id));
        examples.chain(failures).filter(|(_, submission)| submission.is_some())
    }
}

/// The numbers of a report, for lists of reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    /// The UTC day.
    pub day: UtcDay,
    /// When the deliveries were counted.
    pub as_of: Timestamp,
    /// Deliveries of the day's events by state.
    pub totals: Totals,
    /// Deliveries of events of earlier days that were attempted or ended on the day, or waited for an attempt, by state.
    pub earlier_days: Totals,
    /// Deliveries that ended on the day, whatever the day of their event.
    pub ended: Endings,
    /// Attempts made on the day, whatever the day of their event.
    #[cfg_attr(feature = "openapi", schema(value_type = ShownAttemptCounts))]
    pub attempts: AttemptCounts,
    /// First attempts of the deliveries in `totals`. Absent if an earlier version kept the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ShownAttemptCounts>))]
    pub first_attempts: Option<AttemptCounts>,
    /// Latency of the delivered deliveries in `totals`; absent if none was delivered.
    #[serde(rename = "latencyMs", default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}
