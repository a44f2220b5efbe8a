//! Rows that this version cannot read.

use std::time::Duration;

use aws::store::DueSelection;
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::health::HoldReason;
use webhook_retry::Task;

use crate::scene::{Scene, now};

const SHARD: u8 = 3;

#[tokio::test]
async fn unreadable_rows_in_front_of_a_shard_do_not_stop_it_and_come_again_in_an_hour() {
    let scene = Scene::new().await;
    for _ in 0..3 {
        let spoiled = scene.overdue(scene.project, SHARD, Duration::from_mins(9)).await;
        scene.store.spoil_index_entry(spoiled.project_id, spoiled.id).await;
    }
    let intact = scene.overdue(scene.project, SHARD, Duration::from_mins(1)).await;

    let (summary, sent) = scene.sweep(now()).await;
    assert_eq!((summary.queued, sent[0].0.delivery_id()), (1, Some(intact.id)));
    let unreadable = async |at| {
        let page = scene.store.sweep.due_in_shard(SHARD, at, None, DueSelection::ALL).await.unwrap();
        page.unreadable.len()
    };
    assert_eq!(unreadable(now().plus(Duration::from_mins(59))).await, 0);
    assert_eq!(unreadable(now().plus(Duration::from_hours(1))).await, 3);
}

#[tokio::test]
async fn an_endpoint_whose_health_cannot_be_read_is_checked_again_in_an_hour() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await;
    let stored = scene.store.health.get_now(scene.project, endpoint.id).await.unwrap();
    scene.store.health.put(&stored.next(stored.health.clone(), Some(now()))).await.unwrap();
    scene.store.spoil_health(&endpoint).await;

    scene.sweep(now()).await;
    let shard = crate::scene::shard(endpoint.id.as_bytes());
    let due = async |at| scene.store.sweep.due_in_shard(shard, at, None, DueSelection::ALL).await.unwrap().due.len();
    assert_eq!(
        (due(now().plus(Duration::from_mins(59))).await, due(now().plus(Duration::from_hours(1))).await),
        (0, 1)
    );
}

#[tokio::test]
async fn an_unreadable_held_delivery_does_not_stop_the_search_for_expired_ones() {
    let scene = Scene::new().await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let event = scene.event(Duration::from_hours(24 * 29), &[]).await;
        let delivery = Delivery::queued(&event, EndpointId::new(now(), &SystemRandom)).held(HoldReason::Disabled);
        scene.store.deliveries.record_held(&delivery, now()).await.unwrap();
        held.push(delivery);
    }
    scene.store.spoil_index_entry(held[0].project_id, held[0].id).await;
    assert_eq!(scene.run(Task::Expire { after_runs: 0 }, now()).await.0.expired, 1);
}
