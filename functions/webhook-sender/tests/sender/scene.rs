//! The fixture of all tests: a sender, a real store and a receiver on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use aws::Aws;
use aws::secrets::KeyRingSecret;
use aws::store::StoreConfig;
use aws::store::testing::{ACTIVITY, Database, SETTINGS};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::delivery::{AttemptTask, Delivery, SendMessage};
use domain::webhooks::endpoint::{Endpoint, NewEndpoint};
use domain::webhooks::event::{Event, NewEvent};
use domain::webhooks::signature::SigningSecret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use webhook_sender::{Config, Sender};

/// A sender and a project with one endpoint, whose receiver responds with a status that the test sets.
pub(crate) struct Scene {
    pub(crate) store: Database,
    /// Boxed because it is large, and scenes are passed on.
    pub(crate) sender: Box<Sender>,
    pub(crate) endpoint: Endpoint,
    status: Arc<AtomicU16>,
    requests: Arc<AtomicUsize>,
}

impl Scene {
    pub(crate) async fn with_receiver_responding(status: u16) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let status = Arc::new(AtomicU16::new(status));
        let port = receiver(Arc::clone(&status), Arc::clone(&requests)).await;
        let endpoint = endpoint(&format!("http://localhost:{port}/hook"));
        Self { status, requests, ..Self::with_endpoint(endpoint).await }
    }

    /// A scene whose endpoint has this URL. It has no receiver.
    pub(crate) async fn with_endpoint_at(url: &str) -> Self {
        Self::with_endpoint(endpoint(url)).await
    }

    async fn with_endpoint(endpoint: Endpoint) -> Self {
        let store = Database::start().await;
        store.endpoints.put(&endpoint).await.unwrap();
        let sender = Box::new(sender(&store));
        Self { store, sender, endpoint, status: Arc::default(), requests: Arc::default() }
    }

    /// The same scene after a change of the endpoint.
    pub(crate) async fn with_changed_endpoint(mut self, change: impl FnOnce(&mut Endpoint)) -> Self {
        change(&mut self.endpoint);
        self.store.endpoints.put(&self.endpoint).await.unwrap();
        self
    }

    /// The same scene with a new sender, whose caches are empty.
    pub(crate) fn with_new_sender(self) -> Self {
        let sender = sender(&self.store);
        self.with_sender(sender)
    }

    /// The same scene with this sender.
    pub(crate) fn with_sender(self, sender: Sender) -> Self {
        Self { sender: Box::new(sender), ..self }
    }

    pub(crate) fn event(&self) -> Event {
        let draft = Draft::parse(br#"{"type":"approved","submissionId":"sub-1","data":{"n":1}}"#).unwrap();
        let id = EventId::new(SystemClock.now(), &SystemRandom);
        NewEvent::try_from(draft).unwrap().accept(id, self.endpoint.project_id)
    }

    pub(crate) fn task(&self, event: &Event) -> AttemptTask {
        AttemptTask::first(event, &[self.endpoint.id]).remove(0)
    }

    /// Sends the bodies as one batch. Returns the indexes of the messages that the queue has to redeliver.
    pub(crate) async fn send(&self, bodies: &[String]) -> Vec<usize> {
        send_with(&self.sender, bodies).await
    }

    /// Sends the bodies as one batch and asserts that none has to be redelivered.
    pub(crate) async fn send_all(&self, bodies: &[String]) {
        send_all_with(&self.sender, bodies).await;
    }

    /// The stored delivery of the event to the endpoint.
    pub(crate) async fn stored_delivery(&self, event: &Event) -> Option<Delivery> {
        let id = self.task(event).delivery_id;
        self.store.deliveries.recorded_now(event.project_id, id).await.unwrap()
    }

    /// Changes the status with which the receiver responds.
    pub(crate) fn respond_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Number of requests that the receiver got.
    pub(crate) fn request_count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Names of the two queues that a batch can come from.
pub(crate) const FAST: &str = "send";
pub(crate) const SLOW: &str = "slow";

fn message(index: usize, body: &str, queue: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(index.to_string());
    message.body = Some(body.to_owned());
    message.event_source_arn = Some(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"));
    message
}

/// Sends the bodies as one batch of the fast lane. Returns the indexes of the messages that the queue has to redeliver.
pub(crate) async fn send_with(sender: &Sender, bodies: &[String]) -> Vec<usize> {
    send_from(FAST, sender, bodies).await
}

/// Sends the bodies as one batch of a queue. Returns the indexes of the messages that the queue has to redeliver.
pub(crate) async fn send_from(queue: &str, sender: &Sender, bodies: &[String]) -> Vec<usize> {
    send_at(SystemClock.now(), queue, sender, bodies).await
}

/// Does what [`send_from`] does, for a sender whose clock shows `now`.
pub(crate) async fn send_at(now: Timestamp, queue: &str, sender: &Sender, bodies: &[String]) -> Vec<usize> {
    let mut batch = SqsEvent::default();
    batch.records = bodies.iter().enumerate().map(|(index, body)| message(index, body, queue)).collect();
    let deadline = now.plus(std::time::Duration::from_secs(45)).as_millis();
    let response = sender.handle(batch, u64::try_from(deadline).unwrap()).await;
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.parse().unwrap()).collect()
}

/// Sends the bodies as one batch and asserts that none has to be redelivered.
pub(crate) async fn send_all_with(sender: &Sender, bodies: &[String]) {
    assert_eq!(send_with(sender, bodies).await, Vec::<usize>::new());
}

/// A new sender, whose caches are empty.
pub(crate) fn sender(store: &Database) -> Sender {
    sender_with(store.aws())
}

/// A new sender that uses these services.
pub(crate) fn sender_with(aws: &Aws) -> Sender {
    let key_ring = KeyRingSecret::known(ring());
    Sender::new(config(), aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
}

pub(crate) fn json(task: &AttemptTask) -> String {
    serde_json::to_string(&SendMessage::from(task.clone())).unwrap()
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

fn guard() -> AddressGuard {
    "localhost=127.0.0.0/8,127.255.255.255=127.0.0.0/8".parse().unwrap()
}

pub(crate) fn config() -> Config {
    Config {
        store: StoreConfig {
            settings_table: SETTINGS.to_owned(),
            activity_table: ACTIVITY.to_owned(),
            retention: "30".parse().unwrap(),
        },
        // Nothing listens on this port, so messages to the queue are lost.
        send_queue_url: "http://127.0.0.1:1/000000000000/send".parse().unwrap(),
        slow_queue_url: "http://127.0.0.1:1/000000000000/slow".parse().unwrap(),
        key_ring_secret: "unused".to_owned(),
        retry_schedule: "5s,5m".parse().unwrap(),
        health_policy: "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap(),
        address_guard: guard(),
        origin: http::HeaderValue::from_static("api.signpost.example"),
        // Nothing listens here either, but no webhook may go to this host, so it shows nothing about our internet access.
        canary_url: "http://127.0.0.1:1/".parse().unwrap(),
    }
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    let body = format!(r#"{{"url":"{url}"}}"#);
    let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &guard()).unwrap();
    let now = SystemClock.now();
    let (project, id) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
    new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring(), &SystemRandom)
}

/// A service that refuses every call. Clients do not repeat such a call.
pub(crate) async fn refusing_service() -> Aws {
    const REFUSAL: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n\
        content-length: 32\r\n\r\n{\"__type\":\"ValidationException\"}";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 16 * 1024];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(REFUSAL).await;
        }
    });
    Aws::local(format!("http://{address}"))
}

async fn receiver(status: Arc<AtomicU16>, requests: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            requests.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let status = status.load(Ordering::SeqCst);
            let response = format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = connection.write_all(response.as_bytes()).await;
        }
    });
    port
}
