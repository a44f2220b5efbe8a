//! The authorizer on an empty database: every kind of key, in both forms of requests.

#![expect(clippy::unwrap_used, reason = "this file contains only tests")]

use std::sync::Arc;
use std::time::Duration;

use authorizer::{Authorizer, CannotDecide, Config, GatewayRequest};
use aws::Aws;
use aws::queue::testing::FakeQueue;
use aws::store::testing::{ACTIVITY, Database, SETTINGS};
use domain::foundation::clock::ManualClock;
use domain::foundation::draft::Draft;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{ApiKey, ApiKeyKind, ImportedKey, KeyBounds, KeyHash, NewApiKey, ProjectKey};
use serde_json::{Value, json};

const INSIDE: &str = "203.0.113.9";
const OUTSIDE: &str = "198.51.100.1";
/// A key of another system.
const IMPORTED: &str = "ak_9f2c-8d41-77b0-53aa";

struct Scene {
    database: Database,
    calls: FakeQueue,
    clock: Arc<ManualClock>,
    authorizer: Authorizer,
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn config(rate_limit: &'static str) -> Config {
    let variables = move |name: &str| {
        let value = match name {
            "SETTINGS_TABLE" => SETTINGS,
            "ACTIVITY_TABLE" => ACTIVITY,
            "PRODUCT_SCOPES" => "submissions:read,submissions:review",
            "PRODUCT_ROUTES" => {
                "GET /submissions=submissions:read,POST /submissions/{id}/review=submissions:review,ANY /tokens/{id}=submissions:review"
            }
            "PRODUCT_KEY_HEADER" => "x-api-key",
            "RATE_LIMIT" => rate_limit,
            _ => return None,
        };
        Some(value.to_owned())
    };
    Config::read(variables).unwrap()
}

impl Scene {
    async fn start(rate_limit: &'static str) -> Self {
        let database = Database::start().await;
        let calls = FakeQueue::in_front_of(&database).await;
        let clock = Arc::new(ManualClock::new(now()));
        let authorizer = Authorizer::new(config(rate_limit), calls.aws(), clock.clone());
        Self { database, calls, clock, authorizer }
    }

    /// Stores a key, as the operator creates it with this request.
    async fn store(&self, body: &str, key: impl Into<ImportedKey>) -> ProjectKey {
        let new = NewApiKey::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let bounds = KeyBounds::operator().with_product_scopes(&"submissions:read,submissions:review".parse().unwrap());
        let (id, project) = (ApiKeyId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        let stored = new.create(id, project, key, &bounds).unwrap();
        self.database.api_keys.put(&stored).await.unwrap();
        stored
    }

    /// Stores a generated key. Returns it with its row.
    async fn new_key(&self, kind: ApiKeyKind, body: &str) -> (String, ProjectKey) {
        let key = ApiKey::generate(kind, &SystemRandom);
        let stored = self.store(body, &key).await;
        (key.expose().to_owned(), stored)
    }

    async fn ask(&self, event: Value) -> Value {
        let request: GatewayRequest = serde_json::from_value(event).unwrap();
        serde_json::to_value(self.authorizer.handle(request).await.unwrap()).unwrap()
    }

    /// Asks as an HTTP API and as a REST API. Returns `allowed` or the reason. Both decisions must be the same.
    async fn decision(&self, key: &str, source: &str, method: &str, route: &str) -> String {
        let simple = self.ask(http(key, source, method, route)).await;
        let policy = self.ask(rest(key, source, method, route)).await;
        let statement = &policy["policyDocument"]["Statement"][0];
        let is_allowed = statement["Effect"] == "Allow";
        assert_eq!(simple["isAuthorized"], is_allowed, "{simple} {policy}");
        assert_eq!(simple["context"], policy["context"]);
        assert_eq!(statement["Resource"], arn(method));
        let reason = simple["context"]["reason"].as_str().map(str::to_owned);
        assert_eq!(reason.is_none(), is_allowed);
        reason.unwrap_or_else(|| "allowed".to_owned())
    }

    async fn fault(&self, event: Value) -> CannotDecide {
        self.authorizer.handle(serde_json::from_value(event).unwrap()).await.unwrap_err()
    }

    async fn read(&self, key: &str, source: &str) -> String {
        self.decision(key, source, "GET", "/submissions").await
    }
}

fn arn(method: &str) -> String {
    format!("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3/v1/{method}/submissions")
}

fn http(key: &str, source: &str, method: &str, route: &str) -> Value {
    let route = format!("{method} {route}");
    json!({
        "version": "2.0", "type": "REQUEST", "routeKey": route, "identitySource": [key, source, route],
        "headers": {"x-api-key": key}, "requestContext": {"http": {"method": method, "sourceIp": source}},
    })
}

fn rest(key: &str, source: &str, method: &str, route: &str) -> Value {
    json!({
        "type": "REQUEST", "methodArn": arn(method), "resource": route, "headers": {"X-Api-Key": key},
        "requestContext": {"httpMethod": method, "identity": {"sourceIp": source}},
    })
}

const READER: &str = r#"{"name":"server","scopes":["submissions:read"]}"#;

#[tokio::test]
async fn both_kinds_of_apis_get_the_same_decision_about_every_kind_of_key() {
    let scene = Scene::start("1000").await;
    let (live, _) = scene.new_key(ApiKeyKind::Live, READER).await;
    let (test, _) = scene.new_key(ApiKeyKind::Test, READER).await;
    let hash = ImportedKey { hash: sha_256(IMPORTED), hint: "ak_9f2c".to_owned() };
    scene.store(READER, hash).await;
    let (short, _) = scene
        .new_key(
            ApiKeyKind::Live,
            r#"{"name":"s","scopes":["submissions:read"],"expiresAt":"2026-11-22T09:00:00Z","allowedCidrs":["203.0.113.0/24"]}"#,
        )
        .await;
    let (old, _) = scene.new_key(ApiKeyKind::Live, r#"{"name":"old","scopes":["events:read"]}"#).await;
    // Only the parameter OperatorKeyHashes makes an operator key, but even a stored row with one opens nothing here.
    let (operator, _) = scene.new_key(ApiKeyKind::Operator, READER).await;
    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom).expose().to_owned();

    for (key, source, expected) in [
        (live.as_str(), INSIDE, "allowed"),
        (&test, OUTSIDE, "allowed"),
        (IMPORTED, INSIDE, "allowed"),
        (&short, INSIDE, "allowed"),
        (&short, OUTSIDE, "network"),
        (&short, "not an address", "network"),
        (&old, INSIDE, "scope"),
        (&operator, INSIDE, "unknown"),
        (&unknown, INSIDE, "unknown"),
        (&live[1..], INSIDE, "unknown"),
        ("sp_live_malformed", INSIDE, "unknown"),
        ("", INSIDE, "unknown"),
    ] {
        assert_eq!(scene.read(key, source).await, expected, "{expected} {source}");
    }
    assert_eq!(scene.decision(&live, INSIDE, "POST", "/submissions/{id}/review").await, "scope");
    for (method, route) in
        [("POST", "/submissions"), ("GET", "/tokens"), ("GET", "/submissions/7"), ("GET", "$default")]
    {
        assert_eq!(scene.decision(&live, INSIDE, method, route).await, "route", "{method} {route}");
    }
    scene.clock.advance(Duration::from_mins(30));
    assert_eq!(scene.read(&short, INSIDE).await, "expired");
}

#[tokio::test]
async fn the_product_learns_whose_key_it_is_and_what_it_may_do() {
    let scene = Scene::start("1000").await;
    let body = r#"{"name":"server","scopes":["submissions:read","submissions:review","events:read"]}"#;
    let (key, stored) = scene.new_key(ApiKeyKind::Live, body).await;
    let policy = scene.ask(rest(&key, INSIDE, "GET", "/submissions")).await;
    assert_eq!(policy["principalId"], json!(stored.id));
    let scopes = "events:read submissions:read submissions:review";
    assert_eq!(policy["context"], json!({"projectId": stored.project_id, "keyId": stored.id, "scopes": scopes}));
    assert!(!policy.to_string().contains(&key));
    assert_eq!(
        scene.database.api_keys.get(stored.project_id, stored.id).await.unwrap().unwrap().last_used_on,
        Some(now().day())
    );
}

#[tokio::test]
async fn a_decision_costs_one_read_on_a_cold_cache_and_none_on_a_warm_one() {
    let scene = Scene::start("1000").await;
    let (key, stored) = scene.new_key(ApiKeyKind::Live, READER).await;
    scene.database.api_keys.note_use(&stored, now().day()).await.unwrap();
    let mut cost = Vec::new();
    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom).expose().to_owned();
    for key in [&*key, &*key, &*unknown, &*unknown, "0123456789abcdef-unknown", "sp_live_malformed", "short"] {
        let before = scene.calls.database_calls();
        scene.ask(http(key, INSIDE, "GET", "/submissions")).await;
        cost.push(scene.calls.database_calls() - before);
    }
    assert_eq!(cost, [1, 0, 1, 0, 1, 0, 0]);
    scene.clock.advance(Duration::from_secs(5));
    let before = scene.calls.database_calls();
    scene.ask(http(&key, INSIDE, "GET", "/submissions")).await;
    assert_eq!(scene.calls.database_calls() - before, 1, "a key is read again after five seconds");
}

#[tokio::test]
async fn a_key_beyond_its_rate_limit_gets_no_response_that_api_gateway_would_cache() {
    let scene = Scene::start("2").await;
    let (key, _) = scene.new_key(ApiKeyKind::Live, READER).await;
    assert_eq!(scene.read(&key, INSIDE).await, "allowed");
    // API Gateway caches each response, also a denial, but no fault.
    for event in [http(&key, INSIDE, "GET", "/submissions"), rest(&key, INSIDE, "GET", "/submissions")] {
        let fault = scene.fault(event).await;
        assert!(matches!(fault, CannotDecide::RateLimited) && !fault.is_our_fault(), "{fault}");
    }
    // Another reason goes before the rate limit.
    assert_eq!(scene.decision(&key, INSIDE, "POST", "/submissions/{id}/review").await, "scope");
    scene.clock.advance(Duration::from_secs(10));
    assert_eq!(scene.read(&key, INSIDE).await, "allowed");
}

#[tokio::test]
async fn without_the_store_no_call_is_allowed() {
    let unreachable = Aws::local("http://127.0.0.1:1".to_owned());
    let authorizer = Authorizer::new(config("1000"), &unreachable, Arc::new(ManualClock::new(now())));
    let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    let request = serde_json::from_value(http(key.expose(), INSIDE, "GET", "/submissions")).unwrap();
    let fault = authorizer.handle(request).await.unwrap_err();
    assert!(matches!(fault, CannotDecide::Store(_)) && fault.is_our_fault(), "{fault}");
    assert!(!format!("{fault} {fault:?}").contains(key.expose()));
}

#[tokio::test]
async fn an_authorizer_whose_responses_would_be_cached_for_other_callers_decides_nothing() {
    let scene = Scene::start("1000").await;
    let (key, _) = scene.new_key(ApiKeyKind::Live, READER).await;
    for sources in [json!([key]), json!([INSIDE, "GET /submissions"])] {
        let mut event = http(&key, INSIDE, "GET", "/submissions");
        event["identitySource"] = sources;
        let fault = scene.fault(event).await;
        assert!(matches!(fault, CannotDecide::Setup(_)), "{fault}");
    }
}

#[tokio::test]
async fn only_an_entry_for_all_methods_opens_a_route_of_all_methods() {
    let scene = Scene::start("1000").await;
    let (key, _) = scene.new_key(ApiKeyKind::Live, r#"{"name":"s"}"#).await;
    let decide = async |route: &str, method: &str| {
        let mut event = http(&key, INSIDE, "ANY", route);
        event["requestContext"]["http"]["method"] = json!(method);
        scene.ask(event).await["isAuthorized"].clone()
    };
    // API Gateway would repeat the response about this GET for a DELETE.
    assert_eq!(decide("/submissions", "GET").await, false);
    assert_eq!(
        (decide("/tokens/{id}", "GET").await, decide("/tokens/{id}", "DELETE").await),
        (json!(true), json!(true))
    );
}

#[tokio::test]
async fn a_path_with_a_wildcard_gets_no_policy_that_allows_other_paths() {
    let scene = Scene::start("1000").await;
    let (key, _) = scene.new_key(ApiKeyKind::Live, r#"{"name":"s"}"#).await;
    let decide = async |path: &str| {
        let mut event = rest(&key, INSIDE, "GET", "/tokens/{id}");
        event["methodArn"] = json!(format!("arn:aws:execute-api:eu-central-1:123456789012:a1b2c3/v1/GET{path}"));
        let policy = scene.ask(event).await;
        (policy["policyDocument"]["Statement"][0]["Effect"].clone(), policy["context"]["reason"].clone())
    };
    assert_eq!(decide("/tokens/7").await, (json!("Allow"), Value::Null));
    for path in ["/tokens/*", "/tokens/?", "/tokens/${*}"] {
        assert_eq!(decide(path).await, (json!("Deny"), json!("path")), "{path}");
    }
}

fn sha_256(text: &str) -> KeyHash {
    *text.parse::<domain::projects::api_key::PresentedKey>().unwrap().hash()
}
