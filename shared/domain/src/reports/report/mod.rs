//! The daily report on the webhooks of one project and one UTC day.
//!
//! A report is a fold over deliveries in any order, and reports of different deliveries can be merged. It keeps counts, a
//! percentile sketch, the first failures and a few examples of each problem, so its size does not grow with the number of
//! deliveries.
//!
//! A delivery belongs to the day of its event. Its state is that of the time when the report is built, which the report
//! contains as `asOf`. The report also counts what happened on the day to deliveries of earlier days. The module [`slice`]
//! divides the work of a large project.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::id::ProjectId;
use crate::foundation::time::{Timestamp, UtcDay};
use crate::webhooks::delivery::Delivery;

mod attempts;
mod endings;
mod endpoints;
mod failures;
mod problems;
mod ranked;
#[cfg(test)]
mod simulation;
mod slice;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod totals;
mod view;

use attempts::AttemptTotals;
use failures::Failures;
use problems::Problems;
use totals::GroupedTotals;

pub use attempts::{AttemptCounts, Latency};
pub use endings::Endings;
pub use endpoints::{
    EXPIRY_NOTICE_PERIOD, EndpointFacts, Endpoints, ExpiringKey, TroubledEndpoint, UNUSED_NOTICE_PERIOD, UnusedKey,
    expiring, unused,
};
pub use failures::{Failure, MAX_FAILURES, ReasonTotals};
pub use problems::{Example, MAX_EXAMPLES, MAX_PROBLEMS, Problem, ProblemReason};
pub use slice::{MAX_SLICE_ROWS, Slice, SliceReader};
pub use totals::{EndpointTotals, Totals, TypeTotals};
pub use view::{Outcome, ReportSummary, ReportView};

/// How long a process holds the lease to send a mail. Longer than the time-out of the function that sends it.
pub const MAIL_LEASE: Duration = Duration::from_mins(15);

/// A queue message that asks to build the report of a project and day, and to mail it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportJob {
    /// The project.
    pub project_id: ProjectId,
    /// The day of the report.
    pub day: UtcDay,
    /// When the operator requested the report of a day that had not ended. Such a preview is mailed once for each request, and
    /// the report of the complete day is still mailed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_asked_at: Option<Timestamp>,
    /// The slice to count. Absent in the first message of a report, which begins with the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<Slice>,
}

impl ReportJob {
    /// The first message of a report. `preview_asked_at` makes it a preview.
    pub fn new(project_id: ProjectId, day: UtcDay, preview_asked_at: Option<Timestamp>) -> Self {
        Self { project_id, day, preview_asked_at, slice: None }
    }

    /// The slice to count.
    pub fn slice(&self) -> Slice {
        self.slice.unwrap_or_else(|| Slice::whole(self.day))
    }
}

/// A report that is being built, of all deliveries or of a slice.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    project_id: ProjectId,
    day: UtcDay,
    #[serde(default)]
    events: u64,
    of_day: GroupedTotals,
    earlier_days: Totals,
    #[serde(default)]
    held_for_order: u64,
    ended: Endings,
    attempts: AttemptTotals,
    failures: Failures,
    problems: Problems,
}

impl Report {
    /// A report without deliveries.
    pub fn new(project_id: ProjectId, day: UtcDay) -> Self {
        Self {
            project_id,
            day,
            events: 0,
            of_day: GroupedTotals::default(),
            earlier_days: Totals::default(),
            held_for_order: 0,
            ended: Endings::default(),
            attempts: AttemptTotals::default(),
            failures: Failures::default(),
            problems: Problems::default(),
        }
    }

    /// Counts an event that was accepted on this day.
    pub fn count_event(&mut self) {
        self.events += 1;
    }

    /// Adds a delivery of this project: one of an event of this day, or a late one of an earlier event. A late delivery that had
    /// ended before the day is not counted. Callers add each delivery once, in any order.
    pub fn add(&mut self, delivery: &Delivery) {
        if delivery.id.event.day() == self.day {
            self.of_day.count(delivery);
            self.attempts.count_delivery(delivery);
        } else if delivery.was_open_on(self.day) {
            self.earlier_days.count(delivery.state);
        } else {
            return;
        }
        self.held_for_order += u64::from(delivery.is_held_for_order());
        self.attempts.count_on(self.day, delivery);
        self.ended.count_on(self.day, delivery);
        if let Some(failure) = Failure::of(delivery) {
            self.problems.add(&failure);
            self.failures.add(failure);
        }
    }

    /// Adds a report of other deliveries of the same project and day.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.held_for_order += other.held_for_order;
        self.of_day.merge(other.of_day);
        self.earlier_days += other.earlier_days;
        self.ended.merge(other.ended);
        self.attempts.merge(other.attempts);
        self.failures.merge(other.failures);
        self.problems.merge(other.problems);
    }

    /// Returns whether no delivery was counted.
    pub fn is_empty(&self) -> bool {
        self.of_day.all.deliveries + self.earlier_days.deliveries == 0
    }

    /// Returns the finished report. `as_of` is the time when its deliveries were read.
    pub fn view(self, as_of: Timestamp, endpoints: &Endpoints, expiring_keys: Vec<ExpiringKey>) -> ReportView {
        let by_reason = self.failures.by_reason();
        let (problems, more_problems) = self.problems.view(endpoints);
        ReportView {
            project_id: self.project_id,
            day: self.day,
            as_of,
            events: Some(self.events),
            totals: self.of_day.all,
            earlier_days: self.earlier_days,
            held_for_order: self.held_for_order,
            ended: self.ended,
            attempts: self.attempts.on_day,
            first_attempts: self.attempts.first,
            latency: self.attempts.latency(),
            by_type: self.of_day.by_type(),
            by_endpoint: self.of_day.by_endpoint(endpoints),
            by_reason,
            problems,
            more_problems,
            failures: self.failures.first.into_iter().collect(),
            more_failures: self.failures.more,
            endpoints_in_trouble: endpoints::in_trouble(endpoints),
            expiring_keys,
            unused_keys: Vec::new(),
        }
    }
}
