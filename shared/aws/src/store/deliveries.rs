//! Deliveries: one row each, with all attempts.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::keys::{DELIVERY_PREFIX, HeldKeys, SweepKeys};
use super::outcome::WriteOutcome;
use super::retention::Retention;
use super::table::Table;
use super::table::{self, Item, Row, number, text};
use crate::client::Aws;
use domain::foundation::id::{DeliveryId, EventId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::delivery::{Delivery, DeliveryState};
use futures::future::join_all;

/// Maximum number of requests for rows that DynamoDB leaves out under load.
const ASKS: usize = 5;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryRow {
    #[serde(flatten)]
    delivery: Delivery,
    /// Number of attempts, for conditions, because a condition cannot count a list.
    attempt_count: u8,
    #[serde(flatten)]
    sweep: Option<SweepKeys>,
    #[serde(flatten)]
    held: Option<HeldKeys>,
    expires_at: i64,
}

/// Deliveries.
#[derive(Debug, Clone)]
pub struct DeliveryStore {
    pub(super) table: Table,
    pub(super) retention: Retention,
}

impl DeliveryStore {
    /// Opens the store in the table `activity` with this name. Rows expire after `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        Self { table: Table::new(aws, table.into()), retention }
    }

    /// Returns the stored ones among these deliveries, in as few calls as possible.
    pub async fn recorded(
        &self,
        wanted: &[(ProjectId, DeliveryId)],
    ) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let mut distinct: Vec<(String, String)> =
            wanted.iter().map(|(project, id)| keys::delivery_row(*project, *id)).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut found = HashMap::new();
        // DynamoDB takes 100 keys per call. A batch of messages has far fewer.
        for chunk in distinct.chunks(100) {
            let keys = chunk.iter().map(|(pk, sk)| Item::from([("pk".into(), text(pk)), ("sk".into(), text(sk))]));
            for item in self.batch_get(keys.collect()).await? {
                let row: DeliveryRow = table::read(item)?;
                found.insert(row.delivery.id, row.delivery);
            }
        }
        Ok(found)
    }

    async fn batch_get(&self, mut keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let name = self.table.name();
        let mut items = Vec::new();
        for _ in 0..ASKS {
            if keys.is_empty() {
                return Ok(items);
            }
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).build().expect("keys are set");
            let call = self.table.client().batch_get_item().request_items(name, wanted);
            let mut answer = call.send().await.map_err(table::unavailable)?;
            items.extend(answer.responses.as_mut().and_then(|tables| tables.remove(name)).unwrap_or_default());
            let left_out = answer.unprocessed_keys.as_mut().and_then(|tables| tables.remove(name));
            keys = left_out.map(|left_out| left_out.keys).unwrap_or_default();
        }
        if keys.is_empty() { Ok(items) } else { Err(StoreError::Overloaded) }
    }

    /// Returns the stored deliveries of the events from `oldest` to `newest` on one day.
    pub(super) async fn recorded_on(
        &self,
        project: ProjectId,
        day: UtcDay,
        oldest: EventId,
        newest: EventId,
    ) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let (first, last) = (format!("{DELIVERY_PREFIX}{oldest}#"), format!("{DELIVERY_PREFIX}{newest}#~"));
        let rows: Vec<DeliveryRow> = table::all(self.table.between(&keys::day(project, day), &first, &last)).await?;
        Ok(rows.into_iter().map(|row| (row.delivery.id, row.delivery)).collect())
    }

    /// Returns a delivery (strongly consistent); `None` if it has no row yet.
    pub async fn recorded_now(&self, project: ProjectId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let (pk, sk) = keys::delivery_row(project, id);
        let row: Option<DeliveryRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map(|row| row.delivery))
    }

    /// Records the last attempt of `delivery` and the resulting state.
    ///
    /// The write succeeds only if the stored delivery was waiting for exactly that attempt, so an attempt that two messages
    /// made at once counts once. `sweep_at` is when the sweep checks the delivery, if it waits for another attempt. Recording
    /// the same attempt again returns [`WriteOutcome::Applied`], because the SDK repeats a write whose response was lost.
    pub async fn record(&self, delivery: &Delivery, sweep_at: Option<Timestamp>) -> Result<WriteOutcome, StoreError> {
        let row = self.row(delivery, sweep_at, None);
        let call = self.table.putting(&row)?;
        let made_before = i64::from(row.content.attempt_count) - 1;
        let written = self.table.put_if(awaiting(call, made_before, &UNDER_WAY)).await?;
        let is_recorded = written == WriteOutcome::Applied
            || self.recorded_now(delivery.project_id, delivery.id).await?.as_ref() == Some(delivery);
        Ok(if is_recorded { WriteOutcome::Applied } else { WriteOutcome::Conflict })
    }

    /// Does what [`Self::record`] does for each of `deliveries`, and returns the results in the same order. Each delivery has
    /// made its first attempt, so most have no row yet: these are written with one call per 25. The others are recorded one
    /// by one, concurrently.
    pub async fn record_first_attempts(
        &self,
        deliveries: &[(Delivery, Option<Timestamp>)],
    ) -> Vec<Result<WriteOutcome, StoreError>> {
        let mut answers = Vec::with_capacity(deliveries.len());
        for chunk in deliveries.chunks(table::MAX_STATEMENTS) {
            let rows: Vec<_> = chunk.iter().map(|(delivery, sweep_at)| self.row(delivery, *sweep_at, None)).collect();
            let is_written = if rows.len() == 1 { vec![false] } else { self.table.insert_all(&rows).await };
            let answered = chunk.iter().zip(is_written).map(|((delivery, sweep_at), is_written)| async move {
                if is_written { Ok(WriteOutcome::Applied) } else { self.record(delivery, *sweep_at).await }
            });
            answers.extend(join_all(answered).await);
        }
        answers
    }

    /// Records that `delivery` was cancelled, unless another attempt was recorded meanwhile.
    pub async fn record_cancelled(&self, delivery: &Delivery) -> Result<WriteOutcome, StoreError> {
        let row = self.row(delivery, None, None);
        let call = self.table.putting(&row)?;
        let made_before = i64::from(row.content.attempt_count);
        self.table.put_if(awaiting(call, made_before, &UNDER_WAY)).await
    }

    /// Stores the erased form of `known`, unless something was recorded meanwhile.
    pub(super) async fn record_erased(
        &self,
        known: Option<&Delivery>,
        erased: &Delivery,
    ) -> Result<WriteOutcome, StoreError> {
        let call = self.table.putting(&self.row(erased, None, None))?;
        let Some(known) = known else {
            return self.table.put_if(call.condition_expression("attribute_not_exists(pk)")).await;
        };
        let call = call
            .condition_expression("attemptCount = :made AND #state = :state AND replayCount = :replays")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":made", number(known.attempts_made().into()))
            .expression_attribute_values(":state", text(known.state.as_str()))
            .expression_attribute_values(":replays", number(known.replay_count.into()));
        self.table.put_if(call).await
    }

    /// Records that `delivery` is held from `now` on, unless it is held already or another attempt was recorded meanwhile.
    pub async fn record_held(&self, delivery: &Delivery, now: Timestamp) -> Result<WriteOutcome, StoreError> {
        let row = self.row(delivery, None, Some(HeldKeys::new(delivery.id.endpoint, now)));
        let call = self.table.putting(&row)?;
        let made_before = i64::from(row.content.attempt_count);
        self.table.put_if(awaiting(call, made_before, &[DeliveryState::Waiting])).await
    }

    fn row(&self, delivery: &Delivery, sweep_at: Option<Timestamp>, held: Option<HeldKeys>) -> Row<DeliveryRow> {
        let (pk, sk) = keys::delivery_row(delivery.project_id, delivery.id);
        let content = DeliveryRow {
            delivery: delivery.clone(),
            attempt_count: delivery.attempts_made(),
            sweep: sweep_at.map(|sweep_at| SweepKeys::new(delivery.id.event.as_bytes(), sweep_at)),
            held,
            expires_at: self.retention.expiry_of(delivery.id.event.created_at()),
        };
        Row { pk, sk, content }
    }
}

/// The states in which a stored delivery still waits for an attempt.
const UNDER_WAY: [DeliveryState; 2] = [DeliveryState::Waiting, DeliveryState::Held];

/// Requires that the stored delivery has made exactly `made_before` attempts and is in one of `states`.
fn awaiting(mut call: PutItemFluentBuilder, made_before: i64, states: &[DeliveryState]) -> PutItemFluentBuilder {
    for state in states {
        call = call.expression_attribute_values(format!(":{state}"), text(state.as_str()));
    }
    let names: Vec<String> = states.iter().map(|state| format!(":{state}")).collect();
    let awaits = format!("attemptCount = :made AND #state IN ({})", names.join(", "));
    // A delivery without a row is queued.
    let condition = if made_before == 0 { format!("attribute_not_exists(pk) OR ({awaits})") } else { awaits };
    call.condition_expression(condition)
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":made", number(made_before))
}
