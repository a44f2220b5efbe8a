//! Deliveries that are held for their endpoint, and what is told of it.

use std::time::Duration;

use shared::aws::queue::testing::Verdict;
use shared::aws::store::Written;
use shared::delivery::{Attempt, Delivery, DeliveryState, FailureReason, HoldReason, Phases, SendMessage};
use shared::digest::DigestJob;
use shared::endpoint::{Endpoint, EndpointState};
use shared::health::{Health, NoticeKind};
use shared::id::DeliveryId;
use shared::time::Timestamp;

use crate::scene::{self, Scene, now};

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

/// Plans the look at an endpoint for `at`, longest ago first.
async fn look_at(scene: &Scene, endpoint: &Endpoint, at: Timestamp) {
    let stored = scene.store.activity.health_now(scene.project, endpoint.id).await.unwrap();
    let planned = stored.next(stored.health.clone(), Some(at));
    assert_eq!(scene.store.activity.put_health(&planned).await.unwrap(), Written::Now);
}

/// Another endpoint of the same shard of the index `due`, which the sweep is to look after.
async fn neighbour(scene: &Scene, of: &Endpoint) -> Endpoint {
    loop {
        let other = scene.endpoint().await;
        if scene::shard(other.id.as_bytes()) == scene::shard(of.id.as_bytes()) {
            held(scene, &other).await;
            return other;
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_keeps_no_other_from_being_looked_after() {
    let scene = Scene::new().await;
    let spoilt = scene.endpoint().await;
    held(&scene, &spoilt).await;
    look_at(&scene, &spoilt, now().minus(Duration::from_hours(1))).await;
    scene.store.spoil_endpoint(&spoilt).await;
    neighbour(&scene, &spoilt).await;

    assert!(scene.try_sweep(now()).await.is_err());
    assert_eq!(scene.queue.take().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_does_not_end_a_backlog_of_its_shard() {
    let scene = Scene::new().await;
    let spoilt = scene.endpoint().await;
    held(&scene, &spoilt).await;
    look_at(&scene, &spoilt, now().minus(Duration::from_hours(1))).await;
    scene.store.spoil_endpoint(&spoilt).await;
    scene.backlog(&spoilt, 60).await;

    assert!(scene.try_sweep(now()).await.is_err());
    assert_eq!(scene.queue.take().len(), 60);
}

#[tokio::test]
async fn an_endpoint_that_failed_is_left_alone_by_runs_that_may_still_be_under_way() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    scene.store.spoil_endpoint(&endpoint).await;

    assert!(scene.try_sweep(now()).await.is_err());
    assert!(scene.try_sweep(now().plus(Duration::from_secs(54))).await.is_ok());
    assert!(scene.try_sweep(now().plus(Duration::from_mins(2))).await.is_err());
}

#[tokio::test]
async fn no_endpoint_is_looked_after_when_the_run_is_about_to_end_but_deliveries_are_queued() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    let event = scene.event(Duration::from_hours(1), &[endpoint.id]).await;
    scene.attempted(&event, endpoint.id, Some(FailureReason::Tls), Some(Duration::from_mins(30))).await;

    let swept = scene.sweep_for(now(), Duration::from_secs(10)).await.unwrap();
    assert_eq!((swept.queued, swept.released), (1, 0));
    assert_eq!(scene.sweep(now()).await.0.released, 1);
}

#[tokio::test]
async fn an_endpoint_is_drained_once_in_a_run_that_takes_several_batches() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    for _ in 0..3 {
        held(&scene, &endpoint).await;
    }
    let stored = scene.store.activity.health_now(scene.project, endpoint.id).await.unwrap();
    let slow = Health { pace: 1, ..stored.health.clone() };
    let due = stored.next(slow, Some(now().minus(Duration::from_hours(1))));
    scene.store.activity.put_health(&due).await.unwrap();
    scene.backlog(&endpoint, 60).await;

    let swept = scene.sweep_in_time(now()).await.unwrap();
    assert_eq!((swept.queued, swept.released), (60, 1));
}

#[tokio::test]
async fn a_look_that_is_planned_while_an_endpoint_is_looked_after_is_kept() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let paused = Endpoint { state: EndpointState::Paused, ..endpoint.clone() };
    scene.store.settings.put_endpoint(&paused).await.unwrap();
    held(&scene, &endpoint).await;

    // The sweep has read that it is paused; now it is resumed.
    let mut caught = scene.queue.catch("heldFor = :endpoint");
    let resume = async {
        caught.is_there().await;
        scene.store.settings.put_endpoint(&endpoint).await.unwrap();
        look_at(&scene, &endpoint, now()).await;
        caught.end(Verdict::Pass);
    };
    let (swept, ()) = tokio::join!(scene.try_sweep(now()), resume);

    assert_eq!(swept.unwrap().released, 0);
    assert_eq!(scene.sweep(now()).await.0.released, 1);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_not_forgotten_while_a_delivery_may_be_on_its_way_to_be_held() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let stored = scene.store.activity.health_now(scene.project, endpoint.id).await.unwrap();
    let noted = stored.next(stored.health.clone().holding(now()), Some(now()));
    scene.store.activity.put_health(&noted).await.unwrap();
    scene.store.settings.delete_endpoint(scene.project, endpoint.id).await.unwrap();
    assert_eq!(scene.sweep(now()).await.0.released, 0);

    let event = scene.event(Duration::from_mins(10), &[endpoint.id]).await;
    let late = Delivery::queued(&event, endpoint.id).held(HoldReason::Paused);
    scene.store.activity.record_held(&late, now()).await.unwrap();
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.0.released, 1);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_released_keeps_no_other_from_being_sent() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let (first, second) = (held(&scene, &endpoint).await, held(&scene, &endpoint).await);
    scene.queue.catch(&first.id.event.to_string()).end(Verdict::Refuse);

    assert!(scene.try_sweep(now()).await.is_err());
    let sent: Vec<SendMessage> = scene.queue.take().into_iter().map(|(message, _)| message).collect();
    assert_eq!(sent, [SendMessage::from(second.next_nudge())]);
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
