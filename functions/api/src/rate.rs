//! How often a key may call: counted here, told in `RateLimit` headers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use shared::aws::store::Activity;
use shared::id::ApiKeyId;
use shared::rate_limit::{RateLimit, Tally, WINDOW, Window};
use shared::telemetry;
use shared::time::Timestamp;
use tracing::warn;

/// How many keys are counted at once; the oldest windows are forgotten first.
const MOST_KEYS: usize = 1000;

/// Counts the calls of each key.
pub(crate) struct RateLimiter {
    limit: RateLimit,
    activity: Activity,
    tallies: Mutex<HashMap<ApiKeyId, Tally>>,
}

/// How a key stands after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: RateLimit,
    remaining: u32,
    seconds_left: u64,
}

/// Where the extractor that knows the key leaves its standing for [`write_headers`].
#[derive(Clone, Default)]
pub(crate) struct StandingSlot(Arc<OnceLock<Standing>>);

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit, activity: Activity) -> Self {
        Self { limit, activity, tallies: Mutex::default() }
    }

    /// Counts a call. The error is that there were too many.
    pub(crate) async fn count(&self, key: ApiKeyId, now: Timestamp) -> Result<Standing, Standing> {
        let (has_room, report, window) = self.with_tally(key, now, |tally| {
            let has_room = tally.count(self.limit);
            (has_room, tally.report(self.limit).filter(|_| has_room), tally.window())
        });
        if let Some(calls) = report {
            self.report(key, window, calls, now).await;
        }
        self.with_tally(key, now, |tally| {
            let (remaining, seconds_left) = (tally.remaining(self.limit), tally.window().seconds_left(now));
            let standing = Standing { limit: self.limit, remaining, seconds_left };
            if has_room && !tally.is_over(self.limit) { Ok(standing) } else { Err(standing) }
        })
    }

    /// Tells the other instances. If the store does not answer, callers are let in: it will refuse them itself if it must.
    async fn report(&self, key: ApiKeyId, window: Window, calls: u32, now: Timestamp) {
        match self.activity.add_calls(key, window, calls).await {
            Ok(total) => self.with_tally(key, now, |tally| tally.reported(calls, total)),
            Err(error) => warn!(cause = telemetry::chain(&error), "calls of API key {key} are not reported"),
        }
    }

    fn with_tally<T>(&self, key: ApiKeyId, now: Timestamp, work: impl FnOnce(&mut Tally) -> T) -> T {
        let mut tallies = self.tallies();
        let window = Window::at(now);
        if tallies.len() >= MOST_KEYS {
            tallies.retain(|_, tally| tally.window() == window);
        }
        let tally = tallies.entry(key).or_insert_with(|| Tally::new(now));
        if tally.window() != window {
            *tally = Tally::new(now);
        }
        work(tally)
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandingSlot {
    /// Leaves the standing; the first one stays.
    pub(crate) fn set(&self, standing: Standing) {
        self.0.get_or_init(|| standing);
    }
}

impl Standing {
    /// When to come back, in seconds.
    pub(crate) fn retry_after(self) -> u64 {
        self.seconds_left
    }
}

/// Writes the standing of the key that was shown, if it was a project's, as draft-ietf-httpapi-ratelimit-headers says.
pub(crate) async fn write_headers(mut request: Request, next: Next) -> Response {
    let slot = StandingSlot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    if let Some(Standing { limit, remaining, seconds_left }) = slot.0.get().copied() {
        let policy = format!("\"key\";q={};w={}", limit.calls(), WINDOW.as_secs());
        let standing = format!("\"key\";r={remaining};t={seconds_left}");
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", standing)] {
            let value = HeaderValue::from_str(&value).expect("numbers and names are visible ASCII");
            response.headers_mut().insert(name, value);
        }
    }
    response
}
