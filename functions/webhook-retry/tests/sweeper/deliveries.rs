//! Deliveries whose next attempt is due.

use std::time::Duration;

use shared::aws::queue::testing::Verdict;
use shared::delivery::{FailureReason, SECOND_LOOK, SendMessage};
use shared::id::EndpointId;
use shared::random::SystemRandom;

use crate::scene::{Scene, now};

const MINUTE: Duration = Duration::from_mins(1);

fn endpoint() -> EndpointId {
    EndpointId::new(now(), &SystemRandom)
}

#[tokio::test]
async fn what_is_overdue_is_queued_once_and_again_if_nothing_comes_of_it() {
    let scene = Scene::new().await;
    let event = scene.event(MINUTE * 10, &[]).await;
    let overdue = scene.attempted(&event, endpoint(), Some(FailureReason::Status), Some(MINUTE * 5)).await;
    let expected = [(SendMessage::Attempt(overdue.next_nudge()), Duration::ZERO)];

    let (swept, sent) = scene.sweep(now()).await;
    assert_eq!((swept.queued, sent.as_slice()), (1, expected.as_slice()));
    assert_eq!(scene.sweep(now().plus(MINUTE)).await.1, []);
    assert_eq!(scene.sweep(now().plus(SECOND_LOOK)).await.1, expected);
}

#[tokio::test]
async fn what_is_due_before_the_next_run_is_queued_with_its_delay_and_the_rest_left() {
    let scene = Scene::new().await;
    let soon = scene.event(MINUTE * 10, &[]).await;
    let later = scene.event(MINUTE * 10, &[]).await;
    let in_half_a_minute = MINUTE * 10 + Duration::from_secs(30);
    let soon = scene.attempted(&soon, endpoint(), Some(FailureReason::Tls), Some(in_half_a_minute)).await;
    scene.attempted(&later, endpoint(), Some(FailureReason::Tls), Some(MINUTE * 12)).await;

    let (_, sent) = scene.sweep(now()).await;

    assert_eq!(sent, [(SendMessage::Attempt(soon.next_nudge()), Duration::from_secs(30))]);
}

#[tokio::test]
async fn a_run_tells_how_long_what_it_found_had_been_due_at_most() {
    let scene = Scene::new().await;
    for due in [MINUTE * 5, MINUTE * 8, MINUTE * 10 + Duration::from_secs(30)] {
        let event = scene.event(MINUTE * 10, &[]).await;
        scene.attempted(&event, endpoint(), Some(FailureReason::Status), Some(due)).await;
    }
    assert_eq!(scene.sweep(now()).await.0.lag_seconds, 5 * 60);
    assert_eq!(scene.sweep(now().plus(MINUTE)).await.0.lag_seconds, 0);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_claimed_keeps_no_other_from_being_sent() {
    let scene = Scene::new().await;
    let receiver = scene.endpoint().await;
    // All in one batch.
    scene.backlog(&receiver, 3).await;
    scene.queue.catch("SET sweepAt").end(Verdict::Refuse);

    assert!(scene.try_sweep(now()).await.is_err());
    assert_eq!(scene.queue.take().len(), 2);
}

#[tokio::test]
async fn what_is_over_is_left_alone() {
    let scene = Scene::new().await;
    let event = scene.event(MINUTE * 10, &[]).await;
    scene.attempted(&event, endpoint(), None, None).await;
    scene.attempted(&event, endpoint(), Some(FailureReason::Dns), None).await;
    assert_eq!(scene.sweep(now()).await.1, []);
}
