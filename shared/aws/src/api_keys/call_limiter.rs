//! Counts calls against the rate limit of API keys and console sessions.

use domain::foundation::cache::Cache;
use domain::foundation::time::Timestamp;
use domain::projects::rate_limit::{CallCounter, RateLimit, WINDOW, Window};
use tracing::warn;

use crate::lambda::telemetry;
use crate::store::QuotaStore;

/// Maximum number of callers that are counted at once.
const MAX_CALLERS: usize = 1000;

/// Counts the calls of each caller, by the id of its API key or session.
pub struct CallLimiter {
    limit: RateLimit,
    store: QuotaStore,
    counters: Cache<(String, Window), CallCounter>,
}

/// What a caller has left of its rate limit after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    limit: RateLimit,
    remaining: u32,
    seconds_left: u64,
}

impl CallLimiter {
    /// A limiter that shares its counts with other instances through `store`.
    pub fn new(limit: RateLimit, store: QuotaStore) -> Self {
        Self { limit, store, counters: Cache::new(WINDOW, MAX_CALLERS) }
    }

    /// Counts a call. Fails with the caller's status if the caller has exceeded its limit.
    pub async fn count(&self, caller: &str, now: Timestamp) -> Result<RateLimitStatus, RateLimitStatus> {
        let (has_room, report, window) = self.with_counter(caller, now, |counter| {
            let has_room = counter.count(self.limit);
            // A rejected call is not counted, so there is nothing new to report.
            (has_room, counter.report(self.limit).filter(|_| has_room), counter.window())
        });
        if let Some(calls) = report {
            self.report(caller, window, calls, now).await;
        }
        self.with_counter(caller, now, |counter| {
            let status = self.status(counter, now);
            if has_room && !counter.is_over(self.limit) { Ok(status) } else { Err(status) }
        })
    }

    /// Counts `calls` additional calls for an admitted call. Returns the caller's status.
    pub async fn charge(&self, caller: &str, calls: u32, now: Timestamp) -> RateLimitStatus {
        let (report, window) = self.with_counter(caller, now, |counter| {
            counter.charge(calls);
            (counter.report(self.limit), counter.window())
        });
        if let Some(calls) = report {
            self.report(caller, window, calls, now).await;
        }
        self.with_counter(caller, now, |counter| self.status(counter, now))
    }

    fn status(&self, counter: &CallCounter, now: Timestamp) -> RateLimitStatus {
        let (remaining, seconds_left) = (counter.remaining(self.limit), counter.window().seconds_left(now));
        RateLimitStatus { limit: self.limit, remaining, seconds_left }
    }

    /// Shares the count with the other instances of the function. If the store fails, the call is allowed; it fails
    /// later if it needs the store.
    async fn report(&self, caller: &str, window: Window, calls: u32, now: Timestamp) {
        match self.store.add_calls(caller, window, calls).await {
            Ok(total) => self.with_counter(caller, now, |counter| counter.reported(calls, total)),
            Err(error) => warn!(cause = telemetry::chain(&error), "calls of {caller} were not reported"),
        }
    }

    fn with_counter<T>(&self, caller: &str, now: Timestamp, work: impl FnOnce(&mut CallCounter) -> T) -> T {
        self.counters.update_or_insert((caller.to_owned(), Window::at(now)), now, || CallCounter::new(now), work)
    }
}

impl RateLimitStatus {
    /// The limit.
    pub fn limit(self) -> RateLimit {
        self.limit
    }

    /// Number of calls left in the window.
    pub fn remaining(self) -> u32 {
        self.remaining
    }

    /// Seconds until the next window begins.
    pub fn retry_after(self) -> u64 {
        self.seconds_left
    }
}
