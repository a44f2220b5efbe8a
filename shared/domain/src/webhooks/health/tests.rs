//! The breaker, response by response.

use std::time::Duration;

use proptest::prelude::*;

use super::policy::FIRST_PACE;
use super::*;
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::endpoint::EndpointState;

const ACTIVE: EndpointState = EndpointState::Active;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn after_seconds(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

fn policy() -> HealthPolicy {
    "failures=3,over=30s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap()
}

fn health() -> Health {
    Health::unknown(ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom))
}

fn attempt(at: Timestamp, status: Option<u16>) -> Attempt {
    let reason = match status {
        None => Some(FailureReason::Refused),
        Some(200..=299) => None,
        Some(_) => Some(FailureReason::Status),
    };
    Attempt { number: 1, at, duration_ms: 0, phases: Phases::default(), status, reason, response: None }
}

impl Health {
    fn answers(self, seconds: u64, status: u16) -> Self {
        self.after(&attempt(after_seconds(seconds), Some(status)), None, &policy())
    }
}

/// An endpoint whose breaker opened at 40 s for 30 s.
fn open() -> Health {
    health().answers(0, 500).answers(20, 500).answers(40, 500)
}

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
fn a_busy_receiver_gets_the_pause_it_asks_for() {
    let retry_after = Some(Duration::from_mins(2));
    let busy = health().after(&attempt(now(), Some(503)), retry_after, &policy());
    assert_eq!(busy.gate(ACTIVE, after_seconds(119)), Gate::Hold(HoldReason::Busy));
    assert_eq!(busy.gate(ACTIVE, after_seconds(120)), Gate::Probe);
    assert_eq!(health().answers(0, 429).gate(ACTIVE, after_seconds(4)), Gate::Hold(HoldReason::Busy));
    assert_eq!(health().answers(0, 429).gate(ACTIVE, after_seconds(5)), Gate::Probe);
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
fn a_receiver_that_fails_for_a_day_causes_one_warning_and_for_five_days_disables_the_endpoint() {
    let hours = |hours: u64| hours * 3600;
    let mut health = health().answers(0, 500);
    for hour in 1..120 {
        health = health.answers(hours(hour), 500);
    }
    let kinds: Vec<_> = health.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!((kinds, health.disabled), (vec![NoticeKind::Failing], None));
    let health = health.answers(hours(120), 500);
    assert_eq!(health.disabled.map(|disabled| disabled.reason), Some(DisableReason::Failing));
    assert_eq!(health.notices.last().map(|notice| notice.kind), Some(NoticeKind::DisabledFailing));
}

#[test]
fn a_notice_carries_everything_its_mail_states() {
    let warned = health().answers(0, 500).answers(24 * 3600, 503);
    let expected = Notice {
        kind: NoticeKind::Failing,
        at: after_seconds(24 * 3600),
        failing_since: now(),
        failures: 2,
        last_failure: Some(LastFailure { reason: FailureReason::Status, status: Some(503) }),
        disables_at: Some(after_seconds(120 * 3600)),
    };
    assert_eq!(warned.notices, [expected]);
    let disabled = warned.answers(120 * 3600, 500).notices.pop().unwrap();
    assert_eq!((disabled.kind, disabled.failures, disabled.disables_at), (NoticeKind::DisabledFailing, 3, None));
}

#[test]
fn notices_stay_until_they_are_sent_or_no_longer_true() {
    let warned = health().answers(0, 500).answers(24 * 3600, 500);
    assert!(warned.next_check(ACTIVE, after_seconds(24 * 3600), false).is_some());
    assert_eq!(warned.clone().answers(24 * 3600 + 1, 200).notices, [], "the receiver recovered");
    let disabled = warned.answers(24 * 3600 + 2, 410);
    let (first, second) = (disabled.notices[0], disabled.notices[1]);
    assert_eq!(disabled.clone().with_notices_sent(&[first]).notices, [second]);
    let sent = disabled.clone().with_notices_sent(&[first, second]);
    assert_eq!(sent.next_check(ACTIVE, after_seconds(24 * 3600 + 3), true), None, "no check is needed any more");
    assert_eq!(disabled.enabled().notices, [], "the customer who enabled it knows");
}

#[test]
fn attempts_that_end_after_the_endpoint_was_disabled_add_no_notice() {
    let day = 24 * 3600;
    let disabled = health().answers(0, 500).answers(day - 1, 410);
    for status in [410, 429, 500] {
        let later = disabled.clone().answers(day + 1, status);
        assert_eq!((later.disables_at, &later.notices), (None, &disabled.notices), "{status}");
    }
}

#[test]
fn a_notice_applies_until_its_endpoint_recovers_or_is_enabled() {
    let warned = health().answers(0, 500).answers(24 * 3600, 500);
    let warning = warned.notices[0];
    let disabled = warned.clone().answers(24 * 3600 + 2, 410);
    let disabling = disabled.notices[1];
    assert!(warned.still_applies(&warning) && warned.clone().with_notices_sent(&[warning]).still_applies(&warning));
    let sent = disabled.clone().with_notices_sent(&[warning, disabling]);
    assert!(disabled.still_applies(&disabling) && sent.still_applies(&disabling));
    assert!(!warned.answers(24 * 3600 + 1, 200).still_applies(&warning), "the receiver recovered");
    assert!(!disabled.still_applies(&warning), "the endpoint is disabled already");
    let enabled = disabled.enabled();
    assert!(!enabled.still_applies(&warning) && !enabled.still_applies(&disabling));
    assert!(!enabled.answers(25 * 3600, 410).still_applies(&disabling), "it was disabled again at another time");
}

#[test]
fn an_endpoint_in_trouble_reports_the_reason_and_since_when() {
    assert_eq!(health().trouble(ACTIVE), None);
    assert_eq!(health().trouble(EndpointState::Paused), Some((HoldReason::Paused, None)));
    assert_eq!(open().trouble(ACTIVE), Some((HoldReason::Failing, Some(now()))));
    assert_eq!(health().answers(5, 429).trouble(ACTIVE), Some((HoldReason::Busy, Some(after_seconds(5)))));
    assert_eq!(health().answers(7, 410).trouble(ACTIVE), Some((HoldReason::Disabled, Some(after_seconds(7)))));
    assert_eq!(open().answers(70, 200).trouble(ACTIVE), None);
}

#[test]
fn a_success_resets_how_long_the_receiver_has_failed() {
    let recovered = health().answers(0, 500).answers(100, 200);
    assert!(recovered.is_clean());
    assert_eq!(recovered.answers(24 * 3600, 500).notices, []);
}

#[test]
fn a_paused_endpoint_holds_whatever_its_health() {
    assert_eq!(health().gate(EndpointState::Paused, now()), Gate::Hold(HoldReason::Paused));
    assert_eq!(open().gate(EndpointState::Paused, after_seconds(70)), Gate::Hold(HoldReason::Paused));
}

#[test]
fn a_drain_starts_with_the_probe_and_gets_faster_each_minute() {
    let horizon = |seconds: u64| after_seconds(seconds + 60);
    assert_eq!(open().drain(ACTIVE, after_seconds(40), after_seconds(69)), None);
    let probe = Drain { limit: 1, from: after_seconds(70) };
    assert_eq!(open().drain(ACTIVE, after_seconds(41), horizon(41)), Some(probe));
    let closed = open().answers(70, 200);
    let first = closed.drain(ACTIVE, after_seconds(71), horizon(71)).unwrap();
    let second = closed.with_doubled_pace().drain(ACTIVE, after_seconds(131), horizon(131)).unwrap();
    assert_eq!((first.limit, second.limit), (FIRST_PACE, 2 * FIRST_PACE));
    assert_eq!(open().drain(EndpointState::Paused, after_seconds(71), horizon(71)), None);
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
    assert_eq!(held.next_check(EndpointState::Paused, now(), true), None, "resuming schedules the check");
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
    /// Holds even if the endpoint is paused and has no held deliveries. A disabled endpoint never has a date on which
    /// it will be disabled.
    #[test]
    fn an_endpoint_with_unsent_notices_is_always_checked(
        responses in proptest::collection::vec((0_u64..100_000, prop_oneof![Just(200), Just(410), Just(429), Just(500), Just(503)]), 0..30),
        has_more: bool,
    ) {
        let (mut health, mut at) = (health(), 0);
        for (seconds, status) in responses {
            at += seconds;
            health = health.answers(at, status);
            for desired_state in [ACTIVE, EndpointState::Paused] {
                let next_check = health.next_check(desired_state, after_seconds(at), has_more);
                prop_assert!(health.notices.is_empty() || next_check == Some(after_seconds(at + 60)));
            }
            prop_assert!(health.disabled.is_none() || health.disables_at.is_none());
            let last_is_warning = health.notices.last().is_some_and(|notice| notice.kind == NoticeKind::Failing);
            prop_assert!(health.disabled.is_none() || !last_is_warning);
        }
    }

    /// Only a disabled endpoint stays held after a success, until the customer enables it.
    #[test]
    fn every_pause_ends_and_one_success_ends_it_at_once(
        responses in proptest::collection::vec((0_u64..400, prop_oneof![Just(200), Just(410), Just(429), Just(500), Just(503)]), 0..60),
    ) {
        let (mut health, mut at) = (health(), 0);
        for (seconds, status) in responses {
            at += seconds;
            health = health.answers(at, status);
            if let Some(pause) = health.pause {
                prop_assert!(pause.until <= after_seconds(at + 900));
                prop_assert!(status != 200);
            }
            let is_held_for_good = health.gate(ACTIVE, after_seconds(at + 1000)) == Gate::Hold(HoldReason::Disabled);
            prop_assert_eq!(is_held_for_good, health.disabled.is_some());
        }
        let succeeded = health.answers(at, 200);
        prop_assert_eq!(succeeded.gate(ACTIVE, after_seconds(at)) == Gate::Send, succeeded.disabled.is_none());
    }
}
