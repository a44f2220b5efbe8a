//! Rate limits of API keys and console sessions: counts calls and writes the `RateLimit` headers.

use std::sync::{Arc, Mutex, PoisonError};

use aws::lambda::telemetry;
use aws::store::QuotaStore;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use domain::foundation::cache::Cache;
use domain::foundation::header_names;
use domain::foundation::time::Timestamp;
use domain::projects::rate_limit::{CallCounter, RateLimit, WINDOW, Window};
use tracing::warn;

/// Maximum number of callers that are counted at once.
const MAX_CALLERS: usize = 1000;

/// Counts the calls of each caller, by the id of its API key or session.
pub(crate) struct RateLimiter {
    limit: RateLimit,
    store: QuotaStore,
    counters: Cache<(String, Window), CallCounter>,
}

/// What a caller has left of its rate limit after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimitStatus {
    limit: RateLimit,
    remaining: u32,
    seconds_left: u64,
}

/// A place in the request's extensions. Authentication stores the caller's status there, for the headers of the response.
#[derive(Clone, Default)]
pub(crate) struct RateLimitSlot(Arc<Mutex<Option<RateLimitStatus>>>);

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit, store: QuotaStore) -> Self {
        Self { limit, store, counters: Cache::new(WINDOW, MAX_CALLERS) }
    }

    /// Counts a call. Fails with the caller's status if the caller has exceeded its limit.
    pub(crate) async fn count(&self, caller: &str, now: Timestamp) -> Result<RateLimitStatus, RateLimitStatus> {
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
    pub(crate) async fn charge(&self, caller: &str, calls: u32, now: Timestamp) -> RateLimitStatus {
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

impl RateLimitSlot {
    /// Adds an empty slot to the request.
    pub(crate) fn add_to(request: &mut Request) -> Self {
        let slot = Self::default();
        request.extensions_mut().insert(slot.clone());
        slot
    }

    /// Stores the status and replaces an earlier one.
    pub(crate) fn set(&self, status: RateLimitStatus) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    fn get(&self) -> Option<RateLimitStatus> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the headers of draft-ietf-httpapi-ratelimit-headers, if the caller has a rate limit. Operators have none.
    pub(crate) fn write_headers(&self, response: &mut Response) {
        let Some(RateLimitStatus { limit, remaining, seconds_left }) = self.get() else { return };
        let policy = format!("\"key\";q={};w={}", limit.calls(), WINDOW.as_secs());
        let status = format!("\"key\";r={remaining};t={seconds_left}");
        for (name, value) in [(header_names::RATE_LIMIT_POLICY, policy), (header_names::RATE_LIMIT, status)] {
            let value = HeaderValue::from_str(&value).expect("numbers and names are visible ASCII");
            response.headers_mut().insert(name, value);
        }
    }
}

impl RateLimitStatus {
    /// Seconds until the next window begins.
    pub(crate) fn retry_after(self) -> u64 {
        self.seconds_left
    }
}
