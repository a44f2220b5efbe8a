//! Deliveries: one event on its way to one endpoint.
//!
//! ```text
//!             ┌──────── attempt failed, another is due ─────┐
//!             ▼                                             │
//! queued ──► waiting ───────────────────────────────────────┘
//!    │        │ ▲ │
//!    │        │ │ └──► delivered   the receiver accepted an attempt with 200–299
//!    ├────────┤ │ ├──► failed      the last attempt failed
//!    │        │ │ ├──► cancelled   the endpoint was deleted, the event erased, or held deliveries discarded
//!    │        │ │ └──► expired     a day is left before the event is deleted
//!    ▼        ▼ │
//!    held ──────┘  released when the endpoint can be sent webhooks again, or when it is the delivery's turn
//! ```
//!
//! A delivery also waits while its slot at the endpoint's pace lies [ahead](slots).
//!
//! `queued` and `held` lead to the same four final states as `waiting`. A replay sends a finished delivery once more;
//! if the receiver accepts it, `failed` and `expired` become `delivered`.
//!
//! The stored delivery is the source of truth. A queue message is only a task to make one attempt ([`AttemptTask`]): it
//! may arrive twice, late or never. An attempt is recorded only if it is the delivery's next one, so no attempt counts
//! twice.

mod expiry;
mod filter;
mod late;
mod lifecycle;
pub mod order;
#[cfg(test)]
mod order_simulation;
#[cfg(test)]
mod pace_simulation;
mod replay;
mod replay_outcome;
#[cfg(test)]
mod simulation;
pub mod slots;
mod state;
mod step;
mod task;
#[cfg(test)]
mod tests;

pub use expiry::{EXPIRY_MARGIN, expired_before, has_expired};
pub use filter::{DeliveryFilter, Position};
pub use late::{LATE_AFTER, day_of};
pub use lifecycle::Delivery;
pub use replay_outcome::{MAX_KEPT_REPLAYS, ReplayOutcome, Replayed, SkipReason};
pub use slots::Slot;
pub use state::{CancelReason, DeliveryHoldReason, DeliveryState};
pub use step::Step;
pub use task::{
    AttemptTask, HandshakeTask, MAX_MESSAGE_DELAY, Reminder, ReplayTask, SWEEP_AHEAD, SWEEP_GRACE, SendMessage,
    Subject, TestTask, remind,
};
