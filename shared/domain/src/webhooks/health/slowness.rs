//! How long the recent attempts of an endpoint took.
//!
//! Each attempt adds the time that it took beyond [`FAST_ATTEMPT`], and a faster attempt takes off the time that it was below.
//! The sum grows only while the *mean* duration exceeds [`FAST_ATTEMPT`]: one slow response among many fast ones does not
//! move an endpoint to the slow lane, while two attempts that hang for 15 s do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{FAST_ATTEMPT, MAX_EXCESS, SLOW_EXCESS, SLOW_LIFETIME};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;

/// Recent attempts of an endpoint that took long. Absent if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slowness {
    /// Time that recent attempts took beyond [`FAST_ATTEMPT`] each, in milliseconds.
    pub excess_ms: u32,
    /// When the last slow attempt ended.
    pub at: Timestamp,
    /// Whether the endpoint was moved to the slow lane. It returns when the excess is zero.
    pub is_slow: bool,
}

impl Slowness {
    pub(super) fn of(excess: Duration, at: Timestamp, was_slow: bool) -> Option<Self> {
        let excess_ms = u32::try_from(excess.as_millis()).unwrap_or(u32::MAX);
        (excess_ms > 0).then_some(Self { excess_ms, at, is_slow: was_slow || excess >= SLOW_EXCESS })
    }

    /// Applies the duration of an attempt.
    pub(super) fn after(before: Option<Self>, attempt: &Attempt) -> Option<Self> {
        let duration = Duration::from_millis(attempt.duration_ms.into());
        let now = attempt.ended_at();
        let before = before.filter(|slowness| now.since(slowness.at) < SLOW_LIFETIME);
        let (excess, at, was_slow) = before.map_or((Duration::ZERO, now, false), |slowness| {
            (Duration::from_millis(slowness.excess_ms.into()), slowness.at, slowness.is_slow)
        });
        let is_slow_attempt = duration > FAST_ATTEMPT;
        let excess = (excess + duration).saturating_sub(FAST_ATTEMPT).min(MAX_EXCESS);
        let at = if is_slow_attempt { at.max(now) } else { at };
        Self::of(excess, at, was_slow)
    }
}
