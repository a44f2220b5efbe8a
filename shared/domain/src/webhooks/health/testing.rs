//! Fixtures of the tests.

use std::time::Duration;

use super::{Health, HealthPolicy};
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::endpoint::SendingState;

pub(super) const ACTIVE: SendingState = SendingState::Active;

/// Seconds of an hour and of a day.
pub(super) const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 24 * HOUR;

pub(super) fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

pub(super) fn after_seconds(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

pub(super) fn policy() -> HealthPolicy {
    "failures=3,over=30s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap()
}

pub(super) fn health() -> Health {
    Health::unknown(ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom))
}

/// An attempt that takes no time.
pub(super) fn attempt(at: Timestamp, status: Option<u16>) -> Attempt {
    let reason = match status {
        None => Some(FailureReason::Refused),
        Some(200..=299) => None,
        Some(_) => Some(FailureReason::Status),
    };
    Attempt { number: 1, at, duration_ms: 0, phases: Phases::default(), status, reason, response: None }
}

impl Health {
    pub(super) fn answers(self, seconds: u64, status: u16) -> Self {
        self.after(&attempt(after_seconds(seconds), Some(status)), None, &policy())
    }

    /// A response of 503 that asks for a pause.
    pub(super) fn answers_retry_after(self, seconds: u64, retry_after: u64) -> Self {
        let retry_after = Some(Duration::from_secs(retry_after));
        self.after(&attempt(after_seconds(seconds), Some(503)), retry_after, &policy())
    }
}

/// An endpoint whose breaker opened at 40 s for 30 s.
pub(super) fn open() -> Health {
    health().answers(0, 500).answers(20, 500).answers(40, 500)
}
