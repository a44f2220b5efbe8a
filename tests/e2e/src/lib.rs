//! Code shared by the end-to-end tests: one stack and one runtime for each test process, and customers.
//!
//! Stack and runtime are never dropped. The stack stops when the test process ends.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stack::api_client::{self, ApiClient, ApiError};
use stack::receiver::{Received, Receiver};
use stack::{Stack, StackOptions, demo};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

pub mod documented;
pub mod visitor;

/// Retry delays short enough for a test with retries to take seconds.
pub const RETRY_SCHEDULE: &str = "1s,1s,1s,1s,1s,1s,1s,1s,1s";

/// Breaker pauses short enough for a test with a failing receiver to take seconds.
pub const HEALTH_POLICY: &str = "failures=20,over=2s,pause=2s,longest=5s,warn=24h,disable=120h";

/// Runs a test on the shared runtime. With one runtime per test, the servers of the stack would end with the first test.
///
/// # Panics
///
/// If the runtime cannot be started.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("the runtime could be started")).block_on(test)
}

/// Stack options for most tests.
pub fn default_options() -> StackOptions {
    StackOptions {
        retry_schedule: Some(RETRY_SCHEDULE.to_owned()),
        parameters: [("HealthPolicy".to_owned(), HEALTH_POLICY.to_owned())].into(),
        ..StackOptions::default()
    }
}

/// The stack that all tests of this process share.
///
/// # Panics
///
/// If the stack cannot be started, with the reason.
pub async fn stack() -> &'static Stack {
    stack_with(default_options).await
}

/// The stack that all tests of this process share. The first call starts it with its options.
///
/// # Panics
///
/// If the stack cannot be started, with the reason.
pub async fn stack_with(options: impl FnOnce() -> StackOptions) -> &'static Stack {
    static STACK: OnceCell<Result<Stack, String>> = OnceCell::const_new();
    api_client::check_answers_with(documented::check);
    let start = async || Stack::start(options()).await.map_err(|error| error.to_string());
    match STACK.get_or_init(start).await {
        Ok(stack) => stack,
        Err(reason) => panic!("{reason}"),
    }
}

/// Maximum time that a test waits for something that takes seconds if all is well.
pub const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// A project of one test, with one endpoint at the receiver of the stack.
pub struct Customer {
    stack: &'static Stack,
    api: ApiClient,
    project: String,
    endpoint: String,
    path: String,
}

impl Customer {
    /// Creates the project, an API key, and an endpoint at `path`, which no other test uses.
    pub async fn new(stack: &'static Stack, path: impl Into<String>) -> Self {
        let path = path.into();
        let operator = stack.api();
        let project = create(&operator, "/v1/projects", &json!({ "name": path })).await;
        let project = member(&project, "id");
        let key = create(&operator, &format!("/v1/projects/{project}/api-keys"), &json!({ "name": "server" })).await;
        let api = ApiClient::new(&stack.api_url, &member(&key, "key"));
        let draft = json!({ "url": stack.receiver.url(&path) });
        let endpoint = create(&api, &format!("/v1/projects/{project}/endpoints"), &draft).await;
        stack.receiver.expect(&path, &member(&endpoint, "signingSecret"));
        Self { stack, api, endpoint: member(&endpoint, "id"), project, path }
    }

    /// Id of the project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The project's API key.
    pub fn key(&self) -> &str {
        self.api.key()
    }

    /// Id of the endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The receiver of the stack.
    pub fn receiver(&self) -> &'static Receiver {
        &self.stack.receiver
    }

    /// Path of the endpoint at the receiver.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Webhooks received at this path so far.
    pub fn received(&self) -> Vec<Received> {
        self.receiver().received(&self.path)
    }

    /// Adds a notification user and confirms the address.
    pub async fn add_reader(&self, email: &str) {
        self.post("/notification-users", &json!({ "name": "Ada", "email": email, "language": "en" })).await;
        demo::confirm(self.stack, email).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Runs the sweep once.
    pub async fn sweep(&self) {
        self.stack.invoke("webhook-retry", json!({})).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Publishes an event, and returns its id.
    pub async fn publish(&self, event: &Value) -> String {
        member(&create(&self.api, &self.events(), event).await, "id")
    }

    /// Publishes an event with an `Idempotency-Key`, and returns its id.
    pub async fn publish_as(&self, key: &str, event: &Value) -> String {
        self.try_publish_as(key, event).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Publishes an event with an `Idempotency-Key`, and returns its id. Fails if the event was not accepted.
    pub async fn try_publish_as(&self, key: &str, event: &Value) -> Result<String, ApiError> {
        Ok(member(&self.api.post_as(key, &self.events(), event).await?, "id"))
    }

    /// Creates another endpoint at the receiver of the stack, at `path`.
    pub async fn add_endpoint(&self, path: &str) {
        let endpoint = self.post("/endpoints", &json!({ "url": self.stack.receiver.url(path) })).await;
        self.stack.receiver.expect(path, &member(&endpoint, "signingSecret"));
    }

    /// Makes a `POST` request to `path` below the project.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        create(&self.api, &format!("/v1/projects/{}{path}", self.project), body).await
    }

    /// Makes a `POST` request to `path` below the project that may be rejected.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.api.post(&format!("/v1/projects/{}{path}", self.project), body).await
    }

    /// Makes a `PATCH` request to `path` below the project.
    pub async fn patch(&self, path: &str, body: &Value) -> Value {
        let path = format!("/v1/projects/{}{path}", self.project);
        self.api.patch(&path, body).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes a `GET` request to `path` below the project.
    pub async fn get(&self, path: &str) -> Value {
        let path = format!("/v1/projects/{}{path}", self.project);
        self.api.get(&path).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Pauses or resumes the endpoint.
    pub async fn act_on_endpoint(&self, action: &str) {
        create(&self.api, &format!("{}/{action}", self.endpoint_path()), &json!({})).await;
    }

    /// The endpoint as the API returns it.
    pub async fn read_endpoint(&self) -> Value {
        self.api.get(&self.endpoint_path()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs the sweep every second instead of every minute, until the deliveries fulfil the condition.
    pub async fn sweep_until(&self, condition: impl Fn(&[Value]) -> bool) {
        let started_at = Instant::now();
        loop {
            let deliveries = self.deliveries().await.unwrap_or_else(|error| panic!("{error}"));
            if condition(&deliveries) {
                return;
            }
            assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{deliveries:?}\n{}", self.stack.log_tail().await);
            self.sweep().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Deletes the endpoint.
    pub async fn delete_endpoint(&self) {
        let path = format!("/v1/projects/{}/endpoints/{}", self.project, self.endpoint);
        self.api.delete(&path).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// All deliveries of the project, page by page, newest event first.
    pub async fn deliveries(&self) -> Result<Vec<Value>, ApiError> {
        let first = format!("/v1/projects/{}/deliveries?limit=100", self.project);
        let (mut deliveries, mut path) = (Vec::new(), first.clone());
        loop {
            let mut page = self.api.get(&path).await?;
            deliveries.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            let Some(cursor) = page["cursor"].as_str() else { return Ok(deliveries) };
            path = format!("{first}&cursor={cursor}");
        }
    }

    /// Waits until the delivery of an event is in `state`, and returns the delivery.
    pub async fn wait_for_state(&self, event: &str, state: &str) -> Value {
        let path = format!("/v1/projects/{}/deliveries?event={event}", self.project);
        let started_at = Instant::now();
        loop {
            let deliveries = self.api.get(&path).await.unwrap_or_else(|error| panic!("{error}"));
            let delivery = &deliveries["items"][0];
            if delivery["state"] == state {
                return delivery.clone();
            }
            assert!(
                started_at.elapsed() <= WAIT_TIMEOUT,
                "waited for {state}: {delivery}\n{}",
                self.stack.log_tail().await
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the deliveries of the project fulfil the condition, and returns them. A failed request is repeated.
    pub async fn wait_for_deliveries(&self, condition: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let started_at = Instant::now();
        loop {
            let deliveries = self.deliveries().await;
            if let Some(wanted) = deliveries.as_ref().ok().filter(|deliveries| condition(deliveries)) {
                return wanted.clone();
            }
            assert!(started_at.elapsed() <= WAIT_TIMEOUT, "waited for {deliveries:?}\n{}", self.stack.log_tail().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn endpoint_path(&self) -> String {
        format!("/v1/projects/{}/endpoints/{}", self.project, self.endpoint)
    }

    fn events(&self) -> String {
        format!("/v1/projects/{}/events", self.project)
    }
}

async fn create(api: &ApiClient, path: &str, draft: &Value) -> Value {
    api.post(path, draft).await.unwrap_or_else(|error| panic!("{error}"))
}

fn member(response: &Value, name: &str) -> String {
    response[name].as_str().unwrap_or_else(|| panic!("no {name} in {response}")).to_owned()
}
