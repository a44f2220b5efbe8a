//! `POST /v1/projects/{pid}/return-links`: creates return links.

use aws::store::ProjectReturnUrl;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::foundation::time::Timestamp;
use domain::return_urls::return_link::NewReturnLink;
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// A return link. Give it only to the person that it is about.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReturnLink))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReturnLinkView {
    /// URL to send the person to.
    #[cfg_attr(test, schema(format = "uri"))]
    url: String,
    /// When the link expires. Never later than the API key that created it.
    expires_at: Timestamp,
}

/// Creates a return link: a URL that shows a person the result of the verification and leads back to the return URL. All data is
/// sealed in the link, and none of it is stored. For a link with `singleUse`, a record is stored when the link is opened.
///
/// The link uses all changes of the return URL and its keys that were made before this call. Fields that would make the return URL
/// longer than 4,096 bytes are rejected.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-links", operation_id = "mintReturnLink", tag = "Return links",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["links:write"])),
    request_body = requests::NewReturnLink,
    responses((status = 201, description = "The return link. No other call returns it.", body = ReturnLinkView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::LinksWrite>,
    Checked(new): Checked<NewReturnLink>,
) -> Result<(StatusCode, Json<ReturnLinkView>), ApiError> {
    // A strongly consistent read, because the link must contain the revision of the latest change.
    let return_url = app.store.return_urls.get_now(caller.project_id).await?;
    let ProjectReturnUrl { project, settings, .. } = return_url.ok_or(ApiError::NotFound("project"))?;
    if let Some(settings) = settings {
        settings.check_length(&new.verification)?;
    }
    let mut link = new.create(project.id, project.revision, app.clock.now(), &*app.random);
    link.expires_at = caller.earlier_end(link.expires_at);
    let ring = app.key_ring.ring().await?;
    let token = link.seal(&ring, &*app.random);
    let url = format!("{}/r/{token}", app.config.redirect_base_url);
    Ok((StatusCode::CREATED, Json(ReturnLinkView { url, expires_at: link.expires_at })))
}
