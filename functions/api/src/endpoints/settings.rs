//! `/v1/projects/{pid}/endpoints`: creates, lists, changes and deletes endpoints.

use aws::store::{FALLBACK_CHECK_DELAY, Write};
use axum::Json;
use axum::extract::State;
use domain::foundation::draft::{BadField, BadFields};
use domain::foundation::id::{EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use domain::projects::audit::{AuditChange, Fields, Resource};
use domain::projects::project::Project;
use domain::return_urls::{Encryption, KEY_REQUIRED};
use domain::webhooks::egress::DeployedIps;
use domain::webhooks::endpoint::{Endpoint, EndpointChange, EndpointUrl, MAX_ENDPOINTS, NewEndpoint};
use domain::webhooks::health::Health;
use domain::webhooks::signature::SigningSecret;
use futures::future::{join_all, try_join_all};
use serde::Serialize;

use crate::app::App;
use crate::endpoints::view::EndpointView;
use crate::endpoints::{host_names, jwks};
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, SettingsView, Tag};
use crate::http::paging::List;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::{ChangeDecision, ChangeRequest};
#[cfg(test)]
use crate::openapi::{parameters, webhook_requests};

/// Maximum number of held deliveries that are counted. Counting more would cost more reads than the number is worth.
const MAX_COUNTED_HELD: u16 = 100;

/// Creates an endpoint. The response is the only one that contains the signing secret. Header values, your own signing
/// secret, client credentials and a client certificate also require the scope `secrets:write`.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints", operation_id = "createEndpoint", tag = "Endpoints",
    params(parameters::IdempotencyKey, parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    request_body = webhook_requests::NewEndpoint,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses(
        (status = 201, description = "The new endpoint, with its signing secret.", body = EndpointView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    preconditions.check(None)?;
    let new = NewEndpoint::check(body.draft()?, &app.config.address_guard)?;
    if new.brings_secrets() {
        caller.permit(Scope::SecretsWrite)?;
    }
    // Resolved before the decision, because the decision may run several times.
    let bad_hosts = bad_hosts(&app, Some(&new.url), new.token_url()).await;
    let ring = app.key_ring.ring().await?;
    let (app, new, bad_hosts, ring) = (&app, &new, &bad_hosts, &ring);
    let decide = move |project: Project| async move {
        if app.store.endpoints.list_now(project.id).await?.len() >= MAX_ENDPOINTS {
            return Err(ApiError::LimitReached(MAX_ENDPOINTS, "endpoints per project"));
        }
        check_context(app, project.id, bad_hosts.clone(), Some(new.encryption)).await?;
        let now = app.clock.now();
        let secret = new.signing_secret.clone().unwrap_or_else(|| SigningSecret::generate(&*app.random));
        let id = EndpointId::new(now, &*app.random);
        let endpoint = new.clone().create(id, project.id, &secret, ring, &*app.random);
        let mut writes = vec![Write::new_endpoint(&endpoint)?];
        writes.extend(jwks::first_for(app, project.id, &endpoint.signatures).await?);
        let after = settings_of(&endpoint, now);
        let health = Health::unknown(project.id, id);
        let view = EndpointView::of(endpoint, &health, 0, now, &app.config.egress_ips).with_secret(&secret);
        let change = AuditChange::created(Resource::Endpoint { id }, &after);
        let response = SettingsResponse::created(view);
        Ok(ChangeDecision::resource(project, writes, change, response).with_tag(&after, 0))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Lists the endpoints of a project, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/endpoints", operation_id = "listEndpoints", tag = "Endpoints",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All endpoints.", body = List<EndpointView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<EndpointView>>, ApiError> {
    let project = app.store.projects.with_endpoints(caller.project_id).await?;
    let (_, endpoints) = project.ok_or(ApiError::NotFound("project"))?;
    let views = endpoints.into_iter().rev().map(|endpoint| view(&app, endpoint));
    Ok(Json(List::whole(try_join_all(views).await?)))
}

/// Retrieves one endpoint.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/endpoints/{id}", operation_id = "readEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path)), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The endpoint.", body = EndpointView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<EndpointId>,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    let endpoint = existing(&app, caller.project_id, id).await?;
    let tag = tag_of(&endpoint, app.clock.now());
    Ok(SettingsResponse::ok(view(&app, endpoint).await?).with_tag(tag))
}

/// Changes an endpoint. Webhooks are sent with the new settings within 30 seconds. Setting header values, client
/// credentials or a client certificate also requires the scope `secrets:write`.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}/endpoints/{id}", operation_id = "changeEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    request_body = webhook_requests::EndpointChange, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The endpoint after the change.", body = EndpointView)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    let change = EndpointChange::check(body.draft()?, &app.config.address_guard)?;
    if change.sets_secrets() {
        caller.permit(Scope::SecretsWrite)?;
    }
    apply(&app, ChangeRequest::by(&caller, &preconditions), id, &change).await
}

/// Applies a change to an endpoint.
pub(crate) async fn apply(
    app: &App,
    request: ChangeRequest<'_>,
    id: EndpointId,
    change: &EndpointChange,
) -> Result<SettingsResponse<EndpointView>, ApiError> {
    let bad_hosts = bad_hosts(app, change.url(), change.token_url()).await;
    let ring = app.key_ring.ring().await?;
    let (bad_hosts, ring) = (&bad_hosts, &ring);
    let alter = move |mut endpoint: Endpoint, now| async move {
        check_context(app, request.project, bad_hosts.clone(), change.encryption()).await?;
        endpoint.apply(change.clone(), now, ring, &*app.random)?;
        Ok((endpoint.clone(), view(app, endpoint).await?))
    };
    let altered = alter_endpoint(app, request, id, alter);
    if change.ends_handshake() { release_held(app, request.project, id, altered).await } else { altered.await }
}

/// Makes a change that permits webhooks again, and has the sweep release the held deliveries.
pub(crate) async fn release_held<T>(
    app: &App,
    project: ProjectId,
    id: EndpointId,
    change: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    // Scheduled before the change too: if this request is cut off after it, the sweep still releases the held deliveries.
    app.store.health.schedule_check(project, id, app.clock.now().plus(FALLBACK_CHECK_DELAY)).await?;
    let changed = change.await?;
    app.store.health.schedule_check(project, id, app.clock.now()).await?;
    Ok(changed)
}

/// Deletes an endpoint. Its open deliveries are cancelled. Deleting an endpoint that does not exist succeeds and changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/endpoints/{id}", operation_id = "deleteEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The endpoint is deleted.")),
))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<()>, ApiError> {
    // Scheduled before the deletion too: if this request is cut off after it, the sweep still cancels the held deliveries.
    let check_at = app.clock.now().plus(FALLBACK_CHECK_DELAY);
    app.store.health.schedule_check(caller.project_id, id, check_at).await?;
    let (app, preconditions) = (&app, &preconditions);
    let decide = move |project: Project| async move {
        let (endpoint, now) = (app.store.endpoints.get(project.id, id).await?, app.clock.now());
        preconditions.check(endpoint.as_ref().map(|endpoint| tag_of(endpoint, now)).as_ref())?;
        let Some(before) = endpoint.map(|endpoint| settings_of(&endpoint, now)) else {
            return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content()));
        };
        let (write, change) =
            (Write::endpoint_deleted(project.id, id), AuditChange::deleted(Resource::Endpoint { id }, &before));
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    let response = app.change_settings(&caller.origin, caller.project_id, decide).await?;
    app.store.health.schedule_check(caller.project_id, id, app.clock.now()).await?;
    Ok(response)
}

/// Changes an endpoint. `alter` returns the changed endpoint and the body of the response.
pub(crate) async fn alter_endpoint<T, F>(
    app: &App,
    request: ChangeRequest<'_>,
    id: EndpointId,
    alter: impl Fn(Endpoint, Timestamp) -> F,
) -> Result<SettingsResponse<T>, ApiError>
where
    T: Serialize,
    F: Future<Output = Result<(Endpoint, T), ApiError>>,
{
    let alter = &alter;
    let decide = move |project: Project| async move {
        let now = app.clock.now();
        let seen = existing(app, project.id, id).await?;
        request.preconditions.check(Some(&tag_of(&seen, now)))?;
        let (changed, body) = alter(seen.clone(), now).await?;
        let (old_settings, new_settings) = (settings_of(&seen, now), settings_of(&changed, now));
        let change =
            AuditChange::changed(Resource::Endpoint { id }, &old_settings, &new_settings).reverting(request.reverts);
        let change = seen.changed_secrets(&changed).into_iter().fold(change, AuditChange::with_secret);
        let mut writes = vec![Write::endpoint(&changed)?];
        writes.extend(jwks::first_for(app, project.id, &changed.signatures).await?);
        let response = SettingsResponse::ok(body);
        Ok(ChangeDecision::resource(project, writes, change, response).with_tag(&new_settings, seen.changed_in))
    };
    // An endpoint has many settings, and this future holds several of them.
    Box::pin(app.change_settings(request.origin, request.project, decide)).await
}

/// The view of an endpoint, with its health and its held deliveries from eventually consistent reads.
pub(crate) async fn view(app: &App, endpoint: Endpoint) -> Result<EndpointView, ApiError> {
    let (stored, held) = tokio::try_join!(
        app.store.health.get(endpoint.project_id, endpoint.id),
        app.store.deliveries.count_held(endpoint.id, MAX_COUNTED_HELD),
    )?;
    Ok(EndpointView::of(endpoint, &stored.health, held, app.clock.now(), &app.config.egress_ips))
}

/// Loads an endpoint with a consistent read. Fails with 404 if it does not exist.
pub(crate) async fn existing(app: &App, project: ProjectId, id: EndpointId) -> Result<Endpoint, ApiError> {
    app.store.endpoints.get(project, id).await?.ok_or(ApiError::NotFound("endpoint"))
}

/// The settings of an endpoint, for its `ETag` and the audit log. They are independent of its health.
fn settings_of(endpoint: &Endpoint, now: Timestamp) -> Fields {
    let health = Health::unknown(endpoint.project_id, endpoint.id);
    let mut settings = EndpointView::of(endpoint.clone(), &health, 0, now, &DeployedIps::default()).settings();
    // The state that the customer set. The view also shows what follows from the ownership.
    settings.insert("state".to_owned(), endpoint.state.as_str().into());
    settings
}

/// The `ETag` of an endpoint.
fn tag_of(endpoint: &Endpoint, now: Timestamp) -> Tag {
    Tag::of(&settings_of(endpoint, now), endpoint.changed_in)
}

/// Checks the addresses of the hosts of an endpoint and of its token server.
async fn bad_hosts(app: &App, url: Option<&EndpointUrl>, token_url: Option<&EndpointUrl>) -> Vec<BadField> {
    let named = [("/url", url), ("/oauth2/tokenUrl", token_url)];
    let checks = named.into_iter().filter_map(|(pointer, url)| {
        Some(host_names::check(pointer, url?, &app.config.address_guard, &*app.host_names))
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Checks what depends on more than the request: the addresses of the hosts, and the `secretKey` that encryption needs.
async fn check_context(
    app: &App,
    project: ProjectId,
    mut bad: Vec<BadField>,
    encryption: Option<Encryption>,
) -> Result<(), ApiError> {
    let wants_key = encryption.is_some_and(|encryption| encryption != Encryption::None);
    if wants_key && app.store.return_urls.keys_now(project).await?.is_empty() {
        bad.push(BadField { pointer: "/encryption".to_owned(), detail: KEY_REQUIRED.to_owned() });
    }
    if bad.is_empty() { Ok(()) } else { Err(BadFields(bad).into()) }
}
