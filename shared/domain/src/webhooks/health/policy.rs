//! The policy for failing endpoints: when the breaker opens, for how long, and when an endpoint is disabled.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::foundation::time::Timestamp;
use crate::webhooks::retry::{BadDelay, parse_delay};

/// Default of the deployment parameter `HealthPolicy`. Each part is explained at the fields of [`HealthPolicy`].
pub const DEFAULT_POLICY: &str = "failures=10,over=30s,pause=30s,longest=15m,warn=24h,disable=120h";

/// Policy for failing endpoints, read from a string such as [`DEFAULT_POLICY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPolicy {
    /// Number of consecutive failures that opens the breaker.
    failures: u32,
    /// Minimum time over which these failures must occur. At least as long as senders cache an endpoint's health (30
    /// s), so that every sender that saw a success has recorded it before.
    over: Duration,
    /// Duration of the first pause. Each further pause in a row is twice as long.
    pause: Duration,
    /// Maximum duration of a pause.
    longest: Duration,
    /// Time of continuous failure after which the notification users are warned.
    pub(super) warn_after: Duration,
    /// Time of continuous failure after which the endpoint is disabled.
    pub(super) disable_after: Duration,
}

/// A string that is not a [`HealthPolicy`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadHealthPolicy {
    /// A part is missing, repeated or unknown.
    #[error("must have failures, over, pause, longest, warn and disable, each once")]
    Parts,
    /// The number of failures is not a number in range.
    #[error("failures must be a number from 1 to 1000000")]
    Failures,
    /// A duration cannot be read.
    #[error(transparent)]
    Delay(#[from] BadDelay),
}

/// First pause after the receiver answered 429 or 503 without `Retry-After`.
const FIRST_BUSY_PAUSE: Duration = Duration::from_secs(5);

/// Held deliveries released in the first minute of a drain.
pub(super) const FIRST_PACE: u32 = 300;

/// Held deliveries released in any minute, at most.
pub(super) const MAX_PACE: u32 = 6000;

impl HealthPolicy {
    pub(super) fn trips(&self, failures: u32, failing_since: Option<Timestamp>, now: Timestamp) -> bool {
        failures >= self.failures && failing_since.is_some_and(|since| now.since(since) >= self.over)
    }

    /// Duration of the pause after failures. `in_a_row` counts consecutive pauses from 1.
    pub(super) fn pause_after_failure(&self, in_a_row: u32) -> Duration {
        self.doubled(self.pause, in_a_row)
    }

    /// Minimum duration of the pause after a 429 or 503.
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
