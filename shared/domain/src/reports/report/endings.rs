//! Deliveries that ended on a day, whatever the day of their event.

use serde::{Deserialize, Serialize};

use crate::foundation::time::UtcDay;
use crate::webhooks::delivery::{Delivery, DeliveryState, day_of};

/// Number of deliveries that ended on the day, by the state in which they ended. Each delivery is counted on one day only. A
/// failed or expired delivery that is replayed later and accepted then ends a second time, as delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Endings {
    /// Deliveries that the receiver accepted.
    pub delivered: u64,
    /// Deliveries whose last attempt failed.
    pub failed: u64,
    /// Deliveries that were cancelled.
    pub cancelled: u64,
    /// Deliveries that expired.
    pub expired: u64,
}

impl Endings {
    /// Counts `delivery` if it ended on `day`.
    pub(super) fn count_on(&mut self, day: UtcDay, delivery: &Delivery) {
        // A version that did not store when a delivery was cancelled counted it with its event.
        let ended_on = delivery.ended_at().map_or(delivery.id.event.day(), |at| day_of(delivery.id, at));
        if ended_on != day {
            return;
        }
        match delivery.state {
            DeliveryState::Queued | DeliveryState::Waiting | DeliveryState::Held => {}
            DeliveryState::Delivered => self.delivered += 1,
            DeliveryState::Failed => self.failed += 1,
            DeliveryState::Cancelled => self.cancelled += 1,
            DeliveryState::Expired => self.expired += 1,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.expired += other.expired;
    }
}
