//! Deliveries whose next attempt is due.

use std::time::Duration;

use aws::queue::testing::Verdict;
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{Delivery, DeliveryHoldReason, DeliveryState, SWEEP_GRACE, SendMessage};

use crate::scene::{Scene, now};

const MINUTE: Duration = Duration::from_mins(1);

fn endpoint() -> EndpointId {
    EndpointId::new(now(), &SystemRandom)
}

#[tokio::test]
async fn an_overdue_delivery_is_queued_once_and_again_after_the_grace_period_if_no_attempt_was_recorded() {
    let scene = Scene::new().await;
    let event = scene.event(MINUTE * 10, &[]).await;
    let overdue = scene.attempted(&event, endpoint(), Some(FailureReason::Status), Some(MINUTE * 5)).await;
    let expected = [(SendMessage::Attempt(overdue.next_task()), Duration::ZERO)];

    let (summary, sent) = scene.sweep(now()).await;
    assert_eq!((summary.queued, sent.as_slice()), (1, expected.as_slice()));
    assert_eq!(scene.sweep(now().plus(MINUTE)).await.1, []);
    assert_eq!(scene.sweep(now().plus(SWEEP_GRACE)).await.1, expected);
}

#[tokio::test]
async fn a_delivery_due_before_the_next_run_is_queued_with_its_delay_and_a_later_one_is_not_queued() {
    let scene = Scene::new().await;
    let soon = scene.event(MINUTE * 10, &[]).await;
    let later = scene.event(MINUTE * 10, &[]).await;
    let in_half_a_minute = MINUTE * 10 + Duration::from_secs(30);
    let soon = scene.attempted(&soon, endpoint(), Some(FailureReason::Tls), Some(in_half_a_minute)).await;
    scene.attempted(&later, endpoint(), Some(FailureReason::Tls), Some(MINUTE * 12)).await;

    let (_, sent) = scene.sweep(now()).await;

    assert_eq!(sent, [(SendMessage::Attempt(soon.next_task()), Duration::from_secs(30))]);
}

#[tokio::test]
async fn a_run_reports_the_age_of_the_most_overdue_delivery() {
    let scene = Scene::new().await;
    for due in [MINUTE * 5, MINUTE * 8, MINUTE * 10 + Duration::from_secs(30)] {
        let event = scene.event(MINUTE * 10, &[]).await;
        scene.attempted(&event, endpoint(), Some(FailureReason::Status), Some(due)).await;
    }
    assert_eq!(scene.sweep(now()).await.0.lag_seconds, 5 * 60);
    assert_eq!(scene.sweep(now().plus(MINUTE)).await.0.lag_seconds, 0);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_claimed_does_not_stop_the_others() {
    let scene = Scene::new().await;
    let receiver = scene.endpoint().await;
    // All three are in one batch.
    scene.backlog(&receiver, 3).await;
    scene.queue.catch("SET sweepAt").end(Verdict::Refuse);

    assert!(scene.try_sweep(now()).await.is_err());
    assert_eq!(scene.queue.take().len(), 2);
}

#[tokio::test]
async fn a_delivery_that_ended_is_not_queued() {
    let scene = Scene::new().await;
    let event = scene.event(MINUTE * 10, &[]).await;
    scene.attempted(&event, endpoint(), None, None).await;
    scene.attempted(&event, endpoint(), Some(FailureReason::Dns), None).await;
    assert_eq!(scene.sweep(now()).await.1, []);
}

#[tokio::test]
async fn a_delivery_that_waits_for_an_earlier_one_is_queued_every_few_minutes_and_expires() {
    let scene = Scene::new().await;
    let receiver = scene.endpoint().await;
    let event = scene.event_of_submission("sub-1", MINUTE, &[receiver.id]).await;
    let held = Delivery::queued(&event, receiver.id).held_for_order(now());
    scene.store.deliveries.record_held_for_order(&held, now()).await.unwrap();
    let expected = [(SendMessage::Attempt(held.next_task()), Duration::ZERO)];

    assert_eq!(scene.sweep(now().plus(MINUTE * 3)).await.1, []);
    assert_eq!(scene.sweep(now().plus(SWEEP_GRACE)).await.1, expected);
    assert_eq!(scene.sweep(now().plus(SWEEP_GRACE + MINUTE * 3)).await.1, []);
    assert_eq!(scene.sweep(now().plus(SWEEP_GRACE * 2)).await.1, expected);

    let (summary, sent) = scene.sweep(now().plus(Duration::from_hours(29 * 24))).await;
    assert_eq!((summary.expired, sent), (1, vec![]));
    let expired = scene.store.deliveries.recorded_now(scene.project, held.id).await.unwrap().unwrap();
    assert_eq!((expired.state, expired.hold_reason), (DeliveryState::Expired, Some(DeliveryHoldReason::Order)));
}
