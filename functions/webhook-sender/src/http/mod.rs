//! The HTTP client: sends one POST to a checked address and finds out whose fault a failure is.

mod canary;
pub(crate) mod client;
mod connect;
mod connection;
mod excerpt;
pub(crate) mod failure;
mod pool;
mod resolver;
mod response;
#[cfg(test)]
mod testing;
pub(crate) mod tls;
mod trace;
