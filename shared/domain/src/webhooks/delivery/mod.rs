//! Deliveries: one event on its way to one endpoint.
//!
//! ```text
//!             ┌──────── attempt failed, another is due ─────┐
//!             ▼                                             │
//! queued ──► waiting ───────────────────────────────────────┘
//!    │        │ ▲ │
//!    │        │ │ └──► delivered   the receiver accepted an attempt with 200–299
//!    ├────────┤ │ ├──► failed      the last attempt failed
//!    │        │ │ └──► cancelled   the endpoint was deleted
//!    ▼        ▼ │
//!    held ──────┘  released when the endpoint can be sent webhooks again
//! ```
//!
//! `queued` and `held` lead to the same three final states as `waiting`. A replay sends a finished delivery once more;
//! if the receiver accepts it, `failed` becomes `delivered`.
//!
//! The stored delivery is the source of truth. A queue message is only a task to make one attempt ([`AttemptTask`]): it
//! may arrive twice, late or never. An attempt is recorded only if it is the delivery's next one, so no attempt counts
//! twice.

mod filter;
mod lifecycle;
mod replay;
mod replay_outcome;
#[cfg(test)]
mod simulation;
mod state;
mod step;
mod task;
#[cfg(test)]
mod tests;

pub use filter::{DeliveryFilter, Position};
pub use lifecycle::Delivery;
pub use replay_outcome::{MAX_KEPT_REPLAYS, ReplayOutcome, Replayed, SkipReason};
pub use state::DeliveryState;
pub use step::Step;
pub use task::{
    AttemptTask, MAX_MESSAGE_DELAY, Reminder, ReplayTask, SWEEP_AHEAD, SWEEP_GRACE, SendMessage, Subject, TestTask,
    remind,
};
