//! `/v1/projects/{pid}/endpoints/{id}/signing-secret`: how an endpoint's signing secret is replaced.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::endpoint::{MOST_RETIRING_SECRETS, SecretRotation, TooManyRetiring};
use shared::id::EndpointId;
use shared::signature::SigningSecret;
use shared::time::Timestamp;

use crate::App;
use crate::body::{Body, LastId};
use crate::caller::{Caller, scope};
use crate::endpoints;
use crate::problem::ApiError;

/// A new signing secret, shown this once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedSecret {
    signing_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secrets_until: Option<Timestamp>,
}

/// Signs with a new secret, and for a while with the older ones too, so that the receiver can change over in between.
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    body: Body,
) -> Result<Json<RotatedSecret>, ApiError> {
    let rotation = SecretRotation::try_from(body.draft_or_empty()?)?;
    let mut endpoint = endpoints::existing(&app, caller.project_id, id).await?;
    let (now, secret) = (app.clock.now(), SigningSecret::generate(&*app.random));
    let ring = app.key_ring.ring().await?;
    endpoint.rotate_secret(&secret, rotation, now, &ring, &*app.random).map_err(|TooManyRetiring| {
        ApiError::LimitReached(MOST_RETIRING_SECRETS, "older signing secrets of this endpoint")
    })?;
    endpoints::save(&app, &endpoint).await?;
    let previous_secrets_until = endpoint.previous_secrets_until(now);
    Ok(Json(RotatedSecret { signing_secret: secret.expose(), previous_secrets_until }))
}

/// Ends all older secrets; webhooks carry the newest one's signature alone within half a minute. Repeating it changes
/// nothing.
pub(crate) async fn end_previous(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
) -> Result<StatusCode, ApiError> {
    let mut endpoint = endpoints::existing(&app, caller.project_id, id).await?;
    if !endpoint.retiring_secrets.is_empty() {
        endpoint.end_previous_secrets();
        endpoints::save(&app, &endpoint).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
