//! Reads the deliveries of a batch of messages. A row that cannot be read fails only its own delivery.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::batch_get::{self, Consistency, MAX_KEYS};
use super::deliveries::{DeliveryRow, DeliveryStore};
use super::error::StoreError;
use super::keys;
use super::sweep::SET_ASIDE_FOR;
use super::table::{self, Item, number, text};
use domain::foundation::id::{DeliveryId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::Delivery;

/// The stored ones among the requested deliveries. An error concerns only its own delivery. A delivery without a row is absent.
pub type RecordedDeliveries = HashMap<DeliveryId, Result<Delivery, Arc<StoreError>>>;

impl DeliveryStore {
    /// Returns the stored ones among these deliveries (eventually consistent), in as few calls as possible.
    pub async fn recorded(&self, wanted: &[(ProjectId, DeliveryId)]) -> RecordedDeliveries {
        let ids: HashMap<(String, String), DeliveryId> =
            wanted.iter().map(|(project, id)| (keys::delivery_row(*project, *id), *id)).collect();
        let keys: Vec<&(String, String)> = ids.keys().collect();
        let mut recorded = HashMap::new();
        for chunk in keys.chunks(MAX_KEYS) {
            let keys = chunk.iter().map(|row| batch_get::key(row)).collect();
            let (items, unanswered) = self.table.get_batch(keys, Consistency::Eventual).await;
            for item in items {
                let Some(id) = ids.get(&key_of(&item)) else { continue };
                let row = table::read::<DeliveryRow>(item).map(DeliveryRow::into_delivery);
                recorded.insert(*id, row.map_err(Arc::new));
            }
            let Some((keys, error)) = unanswered else { continue };
            let error = Arc::new(error);
            let ids = keys.iter().filter_map(|key| ids.get(&key_of(key)));
            recorded.extend(ids.map(|id| (*id, Err(Arc::clone(&error)))));
        }
        recorded
    }

    /// Does what [`Self::recorded`] does, for callers that need all of them: fails if some could not be read now. Rows that this
    /// version cannot read are left out.
    pub(super) async fn recorded_all(
        &self,
        wanted: &[(ProjectId, DeliveryId)],
    ) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let mut found = HashMap::new();
        for (id, read) in self.recorded(wanted).await {
            match read {
                Ok(delivery) => drop(found.insert(id, delivery)),
                Err(error) if matches!(*error, StoreError::Row(_)) => {}
                Err(error) if matches!(*error, StoreError::Overloaded) => return Err(StoreError::Overloaded),
                Err(error) => return Err(StoreError::Unavailable(error.into())),
            }
        }
        Ok(found)
    }

    /// Sets aside a delivery whose row cannot be read: the sweep checks it again in an hour. A version that can read it handles
    /// it then. Returns whether this is the first time.
    pub async fn set_aside(&self, project: ProjectId, id: DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
        let (pk, sk) = keys::delivery_row(project, id);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET sweepAt = :later, setAsideAt = if_not_exists(setAsideAt, :now)")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":later", number(now.plus(SET_ASIDE_FOR).as_millis()))
            .expression_attribute_values(":now", text(now.to_string()))
            .return_values(ReturnValue::UpdatedOld);
        match call.send().await {
            Ok(answer) => Ok(answer.attributes.is_none_or(|before| !before.contains_key("setAsideAt"))),
            // The row has expired.
            Err(error) if table::is_condition_failure(&error) => Ok(false),
            Err(error) => Err(table::unavailable(error)),
        }
    }
}

fn key_of(item: &Item) -> (String, String) {
    let value = |name: &str| item.get(name).and_then(|value| AttributeValue::as_s(value).ok()).cloned();
    (value("pk").unwrap_or_default(), value("sk").unwrap_or_default())
}

#[cfg(all(test, feature = "queue"))]
mod tests {
    use super::super::Store;
    use super::super::testing::{self, Database};
    use super::*;
    use crate::queue::testing::{FakeQueue, Verdict};
    use domain::foundation::id::{EndpointId, EventId};
    use domain::foundation::random::SystemRandom;

    #[tokio::test]
    async fn a_database_that_fails_is_not_taken_for_one_that_is_busy() {
        let database = Database::start().await;
        let queue = FakeQueue::in_front_of(&database).await;
        let store = Store::new(queue.aws(), &testing::config());
        let now = "2026-11-22T08:30:00Z".parse().unwrap();
        let (project, endpoint) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
        let wanted =
            [(); 3].map(|()| (project, DeliveryId { event: EventId::new(now, &SystemRandom), endpoint })).to_vec();
        queue.catch("RequestItems").end(Verdict::Refuse);
        let failed = store.deliveries.recorded_all(&wanted).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        assert!(store.deliveries.recorded_all(&wanted).await.unwrap().is_empty());
    }
}
