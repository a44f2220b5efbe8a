//! How many of an endpoint's recent attempts failed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::RECENT_HALF_LIFE;
use crate::foundation::time::Timestamp;

/// Counts of recent attempts. Both halve every 30 s, so that they describe the last minute or two, whatever the rate.
///
/// Senders store the counts when a failure makes them write the endpoint's health. Successes of an endpoint whose health
/// is not stored are counted in the memory of each sender only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    /// When the counts were last halved, or when the first attempt was counted.
    pub at: Timestamp,
    /// Number of attempts, failed ones included.
    pub attempts: u32,
    /// Number of failed attempts.
    pub failures: u32,
}

impl Recent {
    /// No attempt yet.
    pub(super) const fn none(at: Timestamp) -> Self {
        Self { at, attempts: 0, failures: 0 }
    }

    /// The counts at `now`, halved for the time that passed.
    pub(super) fn decayed(self, now: Timestamp) -> Self {
        let half_lives = u32::try_from(now.since(self.at).as_secs() / RECENT_HALF_LIFE.as_secs()).unwrap_or(u32::MAX);
        let halved = |count: u32| count.checked_shr(half_lives).unwrap_or(0);
        let passed = Duration::from_secs(RECENT_HALF_LIFE.as_secs() * u64::from(half_lives));
        Self { at: self.at.plus(passed), attempts: halved(self.attempts), failures: halved(self.failures) }
    }

    /// The counts with this number of attempts added at `now`.
    pub(super) fn plus(self, attempts: u32, failures: u32, now: Timestamp) -> Self {
        let before = self.decayed(now);
        Self {
            attempts: before.attempts.saturating_add(attempts),
            failures: before.failures.saturating_add(failures),
            ..before
        }
    }

    pub(super) fn successes(self) -> u32 {
        self.attempts.saturating_sub(self.failures)
    }
}
