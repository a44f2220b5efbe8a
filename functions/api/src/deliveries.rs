//! `/v1/projects/{pid}/deliveries`: what became of every event.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState, HoldReason, Position, Replayed};
use shared::event::{EventType, SubmissionId};
use shared::id::{DeliveryId, EndpointId, EventId, ProjectId};
use shared::time::Timestamp;

use crate::App;
use crate::body::{CheckedQuery, LastId};
use crate::caller::{Caller, scope};
use crate::paging::{self, List};
use crate::problem::ApiError;
use crate::projects;

/// A delivery as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    event_id: EventId,
    endpoint_id: EndpointId,
    #[serde(rename = "type")]
    event_type: EventType,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    state: DeliveryState,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_because: Option<HoldReason>,
    attempts: Vec<Attempt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replays: Vec<Replayed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.id.event,
            endpoint_id: delivery.id.endpoint,
            event_type: delivery.event_type,
            submission_id: delivery.submission_id,
            state: delivery.state,
            next_attempt_at: delivery.next_attempt_at,
            held_because: delivery.held_because,
            attempts: delivery.attempts,
            replays: delivery.replays,
            erased_at: delivery.erased_at,
        }
    }
}

/// Which deliveries are asked for. Times are those of their events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    event: Option<EventId>,
    state: Option<DeliveryState>,
    endpoint: Option<EndpointId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<u16>,
    cursor: Option<String>,
}

/// Lists deliveries, newest event first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    CheckedQuery(filter): CheckedQuery<Filter>,
) -> Result<Json<List<DeliveryView>>, ApiError> {
    projects::existing(&app, caller.project_id).await?;
    let limit = usize::from(paging::limit(filter.limit)?);
    let deliveries = filter.deliveries();
    if let Some(event) = filter.event {
        let of_event = app.activity.deliveries_of(caller.project_id, event).await?.unwrap_or_default();
        let fitting = of_event.into_iter().filter(|delivery| deliveries.fits(delivery));
        return Ok(Json(List::whole(fitting.map(DeliveryView::from).collect())));
    }
    let now = app.clock.now();
    let position = filter.cursor.as_deref().map(paging::read_cursor).transpose()?;
    let position = position.unwrap_or_else(|| Position::first(&deliveries, now));
    let found = app.activity.find_deliveries(caller.project_id, &deliveries, position, limit, now).await?;
    Ok(Json(List {
        items: found.deliveries.into_iter().map(DeliveryView::from).collect(),
        cursor: found.next.map(|position| paging::write_cursor(&position)),
    }))
}

/// Reads one delivery, with all its attempts.
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(id): LastId<DeliveryId>,
) -> Result<Json<DeliveryView>, ApiError> {
    Ok(Json(existing(&app, caller.project_id, id).await?.into()))
}

/// The delivery of this project with this id.
pub(crate) async fn existing(app: &App, project: ProjectId, id: DeliveryId) -> Result<Delivery, ApiError> {
    let deliveries = app.activity.deliveries_of(project, id.event).await?.unwrap_or_default();
    deliveries.into_iter().find(|delivery| delivery.id == id).ok_or(ApiError::NotFound("delivery"))
}

impl Filter {
    fn deliveries(&self) -> DeliveryFilter {
        let Self { state, endpoint, from, to, .. } = *self;
        DeliveryFilter { state, endpoint, event_type: None, from, to }
    }
}
