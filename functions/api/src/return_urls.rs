//! `/v1/projects/{pid}/return-url`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::aws::store::ProjectReturnUrl;
use shared::draft::{BadFields, Draft};
use shared::id::ReturnUrlKeyId;
use shared::return_url::{NewReturnUrlSettings, ReturnUrlKey, ReturnUrlSettings};
use shared::time::Timestamp;

use crate::App;
use crate::body::Checked;
use crate::caller::{Caller, scope};
use crate::problem::ApiError;
use crate::projects;

/// The final URL with placeholders.
#[derive(Serialize)]
pub(crate) struct Preview {
    url: String,
}

/// A new `secretKey`, shown this once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedKey {
    id: ReturnUrlKeyId,
    secret_key: String,
    created_at: Timestamp,
}

/// A request that says nothing.
pub(crate) struct Nothing;

impl TryFrom<Draft> for Nothing {
    type Error = BadFields;

    fn try_from(draft: Draft) -> Result<Self, BadFields> {
        draft.check(|| Some(Self))
    }
}

/// Sets the return URL, whole. People see the change within half a minute.
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewReturnUrlSettings>,
) -> Result<Json<ReturnUrlSettings>, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    let ProjectReturnUrl { project, key, .. } = found.ok_or(ApiError::NotFound("project"))?;
    let settings = new.accept(key.is_some())?;
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

/// Takes the return URL away: people see their result and stay. Its key stays too. Repeating it changes nothing.
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

/// Issues a `secretKey` in place of the one there was, and shows it this once.
pub(crate) async fn issue_key(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(Nothing): Checked<Nothing>,
) -> Result<(StatusCode, Json<IssuedKey>), ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    let id = ReturnUrlKeyId::new(app.clock.now(), &*app.random);
    let key = ReturnUrlKey::generate(&*app.random);
    let ring = app.key_ring.ring().await?;
    let stored = key.store(id, project.id, &ring, &*app.random);
    app.settings.replace_return_url_key(&stored).await?;
    let issued = IssuedKey { id, secret_key: key.expose().to_owned(), created_at: stored.created_at };
    Ok((StatusCode::CREATED, Json(issued)))
}

async fn existing<S>(app: &App, caller: &Caller<S>) -> Result<ReturnUrlSettings, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    found.ok_or(ApiError::NotFound("project"))?.settings.ok_or(ApiError::NotFound("return URL"))
}
