//! How what was held for an endpoint gets out again: gently at first, and one as a probe when the breaker is open.

use std::time::Duration;

use super::{Gate, Health};
use crate::delivery::HoldReason;
use crate::endpoint::EndpointState;
use crate::time::Timestamp;

/// How many held deliveries are released in the first minute, and in any.
pub(super) const FIRST_PACE: u32 = 300;
const FASTEST_PACE: u32 = 6000;

/// How long after a delivery was held the endpoint is looked after at least, so that one that was held while the endpoint
/// was being drained is found: longer than settings and indexes may be out of date.
const HOLD_SETTLES: Duration = Duration::from_mins(2);

/// Held deliveries that may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// How many.
    pub at_most: u32,
    /// The moment from which they may be sent, spread over a minute.
    pub from: Timestamp,
}

impl Health {
    /// How many held deliveries may be released now, and from when on they may be sent; `None` while all must stay.
    ///
    /// While the breaker is open that is one, the probe, when the pause ends by `until`.
    pub fn drain(&self, wish: EndpointState, now: Timestamp, until: Timestamp) -> Option<Drain> {
        match (self.gate(wish, now), self.pause) {
            (Gate::Send, _) => Some(Drain { at_most: self.pace, from: now }),
            (Gate::Probe, _) => Some(Drain { at_most: 1, from: now }),
            (Gate::Hold(HoldReason::Paused | HoldReason::Disabled), _) | (Gate::Hold(_), None) => None,
            (Gate::Hold(_), Some(pause)) => (pause.ends() <= until).then_some(Drain { at_most: 1, from: pause.ends() }),
        }
    }

    /// The endpoint after held deliveries were released at the full pace: the next minute may have twice as many.
    #[must_use]
    pub fn faster(self) -> Self {
        Self { pace: self.pace.saturating_mul(2).min(FASTEST_PACE), ..self }
    }

    /// Whether a delivery was held so lately that another may be on its way to be.
    pub fn is_settling(&self, now: Timestamp) -> bool {
        self.last_held_at.is_some_and(|last_held_at| now.since(last_held_at) < HOLD_SETTLES)
    }

    /// When the endpoint is to be looked after again, seen at `now`; `has_more` tells whether deliveries are held. `None` if
    /// nothing will change by itself.
    pub fn next_look(&self, wish: EndpointState, now: Timestamp, has_more: bool) -> Option<Timestamp> {
        let in_a_minute = now.plus(Duration::from_mins(1));
        if !self.notices.is_empty() {
            return Some(in_a_minute);
        }
        match (self.gate(wish, now), self.pause) {
            (Gate::Hold(HoldReason::Paused | HoldReason::Disabled), _) => None,
            _ if !has_more && !self.is_settling(now) => None,
            (Gate::Hold(_), Some(pause)) => Some(pause.ends().max(in_a_minute)),
            _ => Some(in_a_minute),
        }
    }
}
