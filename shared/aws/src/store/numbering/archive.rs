//! Moves the oldest ids of a long list into archive rows.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::foundation::id::EventId;
use domain::foundation::time::Timestamp;
use domain::webhooks::feed;
use tracing::warn;

use super::{ARCHIVED, NumberingRow, binary};
use crate::lambda::telemetry;
use crate::store::error::StoreError;
use crate::store::events::EventStore;
use crate::store::keys;
use crate::store::retention::Retention;
use crate::store::table::{Item, count, number, text, unavailable};

/// Length of a list at which its oldest ids are moved: the row then has about one KiB, which is one write unit.
pub(super) const LONG: usize = 2 * ARCHIVED;

/// Age of an event whose id may be moved: twice the age at which a process looks for an event's number in archive rows, so that the
/// clocks of both may differ.
const ARCHIVED_AFTER: Duration = Duration::from_secs(2 * feed::SETTLED_AFTER.as_secs());

impl EventStore {
    /// Moves the oldest ids of a long list into archive rows, so that the next update costs one write unit again. An archive row
    /// always gets the same ids, whoever writes it. A failure is logged: the next call tries again.
    pub(super) async fn shorten(&self, pk: &str, row: &NumberingRow, now: Timestamp) {
        let mut left = row.ids.as_slice();
        let mut archived_count = row.archived_count;
        while let Some((oldest, rest)) = left.split_at_checked(ARCHIVED).filter(|_| left.len() >= LONG) {
            // A process that is still accepting an event must find its id in the list.
            if oldest.iter().any(|id| now.since(id.created_at()) <= ARCHIVED_AFTER) {
                return;
            }
            if let Err(error) = self.archive(pk, archived_count, oldest, now).await {
                warn!(cause = telemetry::chain(&error), "the list of a submission's events was not shortened");
                return;
            }
            (left, archived_count) = (rest, archived_count + ARCHIVED as u64);
        }
    }

    async fn archive(&self, pk: &str, archived_count: u64, ids: &[EventId], now: Timestamp) -> Result<(), StoreError> {
        let item = Item::from([
            ("pk".to_owned(), text(pk)),
            ("sk".to_owned(), text(keys::archived_numbers(archived_count))),
            ("ids".to_owned(), AttributeValue::L(ids.iter().map(|id| binary(id.as_bytes())).collect())),
            ("expiresAt".to_owned(), number(Retention::expiry_of_numbers(now))),
        ]);
        let put = self.table.client().put_item().table_name(self.table.name()).set_item(Some(item));
        put.send().await.map_err(unavailable)?;
        let removed: Vec<String> = (0..ids.len()).map(|index| format!("ids[{index}]")).collect();
        let call = self
            .table
            .updating(pk, keys::NUMBERING)
            .update_expression(format!("SET archivedCount = :next REMOVE {}", removed.join(", ")))
            .condition_expression(if archived_count == 0 {
                "attribute_not_exists(archivedCount)"
            } else {
                "archivedCount = :count"
            })
            .expression_attribute_values(":next", count(archived_count + ids.len() as u64));
        let call =
            if archived_count == 0 { call } else { call.expression_attribute_values(":count", count(archived_count)) };
        self.table.update_if(call).await.map(drop)
    }
}
