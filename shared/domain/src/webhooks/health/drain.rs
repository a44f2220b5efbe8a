//! The drain: how many held deliveries of an endpoint may be released each minute, and when to check the endpoint
//! again.

use std::time::Duration;

use super::policy::{MAX_PACE, MIN_PACE, PACE_STEP};
use super::{Gate, Health, HoldReason, Recent};
use crate::foundation::time::Timestamp;
use crate::webhooks::endpoint::{Pace, SendingState};

/// How long checks of an endpoint continue after a delivery was put on hold. A delivery may be put on hold while the
/// drain runs; this time exceeds the delay of cached settings and of the index, so that a later check finds it.
const SETTLING_TIME: Duration = Duration::from_mins(2);

/// Held deliveries that may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Maximum number of deliveries to release.
    pub limit: u32,
    /// When the first may be sent. The others follow, spread over one minute.
    pub from: Timestamp,
}

impl Drain {
    /// The same drain of an endpoint with this pace: it releases no more a minute than the endpoint gets. Each released delivery takes a
    /// [slot](crate::webhooks::delivery::slots), so that those and new ones together keep the pace.
    #[must_use]
    pub fn at_pace(self, pace: Option<Pace>) -> Self {
        let limit = pace.map_or(self.limit, |pace| self.limit.min(pace.per_minute()));
        Self { limit, ..self }
    }

    /// Times at which the released deliveries are sent, evenly spread over one minute.
    pub fn send_times(self) -> impl Iterator<Item = Timestamp> {
        self.from.spread_over_minute(self.limit)
    }
}

impl Health {
    /// Held deliveries that may be released at `now`, or `None` if all must stay on hold.
    ///
    /// While the breaker is open, only one may be released as the probe, and only if the pause ends by `until`.
    pub fn drain(&self, sending_state: SendingState, now: Timestamp, until: Timestamp) -> Option<Drain> {
        match (self.gate(sending_state, now), self.pause) {
            (Gate::Send, _) => Some(Drain { limit: self.pace, from: now }),
            (Gate::Probe, _) => Some(Drain { limit: 1, from: now }),
            (Gate::Hold(HoldReason::Paused | HoldReason::Disabled | HoldReason::Unverified), _)
            | (Gate::Hold(_), None) => None,
            (Gate::Hold(_), Some(pause)) => (pause.ends() <= until).then_some(Drain { limit: 1, from: pause.ends() }),
        }
    }

    /// Adapts the pace after a minute. It shrinks by the share of recent attempts that failed, and grows by a fixed step if
    /// this minute's pace was used up (`was_full`). It settles where both are equal, at 300 divided by the share: a
    /// receiver that can take more gets more, and one that starts to reject webhooks gets fewer.
    #[must_use]
    pub fn with_next_pace(self, was_full: bool, now: Timestamp) -> Self {
        // A probe says nothing about the pace.
        if self.pause.is_some() {
            return self;
        }
        let recent = self.recent.map_or(Recent::none(now), |recent| recent.decayed(now));
        let lost = u64::from(self.pace) * u64::from(recent.failures) / u64::from(recent.attempts.max(1));
        let kept = self.pace.saturating_sub(u32::try_from(lost).unwrap_or(u32::MAX));
        let step = if was_full { PACE_STEP } else { 0 };
        Self { pace: kept.saturating_add(step).clamp(MIN_PACE, MAX_PACE), ..self }
    }

    /// Whether a delivery was put on hold so recently that others may follow.
    pub fn is_settling(&self, now: Timestamp) -> bool {
        self.last_held_at.is_some_and(|last_held_at| now.since(last_held_at) < SETTLING_TIME)
    }

    /// When to check the endpoint again, or `None` if no check is needed until the customer or an attempt changes
    /// something. `has_more` is whether deliveries are still on hold.
    pub fn next_check(&self, sending_state: SendingState, now: Timestamp, has_more: bool) -> Option<Timestamp> {
        let in_a_minute = now.plus(Duration::from_mins(1));
        if !self.notices.is_empty() {
            return Some(in_a_minute);
        }
        match (self.gate(sending_state, now), self.pause) {
            (Gate::Hold(HoldReason::Paused | HoldReason::Disabled | HoldReason::Unverified), _) => None,
            _ if !has_more && !self.is_settling(now) => None,
            (Gate::Hold(_), Some(pause)) => Some(pause.ends().max(in_a_minute)),
            _ => Some(in_a_minute),
        }
    }
}
