//! Deliveries held for their endpoint, and notices about the endpoint.

use std::time::Duration;

use aws::queue::testing::Verdict;
use aws::store::WriteOutcome;
use domain::foundation::id::DeliveryId;
use domain::foundation::time::Timestamp;
use domain::reports::digest::DigestJob;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, DeliveryState, SendMessage};
use domain::webhooks::endpoint::{Endpoint, EndpointState, Pace};
use domain::webhooks::health::{Health, HoldReason, NoticeKind, Recent};

use crate::scene::{self, Scene, now};

/// Stores a held delivery of a paused endpoint, and schedules a check of the endpoint at [`now`].
async fn held(scene: &Scene, endpoint: &Endpoint) -> Delivery {
    let event = scene.event(Duration::from_mins(10), &[endpoint.id]).await;
    let held = Delivery::queued(&event, endpoint.id).held(HoldReason::Paused);
    scene.store.deliveries.record_held(&held, now()).await.unwrap();
    let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    let scheduled = stored.next(stored.health.clone().holding(now()), Some(now()));
    scene.store.health.put(&scheduled).await.unwrap();
    held
}

async fn state(scene: &Scene, id: DeliveryId) -> DeliveryState {
    scene.store.deliveries.recorded_now(scene.project, id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn held_deliveries_are_released_once_when_their_endpoint_accepts_webhooks() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let (first, second) = (held(&scene, &endpoint).await, held(&scene, &endpoint).await);

    let (summary, sent) = scene.sweep(now()).await;

    let mut released: Vec<SendMessage> = sent.into_iter().map(|(message, _)| message).collect();
    released.sort_by_key(SendMessage::delivery_id);
    let mut expected = [first.next_task(), second.next_task()].map(SendMessage::from);
    expected.sort_by_key(SendMessage::delivery_id);
    assert_eq!((summary.released, released.as_slice()), (2, expected.as_slice()));
    assert_eq!(state(&scene, first.id).await, DeliveryState::Waiting);
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.1, []);
}

#[tokio::test]
async fn held_deliveries_stay_held_while_their_endpoint_is_paused() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let paused = Endpoint { state: EndpointState::Paused, ..endpoint.clone() };
    scene.store.endpoints.put(&paused).await.unwrap();
    let held = held(&scene, &endpoint).await;

    assert_eq!(scene.sweep(now()).await.1, []);
    assert_eq!(state(&scene, held.id).await, DeliveryState::Held);
}

#[tokio::test]
async fn a_deleted_endpoint_is_checked_until_it_has_no_held_deliveries() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let first = held(&scene, &endpoint).await;
    scene.store.endpoints.delete(scene.project, endpoint.id).await.unwrap();
    assert_eq!(scene.sweep(now()).await.0.released, 1);

    // A sender with cached settings puts the delivery on hold again, without scheduling another check.
    scene.store.deliveries.record_held(&first.held(HoldReason::Paused), now()).await.unwrap();
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.0.released, 1);
    for minute in 2..6 {
        assert_eq!(scene.sweep(now().plus(Duration::from_mins(minute))).await.0.released, 0);
    }
    let health = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    assert!(!health.is_stored());
}

#[tokio::test]
async fn an_endpoint_is_drained_once_a_minute_however_often_the_sweep_runs() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    assert_eq!(scene.sweep(now()).await.0.released, 1);
    let event = scene.event(Duration::from_mins(10), &[endpoint.id]).await;
    let later = Delivery::queued(&event, endpoint.id).held(HoldReason::Busy);
    scene.store.deliveries.record_held(&later, now()).await.unwrap();

    assert_eq!(scene.sweep(now()).await.0.released, 0);
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.0.released, 1);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_does_not_stop_due_deliveries() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    scene.store.spoil_endpoint(&endpoint).await;
    // 64 deliveries over 16 shards: some share the shard of the endpoint.
    for _ in 0..64 {
        let event = scene.event(Duration::from_hours(1), &[endpoint.id]).await;
        let wait = Some(Duration::from_mins(30));
        scene.attempted(&event, endpoint.id, Some(FailureReason::Tls), wait).await;
    }

    assert_eq!(scene.sweep(now()).await.1.len(), 64);
}

/// Schedules the check of an endpoint at `at`. A shard's rows are handled in the order of these times.
async fn schedule_check(scene: &Scene, endpoint: &Endpoint, at: Timestamp) {
    let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    let scheduled = stored.next(stored.health.clone(), Some(at));
    assert_eq!(scene.store.health.put(&scheduled).await.unwrap(), WriteOutcome::Applied);
}

/// Another endpoint in the same shard of the index `due`, with a held delivery.
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
async fn an_endpoint_that_cannot_be_read_does_not_stop_the_check_of_others() {
    let scene = Scene::new().await;
    let unreadable = scene.endpoint().await;
    held(&scene, &unreadable).await;
    schedule_check(&scene, &unreadable, now().minus(Duration::from_hours(1))).await;
    scene.store.spoil_endpoint(&unreadable).await;
    neighbour(&scene, &unreadable).await;

    assert_eq!(scene.sweep(now()).await.1.len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_read_does_not_stop_the_backlog_of_its_shard() {
    let scene = Scene::new().await;
    let unreadable = scene.endpoint().await;
    held(&scene, &unreadable).await;
    schedule_check(&scene, &unreadable, now().minus(Duration::from_hours(1))).await;
    scene.store.spoil_endpoint(&unreadable).await;
    scene.backlog(&unreadable, 60).await;

    assert_eq!(scene.sweep(now()).await.1.len(), 60);
}

#[tokio::test]
async fn an_endpoint_whose_check_failed_is_checked_again_when_its_lease_ends() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    scene.queue.catch("heldFor = :endpoint").end(Verdict::Refuse);

    assert!(scene.try_sweep(now()).await.is_err());
    assert_eq!(scene.sweep(now().plus(Duration::from_secs(54))).await.0.released, 0);
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(2))).await.0.released, 1);
}

#[tokio::test]
async fn a_run_near_its_deadline_queues_due_deliveries_but_checks_no_endpoint() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    held(&scene, &endpoint).await;
    let event = scene.event(Duration::from_hours(1), &[endpoint.id]).await;
    scene.attempted(&event, endpoint.id, Some(FailureReason::Tls), Some(Duration::from_mins(30))).await;

    let summary = scene.sweep_for(now(), Duration::from_secs(10)).await.unwrap();
    assert_eq!((summary.queued, summary.released), (1, 0));
    assert_eq!(scene.sweep(now()).await.0.released, 1);
}

#[tokio::test]
async fn a_run_of_several_batches_drains_an_endpoint_once() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    for _ in 0..3 {
        held(&scene, &endpoint).await;
    }
    let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    let slow = Health { pace: 1, ..stored.health.clone() };
    let due = stored.next(slow, Some(now().minus(Duration::from_hours(1))));
    scene.store.health.put(&due).await.unwrap();
    scene.backlog(&endpoint, 60).await;

    let summary = scene.sweep_with_ticking_clock(now()).await.unwrap();
    assert_eq!((summary.queued, summary.released), (60, 1));
}

#[tokio::test]
async fn the_pace_of_a_drain_grows_by_a_step_and_shrinks_by_the_share_of_failed_attempts() {
    let scene = Scene::new().await;
    let (working, failing) = (scene.endpoint().await, scene.endpoint().await);
    for (endpoint, recent) in [(&working, None), (&failing, Some(Recent { at: now(), attempts: 20, failures: 10 }))] {
        for _ in 0..5 {
            held(&scene, endpoint).await;
        }
        let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
        let draining = Health { pace: 4, recent, ..stored.health.clone() };
        scene.store.health.put(&stored.next(draining, Some(now()))).await.unwrap();
    }

    assert_eq!(scene.sweep(now()).await.0.released, 8);
    let mut paces = Vec::new();
    for endpoint in [&working, &failing] {
        paces.push(scene.store.health.get_now(scene.project, endpoint.id).await.unwrap().health.pace);
    }
    assert_eq!(paces, [304, 302]);
}

#[tokio::test]
async fn a_check_scheduled_while_the_endpoint_is_being_checked_is_kept() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let paused = Endpoint { state: EndpointState::Paused, ..endpoint.clone() };
    scene.store.endpoints.put(&paused).await.unwrap();
    held(&scene, &endpoint).await;

    // The endpoint is resumed after the sweep read that it is paused.
    let mut caught = scene.queue.catch("heldFor = :endpoint");
    let resume = async {
        caught.is_there().await;
        scene.store.endpoints.put(&endpoint).await.unwrap();
        schedule_check(&scene, &endpoint, now()).await;
        caught.end(Verdict::Pass);
    };
    let (summary, ()) = tokio::join!(scene.try_sweep(now()), resume);

    assert_eq!(summary.unwrap().released, 0);
    assert_eq!(scene.sweep(now()).await.0.released, 1);
}

#[tokio::test]
async fn the_health_of_a_deleted_endpoint_is_kept_while_a_sender_may_still_hold_a_delivery_for_it() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    let holding = stored.next(stored.health.clone().holding(now()), Some(now()));
    scene.store.health.put(&holding).await.unwrap();
    scene.store.endpoints.delete(scene.project, endpoint.id).await.unwrap();
    assert_eq!(scene.sweep(now()).await.0.released, 0);

    let event = scene.event(Duration::from_mins(10), &[endpoint.id]).await;
    let late = Delivery::queued(&event, endpoint.id).held(HoldReason::Paused);
    scene.store.deliveries.record_held(&late, now()).await.unwrap();
    assert_eq!(scene.sweep(now().plus(Duration::from_mins(1))).await.0.released, 1);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_released_does_not_stop_the_others() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let (first, second) = (held(&scene, &endpoint).await, held(&scene, &endpoint).await);
    scene.queue.catch(&first.id.event.to_string()).end(Verdict::Refuse);

    assert!(scene.try_sweep(now()).await.is_err());
    let sent: Vec<SendMessage> = scene.queue.take().into_iter().map(|(message, _)| message).collect();
    assert_eq!(sent, [SendMessage::from(second.next_task())]);
}

/// An endpoint that was disabled because its receiver answered 410, with a notice to queue.
async fn disabled(scene: &Scene) -> Endpoint {
    let endpoint = scene.endpoint().await;
    let (reason, phases) = (Some(FailureReason::Status), Phases::default());
    let gone = Attempt { number: 1, at: now(), duration_ms: 0, phases, status: Some(410), reason, response: None };
    let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
    let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    let disabled = stored.next(stored.health.clone().after(&gone, None, &policy), Some(now()));
    scene.store.health.put(&disabled).await.unwrap();
    endpoint
}

#[tokio::test]
async fn a_notice_about_an_endpoint_is_queued_once() {
    let scene = Scene::new().await;
    let endpoint = disabled(&scene).await;
    scene.sweep(now()).await;

    let notices: Vec<(DigestJob, Duration)> = scene.queue.take_from("report");
    let [(DigestJob::Notice(job), Duration::ZERO)] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((job.endpoint_id, job.notice.kind), (endpoint.id, NoticeKind::DisabledGone));
    scene.sweep(now().plus(Duration::from_mins(5))).await;
    assert_eq!(scene.queue.take_from::<DigestJob>("report"), []);
}

#[tokio::test]
async fn a_notice_that_could_not_be_queued_is_queued_by_a_later_run() {
    let scene = Scene::new().await;
    disabled(&scene).await;
    assert!(scene.sweep_without_queue(now()).await.is_err());
    scene.sweep(now().plus(Duration::from_mins(5))).await;
    assert_eq!(scene.queue.take_from::<DigestJob>("report").len(), 1);
}

#[tokio::test]
async fn no_notice_is_queued_for_a_deleted_endpoint() {
    let scene = Scene::new().await;
    let endpoint = disabled(&scene).await;
    scene.store.endpoints.delete(scene.project, endpoint.id).await.unwrap();
    scene.sweep(now()).await;
    assert_eq!(scene.queue.take_from::<DigestJob>("report"), []);
}

#[tokio::test]
async fn held_deliveries_of_a_deleted_endpoint_are_released_so_that_the_sender_cancels_them() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let held = held(&scene, &endpoint).await;
    scene.store.endpoints.delete(scene.project, endpoint.id).await.unwrap();

    let (_, sent) = scene.sweep(now()).await;
    assert_eq!(sent, [(SendMessage::Attempt(held.next_task()), Duration::ZERO)]);
}

#[tokio::test]
async fn an_endpoint_with_a_pace_is_drained_at_that_pace_and_a_raised_one_applies_to_the_next_minute() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let set_pace = async |pace: Option<u32>| {
        let pace = pace.map(|pace| Pace::try_from(pace).unwrap());
        scene.store.endpoints.put(&Endpoint { pace, ..endpoint.clone() }).await.unwrap();
    };
    set_pace(Some(2)).await;
    for _ in 0..13 {
        held(&scene, &endpoint).await;
    }
    let drained = async |minute| scene.sweep(now().plus(Duration::from_mins(minute))).await;

    let (summary, sent) = drained(0).await;
    let delays: Vec<Duration> = sent.iter().map(|(_, delay)| *delay).collect();
    assert_eq!((summary.released, delays), (2, vec![Duration::ZERO, Duration::from_secs(30)]));
    assert_eq!(drained(1).await.0.released, 2);
    set_pace(Some(4)).await;
    assert_eq!(drained(2).await.0.released, 4);
    set_pace(None).await;
    assert_eq!(drained(3).await.0.released, 5);
}

#[tokio::test]
async fn the_pace_of_a_drain_does_not_grow_while_the_pace_of_the_endpoint_limits_it() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let slow = Endpoint { pace: Some(Pace::try_from(2).unwrap()), ..endpoint.clone() };
    scene.store.endpoints.put(&slow).await.unwrap();
    for _ in 0..5 {
        held(&scene, &endpoint).await;
    }
    let pace = async || scene.store.health.get_now(scene.project, endpoint.id).await.unwrap().health.pace;
    let before = pace().await;
    assert_eq!(scene.sweep(now()).await.0.released, 2);
    assert_eq!(pace().await, before);
}
