//! `/v1/projects/{pid}/submissions/{submissionId}/erase`: the end of a person's data.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::event::SubmissionId;

use crate::App;
use crate::body::{Checked, LastId, Nothing};
use crate::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::requests;
use crate::problem::ApiError;
use crate::projects;

/// How many events a call erases at most. The function may run for 10 s.
const AT_MOST: usize = 20;

/// What was erased.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Erased))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErasedView {
    /// How many events were erased.
    events: usize,
    /// How many deliveries they had.
    deliveries: usize,
    /// Whether all is erased; if not, the call is to be repeated.
    done: bool,
}

/// Erases what the events of a submission said, and what receivers answered. Who publishes personal data may have it erased.
/// Whether there is such a submission is not told otherwise than by the counts. Repeating it erases what has come since.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/submissions/{id}/erase", operation_id = "eraseSubmission", tag = "Submissions",
    params(("id" = SubmissionId, Path)), security(("x-api-key" = ["events:write"])),
    request_body = requests::Nothing,
    responses((status = 200, description = "What was erased.", body = ErasedView)),
))]
pub(crate) async fn erase(
    State(app): State<App>,
    caller: Caller<scope::EventsWrite>,
    LastId(submission): LastId<SubmissionId>,
    Checked(Nothing): Checked<Nothing>,
) -> Result<Json<ErasedView>, ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    let erased = app.activity.erase_submission(project.id, &submission, AT_MOST, app.clock.now()).await?;
    Ok(Json(ErasedView { events: erased.events, deliveries: erased.deliveries, done: !erased.has_more }))
}
