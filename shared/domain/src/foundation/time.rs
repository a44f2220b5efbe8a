//! Times and days in UTC, in the format of the API.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A time with millisecond precision, in RFC 3339 and UTC: `2026-11-22T08:30:00.000Z`. The year has four digits, from 0001 to
/// 9999, because parsers of receivers and databases differ on all other years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = DateTime, example = "2026-11-22T08:30:00.000Z"))]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(
    /// Milliseconds since the Unix epoch, from [`MIN_MILLIS`] to [`MAX_MILLIS`].
    i64,
);

/// `0001-01-01T00:00:00.000Z`
const MIN_MILLIS: i64 = -62_135_596_800_000;

/// `9999-12-31T23:59:59.999Z`
const MAX_MILLIS: i64 = 253_402_300_799_999;

const MILLIS_A_DAY: i64 = 24 * 60 * 60 * 1000;

/// A string that is not an RFC 3339 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be an RFC 3339 date and time with an offset and a year from 0001 to 9999, such as 2026-11-22T08:30:00.000Z"
)]
pub struct BadTimestamp;

impl Timestamp {
    /// The latest representable time: `9999-12-31T23:59:59.999Z`.
    pub const MAX: Self = Self(MAX_MILLIS);

    /// Returns the time `millis` milliseconds after the Unix epoch; `None` outside the years 0001 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (MIN_MILLIS..=MAX_MILLIS).contains(&millis).then_some(Self(millis))
    }

    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time `duration` later, or the latest representable time if that overflows.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)).min(MAX_MILLIS))
    }

    /// Returns the time `duration` earlier, or the earliest representable time if that overflows.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)).max(MIN_MILLIS))
    }

    /// Returns the time elapsed since `earlier`; zero if `earlier` is later than this time.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// `count` times, evenly spread over the minute that starts at this time.
    pub fn spread_over_minute(self, count: u32) -> impl Iterator<Item = Self> {
        let step = Duration::from_mins(1) / count.max(1);
        (0..count).map(move |number| self.plus(step * number))
    }

    /// The UTC day that contains this time.
    pub fn day(self) -> UtcDay {
        UtcDay(self.civil().date())
    }

    /// Date and time of day in UTC.
    fn civil(self) -> DateTime {
        let since_epoch = SignedDuration::from_millis(self.0);
        EPOCH.checked_add(since_epoch).expect("the years 0001 to 9999 are representable")
    }
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl From<jiff::Timestamp> for Timestamp {
    /// Truncates the time to milliseconds, and moves a time outside the representable years to the nearest one within.
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_millisecond().clamp(MIN_MILLIS, MAX_MILLIS))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}Z", self.civil())
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    /// Reads the form of RFC 3339 (section 5.6) and no other form of ISO 8601. A time that leaves the year 9999 in UTC because of its
    /// offset becomes the last millisecond of that year.
    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let (local, offset) = split_offset(text).ok_or(BadTimestamp)?;
        let civil: DateTime = local.parse().map_err(|_| BadTimestamp)?;
        let since_epoch = civil.duration_since(EPOCH).as_millis();
        let since_epoch = i64::try_from(since_epoch).map_err(|_| BadTimestamp)?;
        let utc = since_epoch - offset;
        // The parser reads the second 60 as 59. Leap seconds are added only at the end of a UTC day.
        let is_leap_second = local.get(17..19) == Some("60");
        if is_leap_second && utc.rem_euclid(MILLIS_A_DAY) / 1000 != MILLIS_A_DAY / 1000 - 1 {
            return Err(BadTimestamp);
        }
        Self::from_millis(utc.min(MAX_MILLIS)).ok_or(BadTimestamp)
    }
}

/// Splits a date and time from its offset in milliseconds. Returns `None` if the string is not in the form of RFC 3339.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let has_form = |byte: u8, form: u8| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        _ => byte == form,
    };
    let bytes = text.as_bytes();
    let is_civil = bytes.len() > FORM.len() && bytes.iter().zip(FORM).all(|(byte, form)| has_form(*byte, *form));
    if !is_civil {
        return None;
    }
    let fraction = match text[FORM.len()..].strip_prefix('.') {
        Some(rest) => 1 + rest.bytes().position(|byte| !byte.is_ascii_digit()).filter(|digits| *digits > 0)?,
        None => 0,
    };
    // More than nine digits would be smaller than a nanosecond.
    let (local, offset) = text.split_at(FORM.len() + fraction);
    let local = &local[..local.len().min(FORM.len() + 10)];
    Some((local, offset_millis(offset)?))
}

/// Reads `Z`, or an offset such as `+09:00`.
fn offset_millis(text: &str) -> Option<i64> {
    let (sign, hours, minutes) = match text.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => (1, text.get(1..3)?, text.get(3..)?),
        [b'-', ..] => (-1, text.get(1..3)?, text.get(3..)?),
        _ => return None,
    };
    let number = |digits: &str, limit: i64| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|number| is_number && *number < limit)
    };
    let minutes = number(hours, 24)? * 60 + number(minutes.strip_prefix(':')?, 60)?;
    Some(sign * minutes * 60 * 1000)
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
        let days = self.0.duration_since(EPOCH.date()).as_hours() / 24;
        Timestamp(days * MILLIS_A_DAY)
    }

    /// The previous day, or the same day if there is none.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.yesterday().ok().filter(|day| day.year() > 0).unwrap_or(self.0))
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
        let day: Date = text.parse().map_err(|_| BadDay)?;
        if day.year() > 0 { Ok(Self(day)) } else { Err(BadDay) }
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        let time: Timestamp = "2026-11-22T17:30:00.1239+09:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-22T08:30:00.123Z");
    }

    #[test]
    fn only_the_form_of_rfc_3339_is_accepted() {
        for bad in [
            "2026-11-22T08:30:00",
            "2026-11-22T08:30Z",
            "2026-11-22 08:30:00Z",
            "20261122T083000Z",
            "2026-11-22T08:30:00,5Z",
            "2026-11-22T08:30:00.Z",
            "2026-11-22T08:30:00+09",
            "2026-11-22T08:30:00+0900",
            "2026-11-22T08:30:00+09:60",
            "2026-11-22T08:30:00+24:00",
            "2026-11-22T08:30:00+1:000",
            "2026-11-22T08:30:00Z[UTC]",
            "2026-11-22T08:30:00+09:00[Asia/Seoul]",
            " 2026-11-22T08:30:00Z",
            "2026-11-22T08:30:00Z ",
            "2026-02-30T08:30:00Z",
            "2026-11-22T25:00:00Z",
            "2026-11-22T08:30:00\u{ff3a}",
            "1795336200",
            "2026-11-22T08:30:60Z",
            "2026-11-22T23:59:60+09:00",
            "",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(BadTimestamp), "{bad}");
        }
        for (good, expected) in [
            ("2026-11-22t08:30:00z", "2026-11-22T08:30:00.000Z"),
            ("2026-11-22T08:30:00-00:00", "2026-11-22T08:30:00.000Z"),
            ("2026-11-22T00:30:00.5+23:59", "2026-11-21T00:31:00.500Z"),
            ("2026-11-22T08:30:00.1234567899999Z", "2026-11-22T08:30:00.123Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
            ("2017-01-01T08:59:60+09:00", "2016-12-31T23:59:59.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(good.parse::<Timestamp>().unwrap().to_string(), expected, "{good}");
        }
    }

    #[test]
    fn years_have_four_digits_and_no_sign() {
        for bad in [
            "-009999-06-01T00:00:00Z",
            "+002026-06-01T00:00:00Z",
            "-000001-06-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "999-01-01T00:00:00Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(BadTimestamp), "{bad}");
        }
        for (edge, expected) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"),
            // In UTC, these are in the year 10000.
            ("9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999Z"),
        ] {
            let time: Timestamp = edge.parse().unwrap();
            assert_eq!(time.to_string(), expected, "{edge}");
            assert_eq!(time.day().start().day(), time.day(), "{edge}");
            assert_eq!(Timestamp::from_millis(time.as_millis()), Some(time));
        }
        assert_eq!(Timestamp::from_millis(MIN_MILLIS - 1), None);
        assert_eq!(Timestamp::from_millis(MAX_MILLIS + 1), None);
    }

    #[test]
    fn arithmetic_stops_at_the_first_and_the_last_time() {
        let (first, last) = (Timestamp(MIN_MILLIS), Timestamp(MAX_MILLIS));
        assert_eq!((last.plus(Duration::MAX), first.minus(Duration::MAX)), (last, first));
        assert_eq!((first.day().previous(), last.day().next()), (first.day(), last.day()));
        assert_eq!(last.since(first).as_millis(), 315_537_897_599_999);
    }

    proptest! {
        #[test]
        fn a_time_reads_back_as_it_was_written(millis in MIN_MILLIS..=MAX_MILLIS) {
            let time = Timestamp(millis);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            prop_assert!(time.day().start() <= time && time < time.day().next().start() || time.day() == time.day().next());
        }

        #[test]
        fn reading_untrusted_times_never_panics(text in "\\PC{0,40}", like in "[0-9+-]{4,7}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}.{0,8}") {
            let _ = (text.parse::<Timestamp>(), like.parse::<Timestamp>());
        }
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
        for other in ["20261122", "2026-11-22T00:00", "2026-1-2", "2026-02-30", "0000-12-31", "-001-01-01", ""] {
            assert_eq!(other.parse::<UtcDay>(), Err(BadDay), "{other}");
        }
    }

    #[test]
    fn the_time_since_a_later_time_is_zero() {
        let time = Timestamp::from_millis(1000).unwrap();
        assert_eq!(time.since(time.plus(Duration::from_secs(1))), Duration::ZERO);
    }
}
