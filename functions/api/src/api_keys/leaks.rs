//! `POST /v1/api-keys/revoke`: revokes a key that was found in the open, such as by a secret scanner.

use axum::extract::State;
use domain::foundation::draft::{BadFields, Draft};
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::projects::api_key::{KeyRecord, PresentedKey};
use domain::projects::project::Project;
use serde::Serialize;

use crate::api_keys::settings::revocation;
use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::Operator;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeDecision;
#[cfg(test)]
use crate::openapi::requests;

/// A key that was found in the open. It has no `Debug`, so that the key is never logged.
pub(crate) struct LeakedKey {
    key: String,
}

impl TryFrom<Draft> for LeakedKey {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let key = draft.required("key");
        draft.check(|| Some(Self { key: key? }))
    }
}

/// A key that is revoked.
#[derive(Serialize, Clone)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevokedKey {
    /// The project that the key belonged to.
    project_id: ProjectId,
    /// Id of the key.
    key_id: ApiKeyId,
}

/// Revokes the key in the request, whatever project it belongs to. Revoking a key again succeeds and changes nothing. A string
/// that is not a key of any project is `not-found`.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/api-keys/revoke", operation_id = "revokeLeakedApiKey", tag = "API keys",
    security(("x-api-key" = ["operator"])), request_body = requests::LeakedKey,
    extensions(("x-problems" = json!(["not-found", "changed-meanwhile"]))),
    responses((status = 200, description = "The key is revoked.", body = RevokedKey)),
))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Operator,
    Checked(LeakedKey { key }): Checked<LeakedKey>,
) -> Result<SettingsResponse<RevokedKey>, ApiError> {
    let presented: PresentedKey = key.parse().map_err(|_| ApiError::NotFound("API key"))?;
    if presented.is_operator_kind() {
        let detail =
            "has the form of an operator key: replace its hash in the deployment's parameter OperatorKeyHashes";
        return Err(BadFields::one("/key", detail).into());
    }
    // Read from the store, because the cache may still hold a key that was revoked and does not know one that was just created.
    let (revoked, is_done) = match app.store.api_keys.by_hash(presented.hash()).await? {
        Some(KeyRecord::Key(key)) => (RevokedKey { project_id: key.project_id, key_id: key.id }, false),
        Some(KeyRecord::Revoked(key)) => (RevokedKey { project_id: key.project_id, key_id: key.id }, true),
        None => return Err(ApiError::NotFound("API key")),
    };
    if is_done {
        return Ok(SettingsResponse::ok(revoked));
    }
    let (app, revoked) = (&app, &revoked);
    let decide = move |project: Project| async move {
        let response = SettingsResponse::ok(revoked.clone());
        let Some(key) = app.store.api_keys.get(project.id, revoked.key_id).await? else {
            return Ok(ChangeDecision::Unchanged(response));
        };
        let (change, writes) = revocation(key, app.clock.now())?;
        Ok(ChangeDecision::resource(project, writes, change, response))
    };
    let response = app.change_settings(&caller.origin, revoked.project_id, decide).await?;
    app.api_keys.forget(revoked.key_id);
    Ok(response)
}
