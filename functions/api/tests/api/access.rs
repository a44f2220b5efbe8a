//! Who may call what, and what a refusal looks like.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::api_key::{ApiKey, ApiKeyKind};
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{Nudge, SendMessage};
use shared::random::SystemRandom;

use crate::scene::Scene;

#[tokio::test]
async fn each_caller_gets_just_what_its_key_gives() {
    let scene = Scene::new().await;
    let (ours, theirs) = (scene.project().await, scene.project().await);
    let events = format!("/v1/projects/{ours}/events");
    let event = r#"{"type":"aml","data":{}}"#;
    let full = scene.key_of(&ours, json!({"name": "full"})).await;
    let narrow = scene.key_of(&ours, json!({"name": "narrow", "scopes": ["settings:read"]})).await;
    let expired = scene.key_of(&ours, json!({"name": "old", "expiresAt": "2020-01-01T00:00:00Z"})).await;
    let elsewhere = scene.key_of(&ours, json!({"name": "far", "allowedCidrs": ["203.0.113.0/24"]})).await;
    let foreign = scene.key_of(&theirs, json!({"name": "foreign"})).await;
    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom).expose().to_owned();
    let unknown_operator = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom).expose().to_owned();
    let mistyped = format!("{}x", &full[..full.len() - 1]);

    for (caller, key, expected) in [
        ("operator", scene.operator_key.expose(), StatusCode::ACCEPTED),
        ("right", &full, StatusCode::ACCEPTED),
        ("none", "", StatusCode::UNAUTHORIZED),
        ("malformed", "sp_live_short", StatusCode::UNAUTHORIZED),
        ("mistyped", &mistyped, StatusCode::UNAUTHORIZED),
        ("unknown", &unknown, StatusCode::UNAUTHORIZED),
        ("unknown operator", &unknown_operator, StatusCode::UNAUTHORIZED),
        ("expired", &expired, StatusCode::UNAUTHORIZED),
        ("wrong scope", &narrow, StatusCode::FORBIDDEN),
        ("wrong address", &elsewhere, StatusCode::FORBIDDEN),
        ("other project", &foreign, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(scene.call("POST", &events, key, event).await.status, expected, "{caller}");
    }
}

#[tokio::test]
async fn whether_a_project_exists_is_told_to_the_operator_alone() {
    let scene = Scene::new().await;
    let (ours, theirs) = (scene.project().await, scene.project().await);
    let key = scene.key_of(&ours, json!({"name": "server"})).await;
    let nowhere = "/v1/projects/019ab5e0-0000-7000-8000-000000000000/deliveries";

    let existing = scene.call("GET", &format!("/v1/projects/{theirs}/deliveries"), &key, "").await;
    let missing = scene.call("GET", nowhere, &key, "").await;
    assert_eq!((existing.status, existing.body["detail"].clone()), (missing.status, missing.body["detail"].clone()));
    assert_eq!(scene.operator("GET", nowhere, &Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let keys = format!("/v1/projects/{project}/api-keys");
    let key = scene.key_of(&project, json!({"name": "server"})).await;
    let listed = scene.call("GET", &keys, &key, "").await;
    let id = listed.body["items"][0]["id"].as_str().unwrap();
    assert_eq!(listed.body["items"][0].get("key"), None);

    assert_eq!(scene.operator("DELETE", &format!("{keys}/{id}"), &Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.call("GET", &keys, &key, "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_rotated_key_and_its_successor_both_work_for_a_while() {
    let scene = Scene::new().await;
    let keys = format!("/v1/projects/{}/api-keys", scene.project().await);
    let wishes = json!({"name": "server", "scopes": ["settings:read"], "allowedCidrs": []});
    let created = scene.operator("POST", &keys, &wishes).await.body;
    let rotate = format!("{keys}/{}/rotate", created["id"].as_str().unwrap());
    let rotated = scene.operator("POST", &rotate, &json!({"overlapDays": 7})).await;
    assert_eq!((rotated.status, &rotated.body["scopes"]), (StatusCode::CREATED, &json!(["settings:read"])));
    for key in [&created["key"], &rotated.body["key"]] {
        assert_eq!(scene.call("GET", &keys, key.as_str().unwrap(), "").await.status, StatusCode::OK);
    }
    let listed = scene.operator("GET", &keys, &Value::Null).await.body;
    assert!(listed["items"][0].get("expiresAt").is_none() && listed["items"][1]["expiresAt"].is_string(), "{listed}");

    let at_once = scene.operator("POST", &rotate, &json!({"overlapDays": 0})).await;
    assert_eq!(at_once.status, StatusCode::CREATED);
    let old = created["key"].as_str().unwrap();
    assert_eq!(scene.call("GET", &keys, old, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.operator("POST", &rotate, &json!({})).await.status, StatusCode::NOT_FOUND);
    let refused = scene.operator("POST", &rotate, &json!({"overlapDays": 31})).await;
    assert_eq!(refused.pointers(), ["/overlapDays"]);
}

#[tokio::test]
async fn a_key_hands_on_no_more_than_it_has() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let keys = format!("/v1/projects/{project}/api-keys");
    let narrow = json!({"name": "admin", "scopes": ["settings:read", "settings:write"]});
    let narrow = scene.key_of(&project, narrow).await;
    let like_itself = scene.call("POST", &keys, &narrow, r#"{"name":"x"}"#).await;
    assert_eq!(like_itself.body["scopes"], json!(["settings:read", "settings:write"]));
    let more = scene.call("POST", &keys, &narrow, r#"{"name":"x","scopes":["links:write"]}"#).await;
    assert_eq!((more.status, more.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/scopes"]));
    let full = scene.operator("POST", &keys, &json!({"name": "full"})).await.body;
    let rotate = format!("{keys}/{}/rotate", full["id"].as_str().unwrap());
    assert_eq!(scene.call("POST", &rotate, &narrow, "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_day_on_which_a_key_was_last_used_is_shown() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let keys = format!("/v1/projects/{project}/api-keys");
    let key = scene.key_of(&project, json!({"name": "server"})).await;
    assert_eq!(scene.operator("GET", &keys, &Value::Null).await.body["items"][0].get("lastUsedOn"), None);
    for _ in 0..2 {
        scene.call("GET", &keys, &key, "").await;
    }
    let today = SystemClock.now().day().to_string();
    assert_eq!(scene.operator("GET", &keys, &Value::Null).await.body["items"][0]["lastUsedOn"], today);
}

#[tokio::test]
async fn a_key_that_calls_too_often_is_told_when_to_come_back() {
    let scene = Scene::with_rate_limit("3").await;
    let project = scene.project().await;
    let path = format!("/v1/projects/{project}");
    let (busy, other) =
        (scene.key_of(&project, json!({"name": "a"})).await, scene.key_of(&project, json!({"name": "b"})).await);
    // A window may end in the middle; the next one is then long enough for all the calls.
    let refused = loop {
        let answer = scene.call("GET", &path, &busy, "").await;
        assert_eq!(answer.headers["ratelimit-policy"], "\"key\";q=3;w=10");
        if answer.status != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("/problems/too-many-calls"))
    );
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds));
    assert_eq!(refused.headers["ratelimit"], format!("\"key\";r=0;t={seconds}"));
    assert_eq!(scene.call("GET", &path, &other, "").await.status, StatusCode::OK);
    let operators = scene.operator("GET", &path, &Value::Null).await;
    assert!(operators.status == StatusCode::OK && !operators.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn only_the_operator_creates_projects() {
    let scene = Scene::new().await;
    let key = scene.key_of(&scene.project().await, json!({"name": "server"})).await;
    assert_eq!(scene.call("POST", "/v1/projects", &key, r#"{"name":"x"}"#).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_project_is_changed_field_by_field_by_who_may_write_its_settings() {
    let scene = Scene::new().await;
    let wishes = json!({"name": "Acme", "logoColor": "#1F3FBF"});
    let created = scene.operator("POST", "/v1/projects", &wishes).await.body;
    assert_eq!(created["logoColor"], "#1f3fbf");
    let (id, mut expected) = (created["id"].as_str().unwrap(), created.clone());
    let path = format!("/v1/projects/{id}");
    let key = scene.key_of(id, json!({"name": "server"})).await;
    let reader = scene.key_of(id, json!({"name": "reader", "scopes": ["settings:read"]})).await;
    assert_eq!(scene.call("PATCH", &path, &reader, "{}").await.status, StatusCode::FORBIDDEN);

    // Two keys were created since.
    (expected["name"], expected["revision"]) = (json!("아고스"), json!(4));
    assert_eq!(scene.call("PATCH", &path, &key, r#"{"name":"아고스"}"#).await.body, expected);
    expected.as_object_mut().unwrap().remove("logoColor");
    expected["revision"] = json!(5);
    assert_eq!(scene.call("PATCH", &path, &key, r#"{"logoColor":null}"#).await.body, expected);
    let refused = scene.call("PATCH", &path, &key, r#"{"name":"","logoColor":"red;}","mode":"test"}"#).await;
    assert_eq!(
        (refused.status, refused.pointers()),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["/name", "/logoColor", "/mode"])
    );
    assert_eq!(scene.call("GET", &path, &key, "").await.body, expected);

    let nowhere = "/v1/projects/019ab5e0-0000-7000-8000-000000000000";
    assert_eq!(scene.operator("PATCH", nowhere, &json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_names_every_bad_field() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let event = json!({"type": "created", "submissionId": "a b", "data": [], "extra": 1});
    let refused = scene.operator("POST", &format!("/v1/projects/{project}/events"), &event).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!((&refused.body["type"], &refused.body["status"]), (&json!("/problems/bad-fields"), &json!(422)));
    assert_eq!(refused.body["requestId"].as_str(), refused.headers["x-request-id"].to_str().ok());
    assert_eq!(refused.pointers(), ["/type", "/submissionId", "/data", "/extra"]);
}

#[tokio::test]
async fn refused_events_leave_nothing_behind() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let events = format!("/v1/projects/{project}/events");
    let too_large = format!(r#"{{"type":"aml","data":{{"x":"{}"}}}}"#, "x".repeat(256 * 1024));
    for (body, expected) in [
        ("{", StatusCode::BAD_REQUEST),
        ("[]", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
        (r#"{"type":"Approved","data":{}}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (too_large.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(scene.call("POST", &events, scene.operator_key.expose(), body).await.status, expected);
    }
    let listed = scene.operator("GET", &format!("/v1/projects/{project}/deliveries"), &Value::Null).await;
    assert_eq!(listed.body["items"], json!([]));
}

#[tokio::test]
async fn an_event_that_cannot_be_queued_is_not_accepted_and_can_be_repeated() {
    let scene = Scene::without_queue().await;
    let project = scene.project().await;
    let endpoint = json!({"url": "https://hooks.example.com/"});
    scene.operator("POST", &format!("/v1/projects/{project}/endpoints"), &endpoint).await;

    for _ in 0..2 {
        let refused = scene.publish(&project, "order-7", r#"{"type":"aml","data":{}}"#).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers.contains_key("retry-after"));
    }
    // All tries went on with the id of the first, and none but that could say that nobody had sent a message before.
    let scene = scene.with_queue();
    let accepted = scene.publish(&project, "order-7", r#"{"type":"aml","data":{}}"#).await;
    let another = scene.publish(&project, "order-8", r#"{"type":"aml","data":{}}"#).await;
    assert_eq!((accepted.status, another.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    let is_new = |(message, _)| matches!(message, SendMessage::Attempt(Nudge { is_new: true, .. }));
    assert_eq!(scene.queue.take().into_iter().map(is_new).collect::<Vec<_>>(), [false, true]);
    let listed = scene.operator("GET", &format!("/v1/projects/{project}/deliveries"), &Value::Null).await;
    assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_request() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let event = r#"{"type":"aml","data":{"n":1}}"#;
    let first = scene.publish(&project, "order-7", event).await;
    let repeated = scene.publish(&project, "order-7", event).await;
    let other = scene.publish(&project, "order-7", r#"{"type":"aml","data":{"n":2}}"#).await;
    let bad = scene.publish(&project, "two words", event).await;

    assert_eq!((first.status, &first.body), (StatusCode::ACCEPTED, &repeated.body));
    assert_eq!((other.status, bad.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn secrets_are_shown_once() {
    let scene = Scene::new().await;
    let endpoints = format!("/v1/projects/{}/endpoints", scene.project().await);
    let wishes = json!({"url": "https://hooks.example.com/", "headers": {"Authorization": "Bearer hunter2"}});
    let created = scene.operator("POST", &endpoints, &wishes).await;
    assert!(created.body["signingSecret"].as_str().unwrap().starts_with("whsec_"));

    let listed = scene.operator("GET", &endpoints, &Value::Null).await;
    assert_eq!(listed.body["items"][0]["headerNames"], json!(["authorization"]));
    assert_eq!(listed.body["items"][0].get("signingSecret"), None);
    assert!(!listed.body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_project_has_ten_endpoints_at_most() {
    let scene = Scene::new().await;
    let endpoints = format!("/v1/projects/{}/endpoints", scene.project().await);
    let endpoint = json!({"url": "https://hooks.example.com/"});
    for _ in 0..10 {
        assert_eq!(scene.operator("POST", &endpoints, &endpoint).await.status, StatusCode::CREATED);
    }
    let refused = scene.operator("POST", &endpoints, &endpoint).await;
    assert_eq!(refused.body["type"], "/problems/limit-reached");
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page_without_gaps() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    for _ in 0..3 {
        let endpoint = json!({"url": "https://hooks.example.com/"});
        scene.operator("POST", &format!("/v1/projects/{project}/endpoints"), &endpoint).await;
    }
    let mut expected = Vec::new();
    for _ in 0..4 {
        scene.operator("POST", &format!("/v1/projects/{project}/events"), &json!({"type": "aml", "data": {}})).await;
    }
    let whole = scene.operator("GET", &format!("/v1/projects/{project}/deliveries?limit=100"), &Value::Null).await;
    expected.extend(whole.body["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));

    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/projects/{project}/deliveries?limit=2{cursor}");
        let page = scene.operator("GET", &path, &Value::Null).await;
        listed.extend(page.body["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(next) = page.body["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((expected.len(), listed), (12, expected));
}

#[tokio::test]
async fn bad_queries_and_unknown_routes_are_problems_too() {
    let scene = Scene::new().await;
    let deliveries = format!("/v1/projects/{}/deliveries", scene.project().await);
    for query in ["limit=0", "limit=101", "limit=x", "state=lost", "colour=red", "cursor=%21", "from=yesterday"] {
        let refused = scene.operator("GET", &format!("{deliveries}?{query}"), &Value::Null).await;
        assert_eq!(refused.body["type"], "/problems/bad-query", "{query}");
    }
    assert_eq!(scene.operator("GET", "/v2", &Value::Null).await.body["type"], "/problems/not-found");
    let wrong_method = scene.operator("PATCH", "/v1/projects", &Value::Null).await;
    assert_eq!(wrong_method.body["type"], "/problems/method-not-allowed");
    assert_eq!(wrong_method.headers["allow"], "POST,GET,HEAD");
}

#[tokio::test]
async fn anybody_may_ask_where_webhooks_come_from() {
    let answer = Scene::new().await.call("GET", "/v1/egress-ips", "", "").await;
    assert_eq!(answer.body, json!({"version": 1, "ips": ["198.51.100.1", "198.51.100.2"]}));
}
