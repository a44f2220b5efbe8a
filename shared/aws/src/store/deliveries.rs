//! Deliveries: one row each, with all attempts.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::keys::{HeldKeys, SweepKeys};
use super::outcome::WriteOutcome;
use super::retention::Retention;
use super::table::{self, ABSENT, Item, Row, Table, number, text};
use crate::client::Aws;
use domain::foundation::id::{DeliveryId, EventId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::delivery::{Delivery, DeliveryHoldReason, DeliveryState};
use futures::future::join_all;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryRow {
    /// The state `expired` is stored as `cancelled` and `is_expired`. Versions before it read the row as cancelled. A delivery that is
    /// held for order is stored as `waiting` and `is_held_for_order`. Versions before it read the row as waiting. A reason for holding
    /// that was added later is stored as an earlier one, and itself as `precise_hold_reason`.
    #[serde(flatten)]
    delivery: Delivery,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_expired: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_held_for_order: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precise_hold_reason: Option<DeliveryHoldReason>,
    /// Number of attempts, for conditions, because a condition cannot count a list.
    attempt_count: u8,
    #[serde(flatten)]
    sweep: Option<SweepKeys>,
    #[serde(flatten)]
    held: Option<HeldKeys>,
    expires_at: i64,
}

impl DeliveryRow {
    pub(super) fn into_delivery(self) -> Delivery {
        let held_for_order = self.is_held_for_order.then_some(DeliveryHoldReason::Order);
        // A release by an earlier version removes only the earlier reason.
        let precise = self.precise_hold_reason.filter(|_| self.delivery.hold_reason.is_some());
        let hold_reason = precise.or(self.delivery.hold_reason).or(held_for_order);
        let state = match self.delivery.state {
            // A replay may have delivered it since.
            DeliveryState::Cancelled if self.is_expired => DeliveryState::Expired,
            DeliveryState::Waiting if self.is_held_for_order => DeliveryState::Held,
            state => state,
        };
        Delivery { state, hold_reason, ..self.delivery }
    }
}

/// The name under which the state of a delivery is stored.
pub(super) fn stored_state(delivery: &Delivery) -> DeliveryState {
    match delivery.state {
        DeliveryState::Expired => STORED_EXPIRED,
        DeliveryState::Held if delivery.is_held_for_order() => DeliveryState::Waiting,
        state => state,
    }
}

/// The name under which a reason for holding is stored, so that earlier versions can read it. `None` for order.
const fn stored_hold_reason(reason: DeliveryHoldReason) -> Option<DeliveryHoldReason> {
    match reason {
        DeliveryHoldReason::Order => None,
        DeliveryHoldReason::Unverified => Some(DeliveryHoldReason::Paused),
        DeliveryHoldReason::Pace => Some(DeliveryHoldReason::Busy),
        known => Some(known),
    }
}

/// The name under which the state `expired` is stored.
pub(super) const STORED_EXPIRED: DeliveryState = DeliveryState::Cancelled;

/// Deliveries that have a row. `None`: this version cannot read the row, so the state of the delivery is unknown.
pub(super) type StoredDeliveries = HashMap<DeliveryId, Option<Delivery>>;

/// Reads rows of deliveries. One that cannot be read does not affect the others.
pub(super) fn read_deliveries(items: Vec<Item>) -> StoredDeliveries {
    let (rows, unreadable) = table::read_each::<DeliveryRow>(items);
    let readable = rows.into_iter().map(|row| (row.delivery.id, Some(row.into_delivery())));
    let unreadable = unreadable.iter().filter_map(|key| Some((keys::delivery_in(&key.sk)?, None)));
    readable.chain(unreadable).collect()
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

    /// Returns the stored deliveries of the events from `oldest` to `newest` on one day.
    pub(super) async fn recorded_on(
        &self,
        project: ProjectId,
        day: UtcDay,
        oldest: EventId,
        newest: EventId,
    ) -> Result<StoredDeliveries, StoreError> {
        let (first, last) = keys::deliveries_of(oldest, newest);
        let items = table::all_items(self.table.between(&keys::day(project, day), &first, &last)).await?;
        Ok(read_deliveries(items))
    }

    /// Returns a delivery (strongly consistent); `None` if it has no row yet.
    pub async fn recorded_now(&self, project: ProjectId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let (pk, sk) = keys::delivery_row(project, id);
        let row: Option<DeliveryRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map(DeliveryRow::into_delivery))
    }

    /// Records the last attempt of `delivery` and the resulting state.
    ///
    /// The write succeeds only if the stored delivery was waiting for exactly that attempt, so an attempt that two messages
    /// made at once counts once. `sweep_at` is when the sweep checks the delivery, if it waits for another attempt. Recording
    /// the same attempt again returns [`WriteOutcome::Applied`], because the SDK repeats a write whose response was lost.
    pub async fn record(&self, delivery: &Delivery, sweep_at: Option<Timestamp>) -> Result<WriteOutcome, StoreError> {
        self.note_late(delivery).await?;
        let row = self.row(delivery, sweep_at, None);
        let call = self.table.putting(&row)?;
        let made_before = i64::from(row.content.attempt_count) - 1;
        let written = self.table.put_if(awaiting(call, made_before, &UNDER_WAY)).await?;
        let is_recorded = written == WriteOutcome::Applied
            || self.recorded_now(delivery.project_id, delivery.id).await?.as_ref() == Some(delivery);
        if written == WriteOutcome::Applied {
            self.count_added(delivery).await;
        }
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
            let is_written = if chunk.len() == 1 { vec![false] } else { self.insert_together(chunk).await };
            let answered = chunk.iter().zip(is_written).map(|((delivery, sweep_at), is_written)| async move {
                if is_written { Ok(WriteOutcome::Applied) } else { self.record(delivery, *sweep_at).await }
            });
            answers.extend(join_all(answered).await);
        }
        answers
    }

    /// Inserts the rows of at most [`table::MAX_STATEMENTS`] deliveries. Returns which ones were certainly written.
    async fn insert_together(&self, deliveries: &[(Delivery, Option<Timestamp>)]) -> Vec<bool> {
        let noted = self.note_late_together(&deliveries.iter().map(|(delivery, _)| delivery).collect::<Vec<_>>()).await;
        let insertable = deliveries.iter().zip(&noted).filter(|(_, noted)| **noted).map(|(delivery, _)| delivery);
        let rows: Vec<_> = insertable.map(|(delivery, sweep_at)| self.row(delivery, *sweep_at, None)).collect();
        let mut written = self.table.insert_all(&rows).await.into_iter();
        noted.into_iter().map(|noted| noted && written.next() == Some(true)).collect()
    }

    /// Records that `delivery` was cancelled or expired, unless it ended or another attempt was recorded meanwhile.
    pub async fn record_closed(&self, delivery: &Delivery) -> Result<WriteOutcome, StoreError> {
        self.note_late(delivery).await?;
        let row = self.row(delivery, None, None);
        let call = self.table.putting(&row)?;
        let made_before = i64::from(row.content.attempt_count);
        let written = self.table.put_if(awaiting(call, made_before, &UNDER_WAY)).await?;
        if written == WriteOutcome::Applied {
            self.count_added(delivery).await;
        }
        Ok(written)
    }

    /// Stores a delivery that has no row yet, and has the sweep check it at `sweep_at`. [`WriteOutcome::Conflict`] if it has a
    /// row.
    pub async fn record_lost(&self, delivery: &Delivery, sweep_at: Timestamp) -> Result<WriteOutcome, StoreError> {
        self.table.insert(&self.row(delivery, Some(sweep_at), None)).await
    }

    /// Stores the erased form of `known`, unless something was recorded meanwhile.
    pub(super) async fn record_erased(
        &self,
        known: Option<&Delivery>,
        erased: &Delivery,
    ) -> Result<WriteOutcome, StoreError> {
        self.note_late(erased).await?;
        let row = self.row(erased, None, None);
        let Some(known) = known else { return self.table.insert(&row).await };
        let call = self
            .table
            .putting(&row)?
            .condition_expression("attemptCount = :made AND #state = :state AND replayCount = :replays")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":made", number(known.attempts_made().into()))
            .expression_attribute_values(":state", text(stored_state(known).as_str()))
            .expression_attribute_values(":replays", number(known.replay_count.into()));
        self.table.put_if(call).await
    }

    /// Records that `delivery` is held from `now` on, unless it is held already or another attempt was recorded meanwhile.
    pub async fn record_held(&self, delivery: &Delivery, now: Timestamp) -> Result<WriteOutcome, StoreError> {
        let held = Some(HeldKeys::new(delivery.id.endpoint, now));
        self.record_under_way(delivery, None, held, &[DeliveryState::Waiting]).await
    }

    /// Records a delivery that made no attempt, if the stored one is in one of `states` and made no attempt meanwhile.
    pub(super) async fn record_under_way(
        &self,
        delivery: &Delivery,
        sweep_at: Option<Timestamp>,
        held: Option<HeldKeys>,
        states: &[DeliveryState],
    ) -> Result<WriteOutcome, StoreError> {
        let row = self.row(delivery, sweep_at, held);
        let call = self.table.putting(&row)?;
        self.table.put_if(awaiting(call, i64::from(row.content.attempt_count), states)).await
    }

    pub(super) fn row(
        &self,
        delivery: &Delivery,
        sweep_at: Option<Timestamp>,
        held: Option<HeldKeys>,
    ) -> Row<DeliveryRow> {
        let (pk, sk) = keys::delivery_row(delivery.project_id, delivery.id);
        let accepted_at = delivery.id.event.created_at();
        let expires_at = match delivery.ended_at() {
            Some(at) => self.retention.expiry_after_end(accepted_at, at),
            None if delivery.state.is_final() => self.retention.expiry_of(accepted_at),
            None => Retention::expiry_while_open(accepted_at),
        };
        let content = DeliveryRow {
            delivery: Delivery {
                state: stored_state(delivery),
                hold_reason: delivery.hold_reason.and_then(stored_hold_reason),
                ..delivery.clone()
            },
            is_expired: delivery.state == DeliveryState::Expired,
            is_held_for_order: delivery.hold_reason == Some(DeliveryHoldReason::Order),
            precise_hold_reason: delivery
                .hold_reason
                .filter(|reason| stored_hold_reason(*reason).is_some_and(|stored| stored != *reason)),
            attempt_count: delivery.attempts_made(),
            sweep: sweep_at.map(|sweep_at| SweepKeys::new(delivery.id.event.as_bytes(), sweep_at)),
            held,
            expires_at,
        };
        Row { pk, sk, content }
    }
}

/// The states in which a stored delivery still waits for an attempt.
pub(super) const UNDER_WAY: [DeliveryState; 2] = [DeliveryState::Waiting, DeliveryState::Held];

/// Requires that the stored delivery has made exactly `made_before` attempts and is in one of `states`.
fn awaiting(mut call: PutItemFluentBuilder, made_before: i64, states: &[DeliveryState]) -> PutItemFluentBuilder {
    for state in states {
        call = call.expression_attribute_values(format!(":{state}"), text(state.as_str()));
    }
    let names: Vec<String> = states.iter().map(|state| format!(":{state}")).collect();
    let awaits = format!("attemptCount = :made AND #state IN ({})", names.join(", "));
    // A delivery without a row is queued.
    let condition = if made_before == 0 { format!("{ABSENT} OR ({awaits})") } else { awaits };
    call.condition_expression(condition)
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":made", number(made_before))
}
