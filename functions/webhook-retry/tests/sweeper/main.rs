//! webhook-retry with an in-memory database and a fake queue.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod backlogs;
mod deliveries;
mod endpoints;
mod expiry;
mod missing;
mod replays;
mod scene;
mod unreadable;
