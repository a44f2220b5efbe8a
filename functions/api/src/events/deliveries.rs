//! `GET /v1/projects/{pid}/deliveries` and `/deliveries/{id}`: lists and retrieves deliveries.

use axum::Json;
use axum::extract::State;
use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::delivery::{
    CancelReason, Delivery, DeliveryFilter, DeliveryHoldReason, DeliveryState, Position, Replayed,
};
use domain::webhooks::event::{EventType, Sequence, SubmissionId};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{CheckedQuery, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::paging::{self, List, Paged};

/// A delivery: one event to one endpoint, with all attempts.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Delivery))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    /// Id of the delivery. It consists of the ids of its event and its endpoint.
    id: DeliveryId,
    /// Id of the event.
    event_id: EventId,
    /// Id of the endpoint.
    endpoint_id: EndpointId,
    /// Type of the event.
    #[serde(rename = "type")]
    event_type: EventType,
    /// Submission that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    /// Number of the event within its submission. Absent until the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    /// State of the delivery.
    state: DeliveryState,
    /// When the next attempt is due. Present only while the delivery waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    /// Why the delivery is held, or was held when it expired. Present only in the states `held` and `expired`.
    #[serde(rename = "heldBecause", skip_serializing_if = "Option::is_none")]
    hold_reason: Option<DeliveryHoldReason>,
    /// Why the delivery was cancelled. Present only in the state `cancelled`; absent if an earlier version cancelled it.
    #[serde(rename = "cancelledBecause", skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<CancelReason>,
    /// The attempts, oldest first.
    attempts: Vec<Attempt>,
    /// The last ten replays, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replays: Vec<Replayed>,
    /// When the event's data was erased. Absent: it was not erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
    /// Id of the replay with the scope `missing` that created the delivery. Absent: it was created with its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    added_by: Option<ReplayId>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.id.event,
            endpoint_id: delivery.id.endpoint,
            event_type: delivery.event_type,
            submission_id: delivery.submission_id,
            sequence: delivery.sequence,
            state: delivery.state,
            next_attempt_at: delivery.next_attempt_at.filter(|_| delivery.state == DeliveryState::Waiting),
            hold_reason: delivery.hold_reason,
            cancel_reason: delivery.cancel_reason,
            attempts: delivery.attempts,
            replays: delivery.replays,
            erased_at: delivery.erased_at,
            added_by: delivery.added_by,
        }
    }
}

/// Filter of a list of deliveries.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Only deliveries of this event. They are returned on one page.
    event: Option<EventId>,
    /// Only deliveries in this state.
    state: Option<DeliveryState>,
    /// Only deliveries to this endpoint.
    endpoint: Option<EndpointId>,
    /// Only deliveries of events of this type.
    #[serde(rename = "type")]
    event_type: Option<EventType>,
    /// Only deliveries of events about this submission that were not erased.
    #[serde(rename = "submissionId")]
    submission_id: Option<SubmissionId>,
    /// Only deliveries of events accepted at or after this time.
    from: Option<Timestamp>,
    /// Only deliveries of events accepted at or before this time.
    to: Option<Timestamp>,
    /// Maximum number of items on the page.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// The `cursor` of the previous page. Leave it out for the first page.
    cursor: Option<String>,
}

/// Lists the deliveries of a project, newest event first.
///
/// A page may have fewer items than `limit`, or none, and still a `cursor`: a call reads a limited number of deliveries and days.
/// Follow the cursor until it is absent. If you search for a rare state, give `from` and `to`.
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
    app.existing_project(caller.project_id).await?;
    let limit = usize::from(paging::limit(filter.limit)?);
    let fields = filter.fields();
    let list = Paged::new("deliveries", Some(caller.project_id), &filter.selection());
    let position: Option<Position> = filter.cursor.as_deref().map(|cursor| list.position(cursor)).transpose()?;
    if let Some(event) = filter.event {
        // An event has at most ten deliveries, one for each endpoint.
        let of_event = app.store.events.deliveries_of(caller.project_id, event).await?.unwrap_or_default();
        let is_wanted = |delivery: &Delivery| fields.matches(delivery) && filter.is_of_submission(delivery);
        let matching = of_event.into_iter().filter(is_wanted);
        return Ok(Json(List::whole(matching.map(DeliveryView::from).collect())));
    }
    let (events, now) = (&app.store.events, app.clock.now());
    let page = match &filter.submission_id {
        Some(submission) => {
            events.find_deliveries_by_submission(caller.project_id, submission, &fields, position, limit).await?
        }
        None => {
            let position = position.unwrap_or_else(|| Position::first(fields.to, now));
            events.find_deliveries(caller.project_id, &fields, position, limit, now).await?
        }
    };
    Ok(Json(List {
        items: page.deliveries.into_iter().map(DeliveryView::from).collect(),
        cursor: page.next.map(|position| list.cursor(&position)),
    }))
}

/// Retrieves one delivery with all its attempts.
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

/// Loads a delivery. Fails with 404 if it does not exist.
pub(crate) async fn existing(app: &App, project: ProjectId, id: DeliveryId) -> Result<Delivery, ApiError> {
    let deliveries = app.store.events.deliveries_of(project, id.event).await?.unwrap_or_default();
    deliveries.into_iter().find(|delivery| delivery.id == id).ok_or(ApiError::NotFound("delivery"))
}

impl Filter {
    /// The parameters that select the deliveries of the list.
    fn selection(&self) -> impl Serialize {
        let Self { event, state, endpoint, event_type, submission_id, from, to, limit: _, cursor: _ } = self;
        (event, state, endpoint, event_type, submission_id, from, to)
    }

    fn fields(&self) -> DeliveryFilter {
        let Self { state, endpoint, event_type, from, to, .. } = *self;
        DeliveryFilter { state, endpoint, event_type, from, to }
    }

    fn is_of_submission(&self, delivery: &Delivery) -> bool {
        self.submission_id.is_none() || self.submission_id == delivery.submission_id
    }
}
