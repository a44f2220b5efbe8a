//! The two lanes: receivers that take long have a lane of their own, where they do not hold the senders of the others.

use std::time::Duration;

use super::policy::{MAX_EXCESS, MIN_KNOWN_ATTEMPTS, SLOW_EXCESS, SLOW_LIFETIME, SLOW_REQUEST_EXCESS};
use super::{Health, Slowness};
use crate::foundation::time::Timestamp;

/// The lane that an endpoint's webhooks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The endpoint responds fast, or nothing is known about it.
    Fast,
    /// The endpoint's recent attempts took long.
    Slow,
}

impl Health {
    /// The lane that webhooks to the endpoint take at `now`.
    pub fn lane(&self, now: Timestamp) -> Lane {
        match self.slowness {
            Some(slowness) if slowness.is_slow && now.since(slowness.at) < SLOW_LIFETIME => Lane::Slow,
            Some(_) | None => Lane::Fast,
        }
    }

    /// Applies a request that has been running for long at `now`. Its duration counts when it ends, but other requests should
    /// not wait behind it until then.
    ///
    /// It moves an endpoint with few recent attempts to the slow lane at once. If the endpoint has had many attempts within the
    /// last minute, several requests must hang at the same time.
    #[must_use]
    pub fn with_slow_request(self, now: Timestamp) -> Self {
        let recent_attempts = self.recent.map_or(0, |recent| recent.decayed(now).attempts);
        let before = self.slowness.unwrap_or(Slowness { excess_ms: 0, at: now, is_slow: false });
        let excess = Duration::from_millis(before.excess_ms.into());
        let excess = if recent_attempts < MIN_KNOWN_ATTEMPTS {
            excess.max(SLOW_EXCESS)
        } else {
            (excess + SLOW_REQUEST_EXCESS).min(MAX_EXCESS)
        };
        Self { slowness: Slowness::of(excess, before.at.max(now), before.is_slow), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{attempt, health, now, policy};
    use super::*;
    use crate::webhooks::attempt::Attempt;

    const HANGS: u32 = 15_000;

    /// Slowness after attempts with these durations in milliseconds, one after the other.
    fn slowness(durations: impl IntoIterator<Item = u32>) -> (Option<Slowness>, Timestamp) {
        durations.into_iter().fold((None, now()), |(slowness, at), duration_ms| {
            let attempt = Attempt { duration_ms, ..attempt(at, (duration_ms != HANGS).then_some(200)) };
            (Slowness::after(slowness, &attempt), attempt.ended_at())
        })
    }

    fn is_slow(durations: impl IntoIterator<Item = u32>) -> bool {
        slowness(durations).0.is_some_and(|slowness| slowness.is_slow)
    }

    #[test]
    fn an_endpoint_that_hangs_is_slow_after_two_attempts() {
        assert!(!is_slow([HANGS]));
        assert!(is_slow([HANGS, HANGS]));
        assert!(is_slow([HANGS, 100, 100, HANGS]));
    }

    #[test]
    fn connection_timeouts_and_slow_successes_count_by_their_duration() {
        assert!(!is_slow([5_000; 4]) && is_slow([5_000; 5]));
        assert!(!is_slow([3_000; 9]) && is_slow([3_000; 10]));
        assert!(!is_slow([1_000; 1_000]));
    }

    #[test]
    fn one_slow_response_among_many_fast_ones_does_not_move_an_endpoint() {
        let one_percent = (0..10_000).map(|number| if number % 100 == 0 { HANGS } else { 100 });
        assert!(!is_slow(one_percent));
        let every_tenth = (0..1_000).map(|number| if number % 10 == 0 { HANGS } else { 200 });
        assert!(is_slow(every_tenth), "the mean duration exceeds a second");
    }

    #[test]
    fn a_fast_endpoint_stores_nothing() {
        assert_eq!(slowness([200; 100]).0, None);
        assert_eq!(slowness(std::iter::once(HANGS).chain([100; 16])).0, None, "the slow attempt is forgotten");
    }

    #[test]
    fn an_endpoint_that_is_fast_again_returns_to_the_fast_lane() {
        let hung_long = [HANGS; 100];
        assert!(is_slow(hung_long.into_iter().chain([100; 20])), "a few fast attempts are not enough");
        assert!(!is_slow(hung_long.into_iter().chain([100; 34])));
    }

    #[test]
    fn a_request_that_runs_for_long_moves_an_endpoint_of_which_little_is_known() {
        let lane = |health: Health| health.lane(now());
        assert_eq!(lane(health().with_slow_request(now())), Lane::Slow);
        let responding = (0..MIN_KNOWN_ATTEMPTS).fold(health(), |health, _| health.answers(0, 200));
        let slow_requests = |count| (0..count).fold(responding.clone(), |health, _| health.with_slow_request(now()));
        assert_eq!([lane(slow_requests(4)), lane(slow_requests(5))], [Lane::Fast, Lane::Slow]);
        let timed_out = Attempt { duration_ms: HANGS, ..attempt(now(), None) };
        assert_eq!(lane(slow_requests(1).after(&timed_out, None, &policy())), Lane::Fast, "one is not enough");
    }

    #[test]
    fn the_mark_lapses_an_hour_after_the_last_slow_attempt() {
        let (slowness, hung_until) = slowness([HANGS, HANGS]);
        let slow = Health { slowness, ..health() };
        assert_eq!(slow.lane(hung_until), Lane::Slow);
        assert_eq!(slow.lane(hung_until.plus(SLOW_LIFETIME)), Lane::Fast);
        assert_eq!(health().lane(now()), Lane::Fast);
    }

    proptest! {
        /// Whatever came before, 31 attempts that take no time bring every endpoint back.
        #[test]
        fn every_endpoint_heals(durations in proptest::collection::vec(0..20_000_u32, 0..100)) {
            prop_assert!(!is_slow(durations.into_iter().chain([0; 31])));
        }
    }
}
