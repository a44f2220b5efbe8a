//! `/v1/projects/{pid}/api-keys`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::api_key::{ApiKey, KeyRotation, NewApiKey, ProjectKey, Rotated, Scope};
use shared::audit::{Deed, Resource};
use shared::aws::store::Write;
use shared::id::{ApiKeyId, ProjectId};
use shared::project::{Name, Project};
use shared::time::{Timestamp, UtcDay};

use crate::App;
use crate::answer::Answer;
use crate::body::{Body, Checked, LastId};
use crate::caller::{Caller, scope};
use crate::changes::Decision;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::List;
use crate::problem::ApiError;
use crate::projects;
use crate::tag::{IfMatch, Tag, settings_in};

const MOST_KEYS: usize = 20;

/// A key as it is shown; the key itself only when it was just created.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ApiKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    /// Its id; not the key itself.
    id: ApiKeyId,
    /// What its owner calls it.
    name: Name,
    /// The key itself; only in the answer that it was created by.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// How it begins.
    hint: String,
    /// What it may be used for.
    scopes: BTreeSet<Scope>,
    /// From when on it is refused; never, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// The networks that it may be used from; any, if empty.
    allowed_cidrs: Vec<String>,
    /// When it was created.
    created_at: Timestamp,
    /// The last UTC day on which it was let in; absent if it never was.
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
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/api-keys", operation_id = "createApiKey", tag = "API keys",
    params(parameters::Once), security(("x-api-key" = ["settings:write"])), request_body = requests::NewApiKey,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 201, description = "The key, shown this once.", body = ApiKeyView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewApiKey>,
) -> Result<Answer<ApiKeyView>, ApiError> {
    let (app, new, own) = (&app, &new, &caller.scopes());
    let decide = move |project: Project| async move {
        check_room(app, project.id).await?;
        let key = ApiKey::generate(project.mode.into(), &*app.random);
        let id = ApiKeyId::new(app.clock.now(), &*app.random);
        let stored = new.clone().create(id, project.id, &key, own)?;
        let write = Write::api_key(&stored)?;
        let shown = ApiKeyView::with_key(stored, &key);
        let deed = Deed::created(Resource::ApiKey { id }, &settings_in(&shown));
        Ok(Decision::change(project, vec![write], deed, Answer::created(shown)))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// Creates a key in place of another, which ends after the overlap, and shows it this once.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/api-keys/{id}/rotate", operation_id = "rotateApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path), parameters::Once), security(("x-api-key" = ["settings:write"])),
    request_body = Option<requests::KeyRotation>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 201, description = "The new key, shown this once.", body = ApiKeyView)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<ApiKeyId>,
    body: Body,
) -> Result<Answer<ApiKeyView>, ApiError> {
    let rotation = KeyRotation::try_from(body.draft_or_empty()?)?;
    let (app, rotation, own) = (&app, &rotation, &caller.scopes());
    let decide = move |project: Project| async move {
        check_room(app, project.id).await?;
        let present = app.settings.api_key(project.id, id).await?.ok_or(ApiError::NotFound("API key"))?;
        let key = ApiKey::generate(project.mode.into(), &*app.random);
        let new_id = ApiKeyId::new(app.clock.now(), &*app.random);
        let before = settings_in(&ApiKeyView::from(present.clone()));
        let Rotated { successor, predecessor } = present.rotate(rotation.clone(), new_id, &key, own)?;
        let (deed, end) = match predecessor {
            None => (Deed::deleted(Resource::ApiKey { id }, &before), Write::api_key_deleted(project.id, id)),
            Some(key) => {
                let end = Write::api_key(&key)?;
                let after = settings_in(&ApiKeyView::from(key));
                (Deed::changed(Resource::ApiKey { id }, &before, &after), end)
            }
        };
        let (deed, writes) = (deed.with_successor(new_id), vec![Write::api_key(&successor)?, end]);
        Ok(Decision::change(project, writes, deed, Answer::created(ApiKeyView::with_key(successor, &key))))
    };
    let answer = app.change(&caller.origin, caller.project_id, decide).await?;
    app.api_keys.forget(id);
    Ok(answer)
}

/// Lists the keys.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/api-keys", operation_id = "listApiKeys", tag = "API keys",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All keys.", body = List<ApiKeyView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<ApiKeyView>>, ApiError> {
    projects::existing(&app, caller.project_id).await?;
    let keys = app.settings.api_keys(caller.project_id).await?;
    Ok(Json(List::whole(keys.into_iter().rev().map(ApiKeyView::from).collect())))
}

/// Reads one key.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/api-keys/{id}", operation_id = "readApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path)), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The key, without its secret.", body = ApiKeyView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<ApiKeyId>,
) -> Result<Answer<ApiKeyView>, ApiError> {
    let found = app.settings.api_key(caller.project_id, id).await?;
    let shown = ApiKeyView::from(found.ok_or(ApiError::NotFound("API key"))?);
    let tag = Tag::of_view(&shown);
    Ok(Answer::ok(shown).tagged(tag))
}

/// Revokes a key for ever: it is refused within ten seconds everywhere. Revoking it again changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/api-keys/{id}", operation_id = "revokeApiKey", tag = "API keys",
    params(("id" = ApiKeyId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "It is gone.")),
))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    if_match: IfMatch,
    LastId(id): LastId<ApiKeyId>,
) -> Result<Answer<()>, ApiError> {
    let (app, if_match) = (&app, &if_match);
    let decide = move |project: Project| async move {
        let found = app.settings.api_key(project.id, id).await?;
        let before = found.map(|key| settings_in(&ApiKeyView::from(key)));
        if_match.check(before.as_ref())?;
        let Some(before) = before else { return Ok(Decision::Nothing(Answer::gone())) };
        let deed = Deed::deleted(Resource::ApiKey { id }, &before);
        let write = Write::api_key_deleted(project.id, id);
        Ok(Decision::change(project, vec![write], deed, Answer::gone()))
    };
    let answer = app.change(&caller.origin, caller.project_id, decide).await?;
    app.api_keys.forget(id);
    Ok(answer)
}

/// Refuses one key more than a project may have.
async fn check_room(app: &App, project: ProjectId) -> Result<(), ApiError> {
    if app.settings.api_keys(project).await?.len() >= MOST_KEYS {
        return Err(ApiError::LimitReached(MOST_KEYS, "API keys"));
    }
    Ok(())
}
