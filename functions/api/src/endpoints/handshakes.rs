//! `/v1/projects/{pid}/endpoints/{id}/handshake`: asks the receiver of an endpoint whether it wants webhooks.
//!
//! webhook-sender asks, because only it has access to receivers. The API waits for the result and stores a grant in the endpoint.

use std::time::Duration;

use aws::queue::Message;
use aws::store::Admission;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::webhooks::delivery::HandshakeTask;
use domain::webhooks::endpoint::{Endpoint, Ownership, OwnershipProof};
use domain::webhooks::handshake::{Handshake, HandshakeAnswer};
use tokio::time::timeout;

use crate::app::App;
use crate::endpoints::settings::{alter_endpoint, existing, release_held};
use crate::endpoints::test_sends::{seconds_left, wait_for_result};
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::Preconditions;
use crate::http::settings_change::ChangeRequest;
#[cfg(test)]
use crate::openapi::requests;

/// Asks the receiver of an endpoint whether it wants webhooks, with the handshake of CloudEvents: an `OPTIONS` request with the header
/// `WebHook-Request-Origin`. The receiver grants webhooks with a status of 200 to 299 and the header `WebHook-Allowed-Origin`, and may
/// limit them with `WebHook-Allowed-Rate`. After a grant, the held deliveries of the endpoint are sent. Returns 200 with the result. If
/// the receiver does not answer within eight seconds, returns 202; repeat the call. A new grant replaces an earlier one, and a refusal
/// leaves an earlier grant in force.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/handshake", operation_id = "makeHandshake", tag = "Endpoints",
    params(("id" = EndpointId, Path)), security(("x-api-key" = ["settings:write"])),
    request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["handshake-not-asked", "too-many-tests", "changed-meanwhile"]))),
    responses(
        (status = 200, description = "The handshake with its result.", body = Handshake),
        (status = 202, description = "The receiver has not answered yet. Repeat the call.", body = Handshake),
    ),
))]
pub(crate) async fn make(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(endpoint_id): LastId<EndpointId>,
    body: Body,
) -> Result<(StatusCode, Json<Handshake>), ApiError> {
    body.expect_no_fields()?;
    let endpoint = existing(&app, caller.project_id, endpoint_id).await?;
    if endpoint.ownership != Ownership::Handshake {
        return Err(ApiError::HandshakeNotAsked);
    }
    let handshake = ask(&app, caller.project_id, endpoint).await?;
    if let Some(proof) = handshake.proof() {
        grant(&app, &caller, endpoint_id, &proof).await?;
    }
    let status = if handshake.is_pending() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(handshake)))
}

/// Has webhook-sender ask the receiver, and waits for its answer.
async fn ask(app: &App, project_id: ProjectId, endpoint: Endpoint) -> Result<Handshake, ApiError> {
    let now = app.clock.now();
    if app.store.quotas.admit_test_send(project_id, now).await? == Admission::Refused {
        return Err(ApiError::TooManyTests { seconds_left: seconds_left(now) });
    }
    let (id, endpoint_id) = (EventId::new(now, &*app.random), endpoint.id);
    let Endpoint { url, pace: requested_rate, .. } = endpoint;
    let handshake = Handshake { id, endpoint_id, url, requested_rate, state: HandshakeAnswer::Pending };
    app.store.handshakes.put(project_id, &handshake).await?;
    let task = HandshakeTask { project_id, endpoint_id, handshake_id: id };
    app.send_queue.send(vec![Message::to_send(task, Duration::ZERO)?]).await?;
    let result = wait_for_result(|| app.store.handshakes.get(project_id, id), Handshake::is_pending);
    timeout(app.test_result_timeout, result).await.unwrap_or(Ok(handshake))
}

/// Stores a grant. Fails if the endpoint has another URL by now, or needs no handshake any more. A later grant stays.
async fn grant<S>(app: &App, caller: &Caller<S>, id: EndpointId, proof: &OwnershipProof) -> Result<(), ApiError> {
    let store = move |endpoint: Endpoint, _| async move {
        if endpoint.ownership != Ownership::Handshake || endpoint.url != proof.url {
            return Err(ApiError::ChangedMeanwhile);
        }
        let later = endpoint.ownership_proof.clone().filter(|stored| stored.at > proof.at);
        Ok((Endpoint { ownership_proof: later.or_else(|| Some(proof.clone())), ..endpoint }, ()))
    };
    let preconditions = Preconditions::default();
    release_held(app, caller.project_id, id, async {
        alter_endpoint(app, ChangeRequest::by(caller, &preconditions), id, store).await
    })
    .await?;
    Ok(())
}
