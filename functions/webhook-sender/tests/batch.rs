//! Batches of nudges against a real store and a receiver on this machine.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use shared::address::AddressGuard;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::{ACTIVITY, Database, SETTINGS};
use shared::clock::{Clock, SystemClock};
use shared::delivery::{Delivery, DeliveryState, FailureReason, Nudge};
use shared::draft::Draft;
use shared::endpoint::{Endpoint, NewEndpoint};
use shared::event::{Event, NewEvent};
use shared::id::{EndpointId, EventId, ProjectId};
use shared::key_ring::{KeyRing, SealedKind};
use shared::random::SystemRandom;
use shared::signature::SigningSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use webhook_sender::{Config, Sender};

/// A project with one endpoint, whose receiver always answers alike, and the sender.
struct Scene {
    store: Database,
    sender: Sender,
    endpoint: Endpoint,
    received: Arc<AtomicUsize>,
}

impl Scene {
    async fn with_receiver_that_answers(status: u16) -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let port = receiver(status, Arc::clone(&received)).await;
        Self::with_endpoint_at(&format!("http://localhost:{port}/hook"), received).await
    }

    async fn with_endpoint_at(url: &str, received: Arc<AtomicUsize>) -> Self {
        let store = Database::start().await;
        let endpoint = endpoint(url);
        store.settings.put_endpoint(&endpoint).await.unwrap();
        let sender = Sender::new(
            config(),
            store.aws(),
            KeyRingSecret::known(ring()),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        );
        Self { store, sender: sender.unwrap(), endpoint, received }
    }

    fn event(&self) -> Event {
        let draft = Draft::parse(br#"{"type":"approved","data":{"n":1}}"#).unwrap();
        let id = EventId::new(SystemClock.now(), &SystemRandom);
        NewEvent::try_from(draft).unwrap().accept(id, self.endpoint.project_id)
    }

    fn nudge(&self, event: &Event) -> Nudge {
        Nudge::first(event, &[self.endpoint.id]).remove(0)
    }

    /// Sends the bodies as one batch; answers the indexes of the messages that must come again.
    async fn send(&self, bodies: &[String]) -> Vec<usize> {
        let mut batch = SqsEvent::default();
        batch.records = bodies.iter().enumerate().map(|(index, body)| message(index, body)).collect();
        let response = self.sender.handle(batch).await;
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.parse().unwrap()).collect()
    }

    async fn recorded(&self, event: &Event) -> Option<Delivery> {
        let id = self.nudge(event).delivery_id;
        self.store.activity.recorded(&[(event.project_id, id)]).await.unwrap().remove(&id)
    }

    fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn message(index: usize, body: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(index.to_string());
    message.body = Some(body.to_owned());
    message
}

fn json(nudge: &Nudge) -> String {
    serde_json::to_string(nudge).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

fn guard() -> AddressGuard {
    "localhost=127.0.0.0/8,127.255.255.255=127.0.0.0/8".parse().unwrap()
}

fn config() -> Config {
    Config {
        settings_table: SETTINGS.to_owned(),
        activity_table: ACTIVITY.to_owned(),
        retention: "30".parse().unwrap(),
        // Nothing listens there: what is to be sent to the queue is lost.
        send_queue_url: "http://127.0.0.1:1/000000000000/send".to_owned(),
        key_ring_secret: "unused".to_owned(),
        retry_schedule: "5s,5m".parse().unwrap(),
        address_guard: guard(),
    }
}

fn endpoint(url: &str) -> Endpoint {
    let body = format!(r#"{{"url":"{url}"}}"#);
    let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &guard()).unwrap();
    let now = SystemClock.now();
    let (project, id) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
    new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring(), &SystemRandom)
}

async fn receiver(status: u16, received: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            received.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let answer = format!("HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    port
}

#[tokio::test]
async fn a_nudge_makes_one_attempt_however_often_it_comes() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();
    let nudge = json(&scene.nudge(&event));

    assert_eq!(scene.send(&[nudge.clone(), nudge.clone()]).await, [0_usize; 0]);
    assert_eq!(scene.send(&[nudge]).await, [0_usize; 0]);

    let delivery = scene.recorded(&event).await.unwrap();
    assert_eq!((delivery.state, delivery.attempts.len(), scene.received()), (DeliveryState::Delivered, 1, 1));
}

#[tokio::test]
async fn a_failed_attempt_whose_message_is_lost_is_left_to_the_sweep() {
    let scene = Scene::with_receiver_that_answers(500).await;
    let event = scene.event();

    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0_usize; 0]);

    let delivery = scene.recorded(&event).await.unwrap();
    assert_eq!((delivery.state, delivery.attempts[0].reason), (DeliveryState::Waiting, Some(FailureReason::Status)));
    let shard = event.id.as_bytes()[15] % shared::aws::store::SHARDS;
    let in_ten_minutes = SystemClock.now().plus(std::time::Duration::from_mins(10));
    let due = scene.store.due.of_shard(shard, in_ten_minutes, 10).await.unwrap();
    assert_eq!(due.iter().map(shared::aws::store::Due::nudge).collect::<Vec<_>>(), [delivery.next_nudge()]);
}

#[tokio::test]
async fn the_last_failed_attempt_ends_the_delivery() {
    let scene = Scene::with_receiver_that_answers(500).await;
    let event = scene.event();
    scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send(&[json(&scene.nudge(&event))]).await;
    for _ in 0..2 {
        let next = scene.recorded(&event).await.unwrap().next_nudge();
        scene.send(&[json(&next)]).await;
    }
    let delivery = scene.recorded(&event).await.unwrap();
    let numbers: Vec<u8> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!((delivery.state, numbers), (DeliveryState::Failed, vec![1, 2, 3]));
}

#[tokio::test]
async fn one_bad_message_does_not_spoil_the_batch() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();

    assert_eq!(scene.send(&["not a nudge".to_owned(), json(&scene.nudge(&event))]).await, [0]);
    assert_eq!(scene.recorded(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_opened_does_not_spoil_the_batch() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let foreign_ring = KeyRing::from_json(r#"{"current":"k9","k9":"fedcba9876543210fedcba9876543210"}"#).unwrap();
    let sealed = foreign_ring.seal(SealedKind::SigningSecret, scene.endpoint.project_id, b"whsec_", &SystemRandom);
    let closed = Endpoint {
        id: EndpointId::new(SystemClock.now(), &SystemRandom),
        signing_secret: sealed,
        ..scene.endpoint.clone()
    };
    scene.store.settings.put_endpoint(&closed).await.unwrap();
    let event = scene.event();
    let nudges = Nudge::first(&event, &[closed.id, scene.endpoint.id]);

    assert_eq!(scene.send(&nudges.iter().map(json).collect::<Vec<_>>()).await, [0]);
    assert_eq!(scene.recorded(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_delivery_to_a_deleted_endpoint_is_cancelled() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();
    scene.store.settings.delete_endpoint(event.project_id, scene.endpoint.id).await.unwrap();

    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0_usize; 0]);
    assert_eq!((scene.recorded(&event).await.unwrap().state, scene.received()), (DeliveryState::Cancelled, 0));
}

#[tokio::test]
async fn when_the_store_is_away_every_message_comes_again_and_nothing_is_sent() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();
    let away = shared::aws::Aws::local("http://127.0.0.1:1".to_owned());
    let sender =
        Sender::new(config(), &away, KeyRingSecret::known(ring()), Arc::new(SystemClock), Arc::new(SystemRandom));
    let scene = Scene { sender: sender.unwrap(), ..scene };

    assert_eq!(scene.send(&[json(&scene.nudge(&event)), json(&scene.nudge(&scene.event()))]).await, [0, 1]);
    assert_eq!(scene.received(), 0);
}

#[tokio::test]
async fn a_fault_of_our_own_is_no_attempt_and_the_message_comes_again() {
    // No connection can be made to a broadcast address; the system says that the network is unreachable.
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook", Arc::default()).await;
    let event = scene.event();

    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0]);
    assert_eq!(scene.recorded(&event).await, None);
}
