//! webhook-retry with an in-memory database and a fake queue.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod deliveries;
mod endpoints;
mod replays;
mod scene;
