//! How settings change: never unseen, never twice, never beyond their limits, and always told.

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::{Value, json};
use shared::aws::store::testing::ACTIVITY;

use crate::scene::Scene;
use crate::site::Answer;

/// A project with one endpoint at `https://one.example.com/`: the paths of both.
async fn project_and_endpoint(scene: &Scene) -> (String, String) {
    let project = format!("/v1/projects/{}", scene.project().await);
    let wishes = json!({"url": "https://one.example.com/"});
    let created = scene.operator("POST", &format!("{project}/endpoints"), &wishes).await;
    let endpoint = format!("{project}/endpoints/{}", created.body["id"].as_str().unwrap());
    (project, endpoint)
}

async fn url_of(scene: &Scene, endpoint: &str) -> Value {
    scene.operator("GET", endpoint, &Value::Null).await.body["url"].clone()
}

/// The entries of the audit log, newest first.
async fn audit(scene: &Scene, project: &str) -> Vec<Value> {
    let listed = scene.operator("GET", &format!("{project}/audit?limit=100"), &Value::Null).await;
    listed.body["items"].as_array().unwrap().clone()
}

fn tag(answer: &Answer) -> &str {
    answer.headers["etag"].to_str().unwrap()
}

#[tokio::test]
async fn the_audit_log_tells_who_changed_what_and_from_where() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let id = project.rsplit('/').next().unwrap();
    let key = scene.key_of(id, json!({"name": "deploy"})).await;
    let change = json!({"url": "https://two.example.com/", "description": "moved"});
    let changed = scene.call_with("PATCH", &endpoint, &key, &[], &change).await;

    let entries = audit(&scene, &project).await;
    let told = &entries[0];
    assert_eq!(told["number"], 4);
    assert_eq!((&told["actor"]["type"], &told["actor"]["name"]), (&json!("api-key"), &json!("deploy")));
    assert_eq!((&told["sourceIp"], &told["action"]), (&json!("203.0.113.9"), &json!("changed")));
    assert_eq!(told["requestId"].as_str(), changed.headers["x-request-id"].to_str().ok());
    assert_eq!(told["resource"], json!({"type": "endpoint", "id": endpoint.rsplit('/').next()}));
    assert_eq!(
        told["changes"],
        json!([
            {"field": "description", "after": "moved"},
            {"field": "url", "before": "https://one.example.com/", "after": "https://two.example.com/"},
        ])
    );
    let numbers: Vec<&Value> = entries.iter().map(|entry| &entry["number"]).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    assert_eq!(scene.operator("GET", &format!("{project}/audit/4"), &Value::Null).await.body, *told);
    assert_eq!(scene.operator("GET", &format!("{project}/audit/5"), &Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_audit_log_is_read_page_by_page_while_it_grows() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let (mut numbers, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.operator("GET", &format!("{project}/audit?limit=1{cursor}"), &Value::Null).await.body;
        numbers.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["number"].clone()));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        scene.operator("PATCH", &endpoint, &json!({"description": format!("change {}", numbers.len())})).await;
    }
    assert_eq!(numbers, [2, 1]);
}

#[tokio::test]
async fn no_secret_is_told() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let secrets = [
        scene.operator("PATCH", &endpoint, &json!({"headers": {"x-token": "hunter1"}})).await.body,
        scene.operator("PATCH", &endpoint, &json!({"headers": {"x-token": "hunter2"}})).await.body,
        scene.operator("POST", &format!("{endpoint}/signing-secret/rotate"), &json!({})).await.body,
        scene.operator("POST", &format!("{project}/api-keys"), &json!({"name": "server"})).await.body,
        scene.operator("POST", &format!("{project}/return-url/keys"), &json!({})).await.body,
    ];
    let shown = ["signingSecret", "key", "secretKey"].map(|name| secrets.iter().find_map(|body| body[name].as_str()));
    let entries = audit(&scene, &project).await;
    let told = serde_json::to_string(&entries).unwrap();
    for secret in shown.into_iter().map(Option::unwrap).chain(["hunter1", "hunter2"]) {
        assert!(!told.contains(secret), "a secret is in the audit log");
    }
    let secret = |field: &str| json!({"field": field, "secret": true});
    assert_eq!(entries[3]["changes"], json!([secret("headers/x-token")]));
    assert!(entries[2]["changes"].as_array().unwrap().contains(&secret("signingSecret")), "{}", entries[2]);
}

#[tokio::test]
async fn any_earlier_url_comes_back_in_one_call() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    for url in ["https://two.example.com/", "https://three.example.com/"] {
        scene.operator("PATCH", &endpoint, &json!({"url": url})).await;
    }
    scene.operator("PATCH", &endpoint, &json!({"description": "stays"})).await;

    let reverted = scene.operator("POST", &format!("{project}/audit/3/revert"), &Value::Null).await;
    assert_eq!((reverted.status, &reverted.body["url"]), (StatusCode::OK, &json!("https://one.example.com/")));
    assert_eq!(reverted.body["description"], "stays");
    let told = &audit(&scene, &project).await[0];
    assert_eq!((&told["reverts"], &told["changes"][0]["before"]), (&json!(3), &json!("https://three.example.com/")));
}

#[tokio::test]
async fn whatever_is_not_secret_can_be_undone() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let undo_last = async || {
        let last = audit(&scene, &project).await[0]["number"].clone();
        scene.operator("POST", &format!("{project}/audit/{last}/revert"), &Value::Null).await
    };
    scene.operator("PATCH", &project, &json!({"name": "Acne", "logoColor": "#ff0000"})).await;
    let undone = undo_last().await.body;
    assert_eq!((&undone["name"], undone.get("logoColor")), (&json!("Acme"), None));

    scene.operator("POST", &format!("{endpoint}/pause"), &Value::Null).await;
    assert_eq!(undo_last().await.body["state"], "active");

    scene.operator("PATCH", &endpoint, &json!({"headers": {"x-new": "1"}})).await;
    assert_eq!(undo_last().await.body["headerNames"], json!([]));

    let return_url = format!("{project}/return-url");
    let set = json!({"url": "https://app.example/done", "fields": ["kycStatus"], "skipResultPage": true});
    let settings = scene.operator("PUT", &return_url, &set).await.body;
    scene.operator("PUT", &return_url, &json!({"url": "https://app.example/other", "fields": []})).await;
    assert_eq!(undo_last().await.body, settings);
    scene.operator("DELETE", &return_url, &Value::Null).await;
    assert_eq!(undo_last().await.body, settings);

    let deleted = undo_last().await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "the entry that brought it back is undone in its turn");
    assert_eq!(scene.operator("GET", &return_url, &Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_secret_or_has_ended_cannot_be_undone() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let calls = [
        ("PATCH", endpoint.clone(), json!({"headers": {"x-token": "1"}})),
        ("PATCH", endpoint.clone(), json!({"headers": {"x-token": null}})),
        ("POST", format!("{endpoint}/signing-secret/rotate"), json!({})),
        ("POST", format!("{project}/api-keys"), json!({"name": "server"})),
        ("DELETE", endpoint.clone(), Value::Null),
    ];
    for (number, (method, path, body)) in (3..).zip(calls) {
        scene.operator(method, &path, &body).await;
        if number > 3 {
            let refused = scene.operator("POST", &format!("{project}/audit/{number}/revert"), &Value::Null).await;
            assert_eq!(refused.body["type"], "/problems/not-revertible", "{number}");
        }
    }
}

#[tokio::test]
async fn nobody_changes_what_they_have_not_seen() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let seen = scene.operator("GET", &endpoint, &Value::Null).await;
    let moved = json!({"url": "https://two.example.com/"});
    let changed = scene.operator_with("PATCH", &endpoint, &[("if-match", tag(&seen))], &moved).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(tag(&changed), tag(&scene.operator("GET", &endpoint, &Value::Null).await));

    let stale = [("if-match", tag(&seen))];
    for (method, path, body) in [
        ("PATCH", endpoint.clone(), json!({"url": "https://three.example.com/"})),
        ("DELETE", endpoint.clone(), Value::Null),
        ("POST", format!("{endpoint}/pause"), Value::Null),
        ("POST", format!("{endpoint}/signing-secret/rotate"), json!({})),
        ("PATCH", project.clone(), json!({"name": "Other"})),
        ("DELETE", project.clone(), Value::Null),
        ("PUT", format!("{project}/return-url"), json!({"url": "https://app.example/", "fields": []})),
        ("DELETE", format!("{project}/return-url"), Value::Null),
        ("POST", format!("{project}/audit/3/revert"), Value::Null),
    ] {
        let refused = scene.operator_with(method, &path, &stale, &body).await;
        assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{method} {path}");
        assert_eq!(refused.body["type"], "/problems/precondition-failed");
    }
    assert_eq!(audit(&scene, &project).await.len(), 3, "nothing has changed");
    assert_eq!(url_of(&scene, &endpoint).await, "https://two.example.com/");
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_not_told() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    for (method, path, body) in [
        ("PATCH", &project, json!({"name": "Acme"})),
        ("PATCH", &endpoint, json!({"url": "https://one.example.com/"})),
        ("POST", &format!("{endpoint}/resume"), Value::Null),
        ("DELETE", &format!("{endpoint}/signing-secret/previous"), Value::Null),
        ("DELETE", &format!("{project}/return-url"), Value::Null),
    ] {
        assert!(scene.operator(method, path, &body).await.status.is_success(), "{method} {path}");
    }
    assert_eq!(audit(&scene, &project).await.len(), 2);
}

#[tokio::test]
async fn limits_hold_however_many_come_at_once() {
    let scene = Scene::new().await;
    let endpoints = format!("/v1/projects/{}/endpoints", scene.project().await);
    let wishes = json!({"url": "https://hooks.example.com/"});
    let mut refusals = Vec::new();
    loop {
        let answers = join_all((0..6).map(|_| scene.operator("POST", &endpoints, &wishes))).await;
        let refused = answers.iter().filter(|answer| answer.status != StatusCode::CREATED);
        refusals.extend(refused.map(|answer| answer.body["type"].as_str().unwrap().to_owned()));
        if refusals.iter().any(|problem| problem == "/problems/limit-reached") {
            break;
        }
    }
    let listed = scene.operator("GET", &endpoints, &Value::Null).await;
    assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn what_is_created_twice_with_one_key_is_there_once_and_answered_alike() {
    let scene = Scene::new().await;
    let once = [("idempotency-key", "order-7")];
    let project = scene.operator_with("POST", "/v1/projects", &once, &json!({"name": "Acme"})).await;
    let repeated = scene.operator_with("POST", "/v1/projects", &once, &json!({"name": "Acme"})).await;
    assert_eq!((project.status, &project.body), (StatusCode::CREATED, &repeated.body));
    assert_eq!(
        scene.operator("GET", "/v1/projects", &Value::Null).await.body["items"].as_array().map(Vec::len),
        Some(1)
    );

    let path = format!("/v1/projects/{}", project.body["id"].as_str().unwrap());
    for (resource, wishes, secret) in [
        ("api-keys", json!({"name": "server"}), Some("key")),
        ("endpoints", json!({"url": "https://hooks.example.com/"}), Some("signingSecret")),
        ("return-url/keys", json!({}), Some("secretKey")),
        ("return-links", json!({"kycStatus": "approved"}), Some("url")),
    ] {
        let (path, once) = (format!("{path}/{resource}"), [("idempotency-key", resource)]);
        let create = || scene.operator_with("POST", &path, &once, &wishes);
        let (first, second) = (create().await, create().await);
        assert_eq!((first.status, &first.body), (StatusCode::CREATED, &second.body), "{resource}");
        assert_eq!(first.headers.get("etag"), second.headers.get("etag"), "{resource}");
        assert_eq!(first.headers.get("idempotent-replayed"), None);
        assert_eq!(second.headers["idempotent-replayed"], "true");
        let kept = scene.store.dump(ACTIVITY).await;
        assert!(!kept.contains(first.body[secret.unwrap()].as_str().unwrap()), "{resource} is kept in clear");
    }
    assert_eq!(audit(&scene, &path).await.len(), 4, "a link is no setting");
}

#[tokio::test]
async fn an_answer_with_a_secret_is_repeated_to_the_same_caller_alone() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let (keys, once) = (format!("/v1/projects/{project}/api-keys"), [("idempotency-key", "order-7")]);
    let other = scene.key_of(&project, json!({"name": "other", "scopes": ["settings:write"]})).await;
    scene.operator_with("POST", &keys, &once, &json!({"name": "mine"})).await;

    let mine = scene.operator_with("POST", &keys, &once, &json!({"name": "mine"})).await;
    let theirs = scene.call_with("POST", &keys, &other, &once, &json!({"name": "mine"})).await;
    assert_eq!((theirs.status, theirs.headers.get("idempotent-replayed")), (StatusCode::CREATED, None));
    assert_ne!((&theirs.body["id"], &theirs.body["key"]), (&mine.body["id"], &mine.body["key"]));
    let without_key = scene.call_with("POST", &keys, "", &once, &json!({"name": "mine"})).await;
    assert_eq!(without_key.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_event_is_published_once_whichever_key_repeats_it() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let (events, once) = (format!("/v1/projects/{project}/events"), [("idempotency-key", "order-7")]);
    let event = json!({"type": "approved", "data": {}});
    let old = scene.key_of(&project, json!({"name": "old", "scopes": ["events:write"]})).await;
    let new = scene.key_of(&project, json!({"name": "new", "scopes": ["events:write"]})).await;
    let reader = scene.key_of(&project, json!({"name": "reader", "scopes": ["settings:read"]})).await;

    let first = scene.call_with("POST", &events, &old, &once, &event).await;
    let second = scene.call_with("POST", &events, &new, &once, &event).await;
    assert_eq!((first.status, &first.body), (StatusCode::ACCEPTED, &second.body));
    assert_eq!(scene.call_with("POST", &events, &reader, &once, &event).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_request_that_was_refused_can_be_repeated_with_its_key() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let (path, once) = (format!("/v1/projects/{project}/return-links"), [("idempotency-key", "order-7")]);
    let narrow = scene.key_of(&project, json!({"name": "narrow", "scopes": ["settings:write"]})).await;
    let wishes = json!({"kycStatus": "approved"});
    assert_eq!(scene.call_with("POST", &path, &narrow, &once, &wishes).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.call_with("POST", &path, &narrow, &once, &wishes).await.status, StatusCode::FORBIDDEN);

    let events = format!("/v1/projects/{project}/events");
    let (bad, good) = (json!({"type": "approve", "data": {}}), json!({"type": "approved", "data": {}}));
    let refused = scene.operator_with("POST", &events, &once, &bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(scene.operator_with("POST", &events, &once, &good).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_deleted_project_leaves_its_audit_log_to_the_operator() {
    let scene = Scene::new().await;
    let (project, endpoint) = project_and_endpoint(&scene).await;
    let id = project.rsplit('/').next().unwrap();
    let key = scene.key_of(id, json!({"name": "server"})).await;
    assert_eq!(scene.call("DELETE", &project, &key, "").await.status, StatusCode::FORBIDDEN);

    assert_eq!(scene.operator("DELETE", &project, &Value::Null).await.status, StatusCode::NO_CONTENT);
    for path in [&project, &endpoint, &format!("{project}/api-keys")] {
        assert_eq!(scene.operator("GET", path, &Value::Null).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(scene.operator("DELETE", &project, &Value::Null).await.status, StatusCode::NOT_FOUND);
    let told = audit(&scene, &project).await;
    assert_eq!((told.len(), &told[0]["action"]), (4, &json!("deleted")));
}
