//! `/v1/projects/{pid}/return-url`: the settings of the return URL, its preview, and the verification of URLs. The keys are in
//! [`crate::return_urls::keys`].

use aws::store::{ProjectReturnUrl, Write};
use axum::Json;
use axum::extract::State;
use domain::foundation::id::ProjectId;
use domain::projects::audit::{AuditChange, Fields, Resource};
use domain::projects::project::Project;
use domain::return_urls::{
    AppSchemes, BroughtUrl, NewReturnUrlSettings, NotOurs, Received, ReturnUrlSettings, SecretKeys,
};
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, SettingsView, Tag};
use crate::http::response::SettingsResponse;
use crate::http::settings_change::{ChangeDecision, ChangeRequest};
use crate::http::warnings::Warning;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::return_urls::view::ReturnUrlView;

/// A preview of the final URL. Each value is a placeholder in braces.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// The URL with all fields.
    url: String,
    /// The URL after a result. It has no error code.
    result_url: String,
    /// The URL from an error page. Absent if `errorCode` is not among the fields, because error pages then have no button that
    /// leads to the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_url: Option<String>,
    /// Risks of the settings, as in the return URL itself.
    warnings: Vec<Warning>,
}

impl Preview {
    fn of(settings: &ReturnUrlSettings, app_schemes: &AppSchemes) -> Self {
        Self {
            url: settings.preview(),
            result_url: settings.preview_after_result(),
            error_url: settings.preview_from_error_page(),
            warnings: ReturnUrlView::warnings(settings, app_schemes),
        }
    }
}

/// The result of a verification.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(untagged)]
pub(crate) enum Verdict {
    /// Signpost created the URL, and it was not changed.
    Valid(ValidUrl),
    /// The URL is not authentic.
    Invalid(InvalidUrl),
}

/// A URL that Signpost created and that was not changed.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct ValidUrl {
    /// Always `true`.
    valid: bool,
    /// The data in the URL.
    #[serde(flatten)]
    received: Received,
}

/// A URL that is not authentic.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct InvalidUrl {
    /// Always `false`.
    valid: bool,
    /// Why the URL is rejected.
    reason: NotOurs,
}

impl From<Result<Received, NotOurs>> for Verdict {
    fn from(verified: Result<Received, NotOurs>) -> Self {
        match verified {
            Ok(received) => Self::Valid(ValidUrl { valid: true, received }),
            Err(reason) => Self::Invalid(InvalidUrl { valid: false, reason }),
        }
    }
}

/// Sets the return URL with all its settings. Return links that are created after the call use it at once, older ones within 30 seconds.
#[cfg_attr(test, utoipa::path(
    put, path = "/v1/projects/{pid}/return-url", operation_id = "setReturnUrl", tag = "Return URL",
    params(parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewReturnUrlSettings, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The return URL after the change.", body = ReturnUrlView)),
))]
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    preconditions: Preconditions,
    Checked(new): Checked<NewReturnUrlSettings>,
) -> Result<SettingsResponse<ReturnUrlView>, ApiError> {
    replace(&app, ChangeRequest::by(&caller, &preconditions), |_| Ok(new.clone())).await
}

/// Sets the return URL. `renew` gets the current settings, if any, and returns the new ones.
pub(crate) async fn replace(
    app: &App,
    request: ChangeRequest<'_>,
    renew: impl Fn(Option<&Fields>) -> Result<NewReturnUrlSettings, ApiError>,
) -> Result<SettingsResponse<ReturnUrlView>, ApiError> {
    let renew = &renew;
    let decide = move |project: Project| async move {
        let (keys, seen) = keys_and_settings(app, project.id).await?;
        request.preconditions.check(seen.as_ref().map(tag_of).as_ref())?;
        let changed_in = seen.as_ref().map_or(0, |seen| seen.changed_in);
        let before = seen.as_ref().map(settings_of);
        let settings = renew(before.as_ref())?.accept(!keys.is_empty(), &app.config.app_schemes)?;
        let view = ReturnUrlView::of(&settings, &app.config.app_schemes);
        let after = view.settings();
        let change = match &before {
            None => AuditChange::created(Resource::ReturnUrl, &after),
            Some(before) => AuditChange::changed(Resource::ReturnUrl, before, &after),
        };
        let write = Write::return_url(project.id, &settings)?;
        let response = SettingsResponse::ok(view);
        let change = change.reverting(request.reverts);
        Ok(ChangeDecision::resource(project, vec![write], change, response).with_tag(&after, changed_in))
    };
    app.change_settings(request.origin, request.project, decide).await
}

/// Retrieves the return URL with its settings.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/return-url", operation_id = "readReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The return URL.", body = ReturnUrlView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<SettingsResponse<ReturnUrlView>, ApiError> {
    let settings = existing(&app, &caller).await?;
    let view = ReturnUrlView::of(&settings, &app.config.app_schemes);
    Ok(SettingsResponse::ok(view).with_tag(tag_of(&settings)))
}

/// Deletes the return URL. People then stay on the result page. The project's `secretKey`s are not deleted. Repeating the call
/// changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/return-url", operation_id = "deleteReturnUrl", tag = "Return URL",
    params(parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The return URL is deleted.")),
))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<()>, ApiError> {
    remove(&app, ChangeRequest::by(&caller, &preconditions)).await
}

/// Deletes the return URL.
pub(crate) async fn remove(app: &App, request: ChangeRequest<'_>) -> Result<SettingsResponse<()>, ApiError> {
    let decide = move |project: Project| async move {
        let (_, seen) = keys_and_settings(app, project.id).await?;
        request.preconditions.check(seen.as_ref().map(tag_of).as_ref())?;
        let Some(before) = seen.as_ref().map(settings_of) else {
            return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content()));
        };
        let change = AuditChange::deleted(Resource::ReturnUrl, &before).reverting(request.reverts);
        let write = Write::return_url_deleted(project.id);
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    app.change_settings(request.origin, request.project, decide).await
}

/// Returns a preview of the final URL of the stored settings.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/return-url/preview", operation_id = "previewReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The preview.", body = Preview)),
))]
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<Preview>, ApiError> {
    let settings = existing(&app, &caller).await?;
    Ok(Json(Preview::of(&settings, &app.config.app_schemes)))
}

/// Returns a preview of the final URL of the settings in the body, and stores nothing. The settings are checked as if they were
/// set, except that the project needs no `secretKey`.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/preview", operation_id = "previewNewReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["settings:read"])), request_body = requests::NewReturnUrlSettings,
    responses((status = 200, description = "The preview.", body = Preview)),
))]
pub(crate) async fn preview_new(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    Checked(new): Checked<NewReturnUrlSettings>,
) -> Result<Json<Preview>, ApiError> {
    app.existing_project(caller.project_id).await?;
    let settings = new.accept(true, &app.config.app_schemes)?;
    Ok(Json(Preview::of(&settings, &app.config.app_schemes)))
}

/// Verifies a URL with which a browser came back, for customers who do not verify it themselves.
///
/// The response contains the result of a verification, so the call needs the scope that reads deliveries. The server that people
/// return to needs no key that can create links or change settings.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-url/verify", operation_id = "verifyReturnUrl", tag = "Return URL",
    security(("x-api-key" = ["return:verify"])), request_body = requests::BroughtUrl,
    responses((status = 200, description = "The result of the verification.", body = Verdict)),
))]
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller<scope::ReturnVerify>,
    Checked(brought): Checked<BroughtUrl>,
) -> Result<Json<Verdict>, ApiError> {
    let project = app.store.return_urls.get_now(caller.project_id).await?;
    let ProjectReturnUrl { settings, keys, .. } = project.ok_or(ApiError::NotFound("project"))?;
    let settings = settings.ok_or(ApiError::NotFound("return URL"))?;
    let now = app.clock.now();
    let ring = app.key_ring.ring_to_open(keys.sealed()).await?;
    let keys = keys.open_valid_at(now, &ring)?;
    Ok(Json(settings.verify(&brought.url, &keys, now, brought.max_age).into()))
}

/// Loads the return URL with its settings. Fails with 404 if none is set.
async fn existing<S>(app: &App, caller: &Caller<S>) -> Result<ReturnUrlSettings, ApiError> {
    let project = app.store.return_urls.get_now(caller.project_id).await?;
    project.ok_or(ApiError::NotFound("project"))?.settings.ok_or(ApiError::NotFound("return URL"))
}

/// Loads a project's `secretKey`s and the settings of its return URL, if set, with a consistent read.
async fn keys_and_settings(app: &App, project: ProjectId) -> Result<(SecretKeys, Option<ReturnUrlSettings>), ApiError> {
    let stored = app.store.return_urls.get_now(project).await?.ok_or(ApiError::NotFound("project"))?;
    Ok((stored.keys, stored.settings))
}

fn settings_of(settings: &ReturnUrlSettings) -> Fields {
    // The schemes affect only the warnings, which are not settings.
    ReturnUrlView::of(settings, &AppSchemes::default()).settings()
}

fn tag_of(settings: &ReturnUrlSettings) -> Tag {
    Tag::of(&settings_of(settings), settings.changed_in)
}
