//! Messages for deliveries whose event is no longer stored.

use std::time::Duration;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, DeliveryState};
use domain::webhooks::event::Event;

use crate::scene::{Scene, json};

/// Stores a delivery that waits for its second attempt. Its event was accepted `days` ago.
async fn waiting(scene: &Scene, days: u64) -> (Event, Delivery) {
    let accepted_at = SystemClock.now().minus(Duration::from_hours(24 * days));
    let event = Event { id: EventId::new(accepted_at, &SystemRandom), ..scene.event() };
    let (reason, phases) = (Some(FailureReason::Refused), Phases::default());
    let first = Attempt { number: 1, at: accepted_at, duration_ms: 1, phases, status: None, reason, response: None };
    let waiting = Delivery::queued(&event, scene.endpoint.id).after(first, Some(Duration::ZERO));
    scene.store.deliveries.record(&waiting, waiting.next_attempt_at).await.unwrap();
    (event, waiting)
}

#[tokio::test]
async fn a_delivery_whose_event_was_deleted_ends_as_expired() {
    let scene = Scene::with_receiver_responding(200).await;
    // The retention is 30 days. It may have been shorter when the second event was accepted.
    for days in [31, 10] {
        let (event, delivery) = waiting(&scene, days).await;
        scene.send_all(&[json(&delivery.next_task())]).await;
        let stored = scene.stored_delivery(&event).await.unwrap();
        assert_eq!((stored.state, stored.closed_at.is_some()), (DeliveryState::Expired, true), "after {days} days");
    }
    assert_eq!(scene.request_count(), 0);
}

#[tokio::test]
async fn a_delivery_whose_event_is_being_erased_is_left_to_the_erasure() {
    let scene = Scene::with_receiver_responding(200).await;
    let (event, delivery) = waiting(&scene, 1).await;
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    scene.store.begin_erasure(event.project_id, event.id).await;
    scene.send_all(&[json(&delivery.next_task())]).await;
    assert_eq!(scene.stored_delivery(&event).await, Some(delivery));
}
