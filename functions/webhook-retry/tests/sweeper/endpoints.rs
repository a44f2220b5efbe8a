//! Deliveries that are held for their endpoint, and what is told of it.

use std::time::Duration;

use shared::delivery::{Attempt, Delivery, DeliveryState, FailureReason, HoldReason, Phases, SendMessage};
use shared::digest::DigestJob;
use shared::endpoint::{Endpoint, EndpointState};
use shared::health::NoticeKind;
use shared::id::DeliveryId;

use crate::scene::{Scene, now};

/// A delivery that is held for a paused endpoint, which the sweep is to look after.
async fn held(scene: &Scene, endpoint: &Endpoint) -> Delivery {
    let event = scene.event(Duration::from_mins(10), &[endpoint.id]).await;
    let held = Delivery::queued(&event, endpoint.id).held(HoldReason::Paused);
    scene.store.activity.record_held(&held, now()).await.unwrap();
    let stored = scene.store.activity.health_now(scene.project, endpoint.id).await.unwrap();
    let looked_after = stored.next(stored.health.clone().holding(now()), Some(now()));
    scene.store.activity.put_health(&looked_after).await.unwrap();
    held
}

async fn state(scene: &Scene, id: DeliveryId) -> DeliveryState {
    scene.store.activity.recorded_now(scene.project, id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn what_is_held_is_released_once_when_its_endpoint_takes_webhooks() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let (first, second) = (held(&scene, &endpoint).await, held(&scene, &endpoint).await);

    let (swept, sent) = scene.sweep(now()).await;

    let mut released: Vec<SendMessage> = sent.into_iter().map(|(message, _)| message).collect();
    released.sort_by_key(SendMessage::delivery_id);
    let mut expected = [first.next_nudge(), second.next_nudge()].map(SendMessage::from);
    expected.sort_by_key(SendMessage::delivery_id);
    assert_eq!((swept.released, released.as_slice()), (2, expected.as_slice()));
    assert_eq!(state(&scene, first.id).await, DeliveryState::Waiting);
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.1, []);
}

#[tokio::test]
async fn what_is_held_stays_held_while_its_endpoint_is_paused() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let paused = Endpoint { state: EndpointState::Paused, ..endpoint.clone() };
    scene.store.settings.put_endpoint(&paused).await.unwrap();
    let held = held(&scene, &endpoint).await;

    assert_eq!(scene.sweep(now()).await.1, []);
    assert_eq!(state(&scene, held.id).await, DeliveryState::Held);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_looked_after_until_nothing_is_held_for_it_any_more() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let first = held(&scene, &endpoint).await;
    scene.store.settings.delete_endpoint(scene.project, endpoint.id).await.unwrap();
    assert_eq!(scene.sweep(now()).await.0.released, 1);

    // A sender that does not know yet holds it again, and believes that this has been noted.
    scene.store.activity.record_held(&first.held(HoldReason::Paused), now()).await.unwrap();
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.0.released, 1);
    for minute in 2..6 {
        assert_eq!(scene.sweep(now().plus(Duration::from_mins(minute))).await.0.released, 0);
    }
    let forgotten = scene.store.activity.health_now(scene.project, endpoint.id).await.unwrap();
    assert!(!forgotten.is_stored());
}

#[tokio::test]
async fn an_endpoint_is_drained_once_a_minute_however_often_the_sweep_comes_by() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    assert_eq!(scene.sweep(now()).await.0.released, 1);
    let event = scene.event(Duration::from_mins(10), &[endpoint.id]).await;
    let later = Delivery::queued(&event, endpoint.id).held(HoldReason::Busy);
    scene.store.activity.record_held(&later, now()).await.unwrap();

    assert_eq!(scene.sweep(now()).await.0.released, 0);
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.0.released, 1);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_keeps_nothing_else_from_being_sent() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    scene.store.spoil_endpoint(&endpoint).await;
    // So many that some are in the endpoint's shard.
    for _ in 0..64 {
        let event = scene.event(Duration::from_hours(1), &[endpoint.id]).await;
        let wait = Some(Duration::from_mins(30));
        scene.attempted(&event, endpoint.id, Some(FailureReason::Tls), wait).await;
    }

    assert!(scene.try_sweep(now()).await.is_err());
    assert_eq!(scene.queue.take().len(), 64);
}

/// An endpoint whose receiver has said that it is gone; the sweep is to tell of it.
async fn disabled(scene: &Scene) -> Endpoint {
    let endpoint = scene.endpoint().await;
    let (reason, phases) = (Some(FailureReason::Status), Phases::default());
    let gone = Attempt { number: 1, at: now(), duration_ms: 0, phases, status: Some(410), reason, response: None };
    let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
    let stored = scene.store.activity.health_now(scene.project, endpoint.id).await.unwrap();
    let disabled = stored.next(stored.health.clone().after(&gone, None, &policy), Some(now()));
    scene.store.activity.put_health(&disabled).await.unwrap();
    endpoint
}

#[tokio::test]
async fn what_happened_to_an_endpoint_is_handed_over_once() {
    let scene = Scene::new().await;
    let endpoint = disabled(&scene).await;
    scene.sweep(now()).await;

    let told: Vec<(DigestJob, Duration)> = scene.queue.take_from("report");
    let [(DigestJob::Notice(job), Duration::ZERO)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((job.endpoint_id, job.notice.kind), (endpoint.id, NoticeKind::DisabledGone));
    scene.sweep(now().plus(Duration::from_mins(5))).await;
    assert_eq!(scene.queue.take_from::<DigestJob>("report"), []);
}

#[tokio::test]
async fn a_notice_that_cannot_be_handed_over_is_not_forgotten() {
    let scene = Scene::new().await;
    disabled(&scene).await;
    assert!(scene.sweep_without_queue(now()).await.is_err());
    scene.sweep(now().plus(Duration::from_mins(5))).await;
    assert_eq!(scene.queue.take_from::<DigestJob>("report").len(), 1);
}

#[tokio::test]
async fn nobody_is_told_of_an_endpoint_that_was_deleted() {
    let scene = Scene::new().await;
    let endpoint = disabled(&scene).await;
    scene.store.settings.delete_endpoint(scene.project, endpoint.id).await.unwrap();
    scene.sweep(now()).await;
    assert_eq!(scene.queue.take_from::<DigestJob>("report"), []);
}

#[tokio::test]
async fn what_is_held_for_an_endpoint_that_is_gone_is_released_to_be_cancelled() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let held = held(&scene, &endpoint).await;
    scene.store.settings.delete_endpoint(scene.project, endpoint.id).await.unwrap();

    let (_, sent) = scene.sweep(now()).await;
    assert_eq!(sent, [(SendMessage::Attempt(held.next_nudge()), Duration::ZERO)]);
}
