//! `POST /v1/projects/{pid}/endpoints/{id}/verify`: explains why a received webhook does not verify.
//!
//! The check opens the signing secrets, but its response never shows them. It shows differences in an event's data, so callers
//! need `events:read`. The request is neither stored nor logged.

use axum::Json;
use axum::extract::{Request, State};
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::return_urls::{Encryption, NamedKey};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::test_send::TestState;
use domain::webhooks::verification::{CapturedWebhook, Known};
use futures::future::try_join;

use crate::app::App;
use crate::endpoints::verification_view::SignatureCheckView;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId, MAX_BODY_BYTES};
use crate::http::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::webhook_requests;

/// Explains why a webhook that your server received does not verify. Send its headers and its body as your server got them. The
/// response says which of them differ from what was sent, and how to correct it. With the signature that your code computed, it
/// also recognises the usual mistakes in code. Nothing of the request is stored. The call counts as ten against the rate limit.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/verify", operation_id = "verifyWebhook", tag = "Endpoints",
    params(("id" = EndpointId, Path)), security(("x-api-key" = ["events:read"])),
    request_body = webhook_requests::CapturedWebhook,
    responses((status = 200, description = "What was found.", body = SignatureCheckView)),
))]
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller<scope::EventsRead>,
    LastId(id): LastId<EndpointId>,
    request: Request,
) -> Result<Json<SignatureCheckView>, ApiError> {
    caller.charge_slow(&app).await;
    let captured = CapturedWebhook::try_from(Body::of(request, MAX_BODY_BYTES).await?.draft()?)?;
    let known = known(&app, caller.project_id, id, captured.webhook_id()).await?;
    Ok(Json(captured.check(&known, app.clock.now()).into()))
}

/// Loads what is known about a webhook to an endpoint: secrets, public keys, and the body that was sent.
async fn known(app: &App, project: ProjectId, id: EndpointId, webhook_id: Option<String>) -> Result<Known, ApiError> {
    let now = app.clock.now();
    let (endpoints, key_pairs) =
        try_join(app.store.endpoints.list_now(project), app.store.endpoints.key_pairs(project)).await?;
    let endpoint = endpoints.iter().find(|endpoint| endpoint.id == id).ok_or(ApiError::NotFound("endpoint"))?;
    let ring = app.key_ring.ring_to_open(endpoints.iter().flat_map(Endpoint::sealed)).await?;
    let known = Known::of(endpoint, &endpoints, key_pairs.as_ref(), &ring, now)?;
    let Some(sent_id) = webhook_id.and_then(|text| text.trim().parse::<EventId>().ok()) else { return Ok(known) };
    let (test, event) =
        try_join(app.store.test_sends.get(project, sent_id), app.store.events.get(project, sent_id)).await?;
    if let Some(test) = test.filter(|test| test.is_kept(now)) {
        return Ok(match &test.state {
            TestState::Done { request, .. } => known.with_test(request),
            TestState::Pending | TestState::NotSent { .. } => known,
        });
    }
    Ok(match event {
        Some(stored) => known.with_event(&stored.event, endpoint, &secret_keys(app, endpoint).await?),
        None => known,
    })
}

/// The keys that may have encrypted the endpoint's bodies, newest first. None if the bodies cannot be encrypted in the same way
/// again.
async fn secret_keys(app: &App, endpoint: &Endpoint) -> Result<Vec<NamedKey>, ApiError> {
    if endpoint.encryption != Encryption::Aes256Ecb {
        return Ok(Vec::new());
    }
    let keys = app.store.return_urls.keys_now(endpoint.project_id).await?;
    let ring = app.key_ring.ring_to_open(keys.sealed()).await?;
    Ok(keys.open_valid_at(app.clock.now(), &ring)?)
}
