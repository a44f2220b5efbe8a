//! `GET /v1/projects/{pid}/events` and `/events/{id}`: lists and retrieves published events.

use aws::store::{EventHeading, FoundEvents};
use axum::Json;
use axum::extract::State;
use domain::foundation::id::{DeliveryId, EndpointId, EventId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::Position;
use domain::webhooks::event::{EventData, EventFilter, EventType, Sequence, SubmissionId};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{CheckedQuery, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::paging::{self, List, Paged};

/// A delivery of an event.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventDelivery {
    /// Id of the delivery.
    id: DeliveryId,
    /// Endpoint that receives the event.
    endpoint_id: EndpointId,
}

impl From<DeliveryId> for EventDelivery {
    fn from(id: DeliveryId) -> Self {
        Self { id, endpoint_id: id.endpoint }
    }
}

/// A published event. Lists leave out its data.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Event))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventView {
    /// Id of the event. It is the `webhook-id` of the event's webhooks.
    id: EventId,
    /// Type of the event.
    #[serde(rename = "type")]
    event_type: EventType,
    /// Submission that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    /// Number of the event within its submission: 1, 2, 3 … in the order of acceptance.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    /// When Signpost accepted the event.
    accepted_at: Timestamp,
    /// When the event happened, as its publisher states it.
    occurred_at: Timestamp,
    /// The deliveries: one for each endpoint that received this event type when the event was accepted.
    deliveries: Vec<EventDelivery>,
    /// When the event's data was erased. Absent: it was not erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
    /// Data of the event, as receivers get it. Absent in lists, and after it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Object))]
    data: Option<EventData>,
}

impl From<EventHeading> for EventView {
    fn from(event: EventHeading) -> Self {
        let delivery = |endpoint| DeliveryId { event: event.id, endpoint }.into();
        Self {
            id: event.id,
            event_type: event.event_type,
            submission_id: event.submission_id,
            sequence: event.sequence,
            accepted_at: event.id.created_at(),
            occurred_at: event.occurred_at,
            deliveries: event.endpoints.into_iter().map(delivery).collect(),
            erased_at: event.erased_at,
            data: None,
        }
    }
}

/// Filter of a list of events.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Filter {
    /// Only events of this type.
    #[serde(rename = "type")]
    event_type: Option<EventType>,
    /// Only events about this submission.
    submission_id: Option<SubmissionId>,
    /// Only events accepted at or after this time.
    from: Option<Timestamp>,
    /// Only events accepted at or before this time.
    to: Option<Timestamp>,
    /// Maximum number of items on the page.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// The `cursor` of the previous page. Leave it out for the first page.
    cursor: Option<String>,
}

impl Filter {
    /// The parameters that select the events of the list.
    fn selection(&self) -> impl Serialize {
        let Self { event_type, submission_id, from, to, limit: _, cursor: _ } = self;
        (event_type, submission_id, from, to)
    }
}

/// Lists the events of a project, newest first, without their data.
///
/// A page may have fewer items than `limit`, or none, and still a `cursor`: a call reads a limited number of events and days.
/// Follow the cursor until it is absent.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/events", operation_id = "listEvents", tag = "Events",
    params(Filter), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "A page of events.", body = List<EventView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    CheckedQuery(filter): CheckedQuery<Filter>,
) -> Result<Json<List<EventView>>, ApiError> {
    app.existing_project(caller.project_id).await?;
    let (limit, now) = (usize::from(paging::limit(filter.limit)?), app.clock.now());
    let list = Paged::new("events", Some(caller.project_id), &filter.selection());
    let position: Option<Position> = filter.cursor.as_deref().map(|cursor| list.position(cursor)).transpose()?;
    let Filter { event_type, from, to, .. } = filter;
    let fields = EventFilter { event_type, from, to };
    let FoundEvents { events, next } = match &filter.submission_id {
        Some(submission) => {
            let before = position.and_then(Position::before);
            app.store.events.find_by_submission(caller.project_id, submission, &fields, before, limit).await?
        }
        None => {
            let position = position.unwrap_or_else(|| Position::first(to, now));
            app.store.events.find(caller.project_id, &fields, position, limit, now).await?
        }
    };
    let cursor = next.map(|position| list.cursor(&position));
    Ok(Json(List { items: events.into_iter().map(EventView::from).collect(), cursor }))
}

/// Retrieves one event with its data. The data is absent if it was erased.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/events/{id}", operation_id = "readEvent", tag = "Events",
    params(("id" = EventId, Path)), security(("x-api-key" = ["events:read"])),
    responses((status = 200, description = "The event.", body = EventView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::EventsRead>,
    LastId(id): LastId<EventId>,
) -> Result<Json<EventView>, ApiError> {
    let event = app.store.events.get_kept(caller.project_id, id).await?.ok_or(ApiError::NotFound("event"))?;
    let data = event.data()?;
    Ok(Json(EventView { data, ..event.heading.into() }))
}
