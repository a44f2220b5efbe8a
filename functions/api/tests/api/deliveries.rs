//! Lists of deliveries.

use std::time::Duration;

use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{Delivery, DeliveryState};
use domain::webhooks::event::EventType;
use domain::webhooks::health::HoldReason;
use serde_json::{Value, json};

use crate::client::{Client, Resource};
use crate::fixture::{TestApi, attempt, now};

/// Stores one delivery in each state. Returns them in the order of [`DeliveryState::ALL`].
async fn one_in_each_state(api: &TestApi, project: &Resource, endpoint: &Resource) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for (state, minutes) in DeliveryState::ALL.into_iter().zip(1..) {
        let at = now().minus(Duration::from_mins(minutes));
        let event = api.store_event(EventType::Aml, at, project.id(), &[endpoint.id()]).await;
        let queued = Delivery::queued(&event, endpoint.id());
        let failed = attempt(Some(FailureReason::Tls));
        let store = &api.store.deliveries;
        let delivery = match state {
            DeliveryState::Queued => queued,
            DeliveryState::Waiting => queued.after(failed, Some(Duration::from_hours(1))),
            DeliveryState::Held => queued.held(HoldReason::Paused),
            DeliveryState::Delivered => queued.after(attempt(None), None),
            DeliveryState::Failed => queued.after(failed, None),
            DeliveryState::Cancelled => queued.cancelled(now()),
            DeliveryState::Expired => queued.held(HoldReason::Paused).expired(now()),
        };
        match state {
            DeliveryState::Queued => {}
            DeliveryState::Held => drop(store.record_held(&delivery, now()).await.unwrap()),
            DeliveryState::Cancelled | DeliveryState::Expired => drop(store.record_closed(&delivery).await.unwrap()),
            _ => drop(store.record(&delivery, None).await.unwrap()),
        }
        deliveries.push(delivery);
    }
    deliveries
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_state_has_a_list_of_its_own() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let deliveries = one_in_each_state(&api, &project, &endpoint).await;
    for delivery in &deliveries {
        let state = delivery.state.as_str();
        let listed = project.list(&format!("/deliveries?state={state}")).await;
        assert_eq!(ids(&listed), [delivery.id.to_string()], "{state}");
        assert_eq!(listed[0]["state"], state);
        assert_eq!(project.get(&format!("/deliveries/{}", delivery.id)).await.expect(200), listed[0]);
    }
    let newest_first: Vec<String> = deliveries.iter().map(|delivery| delivery.id.to_string()).collect();
    assert_eq!(ids(&project.list_all("/deliveries?limit=3").await), newest_first);
}

#[tokio::test]
async fn a_delivery_shows_why_it_was_held_or_cancelled() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    one_in_each_state(&api, &project, &endpoint).await;
    let reasons = async |client: &Client, state: &str| {
        let item = client.list(&format!("/deliveries?state={state}")).await.remove(0);
        (item["heldBecause"].clone(), item["cancelledBecause"].clone())
    };
    for (state, held, cancelled) in [
        ("held", json!("paused"), Value::Null),
        ("expired", json!("paused"), Value::Null),
        ("cancelled", Value::Null, json!("endpoint-deleted")),
        ("failed", Value::Null, Value::Null),
    ] {
        assert_eq!(reasons(&project, state).await, (held, cancelled), "{state}");
    }
}

#[tokio::test]
async fn a_delivery_that_waits_for_an_earlier_one_is_listed_as_held() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let event = api.store_event(EventType::Aml, now(), project.id(), &[endpoint.id()]).await;
    let held = Delivery::queued(&event, endpoint.id()).held_for_order(now());
    api.store.deliveries.record_held_for_order(&held, now()).await.unwrap();
    let listed = project.list("/deliveries?state=held").await;
    assert_eq!((ids(&listed), &listed[0]["state"]), (vec![held.id.to_string().as_str()], &json!("held")));
    assert_eq!((&listed[0]["heldBecause"], listed[0].get("nextAttemptAt")), (&json!("order"), None));
    assert!(project.list("/deliveries?state=waiting").await.is_empty());
    assert_eq!(endpoint.get("").await.body["heldDeliveries"], 0);
}

#[tokio::test]
async fn a_list_with_a_range_of_time_reads_no_other_events() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    for minutes in 0..120 {
        api.store_event(EventType::Aml, now().minus(Duration::from_mins(minutes)), project.id(), &[endpoint.id()])
            .await;
    }
    let range = "from=2026-11-22T06:40:30Z&to=2026-11-22T06:43:00Z";
    for (list, reads) in [("events", 1), ("deliveries", 2)] {
        let before = api.queue.database_calls();
        assert_eq!(project.list(&format!("/{list}?{range}")).await.len(), 3);
        // The project is read too.
        assert_eq!(api.queue.database_calls() - before, 1 + reads, "{list}");
    }
}

#[tokio::test]
async fn a_list_without_a_match_reads_the_days_of_the_retention_in_one_call() {
    let (_api, project, _endpoint) = TestApi::with_endpoint().await;
    assert_eq!(project.get("/deliveries?state=failed").await.expect(200), json!({"items": []}));
}
