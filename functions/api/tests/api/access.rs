//! Which callers the API accepts, and the form of its rejections.

use std::time::Duration;

use domain::webhooks::delivery::{AttemptTask, SendMessage};
use serde_json::{Value, json};

use crate::fixture::{NOW, Options, TestApi, UNKNOWN_ID};
use crate::matrix::refused_keys;

#[tokio::test]
async fn a_key_publishes_only_with_its_scopes_from_its_networks_in_its_project() {
    let (api, project) = TestApi::with_project().await;
    let event = json!({"type": "aml", "data": {}});
    let full = project.with_new_key(json!({"name": "full"})).await;
    let nearby = project.with_new_key(json!({"name": "near", "allowedCidrs": ["203.0.113.0/24"]})).await;
    for (caller, client, expected) in [
        ("the operator", project.at(""), 202),
        ("a full key", full, 202),
        ("a key for the caller's network", nearby.clone(), 202),
        ("a key for a network, from an unknown address", nearby.without_source_ip(), 403),
        ("a key without the scope", project.with_scopes(&["settings:read"]).await, 403),
        ("no key", project.without_key(), 401),
    ] {
        assert_eq!(client.post("/events", &event).await.status, expected, "{caller}");
    }
    for (kind, key, expected) in refused_keys(&api, &project).await {
        assert_eq!(project.with_key(&key).post("/events", &event).await.status, expected, "a key that is {kind}");
    }
}

#[tokio::test]
async fn only_the_operator_learns_whether_a_project_exists() {
    let (api, ours) = TestApi::with_project().await;
    let theirs = api.create_project().await;
    let customer = ours.with_new_key(json!({"name": "server"})).await;
    let unknown = api.at(&format!("/v1/projects/{UNKNOWN_ID}"));

    let existing = theirs.with_key(customer.key()).get("/deliveries").await;
    let missing = unknown.with_key(customer.key()).get("/deliveries").await;
    assert_eq!((existing.status, &existing.body["detail"]), (missing.status, &missing.body["detail"]));
    unknown.get("/deliveries").await.expect(404);
}

#[tokio::test]
async fn a_revoked_key_is_rejected() {
    let (_api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "server"})).await;
    let customer = project.with_key(key.string("key"));
    let listed = customer.list("/api-keys").await;
    assert_eq!((&listed[0]["id"], listed[0].get("key")), (&key.created["id"], None));

    key.delete("").await.expect(204);
    customer.get("/api-keys").await.expect(401);
}

#[tokio::test]
async fn a_rotated_key_and_its_successor_both_work_during_the_overlap() {
    let (api, project) = TestApi::with_project().await;
    let settings = json!({"name": "server", "scopes": ["settings:read"], "allowedCidrs": []});
    let old = project.create("/api-keys", settings).await;
    api.clock.advance(Duration::from_secs(1));
    let new = old.post("/rotate", json!({"overlapDays": 7})).await.expect(201);
    assert_eq!(new["scopes"], json!(["settings:read"]));
    for key in [&old.created["key"], &new["key"]] {
        project.with_key(key.as_str().unwrap()).get("/api-keys").await.expect(200);
    }
    let listed = project.list("/api-keys").await;
    assert!(listed[0].get("expiresAt").is_none() && listed[1]["expiresAt"].is_string(), "{listed:?}");

    old.post("/rotate", json!({"overlapDays": 0})).await.expect(201);
    project.with_key(old.string("key")).get("/api-keys").await.expect(401);
    old.post("/rotate", "{}").await.expect(404);
    assert_eq!(old.post("/rotate", json!({"overlapDays": 31})).await.bad_fields(), ["/overlapDays"]);
}

#[tokio::test]
async fn a_key_cannot_create_or_rotate_a_key_with_more_scopes_than_its_own() {
    let (_api, project) = TestApi::with_project().await;
    let narrow = project.with_scopes(&["settings:read", "keys:write"]).await;
    let same = narrow.create("/api-keys", json!({"name": "same"})).await;
    assert_eq!(same.created["scopes"], json!(["settings:read", "keys:write"]));
    let more = narrow.post("/api-keys", json!({"name": "more", "scopes": ["links:write"]})).await;
    assert_eq!(more.bad_fields(), ["/scopes"]);
    let full = project.create("/api-keys", json!({"name": "full"})).await;
    assert_eq!(full.with_key(narrow.key()).post("/rotate", "").await.bad_fields(), ["/scopes"]);
}

#[tokio::test]
async fn a_key_shows_the_day_it_was_last_used() {
    let (_api, project) = TestApi::with_project().await;
    let customer = project.with_new_key(json!({"name": "server"})).await;
    assert_eq!(project.list("/api-keys").await[0].get("lastUsedOn"), None);
    for _ in 0..2 {
        customer.get("/api-keys").await.expect(200);
    }
    assert_eq!(project.list("/api-keys").await[0]["lastUsedOn"], "2026-11-22");
}

#[tokio::test]
async fn a_key_over_its_rate_limit_is_rejected_until_the_next_window() {
    let api = TestApi::start_with(&Options { rate_limit: 3, ..Options::default() }).await;
    let project = api.create_project().await;
    let busy = project.with_new_key(json!({"name": "busy"})).await;
    let other = project.with_new_key(json!({"name": "other"})).await;
    for _ in 0..3 {
        let accepted = busy.get("").await;
        assert_eq!((accepted.status, accepted.header("ratelimit-policy")), (200, "\"key\";q=3;w=10"));
    }
    api.clock.advance(Duration::from_secs(2));
    let refused = busy.get("").await;
    assert_eq!(refused.problem(), (429, "too-many-calls"));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("8", "\"key\";r=0;t=8"));
    assert_eq!(refused.header("ratelimit-policy"), "\"key\";q=3;w=10");

    other.get("").await.expect(200);
    let operators = project.get("").await;
    assert!(operators.status == 200 && !operators.headers.contains_key("ratelimit"));
    api.clock.advance(Duration::from_secs(8));
    busy.get("").await.expect(200);
}

#[tokio::test]
async fn only_the_operator_creates_projects() {
    let (api, project) = TestApi::with_project().await;
    let customer = project.with_new_key(json!({"name": "server"})).await;
    api.with_key(customer.key()).post("/v1/projects", json!({"name": "x"})).await.expect(403);
}

#[tokio::test]
async fn a_change_to_a_project_needs_a_scope_and_affects_only_the_fields_it_contains() {
    let api = TestApi::start().await;
    let project = api.create("/v1/projects", json!({"name": "Acme", "logoColor": "#1F3FBF"})).await;
    assert_eq!(project.created["logoColor"], "#1f3fbf");
    let mut expected = project.created.clone();
    let customer = project.with_new_key(json!({"name": "server"})).await;
    let reader = project.with_scopes(&["settings:read"]).await;
    reader.patch("", "{}").await.expect(403);

    // The two keys raised the revision from 1 to 3.
    (expected["name"], expected["revision"]) = (json!("아고스"), json!(4));
    assert_eq!(customer.patch("", json!({"name": "아고스"})).await.body, expected);
    expected.as_object_mut().unwrap().remove("logoColor");
    expected["revision"] = json!(5);
    assert_eq!(customer.patch("", json!({"logoColor": null})).await.body, expected);
    let refused = customer.patch("", json!({"name": "", "logoColor": "red;}", "mode": "test"})).await;
    assert_eq!(refused.bad_fields(), ["/name", "/logoColor", "/mode"]);
    assert_eq!(customer.get("").await.body, expected);

    api.patch(&format!("/v1/projects/{UNKNOWN_ID}"), "{}").await.expect(404);
}

#[tokio::test]
async fn a_problem_names_every_bad_field() {
    let (_api, project) = TestApi::with_project().await;
    let event = json!({"type": "created", "submissionId": "a b", "data": [], "extra": 1});
    let refused = project.post("/events", event).await;

    assert_eq!(refused.problem(), (422, "bad-fields"));
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(
        (&refused.body["status"], &refused.body["requestId"]),
        (&json!(422), &json!(refused.header("x-request-id")))
    );
    assert_eq!(refused.bad_fields(), ["/type", "/submissionId", "/data", "/extra"]);
}

#[tokio::test]
async fn a_rejected_event_is_not_stored() {
    let (_api, project) = TestApi::with_project().await;
    let too_large = format!(r#"{{"type":"aml","data":{{"x":"{}"}}}}"#, "x".repeat(256 * 1024));
    for (body, expected) in
        [("{", 400), ("[]", 400), ("", 400), (r#"{"type":"Approved","data":{}}"#, 422), (too_large.as_str(), 413)]
    {
        assert_eq!(project.post("/events", body).await.status, expected);
    }
    assert_eq!(project.list("/deliveries").await, [] as [Value; 0]);
    assert_eq!(project.list("/events").await, [] as [Value; 0]);
}

#[tokio::test]
async fn an_event_that_cannot_be_queued_is_not_accepted_and_can_be_published_again() {
    let api = TestApi::start_with(&Options { has_queue: false, ..Options::default() }).await;
    let project = api.create_project().await;
    project.create_endpoint().await;
    let event = json!({"type": "aml", "data": {}});
    for _ in 0..2 {
        let failed = project.with_idempotency_key("order-7").post("/events", &event).await;
        assert!(failed.status == 503 && failed.headers.contains_key("retry-after"), "{}", failed.text);
    }

    let api = api.restart_with(&Options::default());
    let project = api.at(&project.path);
    for key in ["order-7", "order-8"] {
        project.with_idempotency_key(key).post("/events", &event).await.expect(202);
    }
    // The repeated event keeps the id of its first try, which may have queued a message, so its task is not marked as new.
    let is_new = |(message, _)| matches!(message, SendMessage::Attempt(AttemptTask { is_new: true, .. }));
    assert_eq!(api.queue.take().into_iter().map(is_new).collect::<Vec<_>>(), [false, true]);
    assert_eq!(project.list("/deliveries").await.len(), 2);
}

#[tokio::test]
async fn an_idempotency_key_is_valid_for_one_request() {
    let (_api, project) = TestApi::with_project().await;
    let publish = async |key: &str, number: u8| {
        project.with_idempotency_key(key).post("/events", json!({"type": "aml", "data": {"n": number}})).await
    };
    assert_eq!(publish("order-7", 1).await.expect(202), publish("order-7", 1).await.expect(202));
    publish("order-7", 2).await.expect(422);
    publish("two words", 1).await.expect(400);
}

#[tokio::test]
async fn secrets_are_shown_only_when_an_endpoint_is_created() {
    let (_api, project) = TestApi::with_project().await;
    let settings = json!({"url": "https://hooks.example.com/", "headers": {"Authorization": "Bearer hunter2"}});
    let endpoint = project.create("/endpoints", settings).await;
    assert!(endpoint.string("signingSecret").starts_with("whsec_"));

    let listed = project.list("/endpoints").await;
    assert_eq!(listed[0]["headerNames"], json!(["authorization"]));
    assert_eq!(listed[0].get("signingSecret"), None);
    assert!(!json!(listed).to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_project_has_at_most_ten_endpoints() {
    let (_api, project) = TestApi::with_project().await;
    for _ in 0..10 {
        project.create_endpoint().await;
    }
    let refused = project.post("/endpoints", json!({"url": "https://hooks.example.com/"})).await;
    assert_eq!(refused.problem(), (422, "limit-reached"));
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page_without_gaps() {
    let (_api, project) = TestApi::with_project().await;
    for _ in 0..3 {
        project.create_endpoint().await;
    }
    for _ in 0..4 {
        project.post("/events", json!({"type": "aml", "data": {}})).await.expect(202);
    }
    let whole = project.list("/deliveries?limit=100").await;
    let ids = |items: &[Value]| items.iter().map(|item| item["id"].clone()).collect::<Vec<_>>();
    assert_eq!((whole.len(), ids(&project.list_all("/deliveries?limit=2").await)), (12, ids(&whole)));
}

#[tokio::test]
async fn bad_queries_and_unknown_routes_return_problems() {
    let (api, project) = TestApi::with_project().await;
    for query in ["limit=0", "limit=101", "limit=x", "state=lost", "colour=red", "cursor=%21", "from=yesterday"] {
        let refused = project.get(&format!("/deliveries?{query}")).await;
        assert_eq!(refused.problem(), (400, "bad-query"), "{query}");
    }
    assert_eq!(api.get("/v2").await.problem(), (404, "not-found"));
    let wrong_method = api.patch("/v1/projects", "").await;
    assert_eq!(wrong_method.problem(), (405, "method-not-allowed"));
    assert_eq!(wrong_method.header("allow"), "POST,GET,HEAD");
}

#[tokio::test]
async fn egress_ips_are_public_and_may_be_cached() {
    let api = TestApi::start().await;
    let listed = api.without_key().get("/v1/egress-ips").await;
    let ip = |cidr: &str, from: &str| json!({"cidr": cidr, "validFrom": from});
    assert_eq!(
        listed.body,
        json!({"updatedAt": NOW, "ips": [
            ip("198.51.100.1/32", NOW), ip("198.51.100.2/32", NOW), ip("2001:db8::/56", NOW),
            ip("198.51.100.3/32", "2027-01-31T00:00:00.000Z"),
        ]})
    );
    assert_eq!(listed.header("cache-control"), "public, max-age=300");
    let again = api.without_key().with_header("if-none-match", listed.header("etag")).get("/v1/egress-ips").await;
    assert_eq!((again.status, again.header("etag")), (304, listed.header("etag")));

    api.clock.advance(Duration::from_hours(1));
    assert_eq!(api.without_key().get("/v1/egress-ips").await.body, listed.body, "the list is stored");
}
