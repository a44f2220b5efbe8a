//! Console links, console sessions, and what their users can do.

use std::collections::BTreeSet;
use std::time::Duration;

use aws::store::testing::{ACTIVITY, SETTINGS};
use aws::store::{LinkClaim, SessionState};
use domain::foundation::clock::Clock;
use domain::foundation::language::Language;
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind, KeyScope, Scope};
use domain::projects::console::{ConsoleLink, Role};
use serde_json::{Value, json};

use crate::client::{Client, SOURCE_IP};
use crate::fixture::{KEY_RING, Options, TestApi, UNKNOWN_ID, key_ring, now};

const LINK: &str = r#"{"user":{"id":"u1","name":"Ada"},"role":"developer"}"#;

#[tokio::test]
async fn a_link_contains_what_the_operator_says_and_nothing_is_stored() {
    let (api, project) = TestApi::with_project().await;
    let body = json!({"user": {"id": "user-17", "name": "Ada Lovelace"}, "role": "admin", "language": "ko",
        "next": "/deliveries?state=failed", "returnTo": "https://dashboard.example/", "expiresInSeconds": 60});
    let created = project.post("/console-links", body).await.expect(201);

    let token = created["url"].as_str().unwrap().strip_prefix("https://console.example/in/").unwrap();
    let link = ConsoleLink::open(token, &key_ring(KEY_RING), now()).unwrap();
    assert_eq!((link.project_id, link.role, link.language), (project.id(), Role::Admin, Some(Language::Korean)));
    assert_eq!((link.user.id.as_str(), link.user.name.as_str()), ("user-17", "Ada Lovelace"));
    assert_eq!(link.next.unwrap().as_str(), "/deliveries?state=failed");
    assert_eq!(link.return_to.unwrap().as_str(), "https://dashboard.example/");
    assert_eq!(json!(link.session_id), created["sessionId"]);
    assert_eq!(
        (created["expiresAt"].as_str().unwrap(), link.expires_at),
        ("2026-11-22T08:31:00.000Z", now().plus(Duration::from_mins(1)))
    );
    for table in [SETTINGS, ACTIVITY] {
        assert!(!api.store.dump(table).await.contains("Lovelace"));
    }
}

#[tokio::test]
async fn a_bad_link_is_rejected_with_every_bad_field() {
    let (api, project) = TestApi::with_project().await;
    let body = json!({"user": {"id": "u\u{202e}1", "email": "a@b.example"}, "role": "owner", "language": "fr",
        "next": "https://evil.example/", "returnTo": "javascript:alert(1)", "expiresInSeconds": 59, "scopes": []});
    let refused = project.post("/console-links", body).await;
    let pointers = [
        "/user/id",
        "/user/name",
        "/user/email",
        "/role",
        "/language",
        "/next",
        "/returnTo",
        "/expiresInSeconds",
        "/scopes",
    ];
    assert_eq!(refused.bad_fields(), pointers);
    let missing = api.at(&format!("/v1/projects/{UNKNOWN_ID}")).post("/console-links", LINK).await;
    assert_eq!(missing.problem(), (404, "not-found"));
}

#[tokio::test]
async fn a_deployment_without_a_console_mints_no_links() {
    let api = TestApi::start_with(&Options { console_base_url: "", ..Options::default() }).await;
    let project = api.create_project().await;
    assert_eq!(project.post("/console-links", LINK).await.problem(), (409, "no-console"));
    assert_eq!(project.list("/console-sessions").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_link() {
    let (_api, project) = TestApi::with_project().await;
    let mint = async || project.with_idempotency_key("visit-7").post("/console-links", LINK).await;
    let (first, second) = (mint().await, mint().await);
    assert_eq!((&first.body, second.header("idempotent-replayed")), (&second.body, "true"));
    let other = project.post("/console-links", LINK).await.expect(201);
    assert_ne!(other["sessionId"], first.body["sessionId"]);
}

#[tokio::test]
async fn sessions_are_listed_with_their_users_until_they_end() {
    let (api, project) = TestApi::with_project().await;
    let (viewer, _) = api.open_console(&project, Role::Viewer).await;
    api.clock.advance(Duration::from_hours(1));
    let (admin, user) = api.open_console(&project, Role::Admin).await;
    let listed = user.list("/console-sessions").await;
    let expected = |id, role, created_at, expires_at| json!({"id": id, "user": {"id": "u1", "name": "Ada"}, "role": role, "createdAt": created_at, "expiresAt": expires_at});
    let second = expected(admin.id, "admin", "2026-11-22T09:30:00.000Z", "2026-11-22T17:30:00.000Z");
    let first = expected(viewer.id, "viewer", "2026-11-22T08:30:00.000Z", "2026-11-22T16:30:00.000Z");
    assert_eq!(listed, [second.clone(), first]);
    assert_eq!(project.list_all("/console-sessions?limit=1").await.len(), 2);
    assert_eq!(api.create_project().await.list("/console-sessions").await, [] as [Value; 0]);

    api.clock.advance(Duration::from_hours(7));
    assert_eq!(project.list("/console-sessions").await, [second]);
}

#[tokio::test]
async fn a_session_that_was_ended_is_over_and_its_end_is_audited() {
    let (api, project) = TestApi::with_project().await;
    let (admin, user) = api.open_console(&project, Role::Admin).await;
    let (other, _) = api.open_console(&project, Role::Viewer).await;
    for _ in 0..2 {
        user.delete(&format!("/console-sessions/{}", other.id)).await.expect(204);
    }
    let state = async |id| api.store.console_sessions.state(project.id(), id, api.clock.now()).await.unwrap();
    assert_eq!((state(other.id).await, state(admin.id).await), (SessionState::Over, SessionState::Open(admin.clone())));

    let audit = project.list("/audit").await;
    assert_eq!(audit.len(), 2, "the project's creation and one end");
    assert_eq!(audit[0]["actor"], json!({"type": "console-user", "id": "u1", "name": "Ada"}));
    assert_eq!((&audit[0]["sourceIp"], &audit[0]["action"]), (&json!(SOURCE_IP), &json!("deleted")));
    assert_eq!(audit[0]["resource"], json!({"type": "console-session", "id": other.id}));
    assert_eq!(
        project.post(&format!("/audit/{}/revert", audit[0]["number"]), "").await.problem(),
        (409, "not-revertible")
    );
}

#[tokio::test]
async fn ending_a_session_before_its_link_is_opened_makes_the_link_useless() {
    let (api, project) = TestApi::with_project().await;
    let created = project.post("/console-links", LINK).await.expect(201);
    let path = format!("/console-sessions/{}", created["sessionId"].as_str().unwrap());
    project.delete(&path).await.expect(204);
    let session = api.opened(created["url"].as_str().unwrap());
    assert_eq!(api.store.console_sessions.claim(session, "nonce").await.unwrap(), LinkClaim::Used);

    // The id is older than any valid link.
    let entries = project.list("/audit").await.len();
    project.delete(&format!("/console-sessions/{UNKNOWN_ID}")).await.expect(204);
    assert_eq!((project.list("/audit").await.len(), entries), (2, 2));
}

#[tokio::test]
async fn ending_all_sessions_ends_open_ones_and_makes_earlier_links_useless() {
    let (api, project) = TestApi::with_project().await;
    let (session, user) = api.open_console(&project, Role::Admin).await;
    let unopened = project.post("/console-links", LINK).await.expect(201);
    user.delete("/console-sessions").await.expect(204);
    let unopened = api.opened(unopened["url"].as_str().unwrap());
    assert_eq!(api.store.console_sessions.claim(unopened.clone(), "nonce").await.unwrap(), LinkClaim::Claimed);
    let (later, _) = api.open_console(&project, Role::Viewer).await;

    let get = async |id| api.store.console_sessions.get(project.id(), id, api.clock.now()).await.unwrap();
    assert_eq!([get(session.id).await, get(unopened.id).await, get(later.id).await], [None, None, Some(later.clone())]);
    assert_eq!(project.list("/console-sessions").await[0]["id"], json!(later.id));
    assert_eq!(project.list("/audit").await[0]["resource"], json!({"type": "console-sessions"}));
}

#[tokio::test]
async fn a_deleted_project_has_no_sessions() {
    let (api, project) = TestApi::with_project().await;
    let (session, _) = api.open_console(&project, Role::Admin).await;
    project.delete("").await.expect(204);
    let found = api.store.console_sessions.get(session.project_id, session.id, api.clock.now()).await.unwrap();
    assert_eq!(found, None);
    project.get("/console-sessions").await.expect(404);
}

#[tokio::test]
async fn changes_by_a_console_user_name_the_user_and_the_browsers_address() {
    let (api, project) = TestApi::with_project().await;
    let (_, user) = api.open_console(&project, Role::Developer).await;
    user.create_endpoint().await;
    let entry = &project.list("/audit").await[0];
    assert_eq!(entry["actor"], json!({"type": "console-user", "id": "u1", "name": "Ada"}));
    assert_eq!((&entry["sourceIp"], &entry["resource"]["type"]), (&json!(SOURCE_IP), &json!("endpoint")));
}

#[tokio::test]
async fn a_console_user_who_lacks_a_scope_learns_which() {
    let (api, project) = TestApi::with_project().await;
    let (_, user) = api.open_console(&project, Role::Viewer).await;
    let refused = user.post("/endpoints", json!({"url": "https://hooks.example.com/"})).await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    assert_eq!(refused.body["detail"], "role viewer of this console session lacks the scope settings:write");
}

#[tokio::test]
async fn a_key_that_a_console_user_creates_has_at_most_the_scopes_of_the_role() {
    let (api, project) = TestApi::with_project().await;
    let (_, user) = api.open_console(&project, Role::Admin).await;
    let created = user.create("/api-keys", json!({"name": "server"})).await;
    let scopes: BTreeSet<KeyScope> = serde_json::from_value(created.created["scopes"].clone()).unwrap();
    let own = Role::Admin.scopes().iter().copied().map(KeyScope::Own);
    // An administrator decides what keys may do with the product.
    let product = ["submissions:read", "submissions:review"].map(|scope| scope.parse().unwrap());
    assert_eq!(scopes, own.chain(product).collect());
    assert!(created.created.get("expiresAt").is_none());
    for scope in [Scope::EventsWrite, Scope::LinksWrite] {
        let more = user.post("/api-keys", json!({"name": "more", "scopes": [scope]})).await;
        assert_eq!(more.bad_fields(), ["/scopes"]);
        assert_eq!(more.body["errors"][0]["detail"], format!("the caller lacks {scope}"));
    }
    let full = project.create("/api-keys", json!({"name": "full"})).await;
    assert_eq!(user.post(&format!("/api-keys/{}/rotate", full.string("id")), "").await.bad_fields(), ["/scopes"]);
}

#[tokio::test]
async fn a_session_that_was_ended_during_a_request_creates_no_key() {
    let (api, project) = TestApi::with_project().await;
    let (_, user) = api.open_console(&project, Role::Admin).await;
    let own = user.create("/api-keys", json!({"name": "server"})).await;
    project.delete("/console-sessions").await.expect(204);
    // The console has read the session before it was ended.
    assert_eq!(user.post("/api-keys", json!({"name": "late"})).await.problem(), (401, "unknown-key"));
    let rotated = user.post(&format!("/api-keys/{}/rotate", own.string("id")), "").await;
    assert_eq!(rotated.problem(), (401, "unknown-key"));
    assert_eq!(project.list("/api-keys").await.len(), 1);
}

#[tokio::test]
async fn each_session_has_its_own_rate_limit() {
    let api = TestApi::start_with(&Options { rate_limit: 3, ..Options::default() }).await;
    let project = api.create_project().await;
    let (_, busy) = api.open_console(&project, Role::Viewer).await;
    let (_, other) = api.open_console(&project, Role::Viewer).await;
    for _ in 0..3 {
        assert_eq!(busy.get("").await.header("ratelimit-policy"), "\"key\";q=3;w=10");
    }
    let refused = busy.get("").await;
    assert_eq!((refused.problem(), refused.header("retry-after")), ((429, "too-many-calls"), "10"));
    other.get("").await.expect(200);
    // A slow read counts as ten calls.
    other.get("/reports/2026-11-22").await.expect(200);
    assert_eq!(other.get("").await.status, 429);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_one_session() {
    let (api, project) = TestApi::with_project().await;
    let (_, first) = api.open_console(&project, Role::Admin).await;
    let (_, second) = api.open_console(&project, Role::Admin).await;
    let create = async |client: &Client| {
        client.with_idempotency_key("form-1").post("/api-keys", json!({"name": "server"})).await
    };
    let (ours, theirs) = (create(&first).await, create(&second).await);
    assert_ne!(ours.body["key"], theirs.body["key"]);
    let again = create(&first).await;
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&ours.body, "true"));
    for client in [project.at(""), project.with_key(ours.body["key"].as_str().unwrap())] {
        assert_ne!(create(&client).await.body["key"], ours.body["key"]);
    }
}

#[tokio::test]
async fn the_console_does_not_need_the_secret_of_the_proxy() {
    let hash = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom).hash();
    let (api, project) = TestApi::with_project().await;
    let (session, _) = api.open_console(&project, Role::Viewer).await;
    let path = project.path.clone();
    let api = api.restart_with(&Options { proxy_secret_hashes: hash.to_string(), ..Options::default() });
    api.in_session(&session).get(&path).await.expect(200);
    api.get(&path).await.expect(403);
}
