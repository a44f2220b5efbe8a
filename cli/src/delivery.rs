//! Deliveries as the API returns them, as far as commands read them.

use domain::webhooks::delivery::DeliveryState;
use serde::Deserialize;
use serde_json::Value;

use crate::api::ApiError;

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
    /// Why the delivery is held, or was held when it expired.
    #[serde(default)]
    pub(crate) held_because: Option<String>,
    /// The attempts, oldest first.
    pub(crate) attempts: Vec<Attempt>,
    /// The latest replays, oldest first.
    #[serde(default)]
    pub(crate) replays: Vec<Replayed>,
}

/// A replay of a delivery: an attempt, or the reason why it was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replayed {
    /// Id of the replay.
    pub(crate) replay_id: String,
    /// Why the webhook was not sent.
    pub(crate) skipped: Option<String>,
    /// The attempt.
    #[serde(flatten)]
    pub(crate) attempt: Option<Attempt>,
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

impl Delivery {
    /// Reads a delivery of the API.
    pub(crate) fn of(value: &Value) -> Result<Self, ApiError> {
        Self::deserialize(value).map_err(|error| ApiError::Unexpected(error.to_string()))
    }

    /// The start of the last attempt, the state, and the type of the event, in columns.
    pub(crate) fn head(&self) -> String {
        let at = self.attempts.last().map_or("", |last| &last.at);
        format!("{at:<24}  {:<9}  {:<11}", self.state.as_str(), self.event_type)
    }

    /// What happened last.
    pub(crate) fn last_attempt(&self) -> String {
        match (self.attempts.last(), &self.held_because) {
            (_, Some(reason)) if self.state == DeliveryState::Held => format!("held because of: {reason}"),
            (Some(last), _) => last.sentence(),
            (None, _) => "no attempt yet".to_owned(),
        }
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_ends_with_the_last_attempt() {
        let attempt = json!({ "number": 1, "at": "2026-11-22T08:30:00.000Z", "durationMs": 3, "reason": "refused" });
        let mut value = json!({ "id": "d", "type": "approved", "state": "waiting", "attempts": [attempt] });
        let delivery = Delivery::of(&value).unwrap();
        assert_eq!(delivery.head(), "2026-11-22T08:30:00.000Z  waiting    approved   ");
        assert_eq!(delivery.last_attempt(), "attempt 1 failed after 3 ms: refused");
        value["heldBecause"] = json!("paused");
        assert_eq!(Delivery::of(&value).unwrap().last_attempt(), "attempt 1 failed after 3 ms: refused");
        value["state"] = json!("held");
        assert_eq!(Delivery::of(&value).unwrap().last_attempt(), "held because of: paused");
    }

    #[test]
    fn a_replay_is_an_attempt_or_was_skipped() {
        let value = json!({
            "id": "d", "type": "approved", "state": "failed", "attempts": [],
            "replays": [
                { "replayId": "r1", "number": 11, "at": "t", "durationMs": 3, "status": 200 },
                { "replayId": "r2", "at": "t", "skipped": "endpoint-paused" },
            ],
        });
        let [sent, skipped] = &Delivery::of(&value).unwrap().replays[..] else { panic!("{value}") };
        assert_eq!(sent.attempt.as_ref().unwrap().number, 11);
        assert_eq!((&skipped.attempt, skipped.skipped.as_deref()), (&None, Some("endpoint-paused")));
    }
}
