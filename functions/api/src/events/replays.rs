//! `/v1/projects/{pid}/deliveries/{id}/replay` and `/v1/projects/{pid}/replays`: sends ended deliveries once more, each to its own
//! endpoint.

use std::time::Duration;

use aws::queue::Message;
use aws::store::{Count, ReplayStart, Resumed};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::foundation::draft::{BadField, BadFields};
use domain::foundation::id::{DeliveryId, ProjectId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{ReplayTask, SkipReason};
use domain::webhooks::replay::{NewReplay, Progress, Replay, ReplayFilter, ReplayRate, ReplayState};
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
    filter: ReplayFilter,
    /// Number of deliveries sent per minute.
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

impl From<Replay> for ReplayView {
    fn from(replay: Replay) -> Self {
        Self {
            id: replay.replay_id,
            state: replay.state,
            filter: replay.filter,
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
    extensions(("x-problems" = json!(["delivery-under-way", "endpoint-deleted", "endpoint-paused", "endpoint-disabled", "event-gone"]))),
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
    if let Some(reason) = delivery.replay_obstacle(endpoint.map(|endpoint| (endpoint.state, &stored.health))) {
        return Err(reason.into());
    }
    if app.store.events.get(caller.project_id, id.event).await?.is_none() {
        return Err(SkipReason::EventGone.into());
    }
    let claim = caller.origin.idempotent_request.as_ref();
    let replay_id = idempotency::resource_id(claim, || ReplayId::new(app.clock.now(), &*app.random));
    let task = ReplayTask { project_id: caller.project_id, delivery_id: id, replay_id, is_counted: false };
    app.send_queue.send(vec![Message::to_send(task, Duration::ZERO)?]).await?;
    Ok((StatusCode::ACCEPTED, Json(AcceptedReplay { replay_id, delivery_id: id })))
}

/// Starts a replay of all deliveries that match a filter. With `dryRun`, only counts the deliveries.
///
/// A project can run one dry run or build one report at a time. A dry run counts as ten calls of its API key.
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
    check_endpoint(&app, caller.project_id, &new.filter).await?;
    if new.is_dry_run {
        let has_time = || app.clock.now() < now.plus(COUNT_TIMEOUT);
        let filter = new.filter.into();
        let count = async { Ok(app.store.events.count_deliveries(caller.project_id, &filter, now, has_time).await?) };
        return Ok(Json(DryRun::from(app.read_slowly(&caller, count).await?)).into_response());
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

/// Fails if the filter names an endpoint that does not exist, because nothing can be replayed to it.
async fn check_endpoint(app: &App, project: ProjectId, filter: &ReplayFilter) -> Result<(), ApiError> {
    let Some(id) = filter.endpoint_id else { return Ok(()) };
    if app.store.endpoints.get(project, id).await?.is_some() {
        return Ok(());
    }
    let detail = "is not an endpoint of this project".to_owned();
    Err(BadFields(vec![BadField { pointer: "/endpointId".to_owned(), detail }]).into())
}

impl From<Count> for DryRun {
    fn from(count: Count) -> Self {
        match count {
            Count::Exactly(number) => Self::Matching(number),
            Count::AtLeast(number) => Self::AtLeast(number),
        }
    }
}
