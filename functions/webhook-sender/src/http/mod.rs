//! The HTTP client: sends one POST to a checked address and finds out whose fault a failure is.

mod canary;
pub(crate) mod client;
mod connect;
pub(crate) mod failure;
mod resolver;
mod response;
pub(crate) mod tls;
