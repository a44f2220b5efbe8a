//! API keys in use: looked up through a cache, counted against their rate limit, and verified for the product's own API.

mod cache;
mod call_limiter;
mod verify;

pub use cache::ApiKeyCache;
pub use call_limiter::{CallLimiter, RateLimitStatus};
pub use verify::{InvalidKey, verify};
