//! The sparse index `due`: deliveries that the sweep is to look after, spread over 16 shards by their event's id.

use aws_sdk_dynamodb::Client;
use serde::{Deserialize, Serialize};

use super::deliveries::row_keys;
use super::table::{self, Table, number, text};
use super::{StoreError, Written};
use crate::aws::Aws;
use crate::delivery::Nudge;
use crate::id::{DeliveryId, ProjectId};
use crate::time::Timestamp;

/// How many shards the index has; each takes a thousand writes a second.
pub const SHARDS: u8 = 16;

/// What puts a row into the index.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SweepKeys {
    due_shard: String,
    sweep_at: i64,
}

impl SweepKeys {
    pub(super) fn new(id: DeliveryId, sweep_at: Timestamp) -> Self {
        // The last byte of a UUIDv7 is random, so deliveries spread evenly.
        Self { due_shard: shard_name(id.event.as_bytes()[15] % SHARDS), sweep_at: sweep_at.as_millis() }
    }
}

fn shard_name(shard: u8) -> String {
    format!("{shard:02}")
}

/// A delivery that the sweep is to look after.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// Whose it is.
    pub project_id: ProjectId,
    /// Which one.
    pub id: DeliveryId,
    /// When its next attempt is due.
    pub next_attempt_at: Timestamp,
    attempt_count: u8,
    sweep_at: i64,
}

impl Due {
    /// The nudge for its next attempt.
    pub fn nudge(&self) -> Nudge {
        Nudge { project_id: self.project_id, delivery_id: self.id, attempt: self.attempt_count + 1, event: None }
    }
}

/// The index `due` of the table `activity`.
#[derive(Debug, Clone)]
pub struct DueDeliveries {
    table: Table,
}

impl DueDeliveries {
    /// The index of the table called `table`.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(Client::new(aws.sdk()), table.into()) }
    }

    /// At most `limit` deliveries of a shard (0 to 15) that the sweep is to look after by `until`, longest due first.
    pub async fn of_shard(&self, shard: u8, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("due")
            .key_condition_expression("dueShard = :shard AND sweepAt <= :until")
            .expression_attribute_values(":shard", text(shard_name(shard)))
            .expression_attribute_values(":until", number(until.as_millis()));
        table::first(query, limit).await
    }

    /// Puts off the sweep's next look at `due` to `sweep_at`; [`Written::Before`] if another run or an attempt came first.
    pub async fn claim(&self, due: &Due, sweep_at: Timestamp) -> Result<Written, StoreError> {
        let (pk, sk) = row_keys(due.project_id, due.id);
        let call = self
            .table
            .client()
            .update_item()
            .table_name(self.table.name())
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression("SET sweepAt = :next")
            .condition_expression("sweepAt = :seen")
            .expression_attribute_values(":next", number(sweep_at.as_millis()))
            .expression_attribute_values(":seen", number(due.sweep_at));
        match call.send().await {
            Ok(_) => Ok(Written::Now),
            Err(error) if table::is_condition_failure(&error) => Ok(Written::Before),
            Err(error) => Err(table::unavailable(error)),
        }
    }
}
