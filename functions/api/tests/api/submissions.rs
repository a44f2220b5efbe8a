//! Erasing a person's data.

use serde_json::json;

use crate::fixture::{NOW, TestApi};

#[tokio::test]
async fn erasing_a_submission_erases_its_events_and_cancels_their_deliveries() {
    let (_api, project) = TestApi::with_project().await;
    project.create_endpoint().await;
    let event = json!({"type": "approved", "submissionId": "sub/1_%", "data": {"name": "Hong Gildong"}});
    project.post("/events", event).await.expect(202);

    let erase = async || project.post("/submissions/sub%2F1_%25/erase", "{}").await.expect(200);
    assert_eq!(erase().await, json!({"events": 1, "deliveries": 1, "done": true}));
    let delivery = &project.list("/deliveries").await[0];
    assert_eq!((&delivery["state"], &delivery["erasedAt"]), (&json!("cancelled"), &json!(NOW)));
    assert_eq!(erase().await, json!({"events": 0, "deliveries": 0, "done": true}));
}

#[tokio::test]
async fn a_key_that_cannot_publish_cannot_erase() {
    let (_api, project) = TestApi::with_project().await;
    let reader = project.with_scopes(&["deliveries:read", "settings:write"]).await;
    reader.post("/submissions/sub-1/erase", "{}").await.expect(403);
    let too_long = format!("/submissions/{}/erase", "x".repeat(129));
    project.post(&too_long, "{}").await.expect(404);
    let unknown_field = project.post("/submissions/sub-1/erase", json!({"all": true})).await;
    assert_eq!(unknown_field.bad_fields(), ["/all"]);
}
