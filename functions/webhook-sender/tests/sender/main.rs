//! webhook-sender with a real store and a receiver on this machine.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod batch;
mod endpoint_settings;
mod expiry;
mod health;
mod holding;
mod lanes;
mod ordered;
mod outages;
mod replay;
mod scene;
mod test_send;
mod unreadable;
