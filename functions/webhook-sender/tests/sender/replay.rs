//! Deliveries that are over and are sent once more.

use std::time::Duration;

use shared::aws::queue::testing::FakeQueue;
use shared::aws::store::{StoredHealth, Written};
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{
    Attempt, Delivery, DeliveryState, FailureReason, Phases, ReplayNudge, ReplayOutcome, SendMessage, SkipReason,
};
use shared::draft::Draft;
use shared::endpoint::{Endpoint, EndpointState};
use shared::event::Event;
use shared::health::{DisableReason, Disabled, Health};
use shared::id::ReplayId;
use shared::key_ring::SealedKind;
use shared::random::SystemRandom;
use shared::replay::{NewReplay, Progress, Replay, ReplayState};
use shared::signature::SigningSecret;
use shared::time::Timestamp;

use crate::endpoint_settings::{Received, receiver};
use crate::scene::{self, Scene, ring};

/// A delivery of which one attempt was made, and that is over.
async fn over(scene: &Scene, reason: Option<FailureReason>) -> Event {
    let event = scene.event();
    scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    let (at, phases) = (SystemClock.now(), Phases::default());
    let attempt = Attempt { number: 1, at, duration_ms: 9, phases, status: Some(500), reason, response: None };
    let delivery = Delivery::queued(&event, scene.endpoint.id).after(attempt, None);
    scene.store.activity.record(&delivery, None).await.unwrap();
    event
}

async fn failed(scene: &Scene) -> Event {
    over(scene, Some(FailureReason::Status)).await
}

fn nudge(scene: &Scene, event: &Event) -> ReplayNudge {
    ReplayNudge {
        project_id: event.project_id,
        delivery_id: scene.nudge(event).delivery_id,
        replay_id: ReplayId::new(SystemClock.now(), &SystemRandom),
        is_counted: false,
    }
}

fn json(nudge: &ReplayNudge) -> String {
    serde_json::to_string(&SendMessage::from(nudge.clone())).unwrap()
}

/// Replays the delivery of `event`, and answers it as it is then.
async fn replay(scene: &Scene, event: &Event) -> Delivery {
    assert_eq!(scene.send(&[json(&nudge(scene, event))]).await, [0_usize; 0]);
    scene.recorded(event).await.unwrap()
}

fn skipped(delivery: &Delivery) -> Option<SkipReason> {
    match delivery.replays.last()?.outcome {
        ReplayOutcome::Skipped { because, .. } => Some(because),
        ReplayOutcome::Sent(_) => None,
    }
}

/// A running replay by filter.
async fn running(scene: &Scene) -> Replay {
    let now = SystemClock.now();
    let body = format!(r#"{{"from":"{}","to":"{now}"}}"#, now.minus(Duration::from_hours(1)));
    let new = NewReplay::check(Draft::parse(body.as_bytes()).unwrap(), now, now.minus(Duration::from_hours(2)));
    let replay = new.unwrap().start(ReplayId::new(now, &SystemRandom), scene.endpoint.project_id);
    assert_eq!(scene.store.activity.start_replay(&replay, now).await.unwrap(), Written::Now);
    replay
}

async fn progress(scene: &Scene, replay: &Replay) -> Progress {
    scene.store.activity.replay(replay.project_id, replay.replay_id).await.unwrap().unwrap().progress
}

async fn health(scene: &Scene) -> StoredHealth {
    scene.store.activity.health_now(scene.endpoint.project_id, scene.endpoint.id).await.unwrap()
}

async fn set_health(scene: &Scene, change: impl Fn(Health) -> Health) -> Health {
    let stored = health(scene).await;
    let next = stored.next(change(stored.health.clone()), None);
    assert_eq!(scene.store.activity.put_health(&next).await.unwrap(), Written::Now);
    next.health
}

async fn set_state(scene: &Scene, state: EndpointState) {
    scene.store.settings.put_endpoint(&Endpoint { state, ..scene.endpoint.clone() }).await.unwrap();
}

#[tokio::test]
async fn a_replay_says_so_and_is_signed_with_the_secret_of_today() {
    let (port, received) = receiver().await;
    let scene = Scene::with_endpoint_at(&format!("http://localhost:{port}/")).await;
    let event = failed(&scene).await;
    let secret = SigningSecret::generate(&SystemRandom);
    let project = scene.endpoint.project_id;
    let sealed = ring().seal(SealedKind::SigningSecret, project, secret.expose().as_bytes(), &SystemRandom);
    let rotated = Endpoint { signing_secret: sealed, ..scene.endpoint.clone() };
    scene.store.settings.put_endpoint(&rotated).await.unwrap();

    let delivery = replay(&scene, &event).await;

    let Received { headers, body } = received.await.unwrap();
    let at = Timestamp::from_millis(headers["webhook-timestamp"].parse::<i64>().unwrap() * 1000).unwrap();
    assert_eq!(headers["webhook-signature"], secret.sign(event.id, at, &body));
    let marks = ["webhook-id", "webhook-attempt", "webhook-replay"].map(|name| headers[name].as_str());
    assert_eq!(marks, [event.id.to_string().as_str(), "2", "true"]);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
    assert_eq!(delivery.taken().map(|taken| (taken.number, taken.status)), Some((2, Some(204))));
}

#[tokio::test]
async fn a_replay_is_sent_and_counted_once_however_often_its_message_comes() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = failed(&scene).await;
    let replay = running(&scene).await;
    let message = json(&replay.nudge(scene.nudge(&event).delivery_id));

    assert_eq!(scene.send(&[message.clone(), message.clone()]).await, [0_usize; 0]);
    assert_eq!(scene.send(&[message]).await, [0_usize; 0]);

    let delivery = scene.recorded(&event).await.unwrap();
    assert_eq!((delivery.state, delivery.replays.len(), scene.received()), (DeliveryState::Delivered, 1, 1));
    assert_eq!(progress(&scene, &replay).await, Progress { delivered: 1, ..Progress::default() });
}

#[tokio::test]
async fn a_replay_that_fails_is_not_tried_again_and_says_nothing_about_the_endpoint() {
    let scene = Scene::with_receiver_that_answers(410).await;
    let (failed, delivered) = (failed(&scene).await, over(&scene, None).await);

    let (failed, delivered) = (replay(&scene, &failed).await, replay(&scene, &delivered).await);

    assert_eq!((failed.state, delivered.state), (DeliveryState::Failed, DeliveryState::Delivered));
    assert_eq!((failed.replays.len(), failed.next_attempt_at, scene.received()), (1, None, 2));
    assert!(!health(&scene).await.is_stored());
}

#[tokio::test]
async fn an_endpoint_that_is_left_alone_gets_replays_and_stays_left_alone() {
    let scene = Scene::with_receiver_that_answers(503).await;
    let event = scene.event();
    scene.send(&[scene::json(&scene.nudge(&event))]).await;
    let left_alone = health(&scene).await;
    assert!(left_alone.health.pause.is_some());
    let failed = failed(&scene).await;
    scene.answer(200);

    assert_eq!(replay(&scene, &failed).await.state, DeliveryState::Delivered);
    assert_eq!(health(&scene).await, left_alone);
}

#[tokio::test]
async fn what_cannot_be_sent_is_passed_over_and_the_reason_recorded() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = failed(&scene).await;
    set_state(&scene, EndpointState::Paused).await;
    assert_eq!(skipped(&replay(&scene, &event).await), Some(SkipReason::EndpointPaused));

    set_state(&scene, EndpointState::Active).await;
    let disabled = Disabled { at: SystemClock.now(), because: DisableReason::Failing };
    set_health(&scene, |health| Health { disabled: Some(disabled), ..health }).await;
    let scene = scene.with_another_sender();
    assert_eq!(skipped(&replay(&scene, &event).await), Some(SkipReason::EndpointDisabled));

    set_health(&scene, |health| Health { disabled: None, ..health }).await;
    scene.store.settings.delete_endpoint(event.project_id, scene.endpoint.id).await.unwrap();
    let scene = scene.with_another_sender();
    let delivery = replay(&scene, &event).await;
    assert_eq!(skipped(&delivery), Some(SkipReason::EndpointDeleted));
    assert_eq!((delivery.state, delivery.replays.len(), scene.received()), (DeliveryState::Failed, 3, 0));
}

#[tokio::test]
async fn an_event_that_is_not_kept_any_more_is_passed_over() {
    let scene = Scene::with_receiver_that_answers(500).await;
    let event = scene.event();
    // The event travels with the message, and is never stored.
    scene.send(&[scene::json(&scene.nudge(&event))]).await;
    let waiting = scene.recorded(&event).await.unwrap();
    let attempt = Attempt { number: 2, ..waiting.attempts[0].clone() };
    scene.store.activity.record(&waiting.after(attempt, None), None).await.unwrap();

    assert_eq!(skipped(&replay(&scene, &event).await), Some(SkipReason::EventGone));
    assert_eq!(scene.received(), 1);
}

#[tokio::test]
async fn when_a_replay_is_cancelled_what_is_queued_of_it_is_passed_over() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let event = failed(&scene).await;
    let replay = running(&scene).await;
    scene.store.activity.end_replay(&replay, ReplayState::Cancelled).await.unwrap();

    assert_eq!(scene.send(&[json(&replay.nudge(scene.nudge(&event).delivery_id))]).await, [0_usize; 0]);

    let delivery = scene.recorded(&event).await.unwrap();
    assert_eq!((skipped(&delivery), scene.received()), (Some(SkipReason::ReplayCancelled), 0));
    assert_eq!(progress(&scene, &replay).await, Progress { skipped: 1, ..Progress::default() });
}

#[tokio::test]
async fn a_replay_right_after_its_endpoint_was_resumed_comes_again_until_that_is_known() {
    let scene = Scene::with_receiver_that_answers(200).await;
    set_state(&scene, EndpointState::Paused).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let sender = scene::sender_with(queue.aws());
    let scene = scene.sent_by(sender);
    let event = failed(&scene).await;
    replay(&scene, &event).await;
    set_state(&scene, EndpointState::Active).await;

    let nudge = nudge(&scene, &event);
    assert_eq!(scene.send(&[json(&nudge)]).await, [0_usize; 0]);

    assert_eq!(queue.take(), [(SendMessage::Replay(nudge.clone()), Duration::from_secs(5))]);
    let scene = scene.with_another_sender();
    assert_eq!(scene.send(&[json(&nudge)]).await, [0_usize; 0]);
    assert_eq!(scene.recorded(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_fault_of_our_own_is_no_replay_and_the_message_comes_again() {
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let event = failed(&scene).await;
    assert_eq!(scene.send(&[json(&nudge(&scene, &event))]).await, [0]);
    assert_eq!(scene.recorded(&event).await.unwrap().replays, []);
}

#[tokio::test]
async fn what_is_not_over_is_left_to_its_attempts() {
    let scene = Scene::with_receiver_that_answers(500).await;
    let event = scene.event();
    scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send(&[scene::json(&scene.nudge(&event))]).await;
    let waiting = scene.recorded(&event).await.unwrap();
    assert_eq!(replay(&scene, &event).await, waiting);
}
