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
async fn a_byte_order_mark_before_the_body_is_accepted() {
    let (api, project) = TestApi::with_project().await;
    api.post("/v1/projects", "\u{feff}{\"name\":\"Acme\"}").await.expect(201);
    project.post("/events", "\u{feff}{\"type\":\"aml\",\"data\":{}}").await.expect(202);
    project.post("/jwks/rotate", "\u{feff}{}").await.expect(200);
    assert_eq!(api.post("/v1/projects", "{}\u{feff}").await.problem(), (400, "malformed-body"));
}

#[tokio::test]
async fn a_setting_that_a_body_contains_twice_is_named() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let url = r#""url":"https://hooks.example.com/""#;
    for (path, body, expected) in [
        ("/endpoints", format!(r#"{{{url},"headers":{{"X-A":"1","x-a":"2"}}}}"#), "/headers/x-a"),
        ("/endpoints", format!(r#"{{{url},"headers":{{"X-A":"1","X-A":"2"}}}}"#), "/headers/X-A"),
        ("/endpoints", format!(r"{{{url},{url}}}"), "/url"),
        ("/api-keys", r#"{"name":"a","scopes":["events:write"],"name":"b"}"#.to_owned(), "/name"),
        ("/events", r#"{"type":"aml","type":"approved","data":{}}"#.to_owned(), "/type"),
        ("/console-links", r#"{"user":{"id":"a","name":"b","id":"c"},"role":"viewer"}"#.to_owned(), "/user/id"),
    ] {
        assert_eq!(project.post(path, &body).await.bad_fields(), [expected], "{path} {body}");
    }
    for body in [r#"{"headers":{"x-a":null,"X-A":"2"}}"#, r#"{"headers":{"x-a":"1","X-A":"1"}}"#] {
        assert_eq!(endpoint.patch("", body).await.bad_fields(), ["/headers/X-A"], "{body}");
    }
    assert_eq!(endpoint.get("").await.body["headerNames"], json!([]));
    assert_eq!(api.post("/v1/projects", r#"{"name":"a","name":"a"}"#).await.bad_fields(), ["/name"]);
}

#[tokio::test]
async fn times_are_accepted_in_the_form_of_rfc_3339_from_the_year_1_to_9999() {
    let (_api, project) = TestApi::with_project().await;
    let publish =
        async |time: &str| project.post("/events", json!({"type": "aml", "occurredAt": time, "data": {}})).await;
    for bad in ["-009999-06-01T00:00:00Z", "+002026-06-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-06-01 00:00:00Z"] {
        assert_eq!(publish(bad).await.bad_fields(), ["/occurredAt"], "{bad}");
    }
    for good in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"] {
        publish(good).await.expect(202);
    }
    let key = project.create("/api-keys", json!({"name": "a", "expiresAt": "9999-12-31T23:59:59Z"})).await;
    assert_eq!(key.created["expiresAt"], "9999-12-31T23:59:59.000Z");
    for path in ["/events", "/deliveries"] {
        let query = format!("{path}?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z");
        project.get(&query).await.expect(200);
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
