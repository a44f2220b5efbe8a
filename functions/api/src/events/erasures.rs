//! `POST /v1/projects/{pid}/erasures`: erases the personal data in a submission's events.

use axum::Json;
use axum::extract::State;
use domain::webhooks::event::NewErasure;
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::webhook_requests;

/// Maximum number of events that a call erases. Lambda ends the function after 10 s.
const MAX_EVENTS: usize = 20;

/// The result of an erasure.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Erased))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErasedView {
    /// Number of events whose data was erased.
    events: usize,
    /// Number of deliveries of these events.
    deliveries: usize,
    /// Whether all data is erased. If `false`, repeat the call.
    done: bool,
}

/// Erases the data of all events of a submission, and the stored responses of receivers. Open deliveries of these events are
/// cancelled. The call needs the scope that publishes the data.
///
/// If the submission has no data, the call fails with `not-found`. A repeated call after a complete erasure also fails, unless new
/// events were published. Events of the last few seconds may not be found yet.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/erasures", operation_id = "eraseSubmission", tag = "Erasures",
    security(("x-api-key" = ["events:write"])),
    request_body = webhook_requests::NewErasure,
    responses((status = 200, description = "The result.", body = ErasedView)),
))]
pub(crate) async fn erase(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    Checked(NewErasure { submission_id }): Checked<NewErasure>,
) -> Result<Json<ErasedView>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    let erased = app.store.events.erase_submission(project.id, &submission_id, MAX_EVENTS, app.clock.now()).await?;
    // Success would make a caller who mistyped the id believe that the data is erased.
    if erased.events == 0 && !erased.has_more {
        return Err(ApiError::NotFound("data of this submission"));
    }
    Ok(Json(ErasedView { events: erased.events, deliveries: erased.deliveries, done: !erased.has_more }))
}
