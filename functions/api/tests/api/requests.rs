//! Requests that are no proper ones: too large, too long, of another kind, with cursors from elsewhere.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn a_body_must_be_json() {
    let scene = Scene::new().await;
    for (content_type, expected) in [
        ("application/json", StatusCode::CREATED),
        ("Application/JSON; charset=utf-8", StatusCode::CREATED),
        ("application/merge-patch+json", StatusCode::CREATED),
        ("application/x-www-form-urlencoded", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let headers = [("content-type", content_type)];
        let answer = scene.operator_with("POST", "/v1/projects", &headers, &json!({"name": "Acme"})).await;
        assert_eq!(answer.status, expected, "{content_type}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let name = json!({"name": "x".repeat(256 * 1024)});
    assert_eq!(scene.operator("POST", "/v1/projects", &name).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let once = [("idempotency-key", "order-7")];
    assert_eq!(scene.operator_with("POST", "/v1/projects", &once, &name).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let batch = json!({"events": ["x".repeat(4 * 1024 * 1024)]});
    let refused = scene.operator("POST", &format!("/v1/projects/{project}/events/batch"), &batch).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);

    let long = format!("/v1/projects?cursor={}", "x".repeat(9000));
    let refused = scene.operator("GET", &long, &Value::Null).await;
    assert_eq!((refused.status, &refused.body["type"]), (StatusCode::URI_TOO_LONG, &json!("/problems/url-too-long")));
}

#[tokio::test]
async fn a_cursor_leads_nowhere_but_through_its_own_list() {
    let scene = Scene::new().await;
    let (ours, theirs) = (scene.project().await, scene.project().await);
    scene.operator("PATCH", &format!("/v1/projects/{ours}"), &json!({"name": "Ours"})).await;
    let list = async |path: String| scene.operator("GET", &path, &Value::Null).await;
    let cursor = |page: &Value| page["cursor"].as_str().unwrap().to_owned();
    let of_audit = cursor(&list(format!("/v1/projects/{ours}/audit?limit=1")).await.body);
    let of_projects = cursor(&list("/v1/projects?limit=1".to_owned()).await.body);

    for path in [
        format!("/v1/projects/{theirs}/audit?cursor={of_audit}"),
        format!("/v1/projects/{ours}/audit?cursor={of_projects}"),
        format!("/v1/projects/{ours}/replays?cursor={of_audit}"),
        format!("/v1/projects?cursor={of_audit}"),
        format!("/v1/projects/{ours}/events?cursor={of_audit}"),
        format!("/v1/projects/{ours}/deliveries?cursor={of_projects}"),
        // "x", {} and {"pk":"x","sk":"y"}
        "/v1/projects?cursor=Ingi".to_owned(),
        "/v1/projects?cursor=Int9Ig".to_owned(),
        "/v1/projects?cursor=IntcInBrXCI6XCJ4XCIsXCJza1wiOlwieVwifSI".to_owned(),
    ] {
        let refused = list(path.clone()).await;
        assert_eq!(refused.body["type"], "/problems/bad-query", "{path}");
    }
}
