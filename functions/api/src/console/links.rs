//! `POST /v1/projects/{pid}/console-links`: creates console links.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::foundation::id::ConsoleSessionId;
use domain::foundation::time::Timestamp;
use domain::projects::console::NewConsoleLink;
use serde::Serialize;
use tracing::info;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::{Caller, Operator, scope};
use crate::http::idempotency::resource_id;
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// A console link. Give it only to the user that it is for.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ConsoleLink))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleLinkView {
    /// URL to send the user's browser to.
    #[cfg_attr(test, schema(format = "uri"))]
    url: String,
    /// When the link expires. The session that it opens lasts at most 8 hours.
    expires_at: Timestamp,
    /// Id of the session that the link opens.
    session_id: ConsoleSessionId,
}

/// Creates a console link: a URL that opens the console of the project for one user, once. Create a link each time that a user
/// whom your back end has signed in goes to the console. Everything in the link is sealed, and nothing is stored until it is
/// opened.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/console-links", operation_id = "mintConsoleLink", tag = "Console",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["operator"])), request_body = requests::NewConsoleLink,
    extensions(("x-problems" = json!(["no-console"]))),
    responses((status = 201, description = "The console link. No other call returns it.", body = ConsoleLinkView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    Operator { origin }: Operator,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewConsoleLink>,
) -> Result<(StatusCode, Json<ConsoleLinkView>), ApiError> {
    // `Operator` checks the permission; `Caller` only provides the project in the path.
    let console = app.config.console_base_url.as_deref().ok_or(ApiError::NoConsole)?;
    // A strongly consistent read, because the revision decides whether the link was minted before all sessions were ended.
    let project = app.store.projects.get_now(caller.project_id).await?.ok_or(ApiError::NotFound("project"))?;
    let now = app.clock.now();
    let session_id = resource_id(origin.idempotent_request.as_ref(), || ConsoleSessionId::new(now, &*app.random));
    let link = new.create(project.id, project.revision, session_id, now);
    let token = link.seal(&*app.key_ring.ring().await?, &*app.random);
    info!(project.id = %project.id, session.id = %session_id, role = %link.role, "console link of session {session_id} was minted");
    let url = format!("{console}/in/{token}");
    Ok((StatusCode::CREATED, Json(ConsoleLinkView { url, expires_at: link.expires_at, session_id })))
}
