//! Erasing a person's data.

use serde_json::json;

use crate::fixture::{NOW, TestApi};

#[tokio::test]
async fn erasing_a_submission_erases_its_events_and_cancels_their_deliveries() {
    let (_api, project) = TestApi::with_project().await;
    project.create_endpoint().await;
    let event = json!({"type": "approved", "submissionId": "sub_1", "data": {"name": "Hong Gildong"}});
    project.post("/events", event).await.expect(202);

    let erased = project.post("/erasures", json!({"submissionId": "sub_1"})).await.expect(200);
    assert_eq!(erased, json!({"events": 1, "deliveries": 1, "done": true}));
    let delivery = &project.list("/deliveries").await[0];
    assert_eq!((&delivery["state"], &delivery["erasedAt"]), (&json!("cancelled"), &json!(NOW)));
}

#[tokio::test]
async fn every_submission_id_that_can_be_published_can_be_erased() {
    let (_api, project) = TestApi::with_project().await;
    let every_character: String = ('!'..='~').collect();
    let longest = "/".repeat(128);
    for id in [".", "..", "a/b", "/", "?x=1", "#1", "a\\b", "%2F", "user%252F7", "+", &every_character, &longest] {
        project.post("/events", json!({"type": "approved", "submissionId": id, "data": {}})).await.expect(202);
        let erased = project.post("/erasures", json!({"submissionId": id})).await.expect(200);
        assert_eq!(erased, json!({"events": 1, "deliveries": 0, "done": true}), "{id}");
    }
}

#[tokio::test]
async fn an_erasure_that_finds_nothing_fails() {
    let (api, project) = TestApi::with_project().await;
    let other = api.create_project().await;
    let erase = async |id: &str| project.post("/erasures", json!({"submissionId": id})).await;
    for id in ["sub_2", "user%252F7", ".."] {
        other.post("/events", json!({"type": "approved", "submissionId": id, "data": {}})).await.expect(202);
        assert_eq!(erase(id).await.problem(), (404, "not-found"), "{id}");
    }
    project.post("/events", json!({"type": "approved", "submissionId": "sub_1", "data": {}})).await.expect(202);
    erase("sub_1").await.expect(200);
    assert_eq!(erase("sub_1").await.problem(), (404, "not-found"), "nothing is left to erase");
    project.post("/events", json!({"type": "updated", "submissionId": "sub_1", "data": {}})).await.expect(202);
    assert_eq!(erase("sub_1").await.expect(200)["events"], 1, "a later event is erased too");
}

#[tokio::test]
async fn a_key_that_cannot_publish_cannot_erase() {
    let (_api, project) = TestApi::with_project().await;
    let reader = project.with_scopes(&["deliveries:read", "settings:write"]).await;
    reader.post("/erasures", json!({"submissionId": "sub_1"})).await.expect(403);
    for id in ["", "a b", "caf\u{e9}", &"x".repeat(129)] {
        assert_eq!(project.post("/erasures", json!({"submissionId": id})).await.bad_fields(), ["/submissionId"]);
    }
    let refused = project.post("/erasures", json!({"all": true})).await;
    assert_eq!(refused.bad_fields(), ["/submissionId", "/all"]);
    project.post("/submissions/sub_1/erase", "{}").await.expect(404);
}
