//! `/v1/projects/{pid}/endpoints/{id}/signing-secret`: how an endpoint's signing secret is replaced.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::endpoint::{Endpoint, MOST_RETIRING_SECRETS, SecretRotation, TooManyRetiring};
use shared::id::EndpointId;
use shared::signature::SigningSecret;
use shared::time::Timestamp;

use crate::App;
use crate::answer::Answer;
use crate::body::{Body, LastId};
use crate::caller::{Caller, scope};
use crate::changes::Asked;
use crate::endpoints::alter_endpoint;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;
use crate::tag::IfMatch;

/// A new signing secret, shown this once.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedSecret {
    /// What webhooks are signed with from now on.
    signing_secret: String,
    /// Until when older secrets sign too; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secrets_until: Option<Timestamp>,
}

/// Signs with a new secret, and for a while with the older ones too, so that the receiver can change over in between.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/signing-secret/rotate", operation_id = "rotateSigningSecret", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IfMatch, parameters::Once),
    security(("x-api-key" = ["settings:write"])), request_body = Option<requests::SecretRotation>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 200, description = "The new secret, shown this once.", body = RotatedSecret)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    if_match: IfMatch,
    body: Body,
) -> Result<Answer<RotatedSecret>, ApiError> {
    let rotation = SecretRotation::try_from(body.draft_or_empty()?)?;
    let ring = app.key_ring.ring().await?;
    let (app, ring) = (&app, &ring);
    let alter = move |mut endpoint: Endpoint, now| async move {
        let secret = SigningSecret::generate(&*app.random);
        let rotated = endpoint.rotate_secret(&secret, rotation, now, ring, &*app.random);
        rotated.map_err(|TooManyRetiring| {
            ApiError::LimitReached(MOST_RETIRING_SECRETS, "older signing secrets of this endpoint")
        })?;
        let previous_secrets_until = endpoint.previous_secrets_until(now);
        Ok((endpoint, RotatedSecret { signing_secret: secret.expose(), previous_secrets_until }))
    };
    alter_endpoint(app, Asked::by(&caller, &if_match), id, alter).await
}

/// Ends all older secrets; webhooks carry the newest one's signature alone within half a minute. Repeating it changes
/// nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/endpoints/{id}/signing-secret/previous", operation_id = "endPreviousSigningSecrets", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "They sign no more.")),
))]
pub(crate) async fn end_previous(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    let alter = |mut endpoint: Endpoint, _| async move {
        endpoint.end_previous_secrets();
        Ok((endpoint, ()))
    };
    alter_endpoint(&app, Asked::by(&caller, &if_match), id, alter).await?;
    Ok(StatusCode::NO_CONTENT)
}
