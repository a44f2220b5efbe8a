//! `/v1/projects/{pid}/return-links`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::return_link::NewReturnLink;
use shared::time::Timestamp;

use crate::App;
use crate::body::Checked;
use crate::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;
use crate::projects;

/// A return link, to be given to the one person it is about.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReturnLink))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReturnLinkView {
    /// Where to send the person.
    #[cfg_attr(test, schema(format = "uri"))]
    url: String,
    /// From when on it leads nowhere.
    expires_at: Timestamp,
}

/// Mints a return link. Nothing of it is stored, not even of one that works once, before it is used.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/return-links", operation_id = "mintReturnLink", tag = "Return links",
    params(parameters::Once), security(("x-api-key" = ["links:write"])),
    request_body = requests::NewReturnLink,
    responses((status = 201, description = "The link. Nobody else is shown it.", body = ReturnLinkView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::LinksWrite>,
    Checked(new): Checked<NewReturnLink>,
) -> Result<(StatusCode, Json<ReturnLinkView>), ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    let link = new.create(project.id, app.clock.now(), &*app.random);
    let ring = app.key_ring.ring().await?;
    let token = link.seal(&ring, &*app.random);
    let url = format!("{}/r/{token}", app.config.redirect_base_url);
    Ok((StatusCode::CREATED, Json(ReturnLinkView { url, expires_at: link.expires_at })))
}
