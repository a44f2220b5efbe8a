//! API keys that open the operator's product: verification, revocation of leaked keys, and import by hash.

use std::time::Duration;

use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind};
use domain::projects::console::Role;
use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::{Options, TestApi};

const SCOPES: [&str; 2] = ["submissions:read", "submissions:review"];
/// A key of another system, and its SHA-256.
const FOREIGN: &str = "ak_9f2c-8d41-77b0-53aa";
const FOREIGN_HASH: &str = "32fef7798e00455a0e6b7e1825edcd83bb12077e2619a6c00722d753e42f5067";

async fn verify(api: &Client, body: Value) -> Value {
    api.post("/v1/api-keys/verify", body).await.expect(200)
}

async fn reason(api: &Client, key: &str) -> Value {
    verify(api, json!({"key": key, "sourceIp": "203.0.113.9", "scope": "submissions:read"})).await["reason"].clone()
}

#[tokio::test]
async fn a_valid_key_is_returned_with_its_project_and_scopes() {
    let (api, project) = TestApi::with_project().await;
    let settings = json!({"name": "server", "scopes": SCOPES, "expiresAt": "2026-12-01T00:00:00Z"});
    let key = project.create("/api-keys", settings).await;
    let verified = verify(&api, json!({"key": key.string("key"), "scope": "submissions:read"})).await;
    let expected = json!({
        "valid": true, "projectId": project.string("id"), "keyId": key.string("id"), "name": "server", "scopes": SCOPES,
        "expiresAt": "2026-12-01T00:00:00.000Z",
    });
    assert_eq!(verified, expected);
    assert_eq!(key.get("").await.expect(200)["lastUsedOn"], "2026-11-22");
}

#[tokio::test]
async fn the_first_reason_that_applies_is_given() {
    let (api, project) = TestApi::with_project().await;
    let create = async |settings: Value| project.create("/api-keys", settings).await;
    let limited = json!({
        "name": "s", "scopes": ["submissions:review"], "allowedCidrs": ["203.0.113.0/24"], "expiresAt": "2026-11-22T09:00:00Z",
    });
    let (limited, revoked) = (create(limited).await, create(json!({"name": "s", "scopes": SCOPES})).await);
    let rotated = create(json!({"name": "s", "scopes": SCOPES})).await;
    revoked.delete("").await.expect(204);
    rotated.post("/rotate", json!({"overlapDays": 0})).await.expect(201);
    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);

    for (key, source, expected) in [
        (unknown.expose(), "203.0.113.9", "unknown"),
        (api.operator_key.expose(), "203.0.113.9", "unknown"),
        ("sp_live_mistyped", "203.0.113.9", "unknown"),
        ("", "203.0.113.9", "unknown"),
        (revoked.string("key"), "203.0.113.9", "revoked"),
        (rotated.string("key"), "203.0.113.9", "revoked"),
        (limited.string("key"), "198.51.100.1", "network"),
        (limited.string("key"), "::ffff:203.0.113.9", "scope"),
    ] {
        let verified = verify(&api, json!({"key": key, "sourceIp": source, "scope": "submissions:read"})).await;
        assert_eq!(verified, json!({"valid": false, "reason": expected}), "{source}");
    }
    let without_address = verify(&api, json!({"key": limited.string("key"), "scope": "submissions:review"})).await;
    assert_eq!(without_address["reason"], "network");
    api.clock.advance(Duration::from_mins(30));
    assert_eq!(reason(&api, limited.string("key")).await, "expired");
}

#[tokio::test]
async fn verification_costs_one_read_on_a_cold_cache_and_none_on_a_warm_one() {
    let (api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "server", "scopes": SCOPES})).await;
    // The first use of a day is stored.
    assert_eq!(reason(&api, key.string("key")).await, Value::Null);
    let api = api.restart_with(&Options::default());
    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    let mut cost = Vec::new();
    for key in [key.string("key"), key.string("key"), unknown.expose(), unknown.expose(), "sp_live_mistyped"] {
        let before = api.queue.database_calls();
        reason(&api, key).await;
        cost.push(api.queue.database_calls() - before);
    }
    assert_eq!(cost, [1, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_verification_counts_against_the_rate_limit_of_the_key() {
    let api = TestApi::start_with(&Options { rate_limit: 2, ..Options::default() }).await;
    let project = api.create_project().await;
    let key = project.create("/api-keys", json!({"name": "server", "scopes": SCOPES})).await;
    assert_eq!(reason(&api, key.string("key")).await, Value::Null);
    // Calls of the settings API count too.
    project.with_key(key.string("key")).get("").await.expect(403);
    let limited = json!({"valid": false, "reason": "rate-limited", "retryAfterSeconds": 10});
    assert_eq!(verify(&api, json!({"key": key.string("key")})).await, limited);
    api.clock.advance(Duration::from_secs(10));
    assert_eq!(reason(&api, key.string("key")).await, Value::Null);
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_other_instances_within_ten_seconds_and_unknown_after_three_months() {
    let (api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "server", "scopes": SCOPES})).await;
    assert_eq!(reason(&api, key.string("key")).await, Value::Null);
    let (first, path) = (api.at(""), project.path.clone());
    let other_instance = api.restart_with(&Options::default());
    other_instance.at(&path).delete(&format!("/api-keys/{}", key.string("id"))).await.expect(204);
    assert_eq!(reason(&first, key.string("key")).await, Value::Null, "the first instance has the key in its cache");
    other_instance.clock.advance(Duration::from_secs(5));
    assert_eq!(reason(&first, key.string("key")).await, "revoked");
    first.at(&path).with_key(key.string("key")).get("").await.expect(401);
    // The table deletes what is kept of the key at this second.
    let dump = other_instance.store.dump(aws::store::testing::SETTINGS).await;
    assert!(dump.contains(r#""expiresAt": N("1803112200")"#), "{dump}");
}

#[tokio::test]
async fn a_leaked_key_is_revoked_whatever_project_it_belongs_to() {
    let (api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "server", "scopes": SCOPES})).await;
    let report = json!({"key": key.string("key")});
    let revoked = json!({"projectId": project.string("id"), "keyId": key.string("id")});
    for _ in 0..2 {
        assert_eq!(api.post("/v1/api-keys/revoke", &report).await.expect(200), revoked);
    }
    assert_eq!(reason(&api, key.string("key")).await, "revoked");
    let deletions = project.list("/audit").await;
    let deletions: Vec<&Value> = deletions.iter().filter(|entry| entry["action"] == "deleted").collect();
    let [deletion] = deletions[..] else { panic!("{deletions:?}") };
    assert_eq!(
        (&deletion["actor"]["type"], &deletion["resource"]["id"]),
        (&json!("operator"), &json!(key.string("id")))
    );
    assert!(!deletion.to_string().contains(key.string("key")));

    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    for key in [unknown.expose(), "sp_live_mistyped", "", FOREIGN] {
        assert_eq!(api.post("/v1/api-keys/revoke", json!({"key": key})).await.problem(), (404, "not-found"), "{key}");
    }
    let operator = api.post("/v1/api-keys/revoke", json!({"key": api.operator_key.expose()})).await;
    assert_eq!(operator.bad_fields(), ["/key"]);
    assert!(!operator.text.contains(api.operator_key.expose()));
}

#[tokio::test]
async fn an_imported_key_works_as_it_is_and_is_rotated_to_a_key_of_signpost() {
    let (api, project) = TestApi::with_project().await;
    let settings = json!({"name": "server", "hash": FOREIGN_HASH, "hint": "ak_9f2c", "scopes": ["settings:read", "submissions:read"]});
    let imported = project.create("/api-keys", &settings).await;
    assert_eq!((&imported.created["key"], &imported.created["hint"]), (&Value::Null, &json!("ak_9f2c")));
    assert_eq!(reason(&api, FOREIGN).await, Value::Null);
    project.with_key(FOREIGN).get("").await.expect(200);
    project.with_key(FOREIGN).post("/api-keys", json!({"name": "x"})).await.expect(403);

    let successor = imported.post("/rotate", json!({"overlapDays": 1})).await.expect(201);
    assert!(successor["key"].as_str().unwrap().starts_with("sp_live_"));
    assert_eq!(successor["scopes"], json!(["settings:read", "submissions:read"]));
    assert_eq!(reason(&api, FOREIGN).await, Value::Null, "both keys work during the overlap");
    assert_eq!(reason(&api, successor["key"].as_str().unwrap()).await, Value::Null);
    api.post("/v1/api-keys/revoke", json!({"key": FOREIGN})).await.expect(200);
    assert_eq!(reason(&api, FOREIGN).await, "revoked");
}

#[tokio::test]
async fn only_the_operator_imports_keys_and_each_hash_only_once() {
    let (api, project) = TestApi::with_project().await;
    let import = json!({"name": "server", "hash": FOREIGN_HASH});
    let customer = project.with_new_key(json!({"name": "all"})).await;
    assert_eq!(customer.post("/api-keys", &import).await.problem(), (403, "forbidden"));
    let (_, administrator) = api.open_console(&project, Role::Admin).await;
    assert_eq!(administrator.post("/api-keys", &import).await.problem(), (403, "forbidden"));

    let imported = project.create("/api-keys", &import).await;
    assert_eq!(imported.created["hint"], "imported");
    assert_eq!(imported.created["scopes"], json!(SCOPES), "no scope of Signpost's own API");
    project.with_key(FOREIGN).get("").await.expect(403);
    let other = api.create_project().await;
    for project in [&project, &other] {
        assert_eq!(project.post("/api-keys", &import).await.bad_fields(), ["/hash"]);
    }
    imported.delete("").await.expect(204);
    let refused = other.post("/api-keys", &import).await;
    assert_eq!(refused.bad_fields(), ["/hash"]);
    assert!(refused.text.contains("was revoked"), "{}", refused.text);
}

#[tokio::test]
async fn customers_give_product_scopes_which_the_api_and_the_audit_log_show() {
    let (api, project) = TestApi::with_project().await;
    let reader = project.with_scopes(&["keys:write", "settings:read", "submissions:read"]).await;
    assert_eq!(reader.post("/api-keys", json!({"name": "x", "scopes": SCOPES})).await.bad_fields(), ["/scopes"]);
    let heir = reader.create("/api-keys", json!({"name": "heir"})).await;
    assert_eq!(heir.created["scopes"], json!(["settings:read", "keys:write", "submissions:read"]));
    let entry = &project.list("/audit").await[0];
    assert!(entry["changes"].to_string().contains("submissions:read"), "{entry}");

    let (_, administrator) = api.open_console(&project, Role::Admin).await;
    administrator.create("/api-keys", json!({"name": "all", "scopes": SCOPES})).await;
    for (client, scopes) in [(&administrator, json!(["payments:read"])), (&project, json!(["settings:reed"]))] {
        let refused = client.post("/api-keys", json!({"name": "x", "scopes": scopes})).await;
        assert_eq!(refused.bad_fields(), ["/scopes"]);
    }
    assert_eq!(
        project.post("/api-keys", json!({"name": "x", "scopes": ["everything"]})).await.bad_fields(),
        ["/scopes/0"]
    );
}
