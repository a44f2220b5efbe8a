//! `/v1/projects/{pid}/api-keys`: creates, rotates, lists and revokes API keys.

use std::collections::BTreeSet;
use std::slice;

use aws::store::Write;
use axum::Json;
use axum::extract::State;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::api_key::{
    ApiKey, KeyBounds, KeyRotation, MAX_API_KEYS, NewApiKey, ProjectKey, Rotated, Scope, TooManyApiKeys, make_room,
};
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::name::Name;
use domain::projects::project::Project;
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, Checked, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, SettingsView, Tag};
use crate::http::idempotency::{idempotent, idempotent_rotation};
use crate::http::identity::Identity;
use crate::http::paging::List;
use crate::http::response::SettingsResponse;
use crate::http::routes::Routes;
use crate::http::settings_change::ChangeDecision;
use crate::http::warnings::Warning;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use axum::routing::{get, post};

/// The routes of API keys.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/api-keys", idempotent(app, post(create)).get(list))
        .route("/v1/projects/{pid}/api-keys/{id}", get(read).delete(revoke))
        .route("/v1/projects/{pid}/api-keys/{id}/rotate", idempotent_rotation(app, post(rotate)))
}

const NO_EXPIRY: Warning =
    Warning::new("no-expiry", "The key never expires. Set expiresAt, so that a lost key stops working.");
const ANY_NETWORK: Warning = Warning::new(
    "any-network",
    "The key works from all networks. Set allowedCidrs, so that a stolen key is useless elsewhere.",
);

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
    /// Risks of the key: `no-expiry` if it never expires, `any-network` if it can be used from all networks.
    warnings: Vec<Warning>,
}

impl SettingsView for ApiKeyView {
    const NOT_SETTINGS: &[&str] = &["key", "lastUsedOn", "warnings"];
}

impl From<ProjectKey> for ApiKeyView {
    fn from(key: ProjectKey) -> Self {
        let no_expiry = key.expires_at.is_none().then_some(NO_EXPIRY);
        let any_network = key.allowed_cidrs.is_empty().then_some(ANY_NETWORK);
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
            warnings: no_expiry.into_iter().chain(any_network).collect(),
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
    params(parameters::IdempotencyKey, parameters::Preconditions), security(("x-api-key" = ["keys:write"])), request_body = requests::NewApiKey,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 201, description = "The API key, with the key itself.", body = ApiKeyView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::KeysWrite>,
    preconditions: Preconditions,
    Checked(new): Checked<NewApiKey>,
) -> Result<SettingsResponse<ApiKeyView>, ApiError> {
    preconditions.check(None)?;
    let (app, new, caller) = (&app, &new, &caller);
    let decide = move |project: Project| async move {
        let keys = app.store.api_keys.list(project.id).await?;
        let bounds = bounds_of(app, caller, &keys).await?;
        let key = ApiKey::generate(project.mode.into(), &*app.random);
        let id = ApiKeyId::new(app.clock.now(), &*app.random);
        let stored = new.clone().create(id, project.id, &key, &bounds)?;
        let mut writes = vec![Write::api_key(&stored)?];
        let after = [&keys[..], slice::from_ref(&stored)].concat();
        writes.extend(delete_expired(project.id, &keys, &after, id.created_at())?);
        let view = ApiKeyView::with_key(stored, &key);
        let settings = view.settings();
        let change = AuditChange::created(Resource::ApiKey { id }, &settings);
        let response = SettingsResponse::created(view);
        Ok(ChangeDecision::resource(project, writes, change, response).with_tag(&settings, 0))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Replaces an API key with a new one. The old key expires after the overlap. The response is the only one that contains the new
/// key.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/api-keys/{id}/rotate", operation_id = "rotateApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path), parameters::Preconditions, parameters::IdempotencyKey), security(("x-api-key" = ["keys:write"])),
    request_body = Option<requests::KeyRotation>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 201, description = "The new API key, with the key itself.", body = ApiKeyView)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::KeysWrite>,
    LastId(id): LastId<ApiKeyId>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<ApiKeyView>, ApiError> {
    let rotation = KeyRotation::try_from(body.draft_or_empty()?)?;
    let (app, rotation, caller, preconditions) = (&app, &rotation, &caller, &preconditions);
    let decide = move |project: Project| async move {
        let (now, keys) = (app.clock.now(), app.store.api_keys.list(project.id).await?);
        let bounds = bounds_of(app, caller, &keys).await?;
        let present = keys.iter().find(|key| key.id == id && !key.is_gone(now)).cloned();
        let present = present.ok_or(ApiError::NotFound("API key"))?;
        preconditions.check(Some(&tag_of(&present)))?;
        let key = ApiKey::generate(project.mode.into(), &*app.random);
        let new_id = ApiKeyId::new(now, &*app.random);
        let Rotated { successor, predecessor } = present.clone().rotate(rotation, new_id, &key, &bounds)?;
        let mut writes = vec![Write::api_key(&successor)?];
        let others = keys.iter().filter(|key| key.id != id);
        let after: Vec<ProjectKey> = others.chain(&predecessor).chain([&successor]).cloned().collect();
        writes.extend(delete_expired(project.id, &keys, &after, now)?);
        if let Some(request) = &caller.origin.idempotent_request {
            request.note_ended_key(id, predecessor.is_none());
        }
        let (change, end) = end(present, predecessor)?;
        writes.push(end);
        let change = change.with_successor(new_id);
        let view = ApiKeyView::with_key(successor, &key);
        let settings = view.settings();
        let response = SettingsResponse::created(view);
        Ok(ChangeDecision::resource(project, writes, change, response).with_tag(&settings, 0))
    };
    let response = app.change_settings(&caller.origin, caller.project_id, decide).await?;
    // This instance rejects the old key at once. The others do so when their cached copy expires.
    app.api_keys.forget(id);
    Ok(response)
}

/// Ends a key that was rotated: at once, or as `predecessor` after the overlap.
fn end(key: ProjectKey, predecessor: Option<ProjectKey>) -> Result<(AuditChange, Write), ApiError> {
    let (project_id, id) = (key.project_id, key.id);
    let (resource, before) = (Resource::ApiKey { id }, ApiKeyView::from(key).settings());
    let Some(predecessor) = predecessor else {
        return Ok((AuditChange::deleted(resource, &before), Write::api_key_deleted(project_id, id)));
    };
    let write = Write::api_key(&predecessor)?;
    let after = ApiKeyView::from(predecessor).settings();
    Ok((AuditChange::changed(resource, &before, &after), write))
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
    let (now, keys) = (app.clock.now(), app.store.api_keys.list(caller.project_id).await?);
    let listed = keys.into_iter().rev().filter(|key| !key.is_gone(now));
    Ok(Json(List::whole(listed.map(ApiKeyView::from).collect())))
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
    let key = key.filter(|key| !key.is_gone(app.clock.now())).ok_or(ApiError::NotFound("API key"))?;
    let tag = tag_of(&key);
    Ok(SettingsResponse::ok(ApiKeyView::from(key)).with_tag(tag))
}

/// Revokes an API key permanently. All calls with the key are rejected within ten seconds. Revoking a key that does not exist
/// succeeds and changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/api-keys/{id}", operation_id = "revokeApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path), parameters::Preconditions), security(("x-api-key" = ["keys:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The API key is revoked.")),
))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller<scope::KeysWrite>,
    preconditions: Preconditions,
    LastId(id): LastId<ApiKeyId>,
) -> Result<SettingsResponse<()>, ApiError> {
    let (app, preconditions) = (&app, &preconditions);
    let decide = move |project: Project| async move {
        let key = app.store.api_keys.get(project.id, id).await?;
        preconditions.check(key.as_ref().map(tag_of).as_ref())?;
        let Some(before) = key.map(|key| ApiKeyView::from(key).settings()) else {
            return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content()));
        };
        let change = AuditChange::deleted(Resource::ApiKey { id }, &before);
        let write = Write::api_key_deleted(project.id, id);
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    let response = app.change_settings(&caller.origin, caller.project_id, decide).await?;
    // This instance rejects the old key at once. The others do so when their cached copy expires.
    app.api_keys.forget(id);
    Ok(response)
}

fn tag_of(key: &ProjectKey) -> Tag {
    Tag::of(&ApiKeyView::from(key.clone()).settings(), key.changed_in)
}

/// The maximum scopes, expiry and networks of a key that the caller creates. `keys` must come from a consistent read. A revoked or
/// shortened key may still be cached, and must not create other keys. The same holds for a session that was ended meanwhile.
async fn bounds_of<S>(app: &App, caller: &Caller<S>, keys: &[ProjectKey]) -> Result<KeyBounds, ApiError> {
    match &caller.identity {
        Identity::Operator => Ok(KeyBounds::operator()),
        Identity::ApiKey(key) => {
            keys.iter().find(|stored| stored.id == key.id).map(KeyBounds::of).ok_or(ApiError::UnknownKey)
        }
        Identity::Session(session) => {
            let session = app.store.console_sessions.get(caller.project_id, session.id, app.clock.now()).await?;
            Ok(KeyBounds::of_scopes(session.ok_or(ApiError::SessionOver)?.role.scopes()))
        }
    }
}

/// Deletes expired keys that are no longer listed, or that exceed the limit `after` a change. Fails if the change raises the number
/// of valid keys above the limit.
fn delete_expired(
    project: ProjectId,
    keys: &[ProjectKey],
    after: &[ProjectKey],
    now: Timestamp,
) -> Result<Vec<Write>, ApiError> {
    match make_room(keys, after, now) {
        Ok(expired) => Ok(expired.into_iter().map(|id| Write::api_key_deleted(project, id)).collect()),
        Err(TooManyApiKeys) => Err(ApiError::LimitReached(MAX_API_KEYS, "API keys per project")),
    }
}
