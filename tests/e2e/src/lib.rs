//! What the end-to-end tests share: one stack a test process, a runtime that lives as long, and customers.
//!
//! Neither is ever dropped; the stack's own guard ends it when the test process ends.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stack::api_client::{ApiClient, ApiError};
use stack::receiver::{Received, Receiver};
use stack::{Stack, StackOptions, demo};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// Delays that make a test with retries take seconds.
pub const RETRY_SCHEDULE: &str = "1s,1s,1s,1s,1s,1s,1s,1s,1s";

/// Pauses of an endpoint that make a test with a receiver that fails take seconds.
pub const HEALTH_POLICY: &str = "failures=20,over=2s,pause=2s,longest=5s,warn=24h,disable=120h";

/// Runs a test on the common runtime. A runtime of the test's own would end the stack's servers with the first test.
///
/// # Panics
///
/// If the runtime cannot be started.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime can be started")).block_on(test)
}

/// What most tests want.
pub fn usual_options() -> StackOptions {
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
/// If it cannot be started, with the sentence that says why.
pub async fn stack() -> &'static Stack {
    stack_with(usual_options).await
}

/// The stack that all tests of this process share, started when first asked for, as whoever asks first wants it.
///
/// # Panics
///
/// If it cannot be started, with the sentence that says why.
pub async fn stack_with(options: impl FnOnce() -> StackOptions) -> &'static Stack {
    static STACK: OnceCell<Result<Stack, String>> = OnceCell::const_new();
    let start = async || Stack::start(options()).await.map_err(|error| error.to_string());
    match STACK.get_or_init(start).await {
        Ok(stack) => stack,
        Err(sentence) => panic!("{sentence}"),
    }
}

/// How long a test waits for something that takes seconds; it only bounds a fault.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A project of a test's own, with one endpoint at the stack's receiver.
pub struct Customer {
    stack: &'static Stack,
    api: ApiClient,
    project: String,
    endpoint: String,
    path: String,
}

impl Customer {
    /// Creates the project, an API key of its own, and an endpoint at `path`, which no other test uses.
    pub async fn new(stack: &'static Stack, path: impl Into<String>) -> Self {
        let path = path.into();
        let operator = stack.api();
        let project = create(&operator, "/v1/projects", &json!({ "name": path })).await;
        let project = text(&project, "id");
        let key = create(&operator, &format!("/v1/projects/{project}/api-keys"), &json!({ "name": "server" })).await;
        let api = ApiClient::new(&stack.api_url, &text(&key, "key"));
        let wishes = json!({ "url": stack.receiver.url(&path) });
        let endpoint = create(&api, &format!("/v1/projects/{project}/endpoints"), &wishes).await;
        stack.receiver.expect(&path, &text(&endpoint, "signingSecret"));
        Self { stack, api, endpoint: text(&endpoint, "id"), project, path }
    }

    /// The project's id.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The endpoint's id.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The receiver.
    pub fn receiver(&self) -> &'static Receiver {
        &self.stack.receiver
    }

    /// Where at the receiver its webhooks go.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What came there so far.
    pub fn received(&self) -> Vec<Received> {
        self.receiver().received(&self.path)
    }

    /// Adds a reader, who confirms their address.
    pub async fn add_reader(&self, email: &str) {
        self.post("/notification-users", &json!({ "name": "Ada", "email": email, "language": "en" })).await;
        demo::confirm(self.stack, email).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Has the sweep run, as every minute.
    pub async fn sweep(&self) {
        self.stack.invoke("webhook-retry", json!({})).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Publishes an event; answers its id.
    pub async fn publish(&self, event: &Value) -> String {
        text(&create(&self.api, &self.events(), event).await, "id")
    }

    /// Publishes an event with an `Idempotency-Key`; answers its id.
    pub async fn publish_as(&self, key: &str, event: &Value) -> String {
        self.try_publish_as(key, event).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Publishes an event with an `Idempotency-Key`; answers its id, or why it was not accepted.
    pub async fn try_publish_as(&self, key: &str, event: &Value) -> Result<String, ApiError> {
        Ok(text(&self.api.post_as(key, &self.events(), event).await?, "id"))
    }

    /// Creates another endpoint at the stack's receiver, at `path`.
    pub async fn add_endpoint(&self, path: &str) {
        let endpoint = self.post("/endpoints", &json!({ "url": self.stack.receiver.url(path) })).await;
        self.stack.receiver.expect(path, &text(&endpoint, "signingSecret"));
    }

    /// `POST`s to what is at `path` below the project.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        create(&self.api, &format!("/v1/projects/{}{path}", self.project), body).await
    }

    /// What is at `path` below the project.
    pub async fn get(&self, path: &str) -> Value {
        let path = format!("/v1/projects/{}{path}", self.project);
        self.api.get(&path).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Pauses or resumes the endpoint.
    pub async fn act_on_endpoint(&self, action: &str) {
        create(&self.api, &format!("{}/{action}", self.endpoint_path()), &json!({})).await;
    }

    /// The endpoint as it is shown.
    pub async fn read_endpoint(&self) -> Value {
        self.api.get(&self.endpoint_path()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Has the sweep run again and again, instead of once a minute, until the deliveries are as wanted.
    pub async fn sweep_until(&self, are_as_wanted: impl Fn(&[Value]) -> bool) {
        let begun = Instant::now();
        loop {
            let deliveries = self.deliveries().await.unwrap_or_else(|error| panic!("{error}"));
            if are_as_wanted(&deliveries) {
                return;
            }
            assert!(begun.elapsed() <= PATIENCE, "{deliveries:?}\n{}", self.stack.log_tail().await);
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

    /// Waits until the delivery of an event is in `state`, and gives it.
    pub async fn wait_for_state(&self, event: &str, state: &str) -> Value {
        let path = format!("/v1/projects/{}/deliveries?event={event}", self.project);
        let begun = Instant::now();
        loop {
            let deliveries = self.api.get(&path).await.unwrap_or_else(|error| panic!("{error}"));
            let delivery = &deliveries["items"][0];
            if delivery["state"] == state {
                return delivery.clone();
            }
            assert!(begun.elapsed() <= PATIENCE, "waited for {state}: {delivery}\n{}", self.stack.log_tail().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until all deliveries of the project are as wanted, and gives them. A list that cannot be had now is asked for again.
    pub async fn wait_for_deliveries(&self, are_as_wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let deliveries = self.deliveries().await;
            if let Some(wanted) = deliveries.as_ref().ok().filter(|deliveries| are_as_wanted(deliveries)) {
                return wanted.clone();
            }
            assert!(begun.elapsed() <= PATIENCE, "waited for {deliveries:?}\n{}", self.stack.log_tail().await);
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

async fn create(api: &ApiClient, path: &str, wishes: &Value) -> Value {
    api.post(path, wishes).await.unwrap_or_else(|error| panic!("{error}"))
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}
