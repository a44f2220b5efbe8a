//! The AWS services that Signpost uses, one module each, and what every Lambda function needs at start.
//!
//! No SDK type crosses the edge of this crate.

#[cfg(feature = "store")]
pub mod api_keys;
#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "store", feature = "queue"))]
mod direct;
mod error;
#[cfg(feature = "functions")]
pub mod functions;
#[cfg(feature = "client")]
mod http;
pub mod lambda;
#[cfg(all(feature = "secrets", feature = "store"))]
pub mod link_keys;
#[cfg(feature = "queue")]
pub mod queue;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "ses")]
pub mod ses;
#[cfg(feature = "store")]
pub mod store;

#[cfg(feature = "client")]
pub use client::{Aws, CallTimeouts};
pub use error::ServiceError;
