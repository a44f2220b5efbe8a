//! Batches of attempt tasks: how often an attempt is made, how its result is recorded, and which messages are redelivered.

use std::sync::Arc;
use std::time::Duration;

use aws::queue::testing::{FakeQueue, Verdict};
use aws::secrets::KeyRingSecret;
use aws::store::{Due, DueSelection};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{EndpointId, EventId};
use domain::foundation::key_ring::{KeyRing, SealedKind};
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{AttemptTask, Delivery, DeliveryState};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::event::Event;
use webhook_sender::Sender;

use crate::scene::{self, Scene, config, json, ring};

#[tokio::test]
async fn a_duplicated_message_makes_one_attempt() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();
    let task = json(&scene.task(&event));

    scene.send_all(&[task.clone(), task.clone()]).await;
    scene.send_all(&[task]).await;

    let delivery = scene.stored_delivery(&event).await.unwrap();
    assert_eq!((delivery.state, delivery.attempts.len(), scene.request_count()), (DeliveryState::Delivered, 1, 1));
}

#[tokio::test]
async fn a_duplicate_of_a_new_events_message_may_be_sent_twice_but_counts_once() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();
    let new = json(&AttemptTask { is_new: true, ..scene.task(&event) });

    // The delivery of a new event is not read before the attempt, which saves a read and allows the second request.
    for request_count in [1, 2] {
        scene.send_all(std::slice::from_ref(&new)).await;
        let delivery = scene.stored_delivery(&event).await.unwrap();
        assert_eq!((delivery.attempts.len(), scene.request_count()), (1, request_count));
    }
}

#[tokio::test]
async fn a_retry_whose_message_is_lost_is_found_by_the_sweep() {
    let scene = Scene::with_receiver_responding(500).await;
    let event = scene.event();

    scene.send_all(&[json(&scene.task(&event))]).await;

    let delivery = scene.stored_delivery(&event).await.unwrap();
    assert_eq!((delivery.state, delivery.attempts[0].reason), (DeliveryState::Waiting, Some(FailureReason::Status)));
    let shard = event.id.as_bytes()[15] % aws::store::SHARDS;
    let in_ten_minutes = SystemClock.now().plus(Duration::from_mins(10));
    let due = scene.store.sweep.due_in_shard(shard, in_ten_minutes, None, DueSelection::ALL).await.unwrap().due;
    let [Due::Delivery(due)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(due.task(), delivery.next_task());
}

#[tokio::test]
async fn a_retry_uses_the_current_url_of_the_endpoint() {
    let scene = Scene::with_receiver_responding(200).await;
    let unreachable = Endpoint { url: scene::endpoint("http://localhost:1/").url, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&unreachable).await.unwrap();
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send(&[json(&scene.task(&event))]).await;
    let waiting = scene.stored_delivery(&event).await.unwrap();

    scene.store.endpoints.put(&scene.endpoint).await.unwrap();
    let scene = scene.with_new_sender();
    scene.send(&[json(&waiting.next_task())]).await;

    let delivered = scene.stored_delivery(&event).await.unwrap();
    let reasons: Vec<_> = delivered.attempts.iter().map(|attempt| attempt.reason).collect();
    assert_eq!((delivered.state, reasons), (DeliveryState::Delivered, vec![Some(FailureReason::Refused), None]));
}

#[tokio::test]
async fn the_last_failed_attempt_ends_the_delivery() {
    let scene = Scene::with_receiver_responding(500).await;
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send(&[json(&scene.task(&event))]).await;
    for _ in 0..2 {
        let next = scene.stored_delivery(&event).await.unwrap().next_task();
        scene.send(&[json(&next)]).await;
    }
    let delivery = scene.stored_delivery(&event).await.unwrap();
    let numbers: Vec<u8> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!((delivery.state, numbers), (DeliveryState::Failed, vec![1, 2, 3]));
}

#[tokio::test]
async fn attempts_that_cannot_be_written_together_are_written_one_by_one() {
    let scene = Scene::with_receiver_responding(200).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let mut joint_write = queue.catch("INSERT INTO");
    let scene = scene.with_sender(scene::sender_with(queue.aws()));
    let events: [Event; 3] = std::array::from_fn(|_| scene.event());
    let messages: Vec<String> = events.iter().map(|event| json(&scene.task(event))).collect();

    let refuse = async {
        joint_write.is_there().await;
        joint_write.end(Verdict::Refuse);
    };
    let (failed, ()) = tokio::join!(scene.send(&messages), refuse);

    assert_eq!((failed, scene.request_count()), (Vec::new(), 3));
    for event in &events {
        assert_eq!(scene.stored_delivery(event).await.unwrap().state, DeliveryState::Delivered);
    }
}

#[tokio::test]
async fn an_invalid_message_does_not_affect_the_other_messages() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();

    assert_eq!(scene.send(&["not a message".to_owned(), json(&scene.task(&event))]).await, [0]);
    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn an_endpoint_whose_secret_cannot_be_decrypted_does_not_affect_the_other_messages() {
    let scene = Scene::with_receiver_responding(200).await;
    let foreign_ring = KeyRing::from_json(r#"{"current":"k9","k9":"fedcba9876543210fedcba9876543210"}"#).unwrap();
    let sealed = foreign_ring.seal(SealedKind::SigningSecret, scene.endpoint.project_id, b"whsec_", &SystemRandom);
    let undecryptable = Endpoint {
        id: EndpointId::new(SystemClock.now(), &SystemRandom),
        signing_secret: sealed,
        ..scene.endpoint.clone()
    };
    scene.store.endpoints.put(&undecryptable).await.unwrap();
    let event = scene.event();
    let tasks = AttemptTask::first(&event, &[undecryptable.id, scene.endpoint.id]);

    assert_eq!(scene.send(&tasks.iter().map(json).collect::<Vec<_>>()).await, [0]);
    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_delivery_to_a_deleted_endpoint_is_cancelled() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();
    scene.store.endpoints.delete(event.project_id, scene.endpoint.id).await.unwrap();

    scene.send_all(&[json(&scene.task(&event))]).await;
    assert_eq!(
        (scene.stored_delivery(&event).await.unwrap().state, scene.request_count()),
        (DeliveryState::Cancelled, 0)
    );
}

#[tokio::test]
async fn when_the_store_cannot_be_reached_nothing_is_sent_and_every_message_is_redelivered() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();
    let unreachable = aws::Aws::local("http://127.0.0.1:1".to_owned());
    let sender = Sender::new(
        config(),
        &unreachable,
        KeyRingSecret::known(ring()),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    let scene = scene.with_sender(sender.unwrap());

    assert_eq!(scene.send(&[json(&scene.task(&event)), json(&scene.task(&scene.event()))]).await, [0, 1]);
    assert_eq!(scene.request_count(), 0);
}

#[tokio::test]
async fn a_fault_on_our_side_is_not_an_attempt_and_the_message_is_redelivered() {
    // The system reports that the network is unreachable, because a broadcast address accepts no connections.
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let event = scene.event();

    assert_eq!(scene.send(&[json(&scene.task(&event))]).await, [0]);
    assert_eq!(scene.stored_delivery(&event).await, None);
}

#[tokio::test]
async fn a_retry_prevented_by_a_fault_on_our_side_is_left_to_the_sweep() {
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    let (reason, phases) = (Some(FailureReason::Refused), Phases::default());
    let at = SystemClock.now();
    let first = Attempt { number: 1, at, duration_ms: 1, phases, status: None, reason, response: None };
    let waiting = Delivery::queued(&event, scene.endpoint.id).after(first, Some(Duration::ZERO));
    scene.store.deliveries.record(&waiting, waiting.next_attempt_at).await.unwrap();

    scene.send_all(&[json(&waiting.next_task())]).await;
    assert_eq!(scene.stored_delivery(&event).await, Some(waiting));
}

#[tokio::test]
async fn an_erased_event_is_not_sent_even_if_a_message_still_contains_it() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();
    let event = scene.store.accept(&event, &[scene.endpoint.id]).await;
    let submission = event.submission_id.clone().unwrap();
    let erased = scene.store.events.erase_submission(event.project_id, &submission, 10, SystemClock.now());
    assert_eq!(erased.await.unwrap().deliveries, 1);

    scene.send_all(&[json(&scene.task(&event))]).await;
    assert_eq!(
        (scene.stored_delivery(&event).await.unwrap().state, scene.request_count()),
        (DeliveryState::Cancelled, 0)
    );
}

#[tokio::test]
async fn an_erased_event_that_is_published_again_is_not_sent_to_newer_endpoints() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = scene.event();
    let endpoints = [EndpointId::new(SystemClock.now(), &SystemRandom)];
    scene.store.events.put(&event, &endpoints).await.unwrap();
    let submission = event.submission_id.clone().unwrap();
    scene.store.events.erase_submission(event.project_id, &submission, 10, SystemClock.now()).await.unwrap();

    let (_, endpoints) = scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    let messages: Vec<String> = AttemptTask::first(&event, &endpoints).iter().map(json).collect();
    assert_eq!((scene.send(&messages).await, scene.request_count()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_message_whose_event_is_past_its_retention_is_dropped() {
    let scene = Scene::with_receiver_responding(200).await;
    let before_retention = SystemClock.now().minus(Duration::from_hours(31 * 24));
    let event = Event { id: EventId::new(before_retention, &SystemRandom), ..scene.event() };

    scene.send_all(&[json(&scene.task(&event))]).await;
    assert_eq!((scene.stored_delivery(&event).await, scene.request_count()), (None, 0));
}
