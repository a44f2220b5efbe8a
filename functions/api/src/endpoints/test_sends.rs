//! `/v1/projects/{pid}/endpoints/{id}/test` and `/tests/{test}`: sends one webhook with sample data, to test a receiver.
//!
//! A test needs only the scope that changes the endpoint, because it contains no real data. webhook-sender sends it from the fixed
//! IP address, and the API waits for the result: the API itself has no access to receivers.

use std::time::Duration;

use aws::queue::Message;
use aws::store::{Admission, StoreError};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::foundation::id::{EndpointId, EventId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::TestTask;
use domain::webhooks::test_send::{NewTestSend, TestSend};
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::endpoints::settings;
use crate::http::api_error::ApiError;
use crate::http::body::{Checked, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::idempotency;
#[cfg(test)]
use crate::openapi::{parameters, webhook_requests};

/// Time between two reads of the result: the first interval, and the longest.
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(150);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Sends a webhook with sample data to an endpoint. Returns 200 with the result. If the attempt takes longer than eight seconds,
/// returns 202; retrieve the test later to get its result.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/test", operation_id = "testEndpoint", tag = "Endpoints",
    params(("id" = EndpointId, Path), parameters::IdempotencyKey), security(("x-api-key" = ["settings:write"])),
    request_body = webhook_requests::NewTestSend, extensions(("x-problems" = json!(["too-many-tests"]))),
    responses(
        (status = 200, description = "The test with its result.", body = TestSend),
        (status = 202, description = "The test is still running. Retrieve it later.", body = TestSend),
    ),
))]
pub(crate) async fn send(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(endpoint_id): LastId<EndpointId>,
    Checked(new): Checked<NewTestSend>,
) -> Result<(StatusCode, Json<TestSend>), ApiError> {
    let (project_id, now) = (caller.project_id, app.clock.now());
    settings::existing(&app, project_id, endpoint_id).await?;
    if app.store.quotas.admit_test_send(project_id, now).await? == Admission::Refused {
        return Err(ApiError::TooManyTests { seconds_left: seconds_left(now) });
    }
    // A repetition of the request gets the same id and so the same test.
    let id = idempotency::resource_id(caller.origin.idempotent_request.as_ref(), || EventId::new(now, &*app.random));
    let test = new.start(id, endpoint_id);
    app.store.test_sends.put(project_id, &test).await?;
    let task = TestTask { project_id, endpoint_id, test_id: test.id };
    app.send_queue.send(vec![Message::to_send(task, Duration::ZERO)?]).await?;
    let result = wait_for_result(|| app.store.test_sends.get(project_id, test.id), TestSend::is_pending);
    let test = timeout(app.test_result_timeout, result).await.unwrap_or(Ok(test))?;
    let status = if test.is_pending() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(test)))
}

/// Retrieves a test and its result. Tests are kept for 24 hours.
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
    let stored = app.store.test_sends.get(caller.project_id, id).await?;
    let kept = stored.filter(|test| test.endpoint_id == endpoint_id && test.is_kept(app.clock.now()));
    Ok(Json(kept.ok_or(ApiError::NotFound("test"))?))
}

/// Seconds until the next minute begins, and with it a new quota of tests and handshakes.
pub(crate) fn seconds_left(now: Timestamp) -> u64 {
    60 - now.as_seconds().rem_euclid(60).unsigned_abs()
}

/// Calls `read` at growing intervals until what it returns is no longer pending.
pub(crate) async fn wait_for_result<T, F>(read: impl Fn() -> F, is_pending: impl Fn(&T) -> bool) -> Result<T, ApiError>
where
    F: Future<Output = Result<Option<T>, StoreError>>,
{
    let mut interval = FIRST_POLL_INTERVAL;
    loop {
        sleep(interval).await;
        if let Some(result) = read().await?.filter(|result| !is_pending(result)) {
            return Ok(result);
        }
        interval = (interval * 3 / 2).min(MAX_POLL_INTERVAL);
    }
}
