//! Names of the headers of the API, for the function that serves it and the programs that call it.

use http::HeaderName;

/// The API key of a request.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Names a request, so that repeating it has no second effect.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Calls that are left in the window, and the seconds until the next window.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Calls per window, and the length of the window in seconds.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
