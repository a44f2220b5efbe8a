//! Tests of endpoints, through the API.

use std::sync::Arc;
use std::time::Duration;

use api::{App, router};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use shared::aws::queue::testing::FakeQueue;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::Written;
use shared::aws::store::testing::Database;
use shared::clock::FixedClock;
use shared::delivery::{Attempt, Phases, SendMessage, TestNudge};
use shared::endpoint::Endpoint;
use shared::event::EventType;
use shared::id::{EndpointId, EventId, ProjectId};
use shared::random::SystemRandom;
use shared::test_send::{KEPT, MOST_A_MINUTE, NewTestSend, SentRequest, TestSend, TestState};
use shared::time::Timestamp;

use crate::site::{self, Answer, config, endpoint_of, operator_key, ring};

/// The API on a database and a queue of its own, with one endpoint.
struct Site {
    database: Database,
    queue: FakeQueue,
    router: Router,
    operator_key: String,
    endpoint: Endpoint,
}

fn now() -> Timestamp {
    "2026-11-22T08:30:20Z".parse().unwrap()
}

impl Site {
    /// A site whose callers do not wait for results.
    async fn without_patience() -> Self {
        Self::start(|app| app.with_test_patience(Duration::ZERO)).await
    }

    async fn start(adjust: impl FnOnce(App) -> App) -> Self {
        let database = Database::start().await;
        let queue = FakeQueue::in_front_of(&database).await;
        let operator_key = operator_key();
        let (clock, random) = (Arc::new(FixedClock(now())), Arc::new(SystemRandom));
        let config = config(&operator_key, &[]);
        let app = App::new(config, queue.aws(), KeyRingSecret::known(ring()), clock, random);
        let operator_key = operator_key.expose().to_owned();
        let endpoint = endpoint_of(ProjectId::new(now(), &SystemRandom));
        let mut site = Self { database, queue, router: router(adjust(app)), operator_key, endpoint };
        let created = site.send("POST", "/v1/projects", &site.operator_key, r#"{"name":"Acme"}"#).await.body;
        site.endpoint = endpoint_of(created["id"].as_str().unwrap().parse().unwrap());
        site.database.settings.put_endpoint(&site.endpoint).await.unwrap();
        site
    }

    /// Calls below the project.
    async fn call(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let path = format!("/v1/projects/{}{path}", self.endpoint.project_id);
        self.send(method, &path, key, body).await
    }

    async fn send(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        site::send(&self.router, method, path, key, body).await
    }

    async fn test(&self, body: &str) -> Answer {
        self.call("POST", &format!("/endpoints/{}/test", self.endpoint.id), &self.operator_key, body).await
    }

    /// Reads a test of an endpoint.
    async fn result(&self, endpoint: impl ToString, test: impl ToString) -> Answer {
        let path = format!("/endpoints/{}/tests/{}", endpoint.to_string(), test.to_string());
        self.call("GET", &path, &self.operator_key, "").await
    }

    /// The one message on the queue, once it is there.
    async fn nudge(&self) -> TestNudge {
        loop {
            match self.queue.take().as_slice() {
                [] => tokio::task::yield_now().await,
                [(SendMessage::Test(nudge), Duration::ZERO)] => return nudge.clone(),
                others => panic!("{others:?}"),
            }
        }
    }

    /// Stands in for the sender: takes the test from the queue, and records that its receiver took it.
    async fn send_what_is_asked(&self) {
        let TestNudge { project_id, test_id, .. } = self.nudge().await;
        let (at, phases) = (now(), Phases { answer_ms: Some(3), ..Phases::default() });
        let attempt =
            Attempt { number: 1, at, duration_ms: 9, phases, status: Some(204), reason: None, response: None };
        let done = TestState::Done { attempt, request: SentRequest::of(&HeaderMap::new(), b"{}") };
        let test = self.database.activity.test_send(project_id, test_id).await.unwrap().unwrap();
        assert_eq!(self.database.activity.end_test_send(project_id, &test.ended(done)).await.unwrap(), Written::Now);
    }
}

#[tokio::test]
async fn a_test_is_queued_and_pending_until_something_comes_of_it() {
    let site = Site::without_patience().await;
    let asked = site.test(r#"{"type":"aml-ongoing"}"#).await;

    let nudge = site.nudge().await;
    assert_eq!((nudge.project_id, nudge.endpoint_id), (site.endpoint.project_id, site.endpoint.id));
    let pending =
        json!({ "id": nudge.test_id, "endpointId": site.endpoint.id, "type": "aml-ongoing", "state": "pending" });
    assert_eq!((asked.status, &asked.body), (StatusCode::ACCEPTED, &pending));
    let read = site.result(site.endpoint.id, nudge.test_id).await;
    assert_eq!((read.status, read.body), (StatusCode::OK, pending));
}

#[tokio::test]
async fn who_asks_for_a_test_gets_what_came_of_it() {
    let site = Site::start(|app| app).await;
    let (asked, ()) = tokio::join!(site.test(r#"{"type":"approved"}"#), site.send_what_is_asked());

    assert_eq!((asked.status, &asked.body["state"]), (StatusCode::OK, &json!("done")));
    let attempt = json!({
        "number": 1, "at": "2026-11-22T08:30:20.000Z", "durationMs": 9, "phases": { "answerMs": 3 }, "status": 204,
    });
    assert_eq!(asked.body["attempt"], attempt);
    let read = site.result(site.endpoint.id, asked.body["id"].as_str().unwrap()).await;
    assert_eq!((read.status, read.body), (StatusCode::OK, asked.body));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_tested_and_has_no_tests() {
    let site = Site::without_patience().await;
    let (project, ours, nobodys) = (site.endpoint.project_id, site.endpoint.id, EndpointId::new(now(), &SystemRandom));
    let refused =
        site.call("POST", &format!("/endpoints/{nobodys}/test"), &site.operator_key, r#"{"type":"aml"}"#).await;
    assert_eq!((refused.status, site.queue.take()), (StatusCode::NOT_FOUND, Vec::new()));

    let stored_before = async |age: Duration| -> TestSend {
        let id = EventId::new(now().minus(age), &SystemRandom);
        let test = NewTestSend { event_type: EventType::Aml }.start(id, ours);
        site.database.activity.put_test_send(project, &test).await.unwrap();
        test
    };
    let (kept, expired) = (stored_before(KEPT.saturating_sub(Duration::from_secs(1))).await, stored_before(KEPT).await);
    assert_eq!(site.result(ours, kept.id).await.status, StatusCode::OK);
    assert_eq!(site.result(nobodys, kept.id).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.result(ours, expired.id).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.result(ours, "none").await.body["detail"], "there is no such test");
}

#[tokio::test]
async fn an_unknown_type_is_named_and_nothing_is_sent() {
    let site = Site::without_patience().await;
    for (body, pointers) in [(r#"{"type":"created"}"#, ["/type"].as_slice()), (r#"{"data":{}}"#, &["/type", "/data"])] {
        let refused = site.test(body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let named: Vec<&Value> = refused.body["errors"].as_array().unwrap().iter().map(|bad| &bad["pointer"]).collect();
        assert_eq!(json!(named), json!(pointers));
    }
    assert_eq!(site.queue.take(), Vec::new());
}

#[tokio::test]
async fn a_project_that_tests_too_much_is_told_when_to_come_back() {
    let site = Site::without_patience().await;
    for _ in 0..MOST_A_MINUTE {
        assert_eq!(site.test(r#"{"type":"aml"}"#).await.status, StatusCode::ACCEPTED);
    }
    let refused = site.test(r#"{"type":"aml"}"#).await;
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("/problems/too-many-tests"))
    );
    assert_eq!(refused.headers["retry-after"], "40");
}

#[tokio::test]
async fn a_key_that_may_only_read_settings_sees_tests_and_sends_none() {
    let site = Site::without_patience().await;
    let id = site.test(r#"{"type":"aml"}"#).await.body["id"].as_str().unwrap().to_owned();
    let wishes = r#"{"name":"dashboard","scopes":["settings:read"]}"#;
    let created = site.call("POST", "/api-keys", &site.operator_key, wishes).await.body;
    let key = created["key"].as_str().unwrap();

    let tests = format!("/endpoints/{}/test", site.endpoint.id);
    assert_eq!(site.call("POST", &tests, key, r#"{"type":"aml"}"#).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.call("GET", &format!("{tests}s/{id}"), key, "").await.status, StatusCode::OK);
}
