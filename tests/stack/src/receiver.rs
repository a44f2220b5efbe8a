//! A customer's server: receives webhooks, checks their signatures with the public library, and keeps the latest ones.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::options;
use http::{HeaderMap, HeaderName, StatusCode, Uri};
use serde_json::Value;
use standardwebhooks::Webhook;
use thiserror::Error;
use tokio::sync::watch;

use crate::server::Server;

/// The value of the template parameter `AllowedPrivateReceivers` that allows endpoints on loopback.
pub(crate) const LOOPBACK: &str = "localhost=127.0.0.0/8,localhost=::1/128,127.0.0.1=127.0.0.0/8,[::1]=::1/128";

/// A running receiver. Each of its paths stands for one endpoint.
#[derive(Debug)]
pub struct Receiver {
    server: Server,
    inbox: Arc<Inbox>,
}

/// A webhook that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The header `webhook-id`: the id of the event.
    pub id: String,
    /// The body's `type`, or an empty string if the body is encrypted.
    pub event_type: String,
    /// The header `webhook-attempt`, from 1.
    pub attempt: u32,
    /// Whether the signature fits the secret given to [`Receiver::expect`].
    pub verified: bool,
    /// The status of the response.
    pub answered: u16,
    /// All headers of the request.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
    /// When the receiver had read the whole request.
    pub at: Instant,
}

/// The expected webhooks did not arrive in time.
#[derive(Debug, Error)]
#[error("waited {within:?} for webhooks at {path}; type and attempt of those that arrived: {arrived:?}")]
pub struct TimedOut {
    path: String,
    within: Duration,
    arrived: Vec<String>,
}

#[derive(Debug)]
struct Inbox {
    /// The number of webhooks that each path keeps.
    kept: usize,
    paths: Mutex<BTreeMap<String, PathState>>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct PathState {
    signing_secret: Option<String>,
    next_answers: VecDeque<u16>,
    /// The next answers to webhooks whose body contains the text.
    answers_to: Vec<(String, VecDeque<u16>)>,
    delay: Duration,
    /// The headers of the answer to a handshake, if the receiver grants webhooks.
    grant: Option<HeaderMap>,
    /// The latest webhooks, oldest first.
    received: VecDeque<Received>,
    /// The number of webhooks that arrived, including those no longer kept.
    count: usize,
}

impl Receiver {
    /// Starts a receiver on a free loopback port. Each path keeps its latest `kept` webhooks.
    pub async fn start(kept: usize) -> io::Result<Self> {
        let inbox = Arc::new(Inbox { kept, paths: Mutex::default(), changed: watch::Sender::default() });
        let server =
            Server::start(Router::new().fallback(options(shake_hands).fallback(take)).with_state(Arc::clone(&inbox)))
                .await?;
        Ok(Self { server, inbox })
    }

    /// The URL of a path, such as `/demo`. An empty path gives the URL that all of them begin with.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.server.port())
    }

    /// Verifies the webhooks to `path` with an endpoint's signing secret from now on.
    pub fn expect(&self, path: &str, signing_secret: &str) {
        self.set_up(path, |state| state.signing_secret = Some(signing_secret.to_owned()));
    }

    /// Answers the next requests to `path` with these statuses, in this order. Later requests get 200 again, or 401 if the
    /// signature is wrong.
    pub fn answer(&self, path: &str, statuses: impl IntoIterator<Item = u16>) {
        self.set_up(path, |state| state.next_answers.extend(statuses));
    }

    /// Answers the next requests to `path` whose body contains `text` with these statuses, in this order.
    pub fn answer_to(&self, path: &str, text: &str, statuses: impl IntoIterator<Item = u16>) {
        self.set_up(path, |state| state.answers_to.push((text.to_owned(), statuses.into_iter().collect())));
    }

    /// Grants webhooks to `path` in handshakes from now on: to every sender that names itself, at most `rate` a minute.
    pub fn grant(&self, path: &str, rate: u32) {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("webhook-allowed-rate"), rate.into())]);
        self.set_up(path, |state| state.grant = Some(headers));
    }

    /// Delays each response at `path` from now on.
    pub fn delay(&self, path: &str, delay: Duration) {
        self.set_up(path, |state| state.delay = delay);
    }

    fn set_up(&self, path: &str, change: impl FnOnce(&mut PathState)) {
        change(self.inbox.lock().entry(path.to_owned()).or_default());
    }

    /// The kept webhooks of `path`, oldest first.
    pub fn received(&self, path: &str) -> Vec<Received> {
        self.with_received(path, <[Received]>::to_vec)
    }

    /// The number of webhooks that have arrived at `path`, including those no longer kept.
    pub fn count(&self, path: &str) -> usize {
        self.inbox.lock().get(path).map(|state| state.count).unwrap_or_default()
    }

    fn with_received<T>(&self, path: &str, look: impl FnOnce(&[Received]) -> T) -> T {
        let mut paths = self.inbox.lock();
        look(paths.get_mut(path).map(|state| &*state.received.make_contiguous()).unwrap_or_default())
    }

    /// Waits until the kept webhooks of `path` satisfy `is_complete`, and returns them.
    pub async fn wait_for(
        &self,
        path: &str,
        within: Duration,
        is_complete: impl Fn(&[Received]) -> bool,
    ) -> Result<Vec<Received>, TimedOut> {
        let mut changes = self.inbox.changed.subscribe();
        let look = async {
            loop {
                if self.with_received(path, &is_complete) {
                    return self.received(path);
                }
                // This fails only when the sender is dropped, and `self` owns it.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(within, look).await.map_err(|_| {
            let arrived = self.received(path).iter().map(|one| format!("{} {}", one.event_type, one.attempt)).collect();
            TimedOut { path: path.to_owned(), within, arrived }
        })
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, PathState>> {
        self.paths.lock().expect("nobody panics while holding it")
    }

    /// Keeps a webhook. Returns the status of its response and the delay before it.
    fn note(&self, uri: &Uri, headers: HeaderMap, body: Bytes) -> (u16, Duration) {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (id, attempt) = (header("webhook-id"), header("webhook-attempt").parse().unwrap_or_default());
        let content: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut paths = self.lock();
        // Nobody reads webhooks at a path that was not set up. Keeping none also bounds the number of paths.
        let Some(state) = paths.get_mut(uri.path()) else { return (401, Duration::ZERO) };
        let webhook = state.signing_secret.as_deref().and_then(|secret| Webhook::new(secret).ok());
        let verified = webhook.is_some_and(|webhook| webhook.verify(&body, &headers).is_ok());
        let text = String::from_utf8_lossy(&body);
        let fitting = state.answers_to.iter_mut().find(|(part, _)| text.contains(part.as_str()));
        let answer = fitting.and_then(|(_, answers)| answers.pop_front());
        let answered = match answer.or_else(|| state.next_answers.pop_front()) {
            Some(status) => status,
            None if verified => 200,
            None => 401,
        };
        state.count += 1;
        state.received.push_back(Received {
            id,
            event_type: content["type"].as_str().unwrap_or_default().to_owned(),
            attempt,
            verified,
            answered,
            headers,
            body,
            at: Instant::now(),
        });
        if state.received.len() > self.kept {
            state.received.pop_front();
        }
        (answered, state.delay)
    }
}

/// Answers a handshake (CloudEvents, HTTP 1.1 Web Hooks for Event Delivery).
async fn shake_hands(State(inbox): State<Arc<Inbox>>, uri: Uri, headers: HeaderMap) -> Response {
    let granted = inbox.lock().get(uri.path()).and_then(|state| state.grant.clone());
    match (granted, headers.get("webhook-request-origin")) {
        (Some(mut answer), Some(origin)) => {
            answer.insert("webhook-allowed-origin", origin.clone());
            answer.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (answered, delay) = inbox.note(&uri, headers, body);
    inbox.changed.send_replace(());
    tokio::time::sleep(delay).await;
    StatusCode::from_u16(answered).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;

    async fn send(receiver: &Receiver, path: &str, id: &str) -> u16 {
        let request = server::client().post(receiver.url(path)).header("webhook-id", id).body("{}");
        request.send().await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_path_keeps_only_its_latest_webhooks_but_counts_all() {
        let receiver = Receiver::start(2).await.unwrap();
        receiver.answer("/a", [200; 5]);
        receiver.answer("/b", [200]);
        for id in ["1", "2", "3", "4", "5"] {
            send(&receiver, "/a", id).await;
        }
        send(&receiver, "/b", "6").await;

        let ids = |path| receiver.received(path).into_iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!((ids("/a"), ids("/b")), (vec!["4".to_owned(), "5".to_owned()], vec!["6".to_owned()]));
        assert_eq!((receiver.count("/a"), receiver.count("/b")), (5, 1));
    }

    #[tokio::test]
    async fn a_path_that_was_not_set_up_answers_401_and_keeps_nothing() {
        let receiver = Receiver::start(usize::MAX).await.unwrap();
        assert_eq!(send(&receiver, "/unknown", "1").await, 401);
        assert!(receiver.inbox.lock().is_empty());
    }
}
