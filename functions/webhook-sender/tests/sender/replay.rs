//! Replays: finished deliveries that are sent once more.

use std::time::Duration;

use aws::queue::testing::FakeQueue;
use aws::store::{ReplayStart, StoredHealth, WriteOutcome};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::ReplayId;
use domain::foundation::key_ring::SealedKind;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, DeliveryState, ReplayOutcome, ReplayTask, SendMessage, SkipReason};
use domain::webhooks::endpoint::{Endpoint, EndpointState};
use domain::webhooks::event::Event;
use domain::webhooks::health::{DisableReason, Disabled, Health};
use domain::webhooks::replay::{NewReplay, Progress, Replay, ReplayState};
use domain::webhooks::signature::SigningSecret;

use crate::endpoint_settings::{Received, receiver};
use crate::scene::{self, Scene, ring};

/// An event whose delivery is finished after one attempt that failed with `reason`, or succeeded with `None`.
async fn finished(scene: &Scene, reason: Option<FailureReason>) -> Event {
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    let (at, phases) = (SystemClock.now(), Phases::default());
    let attempt = Attempt { number: 1, at, duration_ms: 9, phases, status: Some(500), reason, response: None };
    let delivery = Delivery::queued(&event, scene.endpoint.id).after(attempt, None);
    scene.store.deliveries.record(&delivery, None).await.unwrap();
    event
}

async fn failed(scene: &Scene) -> Event {
    finished(scene, Some(FailureReason::Status)).await
}

fn task(scene: &Scene, event: &Event) -> ReplayTask {
    let replay_id = ReplayId::new(SystemClock.now(), &SystemRandom);
    ReplayTask::new(event.project_id, scene.task(event).delivery_id, replay_id, false)
}

fn json(task: &ReplayTask) -> String {
    serde_json::to_string(&SendMessage::from(task.clone())).unwrap()
}

/// Replays the delivery of `event` and returns the delivery afterwards.
async fn replay(scene: &Scene, event: &Event) -> Delivery {
    scene.send_all(&[json(&task(scene, event))]).await;
    scene.stored_delivery(event).await.unwrap()
}

fn skipped(delivery: &Delivery) -> Option<SkipReason> {
    match delivery.replays.last()?.outcome {
        ReplayOutcome::Skipped { reason, .. } => Some(reason),
        ReplayOutcome::Sent(_) => None,
    }
}

/// Starts a replay by filter.
pub(crate) async fn start_replay(scene: &Scene) -> Replay {
    let now = SystemClock.now();
    let body = format!(r#"{{"from":"{}","to":"{now}"}}"#, now.minus(Duration::from_hours(1)));
    let new = NewReplay::check(Draft::parse(body.as_bytes()).unwrap(), now, now.minus(Duration::from_hours(2)));
    let replay = new.unwrap().start(ReplayId::new(now, &SystemRandom), scene.endpoint.project_id);
    assert_eq!(scene.store.replays.start(&replay, now).await.unwrap(), ReplayStart::Started);
    replay
}

pub(crate) async fn progress(scene: &Scene, replay: &Replay) -> Progress {
    scene.store.replays.get(replay.project_id, replay.replay_id).await.unwrap().unwrap().progress
}

async fn health(scene: &Scene) -> StoredHealth {
    scene.store.health.get_now(scene.endpoint.project_id, scene.endpoint.id).await.unwrap()
}

async fn set_health(scene: &Scene, change: impl Fn(Health) -> Health) -> Health {
    let stored = health(scene).await;
    let next = stored.next(change(stored.health.clone()), None);
    assert_eq!(scene.store.health.put(&next).await.unwrap(), WriteOutcome::Applied);
    next.health
}

async fn set_state(scene: &Scene, state: EndpointState) {
    scene.store.endpoints.put(&Endpoint { state, ..scene.endpoint.clone() }).await.unwrap();
}

#[tokio::test]
async fn a_replay_is_marked_and_signed_with_the_current_secret() {
    let (port, received) = receiver().await;
    let scene = Scene::with_endpoint_at(&format!("http://localhost:{port}/")).await;
    let event = failed(&scene).await;
    let secret = SigningSecret::generate(&SystemRandom);
    let project = scene.endpoint.project_id;
    let sealed = ring().seal(SealedKind::SigningSecret, project, secret.expose().as_bytes(), &SystemRandom);
    let rotated = Endpoint { signing_secret: sealed, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&rotated).await.unwrap();

    let delivery = replay(&scene, &event).await;

    let Received { headers, body } = received.await.unwrap();
    let at = Timestamp::from_millis(headers["webhook-timestamp"].parse::<i64>().unwrap() * 1000).unwrap();
    assert_eq!(headers["webhook-signature"], secret.sign(event.id, at, &body));
    let identifying = ["webhook-id", "webhook-attempt", "webhook-replay"].map(|name| headers[name].as_str());
    assert_eq!(identifying, [event.id.to_string().as_str(), "2", "true"]);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
    assert_eq!(delivery.successful_attempt().map(|attempt| (attempt.number, attempt.status)), Some((2, Some(204))));
}

#[tokio::test]
async fn a_replay_with_duplicated_messages_is_sent_and_counted_once() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = failed(&scene).await;
    let replay = start_replay(&scene).await;
    let message = json(&replay.task(scene.task(&event).delivery_id));

    scene.send_all(&[message.clone(), message.clone()]).await;
    scene.send_all(&[message]).await;

    let delivery = scene.stored_delivery(&event).await.unwrap();
    assert_eq!((delivery.state, delivery.replays.len(), scene.request_count()), (DeliveryState::Delivered, 1, 1));
    assert_eq!(progress(&scene, &replay).await, Progress { delivered: 1, ..Progress::default() });
}

#[tokio::test]
async fn a_failed_replay_is_not_retried_and_does_not_change_the_endpoints_health() {
    let scene = Scene::with_receiver_responding(410).await;
    let (failed, delivered) = (failed(&scene).await, finished(&scene, None).await);

    let (failed, delivered) = (replay(&scene, &failed).await, replay(&scene, &delivered).await);

    assert_eq!((failed.state, delivered.state), (DeliveryState::Failed, DeliveryState::Delivered));
    assert_eq!((failed.replays.len(), failed.next_attempt_at, scene.request_count()), (1, None, 2));
    assert!(!health(&scene).await.is_stored());
}

#[tokio::test]
async fn a_replay_is_sent_through_an_open_breaker_and_does_not_close_it() {
    let scene = Scene::with_receiver_responding(503).await;
    let event = scene.event();
    scene.send(&[scene::json(&scene.task(&event))]).await;
    let open = health(&scene).await;
    assert!(open.health.pause.is_some());
    let failed = failed(&scene).await;
    scene.respond_with(200);

    assert_eq!(replay(&scene, &failed).await.state, DeliveryState::Delivered);
    let replayed = health(&scene).await.health;
    assert_eq!((replayed.pause, replayed.failures), (open.health.pause, open.health.failures));
}

#[tokio::test]
async fn a_delivery_that_cannot_be_replayed_is_skipped_with_a_recorded_reason() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = failed(&scene).await;
    set_state(&scene, EndpointState::Paused).await;
    assert_eq!(skipped(&replay(&scene, &event).await), Some(SkipReason::EndpointPaused));

    set_state(&scene, EndpointState::Active).await;
    let disabled = Disabled { at: SystemClock.now(), reason: DisableReason::Failing };
    set_health(&scene, |health| Health { disabled: Some(disabled), ..health }).await;
    let scene = scene.with_new_sender();
    assert_eq!(skipped(&replay(&scene, &event).await), Some(SkipReason::EndpointDisabled));

    set_health(&scene, |health| Health { disabled: None, ..health }).await;
    scene.store.endpoints.delete(event.project_id, scene.endpoint.id).await.unwrap();
    let scene = scene.with_new_sender();
    let delivery = replay(&scene, &event).await;
    assert_eq!(skipped(&delivery), Some(SkipReason::EndpointDeleted));
    assert_eq!((delivery.state, delivery.replays.len(), scene.request_count()), (DeliveryState::Failed, 3, 0));
}

#[tokio::test]
async fn a_delivery_whose_event_is_gone_is_skipped() {
    let scene = Scene::with_receiver_responding(500).await;
    let event = scene.event();
    // The event is only in the message and is never stored.
    scene.send(&[scene::json(&scene.task(&event))]).await;
    let waiting = scene.stored_delivery(&event).await.unwrap();
    let attempt = Attempt { number: 2, ..waiting.attempts[0].clone() };
    scene.store.deliveries.record(&waiting.after(attempt, None), None).await.unwrap();

    assert_eq!(skipped(&replay(&scene, &event).await), Some(SkipReason::EventGone));
    assert_eq!(scene.request_count(), 1);
}

#[tokio::test]
async fn queued_deliveries_of_a_cancelled_replay_are_skipped() {
    let scene = Scene::with_receiver_responding(200).await;
    let event = failed(&scene).await;
    let replay = start_replay(&scene).await;
    scene.store.replays.end(&replay, ReplayState::Cancelled).await.unwrap();

    scene.send_all(&[json(&replay.task(scene.task(&event).delivery_id))]).await;

    let delivery = scene.stored_delivery(&event).await.unwrap();
    assert_eq!((skipped(&delivery), scene.request_count()), (Some(SkipReason::ReplayCancelled), 0));
    assert_eq!(progress(&scene, &replay).await, Progress { skipped: 1, ..Progress::default() });
}

#[tokio::test]
async fn a_replay_right_after_a_resume_is_deferred_until_the_cache_has_expired() {
    let scene = Scene::with_receiver_responding(200).await;
    set_state(&scene, EndpointState::Paused).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let sender = scene::sender_with(queue.aws());
    let scene = scene.with_sender(sender);
    let event = failed(&scene).await;
    replay(&scene, &event).await;
    set_state(&scene, EndpointState::Active).await;

    let task = task(&scene, &event);
    scene.send_all(&[json(&task)]).await;

    assert_eq!(queue.take(), [(SendMessage::Replay(task.clone()), Duration::from_secs(5))]);
    let scene = scene.with_new_sender();
    scene.send_all(&[json(&task)]).await;
    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_fault_on_our_side_is_not_a_replay_and_the_message_is_redelivered() {
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let event = failed(&scene).await;
    assert_eq!(scene.send(&[json(&task(&scene, &event))]).await, [0]);
    assert_eq!(scene.stored_delivery(&event).await.unwrap().replays, []);
}

#[tokio::test]
async fn an_unfinished_delivery_is_not_replayed() {
    let scene = Scene::with_receiver_responding(500).await;
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send(&[scene::json(&scene.task(&event))]).await;
    let waiting = scene.stored_delivery(&event).await.unwrap();
    assert_eq!(replay(&scene, &event).await, waiting);
}
