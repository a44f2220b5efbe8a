//! `/v1/projects/{pid}/return-url`; its keys are in [`crate::return_url_keys`].

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::audit::{Deed, Fields, Resource};
use shared::aws::store::{ProjectReturnUrl, Write};
use shared::id::ProjectId;
use shared::project::Project;
use shared::return_url::{BroughtUrl, NewReturnUrlSettings, NotOurs, Received, ReturnUrlKeys, ReturnUrlSettings};

use crate::App;
use crate::answer::Answer;
use crate::body::Checked;
use crate::caller::{Caller, scope};
use crate::changes::{Asked, Decision};
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;
use crate::tag::{IfMatch, Tag, settings_in};

/// The final URL with placeholders.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Preview {
    /// The URL, with a placeholder in braces for every value.
    url: String,
}

/// Whether a URL is one of ours: what it says, or why it is not to be believed.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(untagged)]
pub(crate) enum Verdict {
    /// We made it, and just so.
    Valid(ValidUrl),
    /// It is not to be believed.
    Invalid(InvalidUrl),
}

/// A URL of ours.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct ValidUrl {
    /// `true`.
    valid: bool,
    /// What it says.
    #[serde(flatten)]
    received: Received,
}

/// A URL that is not to be believed.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct InvalidUrl {
    /// `false`.
    valid: bool,
    /// Why.
    reason: NotOurs,
}

impl From<Result<Received, NotOurs>> for Verdict {
    fn from(found: Result<Received, NotOurs>) -> Self {
        match found {
            Ok(received) => Self::Valid(ValidUrl { valid: true, received }),
            Err(reason) => Self::Invalid(InvalidUrl { valid: false, reason }),
        }
    }
}

/// Sets the return URL, whole. People see the change within half a minute.
#[cfg_attr(test, utoipa::path(
    put, path = "/v1/projects/{pid}/return-url", operation_id = "setReturnUrl", tag = "Return URL",
    params(parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewReturnUrlSettings, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The return URL as it is now.", body = ReturnUrlSettings)),
))]
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    if_match: IfMatch,
    Checked(new): Checked<NewReturnUrlSettings>,
) -> Result<Answer<ReturnUrlSettings>, ApiError> {
    replace(&app, Asked::by(&caller, &if_match), |_| Ok(new.clone())).await
}

/// Sets the return URL to what `renew` makes of the one that there is, if there is one.
pub(crate) async fn replace(
    app: &App,
    asked: Asked<'_>,
    renew: impl Fn(Option<&Fields>) -> Result<NewReturnUrlSettings, ApiError>,
) -> Result<Answer<ReturnUrlSettings>, ApiError> {
    let renew = &renew;
    let decide = move |project: Project| async move {
        let (keys, before) = keys_and_settings(app, project.id).await?;
        asked.if_match.check(before.as_ref())?;
        let settings = renew(before.as_ref())?.accept(!keys.is_empty())?;
        let after = settings_in(&settings);
        let deed = match &before {
            None => Deed::created(Resource::ReturnUrl, &after),
            Some(before) => Deed::changed(Resource::ReturnUrl, before, &after),
        };
        let write = Write::return_url(project.id, &settings)?;
        let answer = Answer::ok(settings).tagged(Tag::of(&after));
        Ok(Decision::change(project, vec![write], deed.reverting(asked.reverts), answer))
    };
    app.change(asked.origin, asked.project, decide).await
}

/// Reads the return URL.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/return-url", operation_id = "readReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The return URL.", body = ReturnUrlSettings)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Answer<ReturnUrlSettings>, ApiError> {
    let settings = existing(&app, &caller).await?;
    let tag = Tag::of_view(&settings);
    Ok(Answer::ok(settings).tagged(tag))
}

/// Takes the return URL away: people see their result and stay. Its keys stay too. Repeating it changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/return-url", operation_id = "deleteReturnUrl", tag = "Return URL",
    params(parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "It is gone.")),
))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    if_match: IfMatch,
) -> Result<Answer<()>, ApiError> {
    remove(&app, Asked::by(&caller, &if_match)).await
}

/// Takes the return URL away as it is asked for.
pub(crate) async fn remove(app: &App, asked: Asked<'_>) -> Result<Answer<()>, ApiError> {
    let decide = move |project: Project| async move {
        let (_, before) = keys_and_settings(app, project.id).await?;
        asked.if_match.check(before.as_ref())?;
        let Some(before) = before else { return Ok(Decision::Nothing(Answer::gone())) };
        let deed = Deed::deleted(Resource::ReturnUrl, &before).reverting(asked.reverts);
        let write = Write::return_url_deleted(project.id);
        Ok(Decision::change(project, vec![write], deed, Answer::gone()))
    };
    app.change(asked.origin, asked.project, decide).await
}

/// Shows what the final URL will look like.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/return-url/preview", operation_id = "previewReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The URL with placeholders.", body = Preview)),
))]
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<Preview>, ApiError> {
    Ok(Json(Preview { url: existing(&app, &caller).await?.preview() }))
}

/// Tells whether a URL that a browser brought is one of ours, for customers who would rather ask than verify by themselves.
///
/// What it answers is how a verification ended, so it takes the scope that reads just that of deliveries. It is asked by
/// the server that people come back to: a key that could mint links, or change the settings, has no business there.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/verify", operation_id = "verifyReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["deliveries:read"])), request_body = requests::BroughtUrl,
    responses((status = 200, description = "Whether it is one of ours.", body = Verdict)),
))]
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    Checked(brought): Checked<BroughtUrl>,
) -> Result<Json<Verdict>, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    let ProjectReturnUrl { settings, keys, .. } = found.ok_or(ApiError::NotFound("project"))?;
    let settings = settings.ok_or(ApiError::NotFound("return URL"))?;
    let now = app.clock.now();
    let ring = app.key_ring.ring_to_open(keys.sealed()).await?;
    let keys = keys.open_valid_at(now, &ring)?;
    Ok(Json(settings.verify(&brought.url, &keys, now, brought.max_age).into()))
}

async fn existing<S>(app: &App, caller: &Caller<S>) -> Result<ReturnUrlSettings, ApiError> {
    let found = app.settings.return_url_now(caller.project_id).await?;
    found.ok_or(ApiError::NotFound("project"))?.settings.ok_or(ApiError::NotFound("return URL"))
}

/// A project's `secretKey`s, and its return URL if it has set one, as they are now.
async fn keys_and_settings(app: &App, project: ProjectId) -> Result<(ReturnUrlKeys, Option<Fields>), ApiError> {
    let found = app.settings.return_url_now(project).await?.ok_or(ApiError::NotFound("project"))?;
    Ok((found.keys, found.settings.as_ref().map(settings_in)))
}
