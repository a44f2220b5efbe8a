//! `/v1/projects/{pid}/api-keys`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::api_key::{ApiKey, KeyRotation, NewApiKey, ProjectKey, Rotated, Scope};
use shared::id::{ApiKeyId, ProjectId};
use shared::project::{Name, Project};
use shared::time::{Timestamp, UtcDay};

use crate::App;
use crate::body::{Body, Checked, LastId};
use crate::caller::{Caller, scope};
use crate::paging::List;
use crate::problem::ApiError;
use crate::projects;

const MOST_KEYS: usize = 20;

/// A key as it is shown; the key itself only when it was just created.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    id: ApiKeyId,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    hint: String,
    scopes: BTreeSet<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    allowed_cidrs: Vec<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_on: Option<UtcDay>,
}

impl From<ProjectKey> for ApiKeyView {
    fn from(key: ProjectKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            key: None,
            hint: key.hint,
            scopes: key.scopes,
            expires_at: key.expires_at,
            allowed_cidrs: key.allowed_cidrs.iter().map(ToString::to_string).collect(),
            created_at: key.created_at,
            last_used_on: key.last_used_on,
        }
    }
}

impl ApiKeyView {
    /// The same with the key itself, to be shown this once.
    fn with_key(stored: ProjectKey, key: &ApiKey) -> Self {
        Self { key: Some(key.expose().to_owned()), ..stored.into() }
    }
}

/// Creates a key, and shows it this once.
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewApiKey>,
) -> Result<(StatusCode, Json<ApiKeyView>), ApiError> {
    let project = with_room(&app, caller.project_id).await?;
    let key = ApiKey::generate(project.mode.into(), &*app.random);
    let id = ApiKeyId::new(app.clock.now(), &*app.random);
    let stored = new.create(id, project.id, &key, &caller.scopes())?;
    app.settings.put_api_key(&stored).await?;
    Ok((StatusCode::CREATED, Json(ApiKeyView::with_key(stored, &key))))
}

/// Creates a key in place of another, which ends after the overlap, and shows it this once.
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ApiKeyId>,
    body: Body,
) -> Result<(StatusCode, Json<ApiKeyView>), ApiError> {
    let rotation = KeyRotation::try_from(body.draft_or_empty()?)?;
    let project = with_room(&app, caller.project_id).await?;
    let present = app.settings.api_key(project.id, id).await?.ok_or(ApiError::NotFound("API key"))?;
    let key = ApiKey::generate(project.mode.into(), &*app.random);
    let new_id = ApiKeyId::new(app.clock.now(), &*app.random);
    let Rotated { successor, predecessor } = present.rotate(rotation, new_id, &key, &caller.scopes())?;
    // The new key comes first: a crash between the two leaves one key too many, and never none.
    app.settings.put_api_key(&successor).await?;
    match predecessor {
        Some(predecessor) => drop(app.settings.replace_api_key(&predecessor).await?),
        None => app.settings.delete_api_key(project.id, id).await?,
    }
    app.api_keys.forget(id);
    Ok((StatusCode::CREATED, Json(ApiKeyView::with_key(successor, &key))))
}

/// Lists the keys.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<ApiKeyView>>, ApiError> {
    projects::existing(&app, caller.project_id).await?;
    let keys = app.settings.api_keys(caller.project_id).await?;
    Ok(Json(List::whole(keys.into_iter().rev().map(ApiKeyView::from).collect())))
}

/// Revokes a key for ever: it is refused within ten seconds everywhere. Revoking it again changes nothing.
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    app.settings.delete_api_key(caller.project_id, id).await?;
    app.api_keys.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

/// The project, if it may have one more key.
async fn with_room(app: &App, id: ProjectId) -> Result<Project, ApiError> {
    let project = projects::existing(app, id).await?;
    if app.settings.api_keys(project.id).await?.len() >= MOST_KEYS {
        return Err(ApiError::LimitReached(MOST_KEYS, "API keys"));
    }
    Ok(project)
}
