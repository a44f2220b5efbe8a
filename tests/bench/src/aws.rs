//! Local versions of the AWS services that the functions call. They count the calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::error::BenchError;
use crate::tables;
use crate::tls::Authority;

/// The key ring that the fake Secrets Manager returns.
const KEY_RING: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;

/// DynamoDB, SQS, SES and Secrets Manager under one URL. Clones share the services.
#[derive(Clone)]
pub(crate) struct FakeAws {
    pub(crate) url: String,
    database: Arc<Database>,
    usage: Arc<Mutex<Usage>>,
}

/// Calls of the services since [`FakeAws::take_usage`] was last called.
#[derive(Debug, Default, Clone)]
pub(crate) struct Usage {
    /// Number of calls for each operation.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Read capacity units that DynamoDB reports.
    pub(crate) read_units: f64,
    /// Write capacity units that DynamoDB reports.
    pub(crate) write_units: f64,
    /// Bodies of the messages sent to queues.
    pub(crate) messages: Vec<String>,
}

impl Usage {
    /// Adds the usage of later calls.
    pub(crate) fn add(&mut self, later: Self) {
        for (operation, calls) in later.calls {
            *self.calls.entry(operation).or_default() += calls;
        }
        self.read_units += later.read_units;
        self.write_units += later.write_units;
        self.messages.extend(later.messages);
    }
}

/// The in-memory DynamoDB.
pub(crate) struct Database {
    url: String,
    client: Client,
}

impl FakeAws {
    pub(crate) async fn start(authority: &Authority) -> Result<Self, BenchError> {
        let database = Arc::new(Database::start().await?);
        let listener = authority.listen().await?;
        let aws = Self { url: listener.url(), database, usage: Arc::default() };
        let router = Router::new().fallback(serve).with_state(aws.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(aws)
    }

    /// Returns the usage since the last call, and resets it.
    pub(crate) fn take_usage(&self) -> Usage {
        std::mem::take(&mut *self.usage())
    }

    /// The database. Calls through it are not counted.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn respond(&self, target: &str, headers: &HeaderMap, body: Bytes) -> Result<Response, BenchError> {
        let (service, operation) = target.split_once('.').unwrap_or(("SES", "SendEmail"));
        *self.usage().calls.entry(format!("{service}.{operation}")).or_default() += 1;
        match service {
            "DynamoDB_20120810" => self.forward_to_database(operation, headers, &body).await,
            "AmazonSQS" => self.keep_messages(&body),
            "secretsmanager" => Ok(json_response(&json!({ "Name": "key-ring", "SecretString": KEY_RING }))),
            _ => Ok(json_response(&json!({ "MessageId": "message" }))),
        }
    }

    async fn forward_to_database(
        &self,
        operation: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response, BenchError> {
        // The request is forwarded unchanged, except that it also asks for its consumed capacity.
        let mut request: Value = serde_json::from_slice(body)?;
        request["ReturnConsumedCapacity"] = "TOTAL".into();
        let mut headers = headers.clone();
        headers.remove(CONTENT_LENGTH);
        headers.remove(HOST);
        let call = self.database.client.post(&self.database.url).headers(headers).body(request.to_string());
        let response = call.send().await?;
        let (status, content) = (response.status(), response.bytes().await?);
        let units = units(&serde_json::from_slice(&content)?);
        let is_read = matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan");
        let mut usage = self.usage();
        if is_read {
            usage.read_units += units;
        } else {
            usage.write_units += units;
        }
        Ok((status, content).into_response())
    }

    fn keep_messages(&self, body: &[u8]) -> Result<Response, BenchError> {
        let batch: Value = serde_json::from_slice(body)?;
        if batch.get("AttributeNames").is_some() {
            return Ok(json_response(&json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } })));
        }
        let entries = batch["Entries"].as_array().ok_or(BenchError::Missing("entries"))?;
        let bodies = entries.iter().filter_map(|entry| entry["MessageBody"].as_str());
        self.usage().messages.extend(bodies.map(str::to_owned));
        let successful: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "unchecked" }))
            .collect();
        Ok(json_response(&json!({ "Successful": successful, "Failed": [] })))
    }
}

async fn serve(State(aws): State<FakeAws>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    match aws.respond(&target, &headers, body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn json_response(body: &Value) -> Response {
    ([("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response()
}

/// The capacity units in a response: one number, or a list for operations on several tables.
fn units(response: &Value) -> f64 {
    let of_one = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &response["ConsumedCapacity"] {
        Value::Array(all) => all.iter().map(of_one).sum(),
        one => of_one(one),
    }
}

impl Database {
    async fn start() -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let database = dynoxide::Database::memory().map_err(|error| BenchError::Unexpected(error.to_string()))?;
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let started = Self { url, client: Client::new() };
        for table in tables::all() {
            started.call("CreateTable", &table).await?;
        }
        Ok(started)
    }

    /// Makes a call like an SDK.
    async fn call(&self, operation: &str, request: &Value) -> Result<Value, BenchError> {
        self.call_with(operation, request.to_string()).await
    }

    async fn call_with(&self, operation: &str, request: String) -> Result<Value, BenchError> {
        const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, \
            SignedHeaders=host;x-amz-date, Signature=00";
        let call = self
            .client
            .post(&self.url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", SIGNATURE);
        let response = call.body(request).send().await?;
        let (status, content) = (response.status(), response.text().await?);
        if status.is_success() { Ok(serde_json::from_str(&content)?) } else { Err(BenchError::Unexpected(content)) }
    }

    /// Returns a row of `table` whose sort key starts with `prefix` and for which `is_wanted` is true.
    pub(crate) async fn row(
        &self,
        table: &str,
        prefix: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, BenchError> {
        let mut request = json!({
            "TableName": table,
            "FilterExpression": "begins_with(sk, :prefix)",
            "ExpressionAttributeValues": { ":prefix": { "S": prefix } },
        });
        loop {
            let mut page = self.call("Scan", &request).await?;
            let rows = page["Items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            if let Some(row) = rows.into_iter().find(&is_wanted) {
                return Ok(row);
            }
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
            if request["ExclusiveStartKey"].is_null() {
                return Err(BenchError::Missing("row"));
            }
        }
    }

    /// Writes rows in JSON, and replaces those with the same keys. The rows are built while they are written, because there may be too
    /// many for the memory.
    pub(crate) async fn put_all(&self, table: &str, mut rows: impl Iterator<Item = String>) -> Result<(), BenchError> {
        loop {
            let chunk = rows.by_ref().take(25).map(|row| format!(r#"{{"PutRequest":{{"Item":{row}}}}}"#));
            let puts = chunk.collect::<Vec<_>>();
            if puts.is_empty() {
                return Ok(());
            }
            let request = format!(r#"{{"RequestItems":{{"{table}":[{}]}}}}"#, puts.join(","));
            self.call_with("BatchWriteItem", request).await?;
        }
    }
}
