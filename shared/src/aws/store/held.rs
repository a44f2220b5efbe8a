//! The sparse index `held`: deliveries that are held, by endpoint, longest held first.

use serde::{Deserialize, Serialize};

use super::deliveries::row_keys;
use super::sweep::SweepKeys;
use super::table::{self, number, text};
use super::{Activity, StoreError, Written};
use crate::delivery::{DeliveryState, Nudge};
use crate::id::{DeliveryId, EndpointId, ProjectId};
use crate::time::Timestamp;

/// What puts a row into the index.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldKeys {
    held_for: EndpointId,
    held_at: i64,
}

impl HeldKeys {
    pub(super) fn new(endpoint: EndpointId, held_at: Timestamp) -> Self {
        Self { held_for: endpoint, held_at: held_at.as_millis() }
    }
}

/// A delivery that is held.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Whose it is.
    pub project_id: ProjectId,
    /// Which one.
    pub id: DeliveryId,
    attempt_count: u8,
}

impl Held {
    /// The nudge for its next attempt.
    pub fn nudge(&self) -> Nudge {
        Nudge::again(self.project_id, self.id, self.attempt_count + 1)
    }
}

impl Activity {
    /// At most `limit` deliveries that are held for an endpoint, longest held first, as they were a moment ago.
    pub async fn held_for(&self, endpoint: EndpointId, limit: usize) -> Result<Vec<Held>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("held")
            .key_condition_expression("heldFor = :endpoint")
            .expression_attribute_values(":endpoint", text(endpoint.to_string()));
        table::first(query, limit).await
    }

    /// Releases a held delivery: it waits for its next attempt, due at `next_attempt_at`, and the sweep looks after it at
    /// `sweep_at`. [`Written::Before`] if it is not held any more.
    pub async fn release(
        &self,
        held: &Held,
        next_attempt_at: Timestamp,
        sweep_at: Timestamp,
    ) -> Result<Written, StoreError> {
        let (pk, sk) = row_keys(held.project_id, held.id);
        let sweep = SweepKeys::new(held.id.event.as_bytes(), sweep_at);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression(
                "SET #state = :waiting, nextAttemptAt = :due, dueShard = :shard, sweepAt = :sweep \
                 REMOVE heldFor, heldAt, heldBecause",
            )
            .condition_expression("#state = :held AND attemptCount = :made")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":waiting", text(DeliveryState::Waiting.as_str()))
            .expression_attribute_values(":held", text(DeliveryState::Held.as_str()))
            .expression_attribute_values(":made", number(i64::from(held.attempt_count)))
            .expression_attribute_values(":due", text(next_attempt_at.to_string()))
            .expression_attribute_values(":shard", text(sweep.due_shard))
            .expression_attribute_values(":sweep", number(sweep.sweep_at));
        self.table.update_if(call).await
    }
}
