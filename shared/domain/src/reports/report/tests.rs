//! What a report counts, and that it counts the same however its deliveries are ordered and divided.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::testing::{Day, deliveries};
use super::*;
use crate::foundation::draft::Draft;
use crate::foundation::id::ApiKeyId;
use crate::foundation::random::SystemRandom;
use crate::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey, ProjectKey};
use crate::webhooks::attempt::FailureReason;
use crate::webhooks::delivery::DeliveryState;
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::event::{EventType, SubmissionId};
use crate::webhooks::health::HoldReason;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

fn report_of<'a>(day: &Day, deliveries: impl IntoIterator<Item = &'a Delivery>) -> Report {
    let mut report = Report::new(day.project_id, day.date);
    deliveries.into_iter().for_each(|delivery| report.add(delivery));
    report
}

#[test]
fn events_of_all_slices_are_counted_whether_or_not_an_endpoint_receives_them() {
    let day = Day::default();
    let mut all = Report::new(day.project_id, day.date);
    all.count_event();
    let mut other = Report::new(day.project_id, day.date);
    other.count_event();
    other.count_event();
    all.merge(other);
    assert_eq!(view(&day, all).events, Some(3));
}

fn view(day: &Day, report: Report) -> ReportView {
    report.view(day.next_morning(), &day.endpoints(), Vec::new())
}

fn view_of<'a>(day: &Day, deliveries: impl IntoIterator<Item = &'a Delivery>) -> ReportView {
    view(day, report_of(day, deliveries))
}

fn sum_of(totals: impl IntoIterator<Item = Totals>) -> Totals {
    totals.into_iter().fold(Totals::default(), |sum, row| sum + row)
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
    fn merged_reports_of_slices_equal_the_report_of_all_deliveries(
        deliveries in deliveries(0..200),
        slices in proptest::collection::vec(0..5_usize, 200),
    ) {
        let day = Day::default();
        let mut parts: Vec<Report> = vec![Report::new(day.project_id, day.date); 5];
        for (delivery, slice) in deliveries.iter().zip(slices) {
            parts[slice].add(delivery);
        }
        let mut merged = Report::new(day.project_id, day.date);
        for part in parts {
            let stored = serde_json::to_string(&part).unwrap();
            merged.merge(serde_json::from_str(&stored).unwrap());
        }
        prop_assert_eq!(view(&day, merged), view_of(&day, &deliveries));
    }

    #[test]
    fn all_totals_of_a_report_are_consistent(deliveries in deliveries(0..120)) {
        let day = Day::default();
        let view = view_of(&day, &deliveries);
        for Totals { deliveries: all, delivered, failed, still_trying, held, cancelled, expired } in [view.totals, view.earlier_days] {
            prop_assert_eq!(all, delivered + failed + still_trying + held + cancelled + expired);
        }
        let of_day = deliveries.iter().filter(|delivery| delivery.id.event.day() == day.date).count();
        prop_assert_eq!(view.totals.deliveries, of_day as u64);
        prop_assert_eq!(sum_of(view.by_type.iter().map(|row| row.totals)), view.totals);
        prop_assert_eq!(sum_of(view.by_endpoint.iter().map(|row| row.totals)), view.totals);
        let failures = view.failures.len() as u64 + view.more_failures;
        let lost: u64 = view.problems.iter().map(Problem::lost).sum();
        let still_trying: u64 = view.problems.iter().map(|problem| problem.still_trying).sum();
        prop_assert_eq!((lost, lost + still_trying), (view.all().lost(), failures));
        prop_assert!(view.by_reason.iter().map(|row| row.deliveries).sum::<u64>() <= failures);
        prop_assert!(view.failures.len() <= MAX_FAILURES);
        prop_assert_eq!(view.latency.is_some(), view.totals.delivered > 0);
    }

    #[test]
    fn over_all_days_each_end_and_each_attempt_counts_once(deliveries in deliveries(0..60)) {
        let day = Day::default();
        let first = day.date.previous().previous().previous();
        let days = std::iter::successors(Some(first), |day| Some(day.next())).take(8);
        let (mut ended, mut attempts) = (0, 0);
        for date in days {
            let view = view_of(&Day { date, ..Day::default() }, &deliveries);
            ended += view.ended.delivered + view.ended.failed + view.ended.cancelled + view.ended.expired;
            attempts += view.attempts.made;
        }
        prop_assert_eq!(ended, deliveries.iter().filter(|delivery| delivery.state.is_final()).count() as u64);
        prop_assert_eq!(attempts, deliveries.iter().map(|delivery| delivery.attempts.len() as u64).sum::<u64>());
    }

    #[test]
    fn a_report_is_read_as_it_was_stored(deliveries in deliveries(0..60)) {
        let day = Day::default();
        let view = report_of(&day, &deliveries).view(day.next_morning(), &day.endpoints_in_trouble(), day.expiring_keys());
        let stored = serde_json::to_string(&view).unwrap();
        prop_assert_eq!(serde_json::from_str::<ReportView>(&stored).unwrap(), view);
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
    assert_eq!(view.first_attempts, AttemptCounts { made: 1, succeeded: 0 });
    assert_eq!(view.attempts, AttemptCounts { made: 2, succeeded: 1 });
}

#[test]
fn a_successful_replay_counts_as_delivered_and_ends_the_latency() {
    let day = Day::default();
    let replayed = day.delivery(0).failed().replayed_after(60_000, 900).get();
    let view = view_of(&day, [&replayed]);
    assert_eq!((view.totals.delivered, view.totals.failed, view.by_reason), (1, 0, Vec::new()));
    assert!(view.latency.unwrap().p50_ms.abs_diff(60_900) <= 609);
    assert_eq!(view.first_attempts, AttemptCounts { made: 1, succeeded: 0 });
}

#[test]
fn a_webhook_that_fails_for_good_days_later_is_in_the_report_of_that_day() {
    let day = Day::default();
    let bad_request = |delivery: testing::DeliveryBuilder, millis, wait_hours: Option<u64>| {
        delivery.attempt(millis, 90, Err((FailureReason::Status, Some(400))), wait_hours.map(Duration::from_hours))
    };
    let aml = day.earlier_delivery_of(EventType::Aml, day.endpoints[0], 7, 3);
    let tried = bad_request(bad_request(aml, 100, Some(20)), 2 * DAY_MS, Some(22));
    let (given_up, delivered) = (
        bad_request(tried.clone(), 3 * DAY_MS - HOUR_MS, None).get(),
        day.earlier_delivery_of(EventType::Approved, day.endpoints[1], 8, 1).delivered_after(DAY_MS, 90).get(),
    );
    let view = view_of(&day, [&given_up, &delivered]);
    assert_eq!(view.totals, Totals::default());
    assert_eq!(view.earlier_days, Totals { deliveries: 2, failed: 1, delivered: 1, ..Totals::default() });
    assert_eq!(view.ended, Endings { failed: 1, delivered: 1, ..Endings::default() });
    assert_eq!(view.attempts, AttemptCounts { made: 2, succeeded: 1 });
    assert_eq!((view.first_attempts.made, view.latency), (0, None), "these describe the webhooks of the day");
    assert_eq!(view.outcome(), Outcome::Failed);
    let [problem] = &view.problems[..] else { panic!("one type fails") };
    let submission_id = given_up.submission_id.clone();
    let expected = Problem {
        endpoint_id: day.endpoints[0],
        host: Some("hooks.acme.example".to_owned()),
        event_type: EventType::Aml,
        failed: 1,
        expired: 0,
        still_trying: 0,
        reasons: vec![ProblemReason { reason: FailureReason::Status, status: Some(400), deliveries: 1 }],
        examples: vec![Example { delivery_id: given_up.id, submission_id, state: DeliveryState::Failed }],
    };
    assert_eq!(*problem, expected);

    // On the days before, the same webhook was still trying.
    for (days, attempts) in [(1, 1), (2, 0)] {
        let date = (0..days).fold(day.date, |date, _| date.previous());
        let earlier = view_of(&Day { date, ..Day::default() }, [&tried.clone().get()]);
        assert_eq!((earlier.earlier_days.still_trying, earlier.attempts.made), (1, attempts), "{days} days before");
        assert_eq!((earlier.ended, earlier.outcome()), (Endings::default(), Outcome::StillTrying));
        assert_eq!(earlier.problems[0].still_trying, 1);
    }
}

#[test]
fn a_late_row_of_a_delivery_that_had_ended_before_counts_nothing() {
    let day = Day::default();
    let ended_before =
        day.earlier_delivery_of(EventType::Aml, day.endpoints[0], 7, 2).delivered_after(DAY_MS, 90).get();
    let report = report_of(&day, [&ended_before]);
    assert!(report.is_empty());
    assert_eq!(view(&day, report), view_of(&day, []));
}

#[test]
fn a_problem_names_its_most_frequent_reasons_and_some_examples() {
    let day = Day::default();
    let answers = [(404, 1), (500, 2), (502, 5), (503, 3)];
    let statuses = answers.iter().flat_map(|(status, count)| std::iter::repeat_n(*status, *count));
    let waiting = |(number, status)| {
        let answer = Err((FailureReason::Status, Some(status)));
        day.delivery(number).attempt(10, 5, answer, Some(Duration::from_hours(1))).get()
    };
    let mut deliveries: Vec<Delivery> = (0_u64..).zip(statuses).map(waiting).collect();
    deliveries.push(day.delivery(50).expired_after(10));
    deliveries.push(day.delivery(49).failed().get().erased(day.next_morning()));
    let [problem] = &view_of(&day, &deliveries).problems[..] else { panic!("one type fails") };
    assert_eq!((problem.failed, problem.expired, problem.still_trying), (1, 1, 11));
    let reasons: Vec<(Option<u16>, u64)> = problem.reasons.iter().map(|row| (row.status, row.deliveries)).collect();
    assert_eq!(reasons, [(Some(502), 5), (Some(503), 4), (Some(500), 2)]);
    let examples: Vec<Option<&str>> =
        problem.examples.iter().map(|example| example.submission_id.as_ref().map(SubmissionId::as_str)).collect();
    assert_eq!(examples, [None, Some("sub-50"), Some("sub-0")], "an erased submission is not named");
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
    let (failed, cancelled) = (day.delivery(2).failed().get(), day.delivery(3).cancelled());
    let expired = day.earlier_delivery_of(EventType::Aml, day.endpoints[0], 4, 1).expired_after(DAY_MS);
    assert_eq!(view_of(&day, []).outcome(), Outcome::Quiet);
    assert_eq!(view_of(&day, [&taken, &cancelled]).outcome(), Outcome::Delivered);
    assert_eq!(view_of(&day, [&taken, &queued]).outcome(), Outcome::StillTrying);
    assert_eq!(view_of(&day, [&taken, &queued, &failed]).outcome(), Outcome::Failed);
    assert_eq!(view_of(&day, [&taken, &expired]).outcome(), Outcome::Failed);
}

#[test]
fn a_report_is_serialized_as_documented() {
    let day = Day::default();
    let report = report_of(&day, [&day.delivery(0).refused_after(100, 5).get()]);
    let view = report.view(day.next_morning(), &day.endpoints_in_trouble(), Vec::new());
    let (delivery_id, endpoint_id) = (day.delivery(0).get().id, day.endpoints[0]);
    let totals = |deliveries: u64| {
        json!({
            "deliveries": deliveries,
            "delivered": 0,
            "failed": 0,
            "stillTrying": deliveries,
            "held": 0,
            "cancelled": 0,
            "expired": 0,
        })
    };
    let with = |other: serde_json::Value| {
        let members = [totals(1).as_object().unwrap().clone(), other.as_object().unwrap().clone()];
        serde_json::Value::Object(members.into_iter().flatten().collect())
    };
    let attempts = json!({ "made": 1, "succeeded": 0, "successRate": 0.0 });
    assert_eq!(
        serde_json::to_value(&view).unwrap(),
        json!({
            "projectId": day.project_id,
            "day": "2026-11-21",
            "asOf": "2026-11-22T00:10:00.000Z",
            "events": 0,
            "totals": totals(1),
            "earlierDays": totals(0),
            "heldForOrder": 0,
            "ended": { "delivered": 0, "failed": 0, "cancelled": 0, "expired": 0 },
            "attempts": attempts,
            "firstAttempts": attempts,
            "byType": [with(json!({ "type": "approved" }))],
            "byEndpoint": [with(json!({ "endpointId": endpoint_id, "host": "hooks.acme.example" }))],
            "byReason": [{ "reason": "refused", "deliveries": 1 }],
            "problems": [{
                "endpointId": endpoint_id,
                "host": "hooks.acme.example",
                "type": "approved",
                "failed": 0,
                "expired": 0,
                "stillTrying": 1,
                "reasons": [{ "reason": "refused", "deliveries": 1 }],
                "examples": [{ "deliveryId": delivery_id, "submissionId": "sub-0", "state": "waiting" }],
            }],
            "moreProblems": 0,
            "failures": [{
                "deliveryId": delivery_id,
                "endpointId": endpoint_id,
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
            "unusedKeys": [],
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
fn a_report_of_the_previous_version_can_be_read() {
    let day = Day::default();
    let mut stored = serde_json::to_value(view_of(&day, [&day.delivery(0).refused_after(100, 5).get()])).unwrap();
    let members = stored.as_object_mut().unwrap();
    for added in ["earlierDays", "heldForOrder", "ended", "attempts", "problems", "moreProblems"] {
        members.remove(added);
    }
    members["totals"].as_object_mut().unwrap().remove("expired");
    let report: ReportView = serde_json::from_value(stored).unwrap();
    assert_eq!((report.all().deliveries, report.outcome()), (1, Outcome::StillTrying));
}

#[test]
fn deliveries_that_wait_for_an_earlier_one_are_counted_as_held() {
    let day = Day::default();
    let deliveries =
        [day.delivery(0).get().held_for_order(day.date.start()), day.delivery(0).get().held(HoldReason::Busy)];
    let mut report = Report::new(day.project_id, day.date);
    report.add(&deliveries[0]);
    let mut other = Report::new(day.project_id, day.date);
    other.add(&deliveries[1]);
    report.merge(other);
    let view = view(&day, report);
    assert_eq!((view.totals.held, view.held_for_order), (2, 1));
}

#[test]
fn a_paused_endpoint_is_not_listed_as_about_to_be_disabled() {
    let day = Day::default();
    let mut endpoints = day.endpoints();
    let facts = endpoints.get_mut(&day.endpoints[0]).unwrap();
    facts.health.disables_at = Some(day.next_morning());
    facts.sending_state = SendingState::Paused;
    let [paused] = &Report::new(day.project_id, day.date)
        .view(day.next_morning(), &endpoints, Vec::new())
        .endpoints_in_trouble[..]
    else {
        panic!("one endpoint is paused");
    };
    assert_eq!((paused.state, paused.disables_at), (HoldReason::Paused, None));
}

fn key_created(name: &str, now: Timestamp) -> ProjectKey {
    let draft = Draft::parse(format!(r#"{{"name":"{name}"}}"#).as_bytes()).unwrap();
    let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    let (id, project) = (ApiKeyId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom));
    NewApiKey::try_from(draft).unwrap().create(id, project, &key, &KeyBounds::operator()).unwrap()
}

#[test]
fn valid_keys_that_were_not_used_for_90_days_are_listed() {
    let now: Timestamp = "2026-11-22T00:10:00Z".parse().unwrap();
    let days = |number: u64| now.minus(Duration::from_hours(24 * number));
    let key = |name: &str, created: u64, used: Option<u64>, expires_at: Option<Timestamp>| {
        let last_used_on = used.map(|used| days(used).day());
        ProjectKey { expires_at, last_used_on, ..key_created(name, days(created)) }
    };
    let keys = [
        key("forgotten", 92, Some(91), None),
        key("never used", 91, None, Some(now.plus(Duration::from_millis(1)))),
        key("expired", 91, None, Some(now)),
        key("used", 91, Some(90), None),
        key("new", 90, None, None),
    ];
    let listed: Vec<String> = unused(&keys, now).into_iter().map(|key| key.name.as_str().to_owned()).collect();
    assert_eq!(listed, ["forgotten", "never used"]);
}

#[test]
fn keys_are_listed_in_the_14_days_before_they_expire() {
    let now: Timestamp = "2026-11-22T00:10:00Z".parse().unwrap();
    let key = |name: &str, expires_at: Option<Timestamp>| ProjectKey { expires_at, ..key_created(name, now) };
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
