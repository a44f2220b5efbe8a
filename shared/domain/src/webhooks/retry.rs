//! The retry schedule: how long to wait after each failed attempt.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::foundation::time::Timestamp;
use crate::webhooks::delivery::EXPIRY_MARGIN;

/// Default of the deployment parameter `RetrySchedule`: ten attempts over about 76 hours.
pub const DEFAULT_SCHEDULE: &str = "5s,5m,30m,2h,5h,10h,14h,20h,24h";

/// Jitter: each delay is up to 20 % shorter or longer at random, so that deliveries that fail together are not retried
/// together.
const JITTER: f64 = 0.2;

/// Maximum `Retry-After` of a receiver that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Maximum number of delays. A delivery keeps at most 16 attempts.
const MAX_DELAYS: usize = 15;

/// The delays before the second, third, … attempt, read from a string such as [`DEFAULT_SCHEDULE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

/// A string that is not a [`RetrySchedule`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadRetrySchedule {
    /// A delay cannot be read.
    #[error(transparent)]
    Delay(#[from] BadDelay),
    /// There are more delays than a delivery can have.
    #[error("must have at most {MAX_DELAYS} delays, not {0}")]
    TooMany(usize),
}

/// The retention ends before the last attempt of a [`RetrySchedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "attempts take up to {} h and deliveries expire a day before the retention ends: it must be at least {} days, not {}",
    needed.saturating_sub(EXPIRY_MARGIN).as_secs().div_ceil(3600),
    needed.as_secs().div_ceil(24 * 3600),
    retention.as_secs() / (24 * 3600)
)]
pub struct RetentionTooShort {
    needed: Duration,
    retention: Duration,
}

/// A string that is not a delay.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a delay such as 500ms, 5s, 30m or 2h")]
pub struct BadDelay(String);

impl RetrySchedule {
    /// Maximum number of attempts of a delivery.
    pub fn attempts(&self) -> usize {
        self.0.len() + 1
    }

    /// Maximum time from the first attempt to the last, unless a receiver's `Retry-After` lengthens it.
    pub fn max_duration(&self) -> Duration {
        self.0.iter().sum::<Duration>().mul_f64(1.0 + JITTER)
    }

    /// Checks that all attempts can be made while events are kept, which is for `retention`.
    pub fn check_retention(&self, retention: Duration) -> Result<(), RetentionTooShort> {
        let needed = self.max_duration() + EXPIRY_MARGIN;
        if needed <= retention { Ok(()) } else { Err(RetentionTooShort { needed, retention }) }
    }

    /// Delay after the failed attempt `number` (from 1), with jitter by the random number `chance` (0 to 1) and at
    /// least `retry_after`. Returns `None` if the attempt was the last.
    pub fn delay_after(&self, number: u8, chance: f64, retry_after: Option<Duration>) -> Option<Duration> {
        let scheduled = self.0.get(usize::from(number).checked_sub(1)?)?;
        let with_jitter = scheduled.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance);
        Some(with_jitter.max(retry_after.unwrap_or_default()))
    }
}

impl FromStr for RetrySchedule {
    type Err = BadRetrySchedule;

    fn from_str(text: &str) -> Result<Self, BadRetrySchedule> {
        let delays: Vec<Duration> = text.split(',').map(|delay| parse_delay(delay.trim())).collect::<Result<_, _>>()?;
        if delays.len() > MAX_DELAYS {
            return Err(BadRetrySchedule::TooMany(delays.len()));
        }
        Ok(Self(delays))
    }
}

/// Reads a delay: an integer followed by `ms`, `s`, `m` or `h`.
pub(crate) fn parse_delay(text: &str) -> Result<Duration, BadDelay> {
    let bad = || BadDelay(text.to_owned());
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(bad)?;
    let (number, unit) = text.split_at(unit_at);
    let millis_a_unit: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(bad()),
    };
    let number: u32 = number.parse().map_err(|_| bad())?;
    Ok(Duration::from_millis(u64::from(number) * millis_a_unit))
}

/// Reads a `Retry-After` header (RFC 9110 §10.2.3): seconds or an HTTP date, capped at 24 hours. Returns `None` if it
/// is neither.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let requested = if header.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for the type still asks for a long delay.
        Duration::from_secs(header.parse().unwrap_or(if header.is_empty() { 0 } else { u64::MAX }))
    } else {
        let date = httpdate::parse_http_date(header).ok()?;
        let millis = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
        Timestamp::from_millis(i64::try_from(millis).ok()?)?.since(now)
    };
    Some(requested.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule() -> RetrySchedule {
        DEFAULT_SCHEDULE.parse().unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    #[test]
    fn the_default_schedule_has_ten_attempts_over_three_days() {
        let delays = (1..10).map(|number| schedule().delay_after(number, 0.5, None).unwrap());
        assert_eq!(schedule().attempts(), 10);
        assert_eq!(delays.sum::<Duration>(), Duration::from_secs(75 * 3600 + 35 * 60 + 5));
        assert_eq!(schedule().delay_after(10, 0.5, None), None);
    }

    #[test]
    fn the_retention_must_exceed_the_longest_schedule_by_a_day() {
        let days = |days: u64| Duration::from_hours(24 * days);
        assert_eq!(schedule().max_duration(), Duration::from_secs(75 * 3600 + 35 * 60 + 5).mul_f64(1.2));
        assert_eq!((schedule().check_retention(days(5)), schedule().check_retention(days(4)).is_err()), (Ok(()), true));
        let long: RetrySchedule = "120h".parse().unwrap();
        let error = long.check_retention(days(6)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "attempts take up to 144 h and deliveries expire a day before the retention ends: it must be at least 7 days, not 6"
        );
    }

    #[test]
    fn retry_after_lengthens_a_delay_but_never_shortens_it() {
        let long = Duration::from_hours(1);
        assert_eq!(schedule().delay_after(1, 0.5, Some(long)), Some(long));
        assert_eq!(schedule().delay_after(3, 0.5, Some(Duration::ZERO)), Some(Duration::from_mins(30)));
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        assert_eq!(retry_after("120", now()), Some(Duration::from_mins(2)));
        assert_eq!(retry_after("Sun, 22 Nov 2026 08:31:00 GMT", now()), Some(Duration::from_mins(1)));
        assert_eq!(retry_after("Sun, 22 Nov 2020 08:31:00 GMT", now()), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999999", now()), Some(MAX_RETRY_AFTER));
        for far_future in
            ["Fri, 31 Dec 9999 23:59:59 GMT", "Friday, 31-Dec-27 23:59:59 GMT", "Fri Dec 31 23:59:59 9999"]
        {
            assert_eq!(retry_after(far_future, now()), Some(MAX_RETRY_AFTER), "{far_future}");
        }
        for other in ["soon", "-1", "1.5", "Fri, 31 Feb 9999 23:59:59 GMT", "2026-11-22T08:31:00Z"] {
            assert_eq!(retry_after(other, now()), None, "{other}");
        }
    }

    #[test]
    fn malformed_schedules_are_refused() {
        for bad in ["", "5", "5s,", "s", "-5s", "5 s", "5d"] {
            assert!(bad.parse::<RetrySchedule>().is_err(), "{bad:?}");
        }
        let many = vec!["1s"; 16].join(",");
        assert_eq!(many.parse::<RetrySchedule>(), Err(BadRetrySchedule::TooMany(16)));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_20_percent(number in 1_u8..10, chance in 0.0..1.0_f64) {
            let exact = schedule().delay_after(number, 0.5, None).unwrap().as_secs_f64();
            let with_jitter = schedule().delay_after(number, chance, None).unwrap().as_secs_f64();
            prop_assert!((with_jitter - exact).abs() <= exact * 0.2 + 1e-6);
        }

        #[test]
        fn reading_an_untrusted_retry_after_never_panics_and_is_capped(header in "\\PC{0,60}") {
            let delay = retry_after(&header, now());
            prop_assert!(delay.is_none_or(|delay| delay <= MAX_RETRY_AFTER));
        }
    }
}
