//! Durations and times in arguments.

use std::str::FromStr;
use std::time::Duration;

use domain::foundation::time::Timestamp;
use thiserror::Error;

/// A string that is not a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number of seconds, at least 1")]
pub struct BadSeconds;

/// Reads a number of seconds, at least one.
pub(super) fn seconds(text: &str) -> Result<Duration, BadSeconds> {
    match text.parse::<u16>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(u64::from(seconds))),
        _ => Err(BadSeconds),
    }
}

/// A duration before now, such as `2h`, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This long before now.
    Ago(Duration),
    /// At this time.
    At(Timestamp),
}

/// A string that is not a [`Since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a duration such as 30m, 2h or 3d, or a time such as 2026-11-22T08:30:00Z")]
pub struct BadSince;

impl Since {
    /// The time that is meant at `now`.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(duration) => now.minus(duration),
            Self::At(time) => time,
        }
    }
}

impl FromStr for Since {
    type Err = BadSince;

    fn from_str(text: &str) -> Result<Self, BadSince> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(BadSince)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(BadSince),
        };
        // Sixteen bits are enough for 179 years, and cannot overflow.
        let number: u16 = number.parse().map_err(|_| BadSince)?;
        Ok(Self::Ago(Duration::from_secs(u64::from(number) * seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_by_a_duration_or_exactly() {
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        for (text, expected) in [
            ("30s", "2026-11-22T08:29:30Z"),
            ("30m", "2026-11-22T08:00:00Z"),
            ("2h", "2026-11-22T06:30:00Z"),
            ("3d", "2026-11-19T08:30:00Z"),
            ("2026-11-22T17:00:00+09:00", "2026-11-22T08:00:00Z"),
        ] {
            assert_eq!(text.parse::<Since>().unwrap().before(now), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "h", "2", "-2h", "2w", "2 h", "99999d", "2026-11-22", "1é"] {
            assert_eq!(text.parse::<Since>(), Err(BadSince), "{text}");
        }
    }

    #[test]
    fn seconds_are_at_least_one() {
        assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
        for text in ["0", "-1", "x", "65536"] {
            assert_eq!(seconds(text), Err(BadSeconds), "{text}");
        }
    }
}
