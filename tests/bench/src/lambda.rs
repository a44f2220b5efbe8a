//! A local runtime API of Lambda: starts the binary of a function, sends it events and receives its responses.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use domain::foundation::clock::{Clock as _, SystemClock};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::BenchError;
use crate::process::{peak_memory, settled_cpu};

/// Deadline of an invocation: the timeout of webhook-sender.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running function that is waiting for its next event.
pub(crate) struct Lambda {
    program: PathBuf,
    child: Child,
    calls: mpsc::Receiver<Call>,
    next: oneshot::Sender<Vec<u8>>,
    log: NamedTempFile,
    server: JoinHandle<()>,
    pub(crate) start: Start,
    cpu: Duration,
}

/// Cost of a start, until the function asked for its first event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// A call of the runtime API, with the time at which it arrived.
enum Call {
    /// The function asks for its next event.
    Next(Instant, oneshot::Sender<Vec<u8>>),
    /// The function returns the response or the error of an invocation.
    Result(Instant, Result<Bytes, Bytes>),
}

impl Lambda {
    /// Starts `program` with these environment variables and those of Lambda, and waits until it asks for its first event.
    pub(crate) async fn start(program: PathBuf, variables: &[(&str, String)]) -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, mut calls) = mpsc::channel(1);
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(result))
            .with_state(sender);
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });

        let log = NamedTempFile::new()?;
        let mut command = Command::new(&program);
        command
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .stdin(Stdio::null())
            .stdout(File::create(log.path())?)
            .kill_on_drop(true);
        let started_at = Instant::now();
        let mut child = command.spawn()?;
        let first = tokio::select! {
            call = calls.recv() => call,
            _ = child.wait() => None,
        };
        let Some(Call::Next(asked_at, next)) = first else { return Err(BenchError::Ended(program)) };
        let cpu = settled_cpu(child.id().unwrap_or_default()).await?;
        let start = Start { wall: asked_at - started_at, cpu };
        Ok(Self { program, child, calls, next, log, server, start, cpu })
    }

    /// Sends the function an event. Returns its response and duration after it has asked for the next event.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<(Value, Duration), BenchError> {
        let event = serde_json::to_vec(event)?;
        let started_at = Instant::now();
        let (unused, _) = oneshot::channel();
        let _ = std::mem::replace(&mut self.next, unused).send(event);
        let Some(Call::Result(answered_at, response)) = self.calls.recv().await else {
            return Err(BenchError::Ended(self.program.clone()));
        };
        let response = response.map_err(|error| self.failed(&error))?;
        let Some(Call::Next(_, next)) = self.calls.recv().await else {
            return Err(BenchError::Ended(self.program.clone()));
        };
        self.next = next;
        let response = if response.is_empty() { Value::Null } else { serde_json::from_slice(&response)? };
        Ok((response, answered_at - started_at))
    }

    /// Processor time used since the last call of this method, or since the start.
    pub(crate) async fn cpu(&mut self) -> Result<Duration, BenchError> {
        let now = settled_cpu(self.pid()).await?;
        let used = now.saturating_sub(self.cpu);
        self.cpu = now;
        Ok(used)
    }

    /// Peak memory in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64, BenchError> {
        Ok(peak_memory(self.pid())?)
    }

    /// Number of bytes logged since the start.
    pub(crate) fn logged(&self) -> Result<u64, BenchError> {
        Ok(self.log.as_file().metadata()?.len())
    }

    /// Limits the number of files that the function may have open from now on.
    pub(crate) async fn limit_files(&self, max: u32) -> Result<(), BenchError> {
        let pid = self.pid().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid]).arg(format!("--nofile={max}")).status().await?;
        if status.success() { Ok(()) } else { Err(BenchError::Missing("prlimit")) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    fn failed(&self, response: &[u8]) -> BenchError {
        BenchError::Failed { program: self.program.clone(), response: String::from_utf8_lossy(response).into_owned() }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(calls): State<mpsc::Sender<Call>>) -> Response {
    let (sender, event) = oneshot::channel();
    let is_running = calls.send(Call::Next(Instant::now(), sender)).await.is_ok();
    match event.await {
        Ok(event) if is_running => {
            let deadline_ms = SystemClock.now().plus(TIMEOUT).as_millis().to_string();
            let headers = [
                ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000".to_owned()),
                ("lambda-runtime-deadline-ms", deadline_ms),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
                ),
                ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
                ("content-type", "application/json".to_owned()),
            ];
            (headers, event).into_response()
        }
        _ => StatusCode::GONE.into_response(),
    }
}

async fn result(
    State(calls): State<mpsc::Sender<Call>>,
    Path((_, kind)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let result = if kind == "response" { Ok(body) } else { Err(body) };
    // Sending fails only after the bench has ended.
    let _ = calls.send(Call::Result(Instant::now(), result)).await;
    StatusCode::ACCEPTED
}
