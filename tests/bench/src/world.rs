//! The environment of the functions: AWS, a receiver, variables and projects.

use std::path::PathBuf;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::ApiKey;
use domain::webhooks::health::DEFAULT_POLICY;
use domain::webhooks::retry::DEFAULT_SCHEDULE;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::FakeAws;
use crate::error::BenchError;
use crate::lambda::Lambda;
use crate::programs::Programs;
use crate::receiver::{Receiver, ResponseMode};
use crate::tables::{ACTIVITY, SETTINGS};
use crate::tls::Authority;

/// Operator key of the bench. No deployment accepts it.
const OPERATOR_KEY: &str = "sp_op_000000000000000000000000000000002BN0qN";

/// The environment of the functions.
pub(crate) struct World {
    programs: Programs,
    authority: Authority,
    pub(crate) aws: FakeAws,
    pub(crate) receiver: Receiver,
    operator_key_hash: String,
    directory: TempDir,
}

/// A project with endpoints.
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) endpoints: Vec<String>,
}

impl World {
    pub(crate) async fn start(programs: Programs) -> Result<Self, BenchError> {
        let directory = TempDir::new()?;
        let authority = Authority::new(directory.path())?;
        let aws = FakeAws::start(&authority).await?;
        let receiver = Receiver::start(&authority).await?;
        let operator_key: ApiKey = OPERATOR_KEY.parse().map_err(|_| BenchError::Missing("operator key"))?;
        let operator_key_hash = operator_key.hash().to_string();
        Ok(Self { programs, authority, aws, receiver, operator_key_hash, directory })
    }

    /// Starts a program like Lambda.
    pub(crate) async fn function(&self, name: &str) -> Result<Lambda, BenchError> {
        Lambda::start(self.programs.path(name), &self.variables()).await
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.path(name)
    }

    pub(crate) fn trusted_root(&self) -> &PathBuf {
        &self.authority.root
    }

    /// Starts a sender that may send to the hosts of the receiver with these names.
    pub(crate) async fn sender_to(&self, hosts: &[String]) -> Result<Lambda, BenchError> {
        let exceptions: Vec<String> = hosts.iter().map(|host| format!("{host}=127.0.0.0/8")).collect();
        let file = self.directory.path().join("exceptions");
        std::fs::write(&file, exceptions.join(","))?;
        let mut variables = self.variables();
        variables.push(("EXCEPTIONS_FILE", file.display().to_string()));
        Lambda::start(self.programs.path("trusting-sender"), &variables).await
    }

    /// The variables of all functions together.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let file = |path: &PathBuf| path.display().to_string();
        let queue = |name: &str| format!("{}/000000000000/{name}", self.aws.url);
        vec![
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_ENDPOINT_URL", self.aws.url.clone()),
            ("SSL_CERT_FILE", file(&self.authority.system_bundle)),
            ("TRUSTED_ROOT", file(&self.authority.root)),
            ("SETTINGS_TABLE", SETTINGS.to_owned()),
            ("ACTIVITY_TABLE", ACTIVITY.to_owned()),
            ("RETENTION_DAYS", "30".to_owned()),
            ("SEND_QUEUE_URL", queue("send")),
            ("SLOW_QUEUE_URL", queue("slow")),
            ("REPORT_QUEUE_URL", queue("reports")),
            ("KEY_RING_SECRET", "key-ring".to_owned()),
            ("OPERATOR_KEY_HASHES", self.operator_key_hash.clone()),
            ("API_BASE_URL", "https://api.signpost.example".to_owned()),
            ("REDIRECT_BASE_URL", "https://return.signpost.example".to_owned()),
            ("CONSOLE_BASE_URL", "https://console.signpost.example".to_owned()),
            ("EGRESS_IPS", "192.0.2.1".to_owned()),
            ("MAIL_FROM", "reports@signpost.example".to_owned()),
            ("RATE_LIMIT", "1000000".to_owned()),
            ("MAX_CONFIRMATIONS_PER_PROJECT", "50".to_owned()),
            ("MAX_CONFIRMATIONS_PER_DAY", "1000".to_owned()),
            ("ALLOWED_PRIVATE_RECEIVERS", "localhost=127.0.0.0/8".to_owned()),
            ("CANARY_URL", self.aws.url.clone()),
            ("RETRY_SCHEDULE", DEFAULT_SCHEDULE.to_owned()),
            ("HEALTH_POLICY", DEFAULT_POLICY.to_owned()),
            ("PRODUCT_SCOPES", "submissions:read".to_owned()),
            ("PRODUCT_ROUTES", "GET /submissions=submissions:read".to_owned()),
            ("PRODUCT_KEY_HEADER", "x-api-key".to_owned()),
            ("MALLOC_TOP_PAD_", "1048576".to_owned()),
            ("LOG_LEVEL", "info".to_owned()),
        ]
    }

    /// Creates a project with `count` endpoints at the receiver.
    pub(crate) async fn project(
        &self,
        api: &mut Lambda,
        mode: ResponseMode,
        count: usize,
    ) -> Result<Project, BenchError> {
        let project = call(api, "POST", "/v1/projects", &json!({ "name": "Bench" })).await?;
        let id = member(&project, "id")?;
        let mut endpoints = Vec::new();
        for _ in 0..count {
            let new = json!({ "url": self.receiver.url(mode) });
            let endpoint = call(api, "POST", &format!("/v1/projects/{id}/endpoints"), &new).await?;
            endpoints.push(member(&endpoint, "id")?);
        }
        Ok(Project { id, endpoints })
    }
}

impl Project {
    /// The request of an HTTP API to authorize a call to the product with a new key of the project.
    pub(crate) async fn authorizer_request(&self, api: &mut Lambda) -> Result<Value, BenchError> {
        let new = json!({ "name": "server", "scopes": ["submissions:read"] });
        let created = call(api, "POST", &format!("/v1/projects/{}/api-keys", self.id), &new).await?;
        let (key, route, source) = (member(&created, "key")?, "GET /submissions", "203.0.113.9");
        Ok(json!({
            "version": "2.0", "type": "REQUEST", "routeKey": route, "rawPath": "/submissions",
            "identitySource": [key, source, route], "headers": { "x-api-key": key, "host": "api.product.example" },
            "requestContext": { "http": { "method": "GET", "path": "/submissions", "sourceIp": source }, "routeKey": route },
        }))
    }

    /// The API Gateway event of a request that publishes `event`.
    pub(crate) fn publish_request(&self, event: &Value) -> Value {
        request("POST", &format!("/v1/projects/{}/events", self.id), event)
    }

    /// The API Gateway event of a request that publishes `count` events like `event`.
    pub(crate) fn publish_batch_request(&self, event: &Value, count: usize) -> Value {
        let batch = json!({ "events": vec![event; count] });
        request("POST", &format!("/v1/projects/{}/events/batch", self.id), &batch)
    }

    /// Creates a return link that redirects to the return URL without a result page. Returns the API Gateway event of a request that
    /// opens it.
    pub(crate) async fn return_link_request(&self, api: &mut Lambda) -> Result<Value, BenchError> {
        let base = format!("/v1/projects/{}", self.id);
        let settings = json!({ "url": "https://app.example/done", "fields": ["kycStatus"], "skipResultPage": true });
        call(api, "PUT", &format!("{base}/return-url"), &settings).await?;
        let link = call(api, "POST", &format!("{base}/return-links"), &json!({ "kycStatus": "approved" })).await?;
        let link = member(&link, "url")?;
        let path = link.find("/r/").map(|at| &link[at..]).ok_or(BenchError::Missing("path"))?;
        Ok(request("GET", path, &Value::Null))
    }

    /// Opens the console as an admin. Returns the API Gateway event of a request for the page at `path`.
    pub(crate) async fn console_request(
        &self,
        api: &mut Lambda,
        console: &mut Lambda,
        path: &str,
    ) -> Result<Value, BenchError> {
        let link = json!({ "user": { "id": "ada", "name": "Ada" }, "role": "admin" });
        let link = call(api, "POST", &format!("/v1/projects/{}/console-links", self.id), &link).await?;
        let link = member(&link, "url")?;
        let entry = link.find("/in/").map(|at| &link[at..]).ok_or(BenchError::Missing("path"))?;
        let mut navigation = request("GET", entry, &Value::Null);
        navigation["headers"]["sec-fetch-mode"] = "navigate".into();
        navigation["headers"]["sec-fetch-dest"] = "document".into();
        let (response, _) = console.invoke(&navigation).await?;
        let cookie = response["cookies"][0].as_str().and_then(|cookie| cookie.split(';').next());
        let mut page = request("GET", path, &Value::Null);
        page["cookies"] = json!([cookie.ok_or_else(|| BenchError::Unexpected(response.to_string()))?]);
        Ok(page)
    }

    /// An SQS batch with the first messages of `count` events, distributed over the endpoints.
    pub(crate) fn batch(&self, count: usize) -> Value {
        batch((0..count).map(|number| self.message(&self.endpoints[number % self.endpoints.len()])))
    }

    fn message(&self, endpoint: &str) -> String {
        let id = EventId::new(SystemClock.now(), &SystemRandom);
        let mut event = event();
        event["id"] = id.to_string().into();
        event["projectId"] = self.id.clone().into();
        let delivery = format!("{id}_{endpoint}");
        let task = json!({
            "projectId": self.id, "deliveryId": delivery, "attempt": 1, "event": event, "isNew": true,
        });
        json!({ "attempt": task }).to_string()
    }
}

/// An event with a webhook body of about 1 KB.
pub(crate) fn event() -> Value {
    let answers: Vec<Value> =
        (0..14).map(|number| json!({ "question": format!("field-{number}"), "answer": "given and checked" })).collect();
    json!({
        "type": "approved",
        "submissionId": "sub_abc123",
        "occurredAt": "2026-11-22T08:29:58.120Z",
        "data": { "kycStatus": "approved", "userid": "user123", "answers": answers },
    })
}

/// An event without a submission, with a row of about 0.5 KB.
pub(crate) fn small_event() -> Value {
    json!({ "type": "approved", "data": { "kycStatus": "approved", "userid": "user123" } })
}

/// An SQS batch with these messages.
pub(crate) fn batch(bodies: impl Iterator<Item = String>) -> Value {
    let record = |(number, body): (usize, String)| {
        json!({
            "messageId": number.to_string(),
            "receiptHandle": "receipt",
            "body": body,
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1795336200000" },
            "messageAttributes": {},
            "md5OfBody": "unchecked",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:send",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": bodies.enumerate().map(record).collect::<Vec<_>>() })
}

/// Lets the sender process a batch, and returns the duration. Fails if a message returns to the queue.
pub(crate) async fn send(sender: &mut Lambda, batch: &Value) -> Result<std::time::Duration, BenchError> {
    let (response, wall) = sender.invoke(batch).await?;
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    let (failed, messages) = (count(&response["batchItemFailures"]), count(&batch["Records"]));
    if failed > 0 { Err(BenchError::Returned { failed, messages }) } else { Ok(wall) }
}

/// Makes an API request. Fails if it is rejected.
pub(crate) async fn call(api: &mut Lambda, method: &str, path: &str, body: &Value) -> Result<Value, BenchError> {
    let (response, _) = api.invoke(&request(method, path, body)).await?;
    let is_success = response["statusCode"].as_u64().is_some_and(|status| status < 300);
    let content = response["body"].as_str().unwrap_or_default();
    if is_success { Ok(serde_json::from_str(content)?) } else { Err(BenchError::Unexpected(content.to_owned())) }
}

/// The event that API Gateway sends for a request.
pub(crate) fn request(method: &str, path: &str, body: &Value) -> Value {
    let headers = json!({
        "accept": "application/json",
        "content-type": "application/json",
        "host": "api.signpost.example",
        "x-api-key": OPERATOR_KEY,
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-proto": "https",
    });
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "domainName": "api.signpost.example",
            "domainPrefix": "api",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "bench" },
            "requestId": "request",
            "routeKey": "$default",
            "stage": "$default",
            "time": "22/Nov/2026:08:30:00 +0000",
            "timeEpoch": 1_795_336_200_000_u64,
        },
        "isBase64Encoded": false,
        "body": if body.is_null() { String::new() } else { body.to_string() },
    })
}

/// A string member of a response.
pub(crate) fn member(response: &Value, name: &'static str) -> Result<String, BenchError> {
    response[name].as_str().map(str::to_owned).ok_or(BenchError::Missing(name))
}
