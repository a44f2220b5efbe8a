//! Discarding the held deliveries of an endpoint.

use std::time::Duration;

use domain::foundation::id::{DeliveryId, EndpointId, EventId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::EventType;
use domain::webhooks::health::HoldReason;
use serde_json::{Value, json};

use crate::client::Resource;
use crate::fixture::{TestApi, UNKNOWN_ID, now};

/// Stores held deliveries of events of the last minutes.
async fn hold(api: &TestApi, project: &Resource, endpoint: EndpointId, count: u64) {
    for number in 0..count {
        let at = now().minus(Duration::from_secs(number));
        let id = DeliveryId { event: EventId::new(at, &SystemRandom), endpoint };
        let delivery = Delivery::unattempted(project.id(), id, EventType::Aml, None).held(HoldReason::Paused);
        api.store.deliveries.record_held(&delivery, at).await.unwrap();
    }
}

async fn audit_entries(project: &Resource) -> Vec<Value> {
    project.list("/audit").await.into_iter().filter(|entry| entry["changes"][0]["field"] == "heldDeliveries").collect()
}

#[tokio::test]
async fn held_deliveries_are_cancelled_counted_and_audited_once() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let other = project.create_endpoint().await;
    hold(&api, &project, endpoint.id(), 5).await;
    hold(&api, &project, other.id(), 1).await;
    let customer = project.with_scopes(&["settings:write"]).await;
    let path = format!("/endpoints/{}/discard-held", endpoint.string("id"));

    assert_eq!(customer.post(&path, "{}").await.expect(200), json!({"discarded": 5, "done": true}));
    let listed = project.list("/deliveries?state=cancelled").await;
    assert_eq!(listed.len(), 5);
    assert!(listed.iter().all(|delivery| delivery["cancelledBecause"] == "discarded"));
    assert_eq!(project.list("/deliveries?state=held").await.len(), 1, "those of the other endpoint stay");

    let entries = audit_entries(&project).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["actor"]["type"], &entries[0]["resource"]["id"]),
        (&json!("api-key"), &endpoint.created["id"])
    );
    assert_eq!(entries[0]["changes"], json!([{"field": "heldDeliveries", "before": 5}]));

    assert_eq!(customer.post(&path, "").await.expect(200), json!({"discarded": 0, "done": true}));
    assert_eq!(audit_entries(&project).await.len(), 1, "a call that ends nothing is no change");
    let revert = project.post(&format!("/audit/{}/revert", entries[0]["number"]), "").await;
    assert_eq!(revert.problem(), (409, "not-revertible"));
}

#[tokio::test]
async fn many_held_deliveries_are_discarded_in_several_calls() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    hold(&api, &project, endpoint.id(), 2600).await;
    let path = format!("/endpoints/{}/discard-held", endpoint.string("id"));
    assert_eq!(project.post(&path, "{}").await.expect(200), json!({"discarded": 2500, "done": false}));
    assert_eq!(project.post(&path, "{}").await.expect(200), json!({"discarded": 100, "done": true}));
    let before: Vec<Value> =
        audit_entries(&project).await.iter().map(|entry| entry["changes"][0]["before"].clone()).collect();
    assert_eq!(before, [json!(100), json!(2500)]);
}

#[tokio::test]
async fn a_call_that_finds_unreadable_deliveries_is_not_done_and_the_next_one_skips_them() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    hold(&api, &project, endpoint.id(), 3).await;
    let (held, _) = api.store.deliveries.held_for(endpoint.id(), 1).await.unwrap();
    api.store.spoil_index_entry(project.id(), held[0].id).await;
    let path = format!("/endpoints/{}/discard-held", endpoint.string("id"));

    assert_eq!(project.post(&path, "{}").await.expect(200), json!({"discarded": 2, "done": false}));
    assert_eq!(project.post(&path, "{}").await.expect(200), json!({"discarded": 0, "done": true}));
    assert_eq!(audit_entries(&project).await.len(), 1);
    let (_, unreadable) = api.store.deliveries.held_for(endpoint.id(), 5).await.unwrap();
    assert_eq!(unreadable.len(), 1, "it is still held");
}

#[tokio::test]
async fn only_a_known_endpoint_without_further_fields_can_be_discarded() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    hold(&api, &project, endpoint.id(), 1).await;
    let path = format!("/endpoints/{}/discard-held", endpoint.string("id"));
    assert_eq!(project.post(&path, json!({"before": "2026-11-22T08:30:00Z"})).await.bad_fields(), ["/before"]);
    project.post(&format!("/endpoints/{UNKNOWN_ID}/discard-held"), "{}").await.expect(404);
    let other = api.create_project().await;
    other.post(&path, "{}").await.expect(404);
    project.with_scopes(&["deliveries:replay"]).await.post(&path, "{}").await.expect(403);
    assert_eq!(project.list("/deliveries?state=held").await.len(), 1);
}
