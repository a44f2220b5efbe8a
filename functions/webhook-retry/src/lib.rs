//! webhook-retry runs once a minute. It queues deliveries whose next attempt is due, releases deliveries held for an endpoint
//! once the endpoint accepts webhooks again, and continues replays by filter.
//!
//! Each run looks one minute ahead, so that nothing due between two runs is late. It also repairs lost messages: a delivery
//! stays due until its attempt is recorded. Each delivery is claimed before its message is sent, so two concurrent runs send
//! one message. If a run dies between the two steps, the delivery is due again after
//! [`domain::webhooks::delivery::SWEEP_GRACE`].

mod config;
mod deliveries;
mod endpoints;
mod expiry;
mod first_error;
mod missing;
mod notices;
mod replays;
mod rounds;
mod shard;
#[cfg(test)]
mod simulation;
mod sweep;
mod sweeper;
mod task;
mod unreadable;

pub use config::Config;
pub use sweep::SweepSummary;
pub use sweeper::Sweeper;
pub use task::{Event, Shard, Task};
