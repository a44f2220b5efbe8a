//! `/v1/projects/{pid}/deliveries/{id}/replay` and `/v1/projects/{pid}/replays`: sends ended deliveries once more, each to its own
//! endpoint, or earlier events to an endpoint that has no delivery of them.

use std::time::Duration;

use aws::queue::Message;
use aws::store::{Count, ReplayStart, Resumed};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::foundation::draft::BadFields;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{ReplayTask, SkipReason};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::event::EventType;
use domain::webhooks::replay::{
    NewReplay, Progress, Replay, ReplayFilter, ReplayRate, ReplayScope, ReplayState, ReplayableState,
};
use serde::Serialize;

use crate::app::App;
use crate::events::deliveries;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, CheckedQuery, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::idempotency;
use crate::http::paging::{List, Paged, Paging};
#[cfg(test)]
use crate::openapi::{parameters, requests, webhook_requests};

/// Maximum time that a dry run counts. Deliveries that it has not read by then are not counted.
const COUNT_TIMEOUT: Duration = Duration::from_secs(5);

/// The replay of one delivery, queued.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcceptedReplay {
    /// Id of the replay, as in `replays` of the delivery.
    replay_id: ReplayId,
    /// Id of the delivery.
    delivery_id: DeliveryId,
}

/// Filter of a replay.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReplayFilter))]
#[serde(rename_all = "camelCase")]
struct FilterView {
    /// Earliest time at which the event was accepted, inclusive.
    from: Timestamp,
    /// Latest time at which the event was accepted, inclusive.
    to: Timestamp,
    /// Endpoint of the deliveries. Absent: all endpoints. Each delivery is sent to its own endpoint again.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_id: Option<EndpointId>,
    /// Type of the events. Absent: all types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<EventType>,
    /// Which deliveries are sent.
    scope: ReplayScope,
    /// Final state of the deliveries. Absent with the scope `missing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<ReplayableState>,
}

/// A replay of all deliveries that match a filter.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Replay))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayView {
    /// Id of the replay.
    id: ReplayId,
    /// State of the replay.
    state: ReplayState,
    /// Filter of the deliveries that are sent.
    filter: FilterView,
    /// Maximum number of deliveries sent per minute. An endpoint with a `pace` gets no more than its pace.
    rate_per_minute: ReplayRate,
    /// Counts of the deliveries by result.
    progress: Progress,
    /// When the replay was started.
    created_at: Timestamp,
}

/// Result of a dry run: the number of deliveries that the replay would send.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
enum DryRun {
    /// The exact number.
    Matching(u64),
    /// The number counted within five seconds. There are more.
    AtLeast(u64),
}

impl From<ReplayFilter> for FilterView {
    fn from(filter: ReplayFilter) -> Self {
        let ReplayFilter { from, to, endpoint_id, event_type, state, scope } = filter;
        let state = (scope == ReplayScope::Ended).then_some(state);
        Self { from, to, endpoint_id, event_type, scope, state }
    }
}

impl From<Replay> for ReplayView {
    fn from(replay: Replay) -> Self {
        Self {
            id: replay.replay_id,
            state: replay.state,
            filter: replay.filter.into(),
            rate_per_minute: replay.rate_per_minute,
            progress: replay.progress.shown(),
            created_at: replay.replay_id.created_at(),
        }
    }
}

/// Sends one ended delivery again: one POST with the current settings of the endpoint. Failures of the endpoint do not prevent it.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/deliveries/{id}/replay", operation_id = "replayDelivery", tag = "Replays",
    params(("id" = DeliveryId, Path), parameters::IdempotencyKey), security(("x-api-key" = ["deliveries:replay"])),
    request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["delivery-under-way", "endpoint-deleted", "endpoint-paused", "endpoint-disabled", "endpoint-unverified", "event-gone"]))),
    responses((status = 202, description = "The replay is queued.", body = AcceptedReplay)),
))]
pub(crate) async fn replay_one(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    LastId(id): LastId<DeliveryId>,
    body: Body,
) -> Result<(StatusCode, Json<AcceptedReplay>), ApiError> {
    body.expect_no_fields()?;
    let delivery = deliveries::existing(&app, caller.project_id, id).await?;
    let endpoint = app.store.endpoints.get(caller.project_id, id.endpoint).await?;
    let stored = app.store.health.get_now(caller.project_id, id.endpoint).await?;
    if let Some(reason) = delivery.replay_obstacle(endpoint.map(|endpoint| (endpoint.sending_state(), &stored.health)))
    {
        return Err(reason.into());
    }
    if app.store.events.get(caller.project_id, id.event).await?.is_none() {
        return Err(SkipReason::EventGone.into());
    }
    let claim = caller.origin.idempotent_request.as_ref();
    let replay_id = idempotency::resource_id(claim, || ReplayId::new(app.clock.now(), &*app.random));
    let task = ReplayTask::new(caller.project_id, id, replay_id, false);
    app.send_queue.send(vec![Message::to_send(task, Duration::ZERO)?]).await?;
    Ok((StatusCode::ACCEPTED, Json(AcceptedReplay { replay_id, delivery_id: id })))
}

/// Starts a replay of all deliveries that match a filter. With `dryRun`, only counts the deliveries.
///
/// With the scope `missing`, an endpoint gets the earlier events of its types that it has no delivery of, oldest first. Use it
/// for a new endpoint. These deliveries are created, retried, listed and reported like all others. Cancelling such a replay
/// creates no further deliveries; those that exist are still sent.
///
/// A project can run one replay at a time, and beside it one dry run or report. A dry run counts as ten calls.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/replays", operation_id = "startReplay", tag = "Replays",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["deliveries:replay"])),
    request_body = webhook_requests::NewReplay, extensions(("x-problems" = json!(["replay-running", "slow-read-running"]))),
    responses(
        (status = 200, description = "The result of a dry run.", body = DryRun),
        (status = 202, description = "The replay is running.", body = ReplayView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    body: Body,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let new = NewReplay::check(body.draft()?, now, app.config.store.retention.oldest_kept(now))?;
    app.existing_project(caller.project_id).await?;
    let endpoint = endpoint_of(&app, caller.project_id, &new.filter).await?;
    if new.is_dry_run {
        let count = count(&app, caller.project_id, &new.filter, endpoint.as_ref());
        return Ok(Json(DryRun::from(Box::pin(app.read_slowly(&caller, count)).await?)).into_response());
    }
    let claim = caller.origin.idempotent_request.as_ref();
    let replay = new.start(idempotency::resource_id(claim, || ReplayId::new(now, &*app.random)), caller.project_id);
    let running = match app.store.replays.start(&replay, now).await? {
        ReplayStart::Started => replay,
        // The running replay may be this one, started by a first call whose response was lost.
        ReplayStart::AlreadyRunning => {
            app.store.replays.get(caller.project_id, replay.replay_id).await?.ok_or(ApiError::ReplayRunning)?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(ReplayView::from(running))).into_response())
}

/// Lists the replays that were started by filter, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/replays", operation_id = "listReplays", tag = "Replays",
    params(Paging), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "A page of replays.", body = List<ReplayView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<ReplayView>>, ApiError> {
    app.existing_project(caller.project_id).await?;
    let list = Paged::new("replays", Some(caller.project_id), &());
    let page = app.store.replays.list(caller.project_id, paging.limit()?, paging.after(&list)?.as_ref()).await?;
    let List { items, cursor } = list.page(page);
    Ok(Json(List { items: items.into_iter().map(ReplayView::from).collect(), cursor }))
}

/// Retrieves one replay that was started by filter.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/replays/{id}", operation_id = "readReplay", tag = "Replays",
    params(("id" = ReplayId, Path)), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "The replay.", body = ReplayView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(id): LastId<ReplayId>,
) -> Result<Json<ReplayView>, ApiError> {
    Ok(Json(existing(&app, caller.project_id, id).await?.into()))
}

/// Cancels a replay that was started by filter. Deliveries that are already queued are skipped. Cancelling a cancelled replay
/// changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/replays/{id}/cancel", operation_id = "cancelReplay", tag = "Replays",
    params(("id" = ReplayId, Path)), security(("x-api-key" = ["deliveries:replay"])),
    extensions(("x-problems" = json!(["replay-done"]))),
    responses((status = 200, description = "The replay after the change.", body = ReplayView)),
))]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    LastId(id): LastId<ReplayId>,
) -> Result<Json<ReplayView>, ApiError> {
    let replay = existing(&app, caller.project_id, id).await?;
    app.store.replays.end(&replay, ReplayState::Cancelled).await?;
    view_unless_done(&app, caller.project_id, id).await
}

/// Resumes a cancelled replay where it stopped. Resuming a running replay changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/replays/{id}/resume", operation_id = "resumeReplay", tag = "Replays",
    params(("id" = ReplayId, Path)), security(("x-api-key" = ["deliveries:replay"])),
    extensions(("x-problems" = json!(["replay-done", "replay-running"]))),
    responses((status = 200, description = "The replay after the change.", body = ReplayView)),
))]
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    LastId(id): LastId<ReplayId>,
) -> Result<Json<ReplayView>, ApiError> {
    let replay = existing(&app, caller.project_id, id).await?;
    match app.store.replays.resume(&replay, app.clock.now()).await? {
        Resumed::Now | Resumed::NotCancelled => view_unless_done(&app, caller.project_id, id).await,
        Resumed::OtherRuns => Err(ApiError::ReplayRunning),
    }
}

/// Returns the current replay. Fails if it has ended, because then it can be neither cancelled nor resumed.
async fn view_unless_done(app: &App, project: ProjectId, id: ReplayId) -> Result<Json<ReplayView>, ApiError> {
    let replay = existing(app, project, id).await?;
    match replay.state {
        ReplayState::Running | ReplayState::Cancelled => Ok(Json(replay.into())),
        ReplayState::Done => Err(ApiError::ReplayDone),
    }
}

/// Loads a replay. Fails with 404 if it does not exist.
async fn existing(app: &App, project: ProjectId, id: ReplayId) -> Result<Replay, ApiError> {
    app.store.replays.get(project, id).await?.ok_or(ApiError::NotFound("replay"))
}

/// Loads the endpoint that the filter names. Fails if it does not exist, because nothing can be replayed to it. With the scope
/// `missing`, also fails if the endpoint does not receive the filter's event type.
async fn endpoint_of(app: &App, project: ProjectId, filter: &ReplayFilter) -> Result<Option<Endpoint>, ApiError> {
    let bad = |pointer: &str, detail: &str| ApiError::from(BadFields::one(pointer, detail));
    let Some(id) = filter.endpoint_id else { return Ok(None) };
    let endpoint = app.store.endpoints.get(project, id).await?;
    let endpoint = endpoint.ok_or_else(|| bad("/endpointId", "is not an endpoint of this project"))?;
    let is_unwanted = filter.event_type.is_some_and(|event_type| !endpoint.wants(event_type));
    if filter.scope == ReplayScope::Missing && is_unwanted {
        return Err(bad("/type", "is not a type that the endpoint receives"));
    }
    Ok(Some(endpoint))
}

/// Counts the deliveries that a replay would send.
async fn count(
    app: &App,
    project: ProjectId,
    filter: &ReplayFilter,
    endpoint: Option<&Endpoint>,
) -> Result<Count, ApiError> {
    let now = app.clock.now();
    let has_time = || app.clock.now() < now.plus(COUNT_TIMEOUT);
    let events = &app.store.events;
    Ok(match (filter.scope, endpoint) {
        (ReplayScope::Missing, Some(endpoint)) => {
            events.count_missing(project, &filter.missing_events(endpoint), has_time).await?
        }
        _ => events.count_deliveries(project, filter, now, has_time).await?,
    })
}

impl From<Count> for DryRun {
    fn from(count: Count) -> Self {
        match count {
            Count::Exactly(number) => Self::Matching(number),
            Count::AtLeast(number) => Self::AtLeast(number),
        }
    }
}
