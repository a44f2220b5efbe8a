//! `/v1/projects/{pid}/endpoints/{id}/pause` and `/resume`: pauses and resumes an endpoint.

use aws::store::{FALLBACK_CHECK_DELAY, StoredHealth};
use axum::extract::State;
use domain::foundation::id::EndpointId;
use domain::webhooks::endpoint::{Endpoint, EndpointState};

use crate::app::App;
use crate::endpoints::settings::{alter_endpoint, view};
use crate::endpoints::view::EndpointView;
use crate::http::api_error::ApiError;
use crate::http::body::LastId;
use crate::http::caller::{Caller, scope};
use crate::http::etag::Preconditions;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeRequest;
#[cfg(test)]
use crate::openapi::parameters;

/// Pauses an endpoint. Within 30 seconds, its deliveries are held. Pausing a paused endpoint changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/pause", operation_id = "pauseEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The endpoint after the change.", body = EndpointView)),
))]
pub(crate) async fn pause(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    set(&app, ChangeRequest::by(&caller, &preconditions), id, EndpointState::Paused).await
}

/// Resumes an endpoint that is paused, disabled, or temporarily without webhooks because of failures. Its held deliveries are
/// drained, at a low rate first. Resuming an active endpoint resets its health.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/resume", operation_id = "resumeEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The endpoint after the change.", body = EndpointView)),
))]
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    set(&app, ChangeRequest::by(&caller, &preconditions), id, EndpointState::Active).await
}

/// Pauses or resumes an endpoint.
pub(crate) async fn set(
    app: &App,
    request: ChangeRequest<'_>,
    id: EndpointId,
    state: EndpointState,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    match state {
        EndpointState::Paused => set_desired_state(app, request, id, state).await,
        EndpointState::Active => {
            // Scheduled before the state is written: if this request is cut off between the two writes, the sweep drains the endpoint.
            let check_at = app.clock.now().plus(FALLBACK_CHECK_DELAY);
            app.store.health.schedule_check(request.project, id, check_at).await?;
            let response = set_desired_state(app, request, id, state).await?;
            // Enabling resets the failures and plans a check now, which drains the held deliveries.
            let now = app.clock.now();
            let seen = app.store.health.get_now(request.project, id).await?;
            let enabled = |stored: &StoredHealth| Some(stored.next(stored.health.clone().enabled(), Some(now)));
            let (stored, _) = app.store.health.change(seen, enabled).await?;
            Ok(response.map(|view| view.with_health(&stored.health)))
        }
    }
}

async fn set_desired_state(
    app: &App,
    request: ChangeRequest<'_>,
    id: EndpointId,
    state: EndpointState,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    let alter = move |endpoint: Endpoint, _| async move {
        let changed = Endpoint { state, ..endpoint };
        Ok((changed.clone(), view(app, changed).await?))
    };
    alter_endpoint(app, request, id, alter).await
}
