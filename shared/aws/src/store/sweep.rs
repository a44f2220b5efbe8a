//! The sparse index `due`: deliveries, endpoints and replays that the sweep has to check, spread over 16 shards by id.

use std::time::Duration;

use serde::Deserialize;

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::Table;
use super::table::{self, number, text};
use crate::client::Aws;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::AttemptTask;

/// A row that the sweep has to check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Due {
    /// A delivery whose next attempt is due.
    Delivery(DueDelivery),
    /// An endpoint with held deliveries or with notices to send.
    Endpoint(DueEndpoint),
    /// A running replay by filter.
    Replay(DueReplay),
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueDelivery {
    /// The project of the event.
    pub project_id: ProjectId,
    /// The delivery's id.
    pub id: DeliveryId,
    /// When the next attempt is due.
    pub next_attempt_at: Timestamp,
    attempt_count: u8,
    sweep_at: i64,
}

/// An endpoint that is due for a check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueEndpoint {
    /// The project of the endpoint.
    pub project_id: ProjectId,
    /// The endpoint's id.
    pub endpoint_id: EndpointId,
}

/// A replay by filter that is due for its next step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueReplay {
    /// The project of the replay.
    pub project_id: ProjectId,
    /// The replay's id.
    pub replay_id: ReplayId,
    pub(super) sweep_at: i64,
}

impl DueDelivery {
    /// Returns how long the row has been due at `now`.
    pub fn overdue(&self, now: Timestamp) -> Duration {
        Timestamp::from_millis(self.sweep_at).map_or(Duration::ZERO, |sweep_at| now.since(sweep_at))
    }

    /// Returns the task for the next attempt.
    pub fn task(&self) -> AttemptTask {
        AttemptTask::again(self.project_id, self.id, self.attempt_count + 1)
    }
}

/// Rows that the sweep has to check.
#[derive(Debug, Clone)]
pub struct SweepStore {
    pub(super) table: Table,
}

impl SweepStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns at most `limit` rows of a shard (0 to 15) that are due by `until`, most overdue first.
    pub async fn due_in_shard(&self, shard: u8, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("due")
            .key_condition_expression("dueShard = :shard AND sweepAt <= :until")
            .expression_attribute_values(":shard", text(keys::shard(shard)))
            .expression_attribute_values(":until", number(until.as_millis()));
        table::first(query, limit).await
    }

    /// Postpones the sweep's check of `due` to `sweep_at`. [`WriteOutcome::Conflict`] if another run or an attempt came
    /// first.
    pub async fn postpone(&self, due: &DueDelivery, sweep_at: Timestamp) -> Result<WriteOutcome, StoreError> {
        let (pk, sk) = keys::delivery_row(due.project_id, due.id);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET sweepAt = :next")
            .condition_expression("sweepAt = :seen")
            .expression_attribute_values(":next", number(sweep_at.as_millis()))
            .expression_attribute_values(":seen", number(due.sweep_at));
        self.table.update_if(call).await
    }
}
