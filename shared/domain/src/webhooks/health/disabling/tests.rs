//! When endpoints are disabled, and what their notices say.

use proptest::prelude::*;

use super::*;
use crate::webhooks::attempt::FailureReason;
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::health::testing::{ACTIVE, DAY, HOUR, after_seconds, attempt, health, now, open, policy};
use crate::webhooks::health::{Gate, HoldReason};

impl Health {
    /// A test or replay that got this status.
    fn tested(self, seconds: u64, status: u16) -> Self {
        self.with_sign_of_life(&attempt(after_seconds(seconds), Some(status)), &policy())
    }
}

/// An endpoint that has failed once an hour for these hours.
fn failing_for(hours: u64) -> Health {
    (0..=hours).fold(health(), |health, hour| health.answers(hour * HOUR, 500))
}

#[test]
fn a_receiver_that_fails_for_a_day_causes_one_warning_and_for_five_days_disables_the_endpoint() {
    let health = (0..120).fold(health(), |health, hour| health.answers(hour * HOUR, 500));
    let kinds: Vec<_> = health.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!((kinds, health.disabled), (vec![NoticeKind::Failing], None));
    let health = health.answers(120 * HOUR, 500);
    assert_eq!(health.disabled.map(|disabled| disabled.reason), Some(DisableReason::Failing));
    assert_eq!(health.notices.last().map(|notice| notice.kind), Some(NoticeKind::DisabledFailing));
}

#[test]
fn a_notice_carries_everything_its_mail_states() {
    let warned = health().answers(0, 500).answers(DAY, 503);
    let expected = Notice {
        kind: NoticeKind::Failing,
        at: after_seconds(DAY),
        failing_since: now(),
        failures: 2,
        last_failure: Some(LastFailure { reason: FailureReason::Status, status: Some(503) }),
        disables_at: Some(after_seconds(120 * HOUR)),
    };
    assert_eq!(warned.notices, [expected]);
    let failing = warned.answers(2 * DAY, 500).answers(3 * DAY, 500).answers(4 * DAY, 500);
    let disabled = failing.answers(5 * DAY, 500).notices.pop().unwrap();
    assert_eq!((disabled.kind, disabled.failures, disabled.disables_at), (NoticeKind::DisabledFailing, 6, None));
}

#[test]
fn notices_stay_until_they_are_sent_or_no_longer_true() {
    let warned = health().answers(0, 500).answers(DAY, 500);
    assert!(warned.next_check(ACTIVE, after_seconds(DAY), false).is_some());
    assert_eq!(warned.clone().answers(DAY + 1, 200).notices, [], "the receiver recovered");
    let disabled = warned.answers(DAY + 2, 410);
    let (first, second) = (disabled.notices[0], disabled.notices[1]);
    assert_eq!(disabled.clone().with_notices_sent(&[first]).notices, [second]);
    let sent = disabled.clone().with_notices_sent(&[first, second]);
    assert_eq!(sent.next_check(ACTIVE, after_seconds(DAY + 3), true), None, "no check is needed any more");
    assert_eq!(disabled.enabled().notices, [], "the customer who enabled it knows");
}

#[test]
fn attempts_that_end_after_the_endpoint_was_disabled_add_no_notice() {
    let disabled = health().answers(0, 500).answers(DAY - 1, 410);
    for status in [410, 429, 500] {
        let later = disabled.clone().answers(DAY + 1, status);
        assert_eq!((later.disables_at, &later.notices), (None, &disabled.notices), "{status}");
    }
}

#[test]
fn a_notice_applies_until_its_endpoint_recovers_or_is_enabled() {
    let warned = health().answers(0, 500).answers(DAY, 500);
    let warning = warned.notices[0];
    let disabled = warned.clone().answers(DAY + 2, 410);
    let disabling = disabled.notices[1];
    assert!(warned.still_applies(&warning) && warned.clone().with_notices_sent(&[warning]).still_applies(&warning));
    let sent = disabled.clone().with_notices_sent(&[warning, disabling]);
    assert!(disabled.still_applies(&disabling) && sent.still_applies(&disabling));
    assert!(!warned.answers(DAY + 1, 200).still_applies(&warning), "the receiver recovered");
    assert!(!disabled.still_applies(&warning), "the endpoint is disabled already");
    let enabled = disabled.enabled();
    assert!(!enabled.still_applies(&warning) && !enabled.still_applies(&disabling));
    assert!(!enabled.answers(25 * HOUR, 410).still_applies(&disabling), "it was disabled again at another time");
}

#[test]
fn one_failure_days_after_an_outage_disables_nothing() {
    let outage = failing_for(30);
    assert_eq!(outage.notices.len(), 1, "it was warned about");
    let later = outage.answers(7 * DAY, 502);
    assert_eq!((later.disabled, later.failures, later.failing_since), (None, 1, Some(after_seconds(7 * DAY))));
    assert_eq!((later.notices, later.is_warned), (vec![], false), "the earlier outage is over");
}

#[test]
fn an_idle_endpoint_that_fails_every_other_day_is_not_disabled() {
    let health = (0..20).fold(health(), |health, time| health.answers(time * 2 * DAY, 500));
    assert_eq!(health.disabled, None);
}

#[test]
fn one_failure_a_day_for_five_days_disables() {
    let health = (0..=5).fold(health(), |health, day| health.answers(day * DAY, 500));
    assert_eq!(health.disabled.map(|disabled| disabled.at), Some(after_seconds(5 * DAY)));
}

#[test]
fn a_test_or_replay_that_succeeds_during_the_outage_delays_disabling() {
    let alive = failing_for(119).tested(119 * HOUR + 1, 200);
    assert_eq!(alive.disables_at, Some(after_seconds(119 * HOUR + 1 + 5 * DAY)));
    let later = alive.answers(121 * HOUR, 500);
    assert_eq!((later.disabled, later.notices.len()), (None, 0));
    let disabled = (122..=240).fold(later, |health, hour| health.answers(hour * HOUR, 500));
    assert_eq!(disabled.disabled.map(|disabled| disabled.at), Some(after_seconds(240 * HOUR)));
    let kinds: Vec<_> = disabled.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Failing, NoticeKind::DisabledFailing], "another warning came before");
}

#[test]
fn a_sign_of_life_makes_a_warning_obsolete() {
    let warned = failing_for(24);
    let warning = warned.notices[0];
    let alive = warned.tested(25 * HOUR, 200);
    assert!(!alive.still_applies(&warning) && alive.notices.is_empty());
}

#[test]
fn only_a_success_after_the_first_failure_is_a_sign_of_life() {
    let failing = failing_for(119);
    assert_eq!(failing.clone().tested(0, 200), failing);
    assert_eq!(failing.clone().tested(119 * HOUR + 1, 500), failing);
    let healthy = health();
    assert_eq!(healthy.clone().tested(5, 200), healthy);
    let gone = health().answers(0, 410);
    assert_eq!(gone.clone().tested(5, 200), gone, "a disabled endpoint stays disabled");
}

#[test]
fn tests_and_replays_never_open_or_close_the_breaker() {
    let open = open();
    let tested = open.clone().tested(80, 200);
    assert_eq!((tested.pause, tested.failures, tested.failing_since), (open.pause, open.failures, open.failing_since));
    assert_eq!(tested.gate(ACTIVE, after_seconds(69)), Gate::Hold(HoldReason::Failing));
}

#[test]
fn rows_of_the_previous_version_are_read_and_keep_counting() {
    let row = r#"{"projectId":"0192f0c1-c7e6-7a8b-9c0d-1e2f3a4b5c6d","endpointId":"0192f0c1-c7e6-7a8b-9c0d-1e2f3a4b5c6d",
        "failures":12,"failingSince":"2026-11-22T08:30:00.000Z","lastFailure":{"reason":"status","status":500},
        "disablesAt":"2026-11-27T08:30:00.000Z","pause":{"until":"2026-11-22T08:31:00.000Z","because":"failing","inARow":2},
        "pace":300,"isWarned":false}"#;
    let old: Health = serde_json::from_str(row).unwrap();
    let failed = old.clone().answers(60, 500);
    assert_eq!((failed.failures, failed.failing_since), (13, Some(now())));
    assert_eq!(failed.pause.map(|pause| pause.in_a_row), Some(3));
    let days_later = old.clone().answers(6 * DAY, 502);
    assert_eq!((days_later.disabled, days_later.failures), (None, 1));
    assert_eq!(old.answers(60, 200).gate(ACTIVE, after_seconds(60)), Gate::Send);
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
            for sending_state in [ACTIVE, SendingState::Paused] {
                let next_check = health.next_check(sending_state, after_seconds(at), has_more);
                prop_assert!(health.notices.is_empty() || next_check == Some(after_seconds(at + 60)));
            }
            prop_assert!(health.disabled.is_none() || health.disables_at.is_none());
            let last_is_warning = health.notices.last().is_some_and(|notice| notice.kind == NoticeKind::Failing);
            prop_assert!(health.disabled.is_none() || !last_is_warning);
        }
    }

    /// Whatever happens, an endpoint is disabled only if each 40 h of the five days before had a failure.
    #[test]
    fn only_failures_spread_over_the_window_disable(
        responses in proptest::collection::vec((0..60 * HOUR, prop_oneof![1 => Just(200), 9 => Just(500), 3 => Just(503)]), 0..40),
    ) {
        let (mut health, mut at, mut failures) = (health(), 0, Vec::new());
        for (seconds, status) in responses {
            at += seconds;
            health = health.answers(at, status);
            if status == 200 {
                failures.clear();
            } else {
                failures.push(at);
            }
            if health.disabled.is_some() {
                let window: Vec<u64> = failures.iter().copied().filter(|failed_at| failed_at + 5 * DAY >= at).collect();
                prop_assert!(window.windows(2).all(|pair| pair[1] - pair[0] <= 40 * HOUR));
                let days: std::collections::BTreeSet<u64> = window.iter().map(|failed_at| failed_at / DAY).collect();
                prop_assert!(days.len() >= 3, "{:?}", days);
                break;
            }
        }
    }
}
