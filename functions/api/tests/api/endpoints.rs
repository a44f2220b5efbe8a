//! All that an endpoint can be set to, and its secrets, through the API as callers see it.
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Addresses, App, HostNames, router};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::api_key::ApiKey;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::Clock as _;
use shared::delivery::{Attempt, FailureReason, Phases};
use shared::endpoint::Endpoint;
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::time::Timestamp;
use shared::webhook::{Opened, ProjectKeys};

use crate::site::{self, Answer, HandClock, config, now, operator_key};

const FIRST_RING: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;
const ROTATED_RING: &str =
    r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;
const LAST_RING: &str = r#"{"current":"k2","k2":"fedcba9876543210fedcba9876543210"}"#;

/// Two hosts that resolve, and no others.
struct TwoHosts;

impl HostNames for TwoHosts {
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        let addresses: &[&str] = match host {
            "private.example.com" => &["1.1.1.1", "10.0.0.1"],
            "public.example.com" => &["1.1.1.1", "2606:4700::1111"],
            _ => &[],
        };
        Box::pin(async { addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect() })
    }
}

/// The API on a database of its own, with one project and one endpoint.
struct Site {
    clock: Arc<HandClock>,
    database: Database,
    router: Router,
    operator_key: ApiKey,
    project: String,
    endpoint: Value,
}

impl Site {
    /// A project with an endpoint at `https://hooks.example.com/`.
    async fn start() -> Self {
        let database = Database::start().await;
        let operator_key = operator_key();
        let clock = Arc::new(HandClock::starting_now());
        let router = api(&database, &operator_key, &clock, FIRST_RING);
        let mut site = Self { clock, database, router, operator_key, project: String::new(), endpoint: Value::Null };
        let created = site.send("POST", "/v1/projects", &json!({ "name": "Acme" })).await;
        site.project = created.body["id"].as_str().unwrap().to_owned();
        site.endpoint = site.create(json!({ "url": "https://hooks.example.com/" })).await.body;
        site
    }

    /// The same with another key ring, as after a rotation.
    fn with_ring(self, ring: &str) -> Self {
        let router = api(&self.database, &self.operator_key, &self.clock, ring);
        Self { router, ..self }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_as(self.operator_key.expose(), method, path, body).await
    }

    async fn send_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        site::send(&self.router, method, path, key, &body).await
    }

    async fn create(&self, wishes: Value) -> Answer {
        self.on_project("POST", "/endpoints", wishes).await
    }

    /// Calls below the project.
    async fn on_project(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, &format!("/v1/projects/{}{path}", self.project), &body).await
    }

    /// Calls below the endpoint.
    async fn on_endpoint(&self, method: &str, path: &str, body: Value) -> Answer {
        let id = self.endpoint["id"].as_str().unwrap();
        self.on_project(method, &format!("/endpoints/{id}{path}"), body).await
    }

    async fn shown(&self) -> Value {
        self.on_endpoint("GET", "", Value::Null).await.body
    }

    async fn stored(&self) -> Endpoint {
        let id = self.endpoint["id"].as_str().unwrap().parse().unwrap();
        self.database.settings.endpoint(self.project.parse().unwrap(), id).await.unwrap().unwrap()
    }

    async fn kids(&self) -> Vec<String> {
        let listed = self.on_project("GET", "/jwks.json", Value::Null).await.body;
        listed["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    /// Re-seals everything, as the operator's loop does; answers how many values that were.
    async fn reseal(&self) -> u64 {
        let mut resealed = 0;
        let mut body = json!({});
        loop {
            let answer = self.send("POST", "/v1/key-ring/reseal", &body).await;
            assert_eq!((answer.status, &answer.body["unreadable"]), (StatusCode::OK, &json!(0)), "{}", answer.body);
            resealed += answer.body["resealed"].as_u64().unwrap();
            let Some(cursor) = answer.body["cursor"].as_str() else { return resealed };
            body = json!({ "cursor": cursor });
        }
    }

    fn pass(&self, time: Duration) {
        self.clock.pass(time);
    }
}

fn api(database: &Database, operator_key: &ApiKey, clock: &Arc<HandClock>, ring: &str) -> Router {
    let key_ring = KeyRingSecret::known(KeyRing::from_json(ring).unwrap());
    let app = App::new(config(operator_key, &[]), database.aws(), key_ring, clock.clone(), Arc::new(SystemRandom));
    router(app.with_host_names(Arc::new(TwoHosts)))
}

#[tokio::test]
async fn an_endpoint_is_shown_as_it_was_set_and_without_secrets() {
    let site = Site::start().await;
    let wishes = json!({
        "url": "https://public.example.com/", "description": "CRM", "eventTypes": ["aml"], "format": "argos",
        "signatures": ["v1a", "v1"], "headers": { "Authorization": "Bearer hunter2" },
    });
    let created = site.create(wishes).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let path = format!("/endpoints/{}", created.body["id"].as_str().unwrap());
    let shown = site.on_project("GET", &path, Value::Null).await.body;
    assert_eq!(
        shown,
        json!({
            "id": created.body["id"], "url": "https://public.example.com/", "description": "CRM", "state": "active",
            "health": { "failures": 0 }, "eventTypes": ["aml"], "headerNames": ["authorization"], "format": "argos", "encryption": "none",
            "signatures": ["v1", "v1a"], "sourceIps": [], "createdAt": "2026-11-22T08:30:00.000Z",
        })
    );
}

#[tokio::test]
async fn a_change_changes_what_it_names_and_nothing_else() {
    let site = Site::start().await;
    let change = json!({ "eventTypes": ["approved"], "headers": { "x-a": "1", "x-b": "2" }, "description": "CRM" });
    assert_eq!(site.on_endpoint("PATCH", "", change).await.status, StatusCode::OK);
    let moved = json!({ "url": "https://public.example.com/", "eventTypes": null, "headers": { "x-a": null } });
    let changed = site.on_endpoint("PATCH", "", moved).await.body;
    assert_eq!((&changed["url"], &changed["eventTypes"]), (&json!("https://public.example.com/"), &Value::Null));
    assert_eq!((&changed["headerNames"], &changed["description"]), (&json!(["x-b"]), &json!("CRM")));
    assert_eq!(changed, site.shown().await);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_change_is_said_at_once_and_nothing_of_it_happens() {
    let site = Site::start().await;
    let before = site.stored().await;
    let change = json!({
        "url": "https://api.signpost.example.com/", "format": "xml", "signatures": [], "headers": { "host": "x" },
        "description": "fine", "state": "paused", "signingSecret": "whsec_x",
    });
    let refused = site.on_endpoint("PATCH", "", change).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.pointers(), ["/url", "/headers/host", "/format", "/signatures", "/signingSecret", "/state"]);
    let refused = site
        .on_endpoint("PATCH", "", json!({ "url": "https://private.example.com/", "encryption": "aes-256-gcm" }))
        .await;
    assert_eq!(refused.pointers(), ["/url", "/encryption"]);
    assert_eq!(site.stored().await, before);
}

#[tokio::test]
async fn a_host_that_leads_to_a_private_address_is_refused_and_one_that_leads_nowhere_is_not() {
    let site = Site::start().await;
    let create = async |host: &str| site.create(json!({ "url": format!("https://{host}/") })).await;
    assert_eq!(create("private.example.com").await.pointers(), ["/url"]);
    assert_eq!(create("API.Signpost.example.com.").await.pointers(), ["/url"]);
    assert_eq!(create("not-yet.example.com").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn encryption_needs_a_secret_key_first() {
    let site = Site::start().await;
    let wishes = json!({ "url": "https://hooks.example.com/", "encryption": "aes-256-ecb" });
    let refused = site.create(wishes.clone()).await;
    assert_eq!(refused.pointers(), ["/encryption"]);
    assert!(refused.body["errors"][0]["detail"].as_str().unwrap().contains("return-url/keys"));
    site.on_project("POST", "/return-url/keys", json!({})).await;
    assert_eq!(site.create(wishes).await.status, StatusCode::CREATED);
    let changed = site.on_endpoint("PATCH", "", json!({ "encryption": "aes-256-gcm" })).await;
    assert_eq!(changed.body["encryption"], "aes-256-gcm");
}

#[tokio::test]
async fn of_changes_at_the_same_time_none_is_lost_unnoticed() {
    let site = Site::start().await;
    let change = async |number: u8| {
        let answer = site.on_endpoint("PATCH", "", json!({ "headers": { format!("x-{number}"): "1" } })).await;
        if answer.status == StatusCode::CONFLICT {
            assert_eq!(answer.body["type"], "/problems/changed-meanwhile");
            assert!(answer.headers.contains_key("retry-after"));
        }
        answer.status
    };
    let statuses: [StatusCode; 6] =
        tokio::join!(change(0), change(1), change(2), change(3), change(4), change(5)).into();
    let changed = statuses.iter().filter(|status| **status == StatusCode::OK).count();
    assert!(statuses.iter().all(|status| [StatusCode::OK, StatusCode::CONFLICT].contains(status)), "{statuses:?}");
    let stored = site.stored().await;
    assert_eq!((stored.headers.len(), stored.version), (changed, 1 + u32::try_from(changed).unwrap()));
}

#[tokio::test]
async fn during_a_rotation_webhooks_verify_with_both_secrets_and_afterwards_with_the_new_one() {
    let site = Site::start().await;
    let old = site.endpoint["signingSecret"].as_str().unwrap().to_owned();
    let rotated = site.on_endpoint("POST", "/signing-secret/rotate", json!({ "overlapDays": 2 })).await;
    assert_eq!(
        (rotated.status, &rotated.body["previousSecretsUntil"]),
        (StatusCode::OK, &json!("2026-11-24T08:30:00.000Z"))
    );
    let new = rotated.body["signingSecret"].as_str().unwrap().to_owned();
    let shown = site.shown().await;
    assert_eq!(
        (&shown["previousSecretsUntil"], shown.get("signingSecret")),
        (&json!("2026-11-24T08:30:00.000Z"), None)
    );

    let ring = KeyRing::from_json(FIRST_RING).unwrap();
    let opened = Opened::of(&site.stored().await, &ProjectKeys::default(), &ring).unwrap();
    let verifies = |secret: &str, at: Timestamp| {
        let id = shared::id::EventId::new(at, &SystemRandom);
        let headers = shared::webhook::headers(&opened, id, 1, at, b"{}");
        let signatures = headers["webhook-signature"].to_str().unwrap().to_owned();
        let secret: shared::signature::SigningSecret = secret.parse().unwrap();
        signatures.split(' ').position(|signature| signature == secret.sign(id, at, b"{}"))
    };
    assert_eq!((verifies(&new, now()), verifies(&old, now())), (Some(0), Some(1)));
    site.pass(Duration::from_hours(48));
    let later = site.clock.now();
    assert_eq!((verifies(&new, later), verifies(&old, later)), (Some(0), None));
    assert_eq!(site.shown().await.get("previousSecretsUntil"), None);
}

#[tokio::test]
async fn older_secrets_end_at_once_when_asked() {
    let site = Site::start().await;
    for _ in 0..2 {
        assert_eq!(site.on_endpoint("POST", "/signing-secret/rotate", Value::Null).await.status, StatusCode::OK);
    }
    for _ in 0..2 {
        let ended = site.on_endpoint("DELETE", "/signing-secret/previous", Value::Null).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        assert_eq!(site.shown().await.get("previousSecretsUntil"), None);
    }
    let without_overlap = site.on_endpoint("POST", "/signing-secret/rotate", json!({ "overlapDays": 0 })).await;
    assert_eq!(without_overlap.body.get("previousSecretsUntil"), None);
    assert_eq!(site.stored().await.retiring_secrets, []);
}

#[tokio::test]
async fn at_most_four_older_secrets_sign_and_expired_ones_are_dropped_at_the_next_write() {
    let site = Site::start().await;
    for _ in 0..4 {
        site.on_endpoint("POST", "/signing-secret/rotate", json!({})).await;
    }
    let refused = site.on_endpoint("POST", "/signing-secret/rotate", json!({})).await;
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/problems/limit-reached"))
    );
    let bad = site.on_endpoint("POST", "/signing-secret/rotate", json!({ "overlapDays": 31, "days": 1 })).await;
    assert_eq!(bad.pointers(), ["/overlapDays", "/days"]);
    site.pass(Duration::from_hours(24));
    site.on_endpoint("PATCH", "", json!({ "description": "CRM" })).await;
    assert_eq!(site.stored().await.retiring_secrets, []);
}

#[tokio::test]
async fn the_first_key_pair_is_made_once_when_it_is_needed() {
    let site = Site::start().await;
    assert_eq!(site.kids().await, [""; 0]);
    let wishes = || json!({ "url": "https://hooks.example.com/", "signatures": ["v1a"] });
    let statuses = tokio::join!(site.create(wishes()), site.create(wishes()), site.create(wishes()));
    let statuses = <[Answer; 3]>::from(statuses).map(|answer| answer.status);
    assert_eq!(statuses, [StatusCode::CREATED; 3]);
    assert_eq!(site.kids().await.len(), 1);
}

#[tokio::test]
async fn no_key_pair_is_made_for_a_change_that_is_refused() {
    let site = Site::start().await;
    let headers = |prefix| -> Value { (0..20).map(|number| (format!("x-{prefix}-{number}"), json!("1"))).collect() };
    site.on_endpoint("PATCH", "", json!({ "headers": headers("a") })).await;
    let too_many = site.on_endpoint("PATCH", "", json!({ "signatures": ["v1a"], "headers": headers("b") })).await;
    assert_eq!((too_many.status, site.kids().await), (StatusCode::UNPROCESSABLE_ENTITY, Vec::new()));
}

#[tokio::test]
async fn anybody_may_fetch_the_public_keys_and_nobody_learns_whether_a_project_exists() {
    let site = Site::start().await;
    site.on_endpoint("PATCH", "", json!({ "signatures": ["v1", "v1a"] })).await;
    let path = format!("/v1/projects/{}/jwks.json", site.project);
    let listed = site.send_as("", "GET", &path, &Value::Null).await;
    let key = &listed.body["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    assert_eq!((&key["alg"], key["x"].as_str().unwrap().len(), key.get("d")), (&json!("EdDSA"), 43, None));
    assert_eq!(listed.headers["cache-control"], "public, max-age=300");
    let unknown = "/v1/projects/019ab5e0-0000-7000-8000-000000000000/jwks.json";
    let listed = site.send_as("", "GET", unknown, &Value::Null).await;
    assert_eq!((listed.status, listed.body), (StatusCode::OK, json!({ "keys": [] })));
    let no_id = site.send_as("", "GET", "/v1/projects/nonsense/jwks.json", &Value::Null).await;
    assert_eq!(no_id.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_new_key_pair_is_listed_before_it_signs_and_the_old_one_for_a_day_after() {
    let site = Site::start().await;
    site.on_endpoint("PATCH", "", json!({ "signatures": ["v1a"] })).await;
    let old = site.kids().await;
    let rotated = site.on_project("POST", "/jwks/rotate", Value::Null).await;
    assert_eq!((rotated.status, &rotated.body["signsFrom"]), (StatusCode::OK, &json!("2026-11-22T08:40:00.000Z")));
    let new = rotated.body["kid"].as_str().unwrap().to_owned();
    assert_eq!(site.kids().await, [old[0].clone(), new.clone()]);
    site.pass(Duration::from_hours(24) + Duration::from_mins(10));
    assert_eq!(site.kids().await, [new]);

    for _ in 0..3 {
        assert_eq!(site.on_project("POST", "/jwks/rotate", json!({})).await.status, StatusCode::OK);
    }
    let refused = site.on_project("POST", "/jwks/rotate", json!({})).await;
    assert_eq!(refused.body["type"], "/problems/limit-reached");
}

#[tokio::test]
async fn key_pairs_are_rotated_with_the_right_to_write_settings() {
    let site = Site::start().await;
    let wishes = json!({ "name": "reader", "scopes": ["settings:read"] });
    let reader = site.on_project("POST", "/api-keys", wishes).await.body["key"].as_str().unwrap().to_owned();
    let path = format!("/v1/projects/{}/jwks/rotate", site.project);
    assert_eq!(site.send_as(&reader, "POST", &path, &json!({})).await.status, StatusCode::FORBIDDEN);
    let first = site.on_project("POST", "/jwks/rotate", json!({})).await;
    assert_eq!((&first.body["signsFrom"], site.kids().await.len()), (&json!("2026-11-22T08:30:00.000Z"), 1));
}

#[tokio::test]
async fn after_resealing_the_old_master_key_is_needed_no_more() {
    let site = Site::start().await;
    for name in ["Beta", "Gamma"] {
        site.send("POST", "/v1/projects", &json!({ "name": name })).await;
    }
    site.on_project("POST", "/return-url/keys", json!({})).await;
    let change =
        json!({ "headers": { "x-a": "1", "x-b": "2" }, "signatures": ["v1", "v1a"], "encryption": "aes-256-gcm" });
    site.on_endpoint("PATCH", "", change).await;
    site.on_endpoint("POST", "/signing-secret/rotate", json!({})).await;
    site.on_project("POST", "/jwks/rotate", json!({})).await;

    let site = site.with_ring(ROTATED_RING);
    // Two secrets, two headers, two private keys and the secretKey.
    assert_eq!((site.reseal().await, site.reseal().await), (7, 0));
    let (project, endpoint) = (site.project.parse().unwrap(), site.stored().await);
    let settings = &site.database.settings;
    let keys = ProjectKeys {
        secret_key: settings.return_url_keys_now(project).await.unwrap().current_at(now()).cloned(),
        key_pairs: settings.key_pairs(project).await.unwrap(),
    };
    assert!(Opened::of(&endpoint, &keys, &KeyRing::from_json(LAST_RING).unwrap()).is_ok());
    assert!(Opened::of(&endpoint, &keys, &KeyRing::from_json(FIRST_RING).unwrap()).is_err());
}

#[tokio::test]
async fn a_walk_over_many_projects_goes_on_where_it_was() {
    let site = Site::start().await;
    let mut projects = HashSet::from([site.project.clone()]);
    for _ in 0..44 {
        let created = site.send("POST", "/v1/projects", &json!({ "name": "Acme" })).await;
        projects.insert(created.body["id"].as_str().unwrap().to_owned());
    }
    for project in projects.iter().filter(|project| **project != site.project) {
        let path = format!("/v1/projects/{project}/jwks/rotate");
        assert_eq!(site.send("POST", &path, &json!({})).await.status, StatusCode::OK);
    }
    assert_eq!(site.with_ring(ROTATED_RING).reseal().await, 45);
}

#[tokio::test]
async fn a_value_that_cannot_be_opened_is_counted_and_stops_nothing() {
    let site = Site::start().await.with_ring(LAST_RING);
    let answer = site.send("POST", "/v1/key-ring/reseal", &Value::Null).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "resealed": 0, "unreadable": 1 })));
}

#[tokio::test]
async fn only_the_operator_reseals_and_only_with_a_cursor_of_ours() {
    let site = Site::start().await;
    let key = site.on_project("POST", "/api-keys", json!({ "name": "server" })).await.body["key"].clone();
    let refused = site.send_as(key.as_str().unwrap(), "POST", "/v1/key-ring/reseal", &json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = site.send("POST", "/v1/key-ring/reseal", &json!({ "cursor": "!" })).await;
    assert_eq!((refused.status, refused.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/cursor"]));
}

#[tokio::test]
async fn a_paused_endpoint_says_so_until_it_is_resumed() {
    let site = Site::start().await;
    let paused = site.on_endpoint("POST", "/pause", Value::Null).await;
    assert_eq!((paused.status, &paused.body["state"]), (StatusCode::OK, &json!("paused")));
    assert_eq!(site.on_endpoint("POST", "/pause", Value::Null).await.status, StatusCode::OK);
    let resumed = site.on_endpoint("POST", "/resume", Value::Null).await;
    assert_eq!((resumed.status, &resumed.body["state"]), (StatusCode::OK, &json!("active")));
}

#[tokio::test]
async fn resuming_enables_an_endpoint_whose_receiver_was_gone_and_has_it_looked_after() {
    let site = Site::start().await;
    let (project, endpoint) = (site.project.parse().unwrap(), site.endpoint["id"].as_str().unwrap().parse().unwrap());
    let known = site.database.activity.health_now(project, endpoint).await.unwrap();
    let gone = Attempt {
        number: 1,
        at: now(),
        duration_ms: 5,
        phases: Phases::default(),
        status: Some(410),
        reason: Some(FailureReason::Status),
        response: None,
    };
    let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
    let disabled = known.next(known.health.clone().after(&gone, None, &policy), None);
    site.database.activity.put_health(&disabled).await.unwrap();
    let shown = site.on_endpoint("GET", "", Value::Null).await.body;
    assert_eq!((&shown["state"], &shown["health"]["disabledBecause"]), (&json!("disabled"), &json!("gone")));

    let resumed = site.on_endpoint("POST", "/resume", Value::Null).await.body;

    assert_eq!((&resumed["state"], &resumed["health"]), (&json!("active"), &json!({ "failures": 0 })));
    let stored = site.database.activity.health_now(project, endpoint).await.unwrap();
    assert_eq!(stored.sweep_at, Some(now()));
}

#[tokio::test]
async fn an_endpoint_whose_resumption_is_cut_off_is_looked_after_all_the_same() {
    let site = Site::start().await;
    let (project, id) = (site.project.parse().unwrap(), site.endpoint["id"].as_str().unwrap().parse().unwrap());
    let known = site.database.activity.health_now(project, id).await.unwrap();
    site.database.activity.put_health(&known.next(known.health.clone(), None)).await.unwrap();
    let endpoint = site.database.settings.endpoint(project, id).await.unwrap().unwrap();
    site.database.spoil_endpoint(&endpoint).await;

    assert!(site.on_endpoint("POST", "/resume", Value::Null).await.status.is_server_error());
    let stored = site.database.activity.health_now(project, id).await.unwrap();
    assert_eq!(stored.sweep_at, Some(now().plus(Duration::from_mins(2))));
}
