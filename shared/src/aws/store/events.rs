//! Events, and the deliveries that follow from them.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::{Deserialize, Serialize};

use super::packed::PackedText;
use super::table::{self, Row};
use super::{Activity, StoreError, Written};
use crate::delivery::Delivery;
use crate::event::{Event, EventData, EventType, SubmissionId};
use crate::id::{DeliveryId, EndpointId, EventId, ProjectId};
use crate::time::{Timestamp, UtcDay};

const PREFIX: &str = "event#";

/// An accepted event, and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// The endpoints that wanted it when it was accepted.
    pub endpoints: Vec<EndpointId>,
}

/// The event as a row: its data is a text, compressed, because DynamoDB's own maps would change numbers and order.
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
    /// Absent once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PackedText>,
    endpoints: Vec<EndpointId>,
    /// In the index `submission` as long as there is something to erase.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_key: Option<String>,
    expires_at: i64,
}

impl EventRow {
    /// The event; `None` if it was erased.
    fn read(self) -> Result<Option<StoredEvent>, StoreError> {
        let Some(PackedText(data)) = self.data else { return Ok(None) };
        let data = EventData::try_from(data).map_err(|error| StoreError::Row(serde::de::Error::custom(error)))?;
        let event = Event {
            id: self.id,
            project_id: self.project_id,
            event_type: self.event_type,
            submission_id: self.submission_id,
            occurred_at: self.occurred_at,
            data,
        };
        Ok(Some(StoredEvent { event, endpoints: self.endpoints }))
    }
}

/// What lists need of an event. Its data may be large, and is left in the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventHeading {
    /// Its id.
    pub id: EventId,
    project_id: ProjectId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Which submission it happened to.
    pub submission_id: Option<SubmissionId>,
    /// When it happened, by the operator's word.
    pub occurred_at: Timestamp,
    /// The endpoints that wanted it when it was accepted.
    pub endpoints: Vec<EndpointId>,
    /// When its data was erased, if it was.
    pub erased_at: Option<Timestamp>,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeptEvent {
    /// All but its data.
    #[serde(flatten)]
    pub heading: EventHeading,
    data: Option<PackedText>,
}

impl KeptEvent {
    /// Its data, unless that was erased.
    pub fn data(&self) -> Result<Option<EventData>, StoreError> {
        let data = self.data.clone().map(|PackedText(data)| EventData::try_from(data)).transpose();
        data.map_err(|error| StoreError::Row(serde::de::Error::custom(error)))
    }
}

impl EventHeading {
    /// Its deliveries: as recorded, or queued where nothing was recorded yet.
    fn deliveries(&self, recorded: &HashMap<DeliveryId, Delivery>) -> Vec<Delivery> {
        let queued = |id| Delivery::unattempted(self.project_id, id, self.event_type, self.submission_id.clone());
        let ids = self.endpoints.iter().map(|endpoint| DeliveryId { event: self.id, endpoint: *endpoint });
        ids.map(|id| recorded.get(&id).cloned().unwrap_or_else(|| queued(id))).collect()
    }
}

/// Some deliveries of one project and day, newest event first.
#[derive(Debug, Clone, PartialEq)]
pub struct DayPage {
    /// The deliveries; those that no attempt was recorded of are among them, as queued.
    pub deliveries: Vec<Delivery>,
    /// The last event of the page, if there may be older ones.
    pub next_before: Option<EventId>,
}

/// The partition of what happened in a project on a day.
pub(super) fn partition(project: ProjectId, day: UtcDay) -> String {
    format!("{project}#{day}")
}

fn sort_key(id: EventId) -> String {
    format!("{PREFIX}{id}")
}

pub(super) fn row_keys(project: ProjectId, id: EventId) -> (String, String) {
    (partition(project, id.day()), sort_key(id))
}

/// What the index `submission` finds the events of a submission by.
pub(super) fn submission_key(project: ProjectId, submission: &SubmissionId) -> String {
    format!("{project}#{}", submission.as_str())
}

impl Activity {
    /// Stores an event that goes to `endpoints`; answers whether this was now, and where it goes. Storing it again changes nothing:
    /// it goes where it went the first time, whatever has become of the endpoints.
    pub async fn put_event(
        &self,
        event: &Event,
        endpoints: &[EndpointId],
    ) -> Result<(Written, Vec<EndpointId>), StoreError> {
        let content = EventRow {
            id: event.id,
            project_id: event.project_id,
            event_type: event.event_type,
            submission_id: event.submission_id.clone(),
            occurred_at: event.occurred_at,
            data: Some(PackedText(event.data.get().to_owned())),
            endpoints: endpoints.to_vec(),
            submission_key: event.submission_id.as_ref().map(|id| submission_key(event.project_id, id)),
            expires_at: self.retention.expiry_of(event.id.made_at()),
        };
        let (pk, sk) = row_keys(event.project_id, event.id);
        let row = Row { pk: pk.clone(), sk: sk.clone(), content };
        let call = self.table.putting(&row)?.condition_expression("attribute_not_exists(pk)");
        if self.table.put_if(call).await? == Written::Now {
            return Ok((Written::Now, endpoints.to_vec()));
        }
        // Also if it was erased since: its deliveries are over, and no others may come to be.
        let stored: Option<EventHeading> = self.table.get_now(&pk, &sk).await?;
        Ok((Written::Before, stored.map_or_else(|| endpoints.to_vec(), |stored| stored.endpoints)))
    }

    /// An event, if the project has one with this id that was not erased. Read as it is now: a delivery whose event is not found
    /// is dropped.
    pub async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let row: Option<EventRow> = self.table.get_now(&partition(project, id.day()), &sort_key(id)).await?;
        row.map_or(Ok(None), EventRow::read)
    }

    /// An event with its data, as it was a moment ago.
    pub async fn kept_event(&self, project: ProjectId, id: EventId) -> Result<Option<KeptEvent>, StoreError> {
        self.table.get(&partition(project, id.day()), &sort_key(id)).await
    }

    /// At most `limit` events of a project and day, newest first, older than `before` if that is given.
    pub(super) async fn events_on(
        &self,
        project: ProjectId,
        day: UtcDay,
        before: Option<EventId>,
        limit: u16,
    ) -> Result<Vec<EventHeading>, StoreError> {
        // `.` sorts before every id, and `~` after.
        let (first, last) = (format!("{PREFIX}."), before.map_or_else(|| format!("{PREFIX}~"), sort_key));
        // The range includes its ends, so one more is read where the newest is to be left out.
        let wanted = usize::from(limit) + usize::from(before.is_some());
        let query = headings(self.table.between(&partition(project, day), &first, &last)).scan_index_forward(false);
        let rows: Vec<EventHeading> = table::first(query, wanted).await?;
        Ok(rows.into_iter().filter(|row| Some(row.id) != before).take(usize::from(limit)).collect())
    }

    /// The deliveries of at most `limit` events of a project and day, newest event first, older than `before` if given.
    pub async fn deliveries_on(
        &self,
        project: ProjectId,
        day: UtcDay,
        before: Option<EventId>,
        limit: u16,
    ) -> Result<DayPage, StoreError> {
        let events = self.events_on(project, day, before, limit).await?;
        let (Some(newest), Some(oldest)) = (events.first(), events.last()) else {
            return Ok(DayPage { deliveries: Vec::new(), next_before: None });
        };
        let (newest, oldest) = (newest.id, oldest.id);
        let recorded = self.recorded_deliveries(project, day, oldest, newest).await?;
        let next_before = (events.len() == usize::from(limit)).then_some(oldest);
        let deliveries = events.iter().flat_map(|event| event.deliveries(&recorded)).collect();
        Ok(DayPage { deliveries, next_before })
    }

    /// The deliveries of one event; `None` if the project has no such event.
    pub async fn deliveries_of(&self, project: ProjectId, id: EventId) -> Result<Option<Vec<Delivery>>, StoreError> {
        let key = sort_key(id);
        let query = headings(self.table.between(&partition(project, id.day()), &key, &key));
        let Some(event) = table::all::<EventHeading>(query).await?.pop() else { return Ok(None) };
        let recorded = self.recorded_deliveries(project, id.day(), id, id).await?;
        Ok(Some(event.deliveries(&recorded)))
    }
}

/// Leaves the events' data in the store.
fn headings(query: QueryFluentBuilder) -> QueryFluentBuilder {
    query
        .projection_expression("id, projectId, #type, submissionId, occurredAt, endpoints, erasedAt")
        .expression_attribute_names("#type", "type")
}
