//! How many calls a key may make: so many in each window of ten seconds.
//!
//! Calls are counted by whoever takes them, many at once and none knowing of the others. Each keeps a [`Tally`] and reports
//! it to a common count once it has taken a twentieth of the limit: who calls seldom costs nothing, and of a limit of 1,000
//! each of ten takers lets through 50 too many at most.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::time::Timestamp;

const WINDOW_SECONDS: i64 = 10;

/// How long a window is.
pub const WINDOW: Duration = Duration::from_secs(WINDOW_SECONDS.unsigned_abs());

/// Which share of the limit is reported at once.
const REPORTS: u32 = 20;

/// How many calls a key may make in a window: 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(u32);

/// A text that is no [`RateLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number of calls in ten seconds, 1 or more")]
pub struct BadRateLimit;

impl RateLimit {
    /// The number of calls.
    pub fn calls(self) -> u32 {
        self.0
    }
}

impl FromStr for RateLimit {
    type Err = BadRateLimit;

    fn from_str(text: &str) -> Result<Self, BadRateLimit> {
        text.parse().ok().filter(|calls| *calls > 0).map(Self).ok_or(BadRateLimit)
    }
}

/// A window, by its first second since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(i64);

impl Window {
    /// The window that `now` lies in.
    pub fn at(now: Timestamp) -> Self {
        Self(now.as_seconds() - now.as_seconds().rem_euclid(WINDOW_SECONDS))
    }

    /// Its first second, since 1970.
    pub fn starts_at(self) -> i64 {
        self.0
    }

    /// How many seconds of it are left at `now`, the present one included.
    pub fn seconds_left(self, now: Timestamp) -> u64 {
        u64::try_from(self.0 + WINDOW_SECONDS - now.as_seconds()).unwrap_or(0)
    }
}

/// What one taker knows of a key's calls in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    window: Window,
    /// All takers' calls, as of the last report.
    total: u32,
    /// Calls taken since, which the others do not know of.
    unreported: u32,
}

impl Tally {
    /// No calls yet in the window of `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { window: Window::at(now), total: 0, unreported: 0 }
    }

    /// The window.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Counts a call, unless as many are known of as there may be. Whether it was counted.
    pub fn count(&mut self, limit: RateLimit) -> bool {
        let has_room = self.known() < limit.0;
        self.unreported += u32::from(has_room);
        has_room
    }

    /// How many calls are to be reported now, if any.
    pub fn report(&self, limit: RateLimit) -> Option<u32> {
        (self.unreported >= limit.0.div_ceil(REPORTS)).then_some(self.unreported)
    }

    /// Notes that `count` calls were reported, which makes `total` in all.
    pub fn reported(&mut self, count: u32, total: u32) {
        self.unreported -= count.min(self.unreported);
        self.total = self.total.max(total);
    }

    /// Whether the others have taken so many calls that the last one that was counted here is one too many.
    pub fn is_over(&self, limit: RateLimit) -> bool {
        self.known() > limit.0
    }

    /// How many calls there may still be, as far as is known.
    pub fn remaining(&self, limit: RateLimit) -> u32 {
        limit.0.saturating_sub(self.known())
    }

    fn known(&self) -> u32 {
        self.total.saturating_add(self.unreported)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T08:30:07.900Z".parse().unwrap()
    }

    /// What a taker does for a call, with the common count of all takers.
    fn call(tally: &mut Tally, total: &mut u32, limit: RateLimit) -> bool {
        if !tally.count(limit) {
            return false;
        }
        if let Some(count) = tally.report(limit) {
            *total += count;
            tally.reported(count, *total);
        }
        !tally.is_over(limit)
    }

    #[test]
    fn windows_begin_every_ten_seconds() {
        let window = Window::at(now());
        assert_eq!(window, Window::at("2026-11-22T08:30:00Z".parse().unwrap()));
        assert_ne!(window, Window::at("2026-11-22T08:30:10Z".parse().unwrap()));
        assert_eq!((window.seconds_left(now()), window.starts_at() % 10), (3, 0));
    }

    #[test]
    fn a_limit_is_a_number_above_0() {
        assert_eq!("1000".parse().map(RateLimit::calls), Ok(1000));
        for bad in ["", "0", "-1", "1.5", "10/s"] {
            assert_eq!(bad.parse::<RateLimit>(), Err(BadRateLimit), "{bad}");
        }
    }

    #[test]
    fn who_calls_seldom_is_not_reported() {
        let (limit, mut tally) = (RateLimit(1000), Tally::new(now()));
        assert!((0..49).all(|_| tally.count(limit) && tally.report(limit).is_none()));
        assert!(tally.count(limit) && tally.report(limit) == Some(50));
    }

    proptest! {
        #[test]
        fn one_taker_keeps_the_limit_to_the_call(limit in 1_u32..3000, calls in 0_u32..6000) {
            let (limit, mut tally, mut total) = (RateLimit(limit), Tally::new(now()), 0);
            let let_in = (0..calls).filter(|_| call(&mut tally, &mut total, limit)).count();
            prop_assert_eq!(let_in, calls.min(limit.0) as usize);
            prop_assert_eq!(tally.remaining(limit), limit.0 - calls.min(limit.0));
        }

        #[test]
        fn many_takers_let_through_a_twentieth_each_too_many_at_most(
            limit in 1_u32..2000,
            takers in proptest::collection::vec(0_usize..8, 0..6000),
        ) {
            let (limit, mut tallies, mut total) = (RateLimit(limit), [Tally::new(now()); 8], 0);
            let let_in = takers.iter().filter(|taker| call(&mut tallies[**taker], &mut total, limit)).count();
            let most = limit.0 + 8 * limit.0.div_ceil(REPORTS);
            prop_assert!(let_in <= most as usize, "{let_in} of {limit:?}");
            prop_assert!(let_in >= takers.len().min((limit.0 - limit.0.div_ceil(REPORTS)) as usize), "{let_in} of {limit:?}");
        }
    }
}
