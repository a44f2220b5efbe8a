//! `/v1/projects/{pid}/endpoints/{id}/pause` and `/resume`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use shared::aws::store::StoredHealth;
use shared::endpoint::{Endpoint, EndpointState};
use shared::id::{EndpointId, ProjectId};

use crate::App;
use crate::body::LastId;
use crate::caller::{Caller, scope};
use crate::endpoint_view::EndpointView;
use crate::endpoints::{existing, save, show};
use crate::problem::ApiError;

/// When the sweep looks after an endpoint at the latest whose change is about to be written: after that, in any case.
pub(crate) const LATER: Duration = Duration::from_mins(2);

/// Pauses an endpoint: within 30 seconds, deliveries to it are held. Pausing it again changes nothing.
pub(crate) async fn pause(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
) -> Result<Json<EndpointView>, ApiError> {
    let endpoint = wish(&app, caller.project_id, id, EndpointState::Paused).await?;
    Ok(Json(show(&app, endpoint).await?))
}

/// Resumes an endpoint, be it paused, disabled or left alone for its failures: what was held is drained, gently at first.
/// Resuming an endpoint that takes webhooks gives it a fresh start all the same.
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
) -> Result<Json<EndpointView>, ApiError> {
    // Planned before the wish is written: if this is cut off between the two writes, the sweep finds out by itself.
    look_after(&app, caller.project_id, id, LATER).await?;
    let endpoint = wish(&app, caller.project_id, id, EndpointState::Active).await?;
    let now = app.clock.now();
    let known = app.activity.health_now(caller.project_id, id).await?;
    let enabled = |stored: &StoredHealth| Some(stored.next(stored.health.clone().enabled(), Some(now)));
    let (stored, _) = app.activity.change_health(known, enabled).await?;
    Ok(Json(EndpointView::of(endpoint, &stored.health, now)))
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

async fn wish(app: &App, project: ProjectId, id: EndpointId, state: EndpointState) -> Result<Endpoint, ApiError> {
    let endpoint = existing(app, project, id).await?;
    if endpoint.state == state {
        return Ok(endpoint);
    }
    let changed = Endpoint { state, ..endpoint };
    save(app, &changed).await?;
    Ok(changed)
}
