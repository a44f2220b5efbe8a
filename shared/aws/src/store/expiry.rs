//! Deliveries that expire: a search for held ones, and the write that ends them.
//!
//! The sweep sees waiting deliveries in the index `due`, but held ones only when their endpoint is checked, and a paused
//! endpoint is not checked. The search therefore scans the index `held`, which contains held deliveries only.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::deliveries::{DeliveryStore, STORED_EXPIRED, UNDER_WAY};
use super::error::StoreError;
use super::held::Held;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{self, Item, RowKey, number, text};
use domain::foundation::id::{DeliveryId, EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::expired_before;

/// Number of parts of the index `held` that can be scanned in parallel.
pub const SCAN_SEGMENTS: i32 = 8;

/// A page of a scan of the index `held`.
#[derive(Debug)]
pub struct HeldPage {
    /// Held deliveries that expire.
    pub held: Vec<Held>,
    /// The keys of deliveries that cannot be read.
    pub unreadable: Vec<RowKey>,
    /// Where the scan continues, if there may be more.
    pub next: Option<HeldPosition>,
}

/// A position in a scan of the index `held`.
#[derive(Debug, Clone)]
pub struct HeldPosition(Item);

impl DeliveryStore {
    /// Returns a page of the held deliveries that expire at `now`, of one segment (0 to [`SCAN_SEGMENTS`] - 1). A page may be
    /// empty although more follow, because DynamoDB filters rows after it has read them.
    pub async fn held_to_expire(
        &self,
        segment: i32,
        now: Timestamp,
        after: Option<HeldPosition>,
    ) -> Result<HeldPage, StoreError> {
        let newest = expired_before(now, self.retention.duration());
        let first_open = EventId::first_at(newest.plus(Duration::from_millis(1)));
        let call = self
            .table
            .client()
            .scan()
            .table_name(self.table.name())
            .index_name("held")
            .segment(segment)
            .total_segments(SCAN_SEGMENTS)
            // Ids of deliveries begin with the event's id, whose order is that of the events.
            .filter_expression("id < :first")
            .expression_attribute_values(":first", text(first_open.to_string()))
            .set_exclusive_start_key(after.map(|HeldPosition(key)| key));
        let page = call.send().await.map_err(table::unavailable)?;
        let (held, unreadable) = table::read_each(page.items.unwrap_or_default());
        Ok(HeldPage { held, unreadable, next: page.last_evaluated_key.map(HeldPosition) })
    }

    /// Ends a delivery as expired at `now`. [`WriteOutcome::Conflict`] if it ended, or if an attempt was recorded after the
    /// `attempt_count` that the caller saw.
    pub async fn expire(
        &self,
        project: ProjectId,
        id: DeliveryId,
        attempt_count: u8,
        now: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        self.note_late_end(project, id, now).await?;
        let (pk, sk) = keys::delivery_row(project, id);
        let [waiting, held] = UNDER_WAY;
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression(
                "SET #state = :expired, isExpired = :true, closedAt = :now, expiresAt = :ttl \
                 REMOVE nextAttemptAt, dueShard, sweepAt, heldFor, heldAt",
            )
            .condition_expression("attemptCount = :made AND #state IN (:waiting, :held)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":expired", text(STORED_EXPIRED.as_str()))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":ttl", number(self.retention.expiry_after_end(id.event.created_at(), now)))
            .expression_attribute_values(":made", number(i64::from(attempt_count)))
            .expression_attribute_values(":waiting", text(waiting.as_str()))
            .expression_attribute_values(":held", text(held.as_str()));
        self.table.update_if(call).await
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::testing::Database;
    use super::*;
    use domain::foundation::id::{EndpointId, ReplayId};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
    use domain::webhooks::delivery::{Delivery, DeliveryState, ReplayOutcome, Replayed};
    use domain::webhooks::event::EventType;
    use domain::webhooks::health::HoldReason;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn queued(accepted_at: Timestamp) -> Delivery {
        let id = DeliveryId {
            event: EventId::new(accepted_at, &SystemRandom),
            endpoint: EndpointId::new(accepted_at, &SystemRandom),
        };
        Delivery::unattempted(ProjectId::new(accepted_at, &SystemRandom), id, EventType::Aml, None)
    }

    fn attempt(reason: Option<FailureReason>) -> Attempt {
        let (number, phases) = (1, Phases::default());
        Attempt { number, at: now(), duration_ms: 250, phases, status: None, reason, response: None }
    }

    /// What versions read that know nothing of the state `expired`, and what DynamoDB reads to delete rows.
    #[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Raw {
        state: DeliveryState,
        expires_at: i64,
    }

    /// Number of days until DynamoDB deletes a row.
    fn days_left(raw: Raw) -> i64 {
        (raw.expires_at - now().as_seconds()) / (24 * 60 * 60)
    }

    async fn raw(store: &Database, delivery: &Delivery) -> Raw {
        let (pk, sk) = keys::delivery_row(delivery.project_id, delivery.id);
        store.deliveries.table.get_now(&pk, &sk).await.unwrap().unwrap()
    }

    async fn stored(store: &Database, delivery: &Delivery) -> Delivery {
        store.deliveries.recorded_now(delivery.project_id, delivery.id).await.unwrap().unwrap()
    }

    async fn expired(store: &Database) -> Delivery {
        let held = queued(now().minus(DAY * 29)).held(HoldReason::Disabled);
        store.deliveries.record_held(&held, now().minus(DAY)).await.unwrap();
        let written = store.deliveries.expire(held.project_id, held.id, 0, now()).await.unwrap();
        assert_eq!(written, WriteOutcome::Applied);
        held.expired(now())
    }

    #[tokio::test]
    async fn an_expired_delivery_is_read_as_expired_and_by_earlier_versions_as_cancelled() {
        let store = Database::start().await;
        let expired = expired(&store).await;
        assert_eq!(
            (stored(&store, &expired).await, raw(&store, &expired).await.state),
            (expired, DeliveryState::Cancelled)
        );

        // The sender writes the whole row.
        let whole = queued(now()).expired(now());
        assert_eq!(store.deliveries.record_closed(&whole).await.unwrap(), WriteOutcome::Applied);
        assert_eq!((stored(&store, &whole).await, raw(&store, &whole).await.state), (whole, DeliveryState::Cancelled));
    }

    #[tokio::test]
    async fn the_row_of_an_open_delivery_is_kept_until_it_has_ended() {
        let store = Database::start().await;
        let waiting = queued(now()).after(attempt(Some(FailureReason::Tls)), Some(DAY));
        store.deliveries.record(&waiting, Some(now())).await.unwrap();
        let held = queued(now()).held(HoldReason::Busy);
        store.deliveries.record_held(&held, now()).await.unwrap();
        let delivered = queued(now()).after(attempt(None), None);
        store.deliveries.record(&delivered, None).await.unwrap();

        assert_eq!(days_left(raw(&store, &waiting).await), 3650);
        assert_eq!(days_left(raw(&store, &held).await), 3650);
        assert_eq!(days_left(raw(&store, &delivered).await), 30);
    }

    #[tokio::test]
    async fn a_delivery_that_ends_late_is_kept_until_the_report_of_the_day_although_its_event_is_deleted_before() {
        let store = Database::start().await;
        let late = || queued(now().minus(DAY * 29));
        assert_eq!(days_left(raw(&store, &expired(&store).await).await), 5);

        let discarded = late().held(HoldReason::Disabled);
        store.deliveries.record_held(&discarded, now().minus(DAY)).await.unwrap();
        let (held, _) = store.deliveries.held_until(discarded.id.endpoint, now(), 1).await.unwrap();
        assert_eq!(store.deliveries.discard(&held, now()).await.unwrap(), 1);
        assert_eq!(days_left(raw(&store, &discarded).await), 5);

        let cancelled = late().cancelled(now());
        store.deliveries.record_closed(&cancelled).await.unwrap();
        assert_eq!(days_left(raw(&store, &cancelled).await), 5);

        for reason in [None, Some(FailureReason::Tls)] {
            let attempted = late().after(attempt(reason), None);
            store.deliveries.record(&attempted, None).await.unwrap();
            assert_eq!(days_left(raw(&store, &attempted).await), 5, "{reason:?}");
        }
    }

    #[tokio::test]
    async fn an_expired_delivery_becomes_delivered_when_a_replay_succeeds() {
        let store = Database::start().await;
        let expired = expired(&store).await;
        for (reason, expected) in [(Some(FailureReason::Tls), DeliveryState::Expired), (None, DeliveryState::Delivered)]
        {
            let replay_id = ReplayId::new(now(), &SystemRandom);
            let replayed = Replayed { replay_id, outcome: ReplayOutcome::Sent(attempt(reason)) };
            let known = stored(&store, &expired).await;
            store.deliveries.add_replay(known, &replayed, false).await.unwrap();
            assert_eq!(stored(&store, &expired).await.state, expected);
        }
    }
}
