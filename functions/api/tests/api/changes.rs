//! Changes of settings: conditional, idempotent, within limits, and recorded in the audit log.

use aws::store::testing::ACTIVITY;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::client::{Client, SOURCE_IP};
use crate::fixture::TestApi;

/// The entries of the project's audit log, newest first.
async fn audit(project: &Client) -> Vec<Value> {
    project.list("/audit?limit=100").await
}

#[tokio::test]
async fn the_audit_log_shows_who_changed_what_and_from_where() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let customer = project.with_new_key(json!({"name": "deploy"})).await;
    let change = json!({"url": "https://two.example.com/", "description": "moved"});
    let changed = endpoint.with_key(customer.key()).patch("", change).await;

    let entries = audit(&project).await;
    let entry = &entries[0];
    assert_eq!(entry["number"], 4);
    assert_eq!((&entry["actor"]["type"], &entry["actor"]["name"]), (&json!("api-key"), &json!("deploy")));
    assert_eq!((&entry["sourceIp"], &entry["action"]), (&json!(SOURCE_IP), &json!("changed")));
    assert_eq!(entry["requestId"], changed.header("x-request-id"));
    assert_eq!(entry["resource"], json!({"type": "endpoint", "id": endpoint.created["id"]}));
    assert_eq!(
        entry["changes"],
        json!([
            {"field": "description", "after": "moved"},
            {"field": "url", "before": "https://hooks.example.com/", "after": "https://two.example.com/"},
        ])
    );
    let numbers: Vec<&Value> = entries.iter().map(|entry| &entry["number"]).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    assert_eq!(project.get("/audit/4").await.body, *entry);
    project.get("/audit/5").await.expect(404);
}

#[tokio::test]
async fn new_entries_do_not_disturb_the_paging_of_the_audit_log() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let (mut numbers, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = project.get(&format!("/audit?limit=1{cursor}")).await.expect(200);
        numbers.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["number"].clone()));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        endpoint.patch("", json!({"description": format!("change {}", numbers.len())})).await.expect(200);
    }
    assert_eq!(numbers, [2, 1]);
}

#[tokio::test]
async fn the_audit_log_contains_no_secrets() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let responses = [
        endpoint.patch("", json!({"headers": {"x-token": "hunter1"}})).await.expect(200),
        endpoint.patch("", json!({"headers": {"x-token": "hunter2"}})).await.expect(200),
        endpoint.post("/signing-secret/rotate", "{}").await.expect(200),
        project.post("/api-keys", json!({"name": "server"})).await.expect(201),
        project.post("/return-url/keys", "{}").await.expect(201),
    ];
    let shown = ["signingSecret", "key", "secretKey"].map(|name| responses.iter().find_map(|body| body[name].as_str()));
    let entries = audit(&project).await;
    let log = serde_json::to_string(&entries).unwrap();
    for secret in shown.into_iter().map(Option::unwrap).chain(["hunter1", "hunter2"]) {
        assert!(!log.contains(secret), "a secret is in the audit log");
    }
    let secret = |field: &str| json!({"field": field, "secret": true});
    assert_eq!(entries[3]["changes"], json!([secret("headers/x-token")]));
    assert!(entries[2]["changes"].as_array().unwrap().contains(&secret("signingSecret")), "{}", entries[2]);
}

#[tokio::test]
async fn one_call_restores_any_earlier_url() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    for url in ["https://two.example.com/", "https://three.example.com/"] {
        endpoint.patch("", json!({"url": url})).await.expect(200);
    }
    endpoint.patch("", json!({"description": "stays"})).await.expect(200);

    let reverted = project.post("/audit/3/revert", "").await.expect(200);
    assert_eq!((&reverted["url"], &reverted["description"]), (&json!("https://hooks.example.com/"), &json!("stays")));
    let entry = &audit(&project).await[0];
    assert_eq!((&entry["reverts"], &entry["changes"][0]["before"]), (&json!(3), &json!("https://three.example.com/")));
}

#[tokio::test]
async fn every_change_without_secrets_can_be_reverted() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let revert_last = async || {
        let last = audit(&project).await[0]["number"].clone();
        project.post(&format!("/audit/{last}/revert"), "").await
    };
    project.patch("", json!({"name": "Acne", "logoColor": "#ff0000"})).await.expect(200);
    let reverted = revert_last().await.body;
    assert_eq!((&reverted["name"], reverted.get("logoColor")), (&json!("Acme"), None));

    endpoint.post("/pause", "").await.expect(200);
    assert_eq!(revert_last().await.body["state"], "active");

    endpoint.patch("", json!({"headers": {"x-new": "1"}})).await.expect(200);
    assert_eq!(revert_last().await.body["headerNames"], json!([]));

    let settings = json!({"url": "https://app.example/done", "fields": ["kycStatus"], "skipResultPage": true});
    let shown = project.put("/return-url", settings).await.expect(200);
    project.put("/return-url", json!({"url": "https://app.example/other", "fields": []})).await.expect(200);
    assert_eq!(revert_last().await.body, shown);
    project.delete("/return-url").await.expect(204);
    assert_eq!(revert_last().await.body, shown);

    // The last entry is now the revert itself. Reverting it deletes the return URL again.
    revert_last().await.expect(204);
    project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn changes_that_removed_a_secret_or_are_final_cannot_be_reverted() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    endpoint.patch("", json!({"headers": {"x-token": "1"}})).await.expect(200);
    endpoint.patch("", json!({"headers": {"x-token": null}})).await.expect(200);
    endpoint.post("/signing-secret/rotate", "{}").await.expect(200);
    project.create("/api-keys", json!({"name": "server"})).await;
    endpoint.delete("").await.expect(204);
    for number in 4..=7 {
        let refused = project.post(&format!("/audit/{number}/revert"), "").await;
        assert_eq!(refused.body["type"], "/problems/not-revertible", "{number}");
    }
}

#[tokio::test]
async fn a_change_with_a_stale_etag_is_rejected() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let read = endpoint.get("").await;
    let conditional = endpoint.with_header("if-match", read.header("etag"));
    let changed = conditional.patch("", json!({"url": "https://two.example.com/"})).await;
    assert_eq!((changed.status, changed.header("etag")), (200, endpoint.get("").await.header("etag")));

    let stale = project.with_header("if-match", read.header("etag"));
    let below_endpoint = |path: &str| format!("/endpoints/{}{path}", endpoint.string("id"));
    let return_url = json!({"url": "https://app.example/", "fields": []});
    for (method, path, body) in [
        ("PATCH", below_endpoint(""), json!({"url": "https://three.example.com/"})),
        ("DELETE", below_endpoint(""), json!({})),
        ("POST", below_endpoint("/pause"), json!({})),
        ("POST", below_endpoint("/signing-secret/rotate"), json!({})),
        ("PATCH", String::new(), json!({"name": "Other"})),
        ("DELETE", String::new(), json!({})),
        ("PUT", "/return-url".to_owned(), return_url),
        ("DELETE", "/return-url".to_owned(), json!({})),
        ("POST", "/audit/3/revert".to_owned(), json!({})),
    ] {
        let refused = stale.send(method, &path, body).await;
        assert_eq!(refused.problem(), (412, "precondition-failed"), "{method} {path}");
    }
    assert_eq!(audit(&project).await.len(), 3, "nothing has changed");
    assert_eq!(endpoint.get("").await.body["url"], "https://two.example.com/");
}

#[tokio::test]
async fn a_call_that_changes_nothing_is_not_recorded() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    for (client, method, path, body) in [
        (&*project, "PATCH", "", json!({"name": "Acme"})),
        (&*endpoint, "PATCH", "", json!({"url": "https://hooks.example.com/"})),
        (&*endpoint, "POST", "/resume", json!({})),
        (&*endpoint, "DELETE", "/signing-secret/previous", json!({})),
        (&*project, "DELETE", "/return-url", json!({})),
    ] {
        let response = client.send(method, path, body).await;
        assert!((200..300).contains(&response.status), "{method} {path}: {}", response.text);
    }
    assert_eq!(audit(&project).await.len(), 2);
}

#[tokio::test]
async fn concurrent_calls_cannot_exceed_a_limit() {
    let (_api, project) = TestApi::with_project().await;
    let endpoint = json!({"url": "https://hooks.example.com/"});
    let mut is_limit_reached = false;
    while !is_limit_reached {
        let responses = join_all((0..6).map(|_| project.post("/endpoints", &endpoint))).await;
        is_limit_reached = responses.iter().any(|response| response.problem() == (422, "limit-reached"));
    }
    assert_eq!(project.list("/endpoints").await.len(), 10);
}

#[tokio::test]
async fn a_creation_repeated_with_its_idempotency_key_creates_once_and_returns_the_same_response() {
    let api = TestApi::start().await;
    let once = api.with_idempotency_key("order-7");
    let project = once.create_project().await;
    assert_eq!(project.created, once.create_project().await.created);
    assert_eq!(api.list("/v1/projects").await.len(), 1);

    let project = api.at(&project.path);
    for (resource, settings, secret) in [
        ("api-keys", json!({"name": "server"}), "key"),
        ("endpoints", json!({"url": "https://hooks.example.com/"}), "signingSecret"),
        ("return-url/keys", json!({}), "secretKey"),
        ("return-links", json!({"kycStatus": "approved"}), "url"),
    ] {
        let once = project.with_idempotency_key(resource);
        let create = async || once.post(&format!("/{resource}"), &settings).await;
        let (first, second) = (create().await, create().await);
        assert_eq!((first.status, &first.body), (201, &second.body), "{resource}");
        assert_eq!((second.status, first.headers.get("etag")), (201, second.headers.get("etag")), "{resource}");
        assert_eq!(first.headers.get("idempotent-replayed"), None);
        assert_eq!(second.header("idempotent-replayed"), "true");
        let stored = api.store.dump(ACTIVITY).await;
        assert!(!stored.contains(first.body[secret].as_str().unwrap()), "the secret of {resource} is stored in clear");
    }
    assert_eq!(audit(&project).await.len(), 4, "creating a link does not change settings");
}

#[tokio::test]
async fn a_response_with_a_secret_is_repeated_only_to_the_same_caller() {
    let (_api, project) = TestApi::with_project().await;
    let other = project.with_scopes(&["keys:write"]).await.with_idempotency_key("order-7");
    let once = project.with_idempotency_key("order-7");
    let settings = json!({"name": "mine"});
    once.post("/api-keys", &settings).await.expect(201);

    let mine = once.post("/api-keys", &settings).await;
    let theirs = other.post("/api-keys", &settings).await;
    assert_eq!((theirs.status, theirs.headers.get("idempotent-replayed")), (201, None));
    assert_ne!((&theirs.body["id"], &theirs.body["key"]), (&mine.body["id"], &mine.body["key"]));
    once.without_key().post("/api-keys", &settings).await.expect(401);
}

#[tokio::test]
async fn all_keys_with_the_scope_share_the_idempotency_keys_of_events() {
    let (_api, project) = TestApi::with_project().await;
    let publish = async |scope| {
        let client = project.with_scopes(&[scope]).await.with_idempotency_key("order-7");
        client.post("/events", json!({"type": "approved", "data": {}})).await
    };
    assert_eq!(publish("events:write").await.expect(202), publish("events:write").await.expect(202));
    publish("settings:read").await.expect(403);
}

#[tokio::test]
async fn a_rejected_request_does_not_consume_its_idempotency_key() {
    let (_api, project) = TestApi::with_project().await;
    let narrow = project.with_scopes(&["settings:write"]).await.with_idempotency_key("order-7");
    for _ in 0..2 {
        narrow.post("/return-links", json!({"kycStatus": "approved"})).await.expect(403);
    }
    let once = project.with_idempotency_key("order-7");
    once.post("/events", json!({"type": "approve", "data": {}})).await.expect(422);
    once.post("/events", json!({"type": "approved", "data": {}})).await.expect(202);
}

#[tokio::test]
async fn only_the_operator_deletes_a_project_and_still_reads_its_audit_log() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let customer = project.with_new_key(json!({"name": "server"})).await;
    customer.delete("").await.expect(403);

    project.delete("").await.expect(204);
    for deleted in [project.at(""), endpoint.at(""), project.at("/api-keys")] {
        assert_eq!(deleted.get("").await.status, 404, "{}", deleted.path);
    }
    project.delete("").await.expect(404);
    let entries = audit(&project).await;
    assert_eq!((entries.len(), &entries[0]["action"]), (4, &json!("deleted")));
}
