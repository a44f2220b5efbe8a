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
use crate::problem::ApiError;
use crate::projects;

/// A return link, to be given to the one person it is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReturnLinkView {
    url: String,
    expires_at: Timestamp,
}

/// Mints a return link. Nothing of it is stored, not even of one that works once, before it is used.
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
