//! Endpoints: their settings, signing secrets, key pairs and state, and the resealing of secrets.

use std::collections::HashSet;
use std::time::Duration;

use aws::store::StoredHealth;
use domain::foundation::clock::Clock as _;
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::event::EventType;
use domain::webhooks::health::HoldReason;
use domain::webhooks::request::{self, EndpointSecrets, ProjectKeys};
use domain::webhooks::sample;
use domain::webhooks::signature::SigningSecret;
use serde_json::{Value, json};

use crate::client::Resource;
use crate::fixture::{KEY_RING, NOW, Options, TestApi, UNKNOWN_ID, attempt, key_ring, now};
use crate::receiver_access::{certificate, oauth2};

const ROTATED_RING: &str =
    r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;
const LAST_RING: &str = r#"{"current":"k2","k2":"fedcba9876543210fedcba9876543210"}"#;

/// A project with one endpoint.
struct Site {
    api: TestApi,
    project: Resource,
    endpoint: Resource,
}

impl Site {
    async fn start() -> Self {
        let (api, project, endpoint) = TestApi::with_endpoint().await;
        Self { api, project, endpoint }
    }

    async fn stored(&self) -> Endpoint {
        self.api.store.endpoints.get(self.project.id(), self.endpoint.id()).await.unwrap().unwrap()
    }

    async fn stored_health(&self) -> StoredHealth {
        self.api.store.health.get_now(self.project.id(), self.endpoint.id()).await.unwrap()
    }

    /// The ids of the project's public keys.
    async fn key_ids(&self) -> Vec<String> {
        let listed = self.project.get("/jwks.json").await.expect(200);
        listed["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

/// Starts the API again with another key ring, as after a rotation.
fn restart_with_ring(api: TestApi, key_ring: &'static str) -> TestApi {
    api.restart_with(&Options { key_ring, ..Options::default() })
}

/// Reseals all values, call by call, as the operator's script does. Returns the number of resealed values.
async fn reseal(api: &TestApi) -> u64 {
    let (mut resealed, mut body) = (0, json!({}));
    loop {
        let response = api.post("/v1/key-ring/reseal", body).await.expect(200);
        assert_eq!(response["unreadable"], 0, "{response}");
        resealed += response["resealed"].as_u64().unwrap();
        let Some(cursor) = response["cursor"].as_str() else { return resealed };
        body = json!({"cursor": cursor});
    }
}

#[tokio::test]
async fn an_endpoint_is_read_as_it_was_set_without_its_secrets() {
    let (_api, project) = TestApi::with_project().await;
    let settings = json!({
        "url": "https://public.example.com/", "description": "CRM", "eventTypes": ["aml"], "format": "argos",
        "signatures": ["v1a", "v1"], "ordered": true, "headers": {"Authorization": "Bearer hunter2"},
    });
    let endpoint = project.create("/endpoints", settings).await;
    assert_eq!(
        endpoint.get("").await.expect(200),
        json!({
            "id": endpoint.created["id"], "url": "https://public.example.com/", "description": "CRM", "state": "active",
            "health": {"failures": 0}, "eventTypes": ["aml"], "headerNames": ["authorization"], "format": "argos",
            "payload": "full", "encryption": "none", "signatures": ["v1", "v1a"], "ordered": true, "pace": null, "ownership": "none",
            "ownershipProof": null, "oauth2": null, "clientCertificate": null, "secretBroughtAlong": false,
            "sourceIps": ["198.51.100.1", "198.51.100.2"], "createdAt": NOW, "warnings": [], "heldDeliveries": 0,
        })
    );
}

#[tokio::test]
async fn a_change_affects_only_the_fields_it_contains() {
    let Site { endpoint, .. } = &Site::start().await;
    let change = json!({"eventTypes": ["approved"], "headers": {"x-a": "1", "x-b": "2"}, "description": "CRM"});
    endpoint.patch("", change).await.expect(200);
    let change = json!({"url": "https://hooks.example.com/v2", "eventTypes": null, "headers": {"x-a": null}});
    let changed = endpoint.patch("", change).await.expect(200);
    assert_eq!((&changed["url"], &changed["eventTypes"]), (&json!("https://hooks.example.com/v2"), &Value::Null));
    assert_eq!((&changed["headerNames"], &changed["description"]), (&json!(["x-b"]), &json!("CRM")));
    assert_eq!(changed, endpoint.get("").await.body);
}

#[tokio::test]
async fn settings_that_exclude_each_other_are_rejected_whichever_comes_first() {
    let Site { endpoint, .. } = &Site::start().await;
    let thin = endpoint.patch("", json!({"payload": "thin"})).await.expect(200);
    assert_eq!(thin["payload"], "thin");
    assert_eq!(endpoint.patch("", json!({"format": "argos"})).await.bad_fields(), ["/format"]);
    assert_eq!(endpoint.get("").await.expect(200), thin);
    endpoint.patch("", json!({"format": "argos", "payload": null})).await.expect(200);
    assert_eq!(endpoint.patch("", json!({"payload": "thin"})).await.bad_fields(), ["/payload"]);
}

#[tokio::test]
async fn a_rejected_change_names_every_bad_field_and_changes_nothing() {
    let site = Site::start().await;
    let before = site.stored().await;
    let change = json!({
        "url": "https://api.signpost.example.com/", "format": "xml", "signatures": [], "headers": {"host": "x"},
        "description": "fine", "state": "paused", "signingSecret": "whsec_x",
    });
    let refused = site.endpoint.patch("", change).await;
    assert_eq!(refused.bad_fields(), ["/url", "/headers/host", "/format", "/signatures", "/signingSecret", "/state"]);
    let change = json!({"url": "https://private.example.com/", "encryption": "aes-256-gcm"});
    assert_eq!(site.endpoint.patch("", change).await.bad_fields(), ["/url", "/encryption"]);
    assert_eq!(site.stored().await, before);
}

#[tokio::test]
async fn a_host_with_a_private_address_is_rejected_and_a_host_without_addresses_is_accepted() {
    let (_api, project) = TestApi::with_project().await;
    let create = async |host: &str| project.post("/endpoints", json!({"url": format!("https://{host}/")})).await;
    assert_eq!(create("private.example.com").await.bad_fields(), ["/url"]);
    assert_eq!(create("API.Signpost.example.com.").await.bad_fields(), ["/url"]);
    create("not-yet.example.com").await.expect(201);
}

#[tokio::test]
async fn stored_header_values_are_not_sent_to_another_origin() {
    let site = Site::start().await;
    site.endpoint.patch("", json!({"headers": {"authorization": "Bearer hunter2", "x-b": "2"}})).await.expect(200);
    let before = site.stored().await;
    for url in ["https://evil.example.com/", "https://hooks.example.com:8443/"] {
        let moved = site.endpoint.patch("", json!({"url": url})).await;
        assert_eq!(moved.bad_fields(), ["/headers/authorization", "/headers/x-b"]);
        assert!(!moved.text.contains("hunter2"));
        let moved = site.endpoint.patch("", json!({"url": url, "headers": {"x-b": null, "x-c": "3"}})).await;
        assert_eq!(moved.bad_fields(), ["/headers/authorization"]);
    }
    assert_eq!(site.stored().await, before);

    site.endpoint.patch("", json!({"url": "https://hooks.example.com/v2"})).await.expect(200);
    assert_eq!(site.stored().await.headers, before.headers, "within the origin the values stay");
    let brought = json!({"url": "https://new.example.com/", "headers": {"authorization": "Bearer new", "x-b": null}});
    let moved = site.endpoint.patch("", brought).await.expect(200);
    assert_eq!((&moved["headerNames"], &moved["url"]), (&json!(["authorization"]), &json!("https://new.example.com/")));
    assert_ne!(site.stored().await.headers, before.headers);
}

#[tokio::test]
async fn duplicate_header_names_are_rejected_regardless_of_case() {
    let (_api, project) = TestApi::with_project().await;
    for (headers, pointer) in [
        (r#"{"X-A":"1","x-a":"2"}"#, "/headers/x-a"),
        (r#"{"x-a":"1","x-a":"1"}"#, "/headers/x-a"),
        (r#"{"x-a":"1","x-b":"1","X-A":"1"}"#, "/headers/X-A"),
    ] {
        let refused =
            project.post("/endpoints", format!(r#"{{"url":"https://a.example/","headers":{headers}}}"#)).await;
        assert_eq!(refused.bad_fields(), [pointer], "{headers}");
    }
}

#[tokio::test]
async fn urls_that_clients_read_differently_are_rejected_and_others_are_stored_as_legal_urls() {
    let (_api, project) = TestApi::with_project().await;
    let create = async |url: &str| project.post("/endpoints", json!({"url": url})).await;
    for url in [
        "https://localhost/",
        "https://api.localhost/",
        "https://localhost.localdomain/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        r"https://example.com\@10.0.0.1/",
        r"https:\\example.com/",
        "https://example.com/%zz",
    ] {
        assert_eq!(create(url).await.bad_fields(), ["/url"], "{url}");
    }
    assert_eq!(
        create("https://a.example/hook?r={}|^`").await.expect(201)["url"],
        "https://a.example/hook?r=%7B%7D%7C%5E%60"
    );
}

#[tokio::test]
async fn a_supplied_signing_secret_is_accepted_and_shown_once() {
    let (_api, project) = TestApi::with_project().await;
    let (first, second) = ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let settings = json!({"url": "https://hooks.example.com/", "signingSecret": first});
    let endpoint = project.create("/endpoints", &settings).await;
    assert_eq!((endpoint.string("signingSecret"), &endpoint.created["secretBroughtAlong"]), (first, &json!(true)));

    let rotated = endpoint.post("/signing-secret/rotate", json!({"signingSecret": second})).await.expect(200);
    assert_eq!(rotated["signingSecret"], second);
    for signing in [first, second] {
        let repeated = endpoint.post("/signing-secret/rotate", json!({"signingSecret": signing})).await;
        assert_eq!(repeated.bad_fields(), ["/signingSecret"]);
    }
    let generated = endpoint.post("/signing-secret/rotate", "").await.expect(200);
    assert_ne!(generated["signingSecret"], second);

    let shown = endpoint.get("").await;
    assert_eq!(shown.body["secretBroughtAlong"], false);
    let log = project.get("/audit").await;
    for secret in [first, second] {
        assert!(!shown.text.contains(&secret[6..]) && !log.text.contains(&secret[6..]), "a secret is shown");
    }
    let changes = |index: usize| log.body["items"][index]["changes"].as_array().unwrap().clone();
    let brought = |after: bool| json!({"field": "secretBroughtAlong", "before": !after, "after": after});
    assert!(changes(0).contains(&brought(false)), "{:?}", changes(0));
    assert!(changes(2).contains(&json!({"field": "secretBroughtAlong", "after": true})), "{:?}", changes(2));
}

#[tokio::test]
async fn a_signing_secret_that_is_malformed_or_guessable_is_rejected_without_being_shown() {
    let Site { project, endpoint, .. } = &Site::start().await;
    let all_zero = format!("whsec_{}", "A".repeat(32));
    for bad in ["hunter2hunter2", "whsec_aHVudGVyMg==", "whsec_hunter2-hunter2-hunter2-hunter2-", all_zero.as_str()] {
        let create = project.post("/endpoints", json!({"url": "https://a.example/", "signingSecret": bad})).await;
        let rotate = endpoint.post("/signing-secret/rotate", json!({"signingSecret": bad})).await;
        for refused in [create, rotate] {
            assert_eq!(refused.bad_fields(), ["/signingSecret"]);
            assert!(!refused.text.contains(&bad[6..]), "{}", refused.text);
        }
    }
    let writer = project.with_scopes(&["settings:write"]).await;
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    writer.post("/endpoints", json!({"url": "https://a.example/", "signingSecret": secret})).await.expect(403);
}

#[tokio::test]
async fn an_endpoint_with_weak_encryption_has_a_warning() {
    let Site { project, endpoint, .. } = &Site::start().await;
    project.post("/return-url/keys", "{}").await.expect(201);
    for (encryption, codes) in
        [("aes-256-ecb", json!(["weak-encryption"])), ("aes-256-gcm", json!([])), ("none", json!([]))]
    {
        let changed = endpoint.patch("", json!({"encryption": encryption})).await.expect(200);
        let shown: Vec<&Value> =
            changed["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
        assert_eq!(json!(shown), codes, "{encryption}");
    }
}

#[tokio::test]
async fn encryption_needs_a_secret_key_first() {
    let Site { project, endpoint, .. } = &Site::start().await;
    let settings = json!({"url": "https://hooks.example.com/", "encryption": "aes-256-ecb"});
    let refused = project.post("/endpoints", &settings).await;
    assert_eq!(refused.bad_fields(), ["/encryption"]);
    assert!(refused.body["errors"][0]["detail"].as_str().unwrap().contains("return-url/keys"));
    project.post("/return-url/keys", "{}").await.expect(201);
    project.create("/endpoints", &settings).await;
    let changed = endpoint.patch("", json!({"encryption": "aes-256-gcm"})).await.expect(200);
    assert_eq!(changed["encryption"], "aes-256-gcm");
}

#[tokio::test]
async fn every_concurrent_change_is_either_applied_or_rejected() {
    let site = Site::start().await;
    let change = async |number: u8| {
        let response = site.endpoint.patch("", json!({"headers": {format!("x-{number}"): "1"}})).await;
        if response.status != 200 {
            assert_eq!(response.problem(), (409, "changed-meanwhile"));
            assert!(response.headers.contains_key("retry-after"));
        }
        response.status == 200
    };
    let are_applied: [bool; 6] = tokio::join!(change(0), change(1), change(2), change(3), change(4), change(5)).into();
    let applied = are_applied.into_iter().filter(|is_applied| *is_applied).count();
    let stored = site.stored().await;
    assert_eq!((stored.headers.len(), stored.version), (applied, 1 + u32::try_from(applied).unwrap()));
}

#[tokio::test]
async fn webhooks_are_signed_with_both_secrets_during_the_overlap_and_then_only_with_the_new_one() {
    let site = Site::start().await;
    let old: SigningSecret = site.endpoint.string("signingSecret").parse().unwrap();
    let rotated = site.endpoint.post("/signing-secret/rotate", json!({"overlapDays": 2})).await.expect(200);
    assert_eq!(rotated["previousSecretsUntil"], "2026-11-24T08:30:00.000Z");
    let new: SigningSecret = rotated["signingSecret"].as_str().unwrap().parse().unwrap();
    let shown = site.endpoint.get("").await.body;
    assert_eq!(shown["previousSecretsUntil"], "2026-11-24T08:30:00.000Z");
    assert_eq!(shown.get("signingSecret"), None);

    let secrets = EndpointSecrets::of(&site.stored().await, &ProjectKeys::default(), &key_ring(KEY_RING)).unwrap();
    let clock = &site.api.clock;
    let position_of = |secret: &SigningSecret| {
        let (id, at) = (EventId::new(clock.now(), &SystemRandom), clock.now());
        let event = sample::event(EventType::Approved, id, site.project.id());
        let headers = request::headers(&secrets, &event, 1, at, b"{}");
        let mut signatures = headers["webhook-signature"].to_str().unwrap().split(' ');
        signatures.position(|signature| signature == secret.sign(id, at, b"{}"))
    };
    assert_eq!((position_of(&new), position_of(&old)), (Some(0), Some(1)));
    clock.advance(Duration::from_hours(48));
    assert_eq!((position_of(&new), position_of(&old)), (Some(0), None));
    assert_eq!(site.endpoint.get("").await.body.get("previousSecretsUntil"), None);
}

#[tokio::test]
async fn older_secrets_can_be_removed_at_once() {
    let site = Site::start().await;
    for _ in 0..2 {
        site.endpoint.post("/signing-secret/rotate", "").await.expect(200);
    }
    for _ in 0..2 {
        site.endpoint.delete("/signing-secret/previous").await.expect(204);
        assert_eq!(site.endpoint.get("").await.body.get("previousSecretsUntil"), None);
    }
    let rotated = site.endpoint.post("/signing-secret/rotate", json!({"overlapDays": 0})).await.expect(200);
    assert_eq!(rotated.get("previousSecretsUntil"), None);
    assert_eq!(site.stored().await.retiring_secrets, []);
}

#[tokio::test]
async fn an_endpoint_has_at_most_four_older_secrets_and_the_next_write_removes_expired_ones() {
    let site = Site::start().await;
    for _ in 0..4 {
        site.endpoint.post("/signing-secret/rotate", "{}").await.expect(200);
    }
    let refused = site.endpoint.post("/signing-secret/rotate", "{}").await;
    assert_eq!(refused.problem(), (422, "limit-reached"));
    let bad = site.endpoint.post("/signing-secret/rotate", json!({"overlapDays": 31, "days": 1})).await;
    assert_eq!(bad.bad_fields(), ["/overlapDays", "/days"]);
    site.api.clock.advance(Duration::from_hours(24));
    site.endpoint.patch("", json!({"description": "CRM"})).await.expect(200);
    assert_eq!(site.stored().await.retiring_secrets, []);
}

#[tokio::test]
async fn concurrent_requests_create_the_first_key_pair_once() {
    let site = Site::start().await;
    assert_eq!(site.key_ids().await, [""; 0]);
    let settings = json!({"url": "https://hooks.example.com/", "signatures": ["v1a"]});
    let create = || site.project.create("/endpoints", &settings);
    tokio::join!(create(), create(), create());
    assert_eq!(site.key_ids().await.len(), 1);
}

#[tokio::test]
async fn a_rejected_change_creates_no_key_pair() {
    let site = Site::start().await;
    let headers = |prefix| -> Value { (0..20).map(|number| (format!("x-{prefix}-{number}"), json!("1"))).collect() };
    site.endpoint.patch("", json!({"headers": headers("a")})).await.expect(200);
    site.endpoint.patch("", json!({"signatures": ["v1a"], "headers": headers("b")})).await.expect(422);
    assert_eq!(site.key_ids().await, [""; 0]);
}

#[tokio::test]
async fn public_keys_need_no_api_key_and_do_not_reveal_whether_a_project_exists() {
    let Site { api, project, endpoint } = &Site::start().await;
    endpoint.patch("", json!({"signatures": ["v1", "v1a"]})).await.expect(200);
    let listed = project.without_key().get("/jwks.json").await;
    let key = &listed.body["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    assert_eq!((&key["alg"], key["x"].as_str().unwrap().len(), key.get("d")), (&json!("EdDSA"), 43, None));
    assert_eq!(listed.header("cache-control"), "public, max-age=300");
    let projects = api.without_key().at("/v1/projects");
    let unknown = projects.get(&format!("/{UNKNOWN_ID}/jwks.json")).await.expect(200);
    assert_eq!(unknown, json!({"keys": []}));
    projects.get("/nonsense/jwks.json").await.expect(404);
}

#[tokio::test]
async fn a_new_key_pair_is_listed_before_it_signs_and_the_old_one_for_a_day_after() {
    let site = Site::start().await;
    site.endpoint.patch("", json!({"signatures": ["v1a"]})).await.expect(200);
    let old = site.key_ids().await;
    let rotated = site.project.post("/jwks/rotate", "").await.expect(200);
    assert_eq!(rotated["signsFrom"], "2026-11-22T08:40:00.000Z");
    let new = rotated["kid"].as_str().unwrap().to_owned();
    assert_eq!(site.key_ids().await, [old[0].clone(), new.clone()]);
    site.api.clock.advance(Duration::from_hours(24) + Duration::from_mins(10));
    assert_eq!(site.key_ids().await, [new]);

    for _ in 0..3 {
        site.project.post("/jwks/rotate", "{}").await.expect(200);
    }
    assert_eq!(site.project.post("/jwks/rotate", "{}").await.body["type"], "/problems/limit-reached");
}

#[tokio::test]
async fn rotating_key_pairs_needs_the_scope_that_writes_settings() {
    let site = Site::start().await;
    site.project.with_scopes(&["settings:read"]).await.post("/jwks/rotate", "{}").await.expect(403);
    let first = site.project.post("/jwks/rotate", "{}").await.expect(200);
    assert_eq!((&first["signsFrom"], site.key_ids().await.len()), (&json!(NOW), 1));
}

#[tokio::test]
async fn after_resealing_the_old_master_key_is_not_needed() {
    let site = Site::start().await;
    for _ in 0..2 {
        site.api.create_project().await;
    }
    site.project.post("/return-url/keys", "{}").await.expect(201);
    let change = json!({
        "headers": {"x-a": "1", "x-b": "2"}, "signatures": ["v1", "v1a"], "encryption": "aes-256-gcm", "oauth2": oauth2(),
        "clientCertificate": certificate(),
    });
    site.endpoint.patch("", change).await.expect(200);
    site.endpoint.post("/signing-secret/rotate", "{}").await.expect(200);
    site.project.post("/jwks/rotate", "{}").await.expect(200);

    let site = Site { api: restart_with_ring(site.api, ROTATED_RING), ..site };
    // Two signing secrets, two headers, two private keys, the secretKey, the client secret and the key of the certificate.
    assert_eq!((reseal(&site.api).await, reseal(&site.api).await), (9, 0));
    let (project, store) = (site.project.id(), &site.api.store);
    let keys = ProjectKeys {
        secret_key: store.return_urls.keys_now(project).await.unwrap().current_at(now()).cloned(),
        key_pairs: store.endpoints.key_pairs(project).await.unwrap(),
    };
    let endpoint = site.stored().await;
    assert!(EndpointSecrets::of(&endpoint, &keys, &key_ring(KEY_RING)).is_err());
    assert!(EndpointSecrets::of(&endpoint, &keys, &key_ring(LAST_RING)).is_ok());
    assert_eq!(endpoint.oauth2.unwrap().open(project, &key_ring(LAST_RING)).unwrap().client_secret.expose(), "hunter2");
    assert!(endpoint.client_certificate.unwrap().open(project, &key_ring(LAST_RING)).is_ok());
}

#[tokio::test]
async fn resealing_many_projects_continues_from_its_cursor() {
    let api = TestApi::start().await;
    let mut projects = HashSet::new();
    for _ in 0..45 {
        let project = api.create_project().await;
        project.post("/jwks/rotate", "{}").await.expect(200);
        projects.insert(project.path.clone());
    }
    assert_eq!((projects.len(), reseal(&restart_with_ring(api, ROTATED_RING)).await), (45, 45));
}

#[tokio::test]
async fn a_value_that_cannot_be_opened_is_counted_and_does_not_stop_resealing() {
    let api = restart_with_ring(Site::start().await.api, LAST_RING);
    let response = api.post("/v1/key-ring/reseal", "").await.expect(200);
    assert_eq!(response, json!({"resealed": 0, "unreadable": 1}));
}

#[tokio::test]
async fn only_the_operator_reseals_and_only_with_a_valid_cursor() {
    let (api, project) = TestApi::with_project().await;
    let customer = project.with_new_key(json!({"name": "server"})).await;
    api.with_key(customer.key()).post("/v1/key-ring/reseal", "{}").await.expect(403);
    assert_eq!(api.post("/v1/key-ring/reseal", json!({"cursor": "!"})).await.bad_fields(), ["/cursor"]);
}

#[tokio::test]
async fn an_endpoint_is_paused_until_it_is_resumed() {
    let Site { endpoint, .. } = &Site::start().await;
    assert_eq!(endpoint.post("/pause", "").await.expect(200)["state"], "paused");
    assert_eq!(endpoint.post("/pause", "").await.expect(200)["state"], "paused");
    assert_eq!(endpoint.post("/resume", "").await.expect(200)["state"], "active");
}

#[tokio::test]
async fn held_deliveries_are_counted_up_to_a_hundred() {
    let Site { api, project, endpoint } = &Site::start().await;
    let other = project.create_endpoint().await;
    let hold = async |count: usize| {
        for _ in 0..count {
            let event = api.store_event(EventType::Approved, now(), project.id(), &[endpoint.id()]).await;
            let delivery = Delivery::queued(&event, endpoint.id()).held(HoldReason::Paused);
            api.store.deliveries.record_held(&delivery, now()).await.unwrap();
        }
    };
    for (more, counted) in [(3, 3), (96, 99), (1, 100), (2, 100)] {
        hold(more).await;
        assert_eq!(endpoint.get("").await.expect(200)["heldDeliveries"], counted);
    }
    let listed = project.list("/endpoints").await;
    let mut counted: Vec<u64> = listed.iter().map(|one| one["heldDeliveries"].as_u64().unwrap()).collect();
    counted.sort_unstable();
    assert_eq!(counted, [0, 100]);
    assert_eq!(other.post("/pause", "").await.expect(200)["heldDeliveries"], 0);
    assert_eq!(endpoint.post("/resume", "").await.expect(200)["heldDeliveries"], 100);
}

#[tokio::test]
async fn resuming_enables_a_disabled_endpoint_and_schedules_a_check() {
    let site = Site::start().await;
    let stored = site.stored_health().await;
    let gone = Attempt { status: Some(410), ..attempt(Some(FailureReason::Status)) };
    let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
    let disabled = stored.next(stored.health.clone().after(&gone, None, &policy), None);
    site.api.store.health.put(&disabled).await.unwrap();
    let shown = site.endpoint.get("").await.body;
    assert_eq!((&shown["state"], &shown["health"]["disabledBecause"]), (&json!("disabled"), &json!("gone")));

    let resumed = site.endpoint.post("/resume", "").await.expect(200);

    assert_eq!((&resumed["state"], &resumed["health"]), (&json!("active"), &json!({"failures": 0})));
    assert_eq!(site.stored_health().await.sweep_at, Some(now()));
}

#[tokio::test]
async fn a_failed_call_to_resume_leaves_a_scheduled_check() {
    let site = Site::start().await;
    let stored = site.stored_health().await;
    site.api.store.health.put(&stored.next(stored.health.clone(), None)).await.unwrap();
    site.api.store.spoil_endpoint(&site.stored().await).await;

    assert!(site.endpoint.post("/resume", "").await.status >= 500);
    assert_eq!(site.stored_health().await.sweep_at, Some(now().plus(Duration::from_mins(2))));
}
