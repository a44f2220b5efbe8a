//! The request of a delivery's last attempt.

use domain::foundation::id::{DeliveryId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{Delivery, ReplayOutcome, Replayed};
use domain::webhooks::event::EventType;
use serde_json::{Value, json};

use crate::client::Resource;
use crate::fixture::{NOW, TestApi, attempt, now};
use crate::receiver_access::oauth2;

/// Publishes an event with this body and stores a failed first attempt. Returns the delivery.
async fn failed(api: &TestApi, project: &Resource, event: Value) -> Delivery {
    let published = project.post("/events", event).await.expect(202);
    let id: DeliveryId = published["deliveries"][0]["id"].as_str().unwrap().parse().unwrap();
    let delivery = Delivery::unattempted(project.id(), id, EventType::Aml, None);
    let failed = delivery.after(attempt(Some(FailureReason::Status)), None);
    api.store.deliveries.record(&failed, None).await.unwrap();
    failed
}

fn path(delivery: &Delivery) -> String {
    format!("/deliveries/{}/request", delivery.id)
}

#[tokio::test]
async fn the_request_shows_headers_and_body_but_no_secrets() {
    let (api, project) = TestApi::with_project().await;
    let endpoint = json!({"url": "https://hooks.example.com/kyc", "headers": {"authorization": "Bearer hunter2"}});
    project.create("/endpoints", endpoint).await;
    let event = r#"{"type":"aml","submissionId":"sub_1","data":{"z":1.10,"a":12345678901234567890123}}"#;
    let published = project.post("/events", event).await.expect(202);
    let id: DeliveryId = published["deliveries"][0]["id"].as_str().unwrap().parse().unwrap();
    let request = format!("/deliveries/{id}/request");
    assert_eq!(project.get(&request).await.problem(), (404, "not-found"), "nothing was sent yet");

    let delivery = Delivery::unattempted(project.id(), id, EventType::Aml, None);
    let delivery = delivery.after(attempt(Some(FailureReason::Status)), None);
    api.store.deliveries.record(&delivery, None).await.unwrap();
    let shown = project.get(&request).await;
    assert!(!shown.text.contains("hunter2") && !shown.text.contains("signature"), "{}", shown.text);
    let shown = shown.expect(200);
    let body = format!(
        r#"{{"type":"aml","timestamp":"{NOW}","id":"{}","projectId":"{}","submissionId":"sub_1","sequence":1,"data":{{"z":1.10,"a":12345678901234567890123}}}}"#,
        id.event,
        project.string("id")
    );
    assert_eq!(
        shown,
        json!({
            "attempt": 1, "at": NOW, "url": "https://hooks.example.com/kyc", "encryption": "none",
            "headerNames": ["authorization"], "body": body,
            "headers": {
                "content-digest": shown["headers"]["content-digest"],
                "content-type": "application/json", "user-agent": shown["headers"]["user-agent"],
                "webhook-attempt": "1", "webhook-sequence": "1", "webhook-id": id.event, "webhook-timestamp": "1795336200",
            },
        })
    );
    assert!(shown["headers"]["user-agent"].as_str().unwrap().starts_with("Signpost/"));
    assert!(shown["headers"]["content-digest"].as_str().unwrap().starts_with("sha-256=:"));
}

#[tokio::test]
async fn the_request_is_that_of_the_last_replay_in_the_format_of_the_endpoint() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let delivery = failed(&api, &project, json!({"type": "aml", "data": {"risk": 7}})).await;
    let replayed = Attempt { number: 2, ..attempt(None) };
    let replay_id = ReplayId::new(now(), &SystemRandom);
    let replayed = Replayed { replay_id, outcome: ReplayOutcome::Sent(replayed) };
    api.store.deliveries.add_replay(delivery.clone(), &replayed, false).await.unwrap();
    endpoint.patch("", json!({"format": "argos"})).await.expect(200);
    let shown = project.get(&path(&delivery)).await.expect(200);
    assert_eq!((&shown["attempt"], &shown["headers"]["webhook-replay"]), (&json!(2), &json!("true")));
    assert_eq!(shown["body"], r#"{"webhook_trigger":"aml","risk":7}"#);
}

#[tokio::test]
async fn the_request_of_an_endpoint_with_access_tokens_names_their_header() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let delivery = failed(&api, &project, json!({"type": "aml", "data": {}})).await;
    endpoint.patch("", json!({"headers": {"x-tenant": "acme"}, "oauth2": oauth2()})).await.expect(200);
    let shown = project.get(&path(&delivery)).await.expect(200);
    assert_eq!(shown["headerNames"], json!(["x-tenant", "authorization"]));
}

#[tokio::test]
async fn the_request_is_gone_with_its_endpoint_or_event() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let delivery = failed(&api, &project, json!({"type": "aml", "submissionId": "sub_1", "data": {}})).await;
    let reader = project.with_scopes(&["deliveries:read"]).await;
    assert_eq!(reader.get(&path(&delivery)).await.problem(), (403, "forbidden"));
    let theirs = api.create_project().await;
    assert_eq!(theirs.get(&path(&delivery)).await.problem(), (404, "not-found"));
    let erased = project.post("/erasures", json!({"submissionId": "sub_1"})).await.expect(200);
    assert_eq!(erased["events"], 1);
    assert_eq!(project.get(&path(&delivery)).await.problem(), (410, "event-gone"));
    endpoint.delete("").await.expect(204);
    assert_eq!(project.get(&path(&delivery)).await.problem(), (409, "endpoint-deleted"));
}
