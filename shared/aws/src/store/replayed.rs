//! Replay outcomes, which are recorded with their deliveries.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::deliveries::{DeliveryStore, stored_state};
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::replays::counting;
use super::table::{number, text};
use super::transaction::{Transacted, change};

use domain::webhooks::delivery::{Delivery, DeliveryState, Replayed};
use domain::webhooks::replay::Progress;

/// Maximum number of tries while other replays of the same delivery are recorded.
const TRIES: usize = 5;

impl DeliveryStore {
    /// Records a replay with its delivery, starting from `known`. If it `is_counted`, the same transaction adds the outcome
    /// to the progress of its replay by filter. Recording the same replay again changes nothing. Returns the resulting
    /// delivery, and whether this call recorded the replay; no delivery if its row has expired.
    pub async fn add_replay(
        &self,
        mut known: Delivery,
        replayed: &Replayed,
        mut is_counted: bool,
    ) -> Result<(Option<Delivery>, WriteOutcome), StoreError> {
        let id = replayed.replay_id;
        for _ in 0..TRIES {
            if known.was_replayed_by(id) {
                return Ok((Some(known), WriteOutcome::Conflict));
            }
            let next = known.clone().after_replay(replayed.clone());
            if next.state != known.state {
                self.note_late(&next).await?;
            }
            let mut parts = vec![self.replaying(&next)?];
            if is_counted {
                parts.push(counting(&self.table, next.project_id, id, &Progress::of(&replayed.outcome)));
            }
            match self.table.transact(parts).await? {
                Transacted::Written => return Ok((Some(next), WriteOutcome::Applied)),
                Transacted::Refused { part: 0 } => match self.recorded_now(next.project_id, next.id).await? {
                    Some(now) => known = now,
                    None => return Ok((None, WriteOutcome::Conflict)),
                },
                // The replay by filter has expired, so there is nothing left to count in.
                Transacted::Refused { .. } => is_counted = false,
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Writes the newest replay of a delivery, unless another was written since or the delivery is not final. Writes only the
    /// attributes that a replay changes.
    fn replaying(&self, next: &Delivery) -> Result<TransactWriteItem, StoreError> {
        let (pk, sk) = keys::delivery_row(next.project_id, next.id);
        let before = next.replay_count - 1;
        let seen = if before == 0 {
            "(attribute_not_exists(replayCount) OR replayCount = :before)"
        } else {
            "replayCount = :before"
        };
        let seen = match next.erased_at {
            None => format!("{seen} AND attribute_not_exists(erasedAt)"),
            Some(_) => seen.to_owned(),
        };
        let replays = serde_dynamo::to_attribute_value(&next.replays).map_err(StoreError::Row)?;
        let write = self
            .table
            .updating_with(&pk, &sk)
            .update_expression("SET replays = :replays, replayCount = :count, #state = :state")
            .condition_expression(format!("#state IN (:delivered, :failed, :cancelled) AND {seen}"))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":replays", replays)
            .expression_attribute_values(":count", number(i64::from(next.replay_count)))
            .expression_attribute_values(":before", number(i64::from(before)))
            .expression_attribute_values(":state", text(stored_state(next).as_str()))
            .expression_attribute_values(":delivered", text(DeliveryState::Delivered.as_str()))
            .expression_attribute_values(":failed", text(DeliveryState::Failed.as_str()))
            .expression_attribute_values(":cancelled", text(DeliveryState::Cancelled.as_str()));
        Ok(change(write))
    }
}
