//! `POST /v1/projects/{pid}/submissions/{id}/erase`: erases the personal data in a submission's events.

use axum::Json;
use axum::extract::State;
use domain::webhooks::event::SubmissionId;
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Checked, LastId, NoFields};
use crate::http::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::requests;

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
/// cancelled. The call needs the scope that publishes the data. For an unknown submission it succeeds and returns zero counts. Repeating the call also erases events that were
/// published since.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/submissions/{id}/erase", operation_id = "eraseSubmission", tag = "Submissions",
    params(("id" = SubmissionId, Path)), security(("x-api-key" = ["events:write"])),
    request_body = requests::Nothing,
    responses((status = 200, description = "The result.", body = ErasedView)),
))]
pub(crate) async fn erase(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    LastId(submission): LastId<SubmissionId>,
    Checked(NoFields): Checked<NoFields>,
) -> Result<Json<ErasedView>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    let erased = app.store.events.erase_submission(project.id, &submission, MAX_EVENTS, app.clock.now()).await?;
    Ok(Json(ErasedView { events: erased.events, deliveries: erased.deliveries, done: !erased.has_more }))
}
