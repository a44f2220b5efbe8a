//! Which deliveries a replay sends.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::foundation::id::EndpointId;
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::delivery::{DeliveryFilter, DeliveryState};
use crate::webhooks::endpoint::Endpoint;
use crate::webhooks::event::EventType;

/// Filter for the deliveries to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayFilter {
    /// Earliest time at which the event was accepted, inclusive.
    pub from: Timestamp,
    /// Latest time at which the event was accepted, inclusive.
    pub to: Timestamp,
    /// Endpoint of the deliveries. Absent: all endpoints. Each delivery is sent to its own endpoint again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
    /// Type of the events. Absent: all types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Final state of the deliveries. The scope `missing` ignores it.
    pub state: ReplayableState,
    /// Whether ended or missing deliveries are sent.
    #[serde(default, skip_serializing_if = "ReplayScope::is_default")]
    pub scope: ReplayScope,
}

public_names! {
    /// Which deliveries a replay sends.
    #[derive(Default)]
    pub enum ReplayScope {
        /// Deliveries that have ended, once more.
        #[default]
        Ended = "ended",
        /// Deliveries of earlier events to an endpoint that has none of them, such as a new endpoint. They are created, and
        /// retried like all others.
        Missing = "missing",
    }
}

impl ReplayScope {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

public_names! {
    /// Final state of the deliveries to replay.
    #[derive(Default)]
    pub enum ReplayableState {
        /// The receiver accepted the webhook.
        Delivered = "delivered",
        /// All attempts failed.
        #[default]
        Failed = "failed",
        /// The delivery was held, or waited for an attempt, until a day before its event is deleted.
        Expired = "expired",
    }
}

impl From<ReplayableState> for DeliveryState {
    fn from(state: ReplayableState) -> Self {
        match state {
            ReplayableState::Delivered => Self::Delivered,
            ReplayableState::Failed => Self::Failed,
            ReplayableState::Expired => Self::Expired,
        }
    }
}

impl From<ReplayFilter> for DeliveryFilter {
    fn from(filter: ReplayFilter) -> Self {
        Self {
            state: Some(filter.state.into()),
            endpoint: filter.endpoint_id,
            event_type: filter.event_type,
            from: Some(filter.from),
            to: Some(filter.to),
        }
    }
}

/// Earlier events that an endpoint has no delivery of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingEvents {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Earliest time of acceptance, inclusive.
    pub from: Timestamp,
    /// Latest time of acceptance, inclusive.
    pub to: Timestamp,
    /// Types of the events. `None`: all types.
    pub event_types: Option<BTreeSet<EventType>>,
}

impl ReplayFilter {
    /// The events that `endpoint` misses: only those of types that it receives now.
    pub fn missing_events(&self, endpoint: &Endpoint) -> MissingEvents {
        let event_types = match self.event_type {
            Some(event_type) => Some(BTreeSet::from_iter(endpoint.wants(event_type).then_some(event_type))),
            None => endpoint.event_types.clone(),
        };
        MissingEvents { endpoint_id: endpoint.id, from: self.from, to: self.to, event_types }
    }
}
