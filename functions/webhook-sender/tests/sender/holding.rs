//! Endpoints that take no webhooks for a while: what is held, what probes, and what the sweep is told.

use std::time::Duration;

use shared::aws::store::StoredHealth;
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{DeliveryState, HoldReason};
use shared::endpoint::{Endpoint, EndpointState};
use shared::event::Event;
use shared::health::{DisableReason, NoticeKind};

use crate::scene::{Scene, json};

async fn health(scene: &Scene) -> StoredHealth {
    scene.store.activity.health_now(scene.endpoint.project_id, scene.endpoint.id).await.unwrap()
}

/// Publishes an event, as far as the sender can tell, and sends it.
async fn send_one(scene: &Scene) -> Event {
    let event = scene.event();
    scene.store.activity.put_event(&event, &[scene.endpoint.id]).await.unwrap();
    assert_eq!(scene.send(&[json(&scene.nudge(&event))]).await, [0_usize; 0]);
    event
}

async fn state(scene: &Scene, event: &Event) -> (DeliveryState, Option<HoldReason>) {
    let delivery = scene.recorded(event).await.unwrap();
    (delivery.state, delivery.held_because)
}

#[tokio::test]
async fn a_paused_endpoint_gets_nothing_and_loses_nothing() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let paused = Endpoint { state: EndpointState::Paused, ..scene.endpoint.clone() };
    scene.store.settings.put_endpoint(&paused).await.unwrap();

    let event = send_one(&scene).await;

    assert_eq!(state(&scene, &event).await, (DeliveryState::Held, Some(HoldReason::Paused)));
    assert_eq!(scene.received(), 0);
    let held = scene.store.activity.held_for(scene.endpoint.id, 10).await.unwrap();
    assert_eq!(held.iter().map(|held| held.nudge().delivery_id).collect::<Vec<_>>(), [scene.nudge(&event).delivery_id]);
    assert!(health(&scene).await.sweep_at.is_some(), "the sweep looks whether it is still paused");
}

#[tokio::test]
async fn failures_in_a_row_open_the_breaker_and_what_comes_then_is_held() {
    let scene = Scene::with_receiver_that_answers(500).await;
    for _ in 0..3 {
        send_one(&scene).await;
    }
    scene.answer(200);
    let event = send_one(&scene).await;

    assert_eq!(state(&scene, &event).await, (DeliveryState::Held, Some(HoldReason::Failing)));
    assert_eq!(scene.received(), 3);
}

#[tokio::test]
async fn a_busy_receiver_is_left_alone_and_the_delivery_that_found_out_waits_as_long() {
    let scene = Scene::with_receiver_that_answers(503).await;
    let first = send_one(&scene).await;
    let second = send_one(&scene).await;

    let pause = health(&scene).await.health.pause.unwrap();
    assert_eq!(state(&scene, &second).await, (DeliveryState::Held, Some(HoldReason::Busy)));
    let waiting = scene.recorded(&first).await.unwrap();
    assert!(waiting.next_attempt_at.unwrap() >= pause.until, "{waiting:?}");
    assert_eq!(scene.received(), 1);
}

#[tokio::test]
async fn a_receiver_that_is_gone_disables_its_endpoint_and_a_notice_is_kept() {
    let scene = Scene::with_receiver_that_answers(410).await;
    let first = send_one(&scene).await;
    let second = send_one(&scene).await;

    let stored = health(&scene).await;
    assert_eq!(stored.health.disabled.map(|disabled| disabled.because), Some(DisableReason::Gone));
    assert_eq!(stored.health.notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [NoticeKind::DisabledGone]);
    assert!(stored.sweep_at.is_some(), "the sweep passes the notice on");
    assert_eq!(state(&scene, &first).await, (DeliveryState::Waiting, None), "it is held when its next attempt is due");
    assert_eq!(state(&scene, &second).await, (DeliveryState::Held, Some(HoldReason::Disabled)));
}

#[tokio::test]
async fn one_delivery_probes_when_the_pause_is_over_and_its_success_calls_the_sweep() {
    let scene = Scene::with_receiver_that_answers(503).await;
    send_one(&scene).await;
    let held = send_one(&scene).await;
    over(&scene).await;
    scene.answer(200);

    let scene = scene.with_another_sender();
    let probe = send_one(&scene).await;

    assert_eq!(state(&scene, &probe).await, (DeliveryState::Delivered, None));
    assert_eq!(state(&scene, &held).await.0, DeliveryState::Held);
    let stored = health(&scene).await;
    assert_eq!((stored.health.pause, stored.health.failures), (None, 0));
    assert!(stored.sweep_at.unwrap() <= SystemClock.now(), "what is held is drained at once");
}

#[tokio::test]
async fn of_two_senders_that_want_to_probe_one_does() {
    let scene = Scene::with_receiver_that_answers(503).await;
    send_one(&scene).await;
    over(&scene).await;
    let probing = health(&scene).await;
    let taken = probing.next(probing.health.clone().probing(SystemClock.now()), probing.sweep_at);

    // This sender read the health before the other began its probe.
    let scene = scene.with_another_sender();
    scene.answer(500);
    send_one(&scene).await;
    assert_eq!(scene.store.activity.put_health(&taken).await.unwrap(), shared::aws::store::Written::Before);
    assert_eq!(scene.received(), 2);
}

#[tokio::test]
async fn more_messages_than_an_endpoint_has_slots_are_all_worked_through() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let mut bodies = Vec::new();
    for _ in 0..10 {
        bodies.push(json(&scene.nudge(&scene.event())));
    }
    assert_eq!(scene.send(&bodies).await, [0_usize; 0]);
    assert_eq!(scene.received(), 10);
}

/// Moves the pause into the past, as waiting would.
async fn over(scene: &Scene) {
    let stored = health(scene).await;
    let mut past = stored.health.clone();
    past.pause.as_mut().unwrap().until = SystemClock.now().minus(Duration::from_secs(1));
    scene.store.activity.put_health(&stored.next(past, stored.sweep_at)).await.unwrap();
}
