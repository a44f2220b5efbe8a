//! `/v1/projects/{pid}/events`: where every webhook begins.
//!
//! An event is accepted, and answered 202, only when both it and its first nudges are durable.

use std::time::Duration;

use axum::Extension;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::aws::queue::Message;
use shared::aws::store::{EventHeading, FoundEvents, Written};
use shared::delivery::{DeliveryFilter, Nudge, Position};
use shared::event::{Event, EventData, EventFilter, EventType, NewEvent, NewEvents, SubmissionId};
use shared::id::{DeliveryId, EndpointId, EventId};
use shared::time::Timestamp;

use crate::App;
use crate::body::{Body, CheckedQuery, LARGEST_BODY, LastId};
use crate::caller::{Caller, scope};
use crate::once;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::{self, List};
use crate::problem::ApiError;
use crate::projects;

/// How many events of a batch are stored at once.
const STORED_AT_ONCE: usize = 20;

/// An accepted event, and where it goes.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AcceptedEvent))]
pub(crate) struct Accepted {
    /// The event's id, the `webhook-id` of its webhooks.
    id: EventId,
    /// One for each endpoint that wants it.
    deliveries: Vec<EventDelivery>,
}

/// How many events an answer says were accepted; left with the answer, to be counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AcceptedCount(pub(crate) usize);

/// One delivery of an event.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventDelivery {
    /// Its id.
    id: DeliveryId,
    /// Where it goes.
    endpoint_id: EndpointId,
}

impl From<DeliveryId> for EventDelivery {
    fn from(id: DeliveryId) -> Self {
        Self { id, endpoint_id: id.endpoint }
    }
}

/// The accepted events of a batch, in its order.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct AcceptedBatch {
    /// The events.
    items: Vec<Accepted>,
}

/// An event as it is shown; its data only where one event is asked for.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Event))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventView {
    /// Its id, the `webhook-id` of its webhooks.
    id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    event_type: EventType,
    /// Which submission it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    /// When it was accepted.
    accepted_at: Timestamp,
    /// When it happened, by the operator's word.
    occurred_at: Timestamp,
    /// One for each endpoint that wanted it.
    deliveries: Vec<EventDelivery>,
    /// When its data was erased, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
    /// What receivers are told; only where one event is asked for, and unless it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Object))]
    data: Option<EventData>,
}

impl From<EventHeading> for EventView {
    fn from(event: EventHeading) -> Self {
        let to = |endpoint| DeliveryId { event: event.id, endpoint }.into();
        Self {
            id: event.id,
            event_type: event.event_type,
            submission_id: event.submission_id,
            accepted_at: event.id.made_at(),
            occurred_at: event.occurred_at,
            deliveries: event.endpoints.into_iter().map(to).collect(),
            erased_at: event.erased_at,
            data: None,
        }
    }
}

/// Which events are asked for. `from` and `to` are about when they were accepted.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Filter {
    /// Of this type.
    #[serde(rename = "type")]
    event_type: Option<EventType>,
    /// Of this submission.
    submission_id: Option<SubmissionId>,
    /// Accepted then or later.
    from: Option<Timestamp>,
    /// Accepted then or earlier.
    to: Option<Timestamp>,
    /// How many items at most.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// The `cursor` of the page before; left out for the first.
    cursor: Option<String>,
}

/// Publishes an event; with an `Idempotency-Key`, however often it is repeated, once.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/events", operation_id = "publishEvent", tag = "Events",
    params(parameters::Once), security(("x-api-key" = ["events:write"])), request_body = requests::NewEvent,
    responses((status = 202, description = "It is stored, and on its way.", body = Accepted)),
))]
pub(crate) async fn publish(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    body: Body,
) -> Result<(StatusCode, Extension<AcceptedCount>, Json<Accepted>), ApiError> {
    let new = NewEvent::try_from(body.draft()?)?;
    let id = once::subject(caller.origin.claim.as_ref(), || EventId::new(app.clock.now(), &*app.random));
    let mut accepted = accept(&app, vec![new.accept(id, caller.project_id)]).await?;
    let accepted = accepted.pop().expect("one event was accepted");
    Ok((StatusCode::ACCEPTED, Extension(AcceptedCount(1)), Json(accepted)))
}

/// Publishes up to 100 events: all of them, or none if one is bad. With an `Idempotency-Key`, each of them once.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/events/batch", operation_id = "publishEvents", tag = "Events",
    params(parameters::Once), security(("x-api-key" = ["events:write"])), request_body = requests::NewEvents,
    responses((status = 202, description = "They are stored, and on their way.", body = AcceptedBatch)),
))]
pub(crate) async fn publish_batch(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    request: Request,
) -> Result<(StatusCode, Extension<AcceptedCount>, Json<AcceptedBatch>), ApiError> {
    let NewEvents(new) = NewEvents::try_from(Body::of(request, LARGEST_BODY).await?.draft()?)?;
    let first = once::subject(caller.origin.claim.as_ref(), || EventId::new(app.clock.now(), &*app.random));
    let events = (0..).zip(new).map(|(index, new)| new.accept(first.in_batch(index), caller.project_id));
    let items = accept(&app, events.collect()).await?;
    Ok((StatusCode::ACCEPTED, Extension(AcceptedCount(items.len())), Json(AcceptedBatch { items })))
}

/// Lists events, newest first, without their data.
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
    projects::existing(&app, caller.project_id).await?;
    let (limit, now) = (usize::from(paging::limit(filter.limit)?), app.clock.now());
    let position: Option<Position> = filter.cursor.as_deref().map(paging::read_cursor).transpose()?;
    let Filter { event_type, from, to, .. } = filter;
    let wanted = EventFilter { event_type, from, to };
    let FoundEvents { events, next } = match &filter.submission_id {
        Some(submission) => {
            let before = position.and_then(Position::before);
            app.activity.find_events_of(caller.project_id, submission, &wanted, before, limit).await?
        }
        None => {
            let first = Position::first(&DeliveryFilter { to, ..DeliveryFilter::default() }, now);
            app.activity.find_events(caller.project_id, &wanted, position.unwrap_or(first), limit, now).await?
        }
    };
    let cursor = next.map(|position| paging::write_cursor(&position));
    Ok(Json(List { items: events.into_iter().map(EventView::from).collect(), cursor }))
}

/// Reads one event, with its data unless that was erased.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/events/{id}", operation_id = "readEvent", tag = "Events",
    params(("id" = EventId, Path)), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "The event.", body = EventView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(id): LastId<EventId>,
) -> Result<Json<EventView>, ApiError> {
    let kept = app.activity.kept_event(caller.project_id, id).await?.ok_or(ApiError::NotFound("event"))?;
    let data = kept.data()?;
    Ok(Json(EventView { data, ..kept.heading.into() }))
}

/// Stores events of one project, and queues the first nudge for each of their endpoints.
async fn accept(app: &App, events: Vec<Event>) -> Result<Vec<Accepted>, ApiError> {
    let Some(project) = events.first().map(|event| event.project_id) else { return Ok(Vec::new()) };
    let found = app.settings.project_and_endpoints(project).await?;
    let (_, endpoints) = found.ok_or(ApiError::NotFound("project"))?;
    let store = |event: Event| {
        let wanting = endpoints.iter().filter(|endpoint| endpoint.wants(event.event_type));
        let endpoint_ids: Vec<EndpointId> = wanting.map(|endpoint| endpoint.id).collect();
        async move {
            let (written, endpoint_ids) = app.activity.put_event(&event, &endpoint_ids).await?;
            let is_new = written == Written::Now;
            let nudges = Nudge::first(&event, &endpoint_ids).into_iter().map(|nudge| Nudge { is_new, ..nudge });
            Ok::<_, ApiError>((event.id, nudges.collect()))
        }
    };
    let stored: Vec<(EventId, Vec<Nudge>)> =
        stream::iter(events).map(store).buffered(STORED_AT_ONCE).try_collect().await?;
    let shown = |(id, nudges): &(EventId, Vec<Nudge>)| Accepted {
        id: *id,
        deliveries: nudges.iter().map(|nudge| nudge.delivery_id.into()).collect(),
    };
    let accepted = stored.iter().map(shown).collect();
    let nudges = stored.into_iter().flat_map(|(_, nudges)| nudges);
    let messages = nudges.map(|nudge| Message::to_send(nudge, Duration::ZERO)).collect::<Result<_, _>>()?;
    app.send_queue.send(messages).await?;
    Ok(accepted)
}
