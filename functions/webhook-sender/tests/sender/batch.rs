//! Batches of nudges against a real store and a receiver on this machine.

use std::sync::Arc;
use std::time::Duration;

use shared::aws::queue::testing::{FakeQueue, Verdict};
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::Due;
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{Attempt, Delivery, DeliveryState, FailureReason, Nudge, Phases};
use shared::endpoint::Endpoint;
use shared::event::Event;
use shared::id::{EndpointId, EventId};
use shared::key_ring::{KeyRing, SealedKind};
use shared::random::SystemRandom;
use webhook_sender::Sender;

use crate::scene::{self, Scene, config, json, ring};

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
async fn the_first_message_of_a_new_event_is_followed_unread_and_counts_no_attempt_twice() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();
    let new = json(&Nudge { is_new: true, ..scene.nudge(&event) });

    for received in [1, 2] {
        assert_eq!(scene.send(std::slice::from_ref(&new)).await, [0_usize; 0]);
        let delivery = scene.recorded(&event).await.unwrap();
        assert_eq!((delivery.attempts.len(), scene.received()), (1, received));
    }
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
    let due = scene.store.activity.due_in_shard(shard, in_ten_minutes, 10).await.unwrap();
    let [Due::Delivery(due)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(due.nudge(), delivery.next_nudge());
}

#[tokio::test]
async fn a_retry_goes_where_the_endpoint_is_by_then() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let nowhere = Endpoint { url: scene::endpoint("http://localhost:1/").url, ..scene.endpoint.clone() };
    scene.store.settings.put_endpoint(&nowhere).await.unwrap();
    let event = scene.event();
    scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send(&[json(&scene.nudge(&event))]).await;
    let waiting = scene.recorded(&event).await.unwrap();

    scene.store.settings.put_endpoint(&scene.endpoint).await.unwrap();
    let scene = scene.with_another_sender();
    scene.send(&[json(&waiting.next_nudge())]).await;

    let delivered = scene.recorded(&event).await.unwrap();
    let reasons: Vec<_> = delivered.attempts.iter().map(|attempt| attempt.reason).collect();
    assert_eq!((delivered.state, reasons), (DeliveryState::Delivered, vec![Some(FailureReason::Refused), None]));
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
async fn attempts_that_cannot_be_recorded_together_are_recorded_one_by_one() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let mut together = queue.catch("INSERT INTO");
    let scene = scene.sent_by(scene::sender_with(queue.aws()));
    let events: [Event; 3] = std::array::from_fn(|_| scene.event());
    let messages: Vec<String> = events.iter().map(|event| json(&scene.nudge(event))).collect();

    let refusal = async {
        together.is_there().await;
        together.end(Verdict::Refuse);
    };
    let (failed, ()) = tokio::join!(scene.send(&messages), refusal);

    assert_eq!((failed, scene.received()), (Vec::new(), 3));
    for event in &events {
        assert_eq!(scene.recorded(event).await.unwrap().state, DeliveryState::Delivered);
    }
}

#[tokio::test]
async fn one_bad_message_does_not_spoil_the_batch() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();

    assert_eq!(scene.send(&["not a message".to_owned(), json(&scene.nudge(&event))]).await, [0]);
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
    let scene = scene.sent_by(sender.unwrap());

    assert_eq!(scene.send(&[json(&scene.nudge(&event)), json(&scene.nudge(&scene.event()))]).await, [0, 1]);
    assert_eq!(scene.received(), 0);
}

#[tokio::test]
async fn a_fault_of_our_own_is_no_attempt_and_the_message_comes_again() {
    // No connection can be made to a broadcast address; the system says that the network is unreachable.
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let event = scene.event();

    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0]);
    assert_eq!(scene.recorded(&event).await, None);
}

#[tokio::test]
async fn a_further_attempt_that_our_own_fault_prevents_is_left_to_the_sweep() {
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let event = scene.event();
    let (reason, phases) = (Some(FailureReason::Refused), Phases::default());
    let at = SystemClock.now();
    let first = Attempt { number: 1, at, duration_ms: 1, phases, status: None, reason, response: None };
    let waiting = Delivery::queued(&event, scene.endpoint.id).after(first, Some(Duration::ZERO));
    scene.store.activity.record(&waiting, waiting.next_attempt_at).await.unwrap();

    assert_eq!(scene.send(&[json(&waiting.next_nudge())]).await, [0_usize; 0]);
    assert_eq!(scene.recorded(&event).await, Some(waiting));
}

#[tokio::test]
async fn a_message_that_still_carries_an_erased_event_leads_to_nothing() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();
    scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    let submission = event.submission_id.clone().unwrap();
    let erasing = scene.store.activity.erase_submission(event.project_id, &submission, 10, SystemClock.now());
    assert_eq!(erasing.await.unwrap().deliveries, 1);

    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0_usize; 0]);
    assert_eq!((scene.recorded(&event).await.unwrap().state, scene.received()), (DeliveryState::Cancelled, 0));
}

#[tokio::test]
async fn an_erased_event_that_is_published_again_reaches_no_endpoint_that_came_since() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = scene.event();
    let first = [EndpointId::new(SystemClock.now(), &SystemRandom)];
    scene.store.activity.put_event(&event, &first).await.unwrap();
    let submission = event.submission_id.clone().unwrap();
    scene.store.activity.erase_submission(event.project_id, &submission, 10, SystemClock.now()).await.unwrap();

    let (_, goes_to) = scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    let messages: Vec<String> = Nudge::first(&event, &goes_to).iter().map(json).collect();
    assert_eq!((scene.send(&messages).await, scene.received()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_message_that_outlived_its_delivery_leads_to_nothing() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let long_ago = SystemClock.now().minus(Duration::from_hours(31 * 24));
    let event = Event { id: EventId::new(long_ago, &SystemRandom), ..scene.event() };

    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0_usize; 0]);
    assert_eq!((scene.recorded(&event).await, scene.received()), (None, 0));
}
