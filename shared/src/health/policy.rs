//! When to stop sending to an endpoint that fails.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::retry::{BadDelay, parse_delay};
use crate::time::Timestamp;

/// When the breaker opens and for how long, and when an endpoint is disabled. Written
/// `failures=10,over=30s,pause=30s,longest=15m,warn=24h,disable=120h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPolicy {
    /// How many failures in a row open the breaker,
    failures: u32,
    /// if they took at least this long. Longer than senders keep what they know of an endpoint (30 s), so that each of them
    /// that sees a success has noted it before.
    over: Duration,
    /// The first pause; each further one in a row is twice as long,
    pause: Duration,
    /// but no longer than this.
    longest: Duration,
    /// How long a receiver fails before the notification users are warned.
    pub(super) warn_after: Duration,
    /// How long a receiver fails before its endpoint is disabled.
    pub(super) disable_after: Duration,
}

/// A text that is no [`HealthPolicy`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadHealthPolicy {
    /// A part is missing, comes twice, or is not known.
    #[error("must have failures, over, pause, longest, warn and disable, each once")]
    Parts,
    /// The number of failures is none.
    #[error("failures must be a number from 1 to 1000000")]
    Failures,
    /// A duration is none.
    #[error(transparent)]
    Delay(#[from] BadDelay),
}

/// The first pause of a receiver that answered 429 or 503 without saying for how long.
const FIRST_BUSY_PAUSE: Duration = Duration::from_secs(5);

impl HealthPolicy {
    pub(super) fn trips(&self, failures: u32, failing_since: Option<Timestamp>, now: Timestamp) -> bool {
        failures >= self.failures && failing_since.is_some_and(|since| now.since(since) >= self.over)
    }

    /// How long the receiver is left alone after it failed; `in_a_row` counts the pauses from 1.
    pub(super) fn pause_after_failure(&self, in_a_row: u32) -> Duration {
        self.doubled(self.pause, in_a_row)
    }

    /// How long it is left alone after it said that it is busy.
    pub(super) fn pause_after_busy(&self, in_a_row: u32) -> Duration {
        self.doubled(FIRST_BUSY_PAUSE, in_a_row)
    }

    fn doubled(&self, first: Duration, in_a_row: u32) -> Duration {
        first.saturating_mul(2_u32.saturating_pow(in_a_row.saturating_sub(1))).min(self.longest)
    }
}

impl FromStr for HealthPolicy {
    type Err = BadHealthPolicy;

    fn from_str(text: &str) -> Result<Self, BadHealthPolicy> {
        let mut parts: Vec<(&str, &str)> = text
            .split(',')
            .map(|part| part.trim().split_once('=').ok_or(BadHealthPolicy::Parts))
            .collect::<Result<_, _>>()?;
        let mut take = |name| {
            let at = parts.iter().position(|(part, _)| *part == name).ok_or(BadHealthPolicy::Parts)?;
            Ok::<_, BadHealthPolicy>(parts.swap_remove(at).1)
        };
        let failures = take("failures")?.parse().ok().filter(|failures| (1..=1_000_000).contains(failures));
        let policy = Self {
            failures: failures.ok_or(BadHealthPolicy::Failures)?,
            over: parse_delay(take("over")?)?,
            pause: parse_delay(take("pause")?)?,
            longest: parse_delay(take("longest")?)?,
            warn_after: parse_delay(take("warn")?)?,
            disable_after: parse_delay(take("disable")?)?,
        };
        if parts.is_empty() { Ok(policy) } else { Err(BadHealthPolicy::Parts) }
    }
}
