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

/// Number of consecutive failures after which a 429 or 503 opens the breaker of a receiver that accepted webhooks within
/// the last minute. A receiver that rejects every second request at random reaches it once in a billion attempts.
pub(super) const BUSY_FAILURES: u32 = 30;

/// Held deliveries released in the first minute of the first drain.
pub(super) const FIRST_PACE: u32 = 300;

/// Held deliveries released in any minute, at least and at most.
pub(super) const MIN_PACE: u32 = 60;
pub(super) const MAX_PACE: u32 = 6000;

/// By how much the pace grows with each minute in which it was used up.
pub(super) const PACE_STEP: u32 = 300;

/// Time after which an attempt counts half in the share of failed attempts.
pub(super) const RECENT_HALF_LIFE: Duration = Duration::from_secs(30);

/// Minimum time between two writes of an endpoint's health by one sender, unless there is a decision to write.
pub(super) const WRITE_INTERVAL: Duration = Duration::from_secs(10);

/// Time after a failed write of an endpoint's health in which a sender does not try again before the end of a batch.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of attempts that a sender keeps to write. The oldest are forgotten: those after them decide.
pub(super) const MAX_UNWRITTEN: usize = 256;

/// Duration of an attempt up to which its receiver counts as fast. A batch of ten takes as long as its slowest attempt,
/// so with 1 % of attempts at this duration, the senders still make 70 % of the attempts that they make at 200 ms.
pub(super) const FAST_ATTEMPT: Duration = Duration::from_secs(1);

/// Time that recent attempts took beyond [`FAST_ATTEMPT`] that moves an endpoint to the slow lane: two attempts that hang
/// for 15 s, five connection timeouts, or ten attempts of 3 s.
pub(super) const SLOW_EXCESS: Duration = Duration::from_secs(20);

/// Maximum excess that is counted, so that 31 to 34 fast attempts bring every endpoint back to the fast lane.
pub(super) const MAX_EXCESS: Duration = Duration::from_secs(30);

/// Number of attempts within about a minute from which on a single request that runs for long does not move an endpoint to
/// the slow lane.
pub(super) const MIN_KNOWN_ATTEMPTS: u32 = 10;

/// What a request that runs for long adds to the excess of such an endpoint. Five of them, all that one batch sends to an
/// endpoint at a time, move it; one does not, even if it then hangs until its timeout.
pub(super) const SLOW_REQUEST_EXCESS: Duration = Duration::from_secs(4);

/// An endpoint without a slow attempt for this time returns to the fast lane.
pub(super) const SLOW_LIFETIME: Duration = Duration::from_hours(1);

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

    /// Time without a failed attempt after which the next failure counts as a new outage.
    pub(super) fn max_gap(&self) -> Duration {
        self.disable_after / 3
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
