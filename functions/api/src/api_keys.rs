//! `/v1/projects/{pid}/api-keys`: creates, rotates, lists and revokes API keys.

use std::collections::BTreeSet;

use aws::store::Write;
use axum::Json;
use axum::extract::State;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::api_key::{ApiKey, KeyRotation, NewApiKey, ProjectKey, Rotated, Scope};
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::project::{Name, Project};
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, Checked, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{IfMatch, SettingsView, Tag};
use crate::http::idempotency::idempotent;
use crate::http::paging::List;
use crate::http::response::SettingsResponse;
use crate::http::routes::Routes;
use crate::http::settings_change::ChangeDecision;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use axum::routing::{get, post};

/// The routes of API keys.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/api-keys", idempotent(app, post(create)).get(list))
        .route("/v1/projects/{pid}/api-keys/{id}", get(read).delete(revoke))
        .route("/v1/projects/{pid}/api-keys/{id}/rotate", idempotent(app, post(rotate)))
}

/// Maximum number of API keys of a project.
const MAX_KEYS: usize = 20;

/// An API key. The key itself is returned only once, when it is created.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ApiKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    /// Id of the API key. It is not a secret.
    id: ApiKeyId,
    /// Name of the API key.
    name: Name,
    /// The key itself. Only the response that creates the key contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The first characters of the key, to recognize it.
    hint: String,
    /// Scopes of the key: the operations that it allows.
    scopes: BTreeSet<Scope>,
    /// When the key expires. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Networks from which the key can be used. Empty: all networks.
    allowed_cidrs: Vec<String>,
    /// When the key was created.
    created_at: Timestamp,
    /// Last UTC day on which the key was used. Absent: the key was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_on: Option<UtcDay>,
}

impl SettingsView for ApiKeyView {
    const NOT_SETTINGS: &[&str] = &["key", "lastUsedOn"];
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
    /// The view with the key itself, for the response that creates the key.
    fn with_key(stored: ProjectKey, key: &ApiKey) -> Self {
        Self { key: Some(key.expose().to_owned()), ..stored.into() }
    }
}

/// Creates an API key. The response is the only one that contains the key.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/api-keys", operation_id = "createApiKey", tag = "API keys",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["settings:write"])), request_body = requests::NewApiKey,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 201, description = "The API key, with the key itself.", body = ApiKeyView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewApiKey>,
) -> Result<SettingsResponse<ApiKeyView>, ApiError> {
    let (app, new, own) = (&app, &new, &caller.scopes());
    let decide = move |project: Project| async move {
        check_room(app, project.id).await?;
        let key = ApiKey::generate(project.mode.into(), &*app.random);
        let id = ApiKeyId::new(app.clock.now(), &*app.random);
        let stored = new.clone().create(id, project.id, &key, own)?;
        let write = Write::api_key(&stored)?;
        let view = ApiKeyView::with_key(stored, &key);
        let change = AuditChange::created(Resource::ApiKey { id }, &view.settings());
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::created(view)))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Replaces an API key with a new one. The old key expires after the overlap. The response is the only one that contains the new
/// key.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/api-keys/{id}/rotate", operation_id = "rotateApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path), parameters::IdempotencyKey), security(("x-api-key" = ["settings:write"])),
    request_body = Option<requests::KeyRotation>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 201, description = "The new API key, with the key itself.", body = ApiKeyView)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ApiKeyId>,
    body: Body,
) -> Result<SettingsResponse<ApiKeyView>, ApiError> {
    let rotation = KeyRotation::try_from(body.draft_or_empty()?)?;
    let (app, rotation, own) = (&app, &rotation, &caller.scopes());
    let decide = move |project: Project| async move {
        check_room(app, project.id).await?;
        let present = app.store.api_keys.get(project.id, id).await?.ok_or(ApiError::NotFound("API key"))?;
        let key = ApiKey::generate(project.mode.into(), &*app.random);
        let new_id = ApiKeyId::new(app.clock.now(), &*app.random);
        let before = ApiKeyView::from(present.clone()).settings();
        let Rotated { successor, predecessor } = present.rotate(rotation.clone(), new_id, &key, own)?;
        let (change, end) = match predecessor {
            None => (AuditChange::deleted(Resource::ApiKey { id }, &before), Write::api_key_deleted(project.id, id)),
            Some(key) => {
                let end = Write::api_key(&key)?;
                let after = ApiKeyView::from(key).settings();
                (AuditChange::changed(Resource::ApiKey { id }, &before, &after), end)
            }
        };
        let (change, writes) = (change.with_successor(new_id), vec![Write::api_key(&successor)?, end]);
        Ok(ChangeDecision::resource(
            project,
            writes,
            change,
            SettingsResponse::created(ApiKeyView::with_key(successor, &key)),
        ))
    };
    let response = app.change_settings(&caller.origin, caller.project_id, decide).await?;
    // This instance rejects the old key at once. The others do so when their cached copy expires.
    app.api_keys.forget(id);
    Ok(response)
}

/// Lists the API keys of a project, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/api-keys", operation_id = "listApiKeys", tag = "API keys",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All API keys.", body = List<ApiKeyView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<ApiKeyView>>, ApiError> {
    app.existing_project(caller.project_id).await?;
    let keys = app.store.api_keys.list(caller.project_id).await?;
    Ok(Json(List::whole(keys.into_iter().rev().map(ApiKeyView::from).collect())))
}

/// Retrieves one API key.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/api-keys/{id}", operation_id = "readApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path)), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The API key, without the key itself.", body = ApiKeyView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<ApiKeyId>,
) -> Result<SettingsResponse<ApiKeyView>, ApiError> {
    let key = app.store.api_keys.get(caller.project_id, id).await?;
    let view = ApiKeyView::from(key.ok_or(ApiError::NotFound("API key"))?);
    let tag = Tag::of(&view.settings());
    Ok(SettingsResponse::ok(view).with_tag(tag))
}

/// Revokes an API key permanently. All calls with the key are rejected within ten seconds. Revoking a key that does not exist
/// succeeds and changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/api-keys/{id}", operation_id = "revokeApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The API key is revoked.")),
))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    if_match: IfMatch,
    LastId(id): LastId<ApiKeyId>,
) -> Result<SettingsResponse<()>, ApiError> {
    let (app, if_match) = (&app, &if_match);
    let decide = move |project: Project| async move {
        let key = app.store.api_keys.get(project.id, id).await?;
        let before = key.map(|key| ApiKeyView::from(key).settings());
        if_match.check(before.as_ref())?;
        let Some(before) = before else { return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content())) };
        let change = AuditChange::deleted(Resource::ApiKey { id }, &before);
        let write = Write::api_key_deleted(project.id, id);
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    let response = app.change_settings(&caller.origin, caller.project_id, decide).await?;
    // This instance rejects the old key at once. The others do so when their cached copy expires.
    app.api_keys.forget(id);
    Ok(response)
}

/// Fails if the project has the maximum number of API keys.
async fn check_room(app: &App, project: ProjectId) -> Result<(), ApiError> {
    if app.store.api_keys.list(project).await?.len() >= MAX_KEYS {
        return Err(ApiError::LimitReached(MAX_KEYS, "API keys per project"));
    }
    Ok(())
}
