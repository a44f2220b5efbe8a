//! `/v1/projects/{pid}/return-url`; its keys are in [`crate::return_url_keys`].

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::aws::store::ProjectReturnUrl;
use shared::return_url::{BroughtUrl, NewReturnUrlSettings, NotOurs, Received, ReturnUrlSettings};

use crate::App;
use crate::body::Checked;
use crate::caller::{Caller, scope};
use crate::problem::ApiError;

/// The final URL with placeholders.
#[derive(Serialize)]
pub(crate) struct Preview {
    url: String,
}

/// Whether a URL is one of ours: what it says, or why it is not to be believed.
#[derive(Serialize)]
pub(crate) struct Verdict {
    valid: bool,
    #[serde(flatten)]
    received: Option<Received>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<NotOurs>,
}

impl From<Result<Received, NotOurs>> for Verdict {
    fn from(found: Result<Received, NotOurs>) -> Self {
        match found {
            Ok(received) => Self { valid: true, received: Some(received), reason: None },
            Err(reason) => Self { valid: false, received: None, reason: Some(reason) },
        }
    }
}

/// Sets the return URL, whole. People see the change within half a minute.
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewReturnUrlSettings>,
) -> Result<Json<ReturnUrlSettings>, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    let ProjectReturnUrl { project, keys, .. } = found.ok_or(ApiError::NotFound("project"))?;
    let settings = new.accept(!keys.is_empty())?;
    app.settings.put_return_url(project.id, &settings).await?;
    Ok(Json(settings))
}

/// Reads the return URL.
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<ReturnUrlSettings>, ApiError> {
    Ok(Json(existing(&app, &caller).await?))
}

/// Takes the return URL away: people see their result and stay. Its keys stay too. Repeating it changes nothing.
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
) -> Result<StatusCode, ApiError> {
    app.settings.delete_return_url(caller.project_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what the final URL will look like.
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<Preview>, ApiError> {
    Ok(Json(Preview { url: existing(&app, &caller).await?.preview() }))
}

/// Tells whether a URL that a browser brought is one of ours, for customers who would rather ask than verify by themselves.
///
/// What it answers is how a verification ended, so it takes the scope that reads just that of deliveries. It is asked by
/// the server that people come back to: a key that could mint links, or change the settings, has no business there.
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    Checked(brought): Checked<BroughtUrl>,
) -> Result<Json<Verdict>, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    let ProjectReturnUrl { settings, keys, .. } = found.ok_or(ApiError::NotFound("project"))?;
    let settings = settings.ok_or(ApiError::NotFound("return URL"))?;
    let now = app.clock.now();
    let ring = app.key_ring.ring_to_open(keys.sealed()).await?;
    let keys = keys.open_valid_at(now, &ring)?;
    Ok(Json(settings.verify(&brought.url, &keys, now, brought.max_age).into()))
}

async fn existing<S>(app: &App, caller: &Caller<S>) -> Result<ReturnUrlSettings, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    found.ok_or(ApiError::NotFound("project"))?.settings.ok_or(ApiError::NotFound("return URL"))
}
