//! `POST /v1/projects/{pid}/events` and `/events/batch`: publishes events.
//!
//! A call returns 202 only after each event is stored and a task for each of its deliveries is queued.

use std::time::Duration;

use aws::queue::Message;
use aws::store::WriteOutcome;
use axum::Extension;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use domain::foundation::id::{EndpointId, EventId};
use domain::webhooks::delivery::AttemptTask;
use domain::webhooks::event::{Event, NewEvent, NewEvents};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::app::App;
use crate::events::read::EventDelivery;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, MAX_BODY_BYTES};
use crate::http::caller::{Caller, scope};
use crate::http::idempotency;
#[cfg(test)]
use crate::openapi::{parameters, webhook_requests};
use crate::request_metrics::AcceptedCount;

/// Number of events of a batch that are stored concurrently.
const MAX_CONCURRENT_WRITES: usize = 20;

/// An accepted event and its deliveries.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct AcceptedEvent {
    /// Id of the event. It is the `webhook-id` of the event's webhooks.
    id: EventId,
    /// The deliveries: one for each endpoint that receives this event type.
    deliveries: Vec<EventDelivery>,
}

/// The accepted events of a batch, in the order of the request.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct AcceptedBatch {
    /// The accepted events.
    items: Vec<AcceptedEvent>,
}

/// Publishes an event. Send an `Idempotency-Key`, so that you can safely repeat the call until you get a response.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/events", operation_id = "publishEvent", tag = "Events",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["events:write"])), request_body = webhook_requests::NewEvent,
    responses((status = 202, description = "The event is stored, and its deliveries are queued.", body = AcceptedEvent)),
))]
pub(crate) async fn publish(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    body: Body,
) -> Result<(StatusCode, Extension<AcceptedCount>, Json<AcceptedEvent>), ApiError> {
    let new = NewEvent::try_from(body.draft()?)?;
    let id = idempotency::resource_id(caller.origin.idempotent_request.as_ref(), || {
        EventId::new(app.clock.now(), &*app.random)
    });
    let mut accepted = accept(&app, vec![new.accept(id, caller.project_id)]).await?;
    let accepted = accepted.pop().expect("one event was accepted");
    Ok((StatusCode::ACCEPTED, Extension(AcceptedCount(1)), Json(accepted)))
}

/// Publishes up to 100 events. If one event is invalid, none is published. Send an `Idempotency-Key`, so that you can safely repeat
/// the call until you get a response.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/events/batch", operation_id = "publishEvents", tag = "Events",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["events:write"])), request_body = webhook_requests::NewEvents,
    responses((status = 202, description = "The events are stored, and their deliveries are queued.", body = AcceptedBatch)),
))]
pub(crate) async fn publish_batch(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    request: Request,
) -> Result<(StatusCode, Extension<AcceptedCount>, Json<AcceptedBatch>), ApiError> {
    let NewEvents(new) = NewEvents::try_from(Body::of(request, MAX_BODY_BYTES).await?.draft()?)?;
    let first = idempotency::resource_id(caller.origin.idempotent_request.as_ref(), || {
        EventId::new(app.clock.now(), &*app.random)
    });
    let events = (0..).zip(new).map(|(index, new)| new.accept(first.in_batch(index), caller.project_id));
    let items = accept(&app, events.collect()).await?;
    Ok((StatusCode::ACCEPTED, Extension(AcceptedCount(items.len())), Json(AcceptedBatch { items })))
}

/// Stores events of one project and queues the first attempt of each delivery. Repeating it with the same events stores nothing new,
/// and queues again for the endpoints of the first call.
async fn accept(app: &App, events: Vec<Event>) -> Result<Vec<AcceptedEvent>, ApiError> {
    let Some(project) = events.first().map(|event| event.project_id) else { return Ok(Vec::new()) };
    let stored = app.store.projects.with_endpoints(project).await?;
    let (_, endpoints) = stored.ok_or(ApiError::NotFound("project"))?;
    let store = |event: Event| {
        let receiving = endpoints.iter().filter(|endpoint| endpoint.wants(event.event_type));
        let endpoint_ids: Vec<EndpointId> = receiving.map(|endpoint| endpoint.id).collect();
        async move {
            // After a repetition, these are the endpoints of the first call: the event keeps its deliveries.
            let (outcome, endpoint_ids) = app.store.events.put(&event, &endpoint_ids).await?;
            let is_new = outcome == WriteOutcome::Applied;
            let tasks =
                AttemptTask::first(&event, &endpoint_ids).into_iter().map(|task| AttemptTask { is_new, ..task });
            Ok::<_, ApiError>((event.id, tasks.collect()))
        }
    };
    let stored: Vec<(EventId, Vec<AttemptTask>)> =
        stream::iter(events).map(store).buffered(MAX_CONCURRENT_WRITES).try_collect().await?;
    let accepted = |(id, tasks): &(EventId, Vec<AttemptTask>)| AcceptedEvent {
        id: *id,
        deliveries: tasks.iter().map(|task| task.delivery_id.into()).collect(),
    };
    let accepted = stored.iter().map(accepted).collect();
    let tasks = stored.into_iter().flat_map(|(_, tasks)| tasks);
    let messages = tasks.map(|task| Message::to_send(task, Duration::ZERO)).collect::<Result<_, _>>()?;
    app.send_queue.send(messages).await?;
    Ok(accepted)
}
