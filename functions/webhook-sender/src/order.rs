//! Ordered endpoints: a delivery waits until those of the submission's earlier events have ended.
//! [`domain::webhooks::delivery::order`] has the rules.

use std::time::Duration;

use aws::lambda::telemetry;
use aws::store::WriteOutcome;
use domain::webhooks::delivery::{Delivery, DeliveryState, remind};
use domain::webhooks::event::Event;
use tracing::warn;

use crate::endpoint_cache::Target;
use crate::health_cache::SharedHealth;
use crate::outcome::{Outcome, SendError};
use crate::sender::Sender;

/// Whether it is a delivery's turn.
pub(crate) enum Turn {
    /// The attempt may be made. The delivery is as it is stored.
    Now(Delivery),
    /// The attempt must not be made.
    NotNow(Outcome),
}

impl Sender {
    /// Finds out whether the next attempt of `delivery` may be made, and holds the delivery if not. If the endpoint is not
    /// ordered, it may be made, and nothing is read.
    pub(crate) async fn take_turn(
        &self,
        event: &Event,
        delivery: Delivery,
        target: &Target,
        health: &SharedHealth,
    ) -> Result<Turn, SendError> {
        if !target.ordered {
            return Ok(Turn::Now(delivery));
        }
        let (id, number) = (delivery.id, delivery.attempts_made() + 1);
        let place = self.store.events.place_in_order(event, id.endpoint, self.clock.now()).await?;
        let delivery = place.own.unwrap_or(delivery);
        if !delivery.awaits(number) {
            return Ok(Turn::NotNow(Outcome::Stale));
        }
        let Some(blocked_by) = place.blocked_by else {
            return if delivery.is_held_for_order() { self.claim(delivery).await } else { Ok(Turn::Now(delivery)) };
        };
        if delivery.is_held_for_order() && blocked_by.state == DeliveryState::Queued {
            self.send_lost(&blocked_by, health).await;
        }
        let now = self.clock.now();
        let held = delivery.held_for_order(now);
        if self.store.deliveries.record_held_for_order(&held, now).await? == WriteOutcome::Conflict {
            return Ok(Turn::NotNow(Outcome::Stale));
        }
        Ok(self.take_turn_held(event, held).await.unwrap_or_else(|error| {
            // The delivery is stored as held, so the sweep sends another message in place of this one.
            let cause = telemetry::chain(&error);
            warn!(delivery.id = %id, cause, "whether it is the turn of delivery {id} is left to the sweep");
            Turn::NotNow(Outcome::HeldForOrder)
        }))
    }

    /// Checks again after the delivery was held. A sender that ended the earlier delivery before it was held did not release it.
    async fn take_turn_held(&self, event: &Event, held: Delivery) -> Result<Turn, SendError> {
        let place = self.store.events.place_in_order(event, held.id.endpoint, self.clock.now()).await?;
        if place.blocked_by.is_some() {
            return Ok(Turn::NotNow(Outcome::HeldForOrder));
        }
        self.claim(held).await
    }

    /// Releases the delivery for this sender. Another sender may have released it, and sends a message for it.
    async fn claim(&self, held: Delivery) -> Result<Turn, SendError> {
        let now = self.clock.now();
        Ok(match self.store.deliveries.release_in_order(&held, now).await? {
            WriteOutcome::Applied => Turn::Now(held.released(now)),
            WriteOutcome::Conflict => Turn::NotNow(Outcome::Stale),
        })
    }

    /// Stores an earlier delivery that has no row as due now, and sends a message for it. Its first message was lost or is late if the
    /// delivery blocks another one for minutes. Without this message, only the reconciliation of the next morning would send one. The
    /// row lets only one of the deliveries that wait send it.
    async fn send_lost(&self, lost: &Delivery, health: &SharedHealth) {
        if let Err(error) = self.try_send_lost(lost, health).await {
            let (id, cause) = (lost.id, telemetry::chain(&error));
            warn!(delivery.id = %id, cause, "the first message of delivery {id} was not sent again");
        }
    }

    async fn try_send_lost(&self, lost: &Delivery, health: &SharedHealth) -> Result<(), SendError> {
        let now = self.clock.now();
        let due = lost.clone().released(now);
        if self.store.deliveries.record_lost(&due, remind(now, now).sweep_at).await? == WriteOutcome::Applied {
            self.enqueue(health.health().lane(now), vec![due.next_task().into()], Duration::ZERO).await?;
        }
        Ok(())
    }

    /// Releases the next delivery of the submission, now that the delivery of `event` has ended. After a failure, the sweep finds it.
    pub(crate) async fn release_next(&self, event: &Event, ended: &Delivery, health: &SharedHealth) {
        if let Err(error) = self.try_release_next(event, ended, health).await {
            let (id, cause) = (ended.id, telemetry::chain(&error));
            warn!(delivery.id = %id, cause, "the delivery after {id} is left to the sweep");
        }
    }

    async fn try_release_next(&self, event: &Event, ended: &Delivery, health: &SharedHealth) -> Result<(), SendError> {
        let now = self.clock.now();
        let Some(next) = self.store.events.next_in_order(event, ended.id.endpoint, now).await? else { return Ok(()) };
        if self.store.deliveries.release_in_order(&next, now).await? == WriteOutcome::Applied {
            let lane = health.health().lane(now);
            self.enqueue(lane, vec![next.next_task().into()], Duration::ZERO).await?;
        }
        Ok(())
    }
}
