//! Ordered endpoints: the webhooks of a submission are sent one at a time, in the order of their events' numbers.
//!
//! Before each attempt, the sender reads the deliveries of the earlier events of the submission to the same endpoint. It is the
//! delivery's turn if all have ended ([`blocking`]). Otherwise the delivery is held, and the sender reads them once more, because
//! one of them may have ended meanwhile. The sender that ends a delivery releases the [next one](next). It writes the end before it
//! reads the next delivery, and a delivery is held before its sender reads again. At least one of the two senders therefore sees
//! the write of the other.
//!
//! A delivery that is held for order is in the index `due`, like one that waits. The sweep sends a message for it every few
//! minutes, which repairs a release that a crash prevented, and follows ends without a sender: expired, discarded and erased
//! deliveries.

use super::{Delivery, DeliveryHoldReason, DeliveryState};
use crate::foundation::time::Timestamp;

impl Delivery {
    /// Whether the delivery is held because an earlier one has not ended.
    pub fn is_held_for_order(&self) -> bool {
        self.state == DeliveryState::Held && self.hold_reason == Some(DeliveryHoldReason::Order)
    }

    /// Whether the delivery is held because of its endpoint.
    pub fn is_held_for_endpoint(&self) -> bool {
        self.state == DeliveryState::Held && !self.is_held_for_order()
    }

    /// Puts the delivery on hold at `now`, until the deliveries before it have ended. One that is held for order already stays
    /// so.
    #[must_use]
    pub fn held_for_order(self, now: Timestamp) -> Self {
        let since = self.next_attempt_at.filter(|_| self.is_held_for_order()).unwrap_or(now);
        let hold_reason = Some(DeliveryHoldReason::Order);
        Self { state: DeliveryState::Held, next_attempt_at: Some(since), slot: None, hold_reason, ..self }
    }
}

/// The first one of some deliveries of the submission to the endpoint that has not ended. `None` for all `earlier` ones: it is the
/// delivery's turn.
pub fn blocking(earlier: impl IntoIterator<Item = Delivery>) -> Option<Delivery> {
    earlier.into_iter().find(|delivery| !delivery.state.is_final())
}

/// The delivery to release when one ends, among the `later` ones in their order. None is released if the first one that has not
/// ended is not held for order: it releases the next one when it ends.
pub fn next(later: impl IntoIterator<Item = Delivery>) -> Option<Delivery> {
    blocking(later).filter(Delivery::is_held_for_order)
}
