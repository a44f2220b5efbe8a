//! The HTTP client: sends one request to a checked address and finds out whose fault a failure is.

mod canary;
pub(crate) mod client;
pub(crate) mod client_auth;
mod connect;
mod connection;
mod excerpt;
pub(crate) mod failure;
mod pool;
pub(crate) mod request;
mod resolver;
mod response;
#[cfg(test)]
mod testing;
pub(crate) mod tls;
pub(crate) mod token_request;
pub(crate) mod trace;
