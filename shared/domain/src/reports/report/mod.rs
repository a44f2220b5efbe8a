//! The daily report on the deliveries of one project and one UTC day.
//!
//! A report is a fold over deliveries in any order. It keeps counts, a percentile sketch and the first failures, so its size
//! does not grow with the number of deliveries. A delivery belongs to the day of its event, whenever its attempts were made.
//! Its state is that of the time when the report is built, which the report contains as `asOf`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sketches_ddsketch::DDSketch;

use crate::foundation::id::{DeliveryId, EndpointId, ProjectId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::api_key::ProjectKey;
use crate::webhooks::attempt::{Attempt, FailureReason};
use crate::webhooks::delivery::{Delivery, DeliveryState};
use crate::webhooks::endpoint::EndpointState;
use crate::webhooks::event::EventType;
use crate::webhooks::health::Health;

mod view;

pub use view::{
    EndpointTotals, ExpiringKey, Failure, FirstAttempts, Latency, Outcome, ReasonTotals, ReportView, Totals,
    TroubledEndpoint, TypeTotals,
};

/// Maximum number of failures that a report lists. Others are only counted.
pub const MAX_FAILURES: usize = 50;

/// How long a process holds the lease to send a mail. Longer than the time-out of the function that sends it.
pub const MAIL_LEASE: Duration = Duration::from_mins(15);

/// The endpoints of a project at the time when the report is built, without deleted ones.
pub type Endpoints = BTreeMap<EndpointId, EndpointFacts>;

/// The data of an endpoint that a report needs.
#[derive(Debug, Clone)]
pub struct EndpointFacts {
    /// Host of the endpoint's URL. The rest of the URL may contain secrets.
    pub host: String,
    /// State that the customer set.
    pub desired_state: EndpointState,
    /// Health of the endpoint's receiver.
    pub health: Health,
}

/// How long before its expiry an API key is listed in reports.
pub const EXPIRY_NOTICE_PERIOD: Duration = Duration::from_hours(14 * 24);

/// Returns the keys that expire within [`EXPIRY_NOTICE_PERIOD`] from `now`, in the order of expiry.
pub fn expiring(keys: Vec<ProjectKey>, now: Timestamp) -> Vec<ExpiringKey> {
    let is_soon = |at: &Timestamp| now < *at && *at <= now.plus(EXPIRY_NOTICE_PERIOD);
    let soon = keys.into_iter().filter_map(|key| {
        let expires_at = key.expires_at.filter(is_soon)?;
        Some(ExpiringKey { id: key.id, name: key.name, hint: key.hint, expires_at })
    });
    let mut soon: Vec<ExpiringKey> = soon.collect();
    soon.sort_by_key(|key| key.expires_at);
    soon
}

/// A queue message that asks to mail the report of a project and day.
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
}

/// A report that is being built.
#[derive(Clone)]
pub struct Report {
    project_id: ProjectId,
    day: UtcDay,
    totals: Totals,
    by_type: BTreeMap<EventType, Totals>,
    by_endpoint: BTreeMap<EndpointId, Totals>,
    by_reason: BTreeMap<FailureReason, u64>,
    first_attempts: FirstAttempts,
    latencies: DDSketch,
    failures: BTreeMap<(FailureRank, DeliveryId), Failure>,
    more_failures: u64,
}

/// The rank of a failure in the list: final failures come first. Failures of equal rank are in the order of their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FailureRank {
    Final,
    StillTrying,
}

impl Report {
    /// A report without deliveries.
    pub fn new(project_id: ProjectId, day: UtcDay) -> Self {
        Self {
            project_id,
            day,
            totals: Totals::default(),
            by_type: BTreeMap::new(),
            by_endpoint: BTreeMap::new(),
            by_reason: BTreeMap::new(),
            first_attempts: FirstAttempts::default(),
            latencies: DDSketch::default(),
            failures: BTreeMap::new(),
            more_failures: 0,
        }
    }

    /// Adds a delivery of this project and day. Callers add each delivery once, in any order.
    pub fn add(&mut self, delivery: &Delivery) {
        self.totals.count(delivery.state);
        self.by_type.entry(delivery.event_type).or_default().count(delivery.state);
        self.by_endpoint.entry(delivery.id.endpoint).or_default().count(delivery.state);
        if let Some(first) = delivery.attempts.first() {
            self.first_attempts.made += 1;
            self.first_attempts.succeeded += u64::from(first.succeeded());
        }
        let Some(last) = delivery.attempts.last() else { return };
        match delivery.state {
            DeliveryState::Delivered => {
                let successful = delivery.successful_attempt().unwrap_or(last);
                let latency = successful.ended_at().since(delivery.id.event.created_at());
                self.latencies.add(latency.as_secs_f64());
            }
            DeliveryState::Failed => self.add_failure(FailureRank::Final, delivery, last),
            DeliveryState::Waiting | DeliveryState::Held => self.add_failure(FailureRank::StillTrying, delivery, last),
            DeliveryState::Queued | DeliveryState::Cancelled => {}
        }
    }

    fn add_failure(&mut self, rank: FailureRank, delivery: &Delivery, last: &Attempt) {
        let Some(reason) = last.reason else { return };
        *self.by_reason.entry(reason).or_default() += 1;
        let failure = Failure {
            delivery_id: delivery.id,
            endpoint_id: delivery.id.endpoint,
            event_type: delivery.event_type,
            submission_id: delivery.submission_id.clone(),
            state: delivery.state,
            attempts: delivery.attempts_made(),
            last_attempt_at: last.at,
            next_attempt_at: delivery.next_attempt_at,
            reason,
            status: last.status,
        };
        self.failures.insert((rank, delivery.id), failure);
        if self.failures.len() > MAX_FAILURES {
            self.failures.pop_last();
            self.more_failures += 1;
        }
    }

    /// Returns the finished report. `as_of` is the time when its deliveries were read.
    pub fn view(self, as_of: Timestamp, endpoints: &Endpoints, expiring_keys: Vec<ExpiringKey>) -> ReportView {
        let latency =
            self.percentile(0.5).zip(self.percentile(0.95)).map(|(p50_ms, p95_ms)| Latency { p50_ms, p95_ms });
        let by_type = self.by_type.into_iter().map(|(event_type, totals)| TypeTotals { event_type, totals });
        let by_endpoint = self.by_endpoint.into_iter().map(|(endpoint_id, totals)| EndpointTotals {
            endpoint_id,
            host: endpoints.get(&endpoint_id).map(|endpoint| endpoint.host.clone()),
            totals,
        });
        let by_reason = self.by_reason.into_iter().map(|(reason, deliveries)| ReasonTotals { reason, deliveries });
        ReportView {
            project_id: self.project_id,
            day: self.day,
            as_of,
            totals: self.totals,
            first_attempts: self.first_attempts,
            latency,
            by_type: by_type.collect(),
            by_endpoint: by_endpoint.collect(),
            by_reason: by_reason.collect(),
            endpoints_in_trouble: endpoints.iter().filter_map(|(id, facts)| troubled(*id, facts)).collect(),
            expiring_keys,
            failures: self.failures.into_values().collect(),
            more_failures: self.more_failures,
        }
    }

    fn percentile(&self, quantile: f64) -> Option<u64> {
        let seconds = self.latencies.quantile(quantile).expect("quantiles are between 0 and 1")?;
        let latency = Duration::try_from_secs_f64(seconds).expect("latencies are never negative");
        u64::try_from(latency.as_millis()).ok()
    }
}

fn troubled(endpoint_id: EndpointId, facts: &EndpointFacts) -> Option<TroubledEndpoint> {
    let EndpointFacts { host, desired_state, health } = facts;
    let (state, since) = health.trouble(*desired_state)?;
    Some(TroubledEndpoint {
        endpoint_id,
        host: host.clone(),
        state,
        since,
        reason: health.last_failure.map(|failure| failure.reason),
        status: health.last_failure.and_then(|failure| failure.status),
        // A paused endpoint makes no attempts, and resuming it resets its health.
        disables_at: health.disables_at.filter(|_| *desired_state == EndpointState::Active),
    })
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::testing::{Day, deliveries};
    use super::*;
    use crate::foundation::draft::Draft;
    use crate::foundation::id::ApiKeyId;
    use crate::foundation::random::SystemRandom;
    use crate::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey};
    use crate::webhooks::health::HoldReason;

    fn view_of<'a>(day: &Day, deliveries: impl IntoIterator<Item = &'a Delivery>) -> ReportView {
        let mut report = Report::new(day.project_id, day.date);
        deliveries.into_iter().for_each(|delivery| report.add(delivery));
        report.view(day.next_morning(), &day.endpoints(), Vec::new())
    }

    fn sum_of(totals: impl IntoIterator<Item = Totals>) -> Totals {
        totals.into_iter().fold(Totals::default(), |sum, row| Totals {
            deliveries: sum.deliveries + row.deliveries,
            delivered: sum.delivered + row.delivered,
            failed: sum.failed + row.failed,
            still_trying: sum.still_trying + row.still_trying,
            held: sum.held + row.held,
            cancelled: sum.cancelled + row.cancelled,
        })
    }

    proptest! {
        #[test]
        fn a_report_does_not_depend_on_the_order_of_its_deliveries(
            deliveries in deliveries(0..120),
            picks in proptest::collection::vec(any::<Index>(), 120),
        ) {
            let day = Day::default();
            let mut shuffled = deliveries.clone();
            for (position, pick) in picks.iter().enumerate().take(shuffled.len()) {
                let other = pick.index(shuffled.len());
                shuffled.swap(position, other);
            }
            prop_assert_eq!(view_of(&day, &deliveries), view_of(&day, &shuffled));
        }

        #[test]
        fn all_totals_of_a_report_are_consistent(deliveries in deliveries(0..120)) {
            let view = view_of(&Day::default(), &deliveries);
            let Totals { deliveries: all, delivered, failed, still_trying, held, cancelled } = view.totals;
            prop_assert_eq!(all, deliveries.len() as u64);
            prop_assert_eq!(all, delivered + failed + still_trying + held + cancelled);
            prop_assert_eq!(sum_of(view.by_type.iter().map(|row| row.totals)), view.totals);
            prop_assert_eq!(sum_of(view.by_endpoint.iter().map(|row| row.totals)), view.totals);
            let failing: u64 = view.by_reason.iter().map(|row| row.deliveries).sum();
            prop_assert_eq!(failing, view.failures.len() as u64 + view.more_failures);
            prop_assert!(failed <= failing && failing <= failed + still_trying + held);
            prop_assert!(view.failures.len() <= MAX_FAILURES);
            prop_assert_eq!(view.latency.is_some(), delivered > 0);
        }
    }

    #[test]
    fn latency_is_the_time_from_the_event_to_the_end_of_the_successful_attempt() {
        let day = Day::default();
        let slow = day.delivery(0).refused_after(100, 5).delivered_after(60_000, 900).get();
        let view = view_of(&day, [&slow]);
        let Latency { p50_ms, p95_ms } = view.latency.unwrap();
        assert_eq!(p50_ms, p95_ms);
        assert!(p50_ms.abs_diff(60_900) <= 609, "{p50_ms}");
        assert_eq!(view.first_attempts, FirstAttempts { made: 1, succeeded: 0 });
    }

    #[test]
    fn a_successful_replay_counts_as_delivered_and_ends_the_latency() {
        let day = Day::default();
        let replayed = day.delivery(0).failed().replayed_after(60_000, 900).get();
        let view = view_of(&day, [&replayed]);
        assert_eq!((view.totals.delivered, view.totals.failed, view.by_reason), (1, 0, Vec::new()));
        assert!(view.latency.unwrap().p50_ms.abs_diff(60_900) <= 609);
        assert_eq!(view.first_attempts, FirstAttempts { made: 1, succeeded: 0 });
    }

    #[test]
    fn final_failures_are_listed_first_and_excess_failures_are_counted() {
        let day = Day::default();
        let waiting: Vec<Delivery> = (0..40).map(|number| day.delivery(number).refused_after(10, 5).get()).collect();
        let failed: Vec<Delivery> = (40..80).map(|number| day.delivery(number).failed().get()).collect();
        let view = view_of(&day, waiting.iter().chain(&failed));
        let states: Vec<DeliveryState> = view.failures.iter().map(|failure| failure.state).collect();
        let expected = [[DeliveryState::Failed; 40].as_slice(), &[DeliveryState::Waiting; 10]].concat();
        assert_eq!((states, view.more_failures), (expected, 30));
    }

    #[test]
    fn the_outcome_of_a_day_is_that_of_its_worst_delivery() {
        let day = Day::default();
        let (taken, queued) = (day.delivery(0).delivered_after(10, 10).get(), day.delivery(1).get());
        let (failed, cancelled) = (day.delivery(2).failed().get(), day.delivery(3).get().cancelled());
        assert_eq!(view_of(&day, []).outcome(), Outcome::Quiet);
        assert_eq!(view_of(&day, [&taken, &cancelled]).outcome(), Outcome::Delivered);
        assert_eq!(view_of(&day, [&taken, &queued]).outcome(), Outcome::StillTrying);
        assert_eq!(view_of(&day, [&taken, &queued, &failed]).outcome(), Outcome::Failed);
    }

    #[test]
    fn a_report_is_serialized_as_documented() {
        let day = Day::default();
        let mut report = Report::new(day.project_id, day.date);
        report.add(&day.delivery(0).refused_after(100, 5).get());
        let view = report.view(day.next_morning(), &day.endpoints_in_trouble(), Vec::new());
        let delivery_id = day.delivery(0).get().id;
        let totals = serde_json::json!({
            "deliveries": 1,
            "delivered": 0,
            "failed": 0,
            "stillTrying": 1,
            "held": 0,
            "cancelled": 0,
        });
        let with = |other: serde_json::Value| {
            let members = [totals.as_object().unwrap().clone(), other.as_object().unwrap().clone()];
            serde_json::Value::Object(members.into_iter().flatten().collect())
        };
        assert_eq!(
            serde_json::to_value(&view).unwrap(),
            serde_json::json!({
                "projectId": day.project_id,
                "day": "2026-11-21",
                "asOf": "2026-11-22T00:10:00.000Z",
                "totals": totals,
                "firstAttempts": { "made": 1, "succeeded": 0, "successRate": 0.0 },
                "byType": [with(serde_json::json!({ "type": "approved" }))],
                "byEndpoint": [with(serde_json::json!({ "endpointId": delivery_id.endpoint, "host": "hooks.acme.example" }))],
                "byReason": [{ "reason": "refused", "deliveries": 1 }],
                "failures": [{
                    "deliveryId": delivery_id,
                    "endpointId": delivery_id.endpoint,
                    "type": "approved",
                    "submissionId": "sub-0",
                    "state": "waiting",
                    "attempts": 1,
                    "lastAttemptAt": "2026-11-21T09:00:00.100Z",
                    "nextAttemptAt": "2026-11-21T09:00:10.105Z",
                    "reason": "refused",
                }],
                "moreFailures": 0,
                "expiringKeys": [],
                "endpointsInTrouble": [{
                    "endpointId": day.endpoints[1],
                    "host": "backup.acme.example",
                    "state": "disabled",
                    "since": "2026-11-21T20:00:00.000Z",
                    "reason": "status",
                    "status": 410,
                }],
            })
        );
    }

    #[test]
    fn a_paused_endpoint_is_not_listed_as_about_to_be_disabled() {
        let day = Day::default();
        let mut endpoints = day.endpoints();
        let facts = endpoints.get_mut(&day.endpoints[0]).unwrap();
        facts.health.disables_at = Some(day.next_morning());
        facts.desired_state = EndpointState::Paused;
        let [paused] = &Report::new(day.project_id, day.date)
            .view(day.next_morning(), &endpoints, Vec::new())
            .endpoints_in_trouble[..]
        else {
            panic!("one endpoint is paused");
        };
        assert_eq!((paused.state, paused.disables_at), (HoldReason::Paused, None));
    }

    #[test]
    fn keys_are_listed_in_the_14_days_before_they_expire() {
        let now: Timestamp = "2026-11-22T00:10:00Z".parse().unwrap();
        let key = |name: &str, expires_at: Option<Timestamp>| {
            let draft = Draft::parse(format!(r#"{{"name":"{name}"}}"#).as_bytes()).unwrap();
            let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
            let (id, project) = (ApiKeyId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom));
            let created =
                NewApiKey::try_from(draft).unwrap().create(id, project, &key, &KeyBounds::operator()).unwrap();
            ProjectKey { expires_at, ..created }
        };
        let (millisecond, days) = (Duration::from_millis(1), |number: u64| Duration::from_hours(24 * number));
        let keys = vec![
            key("never", None),
            key("expired", Some(now)),
            key("in 14 days", Some(now.plus(days(14)))),
            key("later", Some(now.plus(days(14)).plus(millisecond))),
            key("soon", Some(now.plus(millisecond))),
        ];
        let listed: Vec<String> = expiring(keys, now).into_iter().map(|key| key.name.as_str().to_owned()).collect();
        assert_eq!(listed, ["soon", "in 14 days"]);
    }
}
