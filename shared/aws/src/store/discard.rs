//! Discards held deliveries: ends them as cancelled.

use super::deliveries::DeliveryStore;
use super::error::StoreError;
use super::held::{Held, MAX_CONCURRENT_WRITES};
use super::outcome::WriteOutcome;
use super::table::{number, text};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{CancelReason, DeliveryState};
use futures::{StreamExt, TryStreamExt, stream};

impl DeliveryStore {
    /// Ends held deliveries as cancelled at `at`. Returns how many were ended by this call: the others were released or ended
    /// meanwhile. After an error, some were ended.
    pub async fn discard(&self, held: &[Held], at: Timestamp) -> Result<usize, StoreError> {
        let writes: Vec<_> = held.iter().map(|held| self.discard_one(held, at)).collect();
        let written = stream::iter(writes).buffer_unordered(MAX_CONCURRENT_WRITES);
        let written: Vec<WriteOutcome> = written.try_collect().await?;
        Ok(written.into_iter().filter(|outcome| *outcome == WriteOutcome::Applied).count())
    }

    async fn discard_one(&self, held: &Held, at: Timestamp) -> Result<WriteOutcome, StoreError> {
        self.note_late_end(held.project_id, held.id, at).await?;
        let expires_at = self.retention.expiry_after_end(held.id.event.created_at(), at);
        let call = self
            .updating_held(held)
            .update_expression(
                "SET #state = :cancelled, cancelledBecause = :reason, closedAt = :at, expiresAt = :expiry \
                 REMOVE heldFor, heldAt, heldBecause",
            )
            .expression_attribute_values(":cancelled", text(DeliveryState::Cancelled.as_str()))
            .expression_attribute_values(":reason", text(CancelReason::Discarded.as_str()))
            .expression_attribute_values(":at", text(at.to_string()))
            .expression_attribute_values(":expiry", number(expires_at));
        self.table.update_if(call).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Database;
    use super::*;
    use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::delivery::Delivery;
    use domain::webhooks::event::EventType;
    use domain::webhooks::health::HoldReason;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    async fn held(store: &Database, project: ProjectId, endpoint: EndpointId, at: Timestamp) -> Delivery {
        let id = DeliveryId { event: EventId::new(at, &SystemRandom), endpoint };
        let held = Delivery::unattempted(project, id, EventType::Aml, None).held(HoldReason::Paused);
        store.deliveries.record_held(&held, at).await.unwrap();
        held
    }

    #[tokio::test]
    async fn only_deliveries_that_are_still_held_are_discarded_and_each_once() {
        let store = Database::start().await;
        let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
        let mut deliveries = Vec::new();
        for minutes in [60 * 30, 3, 2] {
            deliveries.push(held(&store, project, endpoint, now().minus(Duration::from_mins(minutes))).await);
        }
        held(&store, project, EndpointId::new(now(), &SystemRandom), now()).await;
        let (listed, _) = store.deliveries.held_until(endpoint, now(), 10).await.unwrap();
        assert_eq!(listed.iter().map(|held| held.id).collect::<Vec<_>>(), [0, 1, 2].map(|index| deliveries[index].id));
        let (released, _) = store.deliveries.held_for(endpoint, 3).await.unwrap();
        store.deliveries.release(&released[2], now(), now()).await.unwrap();

        assert_eq!(store.deliveries.discard(&listed, now()).await.unwrap(), 2);
        assert_eq!(store.deliveries.discard(&listed, now()).await.unwrap(), 0);
        assert_eq!(store.deliveries.held_until(endpoint, now(), 10).await.unwrap().0, []);
        let stored =
            async |delivery: &Delivery| store.deliveries.recorded_now(project, delivery.id).await.unwrap().unwrap();
        for delivery in &deliveries[..2] {
            let ended = stored(delivery).await;
            let expected = (DeliveryState::Cancelled, Some(CancelReason::Discarded), None, Some(now()));
            assert_eq!((ended.state, ended.cancel_reason, ended.hold_reason, ended.ended_at()), expected);
        }
        assert_eq!(stored(&deliveries[2]).await.state, DeliveryState::Waiting);
    }

    #[tokio::test]
    async fn deliveries_held_after_the_call_began_are_not_listed() {
        let store = Database::start().await;
        let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
        held(&store, project, endpoint, now().plus(Duration::from_millis(1))).await;
        assert_eq!(store.deliveries.held_until(endpoint, now(), 10).await.unwrap().0, []);
    }
}
