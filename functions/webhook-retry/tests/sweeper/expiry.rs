//! Deliveries that expire before their event is deleted.

use std::time::Duration;

use aws::store::WriteOutcome;
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{Delivery, DeliveryState};
use domain::webhooks::health::HoldReason;
use webhook_retry::Task;

use crate::scene::{Scene, now};

const DAY: Duration = Duration::from_hours(24);
const EXPIRE: Task = Task::Expire { after_runs: 0 };

/// Stores a held delivery of an event that was accepted `ago` before [`now`].
async fn held(scene: &Scene, ago: Duration) -> Delivery {
    let event = scene.event(ago, &[]).await;
    let held = Delivery::queued(&event, EndpointId::new(now(), &SystemRandom)).held(HoldReason::Paused);
    assert_eq!(scene.store.deliveries.record_held(&held, now().minus(ago)).await.unwrap(), WriteOutcome::Applied);
    held
}

async fn stored(scene: &Scene, delivery: &Delivery) -> Delivery {
    scene.store.deliveries.recorded_now(delivery.project_id, delivery.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn held_deliveries_expire_a_day_before_their_event_is_deleted() {
    let scene = Scene::new().await;
    let expiring = held(&scene, DAY * 29).await;
    let kept = held(&scene, Duration::from_millis(29 * 24 * 3_600_000 - 1)).await;

    let (summary, sent) = scene.run(EXPIRE, now()).await;
    assert_eq!((summary.expired, sent.len()), (1, 0));
    let expired = stored(&scene, &expiring).await;
    assert_eq!(expired, expiring.expired(now()));
    assert_eq!((expired.state, expired.hold_reason), (DeliveryState::Expired, Some(HoldReason::Paused.into())));
    assert_eq!(stored(&scene, &kept).await, kept);
    assert_eq!(scene.run(EXPIRE, now()).await.0.expired, 0);
    assert_eq!(scene.store.deliveries.held_for(expired.id.endpoint, 10).await.unwrap().0, []);
}

#[tokio::test]
async fn a_due_delivery_expires_instead_of_being_sent() {
    let scene = Scene::new().await;
    let event = scene.event(DAY * 29, &[]).await;
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let waiting = scene.attempted(&event, endpoint, Some(FailureReason::Status), Some(DAY * 29)).await;

    let (summary, sent) = scene.sweep(now()).await;
    assert_eq!((summary.queued, summary.expired, sent.len()), (0, 1, 0));
    assert_eq!(stored(&scene, &waiting).await, waiting.expired(now()));
    assert_eq!(scene.sweep(now().plus(DAY)).await.0.expired, 0);
}

#[tokio::test]
async fn a_delivery_that_ended_meanwhile_does_not_expire() {
    let scene = Scene::new().await;
    let held = held(&scene, DAY * 29).await;
    let cancelled = held.clone().cancelled(now());
    scene.store.deliveries.record_closed(&cancelled).await.unwrap();

    let (project, id) = (held.project_id, held.id);
    let written = scene.store.deliveries.expire(project, id, 0, now()).await.unwrap();
    assert_eq!((written, stored(&scene, &held).await), (WriteOutcome::Conflict, cancelled));
}

#[tokio::test]
async fn another_invocation_continues_if_the_time_was_not_enough_but_only_ten_in_a_row() {
    let scene = Scene::new().await;
    for _ in 0..40 {
        held(&scene, DAY * 29).await;
    }
    for (after_runs, started) in [(0, vec![Task::Expire { after_runs: 1 }]), (9, vec![])] {
        let expired = scene.run_with_ticking_clock(Task::Expire { after_runs }).await.unwrap().expired;
        assert!((1..40).contains(&expired), "{expired}");
        assert_eq!(scene.started(), started);
    }
    assert_eq!(scene.run(EXPIRE, now()).await.1, []);
    assert_eq!(scene.started(), []);
}
