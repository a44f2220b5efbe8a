//! Endpoints that cannot be sent webhooks for a while: held deliveries, the probe, and the checks scheduled for the sweep.

use std::time::Duration;

use aws::store::StoredHealth;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::webhooks::delivery::{DeliveryHoldReason, DeliveryState};
use domain::webhooks::endpoint::{Endpoint, EndpointState};
use domain::webhooks::event::Event;
use domain::webhooks::health::{DisableReason, NoticeKind};

use crate::scene::{Scene, json};

async fn health(scene: &Scene) -> StoredHealth {
    scene.store.health.get_now(scene.endpoint.project_id, scene.endpoint.id).await.unwrap()
}

/// Stores an event and processes its first message.
async fn publish_and_send(scene: &Scene) -> Event {
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send_all(&[json(&scene.task(&event))]).await;
    event
}

async fn state(scene: &Scene, event: &Event) -> (DeliveryState, Option<DeliveryHoldReason>) {
    let delivery = scene.stored_delivery(event).await.unwrap();
    (delivery.state, delivery.hold_reason)
}

#[tokio::test]
async fn deliveries_to_a_paused_endpoint_are_held() {
    let scene = Scene::with_receiver_responding(200).await;
    let paused = Endpoint { state: EndpointState::Paused, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&paused).await.unwrap();

    let event = publish_and_send(&scene).await;

    assert_eq!(state(&scene, &event).await, (DeliveryState::Held, Some(DeliveryHoldReason::Paused)));
    assert_eq!(scene.request_count(), 0);
    let held = scene.store.deliveries.held_for(scene.endpoint.id, 10).await.unwrap().0;
    assert_eq!(held.iter().map(|held| held.task().delivery_id).collect::<Vec<_>>(), [scene.task(&event).delivery_id]);
    assert!(health(&scene).await.sweep_at.is_some(), "the sweep checks whether the endpoint is still paused");
}

#[tokio::test]
async fn failures_in_a_row_open_the_breaker_and_later_deliveries_are_held() {
    let scene = Scene::with_receiver_responding(500).await;
    for _ in 0..3 {
        publish_and_send(&scene).await;
    }
    scene.respond_with(200);
    let event = publish_and_send(&scene).await;

    assert_eq!(state(&scene, &event).await, (DeliveryState::Held, Some(DeliveryHoldReason::Failing)));
    assert_eq!(scene.request_count(), 3);
}

#[tokio::test]
async fn a_busy_receiver_opens_the_breaker_and_the_refused_delivery_waits_until_the_pause_ends() {
    let scene = Scene::with_receiver_responding(503).await;
    let first = publish_and_send(&scene).await;
    let second = publish_and_send(&scene).await;

    let pause = health(&scene).await.health.pause.unwrap();
    assert_eq!(state(&scene, &second).await, (DeliveryState::Held, Some(DeliveryHoldReason::Busy)));
    let waiting = scene.stored_delivery(&first).await.unwrap();
    assert!(waiting.next_attempt_at.unwrap() >= pause.until, "{waiting:?}");
    assert_eq!(scene.request_count(), 1);
}

#[tokio::test]
async fn a_410_response_disables_the_endpoint_and_stores_a_notice() {
    let scene = Scene::with_receiver_responding(410).await;
    let first = publish_and_send(&scene).await;
    let second = publish_and_send(&scene).await;

    let stored = health(&scene).await;
    assert_eq!(stored.health.disabled.map(|disabled| disabled.reason), Some(DisableReason::Gone));
    assert_eq!(stored.health.notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [NoticeKind::DisabledGone]);
    assert!(stored.sweep_at.is_some(), "the sweep queues the notice for mailing");
    assert_eq!(
        state(&scene, &first).await,
        (DeliveryState::Waiting, None),
        "it is held only when its next attempt is due"
    );
    assert_eq!(state(&scene, &second).await, (DeliveryState::Held, Some(DeliveryHoldReason::Disabled)));
}

#[tokio::test]
async fn one_delivery_probes_after_the_pause_and_its_success_schedules_the_sweep() {
    let scene = Scene::with_receiver_responding(503).await;
    publish_and_send(&scene).await;
    let held = publish_and_send(&scene).await;
    end_pause(&scene).await;
    scene.respond_with(200);

    let scene = scene.with_new_sender();
    let probe = publish_and_send(&scene).await;

    assert_eq!(state(&scene, &probe).await, (DeliveryState::Delivered, None));
    assert_eq!(state(&scene, &held).await.0, DeliveryState::Held);
    let stored = health(&scene).await;
    assert_eq!((stored.health.pause, stored.health.failures), (None, 0));
    assert!(stored.sweep_at.unwrap() <= SystemClock.now(), "held deliveries are drained at once");
}

#[tokio::test]
async fn only_one_of_two_senders_probes() {
    let scene = Scene::with_receiver_responding(503).await;
    publish_and_send(&scene).await;
    end_pause(&scene).await;
    let stored = health(&scene).await;
    let second_claim = stored.next(stored.health.clone().probing(SystemClock.now()), stored.sweep_at);

    // The other sender read the health before this one claimed the probe, so its own claim conflicts.
    let scene = scene.with_new_sender();
    scene.respond_with(500);
    publish_and_send(&scene).await;
    assert_eq!(scene.store.health.put(&second_claim).await.unwrap(), aws::store::WriteOutcome::Conflict);
    assert_eq!(scene.request_count(), 2);
}

#[tokio::test]
async fn messages_that_wait_for_a_slot_are_all_sent() {
    let scene = Scene::with_receiver_responding(200).await;
    let mut bodies = Vec::new();
    for _ in 0..10 {
        bodies.push(json(&scene.task(&scene.event())));
    }
    scene.send_all(&bodies).await;
    assert_eq!(scene.request_count(), 10);
}

/// Ends the breaker's pause, as the passage of time would.
async fn end_pause(scene: &Scene) {
    let stored = health(scene).await;
    let mut health = stored.health.clone();
    health.pause.as_mut().unwrap().until = SystemClock.now().minus(Duration::from_secs(1));
    scene.store.health.put(&stored.next(health, stored.sweep_at)).await.unwrap();
}
