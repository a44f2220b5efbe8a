//! A small server with the feed of one project, as the API has it, and with the troubles that a reader meets.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The project that the server has.
pub const PROJECT: &str = "project-1";
/// The API key that the server accepts.
pub const KEY: &str = "sp_test_reader";
/// The value of `Retry-After` when the server limits a call.
pub const RETRY_AFTER_SECONDS: u64 = 2;

/// A running server. Dropping it ends the server.
#[derive(Debug)]
pub struct FeedServer {
    /// The URL of the API.
    pub url: String,
    state: Arc<Mutex<Feed>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Feed {
    events: Vec<Value>,
    calls: Vec<Call>,
    answers: Vec<StatusCode>,
    is_searching: bool,
}

/// A call that the server answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// The cursor in the query.
    pub after: Option<String>,
    /// The status of the response.
    pub status: StatusCode,
    /// When the call arrived.
    pub at: Instant,
}

#[derive(Debug, Deserialize)]
struct Page {
    after: Option<String>,
    limit: usize,
    wait: u64,
}

impl FeedServer {
    /// Starts a server with `count` events. It answers the first calls with `answers`, in this order.
    pub async fn start(count: usize, answers: impl IntoIterator<Item = StatusCode>) -> io::Result<Self> {
        let mut answers: Vec<StatusCode> = answers.into_iter().collect();
        answers.reverse();
        let events = (1..=count).map(event).collect();
        let state = Arc::new(Mutex::new(Feed { events, calls: Vec::new(), answers, is_searching: false }));
        let router = Router::new().route("/v1/projects/project-1/feed", get(answer)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Ok(Self { url, state, task })
    }

    /// Makes the server answer its next call with an empty page that is not the last.
    pub fn search_longer(&self) {
        self.state.lock().unwrap().is_searching = true;
    }

    /// Accepts another event.
    pub fn publish(&self) {
        let mut feed = self.state.lock().unwrap();
        let next = event(feed.events.len() + 1);
        feed.events.push(next);
    }

    /// The ids of all events, oldest first.
    pub fn ids(&self) -> Vec<String> {
        let feed = self.state.lock().unwrap();
        feed.events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }
}

impl Drop for FeedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn event(number: usize) -> Value {
    json!({
        "id": format!("event-{number:03}"), "type": "updated", "projectId": PROJECT, "submissionId": "sub_1",
        "sequence": number, "timestamp": "2026-01-31T08:00:00.000Z", "data": { "n": number },
    })
}

async fn answer(State(state): State<Arc<Mutex<Feed>>>, headers: HeaderMap, Query(page): Query<Page>) -> Response {
    let (at, mut feed) = (Instant::now(), state.lock().unwrap());
    let start = match page.after.as_deref() {
        None => Some(0),
        Some("latest") => Some(feed.events.len()),
        Some(cursor) => cursor.strip_prefix("cursor:").and_then(|number| number.parse().ok()),
    };
    let is_allowed = headers.get("x-api-key").is_some_and(|key| key == KEY);
    let (status, start) = match (feed.answers.pop(), start) {
        (Some(status), _) => (status, 0),
        (None, _) if !is_allowed => (StatusCode::UNAUTHORIZED, 0),
        (None, Some(start)) if page.wait <= 20 => (StatusCode::OK, start),
        (None, _) => (StatusCode::BAD_REQUEST, 0),
    };
    feed.calls.push(Call { after: page.after, status, at });
    if status != StatusCode::OK {
        return (status, [("retry-after", RETRY_AFTER_SECONDS.to_string())], "{}").into_response();
    }
    let limit = if std::mem::take(&mut feed.is_searching) { 0 } else { page.limit };
    let end = (start + limit).min(feed.events.len());
    let items = &feed.events[start..end];
    axum::Json(json!({ "items": items, "cursor": format!("cursor:{end}"), "hasMore": end < feed.events.len() }))
        .into_response()
}
