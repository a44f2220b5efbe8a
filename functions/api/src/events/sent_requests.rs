//! `GET /v1/projects/{pid}/deliveries/{id}/request`: the request of the last attempt, to find the cause of a failure.
//!
//! Requests are not stored. This one is built again from the event and the endpoint's current settings, without signatures and
//! other secrets.

use axum::Json;
use axum::extract::State;
use domain::foundation::id::DeliveryId;
use domain::foundation::time::Timestamp;
use domain::return_urls::Encryption;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::delivery::{Delivery, ReplayOutcome, SkipReason};
use domain::webhooks::endpoint::{Endpoint, EndpointUrl, HeaderName};
use domain::webhooks::request;
use domain::webhooks::test_send::SentRequest;
use serde::Serialize;

use crate::app::App;
use crate::events::deliveries;
use crate::http::api_error::ApiError;
use crate::http::body::LastId;
use crate::http::caller::{Caller, scope};

/// The request of an attempt, built again from the event and the endpoint's current settings.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeliveryRequest))]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestView {
    /// Number of the attempt, as in `webhook-attempt`.
    attempt: u8,
    /// When the attempt started.
    at: Timestamp,
    /// URL of the endpoint.
    url: EndpointUrl,
    /// Headers set by Signpost, without the signature; and the body, before encryption.
    #[serde(flatten)]
    request: SentRequest,
    /// Names of the endpoint's static headers, and `authorization` if the endpoint has `oauth2`. These headers are also sent.
    header_names: Vec<HeaderName>,
    /// Encryption of the body. Unless it is `none`, the receiver gets the body encrypted.
    encryption: Encryption,
}

/// Returns the request of the last attempt or replay of a delivery. It is built again from the event and the current settings of
/// the endpoint, so it can differ from what was sent if the settings changed since. Signatures and values of static headers are
/// left out.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/deliveries/{id}/request", operation_id = "readDeliveryRequest", tag = "Deliveries",
    params(("id" = DeliveryId, Path)), security(("x-api-key" = ["events:read"])),
    extensions(("x-problems" = json!(["endpoint-deleted", "event-gone"]))),
    responses((status = 200, description = "The request.", body = RequestView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::EventsRead>,
    LastId(id): LastId<DeliveryId>,
) -> Result<Json<RequestView>, ApiError> {
    let project = caller.project_id;
    let (delivery, endpoint, stored) = tokio::try_join!(
        deliveries::existing(&app, project, id),
        async { Ok(app.store.endpoints.get(project, id.endpoint).await?) },
        async { Ok(app.store.events.get(project, id.event).await?) },
    )?;
    let (attempt, is_replay) = last_sent(&delivery).ok_or(ApiError::NotFound("attempt"))?;
    let endpoint = endpoint.ok_or(SkipReason::EndpointDeleted)?;
    let event = stored.ok_or(SkipReason::EventGone)?.event;
    Ok(Json(RequestView {
        attempt: attempt.number,
        at: attempt.at,
        request: request::readable(&endpoint, &event, attempt.number, attempt.at, is_replay),
        header_names: secret_headers(&endpoint),
        url: endpoint.url,
        encryption: endpoint.encryption,
    }))
}

/// The names of the headers whose values may be secrets.
fn secret_headers(endpoint: &Endpoint) -> Vec<HeaderName> {
    let token = endpoint.oauth2.is_some().then(|| "authorization".parse().expect("it is a header name"));
    endpoint.headers.keys().cloned().chain(token).collect()
}

/// The last attempt, and whether it was a replay.
fn last_sent(delivery: &Delivery) -> Option<(&Attempt, bool)> {
    let replay = delivery.replays.iter().rev().find_map(|replayed| match &replayed.outcome {
        ReplayOutcome::Sent(attempt) => Some((attempt, true)),
        ReplayOutcome::Skipped { .. } => None,
    });
    replay.or_else(|| delivery.attempts.last().map(|attempt| (attempt, false)))
}
