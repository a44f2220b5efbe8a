//! API keys that open the product of infra/examples/product-api.yaml, through API Gateway and the function authorizer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind, PresentedKey};
use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use stack::Stack;

trials! {
    keys_open_the_routes_of_the_product_that_their_scopes_allow,
}

/// How long API Gateway repeats a decision.
const TTL_SECONDS: u64 = 1;
/// How long a revoked key may still be used, besides the time for which API Gateway repeats decisions.
const REVOCATION: Duration = Duration::from_secs(10);
/// A network that does not contain this machine.
const FOREIGN: &str = "203.0.113.0/24";
/// Enough calls within a window of the rate limit that authorizer reports them to its other instances.
const BUSY_CALLS: usize = 150;

/// The product, deployed behind the authorizer.
struct Product {
    stack: &'static Stack,
    url: String,
    client: Client,
    customer: Customer,
}

impl Product {
    async fn deploy() -> Self {
        let stack = stack().await;
        let parameters = BTreeMap::from([
            ("AuthorizerArn", stack.outputs["AuthorizerArn"].clone()),
            ("AuthorizerTtlSeconds", TTL_SECONDS.to_string()),
        ]);
        let url = format!("{}/$default", stack.deploy_example("product-api", &parameters).await.unwrap());
        let customer = Customer::new(stack, "/product-api").await;
        Self { stack, url, client: Client::new(), customer }
    }

    /// Creates a key with these settings. Returns its id and the key itself.
    async fn key(&self, settings: &Value) -> (String, String) {
        let path = format!("/v1/projects/{}/api-keys", self.customer.project());
        let created = self.stack.api().post(&path, settings).await.unwrap();
        let member = |name: &str| created[name].as_str().unwrap_or_default().to_owned();
        (member("id"), member("key"))
    }

    async fn reader(&self) -> (String, String) {
        self.key(&json!({ "name": "reader", "scopes": ["submissions:read"] })).await
    }

    /// Calls the product. Returns the status, and the body of the product's response.
    async fn call(&self, method: Method, path: &str, key: Option<&str>) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = key.into_iter().fold(request, |request, key| request.header("x-api-key", key));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    async fn list(&self, key: &str) -> u16 {
        self.call(Method::GET, "/submissions", Some(key)).await.0
    }

    /// Whether the key is valid for a call from this machine that reads submissions, or why not.
    async fn verify(&self, key: &str) -> String {
        let question = json!({ "key": key, "sourceIp": "127.0.0.1", "scope": "submissions:read" });
        let verified = self.stack.api().post("/v1/api-keys/verify", &question).await.unwrap();
        verified["reason"].as_str().map_or_else(|| "valid".to_owned(), str::to_owned)
    }
}

fn keys_open_the_routes_of_the_product_that_their_scopes_allow() {
    run(async {
        let product = Product::deploy().await;
        a_valid_key_reaches_the_product(&product).await;
        authorizer_and_verification_agree_about_every_kind_of_key(&product).await;
        a_revoked_key_is_soon_refused(&product).await;
        many_calls_are_counted(&product).await;
        a_rest_api_gets_policies(&product).await;
    });
}

async fn a_valid_key_reaches_the_product(product: &Product) {
    let (id, key) = product.reader().await;
    let (status, body) = product.call(Method::GET, "/submissions", Some(&key)).await;
    let expected = json!({
        "route": "GET /submissions", "projectId": product.customer.project(), "keyId": id, "scopes": ["submissions:read"],
    });
    assert_eq!((status, body), (200, expected));
    // The response for one route is not repeated for another.
    assert_eq!(product.call(Method::POST, "/submissions/7/review", Some(&key)).await.0, 403);
    let (_, reviewer) = product.key(&json!({ "name": "reviewer", "scopes": ["submissions:review"] })).await;
    assert_eq!(product.call(Method::POST, "/submissions/7/review", Some(&reviewer)).await.0, 200);
    assert_eq!(product.call(Method::GET, "/submissions", None).await.0, 401);
    assert_eq!(product.call(Method::GET, "/tokens", Some(&key)).await.0, 404);
}

async fn authorizer_and_verification_agree_about_every_kind_of_key(product: &Product) {
    let read = json!(["submissions:read"]);
    let create = async |settings: Value| product.key(&settings).await.1;
    let (_, live) = product.reader().await;
    let imported = ApiKey::generate(ApiKeyKind::Live, &SystemRandom).expose().replace("sp_live_", "other-system-");
    let hash = imported.parse::<PresentedKey>().unwrap().hash().to_string();
    create(json!({ "name": "imported", "hash": hash, "scopes": read })).await;
    let here = json!({ "name": "here", "scopes": read, "allowedCidrs": ["127.0.0.0/8"] });
    let elsewhere = json!({ "name": "elsewhere", "scopes": read, "allowedCidrs": [FOREIGN] });
    let (id, revoked) = product.reader().await;
    let path = format!("/v1/projects/{}/api-keys/{id}", product.customer.project());
    product.stack.api().delete(&path).await.unwrap();
    let test_project =
        product.stack.api().post("/v1/projects", &json!({ "name": "Test", "mode": "test" })).await.unwrap();
    let path = format!("/v1/projects/{}/api-keys", test_project["id"].as_str().unwrap());
    let test = product.stack.api().post(&path, &json!({ "name": "test", "scopes": read })).await.unwrap();
    let expired = create(json!({ "name": "short", "scopes": read, "expiresAt": in_a_second() })).await;
    let created_at = Instant::now();
    while product.verify(&expired).await != "expired" {
        assert!(created_at.elapsed() <= WAIT_TIMEOUT, "the key does not expire");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);

    for (what, key, status, reason) in [
        ("live", live.as_str(), 200, "valid"),
        ("test", test["key"].as_str().unwrap(), 200, "valid"),
        ("imported", &imported, 200, "valid"),
        ("allowed network", &create(here).await, 200, "valid"),
        ("foreign network", &create(elsewhere).await, 403, "network"),
        ("revoked", &revoked, 403, "revoked"),
        ("expired", &expired, 403, "expired"),
        ("missing scope", &create(json!({ "name": "s", "scopes": ["settings:read"] })).await, 403, "scope"),
        ("operator", &product.stack.operator_key, 403, "unknown"),
        ("unknown", unknown.expose(), 403, "unknown"),
        ("malformed", "sp_live_mistyped", 403, "unknown"),
    ] {
        assert_eq!((product.list(key).await, product.verify(key).await.as_str()), (status, reason), "{what}");
    }
}

async fn a_revoked_key_is_soon_refused(product: &Product) {
    let (_, key) = product.reader().await;
    assert_eq!(product.list(&key).await, 200);
    product.stack.api().post("/v1/api-keys/revoke", &json!({ "key": key })).await.unwrap();
    let revoked_at = Instant::now();
    while product.list(&key).await == 200 {
        assert!(revoked_at.elapsed() <= REVOCATION + Duration::from_secs(TTL_SECONDS), "the key still works");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(product.list(&key).await, 403);
}

/// API Gateway repeats a decision only for the same header. Spaces before the key make each header another one.
async fn many_calls_are_counted(product: &Product) {
    let (_, key) = product.reader().await;
    for spaces in 1..=BUSY_CALLS {
        assert_eq!(product.list(&format!("Bearer{}{key}", " ".repeat(spaces))).await, 200);
    }
}

/// The emulator takes the first address in `x-forwarded-for` for the caller's. It does not know the identity sources of the
/// example, so each call is decided for itself.
async fn a_rest_api_gets_policies(product: &Product) {
    let parameters = BTreeMap::from([
        ("AuthorizerArn", product.stack.outputs["AuthorizerArn"].clone()),
        ("AuthorizerTtlSeconds", "0".to_owned()),
    ]);
    let url = product.stack.deploy_example("product-rest-api", &parameters).await.unwrap();
    let call = async |key: &str, address: &str| {
        let request = product.client.get(format!("{url}/v1/submissions")).header("x-api-key", key);
        request.header("x-forwarded-for", address).send().await.unwrap().status().as_u16()
    };
    let limited = json!({ "name": "limited", "scopes": ["submissions:read"], "allowedCidrs": [FOREIGN] });
    let (_, limited) = product.key(&limited).await;
    let (_, reviewer) = product.key(&json!({ "name": "reviewer", "scopes": ["submissions:review"] })).await;
    assert_eq!(call(&limited, "203.0.113.9").await, 200);
    for (key, address) in
        [(limited.as_str(), "198.51.100.1"), (&reviewer, "203.0.113.9"), ("sp_live_mistyped", "203.0.113.9")]
    {
        assert_eq!(call(key, address).await, 403, "{address}");
    }
}

fn in_a_second() -> String {
    use domain::foundation::clock::{Clock as _, SystemClock};
    SystemClock.now().plus(Duration::from_secs(1)).to_string()
}
