//! What a nudge leads to: the one decision that every message comes to.

use super::{Delivery, DeliveryState, HoldReason};
use crate::health::Gate;

/// What to do with a delivery that a message came for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is over, or the attempt was made already.
    Drop,
    /// End it: its endpoint is gone.
    Cancel,
    /// Hold it, for this reason.
    Hold(HoldReason),
    /// Nothing: it is held already. Somebody has to look after its endpoint nevertheless.
    StayHeld,
    /// Make the attempt.
    Attempt,
    /// Make the attempt, if it can be made the one probe of a receiver that failed.
    Probe,
}

impl Delivery {
    /// What a message for the attempt `number` leads to. `gate` is what the endpoint's health says; `None` if there is no
    /// endpoint any more.
    pub fn step(&self, number: u8, gate: Option<Gate>) -> Step {
        if !self.awaits(number) {
            return Step::Drop;
        }
        match gate {
            None => Step::Cancel,
            Some(Gate::Send) => Step::Attempt,
            Some(Gate::Probe) => Step::Probe,
            Some(Gate::Hold(_)) if self.state == DeliveryState::Held => Step::StayHeld,
            Some(Gate::Hold(because)) => Step::Hold(because),
        }
    }
}
