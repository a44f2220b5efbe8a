//! The sparse index `due`: deliveries, endpoints and replays that the sweep is to look after, spread over 16 shards by their ids.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deliveries::row_keys;
use super::table::{self, number, text};
use super::{Activity, StoreError, Written};
use crate::delivery::Nudge;
use crate::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use crate::time::Timestamp;

/// How many shards the index has; each takes a thousand writes a second.
pub const SHARDS: u8 = 16;

/// What puts a row into the index.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SweepKeys {
    pub(super) due_shard: String,
    pub(super) sweep_at: i64,
}

impl SweepKeys {
    /// The keys of what has this id, a `UUIDv7`: its last byte is random, so rows spread evenly.
    pub(super) fn new(id: &[u8; 16], sweep_at: Timestamp) -> Self {
        Self { due_shard: shard_name(id[15] % SHARDS), sweep_at: sweep_at.as_millis() }
    }
}

fn shard_name(shard: u8) -> String {
    format!("{shard:02}")
}

/// What the sweep is to look after.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Due {
    /// A delivery whose next attempt is due.
    Delivery(DueDelivery),
    /// An endpoint that deliveries are held for, or of which there is something to tell.
    Endpoint(DueEndpoint),
    /// A replay by filter that goes on.
    Replay(DueReplay),
}

/// A delivery that the sweep is to look after.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueDelivery {
    /// Whose it is.
    pub project_id: ProjectId,
    /// Which one.
    pub id: DeliveryId,
    /// When its next attempt is due.
    pub next_attempt_at: Timestamp,
    attempt_count: u8,
    sweep_at: i64,
}

/// An endpoint that the sweep is to look after.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueEndpoint {
    /// Whose it is.
    pub project_id: ProjectId,
    /// Which one.
    pub endpoint_id: EndpointId,
}

/// A replay by filter that the sweep is to carry on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueReplay {
    /// Whose it is.
    pub project_id: ProjectId,
    /// Which one.
    pub replay_id: ReplayId,
    pub(super) sweep_at: i64,
}

impl DueDelivery {
    /// For how long the sweep ought to have looked at it already.
    pub fn overdue(&self, now: Timestamp) -> Duration {
        Timestamp::from_millis(self.sweep_at).map_or(Duration::ZERO, |sweep_at| now.since(sweep_at))
    }

    /// The nudge for its next attempt.
    pub fn nudge(&self) -> Nudge {
        Nudge::again(self.project_id, self.id, self.attempt_count + 1)
    }
}

impl Activity {
    /// At most `limit` things of a shard (0 to 15) that the sweep is to look after by `until`, longest due first.
    pub async fn due_in_shard(&self, shard: u8, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
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
    pub async fn put_off(&self, due: &DueDelivery, sweep_at: Timestamp) -> Result<Written, StoreError> {
        let (pk, sk) = row_keys(due.project_id, due.id);
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
