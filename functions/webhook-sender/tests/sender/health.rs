//! How attempts, replays and tests change the health of their endpoint, and when it is written.

use std::time::Duration;

use aws::queue::testing::{FakeQueue, Verdict};
use aws::store::{StoredHealth, WriteOutcome};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{EventId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, DeliveryState, ReplayTask, SendMessage, TestTask};
use domain::webhooks::event::{Event, EventType};
use domain::webhooks::health::{Health, HoldReason, Pause};
use domain::webhooks::test_send::NewTestSend;

use crate::scene::{self, Scene, json};

async fn stored(scene: &Scene) -> StoredHealth {
    scene.store.health.get_now(scene.endpoint.project_id, scene.endpoint.id).await.unwrap()
}

async fn set_health(scene: &Scene, change: impl Fn(Health) -> Health) -> StoredHealth {
    let before = stored(scene).await;
    let next = before.next(change(before.health.clone()), before.sweep_at);
    assert_eq!(scene.store.health.put(&next).await.unwrap(), WriteOutcome::Applied);
    next
}

/// Sends the first attempts of this many new events as one batch.
async fn send_new(scene: &Scene, count: usize) -> Vec<Event> {
    let events: Vec<Event> = (0..count).map(|_| scene.event()).collect();
    let messages: Vec<String> = events.iter().map(|event| json(&scene.task(event))).collect();
    scene.send_all(&messages).await;
    events
}

#[tokio::test]
async fn a_receiver_that_accepts_everything_costs_no_write_of_its_health() {
    let scene = Scene::with_receiver_responding(200).await;
    send_new(&scene, 10).await;
    send_new(&scene, 10).await;
    assert!(!stored(&scene).await.is_stored());
}

#[tokio::test]
async fn failures_and_successes_of_several_batches_are_written_together_and_a_decision_at_once() {
    let scene = Scene::with_receiver_responding(500).await;
    send_new(&scene, 2).await;
    let first = stored(&scene).await;
    assert_eq!(first.health.failures, 2, "the batch is written once");

    scene.respond_with(200);
    send_new(&scene, 2).await;
    scene.respond_with(500);
    send_new(&scene, 2).await;
    assert_eq!(stored(&scene).await, first, "nothing was decided");

    send_new(&scene, 1).await;
    let paused = stored(&scene).await;
    assert!(paused.health.pause.is_some(), "three failures in a row open the breaker: {paused:?}");
    assert_eq!(paused, first.next(paused.health.clone(), paused.sweep_at), "in one write");
    assert_eq!((paused.health.failures, paused.health.recent), (3, None));
}

#[tokio::test]
async fn an_attempt_is_recorded_before_the_health_is_written_and_although_that_fails() {
    let scene = Scene::with_receiver_responding(410).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let mut health_write = queue.catch("lastFailure");
    let scene = scene.with_sender(scene::sender_with(queue.aws()));
    let event = scene.event();

    let refuse = async {
        health_write.is_there().await;
        let recorded = scene.stored_delivery(&event).await.unwrap();
        health_write.end(Verdict::Refuse);
        recorded
    };
    let messages = [json(&scene.task(&event))];
    let (redelivered, recorded) = tokio::join!(scene.send(&messages), refuse);

    assert_eq!((redelivered, recorded.attempts.len()), (vec![], 1));
    assert!(stored(&scene).await.health.disabled.is_some(), "the end of the batch writes the health");
}

#[tokio::test]
async fn a_success_that_started_before_the_breaker_opened_does_not_close_it() {
    let scene = Scene::with_receiver_responding(200).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let scene = scene.with_sender(scene::sender_with(queue.aws()));
    let event = scene.event();
    set_health(&scene, |health| Health { failures: 1, failing_since: Some(SystemClock.now()), ..health }).await;
    // Another sender opens the breaker before this one writes its success.
    let mut health_write = queue.catch("isWarned");
    let open = async {
        health_write.is_there().await;
        let until = SystemClock.now().plus(Duration::from_mins(5));
        let pause = Pause { until, reason: HoldReason::Busy, in_a_row: 1, probe_until: None };
        set_health(&scene, |health| Health { pause: Some(pause), ..health }).await;
        health_write.end(Verdict::Pass);
        pause
    };
    let messages = [json(&scene.task(&event))];
    let (redelivered, pause) = tokio::join!(scene.send(&messages), open);

    assert!(redelivered.is_empty());
    assert_eq!(stored(&scene).await.health.pause, Some(pause));
}

#[tokio::test]
async fn the_health_of_a_deleted_endpoint_is_not_written_again() {
    let scene = Scene::with_receiver_responding(500).await;
    send_new(&scene, 1).await;
    let row = stored(&scene).await;
    assert_eq!(scene.store.health.delete(&row).await.unwrap(), WriteOutcome::Applied);

    send_new(&scene, 2).await;
    assert!(!stored(&scene).await.is_stored());
}

/// An endpoint that has been failing for an hour.
async fn failing(scene: &Scene) -> StoredHealth {
    let since = SystemClock.now().minus(Duration::from_hours(1));
    set_health(scene, |health| Health { failures: 7, failing_since: Some(since), ..health }).await
}

async fn test(scene: &Scene) -> SendMessage {
    let (project_id, endpoint_id) = (scene.endpoint.project_id, scene.endpoint.id);
    let id = EventId::new(SystemClock.now(), &SystemRandom);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, endpoint_id);
    scene.store.test_sends.put(project_id, &test).await.unwrap();
    TestTask { project_id, endpoint_id, test_id: id }.into()
}

async fn replay(scene: &Scene) -> SendMessage {
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    let (at, phases, reason) = (SystemClock.now(), Phases::default(), Some(FailureReason::Status));
    let attempt = Attempt { number: 1, at, duration_ms: 9, phases, status: Some(500), reason, response: None };
    let delivery = Delivery::queued(&event, scene.endpoint.id).after(attempt, None);
    assert_eq!(delivery.state, DeliveryState::Failed);
    scene.store.deliveries.record(&delivery, None).await.unwrap();
    let replay_id = ReplayId::new(at, &SystemRandom);
    ReplayTask::new(event.project_id, delivery.id, replay_id, false).into()
}

#[tokio::test]
async fn a_test_or_replay_that_succeeds_is_a_sign_of_life_of_a_failing_endpoint_and_changes_nothing_else() {
    for is_test in [true, false] {
        let scene = Scene::with_receiver_responding(200).await;
        let before = failing(&scene).await;
        let task = if is_test { test(&scene).await } else { replay(&scene).await };
        scene.send_all(&[serde_json::to_string(&task).unwrap()]).await;

        let after = stored(&scene).await;
        assert!(after.health.alive_at > before.health.failing_since, "{after:?}");
        let (alive_at, disables_at) = (after.health.alive_at, after.health.disables_at);
        assert_eq!(after, before.next(Health { alive_at, disables_at, ..before.health.clone() }, before.sweep_at));
    }
}

#[tokio::test]
async fn a_test_or_replay_that_fails_or_reaches_a_healthy_endpoint_changes_no_health() {
    for status in [500, 200] {
        let scene = Scene::with_receiver_responding(status).await;
        let before = if status == 500 { failing(&scene).await } else { stored(&scene).await };
        for task in [test(&scene).await, replay(&scene).await] {
            scene.send_all(&[serde_json::to_string(&task).unwrap()]).await;
        }
        assert_eq!(stored(&scene).await, before);
    }
}
