//! How fast a replay sends.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::foundation::time::Timestamp;
use crate::webhooks::endpoint::Pace;

/// Maximum number of deliveries replayed per minute: 1 to 1,200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 1, maximum = 1200, default = 300))]
#[serde(try_from = "u32", into = "u32")]
pub struct ReplayRate(u32);

/// A number that is not a [`ReplayRate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 1 to 1200")]
pub struct BadReplayRate;

impl ReplayRate {
    /// Number of deliveries per minute.
    pub fn per_minute(self) -> u32 {
        self.0
    }

    /// The rate of a replay to an endpoint with this pace. More deliveries would only wait for their slots.
    #[must_use]
    pub fn at_pace(self, pace: Option<Pace>) -> Self {
        pace.map_or(self, |pace| Self(self.0.min(pace.per_minute())))
    }

    /// Times at which the deliveries of one minute are sent, evenly spread from `from` on.
    pub fn send_times(self, from: Timestamp) -> impl Iterator<Item = Timestamp> {
        from.spread_over_minute(self.0)
    }
}

impl Default for ReplayRate {
    /// Five per second, a low load for a receiver that has just recovered.
    fn default() -> Self {
        Self(300)
    }
}

impl TryFrom<u32> for ReplayRate {
    type Error = BadReplayRate;

    fn try_from(number: u32) -> Result<Self, BadReplayRate> {
        if (1..=1200).contains(&number) { Ok(Self(number)) } else { Err(BadReplayRate) }
    }
}

impl From<ReplayRate> for u32 {
    fn from(rate: ReplayRate) -> Self {
        rate.0
    }
}
