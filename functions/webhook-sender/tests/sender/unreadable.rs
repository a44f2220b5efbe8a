//! Rows that cannot be read fail only their own messages.

use std::time::Duration;

use aws::store::{Due, DueSelection, SHARDS};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{AttemptTask, Delivery, DeliveryState};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::event::Event;
use domain::webhooks::health::HoldReason;

use crate::scene::{Scene, json};

/// Stores a delivery that waits for its second attempt, which is due now.
async fn waiting(scene: &Scene, event: &Event) -> Delivery {
    scene.store.events.put(event, &[scene.endpoint.id]).await.unwrap();
    let (reason, phases, at) = (Some(FailureReason::Refused), Phases::default(), SystemClock.now());
    let first = Attempt { number: 1, at, duration_ms: 1, phases, status: None, reason, response: None };
    let waiting = Delivery::queued(event, scene.endpoint.id).after(first, Some(Duration::ZERO));
    scene.store.deliveries.record(&waiting, waiting.next_attempt_at).await.unwrap();
    waiting
}

/// Adds an endpoint of the same project with the same receiver.
async fn add_endpoint(scene: &Scene) -> Endpoint {
    let endpoint = Endpoint { id: EndpointId::new(SystemClock.now(), &SystemRandom), ..scene.endpoint.clone() };
    scene.store.endpoints.put(&endpoint).await.unwrap();
    endpoint
}

/// The deliveries that the sweep finds within `ahead`.
async fn due(scene: &Scene, ahead: Duration) -> usize {
    let mut count = 0;
    for shard in 0..SHARDS {
        let until = SystemClock.now().plus(ahead);
        let page = scene.store.sweep.due_in_shard(shard, until, None, DueSelection::ALL).await.unwrap();
        count += page.due.iter().filter(|due| matches!(due, Due::Delivery(_))).count();
    }
    count
}

#[tokio::test]
async fn an_unreadable_delivery_is_set_aside_and_the_others_of_its_batch_are_sent() {
    let scene = Scene::with_receiver_responding(200).await;
    let (spoiled, intact) = (scene.event(), scene.event());
    let (spoiled, intact) = (waiting(&scene, &spoiled).await, waiting(&scene, &intact).await);
    scene.store.spoil_delivery(spoiled.project_id, spoiled.id).await;
    let message = json(&spoiled.next_task());

    scene.send_all(&[message.clone(), json(&intact.next_task())]).await;

    let sent = scene.store.deliveries.recorded_now(intact.project_id, intact.id).await.unwrap();
    assert_eq!((sent.unwrap().state, scene.request_count()), (DeliveryState::Delivered, 1));
    assert_eq!([due(&scene, Duration::from_mins(59)).await, due(&scene, Duration::from_mins(61)).await], [0, 1]);

    let now = SystemClock.now();
    let is_first = scene.store.deliveries.set_aside(spoiled.project_id, spoiled.id, now).await.unwrap();
    assert!(!is_first, "it is counted once");
    scene.send_all(&[message]).await;
    assert_eq!(scene.request_count(), 1);
}

#[tokio::test]
async fn an_unreadable_endpoint_or_health_does_not_affect_the_other_messages() {
    let scene = Scene::with_receiver_responding(200).await;
    let (spoiled, sick) = (add_endpoint(&scene).await, add_endpoint(&scene).await);
    scene.store.spoil_endpoint(&spoiled).await;
    scene.store.spoil_health(&sick).await;
    let event = scene.event();
    let tasks = AttemptTask::first(&event, &[spoiled.id, sick.id, scene.endpoint.id]);

    assert_eq!(scene.send(&tasks.iter().map(json).collect::<Vec<_>>()).await, [0, 1]);

    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
    assert_eq!(scene.request_count(), 1);
}

#[tokio::test]
async fn an_unreadable_endpoint_leaves_waiting_deliveries_to_the_sweep_and_keeps_held_ones_with_their_message() {
    let scene = Scene::with_receiver_responding(200).await;
    let (waiting_event, held_event) = (scene.event(), scene.event());
    let waiting = waiting(&scene, &waiting_event).await;
    scene.store.events.put(&held_event, &[scene.endpoint.id]).await.unwrap();
    let held = Delivery::queued(&held_event, scene.endpoint.id).held(HoldReason::Paused);
    scene.store.deliveries.record_held(&held, SystemClock.now()).await.unwrap();
    scene.store.spoil_endpoint(&scene.endpoint).await;

    let messages = [json(&waiting.next_task()), json(&held.next_task())];
    assert_eq!(scene.send(&messages).await, [1]);
}
