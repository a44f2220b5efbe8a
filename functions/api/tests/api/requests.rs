//! Invalid requests: too large, too long, of another media type, or with the cursor of another list.

use serde_json::{Value, json};

use crate::fixture::TestApi;

#[tokio::test]
async fn a_body_must_be_json() {
    let api = TestApi::start().await;
    for (content_type, expected) in [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("application/merge-patch+json", 201),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("", 415),
    ] {
        let client = api.with_header("content-type", content_type);
        let response = client.post("/v1/projects", json!({"name": "Acme"})).await;
        assert_eq!(response.status, expected, "{content_type}");
    }
}

#[tokio::test]
async fn bodies_and_urls_over_the_size_limit_are_rejected() {
    let (api, project) = TestApi::with_project().await;
    let name = json!({"name": "x".repeat(256 * 1024)});
    api.post("/v1/projects", &name).await.expect(413);
    api.with_idempotency_key("order-7").post("/v1/projects", &name).await.expect(413);
    for text in ["x".repeat(2 * 1024 * 1024), "\"".repeat(1024 * 1024)] {
        let batch = json!({"events": [text]});
        assert_eq!(project.post("/events/batch", batch).await.problem(), (413, "too-large"));
    }

    let long = api.get(&format!("/v1/projects?cursor={}", "x".repeat(9000))).await;
    assert_eq!(long.problem(), (414, "url-too-long"));
}

#[tokio::test]
async fn a_cursor_is_valid_only_in_its_own_list() {
    let (api, ours) = TestApi::with_project().await;
    let theirs = api.create_project().await;
    ours.patch("", json!({"name": "Ours"})).await.expect(200);
    let cursor = |page: &Value| page["cursor"].as_str().unwrap().to_owned();
    let of_audit = cursor(&ours.get("/audit?limit=1").await.body);
    let of_projects = cursor(&api.get("/v1/projects?limit=1").await.body);

    for path in [
        format!("{}/audit?cursor={of_audit}", theirs.path),
        format!("{}/audit?cursor={of_projects}", ours.path),
        format!("{}/replays?cursor={of_audit}", ours.path),
        format!("/v1/projects?cursor={of_audit}"),
        format!("{}/events?cursor={of_audit}", ours.path),
        format!("{}/deliveries?cursor={of_projects}", ours.path),
        // "x", {} and {"pk":"x","sk":"y"}
        "/v1/projects?cursor=Ingi".to_owned(),
        "/v1/projects?cursor=Int9Ig".to_owned(),
        "/v1/projects?cursor=IntcInBrXCI6XCJ4XCIsXCJza1wiOlwieVwifSI".to_owned(),
    ] {
        assert_eq!(api.get(&path).await.problem(), (400, "bad-query"), "{path}");
    }
}
