//! The order of a submission's deliveries to an ordered endpoint. [`domain::webhooks::delivery::order`] has the rules.
//!
//! All reads are strongly consistent: a sender must see every end that was recorded before it held its own delivery.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use super::batch_get::Consistency;
use super::deliveries::{DeliveryStore, UNDER_WAY, read_deliveries};
use super::error::StoreError;
use super::events::EventStore;
use super::keys;
use super::keys::SweepKeys;
use super::outcome::WriteOutcome;
use super::table::{self, number, text, unavailable};
use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{self, Delivery, DeliveryState, order, remind};
use domain::webhooks::event::{Event, EventType, Sequence, SubmissionId};
use futures::{StreamExt, TryStreamExt, stream};

/// Maximum number of events that one read looks up concurrently.
const MAX_CONCURRENT_READS: usize = 5;

/// Number of events of a submission before a delivery that can block it. Earlier ones do not, which limits the reads of an attempt.
const MAX_BLOCKING: u64 = 200;

/// Number of deliveries that are read at once. Usually, one of the nearest ones has not ended.
const CHUNK: usize = 25;

/// The place of a delivery among those of its submission to the same endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceInOrder {
    /// The delivery's row; `None` if it has none, or if the event is not ordered.
    pub own: Option<Delivery>,
    /// One of the earlier deliveries that have not ended. `None`: it is the delivery's turn.
    pub blocked_by: Option<Delivery>,
}

/// An event without a delivery row: its type, and the endpoints that it goes to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Naming {
    #[serde(rename = "type")]
    event_type: EventType,
    endpoints: Vec<EndpointId>,
    erased_at: Option<Timestamp>,
}

impl EventStore {
    /// Returns the place of the delivery of `event` to `endpoint`. An event without a number is not ordered: nothing is read.
    pub async fn place_in_order(
        &self,
        event: &Event,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<PlaceInOrder, StoreError> {
        let Some((submission, sequence)) = numbered(event) else {
            return Ok(PlaceInOrder { own: None, blocked_by: None });
        };
        let window = sequence.get().saturating_sub(MAX_BLOCKING)..sequence.get();
        let mut earlier = match sequence.get() {
            1 => Vec::new(),
            _ => self.events_where(event.project_id, submission, |other| window.contains(&other.get()), now).await?,
        };
        earlier.push((event.id, sequence));
        earlier.reverse();
        let mut place = PlaceInOrder { own: None, blocked_by: None };
        for events in earlier.chunks(CHUNK) {
            let mut rows = self.rows_of(event.project_id, events, endpoint).await?;
            let others = match events {
                [(id, _), others @ ..] if *id == event.id => {
                    place.own = rows.remove(id).flatten();
                    others
                }
                others => others,
            };
            place.blocked_by = self.blocking(event, others, rows, endpoint).await?;
            if place.blocked_by.is_some() {
                break;
            }
        }
        Ok(place)
    }

    /// Returns one of the deliveries of `events` that has not ended. `rows` are those that have a row.
    async fn blocking(
        &self,
        event: &Event,
        events: &[(EventId, Sequence)],
        rows: HashMap<EventId, Option<Delivery>>,
        endpoint: EndpointId,
    ) -> Result<Option<Delivery>, StoreError> {
        let queued = |(id, sequence), event_type| {
            let (project, id) = (event.project_id, DeliveryId { event: id, endpoint });
            let queued = Delivery::unattempted(project, id, event_type, event.submission_id.clone());
            Delivery { sequence: Some(sequence), ..queued }
        };
        // A row that this version cannot read may be one that has not ended.
        let stored =
            |of: &(EventId, Sequence)| Some(rows.get(&of.0)?.clone().unwrap_or_else(|| queued(*of, event.event_type)));
        if let Some(blocking) = order::blocking(events.iter().filter_map(stored)) {
            return Ok(Some(blocking));
        }
        let without_row = events.iter().copied().filter(|(id, _)| !rows.contains_key(id)).collect();
        let naming = self.first_naming(event.project_id, without_row, endpoint).await?;
        Ok(naming.map(|(event, event_type)| queued(event, event_type)))
    }

    /// Returns the delivery that is sent next, now that the delivery of `event` to `endpoint` has ended. `None` if there is none that is
    /// held for order, or if another one precedes it.
    pub async fn next_in_order(
        &self,
        event: &Event,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError> {
        let Some((submission, sequence)) = numbered(event) else { return Ok(None) };
        let last = sequence.get() + MAX_BLOCKING;
        let is_later = |other: Sequence| other > sequence && other.get() <= last;
        let later = self.events_where(event.project_id, submission, is_later, now).await?;
        for events in later.chunks(CHUNK) {
            let mut rows = self.rows_of(event.project_id, events, endpoint).await?;
            // Most events without a row do not go to this endpoint. If one does, the delivery after it is held again.
            let stored = events.iter().filter_map(|(id, _)| rows.remove(id).flatten());
            if let Some(open) = order::blocking(stored) {
                return Ok(order::next([open]));
            }
        }
        Ok(None)
    }

    /// The events of a submission with the wanted numbers, in their order. Leaves out those whose deliveries have expired.
    async fn events_where(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        is_wanted: impl Fn(Sequence) -> bool,
        now: Timestamp,
    ) -> Result<Vec<(EventId, Sequence)>, StoreError> {
        let found = self.submission(project, submission).await?;
        let has_expired = |id| delivery::has_expired(id, now, self.retention.duration());
        let numbered = found.events.into_iter().map(|(id, place)| (id, place.sequence));
        Ok(numbered.filter(|(id, sequence)| is_wanted(*sequence) && !has_expired(*id)).collect())
    }

    /// The delivery rows of events to one endpoint. `None`: this version cannot read the row.
    async fn rows_of(
        &self,
        project: ProjectId,
        events: &[(EventId, Sequence)],
        endpoint: EndpointId,
    ) -> Result<HashMap<EventId, Option<Delivery>>, StoreError> {
        let key = |(event, _): &(EventId, _)| keys::delivery_row(project, DeliveryId { event: *event, endpoint });
        let keys: Vec<_> = events.iter().map(key).collect();
        let rows = read_deliveries(self.table.get_all(&keys, Consistency::Strong).await?);
        Ok(rows.into_iter().map(|(id, delivery)| (id.event, delivery)).collect())
    }

    /// The first one of `events` that goes to the endpoint, with its type. An event that was erased has a row, or its delivery was never
    /// made.
    async fn first_naming(
        &self,
        project: ProjectId,
        events: Vec<(EventId, Sequence)>,
        endpoint: EndpointId,
    ) -> Result<Option<((EventId, Sequence), EventType)>, StoreError> {
        let reads = events.into_iter().map(|event| async move {
            let naming = self.naming(project, event.0).await?;
            let goes_there = |naming: &Naming| naming.erased_at.is_none() && naming.endpoints.contains(&endpoint);
            Ok(naming.filter(goes_there).map(|naming| (event, naming.event_type)))
        });
        let found = stream::iter(reads.collect::<Vec<_>>()).buffered(MAX_CONCURRENT_READS);
        let first = found.try_filter_map(|found| async move { Ok(found) });
        std::pin::pin!(first).try_next().await
    }

    /// The type and the endpoints of an event, without its data; `None` if it is no longer stored.
    async fn naming(&self, project: ProjectId, id: EventId) -> Result<Option<Naming>, StoreError> {
        let (pk, sk) = keys::event_row(project, id);
        let call = self.table.client().get_item().table_name(self.table.name()).consistent_read(true);
        let call = call.key("pk", text(pk)).key("sk", text(sk)).projection_expression("#type, endpoints, erasedAt");
        let call = call.expression_attribute_names("#type", "type");
        call.send().await.map_err(unavailable)?.item.map(table::read).transpose()
    }
}

impl DeliveryStore {
    /// Records that `delivery` is held for order, unless it ended or another attempt was recorded meanwhile. The sweep checks it
    /// again after a few minutes.
    pub async fn record_held_for_order(&self, delivery: &Delivery, now: Timestamp) -> Result<WriteOutcome, StoreError> {
        let since = delivery.next_attempt_at.unwrap_or(now);
        self.record_under_way(delivery, Some(remind(since, now).sweep_at), None, &UNDER_WAY).await
    }

    /// Releases a delivery that is held for order: its next attempt is due at `now`. [`WriteOutcome::Conflict`] if it is no longer
    /// held, or if another sender released it.
    pub async fn release_in_order(&self, delivery: &Delivery, now: Timestamp) -> Result<WriteOutcome, StoreError> {
        let (pk, sk) = keys::delivery_row(delivery.project_id, delivery.id);
        let sweep = SweepKeys::new(delivery.id.event.as_bytes(), remind(now, now).sweep_at);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET nextAttemptAt = :now, sweepAt = :sweep REMOVE isHeldForOrder")
            .condition_expression("#state = :waiting AND isHeldForOrder = :true AND attemptCount = :made")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":sweep", number(sweep.sweep_at))
            .expression_attribute_values(":waiting", text(DeliveryState::Waiting.as_str()))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":made", number(delivery.attempts_made().into()));
        self.table.update_if(call).await
    }
}

/// The submission of an event and its number there.
fn numbered(event: &Event) -> Option<(&SubmissionId, Sequence)> {
    Some((event.submission_id.as_ref()?, event.sequence?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Database;
    use super::super::{Due, DueSelection, SHARDS};
    use super::*;
    use domain::foundation::draft::Draft;
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::attempt::{Attempt, Phases};
    use domain::webhooks::delivery::{DeliveryFilter, DeliveryHoldReason, Position};
    use domain::webhooks::event::NewEvent;
    use domain::webhooks::health::HoldReason;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    /// A project with an endpoint.
    struct Site {
        store: Database,
        project: ProjectId,
        endpoint: EndpointId,
    }

    impl Site {
        async fn new() -> Self {
            let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
            Self { store: Database::start().await, project, endpoint }
        }

        /// Accepts an event of the submission, and returns it with its delivery to the endpoint.
        async fn accept(&self, endpoints: &[EndpointId]) -> (Event, Delivery) {
            let draft = Draft::parse(br#"{"type":"approved","submissionId":"sub-1","data":{}}"#).unwrap();
            let event = NewEvent::try_from(draft).unwrap().accept(EventId::new(now(), &SystemRandom), self.project);
            let event = self.store.accept(&event, endpoints).await;
            let delivery = Delivery::queued(&event, self.endpoint);
            (event, delivery)
        }

        async fn held(&self) -> (Event, Delivery) {
            let (event, delivery) = self.accept(&[self.endpoint]).await;
            let held = delivery.held_for_order(now());
            self.store.deliveries.record_held_for_order(&held, now()).await.unwrap();
            (event, held)
        }

        async fn stored(&self, delivery: &Delivery) -> Delivery {
            self.store.deliveries.recorded_now(self.project, delivery.id).await.unwrap().unwrap()
        }

        async fn blocked_by(&self, event: &Event) -> Option<DeliveryId> {
            let place = self.store.events.place_in_order(event, self.endpoint, now()).await.unwrap();
            place.blocked_by.map(|delivery| delivery.id)
        }

        async fn next_after(&self, event: &Event) -> Option<DeliveryId> {
            self.store.events.next_in_order(event, self.endpoint, now()).await.unwrap().map(|delivery| delivery.id)
        }

        async fn found(&self, state: DeliveryState) -> Vec<DeliveryId> {
            let (filter, position) =
                (DeliveryFilter { state: Some(state), ..DeliveryFilter::default() }, Position::first(None, now()));
            let found = self.store.events.find_deliveries(self.project, &filter, position, 10, now()).await.unwrap();
            found.deliveries.into_iter().map(|delivery| delivery.id).collect()
        }
    }

    fn delivered(delivery: Delivery) -> Delivery {
        let (phases, status) = (Phases::default(), Some(200));
        delivery
            .after(Attempt { number: 1, at: now(), duration_ms: 1, phases, status, reason: None, response: None }, None)
    }

    #[tokio::test]
    async fn a_delivery_is_blocked_by_an_earlier_one_to_its_endpoint_until_that_has_ended() {
        let site = Site::new().await;
        let (first, of_first) = site.accept(&[site.endpoint]).await;
        site.accept(&[EndpointId::new(now(), &SystemRandom)]).await;
        let (third, _) = site.accept(&[site.endpoint]).await;
        assert_eq!((site.blocked_by(&first).await, site.blocked_by(&third).await), (None, Some(of_first.id)));
        let paused = of_first.clone().held(HoldReason::Paused);
        site.store.deliveries.record_held(&paused, now()).await.unwrap();
        assert_eq!(site.blocked_by(&third).await, Some(of_first.id));
        site.store.deliveries.record(&delivered(of_first), None).await.unwrap();
        assert_eq!(site.blocked_by(&third).await, None);
    }

    #[tokio::test]
    async fn the_first_open_delivery_is_next_if_it_is_held_for_order() {
        let site = Site::new().await;
        let (first, _) = site.accept(&[site.endpoint]).await;
        let (second, of_second) = site.accept(&[site.endpoint]).await;
        assert_eq!(site.next_after(&first).await, None);
        let (_, of_third) = site.held().await;
        assert_eq!(site.next_after(&first).await, Some(of_third.id), "the second has no row");
        site.store.deliveries.record_lost(&of_second.clone().released(now()), now()).await.unwrap();
        assert_eq!(site.next_after(&first).await, None);
        site.store.deliveries.record(&delivered(of_second), None).await.unwrap();
        assert_eq!(
            (site.next_after(&first).await, site.next_after(&second).await),
            (Some(of_third.id), Some(of_third.id))
        );
    }

    #[tokio::test]
    async fn the_nearest_open_deliveries_are_read_and_those_of_more_than_200_events_ago_do_not_block() {
        let site = Site::new().await;
        let (_, of_first) = site.accept(&[site.endpoint]).await;
        for _ in 2..=200 {
            site.accept(&[]).await;
        }
        let (last_blocked, of_last_blocked) = site.accept(&[site.endpoint]).await;
        assert_eq!(site.blocked_by(&last_blocked).await, Some(of_first.id));
        let (next, of_next) = site.accept(&[site.endpoint]).await;
        assert_eq!(site.blocked_by(&next).await, Some(of_last_blocked.id), "the nearest one is found first");
        site.store.deliveries.record(&delivered(of_last_blocked), None).await.unwrap();
        assert_eq!(site.blocked_by(&next).await, None, "the first one is 201 events ago");
        let own = of_next.held_for_order(now());
        site.store.deliveries.record_held_for_order(&own, now()).await.unwrap();
        let place = site.store.events.place_in_order(&next, site.endpoint, now()).await.unwrap();
        assert_eq!(place, PlaceInOrder { own: Some(own), blocked_by: None });
    }

    #[tokio::test]
    async fn the_next_delivery_is_found_up_to_200_events_later() {
        let site = Site::new().await;
        let (first, _) = site.accept(&[site.endpoint]).await;
        let (second, _) = site.accept(&[]).await;
        for _ in 3..=201 {
            site.accept(&[]).await;
        }
        let (_, held) = site.held().await;
        assert_eq!((site.next_after(&first).await, site.next_after(&second).await), (None, Some(held.id)));
    }

    #[tokio::test]
    async fn an_earlier_delivery_without_a_row_has_the_type_and_the_number_of_its_event() {
        let site = Site::new().await;
        let draft = Draft::parse(br#"{"type":"aml","submissionId":"sub-1","data":{}}"#).unwrap();
        let lost = NewEvent::try_from(draft).unwrap().accept(EventId::new(now(), &SystemRandom), site.project);
        let lost = site.store.accept(&lost, &[site.endpoint]).await;
        let (event, _) = site.accept(&[site.endpoint]).await;
        let place = site.store.events.place_in_order(&event, site.endpoint, now()).await.unwrap();
        assert_eq!(place.blocked_by, Some(Delivery::queued(&lost, site.endpoint)));
    }

    #[tokio::test]
    async fn a_delivery_that_is_held_for_order_is_due_and_is_released_once() {
        let site = Site::new().await;
        let (_, held) = site.held().await;
        assert_eq!(site.stored(&held).await, held);
        assert_eq!(
            (site.found(DeliveryState::Held).await, site.found(DeliveryState::Waiting).await),
            (vec![held.id], vec![])
        );
        let mut due = Vec::new();
        for shard in 0..SHARDS {
            let until = now().plus(Duration::from_mins(5));
            due.extend(site.store.sweep.due_in_shard(shard, until, None, DueSelection::ALL).await.unwrap().due);
        }
        assert!(
            matches!(&due[..], [Due::Delivery(due)] if due.id == held.id && due.next_attempt_at == now()),
            "{due:?}"
        );

        let release = async || site.store.deliveries.release_in_order(&held, now()).await.unwrap();
        assert_eq!((release().await, release().await), (WriteOutcome::Applied, WriteOutcome::Conflict));
        assert_eq!(site.stored(&held).await, held.clone().released(now()));
        assert_eq!(
            (site.found(DeliveryState::Held).await, site.found(DeliveryState::Waiting).await),
            (vec![], vec![held.id])
        );
    }

    #[tokio::test]
    async fn an_earlier_version_reads_a_delivery_that_is_held_for_order_as_waiting() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Earlier {
            state: DeliveryState,
            next_attempt_at: Timestamp,
            held_because: Option<HoldReason>,
        }
        let site = Site::new().await;
        let (_, held) = site.held().await;
        let (pk, sk) = keys::delivery_row(site.project, held.id);
        let earlier: Option<Earlier> = site.store.deliveries.table.get_now(&pk, &sk).await.unwrap();
        let expected = Earlier { state: DeliveryState::Waiting, next_attempt_at: now(), held_because: None };
        assert_eq!(earlier, Some(expected));
    }

    #[tokio::test]
    async fn a_pause_takes_over_and_an_expiry_keeps_the_reason() {
        let site = Site::new().await;
        let (_, held) = site.held().await;
        let paused = held.clone().held(HoldReason::Paused);
        let deliveries = &site.store.deliveries;
        assert_eq!(deliveries.record_held(&paused, now()).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(site.stored(&held).await, paused);
        assert_eq!(deliveries.record_held_for_order(&held, now()).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(deliveries.held_for(site.endpoint, 5).await.unwrap().0, []);
        deliveries.expire(site.project, held.id, 0, now()).await.unwrap();
        let expired = site.stored(&held).await;
        assert_eq!((expired.state, expired.hold_reason), (DeliveryState::Expired, Some(DeliveryHoldReason::Order)));
    }
}
