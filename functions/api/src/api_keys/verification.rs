//! `POST /v1/api-keys/verify`: the operator's back end asks whether a key opens a call to the product.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws::api_keys::{self, InvalidKey};
use axum::Json;
use axum::extract::State;
use domain::foundation::draft::{BadFields, Draft};
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{InvalidKeyReason, KeyScope, KeyUse, ProjectKey};
use domain::projects::name::Name;
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::Operator;
#[cfg(test)]
use crate::openapi::requests;

/// A request to verify a key. It has no `Debug`, so that the key is never logged.
pub(crate) struct KeyVerification {
    key: String,
    call: KeyUse,
}

impl TryFrom<Draft> for KeyVerification {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let key = draft.required("key");
        let source: Option<IpAddr> = draft.optional("sourceIp");
        let scope: Option<KeyScope> = draft.optional("scope");
        draft.check(|| Some(Self { key: key?, call: KeyUse { source, scope } }))
    }
}

/// Whether a key is valid for a call, and whose key it is.
#[derive(Serialize, Default)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifiedKey {
    /// Whether the key is valid for this call.
    valid: bool,
    /// Why the key is not valid. Absent if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<InvalidKeyReason>,
    /// Seconds until the key has calls left again. Present only with the reason `rate-limited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    /// The project that the key belongs to. Absent if the key is not valid, like all further fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<ProjectId>,
    /// Id of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<ApiKeyId>,
    /// Name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Name>,
    /// All scopes of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<BTreeSet<KeyScope>>,
    /// When the key expires. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl From<ProjectKey> for VerifiedKey {
    fn from(key: ProjectKey) -> Self {
        Self {
            valid: true,
            project_id: Some(key.project_id),
            key_id: Some(key.id),
            scopes: Some(key.all_scopes()),
            name: Some(key.name),
            expires_at: key.expires_at,
            ..Self::default()
        }
    }
}

impl From<InvalidKey> for VerifiedKey {
    fn from(InvalidKey { reason, retry_after }: InvalidKey) -> Self {
        Self { reason: Some(reason), retry_after_seconds: retry_after, ..Self::default() }
    }
}

/// Checks whether an API key of a project is valid for a call to the operator's product. The answer has the status 200 in both
/// cases. A valid call counts towards the rate limit and the last use of the key. A revoked key is refused within ten seconds.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/api-keys/verify", operation_id = "verifyApiKey", tag = "API keys",
    security(("x-api-key" = ["operator"])), request_body = requests::KeyVerification,
    responses((status = 200, description = "Whose key it is, or why it is not valid.", body = VerifiedKey)),
))]
pub(crate) async fn verify(
    State(app): State<App>,
    _: Operator,
    Checked(request): Checked<KeyVerification>,
) -> Result<Json<VerifiedKey>, ApiError> {
    let KeyVerification { key, call } = request;
    let verified = api_keys::verify(&app.api_keys, &app.call_limiter, &key, &call, app.clock.now()).await?;
    Ok(Json(verified.map_or_else(VerifiedKey::from, VerifiedKey::from)))
}
