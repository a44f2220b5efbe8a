//! A sender with a real store and a receiver on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use shared::address::AddressGuard;
use shared::aws::Aws;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::{ACTIVITY, Database, SETTINGS};
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{Delivery, Nudge, SendMessage};
use shared::draft::Draft;
use shared::endpoint::{Endpoint, NewEndpoint};
use shared::event::{Event, NewEvent};
use shared::id::{EndpointId, EventId, ProjectId};
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::signature::SigningSecret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use webhook_sender::{Config, Sender};

/// A project with one endpoint, whose receiver answers as it is told, and the sender.
pub(crate) struct Scene {
    pub(crate) store: Database,
    pub(crate) sender: Sender,
    pub(crate) endpoint: Endpoint,
    status: Arc<AtomicU16>,
    received: Arc<AtomicUsize>,
}

impl Scene {
    pub(crate) async fn with_receiver_that_answers(status: u16) -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let status = Arc::new(AtomicU16::new(status));
        let port = receiver(Arc::clone(&status), Arc::clone(&received)).await;
        let endpoint = endpoint(&format!("http://localhost:{port}/hook"));
        Self { status, received, ..Self::with_endpoint(endpoint).await }
    }

    /// A scene whose endpoint is somewhere else.
    pub(crate) async fn with_endpoint_at(url: &str) -> Self {
        Self::with_endpoint(endpoint(url)).await
    }

    async fn with_endpoint(endpoint: Endpoint) -> Self {
        let store = Database::start().await;
        store.settings.put_endpoint(&endpoint).await.unwrap();
        let sender = sender(&store);
        Self { store, sender, endpoint, status: Arc::default(), received: Arc::default() }
    }

    /// The same with a sender that has seen nothing yet.
    pub(crate) fn with_another_sender(self) -> Self {
        let sender = sender(&self.store);
        self.sent_by(sender)
    }

    /// The same with another sender.
    pub(crate) fn sent_by(self, sender: Sender) -> Self {
        Self { sender, ..self }
    }

    pub(crate) fn event(&self) -> Event {
        let draft = Draft::parse(br#"{"type":"approved","submissionId":"sub-1","data":{"n":1}}"#).unwrap();
        let id = EventId::new(SystemClock.now(), &SystemRandom);
        NewEvent::try_from(draft).unwrap().accept(id, self.endpoint.project_id)
    }

    pub(crate) fn nudge(&self, event: &Event) -> Nudge {
        Nudge::first(event, &[self.endpoint.id]).remove(0)
    }

    /// Sends the bodies as one batch; answers the indexes of the messages that must come again.
    pub(crate) async fn send(&self, bodies: &[String]) -> Vec<usize> {
        send_with(&self.sender, bodies).await
    }

    pub(crate) async fn recorded(&self, event: &Event) -> Option<Delivery> {
        let id = self.nudge(event).delivery_id;
        self.store.activity.recorded(&[(event.project_id, id)]).await.unwrap().remove(&id)
    }

    /// What the receiver answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn message(index: usize, body: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(index.to_string());
    message.body = Some(body.to_owned());
    message
}

/// Has `sender` work through the bodies as one batch; answers the indexes of the messages that must come again.
pub(crate) async fn send_with(sender: &Sender, bodies: &[String]) -> Vec<usize> {
    let mut batch = SqsEvent::default();
    batch.records = bodies.iter().enumerate().map(|(index, body)| message(index, body)).collect();
    let deadline = SystemClock.now().plus(std::time::Duration::from_secs(30)).as_millis();
    let response = sender.handle(batch, u64::try_from(deadline).unwrap()).await;
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.parse().unwrap()).collect()
}

/// A sender that has seen nothing yet.
pub(crate) fn sender(store: &Database) -> Sender {
    sender_with(store.aws())
}

/// The same with services of its own.
pub(crate) fn sender_with(aws: &Aws) -> Sender {
    let key_ring = KeyRingSecret::known(ring());
    Sender::new(config(), aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
}

pub(crate) fn json(nudge: &Nudge) -> String {
    serde_json::to_string(&SendMessage::from(nudge.clone())).unwrap()
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

fn guard() -> AddressGuard {
    "localhost=127.0.0.0/8,127.255.255.255=127.0.0.0/8".parse().unwrap()
}

pub(crate) fn config() -> Config {
    Config {
        settings_table: SETTINGS.to_owned(),
        activity_table: ACTIVITY.to_owned(),
        retention: "30".parse().unwrap(),
        // Nothing listens there: what is to be sent to the queue is lost.
        send_queue_url: "http://127.0.0.1:1/000000000000/send".parse().unwrap(),
        key_ring_secret: "unused".to_owned(),
        retry_schedule: "5s,5m".parse().unwrap(),
        health_policy: "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap(),
        address_guard: guard(),
    }
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    let body = format!(r#"{{"url":"{url}"}}"#);
    let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &guard()).unwrap();
    let now = SystemClock.now();
    let (project, id) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
    new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring(), &SystemRandom)
}

async fn receiver(status: Arc<AtomicU16>, received: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            received.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let status = status.load(Ordering::SeqCst);
            let answer = format!("HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    port
}
