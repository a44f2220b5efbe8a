//! The breaker, response by response.

use proptest::prelude::*;

use super::policy::{FIRST_PACE, MAX_PACE, MIN_PACE, PACE_STEP};
use super::testing::{ACTIVE, DAY, after_seconds, attempt, health, now, open, policy};
use super::*;
use crate::webhooks::attempt::{Attempt, FailureReason};
use crate::webhooks::endpoint::SendingState;

#[test]
fn enough_failures_in_a_row_over_enough_time_open_the_breaker() {
    assert_eq!(health().answers(0, 500).answers(1, 500).answers(2, 500).gate(ACTIVE, after_seconds(2)), Gate::Send);
    assert_eq!(health().answers(0, 500).answers(31, 200).answers(40, 500).gate(ACTIVE, after_seconds(40)), Gate::Send);
    assert_eq!(open().gate(ACTIVE, after_seconds(40)), Gate::Hold(HoldReason::Failing));
    assert_eq!(open().gate(ACTIVE, after_seconds(69)), Gate::Hold(HoldReason::Failing));
    assert_eq!(open().gate(ACTIVE, after_seconds(70)), Gate::Probe);
}

#[test]
fn only_one_delivery_probes_at_a_time() {
    let probing = open().probing(after_seconds(70));
    assert_eq!(probing.gate(ACTIVE, after_seconds(71)), Gate::Hold(HoldReason::Failing));
    assert_eq!(probing.clone().answers(72, 200).gate(ACTIVE, after_seconds(72)), Gate::Send);
    let lost = probing.gate(ACTIVE, after_seconds(70 + 60));
    assert_eq!(lost, Gate::Probe, "a lost probe lets another delivery probe");
}

#[test]
fn each_failed_probe_doubles_the_pause_up_to_15_minutes() {
    let mut health = open();
    let mut at = 70;
    for expected in [60, 120, 240, 480, 900, 900] {
        health = health.probing(after_seconds(at)).answers(at, 500);
        assert_eq!(health.pause.unwrap().until, after_seconds(at + expected));
        at += expected;
    }
}

#[test]
fn failures_of_attempts_that_started_before_the_breaker_opened_do_not_extend_the_pause() {
    assert_eq!(open().answers(41, 500).pause, open().pause);
}

#[test]
fn the_success_of_an_attempt_that_started_before_the_end_of_the_pause_does_not_end_it() {
    let open = open();
    for started in [39, 41, 69] {
        let late = open.clone().answers(started, 200);
        assert_eq!((late.pause, late.failures), (open.pause, 0), "{started}");
    }
    assert_eq!(open.answers(70, 200).pause, None);
}

#[test]
fn attempts_that_started_before_the_breaker_closed_no_longer_count() {
    let closed = open().answers(70, 200);
    let late = closed.clone().answers_retry_after(69, 60);
    assert_eq!((late.pause, late.failures, late.recent), (None, 0, closed.recent));
    assert_eq!(closed.answers_retry_after(71, 60).pause.unwrap().until, after_seconds(131));
}

#[test]
fn a_busy_receiver_gets_the_pause_it_asks_for() {
    let busy = health().answers_retry_after(0, 120);
    assert_eq!(busy.gate(ACTIVE, after_seconds(119)), Gate::Hold(HoldReason::Busy));
    assert_eq!(busy.gate(ACTIVE, after_seconds(120)), Gate::Probe);
    assert_eq!(health().answers(0, 429).gate(ACTIVE, after_seconds(4)), Gate::Hold(HoldReason::Busy));
    assert_eq!(health().answers(0, 429).gate(ACTIVE, after_seconds(5)), Gate::Probe);
}

#[test]
fn a_pause_that_the_receiver_asks_for_is_kept_although_it_accepts_other_webhooks() {
    let accepting = (0..50).fold(health(), |health, second| health.answers(second, 200));
    assert_eq!(accepting.clone().answers(50, 503).gate(ACTIVE, after_seconds(50)), Gate::Send);
    let asked = accepting.answers_retry_after(50, 2);
    assert_eq!(asked.pause.unwrap().until, after_seconds(52), "not longer than it asks for");
    let longer = asked.answers_retry_after(51, 60);
    assert_eq!(longer.pause.map(|pause| (pause.until, pause.in_a_row)), Some((after_seconds(111), 1)));
    assert_eq!(longer.answers(53, 200).gate(ACTIVE, after_seconds(53)), Gate::Hold(HoldReason::Busy));
}

#[test]
fn thirty_rejections_in_a_row_open_the_breaker_of_a_receiver_that_accepted_webhooks() {
    let accepting = (0..100).fold(health(), |health, _| health.answers(0, 200));
    let policy: HealthPolicy = DEFAULT_POLICY.parse().unwrap();
    let rejection = attempt(after_seconds(1), Some(503));
    let reject = |health: Health| health.after(&rejection, None, &policy);
    let rejecting = (0..29).fold(accepting, |health, _| reject(health));
    assert_eq!(rejecting.gate(ACTIVE, after_seconds(1)), Gate::Send);
    assert_eq!(reject(rejecting).gate(ACTIVE, after_seconds(1)), Gate::Hold(HoldReason::Busy));
}

#[test]
fn failures_before_the_last_success_are_not_in_a_row() {
    let healthy = health().answers(10, 200);
    let late = healthy.answers(5, 500).answers(9, 500);
    assert_eq!((late.failures, late.failing_since), (0, None));
    let failing = late.answers(11, 500);
    assert_eq!((failing.failures, failing.failing_since), (1, Some(after_seconds(11))));
    let late_success = failing.answers(10, 200);
    assert_eq!(late_success.failures, 1, "a success before the first failure does not end the failures");
}

#[test]
fn an_endpoint_that_answers_410_is_disabled_until_the_customer_enables_it() {
    let gone = health().answers(0, 410);
    assert_eq!(gone.gate(ACTIVE, after_seconds(1_000_000)), Gate::Hold(HoldReason::Disabled));
    let kinds: Vec<_> = gone.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::DisabledGone]);
    assert_eq!(gone.enabled().gate(ACTIVE, after_seconds(1)), Gate::Send);
}

#[test]
fn the_status_of_a_token_server_neither_disables_nor_pauses_the_endpoint() {
    for status in [410, 429, 503] {
        let refused = Attempt { reason: Some(FailureReason::TokenRefused), ..attempt(now(), Some(status)) };
        let failing = health().after(&refused, None, &policy());
        assert_eq!((failing.gate(ACTIVE, now()), failing.failures), (Gate::Send, 1), "{status}");
    }
}

#[test]
fn an_endpoint_in_trouble_reports_the_reason_and_since_when() {
    assert_eq!(health().trouble(ACTIVE), None);
    assert_eq!(health().trouble(SendingState::Paused), Some((HoldReason::Paused, None)));
    assert_eq!(open().trouble(ACTIVE), Some((HoldReason::Failing, Some(now()))));
    assert_eq!(health().answers(5, 429).trouble(ACTIVE), Some((HoldReason::Busy, Some(after_seconds(5)))));
    assert_eq!(health().answers(7, 410).trouble(ACTIVE), Some((HoldReason::Disabled, Some(after_seconds(7)))));
    assert_eq!(open().answers(70, 200).trouble(ACTIVE), None);
}

#[test]
fn a_success_resets_how_long_the_receiver_has_failed() {
    let recovered = health().answers(0, 500).answers(100, 200);
    assert_eq!((recovered.failures, recovered.failing_since), (0, None));
    assert_eq!(recovered.answers(24 * 3600, 500).notices, []);
}

#[test]
fn a_paused_endpoint_holds_whatever_its_health() {
    assert_eq!(health().gate(SendingState::Paused, now()), Gate::Hold(HoldReason::Paused));
    assert_eq!(open().gate(SendingState::Paused, after_seconds(70)), Gate::Hold(HoldReason::Paused));
}

#[test]
fn a_drain_starts_with_the_probe_and_gets_faster_each_minute() {
    let horizon = |seconds: u64| after_seconds(seconds + 60);
    let limit =
        |health: &Health, seconds| health.drain(ACTIVE, after_seconds(seconds), horizon(seconds)).unwrap().limit;
    assert_eq!(open().drain(ACTIVE, after_seconds(40), after_seconds(69)), None);
    let probe = Drain { limit: 1, from: after_seconds(70) };
    assert_eq!(open().drain(ACTIVE, after_seconds(41), horizon(41)), Some(probe));
    let closed = open().answers(70, 200);
    assert_eq!(limit(&closed, 71), FIRST_PACE / 2, "opening the breaker halved the pace");
    let next = closed.clone().with_next_pace(true, after_seconds(131));
    assert_eq!(limit(&next, 131), FIRST_PACE / 2 + PACE_STEP);
    assert_eq!(
        limit(&closed.with_next_pace(false, after_seconds(131)), 131),
        FIRST_PACE / 2,
        "nothing is left to release"
    );
    assert_eq!(open().drain(SendingState::Paused, after_seconds(71), horizon(71)), None);
}

#[test]
fn the_pace_of_a_drain_shrinks_by_the_share_of_failed_attempts_and_is_never_reset() {
    let recent = |attempts, failures| Some(Recent { at: now(), attempts, failures });
    let draining = |recent| Health { pace: 2000, recent, ..health() }.with_next_pace(true, now()).pace;
    assert_eq!(draining(None), 2300);
    assert_eq!(draining(recent(100, 15)), 2000, "a share of 15 % keeps a pace of 300 / 0.15");
    assert_eq!(draining(recent(100, 50)), 1300);
    assert_eq!(draining(recent(100, 100)), 300);
    let full = Health { pace: MAX_PACE, ..health() };
    assert_eq!(full.clone().with_next_pace(true, now()).pace, MAX_PACE);
    let reopened = full.answers(0, 503).answers(5, 200);
    assert_eq!(reopened.pace, MAX_PACE / 2);
    let slowest =
        (0..20).fold(health(), |health, time| health.answers(2 * time * DAY, 503).answers((2 * time + 1) * DAY, 200));
    assert_eq!(slowest.pace, MIN_PACE);
}

#[test]
fn an_endpoint_with_held_deliveries_is_checked_until_none_is_left() {
    let held = health().holding(now());
    assert_eq!(held.next_check(ACTIVE, now(), true), Some(after_seconds(60)));
    assert_eq!(
        held.next_check(ACTIVE, after_seconds(60), false),
        Some(after_seconds(120)),
        "another may be put on hold just now"
    );
    assert_eq!(held.next_check(ACTIVE, after_seconds(600), false), None);
    assert_eq!(held.next_check(SendingState::Paused, now(), true), None, "resuming schedules the check");
    let open = open().holding(after_seconds(41));
    assert_eq!(open.next_check(ACTIVE, after_seconds(5), true), Some(after_seconds(70)));
}

#[test]
fn malformed_policies_are_refused() {
    for bad in [
        "",
        "failures=3",
        "failures=0,over=30s,pause=30s,longest=15m,warn=24h,disable=120h",
        "failures=3,over=30,pause=30s,longest=15m,warn=24h,disable=120h",
        "failures=3,over=30s,pause=30s,longest=15m,warn=24h,disable=120h,disable=1h",
        "failures=3,over=30s,pause=30s,longest=15m,warn=24h,colour=120h",
    ] {
        assert!(bad.parse::<HealthPolicy>().is_err(), "{bad:?}");
    }
}

proptest! {
    /// Only a disabled endpoint stays held after the probe succeeded, until the customer enables it.
    #[test]
    fn every_pause_ends_and_the_success_of_its_probe_closes_the_breaker(
        responses in proptest::collection::vec((0_u64..400, proptest::sample::select(vec![200, 410, 429, 500, 503])), 0..60),
    ) {
        let (mut health, mut at) = (health(), 0);
        for (seconds, status) in responses {
            at += seconds;
            let before = health.pause;
            health = health.answers(at, status);
            if let Some(pause) = health.pause {
                prop_assert!(pause.until <= after_seconds(at + 900));
                prop_assert!(status != 200 || before == Some(pause), "a success never opens or extends");
            }
            let is_held_for_good = health.gate(ACTIVE, after_seconds(at + 1000)) == Gate::Hold(HoldReason::Disabled);
            prop_assert_eq!(is_held_for_good, health.disabled.is_some());
        }
        let succeeded = health.answers(at + 900, 200);
        prop_assert_eq!(succeeded.gate(ACTIVE, after_seconds(at + 900)) == Gate::Send, succeeded.disabled.is_none());
    }
}
