//! Deliveries as the API returns them, as far as commands read them.

use domain::webhooks::delivery::DeliveryState;
use serde::Deserialize;

/// A delivery: one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// Id of the delivery.
    pub(crate) id: String,
    /// Type of the event.
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    /// State of the delivery.
    pub(crate) state: DeliveryState,
    /// Why the delivery is held.
    #[serde(default)]
    pub(crate) held_because: Option<String>,
    /// The attempts, oldest first.
    pub(crate) attempts: Vec<Attempt>,
}

/// One attempt. The reason is a string, because later versions of the API may have more reasons.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// Number of the attempt, from 1.
    pub(crate) number: u8,
    /// When the attempt started.
    pub(crate) at: String,
    /// Duration in milliseconds.
    pub(crate) duration_ms: u32,
    /// Status of the receiver's answer.
    pub(crate) status: Option<u16>,
    /// Why the attempt failed.
    pub(crate) reason: Option<String>,
}

impl Attempt {
    /// What happened, such as `attempt 1 failed after 3 ms: refused`.
    pub(crate) fn sentence(&self) -> String {
        let Self { number, duration_ms, .. } = self;
        let status = self.status.map(|status| format!(" with status {status}")).unwrap_or_default();
        match &self.reason {
            None => format!("attempt {number} was accepted{status} after {duration_ms} ms"),
            Some(reason) => format!("attempt {number} failed{status} after {duration_ms} ms: {reason}"),
        }
    }
}
