//! `/v1/projects/{pid}/events`: where every webhook begins.
//!
//! An event is accepted, and answered 202, only when both it and its first nudges are durable.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::aws::queue::Message;
use shared::delivery::Nudge;
use shared::event::{Event, NewEvent};
use shared::id::{DeliveryId, EndpointId, EventId};

use crate::App;
use crate::body::Body;
use crate::caller::{Caller, scope};
use crate::once;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;

/// An accepted event, and where it goes.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AcceptedEvent))]
pub(crate) struct Accepted {
    /// The event's id, the `webhook-id` of its webhooks.
    id: EventId,
    /// One for each endpoint that wants it.
    deliveries: Vec<AcceptedDelivery>,
}

/// One delivery of an accepted event.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcceptedDelivery {
    /// Its id.
    id: DeliveryId,
    /// Where it goes.
    endpoint_id: EndpointId,
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
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let new = NewEvent::try_from(body.draft()?)?;
    let id = once::subject(caller.origin.claim.as_ref(), || EventId::new(app.clock.now(), &*app.random));
    let accepted = accept(&app, new.accept(id, caller.project_id)).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

async fn accept(app: &App, event: Event) -> Result<Accepted, ApiError> {
    let found = app.settings.project_and_endpoints(event.project_id).await?;
    let (_, endpoints) = found.ok_or(ApiError::NotFound("project"))?;
    let wanting = endpoints.iter().filter(|endpoint| endpoint.wants(event.event_type));
    let endpoint_ids: Vec<EndpointId> = wanting.map(|endpoint| endpoint.id).collect();

    let endpoint_ids = app.activity.put_event(&event, &endpoint_ids).await?;
    let nudges = Nudge::first(&event, &endpoint_ids);
    let deliveries = nudges
        .iter()
        .map(|nudge| AcceptedDelivery { id: nudge.delivery_id, endpoint_id: nudge.delivery_id.endpoint })
        .collect();
    let messages = nudges.into_iter().map(|nudge| Message::to_send(nudge, Duration::ZERO)).collect::<Result<_, _>>()?;
    app.send_queue.send(messages).await?;
    Ok(Accepted { id: event.id, deliveries })
}
