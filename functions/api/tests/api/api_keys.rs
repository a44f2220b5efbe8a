//! API keys: limits of the keys that a key creates, expired keys, and repeating a rotation that ended the caller's key.

use std::time::Duration;

use aws::store::testing::SETTINGS;
use domain::foundation::clock::Clock;
use domain::foundation::draft::Draft;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey};
use serde_json::{Value, json};

use crate::client::{Client, Resource};
use crate::fixture::{Options, TestApi, now};
use crate::matrix::{ROUTES, path};

const NETWORKS: [&str; 2] = ["203.0.113.0/24", "2001:db8::/32"];

/// A key with an expiry and networks, as a client of its project.
async fn limited(project: &Client) -> Client {
    let settings = json!({"name": "limited", "expiresAt": "2026-12-01T00:00:00Z", "allowedCidrs": NETWORKS});
    project.with_new_key(settings).await
}

#[tokio::test]
async fn a_new_key_has_at_most_the_scopes_lifetime_and_networks_of_its_creator() {
    let (_api, project) = TestApi::with_project().await;
    let limited = limited(&project).await;
    let heir = limited.create("/api-keys", json!({"name": "heir", "allowedCidrs": []})).await;
    assert_eq!(heir.created["expiresAt"], "2026-12-01T00:00:00.000Z");
    assert_eq!(heir.created["allowedCidrs"], json!(NETWORKS));

    let wide =
        json!({"name": "wide", "expiresAt": "2026-12-01T00:00:01Z", "allowedCidrs": ["203.0.113.9", "0.0.0.0/0"]});
    assert_eq!(limited.post("/api-keys", wide).await.bad_fields(), ["/allowedCidrs/1", "/expiresAt"]);
    let narrow = json!({"name": "narrow", "expiresAt": "2026-11-23T00:00:00Z", "allowedCidrs": ["203.0.113.9"]});
    let narrow = limited.create("/api-keys", narrow).await;
    assert_eq!(narrow.created["allowedCidrs"], json!(["203.0.113.9/32"]));
    // The operator is not limited.
    project.create("/api-keys", json!({"name": "any"})).await;
}

#[tokio::test]
async fn a_rotated_key_has_at_most_the_rights_of_the_key_that_rotates_it() {
    let (_api, project) = TestApi::with_project().await;
    let limited = limited(&project).await;
    let own = limited.list("/api-keys").await[0]["id"].as_str().unwrap().to_owned();
    let rotate = async |id: &str, body: Value| limited.post(&format!("/api-keys/{id}/rotate"), body).await;

    assert_eq!(rotate(&own, json!({"expiresAt": null})).await.bad_fields(), ["/expiresAt"]);
    assert_eq!(rotate(&own, json!({"expiresAt": "2027-01-01T00:00:00Z"})).await.bad_fields(), ["/expiresAt"]);
    let successor = rotate(&own, json!({"overlapDays": 1})).await.expect(201);
    assert_eq!(successor["expiresAt"], "2026-12-01T00:00:00.000Z");
    assert_eq!(successor["allowedCidrs"], json!(NETWORKS));

    // During the overlap the replaced key has one day left, which also limits the keys that it creates.
    let heir = limited.create("/api-keys", json!({"name": "heir"})).await;
    assert_eq!(heir.created["expiresAt"], "2026-11-23T08:30:00.000Z");
    let anywhere = project.create("/api-keys", json!({"name": "anywhere"})).await;
    assert_eq!(rotate(anywhere.string("id"), json!({})).await.bad_fields(), ["/allowedCidrs"]);
}

#[tokio::test]
async fn a_key_that_expires_before_the_overlap_ends_is_replaced_by_one_that_works() {
    let (_api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "short", "expiresAt": "2026-11-22T09:00:00Z"})).await;
    let successor = key.post("/rotate", json!({"overlapDays": 1})).await.expect(201);
    project.with_key(successor["key"].as_str().unwrap()).get("/api-keys").await.expect(200);
    assert_eq!(project.list("/api-keys").await.len(), 2);
}

#[tokio::test]
async fn a_revoked_key_cannot_create_or_rotate_keys_even_if_it_is_cached() {
    let (api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "stolen"})).await;
    let stolen = project.with_key(key.string("key"));
    let own_path = format!("/api-keys/{}", key.string("id"));
    stolen.get("/api-keys").await.expect(200);
    let other_instance = api.restart_with(&Options::default());
    other_instance.at(&project.path).delete(&own_path).await.expect(204);

    // The first instance still has the key in its cache.
    stolen.get("/api-keys").await.expect(200);
    stolen.post("/api-keys", json!({"name": "planted"})).await.expect(401);
    stolen.post(&format!("{own_path}/rotate"), "{}").await.expect(401);
    assert_eq!(other_instance.at(&project.path).list("/api-keys").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_return_link_does_not_outlive_the_key_that_mints_it() {
    let (_api, project) = TestApi::with_project().await;
    let short = project.with_new_key(json!({"name": "short", "expiresAt": "2026-11-22T08:40:00Z"})).await;
    let link = json!({"kycStatus": "approved", "expiresInSeconds": 86400});
    project.put("/return-url", json!({"url": "https://app.example/done", "fields": ["kycStatus"]})).await.expect(200);
    assert_eq!(short.post("/return-links", &link).await.expect(201)["expiresAt"], "2026-11-22T08:40:00.000Z");
    assert_eq!(project.post("/return-links", &link).await.expect(201)["expiresAt"], "2026-11-23T08:30:00.000Z");
}

#[tokio::test]
async fn header_values_need_the_scope_for_secrets() {
    let (_api, project) = TestApi::with_project().await;
    let settings = project.with_scopes(&["settings:read", "settings:write"]).await;
    let with_header = json!({"url": "https://hooks.example.com/", "headers": {"authorization": "Bearer x"}});
    let refused = settings.post("/endpoints", &with_header).await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    assert!(refused.body["detail"].as_str().unwrap().contains("secrets:write"), "{}", refused.text);

    let endpoint = project.create("/endpoints", &with_header).await;
    let endpoint = settings.at(&format!("/endpoints/{}", endpoint.string("id")));
    endpoint.patch("", json!({"headers": {"authorization": "Bearer y"}})).await.expect(403);
    endpoint.patch("", json!({"description": "orders"})).await.expect(200);
    endpoint.patch("", json!({"headers": {"authorization": null}})).await.expect(200);
    settings.post("/endpoints", json!({"url": "https://hooks.example.com/", "headers": {}})).await.expect(201);
    let both = project.with_scopes(&["settings:write", "secrets:write"]).await;
    both.at(&endpoint.path[project.path.len()..]).patch("", json!({"headers": {"x-a": "b"}})).await.expect(200);
}

/// Stores a key in the format of versions before the scopes were split. Returns the key.
async fn store_old_key(api: &TestApi, project: &Resource, scopes: &[&str]) -> String {
    let new: NewApiKey = Draft::parse(br#"{"name":"old"}"#).unwrap().try_into().unwrap();
    let (key, id) = (ApiKey::generate(ApiKeyKind::Live, &SystemRandom), ApiKeyId::new(now(), &SystemRandom));
    let stored = new.create(id, project.id::<ProjectId>(), &key, &KeyBounds::operator()).unwrap();
    api.store.api_keys.put(&stored).await.unwrap();
    api.store.make_key_old(&stored, scopes).await;
    key.expose().to_owned()
}

#[tokio::test]
async fn a_key_stored_before_scopes_were_split_keeps_its_permissions() {
    let (api, project) = TestApi::with_project().await;
    for (old, expected) in [
        (["settings:write"], ["keys:write", "secrets:write", "settings:write"].as_slice()),
        (["deliveries:read"], ["deliveries:read", "events:read", "return:verify"].as_slice()),
        (["links:write"], ["links:write"].as_slice()),
    ] {
        let key = store_old_key(&api, &project, &old).await;
        for (method, route, access) in ROUTES {
            let crate::matrix::Access::Scoped(scope) = access else { continue };
            let status = api.with_key(&key).send(method, &path(route, &project.path), "").await.status;
            assert_eq!(status != 403, expected.contains(&scope.as_str()), "{method} {route} with {old:?}");
        }
    }
    assert!(!api.store.dump(SETTINGS).await.contains("secrets:write"), "the rows stay as they are");
}

#[tokio::test]
async fn a_key_must_expire_in_the_future() {
    let (_api, project) = TestApi::with_project().await;
    for expires_at in ["2020-01-01T00:00:00Z", "2026-11-22T08:30:00Z"] {
        let refused = project.post("/api-keys", json!({"name": "dead", "expiresAt": expires_at})).await;
        assert_eq!(refused.bad_fields(), ["/expiresAt"]);
    }
    assert_eq!(project.list("/api-keys").await, [] as [Value; 0]);
}

#[tokio::test]
async fn an_error_says_what_is_wrong_with_a_network() {
    let (_api, project) = TestApi::with_project().await;
    let refused = project.post("/api-keys", json!({"name": "s", "allowedCidrs": ["127.0.0.0/33", "x"]})).await;
    assert_eq!(refused.bad_fields(), ["/allowedCidrs/0", "/allowedCidrs/1"]);
    assert!(refused.text.contains("from 0 to 32 for an IPv4 network"), "{}", refused.text);

    let mapped = project.create("/api-keys", json!({"name": "s", "allowedCidrs": ["::ffff:203.0.113.9/128"]})).await;
    assert_eq!(mapped.created["allowedCidrs"], json!(["203.0.113.9/32"]));
    project.with_key(mapped.string("key")).get("/api-keys").await.expect(200);
}

#[tokio::test]
async fn expired_keys_do_not_block_new_keys_and_are_removed_after_a_month() {
    let (api, project) = TestApi::with_project().await;
    for minutes in 0..19 {
        let expires_at = now().plus(Duration::from_mins(1 + minutes));
        project.create("/api-keys", json!({"name": "short", "expiresAt": expires_at})).await;
    }
    let live = project.create("/api-keys", json!({"name": "live"})).await;
    assert_eq!(project.post("/api-keys", json!({"name": "more"})).await.problem(), (422, "limit-reached"));

    // At the limit, a rotation works if it does not raise the number of valid keys.
    let with_overlap = live.post("/rotate", json!({"overlapDays": 1})).await;
    assert_eq!(with_overlap.problem(), (422, "limit-reached"));
    live.with_key(live.string("key")).post("/rotate", json!({"overlapDays": 0})).await.expect(201);

    api.clock.advance(Duration::from_hours(1));
    let names = async || project.list("/api-keys").await.iter().map(|key| key["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names().await.len(), 20);
    for _ in 0..3 {
        project.create("/api-keys", json!({"name": "more"})).await;
    }
    let listed = names().await;
    assert_eq!((listed.len(), listed.iter().filter(|name| *name == "short").count()), (20, 16));

    api.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(names().await, ["more", "more", "more", "live"]);
    project.create("/api-keys", json!({"name": "more"})).await;
    let stored = api.store.api_keys.list(project.id()).await.unwrap();
    assert_eq!(stored.len(), 5, "the next change deletes the rows");
}

#[tokio::test]
async fn a_key_without_an_expiry_or_networks_has_warnings() {
    let (_api, project) = TestApi::with_project().await;
    for (settings, expected) in [
        (json!({"name": "s"}), vec!["no-expiry", "any-network"]),
        (json!({"name": "s", "expiresAt": "2027-01-01T00:00:00Z"}), vec!["any-network"]),
        (json!({"name": "s", "allowedCidrs": ["203.0.113.9"]}), vec!["no-expiry"]),
        (json!({"name": "s", "expiresAt": "2027-01-01T00:00:00Z", "allowedCidrs": ["203.0.113.9"]}), vec![]),
    ] {
        let key = project.create("/api-keys", settings).await;
        let codes =
            |key: &Value| key["warnings"].as_array().unwrap().iter().map(|w| w["code"].clone()).collect::<Vec<_>>();
        assert_eq!(codes(&key.created), expected);
        assert_eq!(codes(&key.get("").await.body), expected);
        assert!(key.created["warnings"].as_array().unwrap().iter().all(|warning| warning["detail"].is_string()));
    }
}

/// A key that has rotated itself without an overlap, with its client and the response.
struct Replaced {
    api: TestApi,
    project: Resource,
    /// The client with the old key, below the path of the key.
    old: Client,
    response: Value,
}

const ROTATION: &str = r#"{"overlapDays": 0}"#;

async fn replaced(settings: Value) -> Replaced {
    let (api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", settings).await;
    let old = key.with_key(key.string("key")).with_idempotency_key("rotation-7");
    let response = old.post("/rotate", ROTATION).await.expect(201);
    Replaced { api, project, old, response }
}

#[tokio::test]
async fn a_key_that_has_replaced_itself_still_gets_the_response_of_that_rotation_for_a_few_minutes() {
    let Replaced { api, project, old, response } = replaced(json!({"name": "server"})).await;
    for _ in 0..2 {
        let repeated = old.post("/rotate", ROTATION).await;
        assert_eq!((repeated.status, repeated.header("idempotent-replayed")), (201, "true"));
        assert_eq!(repeated.body, response);
        api.clock.advance(Duration::from_mins(2));
    }
    project.with_key(response["key"].as_str().unwrap()).get("/api-keys").await.expect(200);
    assert_eq!(project.list("/api-keys").await.len(), 1);

    api.clock.advance(Duration::from_mins(1));
    assert_eq!(old.post("/rotate", ROTATION).await.problem(), (401, "unknown-key"));
}

#[tokio::test]
async fn a_key_that_has_replaced_itself_can_only_repeat_the_rotation() {
    let Replaced { api, project, old, .. } = replaced(json!({"name": "server"})).await;
    let key = old.key().to_owned();
    for (method, route, access) in ROUTES {
        if matches!(access, crate::matrix::Access::Public) {
            continue;
        }
        for client in [api.with_key(&key), api.with_key(&key).with_idempotency_key("rotation-7")] {
            let response = client.send(method, &path(route, &project.path), ROTATION).await;
            assert_eq!(response.status, 401, "{method} {route}");
        }
    }
    let plain = project.with_key(&key).at(&old.path[project.path.len()..]);
    for (what, response) in [
        ("without its Idempotency-Key", plain.post("/rotate", ROTATION).await),
        ("with another one", plain.with_idempotency_key("rotation-8").post("/rotate", ROTATION).await),
        ("with another body", old.post("/rotate", r#"{"overlapDays": 30}"#).await),
        ("with a large body", old.post("/rotate", "x".repeat(5 * 1024 * 1024)).await),
        ("to read it", old.get("").await),
        ("to revoke it", old.delete("").await),
    ] {
        assert_eq!(response.problem(), (401, "unknown-key"), "{what}");
    }
    let other = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    assert_eq!(old.with_key(other.expose()).post("/rotate", ROTATION).await.status, 401, "another unknown key");
    assert_eq!(old.without_key().post("/rotate", ROTATION).await.status, 401, "no key");
    assert_eq!(project.list("/api-keys").await.len(), 1);
}

#[tokio::test]
async fn the_networks_and_the_expiry_of_a_replaced_key_still_apply() {
    let settings = json!({"name": "near", "allowedCidrs": ["203.0.113.9"], "expiresAt": "2026-11-22T08:32:00Z"});
    let Replaced { api, old, .. } = replaced(settings).await;
    old.without_source_ip().post("/rotate", ROTATION).await.expect(403);
    old.post("/rotate", ROTATION).await.expect(201);
    api.clock.advance(Duration::from_mins(2));
    old.post("/rotate", ROTATION).await.expect(401);
}

#[tokio::test]
async fn only_a_key_that_ended_itself_gets_the_stored_response() {
    let (api, project) = TestApi::with_project().await;
    let (caller, other) = (
        project.create("/api-keys", json!({"name": "caller"})).await,
        project.create("/api-keys", json!({"name": "other"})).await,
    );
    // Another key is rotated: its holder does not get the new key.
    let rotate = |key: &Resource| key.with_key(caller.string("key")).with_idempotency_key("rotation-7");
    rotate(&other).post("/rotate", ROTATION).await.expect(201);
    rotate(&other).with_key(other.string("key")).post("/rotate", ROTATION).await.expect(401);

    // A rotation with an overlap leaves the old key valid. After it is revoked, it no longer gets the response.
    rotate(&caller).post("/rotate", r#"{"overlapDays": 1}"#).await.expect(201);
    rotate(&caller).post("/rotate", r#"{"overlapDays": 1}"#).await.expect(201);
    caller.delete("").await.expect(204);
    rotate(&caller).post("/rotate", r#"{"overlapDays": 1}"#).await.expect(401);
    assert_eq!(api.clock.now(), now());
}
