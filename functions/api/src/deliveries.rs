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
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Delivery))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    /// Its id: those of its event and its endpoint.
    id: DeliveryId,
    /// Which event.
    event_id: EventId,
    /// Where it goes.
    endpoint_id: EndpointId,
    /// What happened.
    #[serde(rename = "type")]
    event_type: EventType,
    /// Which submission it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    /// How far it has come.
    state: DeliveryState,
    /// When the next attempt is due; only while waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    /// Why no attempt is made; only while held.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_because: Option<HoldReason>,
    /// The attempts made, in order.
    attempts: Vec<Attempt>,
    /// The latest ten replays, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replays: Vec<Replayed>,
    /// When its event was erased, if it was.
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
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Of this event. Its deliveries are few, and come on one page.
    event: Option<EventId>,
    /// In this state.
    state: Option<DeliveryState>,
    /// To this endpoint.
    endpoint: Option<EndpointId>,
    /// Of events that were accepted then or later.
    from: Option<Timestamp>,
    /// Of events that were accepted then or earlier.
    to: Option<Timestamp>,
    /// How many items at most.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// The `cursor` of the page before; left out for the first.
    cursor: Option<String>,
}

/// Lists deliveries, newest event first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/deliveries", operation_id = "listDeliveries", tag = "Deliveries",
    params(Filter), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "A page of deliveries.", body = List<DeliveryView>)),
))]
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
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/deliveries/{id}", operation_id = "readDelivery", tag = "Deliveries",
    params(("id" = DeliveryId, Path)), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "The delivery.", body = DeliveryView)),
))]
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
