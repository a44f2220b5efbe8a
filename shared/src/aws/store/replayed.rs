//! Replays as they are recorded with their deliveries.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::deliveries::row_keys;
use super::table::{Transacted, change, number, text};
use super::{Activity, StoreError, Written};
use crate::delivery::{Delivery, DeliveryState, Replayed};
use crate::id::{ProjectId, ReplayId};
use crate::replay::Progress;

/// How often a replay is offered while others of the same delivery are recorded.
const TRIES: usize = 5;

impl Activity {
    /// Records a replay with its delivery, beginning with what is `known` of that. If it `is_counted`, what it came to is added
    /// to the progress of the replay it is part of in the same moment. Recording the same replay again changes nothing.
    /// Answers the delivery as it is then, and whether the replay was recorded now; no delivery if its row is gone.
    pub async fn add_replay(
        &self,
        mut known: Delivery,
        replayed: &Replayed,
        mut is_counted: bool,
    ) -> Result<(Option<Delivery>, Written), StoreError> {
        let id = replayed.replay_id;
        for _ in 0..TRIES {
            if known.was_replayed_by(id) {
                return Ok((Some(known), Written::Before));
            }
            let next = known.clone().after_replay(replayed.clone());
            let mut parts = vec![self.replaying(&next)?];
            if is_counted {
                parts.push(self.counting(next.project_id, id, &Progress::of(&replayed.outcome)));
            }
            match self.table.transact(parts).await? {
                Transacted::Written => return Ok((Some(next), Written::Now)),
                Transacted::Refused { part: 0 } => match self.recorded_now(next.project_id, next.id).await? {
                    Some(now) => known = now,
                    None => return Ok((None, Written::Before)),
                },
                // The replay that it is part of is past its retention: nobody counts any more.
                Transacted::Refused { .. } => is_counted = false,
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Counts a replay as skipped whose delivery is past its retention, so that there is no row to record it with.
    pub async fn count_lost_replay(&self, project: ProjectId, replay: ReplayId) -> Result<(), StoreError> {
        let skipped = Progress { skipped: 1, ..Progress::default() };
        self.table.transact(vec![self.counting(project, replay, &skipped)]).await?;
        Ok(())
    }

    /// Writes a delivery's newest replay, unless another was written since, or the delivery is not over. Only what a replay
    /// changes is written.
    fn replaying(&self, next: &Delivery) -> Result<TransactWriteItem, StoreError> {
        let (pk, sk) = row_keys(next.project_id, next.id);
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
            .expression_attribute_values(":state", text(next.state.as_str()))
            .expression_attribute_values(":delivered", text(DeliveryState::Delivered.as_str()))
            .expression_attribute_values(":failed", text(DeliveryState::Failed.as_str()))
            .expression_attribute_values(":cancelled", text(DeliveryState::Cancelled.as_str()));
        Ok(change(write))
    }
}
