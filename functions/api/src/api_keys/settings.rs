//! `/v1/projects/{pid}/api-keys`: creates, rotates, lists and revokes API keys.

use std::slice;

use aws::store::Write;
use axum::Json;
use axum::extract::State;
use domain::foundation::draft::BadFields;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{
    ApiKey, ImportedKey, KeyBounds, KeyHash, KeyRecord, KeyRotation, MAX_API_KEYS, NewApiKey, ProjectKey, RevokedKey,
    Rotated, TooManyApiKeys, make_room,
};
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::project::Project;

use crate::api_keys::view::{ApiKeyView, tag_of};
use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, Checked, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, SettingsView};
use crate::http::identity::Identity;
use crate::http::paging::List;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeDecision;
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// Creates an API key. The response is the only one that contains the key. With `hash`, the operator imports a key of another
/// system: callers keep using it, and no key is generated.
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
    if new.imported.is_some() && !matches!(caller.identity, Identity::Operator) {
        return Err(ApiError::Forbidden);
    }
    let (app, new, caller) = (&app, &new, &caller);
    let decide = move |project: Project| async move {
        let keys = app.store.api_keys.list(project.id).await?;
        let bounds = bounds_of(app, caller, &keys).await?;
        let generated = match &new.imported {
            None => Some(ApiKey::generate(project.mode.into(), &*app.random)),
            Some(imported) => check_new(app, &imported.hash, &keys).await.map(|()| None)?,
        };
        let id = ApiKeyId::new(app.clock.now(), &*app.random);
        let secret = new.imported.clone().or_else(|| generated.as_ref().map(ImportedKey::from));
        let stored = new.clone().create(id, project.id, secret.expect("a key is imported or generated"), &bounds)?;
        let mut writes = vec![Write::api_key(&stored)?];
        let after = [&keys[..], slice::from_ref(&stored)].concat();
        writes.extend(delete_expired(project.id, &keys, &after, id.created_at())?);
        let view = ApiKeyView::with_key(stored, generated.as_ref());
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
        let (change, end) = end(present, predecessor, now)?;
        writes.extend(end);
        let change = change.with_successor(new_id);
        let view = ApiKeyView::with_key(successor, Some(&key));
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
fn end(
    key: ProjectKey,
    predecessor: Option<ProjectKey>,
    now: Timestamp,
) -> Result<(AuditChange, Vec<Write>), ApiError> {
    let Some(predecessor) = predecessor else { return revocation(key, now) };
    let (resource, before) = (Resource::ApiKey { id: key.id }, ApiKeyView::from(key).settings());
    let write = Write::api_key(&predecessor)?;
    let after = ApiKeyView::from(predecessor).settings();
    Ok((AuditChange::changed(resource, &before, &after), vec![write]))
}

/// Revokes a key. Its hash is remembered, so that its holder learns that it was revoked.
pub(super) fn revocation(key: ProjectKey, now: Timestamp) -> Result<(AuditChange, Vec<Write>), ApiError> {
    let writes = Write::api_key_revoked(&RevokedKey::of(&key, now))?.into();
    let resource = Resource::ApiKey { id: key.id };
    Ok((AuditChange::deleted(resource, &ApiKeyView::from(key).settings()), writes))
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
        let Some(key) = key else {
            return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content()));
        };
        let (change, writes) = revocation(key, app.clock.now())?;
        Ok(ChangeDecision::resource(project, writes, change, SettingsResponse::no_content()))
    };
    let response = app.change_settings(&caller.origin, caller.project_id, decide).await?;
    // This instance rejects the old key at once. The others do so when their cached copy expires.
    app.api_keys.forget(id);
    Ok(response)
}

/// Fails if a key with this hash exists or was revoked. `keys` are those of the project, from a consistent read. Keys of other
/// projects show after about a second. If two projects import one hash within this second, the key belongs to the first.
async fn check_new(app: &App, hash: &KeyHash, keys: &[ProjectKey]) -> Result<(), ApiError> {
    let is_own = keys.iter().any(|key| key.key_hash == *hash);
    let detail = match app.store.api_keys.by_hash(hash).await? {
        None if !is_own => return Ok(()),
        None | Some(KeyRecord::Key(_)) => "is the hash of an existing API key",
        Some(KeyRecord::Revoked(_)) => "is the hash of an API key that was revoked",
    };
    Err(BadFields::one("/hash", detail).into())
}

/// The maximum scopes, expiry and networks of a key that the caller creates. `keys` must come from a consistent read. A revoked or
/// shortened key may still be cached, and must not create other keys. The same holds for a session that was ended meanwhile.
async fn bounds_of<S>(app: &App, caller: &Caller<S>, keys: &[ProjectKey]) -> Result<KeyBounds, ApiError> {
    let product_scopes = &app.config.product_scopes;
    match &caller.identity {
        Identity::Operator => Ok(KeyBounds::operator().with_product_scopes(product_scopes)),
        Identity::ApiKey(key) => {
            keys.iter().find(|stored| stored.id == key.id).map(KeyBounds::of).ok_or(ApiError::UnknownKey)
        }
        Identity::Session(session) => {
            let session = app.store.console_sessions.get(caller.project_id, session.id, app.clock.now()).await?;
            // Only administrators can create keys, and they decide what their servers may do with the product.
            let bounds = KeyBounds::of_scopes(session.ok_or(ApiError::SessionOver)?.role.scopes());
            Ok(bounds.with_product_scopes(product_scopes))
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
