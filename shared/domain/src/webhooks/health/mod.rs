//! The health of an endpoint: a circuit breaker that decides from the receiver's responses whether to send more
//! webhooks.
//!
//! ```text
//!             10 attempts failed in a row, over 30 s;  or 429, 503
//!   closed ──────────────────────────────────────────────────────────► open: deliveries are held
//!     ▲ ▲                                                               │            ▲
//!     │ └────────────── any attempt succeeds ──────────────┐            │ the pause ends
//!     │                                                    │            ▼            │
//!     │ held deliveries drain, faster each minute           └──── one delivery probes ┘ fails: longer pause
//! ```
//!
//! An endpoint whose receiver answers 410 or fails for days is disabled until the customer enables it; [`Notice`]s
//! inform the project's notification users. Replays, test sends and our own faults never change the health. The
//! customer's pause is a setting of the endpoint and is not stored here.

mod breaker;
mod drain;
mod notice;
mod pause;
mod policy;
mod reason;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod tests;

pub use breaker::{Disabled, Health};
pub use drain::Drain;
pub use notice::{Notice, NoticeKind};
pub use pause::{Gate, Pause};
pub use policy::{BadHealthPolicy, DEFAULT_POLICY, HealthPolicy};
pub use reason::{DisableReason, HoldReason, LastFailure};
