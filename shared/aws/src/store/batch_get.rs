//! Reads of many rows by their keys.

use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use tokio::time::sleep;

use super::error::StoreError;
use super::table::{self, Item, Table, text};

/// Maximum number of requests for rows that DynamoDB leaves out while it throttles.
const ASKS: usize = 5;

/// Pause before the second request. Each further pause is twice as long; together they take less than a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Maximum number of keys in one call (a DynamoDB limit).
pub(super) const MAX_KEYS: usize = 100;

/// How current the rows of a read are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consistency {
    /// Rows may lag behind by a second. Costs half as much.
    Eventual,
    /// Every write that ended before the read is seen.
    Strong,
}

/// Rows that a call returned, and the keys that it did not answer, with the reason.
pub(super) type Answered = (Vec<Item>, Option<(Vec<Item>, StoreError)>);

impl Table {
    /// Reads the rows with these keys. Fails if some could not be read now. Rows that do not exist are absent.
    pub(super) async fn get_all(
        &self,
        keys: &[(String, String)],
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_KEYS) {
            let (items, unanswered) = self.get_batch(chunk.iter().map(key).collect(), consistency).await;
            if let Some((_, error)) = unanswered {
                return Err(error);
            }
            found.extend(items);
        }
        Ok(found)
    }

    /// Reads the rows with at most [`MAX_KEYS`] keys.
    pub(super) async fn get_batch(&self, mut keys: Vec<Item>, consistency: Consistency) -> Answered {
        let (mut items, mut pause) = (Vec::new(), FIRST_PAUSE);
        for ask in 0..ASKS {
            if keys.is_empty() {
                return (items, None);
            }
            if ask > 0 {
                sleep(pause).await;
                pause *= 2;
            }
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys.clone()));
            let wanted = wanted.consistent_read(consistency == Consistency::Strong).build().expect("keys are set");
            let call = self.client().batch_get_item().request_items(self.name(), wanted);
            let mut answer = match call.send().await {
                Ok(answer) => answer,
                Err(error) => return (items, Some((keys, table::throttled_or_unavailable(error)))),
            };
            items.extend(answer.responses.as_mut().and_then(|tables| tables.remove(self.name())).unwrap_or_default());
            let left_out = answer.unprocessed_keys.as_mut().and_then(|tables| tables.remove(self.name()));
            keys = left_out.map(|left_out| left_out.keys).unwrap_or_default();
        }
        let unanswered = (!keys.is_empty()).then_some((keys, StoreError::Overloaded));
        (items, unanswered)
    }
}

/// The key of a row, as a call contains it.
pub(super) fn key((pk, sk): &(String, String)) -> Item {
    Item::from([("pk".into(), text(pk)), ("sk".into(), text(sk))])
}
