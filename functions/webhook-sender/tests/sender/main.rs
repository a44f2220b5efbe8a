//! webhook-sender against a real store and a receiver on this machine.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod batch;
mod endpoint_settings;
mod holding;
mod replay;
mod scene;
mod test_send;
