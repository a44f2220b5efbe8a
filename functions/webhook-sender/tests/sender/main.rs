//! webhook-sender with a real store and a receiver on this machine.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod access_tokens;
mod batch;
mod client_certificates;
mod endpoint_settings;
mod expiry;
mod handshake;
mod health;
mod holding;
mod http_server;
mod lanes;
mod ordered;
mod outages;
mod pace;
mod replay;
mod scene;
mod test_send;
mod unreadable;
