//! A customer's server: takes webhooks, checks their signatures with the public library, and remembers them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use standardwebhooks::Webhook;
use thiserror::Error;
use tokio::sync::watch;

use crate::server::Server;

/// The template's parameter that lets webhooks go to loopback.
pub(crate) const LOOPBACK: &str = "localhost=127.0.0.0/8,localhost=::1/128,127.0.0.1=127.0.0.0/8,[::1]=::1/128";

/// A running receiver, with any number of paths, each for one endpoint.
#[derive(Debug)]
pub struct Receiver {
    server: Server,
    inbox: Arc<Inbox>,
}

/// A webhook as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// `webhook-id`.
    pub id: String,
    /// The body's `type`.
    pub event_type: String,
    /// `webhook-attempt`.
    pub attempt: u32,
    /// Whether the signature fits the secret given to [`Receiver::expect`].
    pub verified: bool,
    /// What it was answered.
    pub answered: u16,
    /// All its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// When it came.
    pub at: Instant,
}

/// Webhooks that were waited for and did not come.
#[derive(Debug, Error)]
#[error("waited {within:?} at {path}; this came: {came:?}")]
pub struct TimedOut {
    path: String,
    within: Duration,
    came: Vec<String>,
}

#[derive(Debug, Default)]
struct Inbox {
    paths: Mutex<BTreeMap<String, PathState>>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct PathState {
    signing_secret: Option<String>,
    next_answers: VecDeque<u16>,
    delay: Duration,
    received: Vec<Received>,
}

impl Receiver {
    /// Starts one on a free loopback port.
    pub async fn start() -> io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let server = Server::start(Router::new().fallback(take).with_state(Arc::clone(&inbox))).await?;
        Ok(Self { server, inbox })
    }

    /// The URL of a path, `/demo` say; of all, if it is empty.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.server.port())
    }

    /// Checks what comes to `path` with an endpoint's signing secret from now on.
    pub fn expect(&self, path: &str, signing_secret: &str) {
        self.inbox.lock().entry(path.to_owned()).or_default().signing_secret = Some(signing_secret.to_owned());
    }

    /// Answers the next requests to `path` with these, one after another, and then again with 200, or 401 to a wrong signature.
    pub fn answer(&self, path: &str, statuses: impl IntoIterator<Item = u16>) {
        self.inbox.lock().entry(path.to_owned()).or_default().next_answers.extend(statuses);
    }

    /// Takes so long to answer what comes to `path` from now on.
    pub fn delay(&self, path: &str, delay: Duration) {
        self.inbox.lock().entry(path.to_owned()).or_default().delay = delay;
    }

    /// What came to `path` so far, in order.
    pub fn received(&self, path: &str) -> Vec<Received> {
        self.with_received(path, <[Received]>::to_vec)
    }

    /// How many webhooks came to `path` so far.
    pub fn count(&self, path: &str) -> usize {
        self.with_received(path, <[Received]>::len)
    }

    fn with_received<T>(&self, path: &str, look: impl FnOnce(&[Received]) -> T) -> T {
        look(self.inbox.lock().get(path).map(|state| state.received.as_slice()).unwrap_or_default())
    }

    /// Waits until what came to `path` is as wanted, and gives it.
    pub async fn wait_for(
        &self,
        path: &str,
        within: Duration,
        is_as_wanted: impl Fn(&[Received]) -> bool,
    ) -> Result<Vec<Received>, TimedOut> {
        let mut changes = self.inbox.changed.subscribe();
        let look = async {
            loop {
                if self.with_received(path, &is_as_wanted) {
                    return self.received(path);
                }
                // It never fails: we hold the inbox that it watches.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(within, look).await.map_err(|_| {
            let came = self.received(path).iter().map(|one| format!("{} {}", one.event_type, one.attempt)).collect();
            TimedOut { path: path.to_owned(), within, came }
        })
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, PathState>> {
        self.paths.lock().expect("nobody panics while holding it")
    }

    /// Remembers a webhook; tells what to answer, and after what time.
    fn note(&self, uri: &Uri, headers: HeaderMap, body: Bytes) -> (u16, Duration) {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (id, attempt) = (header("webhook-id"), header("webhook-attempt").parse().unwrap_or_default());
        let content: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut paths = self.lock();
        let state = paths.entry(uri.path().to_owned()).or_default();
        let webhook = state.signing_secret.as_deref().and_then(|secret| Webhook::new(secret).ok());
        let verified = webhook.is_some_and(|webhook| webhook.verify(&body, &headers).is_ok());
        let answered = match state.next_answers.pop_front() {
            Some(status) => status,
            None if verified => 200,
            None => 401,
        };
        state.received.push(Received {
            id,
            event_type: content["type"].as_str().unwrap_or_default().to_owned(),
            attempt,
            verified,
            answered,
            headers,
            body,
            at: Instant::now(),
        });
        (answered, state.delay)
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (answered, delay) = inbox.note(&uri, headers, body);
    inbox.changed.send_replace(());
    tokio::time::sleep(delay).await;
    StatusCode::from_u16(answered).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
