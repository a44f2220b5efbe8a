//! The `RateLimit` headers of responses.

use std::sync::{Arc, Mutex, PoisonError};

use aws::api_keys::RateLimitStatus;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use domain::foundation::header_names;
use domain::projects::rate_limit::WINDOW;

/// A place in the request's extensions. Authentication stores the caller's status there, for the headers of the response.
#[derive(Clone, Default)]
pub(crate) struct RateLimitSlot(Arc<Mutex<Option<RateLimitStatus>>>);

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
        let Some(status) = self.get() else { return };
        let policy = format!("\"key\";q={};w={}", status.limit().calls(), WINDOW.as_secs());
        let status = format!("\"key\";r={};t={}", status.remaining(), status.retry_after());
        for (name, value) in [(header_names::RATE_LIMIT_POLICY, policy), (header_names::RATE_LIMIT, status)] {
            let value = HeaderValue::from_str(&value).expect("numbers and names are visible ASCII");
            response.headers_mut().insert(name, value);
        }
    }
}
