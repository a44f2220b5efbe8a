//! `/v1/projects/{pid}/endpoints/{id}/test` and `/tests/{test}`: one webhook with invented content, to see what a receiver makes
//! of it.
//!
//! Who may change an endpoint may test it: a test goes where the endpoint points, and tells nothing real. It is sent by
//! webhook-sender, from the fixed address; the API cannot reach receivers, and waits for the result.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use shared::aws::queue::Message;
use shared::aws::store::Written;
use shared::delivery::TestNudge;
use shared::id::{EndpointId, EventId, ProjectId};
use shared::test_send::{NewTestSend, TestSend};
use tokio::time::{sleep, timeout};

use crate::App;
use crate::body::{Checked, LastId};
use crate::caller::{Caller, scope};
use crate::endpoints;
use crate::once;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;

/// How long a caller is kept waiting for the result. The function may run for 10 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// The time between two looks for the result: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Sends a test. 200 with what came of it, or 202 if that takes longer than the caller can be kept waiting.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/test", operation_id = "testEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::Once), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewTestSend, extensions(("x-problems" = json!(["too-many-tests"]))),
    responses(
        (status = 200, description = "What came of it.", body = TestSend),
        (status = 202, description = "Nothing has come of it yet; read it again later.", body = TestSend),
    ),
))]
pub(crate) async fn send(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(endpoint_id): LastId<EndpointId>,
    Checked(new): Checked<NewTestSend>,
) -> Result<(StatusCode, Json<TestSend>), ApiError> {
    let (project_id, now) = (caller.project_id, app.clock.now());
    endpoints::existing(&app, project_id, endpoint_id).await?;
    if app.activity.admit_test_send(project_id, now).await? == Written::Before {
        return Err(ApiError::TooManyTests { seconds_left: 60 - now.as_seconds().rem_euclid(60).unsigned_abs() });
    }
    let id = once::subject(caller.origin.claim.as_ref(), || EventId::new(now, &*app.random));
    let test = new.start(id, endpoint_id);
    app.activity.put_test_send(project_id, &test).await?;
    let nudge = TestNudge { project_id, endpoint_id, test_id: test.id };
    app.send_queue.send(vec![Message::to_send(nudge, Duration::ZERO)?]).await?;
    let test = timeout(app.test_patience, ended(&app, project_id, test.id)).await.unwrap_or(Ok(test))?;
    let status = if test.is_pending() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(test)))
}

/// Reads a test and what came of it, for a day.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/endpoints/{id}/tests/{test}", operation_id = "readTest", tag = "Endpoints",
    params(("id" = EndpointId, Path), ("test" = EventId, Path)),
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The test.", body = TestSend)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    ids: Result<Path<(String, EndpointId, EventId)>, PathRejection>,
) -> Result<Json<TestSend>, ApiError> {
    let Ok(Path((_, endpoint_id, id))) = ids else { return Err(ApiError::NotFound("test")) };
    let stored = app.activity.test_send(caller.project_id, id).await?;
    let shown = stored.filter(|test| test.endpoint_id == endpoint_id && test.is_kept(app.clock.now()));
    Ok(Json(shown.ok_or(ApiError::NotFound("test"))?))
}

/// Looks, ever less often, until something has come of a test.
async fn ended(app: &App, project: ProjectId, id: EventId) -> Result<TestSend, ApiError> {
    let mut pause = FIRST_PAUSE;
    loop {
        sleep(pause).await;
        let stored = app.activity.test_send(project, id).await?;
        if let Some(test) = stored.filter(|test| !test.is_pending()) {
            return Ok(test);
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
