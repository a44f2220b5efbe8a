//! Test sends: webhooks with sample data, whose results the caller waits for.

use std::time::Duration;

use aws::store::WriteOutcome;
use axum::http::HeaderMap;
use domain::foundation::id::{EndpointId, EventId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, Phases};
use domain::webhooks::delivery::{SendMessage, TestTask};
use domain::webhooks::event::EventType;
use domain::webhooks::test_send::{MAX_TESTS_PER_MINUTE, NewTestSend, RETENTION, SentRequest, TestSend, TestState};
use serde_json::json;

use crate::client::Resource;
use crate::fixture::{NOW, Options, TestApi, UNKNOWN_ID, attempt, now};

/// Starts the API with a project and an endpoint. Callers do not wait for the results of tests.
async fn without_waiting() -> (TestApi, Resource, Resource) {
    let api = TestApi::start_with(&Options { test_result_timeout: Duration::ZERO, ..Options::default() }).await;
    let project = api.create_project().await;
    let endpoint = project.create_endpoint().await;
    (api, project, endpoint)
}

/// Waits for the one task in the queue and removes it.
async fn queued_task(api: &TestApi) -> TestTask {
    loop {
        match api.queue.take().as_slice() {
            [] => tokio::task::yield_now().await,
            [(SendMessage::Test(task), Duration::ZERO)] => return task.clone(),
            others => panic!("{others:?}"),
        }
    }
}

/// Does the work of webhook-sender: takes the task from the queue and records a successful attempt.
async fn send_test(api: &TestApi) {
    let TestTask { project_id, test_id, .. } = queued_task(api).await;
    let phases = Phases { answer_ms: Some(3), ..Phases::default() };
    let attempt = Attempt { status: Some(204), phases, ..attempt(None) };
    let done = TestState::Done { attempt, request: SentRequest::of(&HeaderMap::new(), b"{}") };
    let test = api.store.test_sends.get(project_id, test_id).await.unwrap().unwrap();
    assert_eq!(api.store.test_sends.end(project_id, &test.ended(done)).await.unwrap(), WriteOutcome::Applied);
}

#[tokio::test]
async fn a_test_is_queued_and_pending_until_it_has_a_result() {
    let (api, project, endpoint) = without_waiting().await;
    let started = endpoint.post("/test", json!({"type": "aml-ongoing"})).await.expect(202);

    let task = queued_task(&api).await;
    assert_eq!((task.project_id, task.endpoint_id), (project.id(), endpoint.id()));
    let pending =
        json!({"id": task.test_id, "endpointId": endpoint.created["id"], "type": "aml-ongoing", "state": "pending"});
    assert_eq!(started, pending);
    assert_eq!(endpoint.get(&format!("/tests/{}", task.test_id)).await.expect(200), pending);
}

#[tokio::test]
async fn the_caller_of_a_test_gets_its_result() {
    let (api, _project, endpoint) = TestApi::with_endpoint().await;
    let (response, ()) = tokio::join!(endpoint.post("/test", json!({"type": "approved"})), send_test(&api));

    let test = response.expect(200);
    let attempt = json!({"number": 1, "at": NOW, "durationMs": 9, "phases": {"answerMs": 3}, "status": 204});
    assert_eq!((&test["state"], &test["attempt"]), (&json!("done"), &attempt));
    assert_eq!(endpoint.get(&format!("/tests/{}", test["id"].as_str().unwrap())).await.expect(200), test);
}

#[tokio::test]
async fn unknown_endpoints_and_expired_or_unknown_tests_are_not_found() {
    let (api, project, endpoint) = without_waiting().await;
    let unknown_endpoint = project.at(&format!("/endpoints/{UNKNOWN_ID}"));
    unknown_endpoint.post("/test", json!({"type": "aml"})).await.expect(404);
    assert_eq!(api.queue.take(), []);

    let endpoint_id: EndpointId = endpoint.id();
    let store_test = async |age: Duration| -> TestSend {
        let id = EventId::new(now().minus(age), &SystemRandom);
        let test = NewTestSend { event_type: EventType::Aml }.start(id, endpoint_id);
        api.store.test_sends.put(project.id(), &test).await.unwrap();
        test
    };
    let kept = store_test(RETENTION.saturating_sub(Duration::from_secs(1))).await;
    let expired = store_test(RETENTION).await;
    endpoint.get(&format!("/tests/{}", kept.id)).await.expect(200);
    unknown_endpoint.get(&format!("/tests/{}", kept.id)).await.expect(404);
    endpoint.get(&format!("/tests/{}", expired.id)).await.expect(404);
    assert_eq!(endpoint.get("/tests/none").await.expect(404)["detail"], "test not found");
}

#[tokio::test]
async fn a_test_with_bad_fields_is_rejected_and_nothing_is_sent() {
    let (api, _project, endpoint) = without_waiting().await;
    assert_eq!(endpoint.post("/test", json!({"type": "created"})).await.bad_fields(), ["/type"]);
    assert_eq!(endpoint.post("/test", json!({"data": {}})).await.bad_fields(), ["/type", "/data"]);
    assert_eq!(api.queue.take(), []);
}

#[tokio::test]
async fn tests_over_the_limit_of_a_minute_are_rejected_until_the_next_minute() {
    let (api, _project, endpoint) = without_waiting().await;
    api.clock.advance(Duration::from_secs(20));
    for _ in 0..MAX_TESTS_PER_MINUTE {
        endpoint.post("/test", json!({"type": "aml"})).await.expect(202);
    }
    let refused = endpoint.post("/test", json!({"type": "aml"})).await;
    assert_eq!((refused.problem(), refused.header("retry-after")), ((429, "too-many-tests"), "40"));
    api.clock.advance(Duration::from_secs(40));
    endpoint.post("/test", json!({"type": "aml"})).await.expect(202);
}

#[tokio::test]
async fn a_key_that_only_reads_settings_reads_tests_but_cannot_send_them() {
    let (_api, project, endpoint) = without_waiting().await;
    let test = endpoint.post("/test", json!({"type": "aml"})).await.expect(202);
    let reader = endpoint.with_key(project.with_scopes(&["settings:read"]).await.key());
    reader.post("/test", json!({"type": "aml"})).await.expect(403);
    reader.get(&format!("/tests/{}", test["id"].as_str().unwrap())).await.expect(200);
}
