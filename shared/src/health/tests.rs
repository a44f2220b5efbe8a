//! The breaker, answer by answer.

use proptest::prelude::*;

use super::*;
use crate::delivery::{FailureReason, Phases};
use crate::random::SystemRandom;

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

fn answer(at: Timestamp, status: Option<u16>) -> Attempt {
    let reason = match status {
        None => Some(FailureReason::Refused),
        Some(200..=299) => None,
        Some(_) => Some(FailureReason::Status),
    };
    Attempt { number: 1, at, duration_ms: 0, phases: Phases::default(), status, reason, response: None }
}

impl Health {
    fn answers(self, seconds: u64, status: u16) -> Self {
        self.after(&answer(after_seconds(seconds), Some(status)), None, &policy())
    }
}

/// An endpoint whose breaker opened at 40 s, for 30 s.
fn open() -> Health {
    health().answers(0, 500).answers(20, 500).answers(40, 500)
}

#[test]
fn failures_in_a_row_over_some_time_open_the_breaker() {
    assert_eq!(health().answers(0, 500).answers(1, 500).answers(2, 500).gate(ACTIVE, after_seconds(2)), Gate::Send);
    assert_eq!(health().answers(0, 500).answers(31, 200).answers(40, 500).gate(ACTIVE, after_seconds(40)), Gate::Send);
    assert_eq!(open().gate(ACTIVE, after_seconds(40)), Gate::Hold(HoldReason::Failing));
    assert_eq!(open().gate(ACTIVE, after_seconds(69)), Gate::Hold(HoldReason::Failing));
    assert_eq!(open().gate(ACTIVE, after_seconds(70)), Gate::Probe);
}

#[test]
fn one_delivery_probes_and_no_other_until_it_is_over() {
    let probing = open().probing(after_seconds(70));
    assert_eq!(probing.gate(ACTIVE, after_seconds(71)), Gate::Hold(HoldReason::Failing));
    assert_eq!(probing.clone().answers(72, 200).gate(ACTIVE, after_seconds(72)), Gate::Send);
    let lost = probing.gate(ACTIVE, after_seconds(70 + 60));
    assert_eq!(lost, Gate::Probe, "a probe that is never heard of gives way to another");
}

#[test]
fn a_failed_probe_pauses_for_twice_as_long_up_to_a_quarter_of_an_hour() {
    let mut health = open();
    let mut at = 70;
    for expected in [60, 120, 240, 480, 900, 900] {
        health = health.probing(after_seconds(at)).answers(at, 500);
        assert_eq!(health.pause.unwrap().until, after_seconds(at + expected));
        at += expected;
    }
}

#[test]
fn attempts_that_were_under_way_when_the_breaker_opened_do_not_lengthen_the_pause() {
    assert_eq!(open().answers(41, 500).pause, open().pause);
}

#[test]
fn a_busy_receiver_gets_the_time_it_asks_for() {
    let asked = Some(Duration::from_mins(2));
    let busy = health().after(&answer(now(), Some(503)), asked, &policy());
    assert_eq!(busy.gate(ACTIVE, after_seconds(119)), Gate::Hold(HoldReason::Busy));
    assert_eq!(busy.gate(ACTIVE, after_seconds(120)), Gate::Probe);
    assert_eq!(health().answers(0, 429).gate(ACTIVE, after_seconds(4)), Gate::Hold(HoldReason::Busy));
    assert_eq!(health().answers(0, 429).gate(ACTIVE, after_seconds(5)), Gate::Probe);
}

#[test]
fn a_receiver_that_is_gone_disables_its_endpoint_until_somebody_enables_it() {
    let gone = health().answers(0, 410);
    assert_eq!(gone.gate(ACTIVE, after_seconds(1_000_000)), Gate::Hold(HoldReason::Disabled));
    let kinds: Vec<_> = gone.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::DisabledGone]);
    assert_eq!(gone.enabled().gate(ACTIVE, after_seconds(1)), Gate::Send);
}

#[test]
fn failing_for_a_day_warns_once_and_for_five_days_disables() {
    let hours = |hours: u64| hours * 3600;
    let mut health = health().answers(0, 500);
    for hour in 1..120 {
        health = health.answers(hours(hour), 500);
    }
    let kinds: Vec<_> = health.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!((kinds, health.disabled), (vec![NoticeKind::Failing], None));
    let health = health.answers(hours(120), 500);
    assert_eq!(health.disabled.map(|disabled| disabled.because), Some(DisableReason::Failing));
    assert_eq!(health.notices.last().map(|notice| notice.kind), Some(NoticeKind::DisabledFailing));
}

#[test]
fn a_notice_says_all_that_its_mail_tells() {
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
fn notices_wait_until_they_are_told_and_go_when_they_are_no_longer_true() {
    let warned = health().answers(0, 500).answers(24 * 3600, 500);
    assert!(warned.next_look(ACTIVE, after_seconds(24 * 3600), false).is_some());
    assert_eq!(warned.clone().answers(24 * 3600 + 1, 200).notices, [], "it has recovered");
    let disabled = warned.answers(24 * 3600 + 2, 410);
    let (first, second) = (disabled.notices[0], disabled.notices[1]);
    assert_eq!(disabled.clone().told(&[first]).notices, [second]);
    let told = disabled.clone().told(&[first, second]);
    assert_eq!(told.next_look(ACTIVE, after_seconds(24 * 3600 + 3), true), None, "nothing happens by itself any more");
    assert_eq!(disabled.enabled().notices, [], "whoever enabled it knows");
}

#[test]
fn what_was_under_way_when_an_endpoint_was_disabled_says_nothing_more() {
    let day = 24 * 3600;
    let disabled = health().answers(0, 500).answers(day - 1, 410);
    for status in [410, 429, 500] {
        let later = disabled.clone().answers(day + 1, status);
        assert_eq!((later.disables_at, &later.notices), (None, &disabled.notices), "{status}");
    }
}

#[test]
fn a_notice_is_true_until_its_endpoint_recovers_or_is_resumed() {
    let warned = health().answers(0, 500).answers(24 * 3600, 500);
    let warning = warned.notices[0];
    let disabled = warned.clone().answers(24 * 3600 + 2, 410);
    let stop = disabled.notices[1];
    assert!(warned.still_says(&warning) && warned.clone().told(&[warning]).still_says(&warning));
    assert!(disabled.still_says(&stop) && disabled.clone().told(&[warning, stop]).still_says(&stop));
    assert!(!warned.answers(24 * 3600 + 1, 200).still_says(&warning), "it has recovered");
    assert!(!disabled.still_says(&warning), "it will not be disabled, it is");
    let resumed = disabled.enabled();
    assert!(!resumed.still_says(&warning) && !resumed.still_says(&stop));
    assert!(!resumed.answers(25 * 3600, 410).still_says(&stop), "that is another time");
}

#[test]
fn an_endpoint_in_trouble_says_in_which_and_since_when() {
    assert_eq!(health().trouble(ACTIVE), None);
    assert_eq!(health().trouble(EndpointState::Paused), Some((HoldReason::Paused, None)));
    assert_eq!(open().trouble(ACTIVE), Some((HoldReason::Failing, Some(now()))));
    assert_eq!(health().answers(5, 429).trouble(ACTIVE), Some((HoldReason::Busy, Some(after_seconds(5)))));
    assert_eq!(health().answers(7, 410).trouble(ACTIVE), Some((HoldReason::Disabled, Some(after_seconds(7)))));
    assert_eq!(open().answers(70, 200).trouble(ACTIVE), None);
}

#[test]
fn a_success_forgets_how_long_the_receiver_failed() {
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
fn a_drain_begins_with_the_probe_and_gets_faster_each_minute() {
    let horizon = |seconds: u64| after_seconds(seconds + 60);
    assert_eq!(open().drain(ACTIVE, after_seconds(40), after_seconds(69)), None);
    let probe = Drain { at_most: 1, from: after_seconds(70) };
    assert_eq!(open().drain(ACTIVE, after_seconds(41), horizon(41)), Some(probe));
    let closed = open().answers(70, 200);
    let first = closed.drain(ACTIVE, after_seconds(71), horizon(71)).unwrap();
    let second = closed.faster().drain(ACTIVE, after_seconds(131), horizon(131)).unwrap();
    assert_eq!((first.at_most, second.at_most), (FIRST_PACE, 2 * FIRST_PACE));
    assert_eq!(open().drain(EndpointState::Paused, after_seconds(71), horizon(71)), None);
}

#[test]
fn an_endpoint_with_held_deliveries_is_looked_after_until_none_is_left() {
    let held = health().holding(now());
    assert_eq!(held.next_look(ACTIVE, now(), true), Some(after_seconds(60)));
    assert_eq!(held.next_look(ACTIVE, after_seconds(60), false), Some(after_seconds(120)), "one may be on its way");
    assert_eq!(held.next_look(ACTIVE, after_seconds(600), false), None);
    assert_eq!(held.next_look(EndpointState::Paused, now(), true), None, "resuming looks after it");
    let open = open().holding(after_seconds(41));
    assert_eq!(open.next_look(ACTIVE, after_seconds(5), true), Some(after_seconds(70)));
}

#[test]
fn policies_that_cannot_be_meant_are_refused() {
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
    /// Whatever is answered and when, an endpoint of which something is to be told is looked after, also if it is paused and
    /// nothing is held for it; and one that is disabled is not said to be disabled later.
    #[test]
    fn what_is_to_be_told_is_looked_after(
        answers in proptest::collection::vec((0_u64..100_000, prop_oneof![Just(200), Just(410), Just(429), Just(500), Just(503)]), 0..30),
        has_more: bool,
    ) {
        let (mut health, mut at) = (health(), 0);
        for (seconds, status) in answers {
            at += seconds;
            health = health.answers(at, status);
            for wish in [ACTIVE, EndpointState::Paused] {
                let look = health.next_look(wish, after_seconds(at), has_more);
                prop_assert!(health.notices.is_empty() || look == Some(after_seconds(at + 60)));
            }
            prop_assert!(health.disabled.is_none() || health.disables_at.is_none());
            let last_is_warning = health.notices.last().is_some_and(|notice| notice.kind == NoticeKind::Failing);
            prop_assert!(health.disabled.is_none() || !last_is_warning);
        }
    }

    /// Whatever is answered and when, every pause ends, and one success opens the gate unless somebody has to enable it.
    #[test]
    fn every_pause_ends_and_one_success_ends_it_at_once(
        answers in proptest::collection::vec((0_u64..400, prop_oneof![Just(200), Just(410), Just(429), Just(500), Just(503)]), 0..60),
    ) {
        let (mut health, mut at) = (health(), 0);
        for (seconds, status) in answers {
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
