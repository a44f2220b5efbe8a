//! The AWS services that the functions call, on this machine, with their calls counted.

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

/// The key ring that the fake Secrets Manager gives.
const KEY_RING: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;

/// DynamoDB, SQS, SES and Secrets Manager under one URL. Clones are the same services.
#[derive(Clone)]
pub(crate) struct FakeAws {
    pub(crate) url: String,
    database: Arc<Database>,
    seen: Arc<Mutex<Seen>>,
}

/// What was asked of the services since this was last taken.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    /// How many calls of each operation.
    pub(crate) calls: BTreeMap<String, u64>,
    /// The units that DynamoDB says it charges.
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    /// The bodies of the messages that were sent to queues.
    pub(crate) messages: Vec<String>,
}

/// The database behind it.
pub(crate) struct Database {
    url: String,
    client: Client,
}

impl FakeAws {
    pub(crate) async fn start(authority: &Authority) -> Result<Self, BenchError> {
        let database = Arc::new(Database::start().await?);
        let listener = authority.listen().await?;
        let aws = Self { url: listener.url(), database, seen: Arc::default() };
        let router = Router::new().fallback(serve).with_state(aws.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(aws)
    }

    /// What was asked since the last time.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen())
    }

    /// The database, past the counting.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, target: &str, headers: &HeaderMap, body: Bytes) -> Result<Response, BenchError> {
        let (service, operation) = target.split_once('.').unwrap_or(("SES", "SendEmail"));
        *self.seen().calls.entry(format!("{service}.{operation}")).or_default() += 1;
        match service {
            "DynamoDB_20120810" => self.database_answer(operation, headers, &body).await,
            "AmazonSQS" => self.keep(&body),
            "secretsmanager" => Ok(text(&json!({ "Name": "key-ring", "SecretString": KEY_RING }))),
            _ => Ok(text(&json!({ "MessageId": "message" }))),
        }
    }

    async fn database_answer(&self, operation: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, BenchError> {
        // A request is passed on as it came but for the wish to be told what it costs.
        let mut request: Value = serde_json::from_slice(body)?;
        request["ReturnConsumedCapacity"] = "TOTAL".into();
        let mut headers = headers.clone();
        headers.remove(CONTENT_LENGTH);
        headers.remove(HOST);
        let call = self.database.client.post(&self.database.url).headers(headers).body(request.to_string());
        let answer = call.send().await?;
        let (status, content) = (answer.status(), answer.bytes().await?);
        let units = units(&serde_json::from_slice(&content)?);
        let is_read = matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan");
        let mut seen = self.seen();
        if is_read {
            seen.read_units += units;
        } else {
            seen.write_units += units;
        }
        Ok((status, content).into_response())
    }

    fn keep(&self, body: &[u8]) -> Result<Response, BenchError> {
        let batch: Value = serde_json::from_slice(body)?;
        let entries = batch["Entries"].as_array().ok_or(BenchError::Missing("entries"))?;
        let bodies = entries.iter().filter_map(|entry| entry["MessageBody"].as_str());
        self.seen().messages.extend(bodies.map(str::to_owned));
        let taken: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "unchecked" }))
            .collect();
        Ok(text(&json!({ "Successful": taken, "Failed": [] })))
    }
}

async fn serve(State(aws): State<FakeAws>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    match aws.answer(&target, &headers, body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn text(answer: &Value) -> Response {
    ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response()
}

/// The units in an answer; several tables' are listed.
fn units(answer: &Value) -> f64 {
    let of_one = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(all) => all.iter().map(of_one).sum(),
        one => of_one(one),
    }
}

impl Database {
    async fn start() -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let database = dynoxide::Database::memory().map_err(|error| BenchError::Refused(error.to_string()))?;
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let started = Self { url, client: Client::new() };
        for table in tables::all() {
            started.call("CreateTable", &table).await?;
        }
        Ok(started)
    }

    /// Makes a call as an SDK would.
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
        let answer = call.body(request).send().await?;
        let (status, content) = (answer.status(), answer.text().await?);
        if status.is_success() { Ok(serde_json::from_str(&content)?) } else { Err(BenchError::Refused(content)) }
    }

    /// A row of `table` whose sort key begins with `prefix` and that `is_wanted`.
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

    /// Writes rows, which are JSON texts, over whatever was there. They are made as they are written, for there may be many.
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
