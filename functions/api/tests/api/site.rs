//! What all of the API's tests need: its configuration, a key ring, clocks, and calls.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use api::Config;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use shared::address::AddressGuard;
use shared::api_key::{ApiKey, ApiKeyKind};
use shared::aws::store::testing::{ACTIVITY, SETTINGS};
use shared::clock::Clock;
use shared::draft::Draft;
use shared::endpoint::{Endpoint, NewEndpoint};
use shared::id::{EndpointId, ProjectId};
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::signature::SigningSecret;
use shared::time::Timestamp;
use tower::ServiceExt;

/// When the tests' clocks begin, unless they are the system's.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

/// A clock that the test sets, in milliseconds since 1970.
pub(crate) struct HandClock(pub(crate) AtomicI64);

impl HandClock {
    pub(crate) fn starting_now() -> Self {
        Self(AtomicI64::new(now().as_millis()))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A key ring with one key, `k1`.
pub(crate) fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

pub(crate) fn operator_key() -> ApiKey {
    ApiKey::generate(ApiKeyKind::Operator, &SystemRandom)
}

/// The API's configuration, with some variables set otherwise.
pub(crate) fn config(operator_key: &ApiKey, otherwise: &[(&str, &str)]) -> Config {
    let hash = operator_key.hash().to_string();
    let variables = |name: &str| {
        if let Some((_, value)) = otherwise.iter().find(|(changed, _)| *changed == name) {
            return Some((*value).to_owned());
        }
        let value = match name {
            "SETTINGS_TABLE" => SETTINGS,
            "ACTIVITY_TABLE" => ACTIVITY,
            "RETENTION_DAYS" => "30",
            "RATE_LIMIT" => "1000",
            "SEND_QUEUE_URL" => "http://127.0.0.1:1/000000000000/send",
            "OPERATOR_KEY_HASHES" => &hash,
            "API_BASE_URL" => "https://api.signpost.example.com",
            "REDIRECT_BASE_URL" => "https://return.example",
            "EGRESS_IPS" | "ALLOWED_PRIVATE_RECEIVERS" | "GATEWAY_URLS" => return None,
            _ => "unused@example.com",
        };
        Some(value.to_owned())
    };
    Config::read(variables).unwrap()
}

/// An endpoint of a project, as it would be stored.
pub(crate) fn endpoint_of(project: ProjectId) -> Endpoint {
    let draft = Draft::parse(br#"{"url":"https://hooks.example.com/"}"#).unwrap();
    let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
    let (id, secret) = (EndpointId::new(now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
    new.create(id, project, &secret, &ring(), &SystemRandom)
}

/// What was answered. Pages are no JSON: their `body` is `null`.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    /// Which fields a problem names.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        pointers(&self.body)
    }
}

/// Which fields a problem names.
pub(crate) fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

/// Calls the API.
pub(crate) async fn send(router: &Router, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("x-api-key", key);
    send_request(router, request.body(Body::from(body.to_owned())).unwrap()).await
}

/// Calls the API with a request that says more.
pub(crate) async fn send_request(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, text, body }
}
