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
use crate::paging::{List, Paging};
use crate::problem::ApiError;
use crate::{deliveries, projects};

/// How long a dry run counts; what it has not seen by then is not in its answer.
const LONGEST_COUNT: Duration = Duration::from_secs(5);

/// A replay of one delivery, on its way.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    replay_id: ReplayId,
    delivery_id: DeliveryId,
}

/// A replay by filter as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayView {
    id: ReplayId,
    state: ReplayState,
    filter: ReplayFilter,
    rate_per_minute: ReplayRate,
    progress: Progress,
    created_at: Timestamp,
}

/// How many deliveries a replay would send.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum DryRun {
    Matching(u64),
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
    let replay_id = ReplayId::new(app.clock.now(), &*app.random);
    let nudge = ReplayNudge { project_id: caller.project_id, delivery_id: id, replay_id, is_counted: false };
    app.send_queue.send(vec![Message::to_send(nudge, Duration::ZERO)?]).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { replay_id, delivery_id: id })))
}

/// Starts a replay by filter, or only counts what it would send.
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
    let replay = new.start(ReplayId::new(now, &*app.random), caller.project_id);
    match app.activity.start_replay(&replay, now).await? {
        Written::Now => Ok((StatusCode::ACCEPTED, Json(ReplayView::from(replay))).into_response()),
        Written::Before => Err(ApiError::ReplayRunning),
    }
}

/// Lists replays by filter, newest first.
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
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(id): LastId<ReplayId>,
) -> Result<Json<ReplayView>, ApiError> {
    Ok(Json(existing(&app, caller.project_id, id).await?.into()))
}

/// Cancels a replay by filter: nothing more is sent. What was queued already is skipped. Cancelling it again changes nothing.
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
