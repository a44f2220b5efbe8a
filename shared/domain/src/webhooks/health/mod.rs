//! The health of an endpoint: a circuit breaker that decides from the receiver's responses whether to send more
//! webhooks.
//!
//! ```text
//!         10 attempts failed in a row, over 30 s;  or 30 with 429, 503;  or Retry-After
//!   closed ──────────────────────────────────────────────────────────► open: deliveries are held
//!     ▲                                                                 │            ▲
//!     │                                                                 │ the pause ends
//!     │  held deliveries drain, at a pace                               ▼            │
//!     └─ that adapts ◄──────────────────────────────── one delivery probes ┘ fails: longer pause
//!                                          it succeeds
//! ```
//!
//! Attempts that started before the end of a pause neither end it nor, after the breaker closed, open it again.
//!
//! An endpoint whose receiver answers 410 or fails for days is disabled until the customer enables it; [`Notice`]s
//! inform the project's notification users. Replays, test sends and our own faults never open or close the breaker; a
//! replay or test that succeeds delays disabling. The customer's pause is a setting of the endpoint and is not stored
//! here.
//!
//! Each sender knows the health as it last read it and its own attempts since ([`LocalHealth`]). The rules therefore work
//! with attempts that are applied late and out of order.

mod breaker;
mod disabling;
mod drain;
#[cfg(test)]
mod flaky;
mod lane;
mod local;
mod notice;
mod pause;
mod policy;
mod reason;
mod recent;
#[cfg(test)]
mod recovery;
mod slowness;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use breaker::Health;
pub use drain::Drain;
pub use lane::Lane;
pub use local::{DueWrite, LocalHealth, Unwritten};
pub use notice::{Notice, NoticeKind};
pub use pause::{Gate, Pause};
pub use policy::{BadHealthPolicy, DEFAULT_POLICY, HealthPolicy};
pub use reason::{DisableReason, Disabled, HoldReason, LastFailure};
pub use recent::Recent;
pub use slowness::Slowness;
