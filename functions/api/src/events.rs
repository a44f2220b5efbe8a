//! `/v1/projects/{pid}/events`: where every webhook begins.
//!
//! An event is accepted, and answered 202, only when both it and its first nudges are durable.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::aws::queue::Message;
use shared::aws::store::{Begun, IdempotencyKey, Request};
use shared::delivery::Nudge;
use shared::event::{Event, NewEvent};
use shared::id::{DeliveryId, EndpointId, EventId, ProjectId};

use crate::App;
use crate::body::Body;
use crate::caller::{Caller, scope};
use crate::problem::ApiError;

/// An accepted event, and where it goes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Accepted {
    id: EventId,
    deliveries: Vec<AcceptedDelivery>,
}

/// One delivery of an accepted event.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcceptedDelivery {
    id: DeliveryId,
    endpoint_id: EndpointId,
}

/// Publishes an event; with an `Idempotency-Key`, however often it is repeated, once.
pub(crate) async fn publish(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let new = NewEvent::try_from(body.draft()?)?;
    let fresh_id = EventId::new(app.clock.now(), &*app.random);
    let accepted = match idempotency_key(&headers)? {
        None => accept(&app, new.accept(fresh_id, caller.project_id)).await?,
        Some(key) => {
            let request = Request::new(caller.project_id, &key, "events", &body.0);
            accept_once(&app, &request, new, fresh_id, caller.project_id).await?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    text.parse().map(Some).map_err(|error| ApiError::BadHeader(format!("{error}")))
}

async fn accept_once(
    app: &App,
    request: &Request,
    new: NewEvent,
    fresh_id: EventId,
    project_id: ProjectId,
) -> Result<Accepted, ApiError> {
    let id = match app.activity.begin_request(request, fresh_id.to_string(), app.clock.now()).await? {
        Begun::Proceed { subject } => subject.parse().unwrap_or(fresh_id),
        Begun::Answered(answer) => return serde_json::from_str(&answer).map_err(|_| ApiError::KeyReused),
        Begun::Running => return Err(ApiError::StillRunning),
        Begun::OtherRequest => return Err(ApiError::KeyReused),
    };
    match accept(app, new.accept(id, project_id)).await {
        Ok(accepted) => {
            let answer = serde_json::to_string(&accepted).expect("ids are JSON");
            app.activity.finish_request(request, id.to_string(), answer, app.clock.now()).await?;
            Ok(accepted)
        }
        Err(error) => {
            app.activity.release_request(request, id.to_string(), app.clock.now()).await?;
            Err(error)
        }
    }
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
