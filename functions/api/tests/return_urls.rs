//! A project sets its return URL and mints links, through the API as callers see it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use api::{App, Config, router};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use shared::api_key::{ApiKey, ApiKeyKind};
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::{ACTIVITY, Database, SETTINGS};
use shared::clock::Clock;
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::return_link::ReturnLink;
use shared::time::Timestamp;
use tower::ServiceExt;

const PLAIN: &str = r#"{"url":"https://argosidentity.com","fields":["errorCode","kycStatus"]}"#;

/// A clock that the test sets, in milliseconds since 1970.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// The API on a database of its own, with one project.
struct Site {
    clock: Arc<HandClock>,
    database: Database,
    router: Router,
    operator_key: String,
    project: String,
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

impl Site {
    async fn start() -> Self {
        let database = Database::start().await;
        let operator_key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        let hash = operator_key.hash().to_string();
        let config = Config::read(|name| {
            let value = match name {
                "SETTINGS_TABLE" => SETTINGS,
                "ACTIVITY_TABLE" => ACTIVITY,
                "RETENTION_DAYS" => "30",
                "RATE_LIMIT" => "1000",
                "OPERATOR_KEY_HASHES" => &hash,
                "REDIRECT_BASE_URL" => "https://return.example/",
                _ => "https://unused.example",
            };
            (!matches!(name, "EGRESS_IPS" | "ALLOWED_PRIVATE_RECEIVERS")).then(|| value.to_owned())
        });
        let clock = Arc::new(HandClock(AtomicI64::new(now().as_millis())));
        let key_ring = KeyRingSecret::known(ring());
        let app = App::new(config.unwrap(), database.aws(), key_ring, clock.clone(), Arc::new(SystemRandom));
        let operator_key = operator_key.expose().to_owned();
        let site = Self { clock, database, router: router(app), operator_key, project: String::new() };
        let (_, project) = site.call("POST", "/v1/projects", r#"{"name":"Acme"}"#).await;
        Self { project: project["id"].as_str().unwrap().to_owned(), ..site }
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("x-api-key", &self.operator_key);
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Calls below the project.
    async fn on_project(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        self.call(method, &format!("/v1/projects/{}{path}", self.project), body).await
    }
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_return_url_is_set_shown_previewed_and_taken_away() {
    let site = Site::start().await;
    let settings = json!({
        "url": "https://argosidentity.com", "fields": ["kycStatus", "errorCode"], "skipResultPage": false,
        "encryption": "none", "signed": false, "allowAppScheme": false,
    });
    assert_eq!(site.on_project("GET", "/return-url", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.on_project("GET", "/return-url/preview", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.on_project("PUT", "/return-url", PLAIN).await, (StatusCode::OK, settings.clone()));
    assert_eq!(site.on_project("GET", "/return-url", "").await, (StatusCode::OK, settings));
    let preview = json!({"url": "https://argosidentity.com?kycStatus={kycStatus}&errorCode={errorCode}"});
    assert_eq!(site.on_project("GET", "/return-url/preview", "").await, (StatusCode::OK, preview));
    assert_eq!(site.on_project("DELETE", "/return-url", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(site.on_project("GET", "/return-url", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bad_settings_change_nothing() {
    let site = Site::start().await;
    let bad = r#"{"url":"javascript:alert(1)","fields":["userId"],"allowAppScheme":true,"colour":"red"}"#;
    let (status, problem) = site.on_project("PUT", "/return-url", bad).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pointers(&problem), ["/url", "/fields/0", "/colour"]);
    assert_eq!(site.on_project("GET", "/return-url", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn protection_needs_a_key_which_is_shown_once() {
    let site = Site::start().await;
    let protected = PLAIN.replace('}', r#","encryption":"aes-256-gcm","signed":true}"#);
    let (status, problem) = site.on_project("PUT", "/return-url", &protected).await;
    assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/encryption", "/signed"]));

    let (status, issued) = site.on_project("POST", "/return-url/keys", "{}").await;
    let secret_key = issued["secretKey"].as_str().unwrap();
    assert_eq!((status, secret_key.len()), (StatusCode::CREATED, 32));
    let (status, shown) = site.on_project("PUT", "/return-url", &protected).await;
    assert_eq!((status, &shown["encryption"]), (StatusCode::OK, &json!("aes-256-gcm")));
    assert!(!shown.to_string().contains(secret_key));
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old_one() {
    let site = Site::start().await;
    site.on_project("POST", "/return-url/keys", "{}").await;
    site.clock.0.fetch_add(1, Ordering::SeqCst);
    let (_, second) = site.on_project("POST", "/return-url/keys", "{}").await;
    let found = site.database.settings.return_url_now(site.project.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found.key.unwrap().open(&ring()).unwrap().expose(), second["secretKey"].as_str().unwrap());
}

#[tokio::test]
async fn a_link_is_minted_for_one_person() {
    let site = Site::start().await;
    let body = r#"{"kycStatus":"approved","userid":"user123","expiresInSeconds":600}"#;
    let (status, link) = site.on_project("POST", "/return-links", body).await;
    assert_eq!((status, &link["expiresAt"]), (StatusCode::CREATED, &json!("2026-11-22T08:40:00.000Z")));
    let token = link["url"].as_str().unwrap().strip_prefix("https://return.example/r/").unwrap();
    assert_eq!(ReturnLink::open(token, &ring(), now()).unwrap().project_id.to_string(), site.project);
}

#[tokio::test]
async fn a_link_needs_exactly_one_outcome_and_a_project() {
    let site = Site::start().await;
    let (status, problem) = site.on_project("POST", "/return-links", r#"{"userid":"user123"}"#).await;
    assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/kycStatus"]));
    let nowhere = "/v1/projects/019ab5e0-0000-7000-8000-000000000000";
    for (method, path, body) in [
        ("POST", "return-links", r#"{"kycStatus":"approved"}"#),
        ("PUT", "return-url", PLAIN),
        ("POST", "return-url/keys", "{}"),
        ("GET", "return-url", ""),
    ] {
        assert_eq!(site.call(method, &format!("{nowhere}/{path}"), body).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}
