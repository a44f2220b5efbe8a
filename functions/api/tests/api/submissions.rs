//! The end of a person's data, through the API.

use std::sync::Arc;

use api::{App, router};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::aws::queue::testing::FakeQueue;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::FixedClock;
use shared::random::SystemRandom;

use crate::site::{self, Answer, config, now, operator_key, ring};

/// The API on a database and a queue of its own, with one project and one endpoint.
struct Site {
    database: Database,
    _queue: FakeQueue,
    router: Router,
    operator_key: String,
    project: String,
}

impl Site {
    async fn start() -> Self {
        let database = Database::start().await;
        let queue = FakeQueue::in_front_of(&database).await;
        let operator_key = operator_key();
        let (clock, random) = (Arc::new(FixedClock(now())), Arc::new(SystemRandom));
        let config = config(&operator_key, &[]);
        let router = router(App::new(config, queue.aws(), KeyRingSecret::known(ring()), clock, random));
        let operator_key = operator_key.expose().to_owned();
        let created = site::send(&router, "POST", "/v1/projects", &operator_key, r#"{"name":"Acme"}"#).await;
        let project = created.body["id"].as_str().unwrap().to_owned();
        Self { database, _queue: queue, router, operator_key, project }
    }

    async fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        let body = if body.is_null() { "{}".to_owned() } else { body.to_string() };
        site::send(&self.router, method, &format!("/v1/projects/{}{path}", self.project), key, &body).await
    }

    async fn operator(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call(method, path, &self.operator_key, &body).await
    }
}

#[tokio::test]
async fn a_submission_is_erased_and_its_deliveries_say_so() {
    let site = Site::start().await;
    let store = &site.database;
    let endpoint = site::endpoint_of(site.project.parse().unwrap());
    store.settings.put_endpoint(&endpoint).await.unwrap();
    let event = json!({ "type": "approved", "submissionId": "sub/1_%", "data": { "name": "Hong Gildong" } });
    assert_eq!(site.operator("POST", "/events", event).await.status, StatusCode::ACCEPTED);

    let erased = site.operator("POST", "/submissions/sub%2F1_%25/erase", Value::Null).await;
    assert_eq!((erased.status, erased.body), (StatusCode::OK, json!({ "events": 1, "deliveries": 1, "done": true })));
    let shown = site.operator("GET", "/deliveries", Value::Null).await.body;
    let delivery = &shown["items"][0];
    assert_eq!((&delivery["state"], &delivery["erasedAt"]), (&json!("cancelled"), &json!("2026-11-22T08:30:00.000Z")));
    let again = site.operator("POST", "/submissions/sub%2F1_%25/erase", Value::Null).await;
    assert_eq!(again.body, json!({ "events": 0, "deliveries": 0, "done": true }));
}

#[tokio::test]
async fn who_may_not_publish_may_not_erase() {
    let site = Site::start().await;
    let wishes = json!({ "name": "reader", "scopes": ["deliveries:read", "settings:write"] });
    let key = site.operator("POST", "/api-keys", wishes).await.body["key"].as_str().unwrap().to_owned();
    let refused = site.call("POST", "/submissions/sub-1/erase", &key, &Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let too_long = format!("/submissions/{}/erase", "x".repeat(129));
    assert_eq!(site.operator("POST", &too_long, Value::Null).await.status, StatusCode::NOT_FOUND);
    let unknown = site.operator("POST", "/submissions/sub-1/erase", json!({ "all": true })).await;
    assert_eq!(unknown.pointers(), ["/all"]);
}
