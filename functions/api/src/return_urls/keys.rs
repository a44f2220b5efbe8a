//! `/v1/projects/{pid}/return-url/keys`: issues, activates, lists and deletes `secretKey`s.

use aws::store::Write;
use axum::extract::State;
use domain::foundation::id::SecretKeyId;
use domain::foundation::time::Timestamp;
use domain::projects::audit::{AuditChange, Fields, Resource};
use domain::projects::project::Project;
use domain::return_urls::{IssuedSecretKey, KeyIssue, KeyState, SecretKeys, StoredSecretKey};
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, SettingsView, Tag};
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeDecision;
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// A new `secretKey`. Only this response contains the key itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = IssuedReturnUrlKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedKey {
    /// Id of the key. It is the `kid` of the data that the key encrypts.
    id: SecretKeyId,
    /// The key itself: 32 letters and digits.
    secret_key: String,
    /// When the key was issued.
    created_at: Timestamp,
    /// When the key becomes current.
    active_from: Timestamp,
    /// Whether you supplied the key. If `false`, Signpost generated it.
    brought_along: bool,
}

/// A `secretKey`, without the key itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = SecretKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyView {
    /// Id of the key. It is the `kid` of the data that the key encrypts.
    id: SecretKeyId,
    /// State of the key in the rotation.
    state: KeyState,
    /// When the key was issued.
    created_at: Timestamp,
    /// When the key becomes or became current.
    active_from: Timestamp,
    /// When the key stops verifying return URLs. Absent if no other key replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    /// Whether you supplied the key. If `false`, Signpost generated it.
    brought_along: bool,
}

impl SettingsView for IssuedKey {
    const NOT_SETTINGS: &[&str] = &["secretKey"];
}

impl SettingsView for KeyView {}

impl From<IssuedSecretKey<'_>> for IssuedKey {
    fn from(issued: IssuedSecretKey<'_>) -> Self {
        let StoredSecretKey { id, created_at, active_from, brought_along, .. } = *issued.stored;
        Self { id, secret_key: issued.key.expose().to_owned(), created_at, active_from, brought_along }
    }
}

impl From<(KeyState, &StoredSecretKey)> for KeyView {
    fn from((state, key): (KeyState, &StoredSecretKey)) -> Self {
        let StoredSecretKey { id, created_at, active_from, valid_until, brought_along, .. } = *key;
        Self { id, state, created_at, active_from, valid_until, brought_along }
    }
}

/// The `secretKey`s of a project, newest first. They are always returned on one page.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReturnUrlKeyList))]
pub(crate) struct KeyList {
    /// The `secretKey`s.
    items: Vec<KeyView>,
}

impl SettingsView for KeyList {}

impl KeyList {
    fn of(keys: &SecretKeys, now: Timestamp) -> Self {
        Self { items: keys.valid_at(now).map(KeyView::from).collect() }
    }
}

/// Issues a `secretKey`: a generated key or your own. With an overlap, the new key becomes current when the overlap ends. Without
/// an overlap it becomes current at once, and all other keys end within a minute. The response is the only one that contains the
/// key itself.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/keys", operation_id = "issueReturnUrlKey", tag = "Return URL",
    params(parameters::IdempotencyKey, parameters::Preconditions), security(("x-api-key" = ["secrets:write"])), request_body = Option<requests::KeyIssue>,
    extensions(("x-problems" = json!(["limit-reached", "next-key-exists", "changed-meanwhile"]))),
    responses((status = 201, description = "The new `secretKey`, with the key itself.", body = IssuedKey)),
))]
pub(crate) async fn issue(
    State(app): State<App>,
    caller: Caller<scope::SecretsWrite>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<IssuedKey>, ApiError> {
    let issue = KeyIssue::try_from(body.draft_or_empty()?)?;
    let ring = app.key_ring.ring().await?;
    let (app, issue, ring, preconditions) = (&app, &issue, &ring, &preconditions);
    let decide = move |project: Project| async move {
        let mut keys = app.store.return_urls.keys_now(project.id).await?;
        let now = app.clock.now();
        preconditions.check(tag_of(&keys, now).as_ref())?;
        let id = SecretKeyId::new(now, &*app.random);
        let issued = IssuedKey::from(keys.issue(id, issue.clone(), now, ring, &*app.random)?);
        let change = AuditChange::created(Resource::SecretKey { id }, &issued.settings());
        decided(project, &keys, now, change, SettingsResponse::created(issued))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Lists the `secretKey`s that are valid now, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/return-url/keys", operation_id = "listReturnUrlKeys", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All valid `secretKey`s, without the keys themselves.", body = KeyList)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<SettingsResponse<KeyList>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    let keys = app.store.return_urls.keys_now(project.id).await?;
    let now = app.clock.now();
    let response = SettingsResponse::ok(KeyList::of(&keys, now));
    Ok(match tag_of(&keys, now) {
        Some(tag) => response.with_tag(tag),
        None => response,
    })
}

/// Activates the next `secretKey` before its overlap ends. Return links that are created after the call use it at once; older links
/// and webhooks use it within 30 seconds. Activating the current key changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/keys/{id}/activate", operation_id = "activateReturnUrlKey", tag = "Return URL",
    params(("id" = SecretKeyId, Path), parameters::Preconditions), security(("x-api-key" = ["secrets:write"])),
    request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["key-replaced", "changed-meanwhile"]))),
    responses((status = 200, description = "The `secretKey` after the change.", body = KeyView)),
))]
pub(crate) async fn activate(
    State(app): State<App>,
    caller: Caller<scope::SecretsWrite>,
    LastId(id): LastId<SecretKeyId>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<KeyView>, ApiError> {
    body.expect_no_fields()?;
    let (app, preconditions) = (&app, &preconditions);
    let decide = move |project: Project| async move {
        let mut keys = app.store.return_urls.keys_now(project.id).await?;
        let now = app.clock.now();
        preconditions.check(tag_of(&keys, now).as_ref())?;
        let before = settings_of(&keys, id, now);
        let active = KeyView::from((KeyState::Current, keys.activate(id, now)?));
        let change = AuditChange::changed(Resource::SecretKey { id }, &before, &active.settings());
        decided(project, &keys, now, change, SettingsResponse::ok(active))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Deletes a `secretKey` that is not current. A deleted next key never becomes current. A deleted previous key no longer verifies
/// return URLs.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/return-url/keys/{id}", operation_id = "deleteReturnUrlKey", tag = "Return URL",
    params(("id" = SecretKeyId, Path), parameters::Preconditions), security(("x-api-key" = ["secrets:write"])),
    extensions(("x-problems" = json!(["key-in-use", "changed-meanwhile"]))),
    responses((status = 204, description = "The `secretKey` is deleted.")),
))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller<scope::SecretsWrite>,
    LastId(id): LastId<SecretKeyId>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<()>, ApiError> {
    let (app, preconditions) = (&app, &preconditions);
    let decide = move |project: Project| async move {
        let mut keys = app.store.return_urls.keys_now(project.id).await?;
        let now = app.clock.now();
        preconditions.check(tag_of(&keys, now).as_ref())?;
        let change = AuditChange::deleted(Resource::SecretKey { id }, &settings_of(&keys, id, now));
        keys.delete(id, now)?;
        decided(project, &keys, now, change, SettingsResponse::no_content())
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// The change that writes `keys`. All keys are one resource and share the `ETag` of their list.
fn decided<T>(
    project: Project,
    keys: &SecretKeys,
    now: Timestamp,
    change: AuditChange,
    response: SettingsResponse<T>,
) -> Result<ChangeDecision<T>, ApiError> {
    let decision = ChangeDecision::resource(project, vec![Write::return_url_keys(keys)?], change, response);
    Ok(decision.with_tag(&KeyList::of(keys, now).settings(), keys.changed_in))
}

/// The `ETag` of the keys, or `None` if the project has none.
fn tag_of(keys: &SecretKeys, now: Timestamp) -> Option<Tag> {
    (!keys.is_empty()).then(|| Tag::of(&KeyList::of(keys, now).settings(), keys.changed_in))
}

/// The settings of a key, for the audit log. They are empty if no valid key has this id.
fn settings_of(keys: &SecretKeys, id: SecretKeyId, now: Timestamp) -> Fields {
    let key = keys.valid_at(now).find(|(_, key)| key.id == id);
    key.map(|key| KeyView::from(key).settings()).unwrap_or_default()
}
