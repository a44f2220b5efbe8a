//! The decision that the sender makes for each queue message: what to do with its delivery.

use super::Delivery;
use crate::webhooks::health::{Gate, HoldReason};

/// What the sender does with a delivery when a message asks for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Drop the message: the delivery has ended, or the attempt was already made.
    Drop,
    /// Cancel the delivery: its endpoint was deleted.
    Cancel,
    /// Put the delivery on hold because of its endpoint.
    Hold(HoldReason),
    /// Leave the delivery on hold, but schedule a check of its endpoint so that it is released later.
    StayHeld,
    /// Make the attempt. If the endpoint is ordered, it must be the delivery's [turn](super::order).
    Attempt,
    /// Make the attempt as the breaker's single probe, if no other probe is running. If the endpoint is ordered, it must be the
    /// delivery's [turn](super::order).
    Probe,
}

impl Delivery {
    /// Decides about a message for attempt `number`. `gate` comes from the endpoint's health; `None` if the endpoint
    /// was deleted.
    pub fn step(&self, number: u8, gate: Option<Gate>) -> Step {
        if !self.awaits(number) {
            return Step::Drop;
        }
        match gate {
            None => Step::Cancel,
            Some(Gate::Send) => Step::Attempt,
            Some(Gate::Probe) => Step::Probe,
            Some(Gate::Hold(_)) if self.is_held_for_endpoint() => Step::StayHeld,
            Some(Gate::Hold(reason)) => Step::Hold(reason),
        }
    }
}
