//! `/v1/projects/{pid}/api-keys`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::api_key::{ApiKey, NewApiKey, ProjectKey, Scope};
use shared::id::ApiKeyId;
use shared::project::Name;
use shared::time::Timestamp;

use crate::App;
use crate::body::{Checked, LastId};
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
        }
    }
}

/// Creates a key, and shows it this once.
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewApiKey>,
) -> Result<(StatusCode, Json<ApiKeyView>), ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    if app.settings.api_keys(project.id).await?.len() >= MOST_KEYS {
        return Err(ApiError::LimitReached(MOST_KEYS, "API keys"));
    }
    let key = ApiKey::generate(project.mode.into(), &*app.random);
    let stored = new.create(ApiKeyId::new(app.clock.now(), &*app.random), project.id, &key);
    app.settings.put_api_key(&stored).await?;
    let view = ApiKeyView { key: Some(key.expose().to_owned()), ..stored.into() };
    Ok((StatusCode::CREATED, Json(view)))
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

/// Revokes a key for ever. Revoking it again changes nothing.
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    app.settings.delete_api_key(caller.project_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
