//! `POST /v1/projects/{pid}/events` and `/events/batch`: publishes events.
//!
//! A call returns 202 only after each event is stored and a task for each of its deliveries is queued.

use std::time::Duration;

use aws::queue::Message;
use aws::store::{Accepted, WriteOutcome};
use axum::Extension;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use domain::foundation::id::{EndpointId, EventId};
use domain::webhooks::delivery::AttemptTask;
use domain::webhooks::event::{Event, NewEvent, NewEvents, Sequence};
use serde::Serialize;

use crate::app::App;
use crate::events::read::EventDelivery;
use crate::events::subscriptions::receivers;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, MAX_BODY_BYTES};
use crate::http::caller::{Caller, scope};
use crate::http::idempotency;
#[cfg(test)]
use crate::openapi::{parameters, webhook_requests};
use crate::request_metrics::AcceptedCount;

/// An accepted event and its deliveries.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct AcceptedEvent {
    /// Id of the event. It is the `webhook-id` of the event's webhooks.
    id: EventId,
    /// Number of the event within its submission: 1, 2, 3 … in the order of acceptance. Absent if the event has no submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
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

/// Accepts events of one project and queues the first attempt of each delivery. Repeating it with the same events accepts nothing new,
/// and queues again for the endpoints of the first call.
async fn accept(app: &App, events: Vec<Event>) -> Result<Vec<AcceptedEvent>, ApiError> {
    let Some(project) = events.first().map(|event| event.project_id) else { return Ok(Vec::new()) };
    let endpoints = app.subscriptions.of(project).await?.ok_or(ApiError::NotFound("project"))?;
    let addressed = |event: Event| {
        let receivers = receivers(&endpoints, event.event_type);
        (event, receivers)
    };
    let events: Vec<(Event, Vec<EndpointId>)> = events.into_iter().map(addressed).collect();
    let accepted = app.store.events.accept_all(&events, &*app.clock, &*app.random).await?;
    let (mut answers, mut messages) = (Vec::with_capacity(events.len()), Vec::new());
    for ((event, _), Accepted { outcome, endpoints, sequence, is_erased }) in events.into_iter().zip(accepted) {
        let event = Event { sequence, ..event };
        let tasks = AttemptTask::first(&event, &endpoints);
        let deliveries = tasks.iter().map(|task| task.delivery_id.into()).collect();
        answers.push(AcceptedEvent { id: event.id, sequence, deliveries });
        for task in tasks.into_iter().filter(|_| !is_erased) {
            let task = AttemptTask { is_new: outcome == WriteOutcome::Applied, ..task };
            messages.push(Message::to_send(task, Duration::ZERO)?);
        }
    }
    app.send_queue.send(messages).await?;
    Ok(answers)
}
