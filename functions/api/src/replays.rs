//! `/v1/projects/{pid}/deliveries/{id}/replay` and `/v1/projects/{pid}/replays`: what is over is sent once more, each delivery
//! to its own endpoint.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::aws::queue::Message;
use shared::aws::store::{Count, Resumed, Written};
use shared::delivery::{ReplayNudge, SkipReason};
use shared::draft::{BadField, BadFields};
use shared::id::{DeliveryId, ProjectId, ReplayId};
use shared::replay::{NewReplay, Progress, Replay, ReplayFilter, ReplayRate, ReplayState};
use shared::time::Timestamp;

use crate::App;
use crate::body::{Body, CheckedQuery, LastId};
use crate::caller::{Caller, scope};
use crate::once;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::{List, Paging};
use crate::problem::ApiError;
use crate::{deliveries, projects};

/// How long a dry run counts; what it has not seen by then is not in its answer.
const LONGEST_COUNT: Duration = Duration::from_secs(5);

/// A replay of one delivery, on its way.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AcceptedReplay))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    /// Names the replay, among those that the delivery shows.
    replay_id: ReplayId,
    /// What is sent once more.
    delivery_id: DeliveryId,
}

/// A replay by filter as it is shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Replay))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayView {
    /// Its id.
    id: ReplayId,
    /// How far it has come.
    state: ReplayState,
    /// Which deliveries it sends.
    filter: ReplayFilter,
    /// How many it sends in a minute.
    rate_per_minute: ReplayRate,
    /// What became of them.
    progress: Progress,
    /// When it was asked for.
    created_at: Timestamp,
}

/// How many deliveries a replay would send.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
enum DryRun {
    /// So many.
    Matching(u64),
    /// So many were found in five seconds, and there are more.
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
            created_at: replay.replay_id.made_at(),
        }
    }
}

/// Replays one delivery: one POST, as its endpoint is set now.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/deliveries/{id}/replay", operation_id = "replayDelivery", tag = "Replays",
    params(("id" = DeliveryId, Path), parameters::Once), security(("x-api-key" = ["deliveries:replay"])),
    request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["delivery-under-way", "endpoint-deleted", "endpoint-paused", "endpoint-disabled", "event-gone"]))),
    responses((status = 202, description = "It is on its way.", body = Accepted)),
))]
pub(crate) async fn replay_one(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    LastId(id): LastId<DeliveryId>,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    body.draft_or_empty()?.check(|| Some(()))?;
    let delivery = deliveries::existing(&app, caller.project_id, id).await?;
    let endpoint = app.settings.endpoint(caller.project_id, id.endpoint).await?;
    let stored = app.activity.health_now(caller.project_id, id.endpoint).await?;
    if let Some(because) = delivery.replay_obstacle(endpoint.map(|endpoint| (endpoint.state, &stored.health))) {
        return Err(because.into());
    }
    if app.activity.event(caller.project_id, id.event).await?.is_none() {
        return Err(SkipReason::EventGone.into());
    }
    let claim = caller.origin.claim.as_ref();
    let replay_id = once::subject(claim, || ReplayId::new(app.clock.now(), &*app.random));
    let nudge = ReplayNudge { project_id: caller.project_id, delivery_id: id, replay_id, is_counted: false };
    app.send_queue.send(vec![Message::to_send(nudge, Duration::ZERO)?]).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { replay_id, delivery_id: id })))
}

/// Starts a replay by filter, or only counts what it would send.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/replays", operation_id = "startReplay", tag = "Replays",
    params(parameters::Once), security(("x-api-key" = ["deliveries:replay"])),
    request_body = requests::NewReplay, extensions(("x-problems" = json!(["replay-running"]))),
    responses(
        (status = 200, description = "How many deliveries would be sent, if it was a dry run.", body = DryRun),
        (status = 202, description = "The replay runs.", body = ReplayView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    body: Body,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let new = NewReplay::check(body.draft()?, now, app.config.retention.oldest_kept(now))?;
    projects::existing(&app, caller.project_id).await?;
    check_endpoint(&app, caller.project_id, &new.filter).await?;
    if new.is_dry_run {
        let has_time = || app.clock.now() < now.plus(LONGEST_COUNT);
        let count = app.activity.count_deliveries(caller.project_id, &new.filter.into(), now, has_time).await?;
        return Ok(Json(DryRun::from(count)).into_response());
    }
    let claim = caller.origin.claim.as_ref();
    let replay = new.start(once::subject(claim, || ReplayId::new(now, &*app.random)), caller.project_id);
    let started = match app.activity.start_replay(&replay, now).await? {
        Written::Now => replay,
        // It may be this very one, started by a call that never got its answer.
        Written::Before => {
            app.activity.replay(caller.project_id, replay.replay_id).await?.ok_or(ApiError::ReplayRunning)?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(ReplayView::from(started))).into_response())
}

/// Lists replays by filter, newest first.
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
    projects::existing(&app, caller.project_id).await?;
    let page = app.activity.replays(caller.project_id, paging.limit()?, paging.after()?.as_ref()).await?;
    let List { items, cursor } = page.into();
    Ok(Json(List { items: items.into_iter().map(ReplayView::from).collect(), cursor }))
}

/// Reads one replay by filter.
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

/// Cancels a replay by filter: nothing more is sent. What was queued already is skipped. Cancelling it again changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/replays/{id}/cancel", operation_id = "cancelReplay", tag = "Replays",
    params(("id" = ReplayId, Path)), security(("x-api-key" = ["deliveries:replay"])),
    extensions(("x-problems" = json!(["replay-done"]))),
    responses((status = 200, description = "The replay as it is now.", body = ReplayView)),
))]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    LastId(id): LastId<ReplayId>,
) -> Result<Json<ReplayView>, ApiError> {
    let replay = existing(&app, caller.project_id, id).await?;
    app.activity.end_replay(&replay, ReplayState::Cancelled).await?;
    shown_if_not_done(&app, caller.project_id, id).await
}

/// Has a cancelled replay go on where it was stopped. Resuming one that runs changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/replays/{id}/resume", operation_id = "resumeReplay", tag = "Replays",
    params(("id" = ReplayId, Path)), security(("x-api-key" = ["deliveries:replay"])),
    extensions(("x-problems" = json!(["replay-done", "replay-running"]))),
    responses((status = 200, description = "The replay as it is now.", body = ReplayView)),
))]
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesReplay>,
    LastId(id): LastId<ReplayId>,
) -> Result<Json<ReplayView>, ApiError> {
    let replay = existing(&app, caller.project_id, id).await?;
    match app.activity.resume_replay(&replay, app.clock.now()).await? {
        Resumed::Now | Resumed::NotCancelled => shown_if_not_done(&app, caller.project_id, id).await,
        Resumed::OtherRuns => Err(ApiError::ReplayRunning),
    }
}

/// The replay as it is now, if it is not done: then it can be neither cancelled nor resumed.
async fn shown_if_not_done(app: &App, project: ProjectId, id: ReplayId) -> Result<Json<ReplayView>, ApiError> {
    let replay = existing(app, project, id).await?;
    match replay.state {
        ReplayState::Running | ReplayState::Cancelled => Ok(Json(replay.into())),
        ReplayState::Done => Err(ApiError::ReplayDone),
    }
}

async fn existing(app: &App, project: ProjectId, id: ReplayId) -> Result<Replay, ApiError> {
    app.activity.replay(project, id).await?.ok_or(ApiError::NotFound("replay"))
}

/// Refuses an endpoint that is not there: nothing can be replayed to it.
async fn check_endpoint(app: &App, project: ProjectId, filter: &ReplayFilter) -> Result<(), ApiError> {
    let Some(id) = filter.endpoint_id else { return Ok(()) };
    if app.settings.endpoint(project, id).await?.is_some() {
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
