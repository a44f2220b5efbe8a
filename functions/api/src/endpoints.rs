//! `/v1/projects/{pid}/endpoints`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::try_join_all;
use serde::Serialize;
use shared::audit::{Deed, Fields, Resource};
use shared::aws::store::Write;
use shared::draft::{BadField, BadFields, Draft};
use shared::endpoint::{Endpoint, EndpointChange, MOST_ENDPOINTS, NewEndpoint};
use shared::health::Health;
use shared::id::{EndpointId, ProjectId};
use shared::project::Project;
use shared::return_url::{Encryption, KEY_WANTED};
use shared::signature::SigningSecret;
use shared::time::Timestamp;

use crate::App;
use crate::answer::Answer;
use crate::body::{Body, LastId};
use crate::caller::{Caller, scope};
use crate::changes::{Asked, Decision};
use crate::endpoint_view::EndpointView;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::List;
use crate::problem::ApiError;
use crate::tag::{IfMatch, Tag, settings_in};
use crate::{endpoint_states, host_names, jwks};

/// Creates an endpoint, and shows its signing secret this once.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints", operation_id = "createEndpoint", tag = "Endpoints",
    params(parameters::Once), security(("x-api-key" = ["settings:write"])), request_body = requests::NewEndpoint,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses(
        (status = 201, description = "The endpoint, with its signing secret, shown this once.", body = EndpointView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    body: Body,
) -> Result<Answer<EndpointView>, ApiError> {
    let new = NewEndpoint::check(body.draft()?, &app.config.address_guard)?;
    let bad_host = host_names::check(&new.url, &app.config.address_guard, &*app.host_names).await;
    let ring = app.key_ring.ring().await?;
    let (app, new, bad_host, ring) = (&app, &new, &bad_host, &ring);
    let decide = move |project: Project| async move {
        if app.settings.endpoints_now(project.id).await?.len() >= MOST_ENDPOINTS {
            return Err(ApiError::LimitReached(MOST_ENDPOINTS, "endpoints in this project"));
        }
        check_surroundings(app, project.id, bad_host.clone(), Some(new.encryption)).await?;
        let (now, secret) = (app.clock.now(), SigningSecret::generate(&*app.random));
        let id = EndpointId::new(now, &*app.random);
        let endpoint = new.clone().create(id, project.id, &secret, ring, &*app.random);
        let mut writes = vec![Write::new_endpoint(&endpoint)?];
        writes.extend(jwks::first_for(app, project.id, &endpoint.signatures).await?);
        let after = settings(&endpoint, now);
        let health = Health::unknown(project.id, id);
        let shown = EndpointView::of(endpoint, &health, now, &app.config.egress_ips).with_secret(&secret);
        let answer = Answer::created(shown).tagged(Tag::of(&after));
        Ok(Decision::change(project, writes, Deed::created(Resource::Endpoint { id }, &after), answer))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// Lists the endpoints.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/endpoints", operation_id = "listEndpoints", tag = "Endpoints",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All endpoints.", body = List<EndpointView>)),
))]
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
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/endpoints/{id}", operation_id = "readEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path)), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The endpoint.", body = EndpointView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<EndpointId>,
) -> Result<Answer<EndpointView>, ApiError> {
    let endpoint = existing(&app, caller.project_id, id).await?;
    let tag = Tag::of(&settings(&endpoint, app.clock.now()));
    Ok(Answer::ok(show(&app, endpoint).await?).tagged(tag))
}

/// Changes an endpoint. Webhooks are sent as it says within half a minute.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}/endpoints/{id}", operation_id = "changeEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    request_body = requests::EndpointChange, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    if_match: IfMatch,
    body: Body,
) -> Result<Answer<EndpointView>, ApiError> {
    apply(&app, Asked::by(&caller, &if_match), id, body.draft()?).await
}

/// Changes an endpoint as a draft says.
pub(crate) async fn apply(
    app: &App,
    asked: Asked<'_>,
    id: EndpointId,
    draft: Draft,
) -> Result<Answer<EndpointView>, ApiError> {
    let change = EndpointChange::check(draft, &app.config.address_guard)?;
    let bad_host = match change.url() {
        Some(url) => host_names::check(url, &app.config.address_guard, &*app.host_names).await,
        None => None,
    };
    let ring = app.key_ring.ring().await?;
    let (change, bad_host, ring) = (&change, &bad_host, &ring);
    let alter = move |mut endpoint: Endpoint, now| async move {
        check_surroundings(app, asked.project, bad_host.clone(), change.encryption()).await?;
        endpoint.apply(change.clone(), now, ring, &*app.random)?;
        Ok((endpoint.clone(), show(app, endpoint).await?))
    };
    alter_endpoint(app, asked, id, alter).await
}

/// Deletes an endpoint. What was still to be delivered to it will be cancelled. Deleting it again changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/endpoints/{id}", operation_id = "deleteEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "It is gone.")),
))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    if_match: IfMatch,
) -> Result<Answer<()>, ApiError> {
    // Planned before as well: if this is cut off after the deletion, what is held is cancelled all the same.
    endpoint_states::look_after(&app, caller.project_id, id, endpoint_states::LATER).await?;
    let (app, if_match) = (&app, &if_match);
    let decide = move |project: Project| async move {
        let found = app.settings.endpoint(project.id, id).await?;
        let before = found.map(|endpoint| settings(&endpoint, app.clock.now()));
        if_match.check(before.as_ref())?;
        let Some(before) = before else { return Ok(Decision::Nothing(Answer::gone())) };
        let (write, deed) =
            (Write::endpoint_deleted(project.id, id), Deed::deleted(Resource::Endpoint { id }, &before));
        Ok(Decision::change(project, vec![write], deed, Answer::gone()))
    };
    let answer = app.change(&caller.origin, caller.project_id, decide).await?;
    endpoint_states::look_after(app, caller.project_id, id, Duration::ZERO).await?;
    Ok(answer)
}

/// Changes an endpoint by `alter`, which gives what it becomes and what is answered then.
pub(crate) async fn alter_endpoint<T, F>(
    app: &App,
    asked: Asked<'_>,
    id: EndpointId,
    alter: impl Fn(Endpoint, Timestamp) -> F,
) -> Result<Answer<T>, ApiError>
where
    T: Serialize,
    F: Future<Output = Result<(Endpoint, T), ApiError>>,
{
    let alter = &alter;
    let decide = move |project: Project| async move {
        let now = app.clock.now();
        let seen = existing(app, project.id, id).await?;
        let before = settings(&seen, now);
        asked.if_match.check(Some(&before))?;
        let (changed, shown) = alter(seen.clone(), now).await?;
        let since = settings(&changed, now);
        let answer = Answer::ok(shown).tagged(Tag::of(&since));
        let deed = Deed::changed(Resource::Endpoint { id }, &before, &since).reverting(asked.reverts);
        let deed = seen.secrets_unlike(&changed).into_iter().fold(deed, Deed::with_secret);
        let mut writes = vec![Write::endpoint(&changed)?];
        writes.extend(jwks::first_for(app, project.id, &changed.signatures).await?);
        Ok(Decision::change(project, writes, deed, answer))
    };
    app.change(asked.origin, asked.project, decide).await
}

/// The endpoint as it is shown, with its health as it was a moment ago.
pub(crate) async fn show(app: &App, endpoint: Endpoint) -> Result<EndpointView, ApiError> {
    let stored = app.activity.health(endpoint.project_id, endpoint.id).await?;
    Ok(EndpointView::of(endpoint, &stored.health, app.clock.now(), &app.config.egress_ips))
}

/// The endpoint of this project with this id, as it is now.
pub(crate) async fn existing(app: &App, project: ProjectId, id: EndpointId) -> Result<Endpoint, ApiError> {
    app.settings.endpoint(project, id).await?.ok_or(ApiError::NotFound("endpoint"))
}

/// What customers have set of an endpoint, whatever its receiver does.
fn settings(endpoint: &Endpoint, now: Timestamp) -> Fields {
    let health = Health::unknown(endpoint.project_id, endpoint.id);
    settings_in(&EndpointView::of(endpoint.clone(), &health, now, &[]))
}

/// Refuses what the request alone does not tell: a host that leads to a private place, an encryption without a key.
async fn check_surroundings(
    app: &App,
    project: ProjectId,
    bad_host: Option<BadField>,
    encryption: Option<Encryption>,
) -> Result<(), ApiError> {
    let mut bad = Vec::from_iter(bad_host);
    let wants_key = encryption.is_some_and(|encryption| encryption != Encryption::None);
    if wants_key && app.settings.return_url_keys_now(project).await?.is_empty() {
        bad.push(BadField { pointer: "/encryption".to_owned(), detail: KEY_WANTED.to_owned() });
    }
    if bad.is_empty() { Ok(()) } else { Err(BadFields(bad).into()) }
}
