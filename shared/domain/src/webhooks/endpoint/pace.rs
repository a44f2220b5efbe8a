//! The pace of an endpoint: how many webhooks it gets in a minute. [Slots](crate::webhooks::delivery::slots) keep it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Number of webhooks that an endpoint gets per minute, at most: 1 to 60,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 1, maximum = 60000, example = 600))]
#[serde(try_from = "u32", into = "u32")]
pub struct Pace(u32);

/// A number that is not a [`Pace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 1 to 60000")]
pub struct BadPace;

const MAX_PER_MINUTE: u32 = 60_000;

impl Pace {
    /// Number of webhooks per minute.
    pub const fn per_minute(self) -> u32 {
        self.0
    }

    /// Time between two webhooks, rounded up to a microsecond.
    pub fn interval(self) -> Duration {
        Duration::from_micros(60_000_000_u64.div_ceil(self.0.into()))
    }

    /// Reads the value of the header `WebHook-Allowed-Rate` (CloudEvents, HTTP Webhooks for Event Delivery, section 4.2.2): the number
    /// of requests that the receiver allows per minute, or `*` for any number, which gives `None`. A number above the maximum becomes
    /// the maximum. Fails if the value is neither a number above zero nor `*`.
    pub fn of_allowed_rate(value: &str) -> Result<Option<Self>, BadPace> {
        let value = value.trim();
        if value == "*" {
            return Ok(None);
        }
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadPace);
        }
        // A number too long to parse is above the maximum.
        let number = value.parse().unwrap_or(u32::MAX).min(MAX_PER_MINUTE);
        Self::try_from(number).map(Some)
    }
}

impl TryFrom<u32> for Pace {
    type Error = BadPace;

    fn try_from(number: u32) -> Result<Self, BadPace> {
        if (1..=MAX_PER_MINUTE).contains(&number) { Ok(Self(number)) } else { Err(BadPace) }
    }
}

impl From<Pace> for u32 {
    fn from(pace: Pace) -> Self {
        pace.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_from_1_to_60000_webhooks_a_minute() {
        for (number, is_pace) in [(0, false), (1, true), (60_000, true), (60_001, false)] {
            assert_eq!(Pace::try_from(number).is_ok(), is_pace, "{number}");
        }
    }

    #[test]
    fn webhooks_lie_at_least_a_pace_apart() {
        let interval = |number| Pace(number).interval();
        assert_eq!((interval(120), interval(60_000)), (Duration::from_millis(500), Duration::from_millis(1)));
        assert_eq!(interval(7), Duration::from_micros(8_571_429), "seven take a minute and 3 microseconds");
    }

    #[test]
    fn the_allowed_rate_of_a_receiver_is_read() {
        let read = |value| Pace::of_allowed_rate(value).map(|pace| pace.map(Pace::per_minute));
        for (value, expected) in [
            ("120", Some(120)),
            (" 1 ", Some(1)),
            ("60001", Some(60_000)),
            ("99999999999999999999999", Some(60_000)),
            ("*", None),
        ] {
            assert_eq!(read(value), Ok(expected), "{value:?}");
        }
        for value in ["", "0", "-5", "1.5", "120, 60", "many"] {
            assert_eq!(read(value), Err(BadPace), "{value:?}");
        }
    }
}
