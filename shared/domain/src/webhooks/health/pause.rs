//! The pause of an open breaker, and the gate that decides about each delivery.

use serde::{Deserialize, Serialize};

use super::HoldReason;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;

/// What the sender may do with a delivery to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Send it.
    Send,
    /// Send it as the single probe, if no other probe is running.
    Probe,
    /// Put it on hold.
    Hold(HoldReason),
}

/// Pause of an open breaker. Not related to the customer's pause
/// ([`EndpointState::Paused`](crate::webhooks::endpoint::EndpointState)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// When the pause ends and one delivery may probe the receiver.
    pub until: Timestamp,
    /// Why the breaker is open.
    #[serde(rename = "because")]
    pub reason: HoldReason,
    /// Number of consecutive pauses, including this one.
    pub in_a_row: u32,
    /// When the running probe is considered lost. Absent if no probe is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_until: Option<Timestamp>,
}

impl Pause {
    pub(super) fn gate(&self, now: Timestamp) -> Gate {
        if self.ends() <= now { Gate::Probe } else { Gate::Hold(self.reason) }
    }

    /// Whether the attempt started after the pause, as a probe does.
    pub(super) fn is_probe(&self, attempt: &Attempt) -> bool {
        self.until <= attempt.at
    }

    /// When the next delivery may probe the receiver.
    pub(super) fn ends(&self) -> Timestamp {
        self.probe_until.map_or(self.until, |probe_until| probe_until.max(self.until))
    }
}
