//! `/v1/projects/{pid}/endpoints/{id}/signing-secret`: rotates an endpoint's signing secret.

use axum::extract::State;
use axum::http::StatusCode;
use domain::foundation::draft::BadFields;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::webhooks::endpoint::{Endpoint, MAX_RETIRING_SECRETS, SecretRotation, TooManyRetiring};
use domain::webhooks::signature::SigningSecret;
use serde::Serialize;

use crate::app::App;
use crate::endpoints::settings::alter_endpoint;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::Preconditions;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeRequest;
#[cfg(test)]
use crate::openapi::{parameters, webhook_requests};

/// A new signing secret. Only this response contains it.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedSecret {
    /// Secret that signs webhooks from now on.
    signing_secret: String,
    /// Until when older secrets also sign webhooks. Absent: only the new secret signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secrets_until: Option<Timestamp>,
}

/// Replaces the signing secret. During the overlap, webhooks carry signatures of the new and of older secrets, so that the receiver
/// can switch without failures. Signpost generates the new secret unless the request contains one. The response is the only one
/// that contains it.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/signing-secret/rotate", operation_id = "rotateSigningSecret", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Preconditions, parameters::IdempotencyKey),
    security(("x-api-key" = ["secrets:write"])), request_body = Option<webhook_requests::SecretRotation>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 200, description = "The new signing secret.", body = RotatedSecret)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SecretsWrite>,
    LastId(id): LastId<EndpointId>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<RotatedSecret>, ApiError> {
    let rotation = SecretRotation::try_from(body.draft_or_empty()?)?;
    let ring = app.key_ring.ring().await?;
    let (app, ring, rotation) = (&app, &ring, &rotation);
    let alter = move |mut endpoint: Endpoint, now| async move {
        let secret = rotation.signing_secret.clone().unwrap_or_else(|| SigningSecret::generate(&*app.random));
        if rotation.signing_secret.is_some() && endpoint.signs_with(&secret, now, ring) {
            return Err(BadFields::one("/signingSecret", "already signs for this endpoint").into());
        }
        let rotated = endpoint.rotate_secret(&secret, rotation, now, ring, &*app.random);
        rotated.map_err(|TooManyRetiring| {
            ApiError::LimitReached(MAX_RETIRING_SECRETS, "older signing secrets per endpoint")
        })?;
        let previous_secrets_until = endpoint.previous_secrets_until(now);
        Ok((endpoint, RotatedSecret { signing_secret: secret.expose(), previous_secrets_until }))
    };
    alter_endpoint(app, ChangeRequest::by(&caller, &preconditions), id, alter).await
}

/// Ends all older signing secrets. Within 30 seconds, webhooks carry only the signature of the current secret. Repeating the call
/// changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/endpoints/{id}/signing-secret/previous", operation_id = "endPreviousSigningSecrets", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Preconditions), security(("x-api-key" = ["secrets:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The older signing secrets no longer sign webhooks.")),
))]
pub(crate) async fn end_previous(
    State(app): State<App>,
    caller: Caller<scope::SecretsWrite>,
    LastId(id): LastId<EndpointId>,
    preconditions: Preconditions,
) -> Result<StatusCode, ApiError> {
    let alter = |mut endpoint: Endpoint, _| async move {
        endpoint.end_previous_secrets();
        Ok((endpoint, ()))
    };
    alter_endpoint(&app, ChangeRequest::by(&caller, &preconditions), id, alter).await?;
    Ok(StatusCode::NO_CONTENT)
}
