//! `/v1/projects/{pid}/endpoints`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::endpoint::{Endpoint, EndpointState, EndpointUrl, HeaderName, MOST_ENDPOINTS, NewEndpoint};
use shared::event::EventType;
use shared::id::EndpointId;
use shared::signature::SigningSecret;
use shared::time::Timestamp;

use crate::App;
use crate::body::{Body, LastId};
use crate::caller::{Caller, scope};
use crate::paging::List;
use crate::problem::ApiError;

/// An endpoint as it is shown: its headers by name only, its signing secret only when it was just created.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointView {
    id: EndpointId,
    url: EndpointUrl,
    state: EndpointState,
    event_types: Option<BTreeSet<EventType>>,
    header_names: Vec<HeaderName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    created_at: Timestamp,
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url,
            state: endpoint.state,
            event_types: endpoint.event_types,
            header_names: endpoint.headers.into_keys().collect(),
            signing_secret: None,
            created_at: endpoint.created_at,
        }
    }
}

/// Creates an endpoint, and shows its signing secret this once.
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    body: Body,
) -> Result<(StatusCode, Json<EndpointView>), ApiError> {
    let new = NewEndpoint::check(body.draft()?, &app.config.address_guard)?;
    let found = app.settings.project_and_endpoints(caller.project_id).await?;
    let (project, endpoints) = found.ok_or(ApiError::NotFound("project"))?;
    if endpoints.len() >= MOST_ENDPOINTS {
        return Err(ApiError::LimitReached(MOST_ENDPOINTS, "endpoints"));
    }
    let secret = SigningSecret::generate(&*app.random);
    let id = EndpointId::new(app.clock.now(), &*app.random);
    let ring = app.key_ring.ring().await?;
    let endpoint = new.create(id, project.id, &secret, &ring, &*app.random);
    app.settings.put_endpoint(&endpoint).await?;
    let view = EndpointView { signing_secret: Some(secret.expose()), ..endpoint.into() };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Lists the endpoints.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<EndpointView>>, ApiError> {
    let found = app.settings.project_and_endpoints(caller.project_id).await?;
    let (_, endpoints) = found.ok_or(ApiError::NotFound("project"))?;
    Ok(Json(List::whole(endpoints.into_iter().rev().map(EndpointView::from).collect())))
}

/// Reads one endpoint.
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<EndpointId>,
) -> Result<Json<EndpointView>, ApiError> {
    let endpoint = app.settings.endpoint(caller.project_id, id).await?.ok_or(ApiError::NotFound("endpoint"))?;
    Ok(Json(endpoint.into()))
}

/// Deletes an endpoint. What was still to be delivered to it will be cancelled. Deleting it again changes nothing.
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
) -> Result<StatusCode, ApiError> {
    app.settings.delete_endpoint(caller.project_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
