//! The check of webhooks that a receiver's code rejects.

use aws::store::WriteOutcome;
use axum::http::HeaderMap;
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::event::EventType;
use domain::webhooks::signature::SigningSecret;
use domain::webhooks::test_send::{NewTestSend, SentRequest, TestState};
use serde_json::{Value, json};

use crate::client::Resource;
use crate::fixture::{TestApi, UNKNOWN_ID, attempt, now};

/// A project with an endpoint and a published event, and a webhook of the event.
struct Scene {
    api: TestApi,
    project: Resource,
    endpoint: Resource,
    secret: SigningSecret,
    event: EventId,
    body: String,
}

impl Scene {
    async fn start() -> Self {
        let (api, project, endpoint) = TestApi::with_endpoint().await;
        let data = json!({"type": "approved", "data": {"name": "Ada", "score": 1.5}});
        let published = project.post("/events", data).await.expect(202);
        let event: EventId = published["id"].as_str().unwrap().parse().unwrap();
        let secret: SigningSecret = endpoint.string("signingSecret").parse().unwrap();
        let body = format!(
            r#"{{"type":"approved","timestamp":"{now}","id":"{event}","projectId":"{}","data":{{"name":"Ada","score":1.5}}}}"#,
            project.string("id"),
            now = now(),
        );
        Self { api, project, endpoint, secret, event, body }
    }

    fn headers(&self) -> String {
        headers(&self.secret, self.event, &self.body)
    }

    /// Checks a webhook at the endpoint.
    async fn check(&self, body: &str) -> Value {
        self.endpoint.post("/verify", json!({"headers": self.headers(), "body": body})).await.expect(200)
    }
}

fn headers(secret: &SigningSecret, id: EventId, body: &str) -> String {
    let signature = secret.sign(id, now(), body.as_bytes());
    format!("webhook-id: {id}\nwebhook-timestamp: {}\nwebhook-signature: {signature}", now().as_seconds())
}

/// The findings without their sentences.
fn findings(check: &Value) -> Vec<Value> {
    let mut findings = check["findings"].as_array().unwrap().clone();
    for finding in &mut findings {
        let detail = finding.as_object_mut().unwrap().remove("detail").unwrap();
        assert!(detail.as_str().unwrap().ends_with('.'), "{detail}");
    }
    findings
}

#[tokio::test]
async fn a_webhook_is_compared_with_the_event_that_was_published() {
    let scene = Scene::start().await;
    assert_eq!(scene.check(&scene.body).await, json!({"verifies": true, "hasOriginal": true, "findings": []}));

    let check = scene.check(&scene.body.replace(',', ", ")).await;
    assert_eq!((&check["verifies"], &check["hasOriginal"]), (&json!(false), &json!(true)));
    assert_eq!(findings(&check), [json!({"code": "body-reserialized", "difference": "white-space"})]);

    let check = scene.check(&scene.body.replace("1.5", "2")).await;
    assert_eq!(findings(&check), [json!({"code": "body-changed", "pointer": "/data/score"})]);
}

#[tokio::test]
async fn a_webhook_is_compared_with_the_test_that_was_sent() {
    let Scene { api, project, endpoint, secret, .. } = Scene::start().await;
    let (project_id, endpoint_id): (ProjectId, EndpointId) = (project.id(), endpoint.id());
    let id = EventId::new(now(), &SystemRandom);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, endpoint_id);
    api.store.test_sends.put(project_id, &test).await.unwrap();
    let done = TestState::Done { attempt: attempt(None), request: SentRequest::of(&HeaderMap::new(), b"[\"sent\"]") };
    assert_eq!(api.store.test_sends.end(project_id, &test.ended(done)).await.unwrap(), WriteOutcome::Applied);

    let captured = json!({"headers": headers(&secret, id, "[\"sent\"]"), "body": "[\"se"});
    let check = endpoint.post("/verify", captured).await.expect(200);
    assert_eq!(findings(&check), [json!({"code": "body-truncated", "bytes": 4, "sentBytes": 8})]);
}

#[tokio::test]
async fn a_webhook_of_an_erased_or_unknown_event_is_checked_without_it() {
    let scene = Scene::start().await;
    let unknown = scene.body.replace(&scene.event.to_string(), UNKNOWN_ID);
    let headers = headers(&scene.secret, UNKNOWN_ID.parse().unwrap(), &unknown);
    for (body, expected) in [(format!("{unknown}\n"), "body-padded"), ("{}".to_owned(), "unexplained")] {
        let check = scene.endpoint.post("/verify", json!({"headers": headers, "body": body})).await.expect(200);
        assert_eq!((&check["hasOriginal"], findings(&check)), (&json!(false), vec![json!({"code": expected})]));
    }
}

#[tokio::test]
async fn the_secret_that_signed_is_named_and_never_shown() {
    let scene = Scene::start().await;
    let captured = json!({"headers": scene.headers(), "body": scene.body});
    let rotated = scene.endpoint.post("/signing-secret/rotate", json!({"overlapDays": 1})).await.expect(200);
    let check = scene.endpoint.post("/verify", &captured).await.expect(200);
    let previous = json!({"code": "previous-secret", "until": rotated["previousSecretsUntil"]});
    assert_eq!(findings(&check), [previous]);

    let other = scene.project.create_endpoint().await;
    let check = other.post("/verify", &captured).await;
    let expected = json!({"code": "other-endpoint", "endpointId": scene.endpoint.created["id"]});
    assert_eq!(findings(&check.body), [expected]);
    assert!(!check.text.contains("whsec_") && !check.text.contains("Ada"), "{}", check.text);

    scene.endpoint.delete("/signing-secret/previous").await.expect(204);
    let check = scene.endpoint.post("/verify", &captured).await.expect(200);
    assert_eq!(findings(&check), [json!({"code": "unknown-secret"})]);
}

#[tokio::test]
async fn the_signature_that_the_receivers_code_computed_is_explained() {
    let scene = Scene::start().await;
    let computed = scene.secret.sign(scene.event, now(), b"");
    let captured = json!({"headers": scene.headers(), "body": scene.body, "computedSignature": computed});
    let check = scene.endpoint.post("/verify", captured).await.expect(200);
    assert_eq!(
        (&check["verifies"], findings(&check)),
        (&json!(true), vec![json!({"code": "computed-body", "from": "empty"})])
    );
}

#[tokio::test]
async fn only_callers_who_may_read_events_check_webhooks_of_their_project() {
    let scene = Scene::start().await;
    let captured = json!({"headers": scene.headers(), "body": scene.body});
    let path = format!("/endpoints/{}/verify", scene.endpoint.string("id"));
    scene.project.with_scopes(&["events:read"]).await.post(&path, &captured).await.expect(200);
    let others = ["settings:read", "secrets:write", "deliveries:read", "settings:write"];
    scene.project.with_scopes(&others).await.post(&path, &captured).await.expect(403);
    let elsewhere = scene.api.create_project().await;
    elsewhere.post(&path, &captured).await.expect(404);
    let own = elsewhere.create_endpoint().await.post("/verify", &captured).await.expect(200);
    assert_eq!((&own["hasOriginal"], findings(&own)), (&json!(false), vec![json!({"code": "unexplained"})]));
    scene.project.post(&format!("/endpoints/{UNKNOWN_ID}/verify"), &captured).await.expect(404);
}

#[tokio::test]
async fn a_request_may_be_as_large_as_the_largest_webhook_and_not_larger() {
    let scene = Scene::start().await;
    let check = async |bytes: usize| {
        // Every byte is escaped in the request.
        scene.endpoint.post("/verify", json!({"headers": "", "body": "\"".repeat(bytes)})).await
    };
    check(512 * 1024).await.expect(200);
    let refused = check(512 * 1024 + 1).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/body", "{refused}");
    check(1024 * 1024).await.expect(413);
    let refused = scene.endpoint.post("/verify", "{}").await.expect(422);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "{refused}");
}
