//! The rate limit of an API key: a number of calls in each window of ten seconds.
//!
//! Many instances of the API count calls at the same time without knowing of each other. Each instance has a [`CallCounter`]
//! and adds its calls to a shared count each time they reach a twentieth of the limit. A key with few calls therefore causes
//! no writes, and each instance admits at most a twentieth of the limit too much: with a limit of 1,000 and ten instances,
//! at most 500 calls too many.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::foundation::time::Timestamp;

const WINDOW_SECONDS: i64 = 10;

/// Length of a window.
pub const WINDOW: Duration = Duration::from_secs(WINDOW_SECONDS.unsigned_abs());

/// An instance reports its calls when they reach the limit divided by this number.
const REPORTS: u32 = 20;

/// Number of calls that an API key may make in a window: at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(u32);

/// A string that is not a [`RateLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number of calls in ten seconds, at least 1")]
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

/// A window, identified by its first second since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window(i64);

impl Window {
    /// The window that contains `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(now.as_seconds() - now.as_seconds().rem_euclid(WINDOW_SECONDS))
    }

    /// The first second of the window, since the Unix epoch.
    pub fn starts_at(self) -> i64 {
        self.0
    }

    /// Seconds left in the window at `now`, including the current one.
    pub fn seconds_left(self, now: Timestamp) -> u64 {
        u64::try_from(self.0 + WINDOW_SECONDS - now.as_seconds()).unwrap_or(0)
    }
}

/// One instance's count of an API key's calls in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCounter {
    window: Window,
    /// Calls of all instances as of the last report.
    total: u32,
    /// Calls admitted by this instance since its last report.
    unreported: u32,
}

impl CallCounter {
    /// A counter without calls for the window that contains `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { window: Window::at(now), total: 0, unreported: 0 }
    }

    /// The window that is counted.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Counts a call and returns `true`, or returns `false` if the known calls have reached the limit.
    pub fn count(&mut self, limit: RateLimit) -> bool {
        let has_room = self.known() < limit.0;
        self.unreported += u32::from(has_room);
        has_room
    }

    /// Counts `calls` more for an admitted call, even beyond the limit.
    pub fn charge(&mut self, calls: u32) {
        self.unreported = self.unreported.saturating_add(calls);
    }

    /// Number of calls to report now, if a report is due.
    pub fn report(&self, limit: RateLimit) -> Option<u32> {
        (self.unreported >= limit.0.div_ceil(REPORTS)).then_some(self.unreported)
    }

    /// Records that `count` calls were reported and that all instances together have reported `total`.
    pub fn reported(&mut self, count: u32, total: u32) {
        self.unreported -= count.min(self.unreported);
        self.total = self.total.max(total);
    }

    /// Returns whether the last counted call exceeds the limit because of calls that other instances have reported.
    pub fn is_over(&self, limit: RateLimit) -> bool {
        self.known() > limit.0
    }

    /// Number of calls left in the window, as far as this instance knows.
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

    /// Handles a call as an instance does. `total` is the shared count.
    fn call(counter: &mut CallCounter, total: &mut u32, limit: RateLimit) -> bool {
        if !counter.count(limit) {
            return false;
        }
        if let Some(count) = counter.report(limit) {
            *total += count;
            counter.reported(count, *total);
        }
        !counter.is_over(limit)
    }

    #[test]
    fn a_window_begins_every_ten_seconds() {
        let window = Window::at(now());
        assert_eq!(window, Window::at("2026-11-22T08:30:00Z".parse().unwrap()));
        assert_ne!(window, Window::at("2026-11-22T08:30:10Z".parse().unwrap()));
        assert_eq!((window.seconds_left(now()), window.starts_at() % 10), (3, 0));
    }

    #[test]
    fn a_limit_is_at_least_1() {
        assert_eq!("1000".parse().map(RateLimit::calls), Ok(1000));
        for bad in ["", "0", "-1", "1.5", "10/s"] {
            assert_eq!(bad.parse::<RateLimit>(), Err(BadRateLimit), "{bad}");
        }
    }

    #[test]
    fn calls_below_a_twentieth_of_the_limit_are_not_reported() {
        let (limit, mut counter) = (RateLimit(1000), CallCounter::new(now()));
        assert!((0..49).all(|_| counter.count(limit) && counter.report(limit).is_none()));
        assert!(counter.count(limit) && counter.report(limit) == Some(50));
    }

    #[test]
    fn a_call_that_counts_as_several_leaves_fewer_for_later() {
        let (limit, mut counter) = (RateLimit(12), CallCounter::new(now()));
        assert!(counter.count(limit));
        counter.charge(9);
        assert_eq!((counter.remaining(limit), counter.report(limit)), (2, Some(10)));
        assert!(counter.count(limit));
        counter.charge(9);
        assert_eq!((counter.remaining(limit), counter.count(limit)), (0, false));
    }

    proptest! {
        #[test]
        fn a_single_instance_enforces_the_limit_exactly(limit in 1_u32..3000, calls in 0_u32..6000) {
            let (limit, mut counter, mut total) = (RateLimit(limit), CallCounter::new(now()), 0);
            let admitted = (0..calls).filter(|_| call(&mut counter, &mut total, limit)).count();
            prop_assert_eq!(admitted, calls.min(limit.0) as usize);
            prop_assert_eq!(counter.remaining(limit), limit.0 - calls.min(limit.0));
        }

        #[test]
        fn each_of_many_instances_admits_at_most_a_twentieth_of_the_limit_too_much(
            limit in 1_u32..2000,
            calls in proptest::collection::vec(0_usize..8, 0..6000),
        ) {
            let (limit, mut counters, mut total) = (RateLimit(limit), [CallCounter::new(now()); 8], 0);
            let admitted = calls.iter().filter(|instance| call(&mut counters[**instance], &mut total, limit)).count();
            let max = limit.0 + 8 * limit.0.div_ceil(REPORTS);
            let min = calls.len().min((limit.0 - limit.0.div_ceil(REPORTS)) as usize);
            prop_assert!((min..=max as usize).contains(&admitted), "{admitted} of {limit:?}");
        }
    }
}
