//! `/v1/projects/{pid}/endpoints/{id}/pause` and `/resume`.

use std::time::Duration;

use axum::extract::State;
use shared::aws::store::StoredHealth;
use shared::endpoint::{Endpoint, EndpointState};
use shared::id::{EndpointId, ProjectId};

use crate::App;
use crate::answer::Answer;
use crate::body::LastId;
use crate::caller::{Caller, scope};
use crate::changes::Asked;
use crate::endpoint_view::EndpointView;
use crate::endpoints::{alter_endpoint, show};
#[cfg(test)]
use crate::openapi::parameters;
use crate::problem::ApiError;
use crate::tag::IfMatch;

/// When the sweep looks after an endpoint at the latest whose change is about to be written: after that, in any case.
pub(crate) const LATER: Duration = Duration::from_mins(2);

/// Pauses an endpoint: within 30 seconds, deliveries to it are held. Pausing it again changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/pause", operation_id = "pauseEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView)),
))]
pub(crate) async fn pause(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    if_match: IfMatch,
) -> Result<Answer<EndpointView>, ApiError> {
    set(&app, Asked::by(&caller, &if_match), id, EndpointState::Paused).await
}

/// Resumes an endpoint, be it paused, disabled or left alone for its failures: what was held is drained, gently at first.
/// Resuming an endpoint that takes webhooks gives it a fresh start all the same.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/resume", operation_id = "resumeEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView)),
))]
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    if_match: IfMatch,
) -> Result<Answer<EndpointView>, ApiError> {
    set(&app, Asked::by(&caller, &if_match), id, EndpointState::Active).await
}

/// Pauses or resumes an endpoint as it is asked for.
pub(crate) async fn set(
    app: &App,
    asked: Asked<'_>,
    id: EndpointId,
    state: EndpointState,
) -> Result<Answer<EndpointView>, ApiError> {
    match state {
        EndpointState::Paused => wish(app, asked, id, state).await,
        EndpointState::Active => {
            // Planned before the wish is written: if this is cut off between the two writes, the sweep finds out by itself.
            look_after(app, asked.project, id, LATER).await?;
            let answer = wish(app, asked, id, state).await?;
            let now = app.clock.now();
            let known = app.activity.health_now(asked.project, id).await?;
            let enabled = |stored: &StoredHealth| Some(stored.next(stored.health.clone().enabled(), Some(now)));
            let (stored, _) = app.activity.change_health(known, enabled).await?;
            Ok(answer.map(|shown| shown.with_health(&stored.health)))
        }
    }
}

/// Has the sweep look after an endpoint when `delay` is over, or earlier if that is planned.
pub(crate) async fn look_after(app: &App, project: ProjectId, id: EndpointId, delay: Duration) -> Result<(), ApiError> {
    let at = app.clock.now().plus(delay);
    let known = app.activity.health_now(project, id).await?;
    let look = |stored: &StoredHealth| {
        let at = stored.sweep_at.map_or(at, |planned| planned.min(at));
        // Where nothing is stored, nothing was held.
        stored.is_stored().then(|| stored.next(stored.health.clone(), Some(at)))
    };
    app.activity.change_health(known, look).await?;
    Ok(())
}

async fn wish(
    app: &App,
    asked: Asked<'_>,
    id: EndpointId,
    state: EndpointState,
) -> Result<Answer<EndpointView>, ApiError> {
    let alter = move |endpoint: Endpoint, _| async move {
        let changed = Endpoint { state, ..endpoint };
        Ok((changed.clone(), show(app, changed).await?))
    };
    alter_endpoint(app, asked, id, alter).await
}
