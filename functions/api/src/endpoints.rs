//! `/v1/projects/{pid}/endpoints`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures::future::try_join_all;
use shared::aws::store::Written;
use shared::draft::{BadField, BadFields};
use shared::endpoint::{Endpoint, EndpointChange, EndpointUrl, MOST_ENDPOINTS, NewEndpoint};
use shared::health::Health;
use shared::id::{EndpointId, ProjectId};
use shared::return_url::{Encryption, KEY_WANTED};
use shared::signature::{SignatureScheme, SignatureSchemes, SigningSecret};

use crate::App;
use crate::body::{Body, LastId};
use crate::caller::{Caller, scope};
use crate::endpoint_view::EndpointView;
use crate::paging::List;
use crate::problem::ApiError;
use crate::{endpoint_states, host_names, jwks};

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
        return Err(ApiError::LimitReached(MOST_ENDPOINTS, "endpoints in this project"));
    }
    check_surroundings(&app, project.id, Some(&new.url), Some(new.encryption)).await?;
    prepare_signatures(&app, project.id, Some(&new.signatures)).await?;
    let (now, secret) = (app.clock.now(), SigningSecret::generate(&*app.random));
    let id = EndpointId::new(now, &*app.random);
    let ring = app.key_ring.ring().await?;
    let endpoint = new.create(id, project.id, &secret, &ring, &*app.random);
    app.settings.put_endpoint(&endpoint).await?;
    let health = Health::unknown(project.id, id);
    Ok((StatusCode::CREATED, Json(EndpointView::of(endpoint, &health, now).with_secret(&secret))))
}

/// Lists the endpoints.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<EndpointView>>, ApiError> {
    let found = app.settings.project_and_endpoints(caller.project_id).await?;
    let (_, endpoints) = found.ok_or(ApiError::NotFound("project"))?;
    let shown = endpoints.into_iter().rev().map(|endpoint| show(&app, endpoint));
    Ok(Json(List::whole(try_join_all(shown).await?)))
}

/// Reads one endpoint.
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<EndpointId>,
) -> Result<Json<EndpointView>, ApiError> {
    let endpoint = existing(&app, caller.project_id, id).await?;
    Ok(Json(show(&app, endpoint).await?))
}

/// Changes an endpoint. Webhooks are sent as it says within half a minute.
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    body: Body,
) -> Result<Json<EndpointView>, ApiError> {
    let change = EndpointChange::check(body.draft()?, &app.config.address_guard)?;
    let mut endpoint = existing(&app, caller.project_id, id).await?;
    check_surroundings(&app, caller.project_id, change.url(), change.encryption()).await?;
    prepare_signatures(&app, caller.project_id, change.signatures()).await?;
    let ring = app.key_ring.ring().await?;
    endpoint.apply(change, app.clock.now(), &ring, &*app.random)?;
    save(&app, &endpoint).await?;
    Ok(Json(show(&app, endpoint).await?))
}

/// Deletes an endpoint. What was still to be delivered to it will be cancelled. Deleting it again changes nothing.
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
) -> Result<StatusCode, ApiError> {
    // Planned before as well: if this is cut off after the deletion, what is held is cancelled all the same.
    endpoint_states::look_after(&app, caller.project_id, id, endpoint_states::LATER).await?;
    app.settings.delete_endpoint(caller.project_id, id).await?;
    endpoint_states::look_after(&app, caller.project_id, id, Duration::ZERO).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The endpoint as it is shown, with its health as it was a moment ago.
pub(crate) async fn show(app: &App, endpoint: Endpoint) -> Result<EndpointView, ApiError> {
    let stored = app.activity.health(endpoint.project_id, endpoint.id).await?;
    Ok(EndpointView::of(endpoint, &stored.health, app.clock.now()))
}

/// The endpoint of this project with this id, as it is now.
pub(crate) async fn existing(app: &App, project: ProjectId, id: EndpointId) -> Result<Endpoint, ApiError> {
    app.settings.endpoint(project, id).await?.ok_or(ApiError::NotFound("endpoint"))
}

/// Stores a changed endpoint, unless somebody else has changed or deleted it since it was read.
pub(crate) async fn save(app: &App, endpoint: &Endpoint) -> Result<(), ApiError> {
    match app.settings.replace_endpoint(endpoint).await? {
        Written::Now => Ok(()),
        Written::Before => Err(ApiError::ChangedMeanwhile),
    }
}

/// Refuses what the request alone does not tell: a host that leads to a private place, an encryption without a key.
async fn check_surroundings(
    app: &App,
    project: ProjectId,
    url: Option<&EndpointUrl>,
    encryption: Option<Encryption>,
) -> Result<(), ApiError> {
    let mut bad = Vec::new();
    if let Some(url) = url {
        bad.extend(host_names::check(url, &app.config.address_guard, &*app.host_names).await);
    }
    let wants_key = encryption.is_some_and(|encryption| encryption != Encryption::None);
    if wants_key && app.settings.return_url_keys_now(project).await?.is_empty() {
        bad.push(BadField { pointer: "/encryption".to_owned(), detail: KEY_WANTED.to_owned() });
    }
    if bad.is_empty() { Ok(()) } else { Err(BadFields(bad).into()) }
}

/// Sees to it that there is a key pair before the first webhook is to be signed with one.
async fn prepare_signatures(
    app: &App,
    project: ProjectId,
    signatures: Option<&SignatureSchemes>,
) -> Result<(), ApiError> {
    if signatures.is_some_and(|signatures| signatures.contain(SignatureScheme::V1a)) {
        jwks::ensure(app, project).await?;
    }
    Ok(())
}
