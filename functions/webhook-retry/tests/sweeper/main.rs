//! webhook-retry against a real store and a queue that its test reads.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod deliveries;
mod endpoints;
mod replays;
mod scene;
