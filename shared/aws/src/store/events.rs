//! Events, and the deliveries that follow from them.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::{Deserialize, Serialize};

use super::compression::PackedText;
use super::deliveries::{DeliveryStore, StoredDeliveries};
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::retention::Retention;
use super::table::Table;
use super::table::{self, Row, text, unavailable};
use crate::client::Aws;
use domain::foundation::id::{DeliveryId, EndpointId, EventId, LateEntryId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{Event, EventData, EventType, Sequence, SubmissionId};
use domain::webhooks::feed;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};

/// Maximum number of concurrent writes for the events of a chunk that were not stored together.
const MAX_CONCURRENT_PUTS: usize = 5;

/// An accepted event and its endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// The endpoints that subscribed to it when it was accepted.
    pub endpoints: Vec<EndpointId>,
}

/// The row of an event. Its data is a compressed string, because DynamoDB's maps would change numbers and order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventRow {
    id: EventId,
    project_id: ProjectId,
    #[serde(rename = "type")]
    event_type: EventType,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    occurred_at: Timestamp,
    /// Absent after erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PackedText>,
    endpoints: Vec<EndpointId>,
    /// Its entry in the lane `late` of the feed, if it has no submission and was accepted late.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_entry: Option<LateEntryId>,
    expires_at: i64,
}

impl EventRow {
    /// Returns the event without its number; `None` after erasure.
    fn read(self) -> Result<Option<StoredEvent>, StoreError> {
        let Some(PackedText(data)) = self.data else { return Ok(None) };
        let data = EventData::try_from(data).map_err(|error| StoreError::Row(serde::de::Error::custom(error)))?;
        let event = Event {
            id: self.id,
            project_id: self.project_id,
            event_type: self.event_type,
            submission_id: self.submission_id,
            sequence: None,
            occurred_at: self.occurred_at,
            data,
        };
        Ok(Some(StoredEvent { event, endpoints: self.endpoints }))
    }
}

/// The attributes of an event that lists need. The data may be large and is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventHeading {
    /// The event's id.
    pub id: EventId,
    project_id: ProjectId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The submission that the event belongs to.
    pub submission_id: Option<SubmissionId>,
    /// Its number within the submission. The row does not have it; see [`EventStore::add_numbers`].
    #[serde(skip)]
    pub sequence: Option<Sequence>,
    /// Its entry in the lane `late` of the feed, if it has no submission and was accepted late.
    pub(super) late_entry: Option<LateEntryId>,
    /// When the event occurred, as the operator stated.
    pub occurred_at: Timestamp,
    /// The endpoints that subscribed to it when it was accepted.
    pub endpoints: Vec<EndpointId>,
    /// When its data was erased.
    pub erased_at: Option<Timestamp>,
}

impl EventHeading {
    /// Whether the event was accepted, as far as this can be known at `now`. An event of a submission is stored before it gets its number,
    /// and is accepted with it. Later, an event without a number is one that an earlier version accepted.
    pub(super) fn is_accepted(&self, now: Timestamp) -> bool {
        self.submission_id.is_none() || self.sequence.is_some() || feed::is_settled(self.id.created_at(), now)
    }
}

/// A stored event with its data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeptEvent {
    /// Everything but the data.
    #[serde(flatten)]
    pub heading: EventHeading,
    data: Option<PackedText>,
}

impl KeptEvent {
    /// Returns the data; `None` after erasure.
    pub fn data(&self) -> Result<Option<EventData>, StoreError> {
        let data = self.data.clone().map(|PackedText(data)| EventData::try_from(data)).transpose();
        data.map_err(|error| StoreError::Row(serde::de::Error::custom(error)))
    }

    /// Size of the data in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.data.as_ref().map_or(0, |PackedText(data)| data.len())
    }
}

impl EventHeading {
    /// Returns the deliveries in the order of their endpoints: as stored, or queued where there is no row yet. A delivery whose
    /// row cannot be read is left out.
    pub(super) fn deliveries(&self, recorded: &StoredDeliveries) -> Vec<Delivery> {
        let unattempted = |id| Delivery::unattempted(self.project_id, id, self.event_type, self.submission_id.clone());
        let queued = |id| Delivery { sequence: self.sequence, ..unattempted(id) };
        let ids: BTreeSet<DeliveryId> =
            self.endpoints.iter().map(|endpoint| DeliveryId { event: self.id, endpoint: *endpoint }).collect();
        ids.into_iter().filter_map(|id| recorded.get(&id).cloned().unwrap_or_else(|| Some(queued(id)))).collect()
    }
}

/// Which events of a project are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayRange {
    /// The day on which they were accepted.
    pub(super) day: UtcDay,
    /// The earliest time of acceptance, inclusive.
    pub(super) from: Option<Timestamp>,
    /// The oldest event that is newer than all of them.
    pub(super) before: Option<EventId>,
}

/// Events of one day, newest first.
#[derive(Debug, Default)]
pub(super) struct EventPage {
    pub(super) events: Vec<EventHeading>,
    /// The last event that was read, if older ones of the day may follow.
    pub(super) next_before: Option<EventId>,
}

/// Deliveries of one project and day, newest event first.
#[derive(Debug, Clone, PartialEq)]
pub struct DayPage {
    /// The deliveries. One without a row is queued.
    pub deliveries: Vec<Delivery>,
    /// The events that have a submission and were not erased.
    pub of_submissions: Vec<(SubmissionId, EventId)>,
    /// The last event of the page, if there may be older ones.
    pub next_before: Option<EventId>,
}

/// Events, and what can be found through them: their deliveries, searches, reports, erasure.
#[derive(Debug, Clone)]
pub struct EventStore {
    pub(super) table: Table,
    pub(super) retention: Retention,
    pub(super) deliveries: DeliveryStore,
}

impl EventStore {
    /// Opens the store in the table `activity` with this name. Rows expire after `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        let deliveries = DeliveryStore::new(aws, table, retention);
        Self { table: deliveries.table.clone(), retention, deliveries }
    }

    /// Stores an event for `endpoints`, without a number. Returns whether this call stored it, and its endpoints. Storing the same
    /// event again changes nothing: it keeps the endpoints of the first time.
    pub async fn put(
        &self,
        event: &Event,
        endpoints: &[EndpointId],
    ) -> Result<(WriteOutcome, Vec<EndpointId>), StoreError> {
        self.put_row(&self.row(event, endpoints, None)).await
    }

    async fn put_row(&self, row: &Row<EventRow>) -> Result<(WriteOutcome, Vec<EndpointId>), StoreError> {
        let endpoints = &row.content.endpoints;
        if self.table.insert(row).await? == WriteOutcome::Applied {
            return Ok((WriteOutcome::Applied, endpoints.clone()));
        }
        // Also after an erasure, which cancels the deliveries: the event must not get others.
        let stored: Option<EventHeading> = self.table.get_now(&row.pk, &row.sk).await?;
        Ok((WriteOutcome::Conflict, stored.map_or_else(|| endpoints.clone(), |stored| stored.endpoints)))
    }

    /// Does what [`Self::put`] does for each of `events`, and returns the results in the same order. `late` has the entries of late
    /// events without a submission. Most events are new: 25 of them are stored with one call.
    pub(super) async fn put_all(
        &self,
        events: &[(Event, Vec<EndpointId>)],
        late: &HashMap<EventId, LateEntryId>,
    ) -> Result<Vec<(WriteOutcome, Vec<EndpointId>)>, StoreError> {
        let rows = events.iter().map(|(event, endpoints)| self.row(event, endpoints, late.get(&event.id).copied()));
        let rows: Vec<Row<EventRow>> = rows.collect();
        Ok(try_join_all(rows.chunks(table::MAX_STATEMENTS).map(|chunk| self.put_chunk(chunk))).await?.concat())
    }

    async fn put_chunk(&self, rows: &[Row<EventRow>]) -> Result<Vec<(WriteOutcome, Vec<EndpointId>)>, StoreError> {
        let is_stored = if rows.len() == 1 { vec![false] } else { self.table.insert_all(rows).await };
        let outcomes = rows.iter().zip(is_stored).map(|(row, is_stored)| async move {
            if is_stored { Ok((WriteOutcome::Applied, row.content.endpoints.clone())) } else { self.put_row(row).await }
        });
        stream::iter(outcomes.collect::<Vec<_>>()).buffered(MAX_CONCURRENT_PUTS).try_collect().await
    }

    fn row(&self, event: &Event, endpoints: &[EndpointId], late_entry: Option<LateEntryId>) -> Row<EventRow> {
        let content = EventRow {
            id: event.id,
            project_id: event.project_id,
            event_type: event.event_type,
            submission_id: event.submission_id.clone(),
            occurred_at: event.occurred_at,
            data: Some(PackedText(event.data.get().to_owned())),
            endpoints: endpoints.to_vec(),
            late_entry,
            expires_at: self.retention.expiry_of(event.id.created_at()),
        };
        let (pk, sk) = keys::event_row(event.project_id, event.id);
        Row { pk, sk, content }
    }

    /// Returns an event that was not erased, with its number (strongly consistent, because a delivery without its event is dropped).
    pub async fn get(&self, project: ProjectId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let row: Option<EventRow> = self.table.get_now(&keys::day(project, id.day()), &keys::event(id)).await?;
        let Some(mut stored) = row.map_or(Ok(None), EventRow::read)? else { return Ok(None) };
        if let Some(submission) = &stored.event.submission_id {
            let places = self.numbers_of(project, &[(submission.clone(), id)]).await?;
            stored.event.sequence = places.get(&id).map(|place| place.sequence);
        }
        Ok(Some(stored))
    }

    /// Returns an event with its data and its number (eventually consistent).
    pub async fn get_kept(&self, project: ProjectId, id: EventId) -> Result<Option<KeptEvent>, StoreError> {
        let Some(mut kept) = self.get_unnumbered(project, id).await? else { return Ok(None) };
        self.add_numbers(project, std::slice::from_mut(&mut kept.heading)).await?;
        Ok(Some(kept))
    }

    pub(super) async fn get_unnumbered(
        &self,
        project: ProjectId,
        id: EventId,
    ) -> Result<Option<KeptEvent>, StoreError> {
        self.table.get(&keys::day(project, id.day()), &keys::event(id)).await
    }

    pub(super) async fn get_unnumbered_now(
        &self,
        project: ProjectId,
        id: EventId,
    ) -> Result<Option<KeptEvent>, StoreError> {
        self.table.get_now(&keys::day(project, id.day()), &keys::event(id)).await
    }

    /// Adds the numbers of events of a project.
    pub(super) async fn add_numbers(&self, project: ProjectId, events: &mut [EventHeading]) -> Result<(), StoreError> {
        let listed = events.iter().filter_map(|event| Some((event.submission_id.clone()?, event.id)));
        let places = self.numbers_of(project, &listed.collect::<Vec<_>>()).await?;
        for event in events {
            event.sequence = places.get(&event.id).map(|place| place.sequence);
        }
        Ok(())
    }

    /// Reads at most `limit` events of a day with one call, newest first, and returns those of `event_type` if it is given.
    pub(super) async fn page_of_events(
        &self,
        project: ProjectId,
        range: DayRange,
        event_type: Option<EventType>,
        limit: u16,
    ) -> Result<EventPage, StoreError> {
        let DayRange { day, from, before } = range;
        let Some((first, last)) = keys::event_range(from, before) else { return Ok(EventPage::default()) };
        // The range includes its end, which is left out below.
        let limit = i32::from(limit) + i32::from(before.is_some());
        let mut query = headings(self.table.between(&keys::day(project, day), &first, &last));
        if let Some(event_type) = event_type {
            let wanted = text(event_type.as_str());
            query = query.filter_expression("#type = :wanted").expression_attribute_values(":wanted", wanted);
        }
        let answer = query.scan_index_forward(false).limit(limit).send().await.map_err(unavailable)?;
        let events: Vec<EventHeading> =
            answer.items.unwrap_or_default().into_iter().map(table::read).collect::<Result<_, _>>()?;
        let events = events.into_iter().filter(|event| Some(event.id) != before).collect();
        let next_before = answer.last_evaluated_key.as_ref().and_then(|key| keys::event_in(&table::string(key, "sk")));
        Ok(EventPage { events, next_before })
    }

    /// Returns the deliveries of at most `limit` events of a project and day, newest event first, older than `before` if it
    /// is given.
    pub async fn deliveries_on(
        &self,
        project: ProjectId,
        day: UtcDay,
        before: Option<EventId>,
        limit: u16,
    ) -> Result<DayPage, StoreError> {
        let page = self.page_of_events(project, DayRange { day, from: None, before }, None, limit).await?;
        let deliveries = self.deliveries_of_page(project, day, &page.events).await?;
        let kept = page.events.into_iter().filter(|event| event.erased_at.is_none());
        let of_submissions = kept.filter_map(|event| Some((event.submission_id?, event.id))).collect();
        Ok(DayPage { deliveries, of_submissions, next_before: page.next_before })
    }

    /// Returns the deliveries of these events of one day, which are listed newest first.
    pub(super) async fn deliveries_of_page(
        &self,
        project: ProjectId,
        day: UtcDay,
        events: &[EventHeading],
    ) -> Result<Vec<Delivery>, StoreError> {
        let (Some(newest), Some(oldest)) = (events.first(), events.last()) else { return Ok(Vec::new()) };
        let recorded = self.deliveries.recorded_on(project, day, oldest.id, newest.id).await?;
        Ok(events.iter().flat_map(|event| event.deliveries(&recorded)).collect())
    }

    /// Returns the deliveries of one event; `None` if there is no such event.
    pub async fn deliveries_of(&self, project: ProjectId, id: EventId) -> Result<Option<Vec<Delivery>>, StoreError> {
        let key = keys::event(id);
        let query = headings(self.table.between(&keys::day(project, id.day()), &key, &key));
        let Some(event) = table::all::<EventHeading>(query).await?.pop() else { return Ok(None) };
        let recorded = self.deliveries.recorded_on(project, id.day(), id, id).await?;
        Ok(Some(event.deliveries(&recorded)))
    }
}

/// Selects all attributes but the data.
pub(super) fn headings(query: QueryFluentBuilder) -> QueryFluentBuilder {
    query
        .projection_expression("id, projectId, #type, submissionId, occurredAt, endpoints, erasedAt, lateEntry")
        .expression_attribute_names("#type", "type")
}

#[cfg(all(test, feature = "queue"))]
mod tests;
