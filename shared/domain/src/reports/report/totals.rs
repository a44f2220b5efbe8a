//! Deliveries by state, and by event type and endpoint.

use std::collections::BTreeMap;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use super::Endpoints;
use crate::foundation::id::EndpointId;
use crate::webhooks::delivery::{Delivery, DeliveryState};
use crate::webhooks::event::EventType;

/// Number of deliveries by state. `deliveries` is the sum of the other fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All deliveries.
    pub deliveries: u64,
    /// Deliveries that the receiver accepted.
    pub delivered: u64,
    /// Deliveries whose attempts all failed.
    pub failed: u64,
    /// Deliveries that wait for their first or next attempt.
    pub still_trying: u64,
    /// Deliveries that are held until their endpoint accepts webhooks again.
    pub held: u64,
    /// Deliveries that were cancelled, because their endpoint was deleted, their event erased, or they were discarded.
    pub cancelled: u64,
    /// Deliveries that expired: they were held or waited for an attempt until a day before their event is deleted.
    #[serde(default)]
    pub expired: u64,
}

impl Totals {
    pub(super) fn count(&mut self, state: DeliveryState) {
        self.deliveries += 1;
        let counter = match state {
            DeliveryState::Queued | DeliveryState::Waiting => &mut self.still_trying,
            DeliveryState::Held => &mut self.held,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Cancelled => &mut self.cancelled,
            DeliveryState::Expired => &mut self.expired,
        };
        *counter += 1;
    }

    /// Deliveries that ended without being delivered, other than by a caller's choice.
    pub fn lost(self) -> u64 {
        self.failed + self.expired
    }

    /// Deliveries that have not ended.
    pub fn open(self) -> u64 {
        self.still_trying + self.held
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            deliveries: self.deliveries + other.deliveries,
            delivered: self.delivered + other.delivered,
            failed: self.failed + other.failed,
            still_trying: self.still_trying + other.still_trying,
            held: self.held + other.held,
            cancelled: self.cancelled + other.cancelled,
            expired: self.expired + other.expired,
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The deliveries of one event type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TypeTotals {
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Deliveries of events of this type.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The deliveries to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndpointTotals {
    /// Id of the endpoint.
    pub endpoint_id: EndpointId,
    /// Host of the endpoint's URL, unless the endpoint was deleted. The rest of the URL may contain secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Deliveries to this endpoint.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Deliveries counted as a whole, by type and by endpoint.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupedTotals {
    pub(super) all: Totals,
    by_type: BTreeMap<EventType, Totals>,
    by_endpoint: BTreeMap<EndpointId, Totals>,
}

impl GroupedTotals {
    pub(super) fn count(&mut self, delivery: &Delivery) {
        self.all.count(delivery.state);
        self.by_type.entry(delivery.event_type).or_default().count(delivery.state);
        self.by_endpoint.entry(delivery.id.endpoint).or_default().count(delivery.state);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.all += other.all;
        for (event_type, totals) in other.by_type {
            *self.by_type.entry(event_type).or_default() += totals;
        }
        for (endpoint, totals) in other.by_endpoint {
            *self.by_endpoint.entry(endpoint).or_default() += totals;
        }
    }

    pub(super) fn by_type(&self) -> Vec<TypeTotals> {
        let rows = self.by_type.iter();
        rows.map(|(event_type, totals)| TypeTotals { event_type: *event_type, totals: *totals }).collect()
    }

    pub(super) fn by_endpoint(&self, endpoints: &Endpoints) -> Vec<EndpointTotals> {
        let row = |(endpoint_id, totals): (&EndpointId, &Totals)| EndpointTotals {
            endpoint_id: *endpoint_id,
            host: endpoints.get(endpoint_id).map(|endpoint| endpoint.host.clone()),
            totals: *totals,
        };
        self.by_endpoint.iter().map(row).collect()
    }
}
