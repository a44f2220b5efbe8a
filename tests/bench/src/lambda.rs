//! A stand-in for Lambda: starts a function's binary, hands it events and takes its answers.

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
use serde_json::Value;
use shared::clock::{Clock as _, SystemClock};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::BenchError;
use crate::process::{peak_memory, settled_cpu};

/// How long a function has for one event: as long as the sender has.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running function that waits for its next event.
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

/// What a start took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// What a function asks of Lambda.
enum Call {
    Next(Instant, oneshot::Sender<Vec<u8>>),
    Answer(Instant, Result<Bytes, Bytes>),
}

impl Lambda {
    /// Starts `program` with just these variables, and waits until it asks for its first event.
    pub(crate) async fn start(program: PathBuf, variables: &[(&str, String)]) -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, mut calls) = mpsc::channel(1);
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
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
        let begun = Instant::now();
        let mut child = command.spawn()?;
        let first = tokio::select! {
            call = calls.recv() => call,
            _ = child.wait() => None,
        };
        let Some(Call::Next(asked_at, next)) = first else { return Err(BenchError::Ended(program)) };
        let cpu = settled_cpu(child.id().unwrap_or_default()).await?;
        let start = Start { wall: asked_at - begun, cpu };
        Ok(Self { program, child, calls, next, log, server, start, cpu })
    }

    /// Hands the function an event; gives its answer and how long that took, once it has asked for the next.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<(Value, Duration), BenchError> {
        let event = serde_json::to_vec(event)?;
        let begun = Instant::now();
        let (unused, _) = oneshot::channel();
        let _ = std::mem::replace(&mut self.next, unused).send(event);
        let Some(Call::Answer(answered_at, answer)) = self.calls.recv().await else {
            return Err(BenchError::Ended(self.program.clone()));
        };
        let answer = answer.map_err(|error| self.failed(&error))?;
        let Some(Call::Next(_, next)) = self.calls.recv().await else {
            return Err(BenchError::Ended(self.program.clone()));
        };
        self.next = next;
        let answer = if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer)? };
        Ok((answer, answered_at - begun))
    }

    /// The processor time since this was last asked, or since the start.
    pub(crate) async fn cpu(&mut self) -> Result<Duration, BenchError> {
        let now = settled_cpu(self.pid()).await?;
        let since = now.saturating_sub(self.cpu);
        self.cpu = now;
        Ok(since)
    }

    pub(crate) fn peak_memory(&self) -> Result<u64, BenchError> {
        Ok(peak_memory(self.pid())?)
    }

    /// How many bytes were logged since the start.
    pub(crate) fn logged(&self) -> Result<u64, BenchError> {
        Ok(self.log.as_file().metadata()?.len())
    }

    fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    fn failed(&self, answer: &[u8]) -> BenchError {
        BenchError::Failed { program: self.program.clone(), answer: String::from_utf8_lossy(answer).into_owned() }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(calls): State<mpsc::Sender<Call>>) -> Response {
    let (sender, event) = oneshot::channel();
    let is_heard = calls.send(Call::Next(Instant::now(), sender)).await.is_ok();
    match event.await {
        Ok(event) if is_heard => {
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

async fn answer(
    State(calls): State<mpsc::Sender<Call>>,
    Path((_, kind)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let answer = if kind == "response" { Ok(body) } else { Err(body) };
    // If nobody listens any more, the bench is over.
    let _ = calls.send(Call::Answer(Instant::now(), answer)).await;
    StatusCode::ACCEPTED
}
