//! The sparse index `held`: held deliveries by endpoint, in the order in which they were held.

use serde::Deserialize;

use super::deliveries::DeliveryStore;
use super::error::StoreError;
use super::keys;
use super::keys::SweepKeys;
use super::outcome::WriteOutcome;
use super::sweep::SET_ASIDE_FOR;
use super::table::{self, RowKey, number, text, unavailable};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{AttemptTask, DeliveryState};
use futures::future::ready;
use futures::{StreamExt, TryStreamExt, stream};

/// Maximum number of held deliveries that are written concurrently.
pub(super) const MAX_CONCURRENT_WRITES: usize = 50;

/// A held delivery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The project of the event.
    pub project_id: ProjectId,
    /// The delivery's id.
    pub id: DeliveryId,
    /// Number of attempts made.
    pub attempt_count: u8,
}

impl Held {
    /// Returns the task for the next attempt.
    pub fn task(&self) -> AttemptTask {
        AttemptTask::again(self.project_id, self.id, self.attempt_count + 1)
    }
}

impl DeliveryStore {
    /// Returns at most `limit` held deliveries of an endpoint, longest held first (eventually consistent), and the keys of those
    /// among them that cannot be read.
    pub async fn held_for(&self, endpoint: EndpointId, limit: usize) -> Result<(Vec<Held>, Vec<RowKey>), StoreError> {
        Ok(table::read_each(table::first_items(self.held_query(endpoint), limit).await?))
    }

    /// Does what [`Self::held_for`] does for deliveries that are held since `until` or earlier.
    pub async fn held_until(
        &self,
        endpoint: EndpointId,
        until: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Held>, Vec<RowKey>), StoreError> {
        let query = self
            .held_query(endpoint)
            .key_condition_expression("heldFor = :endpoint AND heldAt <= :until")
            .expression_attribute_values(":until", number(until.as_millis()));
        Ok(table::read_each(table::first_items(query, limit).await?))
    }

    /// Counts the held deliveries of an endpoint, up to `limit` (eventually consistent).
    pub async fn count_held(&self, endpoint: EndpointId, limit: u16) -> Result<u16, StoreError> {
        let query = self.held_query(endpoint).select(Select::Count).limit(limit.into());
        let count = query.send().await.map_err(unavailable)?.count();
        Ok(u16::try_from(count).unwrap_or(limit))
    }

    fn held_query(&self, endpoint: EndpointId) -> QueryFluentBuilder {
        let query = self.table.client().query().table_name(self.table.name()).index_name("held");
        let query = query.key_condition_expression("heldFor = :endpoint");
        query.expression_attribute_values(":endpoint", text(endpoint.to_string()))
    }

    /// Moves held deliveries that cannot be read behind those that are held in the next hour, so that they are not in front of
    /// the others.
    pub async fn set_held_aside(&self, rows: &[RowKey], now: Timestamp) -> Result<(), StoreError> {
        let writes: Vec<_> = rows.iter().map(|row| self.set_one_aside(row, now)).collect();
        stream::iter(writes).buffer_unordered(MAX_CONCURRENT_WRITES).try_for_each(|_| ready(Ok(()))).await
    }

    /// [`WriteOutcome::Conflict`] if the delivery is no longer held.
    async fn set_one_aside(&self, row: &RowKey, now: Timestamp) -> Result<WriteOutcome, StoreError> {
        let call = self
            .table
            .updating(&row.pk, &row.sk)
            .update_expression("SET heldAt = :later")
            .condition_expression("attribute_exists(heldFor)")
            .expression_attribute_values(":later", number(now.plus(SET_ASIDE_FOR).as_millis()));
        self.table.update_if(call).await
    }

    /// Releases a held delivery: its next attempt is due at `next_attempt_at`, and the sweep checks it at `sweep_at`.
    /// [`WriteOutcome::Conflict`] if it is no longer held.
    pub async fn release(
        &self,
        held: &Held,
        next_attempt_at: Timestamp,
        sweep_at: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        let sweep = SweepKeys::new(held.id.event.as_bytes(), sweep_at);
        let call = self
            .updating_held(held)
            .update_expression(
                "SET #state = :waiting, nextAttemptAt = :due, dueShard = :shard, sweepAt = :sweep \
                 REMOVE heldFor, heldAt, heldBecause",
            )
            .expression_attribute_values(":waiting", text(DeliveryState::Waiting.as_str()))
            .expression_attribute_values(":due", text(next_attempt_at.to_string()))
            .expression_attribute_values(":shard", text(sweep.due_shard))
            .expression_attribute_values(":sweep", number(sweep.sweep_at));
        self.table.update_if(call).await
    }

    /// Builds an update on the condition that the delivery is still held and no attempt was made meanwhile. `#state` is the
    /// name of the state.
    pub(super) fn updating_held(&self, held: &Held) -> UpdateItemFluentBuilder {
        let (pk, sk) = keys::delivery_row(held.project_id, held.id);
        self.table
            .updating(&pk, &sk)
            .condition_expression("#state = :held AND attemptCount = :made")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":held", text(DeliveryState::Held.as_str()))
            .expression_attribute_values(":made", number(i64::from(held.attempt_count)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;
    use domain::foundation::id::EventId;
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::delivery::{Delivery, DeliveryHoldReason};
    use domain::webhooks::event::EventType;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    /// A held delivery as a version reads it that does not know the later reasons.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Earlier {
        state: DeliveryState,
        held_because: EarlierReason,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum EarlierReason {
        Paused,
        Disabled,
        Failing,
        Busy,
    }

    async fn held(store: &Database, reason: DeliveryHoldReason) -> Delivery {
        let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
        let id = DeliveryId { event: EventId::new(now(), &SystemRandom), endpoint };
        let held = Delivery::unattempted(project, id, EventType::Aml, None).held(reason);
        store.deliveries.record_held(&held, now()).await.unwrap();
        held
    }

    async fn stored(store: &Database, delivery: &Delivery) -> Delivery {
        store.deliveries.recorded_now(delivery.project_id, delivery.id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn an_earlier_version_reads_a_reason_that_it_does_not_know_as_one_that_it_knows() {
        let store = Database::start().await;
        for (reason, held_because) in [
            (DeliveryHoldReason::Unverified, EarlierReason::Paused),
            (DeliveryHoldReason::Pace, EarlierReason::Busy),
            (DeliveryHoldReason::Disabled, EarlierReason::Disabled),
            (DeliveryHoldReason::Failing, EarlierReason::Failing),
        ] {
            let held = held(&store, reason).await;
            assert_eq!(stored(&store, &held).await, held);
            let (pk, sk) = keys::delivery_row(held.project_id, held.id);
            let earlier: Option<Earlier> = store.deliveries.table.get_now(&pk, &sk).await.unwrap();
            assert_eq!(earlier, Some(Earlier { state: DeliveryState::Held, held_because }));
        }
    }

    /// Earlier versions release with the same write.
    #[tokio::test]
    async fn a_delivery_that_an_earlier_version_releases_is_no_longer_held_and_can_be_held_for_another_reason() {
        let store = Database::start().await;
        for reason in [DeliveryHoldReason::Unverified, DeliveryHoldReason::Pace] {
            let held = held(&store, reason).await;
            let (found, _) = store.deliveries.held_for(held.id.endpoint, 5).await.unwrap();
            store.deliveries.release(&found[0], now(), now()).await.unwrap();
            let released = stored(&store, &held).await;
            assert_eq!(released, held.released(now()));
            let again = released.held(DeliveryHoldReason::Failing);
            store.deliveries.record_held(&again, now()).await.unwrap();
            assert_eq!(stored(&store, &again).await, again);
        }
    }
}
