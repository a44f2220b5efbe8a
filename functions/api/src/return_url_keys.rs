//! `/v1/projects/{pid}/return-url/keys`: the `secretKey`s, and how one takes over from another.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::audit::{Deed, Fields, Resource};
use shared::aws::store::Write;
use shared::id::ReturnUrlKeyId;
use shared::project::Project;
use shared::return_url::{KeyIssue, KeyState, ReturnUrlKey, ReturnUrlKeys, StoredReturnUrlKey};
use shared::time::Timestamp;

use crate::App;
use crate::answer::Answer;
use crate::body::{Body, LastId, Nothing};
use crate::caller::{Caller, scope};
use crate::changes::Decision;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;
use crate::projects;
use crate::tag::settings_in;

/// A new `secretKey`, shown this once.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = IssuedReturnUrlKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedKey {
    /// Its id, the `kid` of what it encrypts.
    id: ReturnUrlKeyId,
    /// The key: 32 letters and digits.
    secret_key: String,
    /// When it was issued.
    created_at: Timestamp,
    /// When it takes over.
    active_from: Timestamp,
}

/// A `secretKey` as lists show it: without the secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReturnUrlKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyView {
    /// Its id, the `kid` of what it encrypts.
    id: ReturnUrlKeyId,
    /// Whose turn it is.
    state: KeyState,
    /// When it was issued.
    created_at: Timestamp,
    /// When it takes over, or did.
    active_from: Timestamp,
}

impl From<(KeyState, &StoredReturnUrlKey)> for KeyView {
    fn from((state, key): (KeyState, &StoredReturnUrlKey)) -> Self {
        Self { id: key.id, state, created_at: key.created_at, active_from: key.active_from }
    }
}

/// The keys of a project, newest first. There are so few that there is no second page.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReturnUrlKeyList))]
pub(crate) struct KeyList {
    /// The keys.
    items: Vec<KeyView>,
}

/// Issues a `secretKey`, and shows it this once. With an overlap it takes over at the end of that, and without one at
/// once, and then all others are gone.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/keys", operation_id = "issueReturnUrlKey", tag = "Return URL",
    params(parameters::Once), security(("x-api-key" = ["settings:write"])), request_body = Option<requests::KeyIssue>,
    extensions(("x-problems" = json!(["limit-reached", "next-key-exists", "changed-meanwhile"]))),
    responses((status = 201, description = "The key, shown this once.", body = IssuedKey)),
))]
pub(crate) async fn issue(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    body: Body,
) -> Result<Answer<IssuedKey>, ApiError> {
    let wish = KeyIssue::try_from(body.draft_or_empty()?)?;
    let ring = app.key_ring.ring().await?;
    let (app, ring) = (&app, &ring);
    let decide = move |project: Project| async move {
        let mut keys = app.settings.return_url_keys_now(project.id).await?;
        let (now, key) = (app.clock.now(), ReturnUrlKey::generate(&*app.random));
        let id = ReturnUrlKeyId::new(now, &*app.random);
        let stored = keys.issue(id, &key, wish, now, ring, &*app.random)?;
        let (created_at, active_from) = (stored.created_at, stored.active_from);
        let issued = IssuedKey { id, secret_key: key.expose().to_owned(), created_at, active_from };
        let deed = Deed::created(Resource::ReturnUrlKey { id }, &settings_in(&issued));
        Ok(Decision::change(project, vec![Write::return_url_keys(&keys)?], deed, Answer::created(issued)))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// Lists the keys that are valid now.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/return-url/keys", operation_id = "listReturnUrlKeys", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All that are valid, without the secrets.", body = KeyList)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<KeyList>, ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    let keys = app.settings.return_url_keys_now(project.id).await?;
    Ok(Json(KeyList { items: keys.valid_at(app.clock.now()).map(KeyView::from).collect() }))
}

/// Lets the next key take over at once; the redirect pages and the webhooks follow within half a minute. Repeating it
/// changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/keys/{id}/activate", operation_id = "activateReturnUrlKey", tag = "Return URL",
    params(("id" = ReturnUrlKeyId, Path)), security(("x-api-key" = ["settings:write"])),
    request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["key-replaced", "changed-meanwhile"]))),
    responses((status = 200, description = "The key as it is now.", body = KeyView)),
))]
pub(crate) async fn activate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ReturnUrlKeyId>,
    body: Body,
) -> Result<Answer<KeyView>, ApiError> {
    let Nothing = body.draft_or_empty()?.try_into()?;
    let app = &app;
    let decide = move |project: Project| async move {
        let mut keys = app.settings.return_url_keys_now(project.id).await?;
        let now = app.clock.now();
        let before = view_of(&keys, id, now);
        let active = KeyView::from((KeyState::Current, keys.activate(id, now)?));
        let deed = Deed::changed(Resource::ReturnUrlKey { id }, &before, &settings_in(&active));
        Ok(Decision::change(project, vec![Write::return_url_keys(&keys)?], deed, Answer::ok(active)))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// Takes away a key that is not in use: the next one never takes over, a previous one verifies no more.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/return-url/keys/{id}", operation_id = "deleteReturnUrlKey", tag = "Return URL",
    params(("id" = ReturnUrlKeyId, Path)), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["key-in-use", "changed-meanwhile"]))),
    responses((status = 204, description = "It is gone.")),
))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ReturnUrlKeyId>,
) -> Result<Answer<()>, ApiError> {
    let app = &app;
    let decide = move |project: Project| async move {
        let mut keys = app.settings.return_url_keys_now(project.id).await?;
        let now = app.clock.now();
        let deed = Deed::deleted(Resource::ReturnUrlKey { id }, &view_of(&keys, id, now));
        keys.drop_key(id, now)?;
        Ok(Decision::change(project, vec![Write::return_url_keys(&keys)?], deed, Answer::gone()))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// What is shown of a key; nothing, if there is none with this id.
fn view_of(keys: &ReturnUrlKeys, id: ReturnUrlKeyId, now: Timestamp) -> Fields {
    let found = keys.valid_at(now).find(|(_, key)| key.id == id);
    found.map(|found| settings_in(&KeyView::from(found))).unwrap_or_default()
}
