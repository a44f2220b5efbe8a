//! Times and days in UTC, in the format of the API.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A time with millisecond precision, in RFC 3339 and UTC: `2026-11-22T08:30:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = DateTime, example = "2026-11-22T08:30:00.000Z"))]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

/// A string that is not an RFC 3339 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an RFC 3339 date and time with an offset, such as 2026-11-22T08:30:00.000Z")]
pub struct BadTimestamp;

impl Timestamp {
    /// Returns the time `millis` milliseconds after the Unix epoch; `None` outside the years -9999 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since the Unix epoch.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Returns the time `duration` later, or the latest representable time if that overflows.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from(self.0.checked_add(duration).unwrap_or(jiff::Timestamp::MAX))
    }

    /// Returns the time `duration` earlier, or the earliest representable time if that overflows.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::from(self.0.checked_sub(duration).unwrap_or(jiff::Timestamp::MIN))
    }

    /// Returns the time elapsed since `earlier`; zero if `earlier` is later than this time.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).try_into().unwrap_or(Duration::ZERO)
    }

    /// The UTC day that contains this time.
    pub fn day(self) -> UtcDay {
        UtcDay(self.0.to_zoned(TimeZone::UTC).date())
    }
}

impl From<jiff::Timestamp> for Timestamp {
    /// Truncates the time to milliseconds.
    fn from(time: jiff::Timestamp) -> Self {
        Self(jiff::Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        text.parse::<jiff::Timestamp>().map(Self::from).map_err(|_| BadTimestamp)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = BadTimestamp;

    fn try_from(text: String) -> Result<Self, BadTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

/// A UTC day, from 00:00:00.000 to 23:59:59.999, such as `2026-11-22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = Date, example = "2026-11-22"))]
#[serde(try_from = "String", into = "String")]
pub struct UtcDay(Date);

/// A string that is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a day such as 2026-11-22")]
pub struct BadDay;

impl UtcDay {
    /// The first millisecond of the day.
    pub fn start(self) -> Timestamp {
        let midnight =
            self.0.to_zoned(TimeZone::UTC).expect("UTC has no daylight saving time, so every midnight exists");
        Timestamp::from(midnight.timestamp())
    }

    /// The previous day, or the same day if there is none.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0))
    }

    /// The next day, or the same day if there is none.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    /// The latest day that has ended completely at `now`.
    pub fn before(now: Timestamp) -> Self {
        now.day().previous()
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for UtcDay {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        // jiff also accepts other forms ("20261122", a day with a time). The API has only one.
        let is_canonical = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        if !is_canonical {
            return Err(BadDay);
        }
        text.parse().map(Self).map_err(|_| BadDay)
    }
}

impl TryFrom<String> for UtcDay {
    type Error = BadDay;

    fn try_from(text: String) -> Result<Self, BadDay> {
        text.parse()
    }
}

impl From<UtcDay> for String {
    fn from(day: UtcDay) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        let time: Timestamp = "2026-11-22T17:30:00.1239+09:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-22T08:30:00.123Z");
    }

    #[test]
    fn a_time_without_an_offset_is_rejected() {
        assert_eq!("2026-11-22T08:30:00".parse::<Timestamp>(), Err(BadTimestamp));
    }

    #[test]
    fn the_day_before_is_the_latest_day_that_has_ended() {
        let just_after_midnight: Timestamp = "2026-03-01T00:00:00.000Z".parse().unwrap();
        assert_eq!(UtcDay::before(just_after_midnight).to_string(), "2026-02-28");
    }

    #[test]
    fn a_day_starts_at_midnight_utc() {
        let day: UtcDay = "2026-11-22".parse().unwrap();
        assert_eq!(day.start().to_string(), "2026-11-22T00:00:00.000Z");
        assert_eq!(day.start().day(), day);
    }

    #[test]
    fn a_day_is_accepted_in_one_format_only() {
        for other in ["20261122", "2026-11-22T00:00", "2026-1-2", "2026-02-30", ""] {
            assert_eq!(other.parse::<UtcDay>(), Err(BadDay), "{other}");
        }
    }

    #[test]
    fn the_time_since_a_later_time_is_zero() {
        let time = Timestamp::from_millis(1000).unwrap();
        assert_eq!(time.since(time.plus(Duration::from_secs(1))), Duration::ZERO);
    }
}
