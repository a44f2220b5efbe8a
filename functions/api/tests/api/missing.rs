//! Starting replays of earlier events to an endpoint that has no delivery of them.

use std::time::Duration;

use domain::webhooks::event::EventType;
use serde_json::{Value, json};

use crate::client::Resource;
use crate::fixture::{NOW, TestApi, now};

/// A request for the events of the last day that an endpoint misses, with more fields.
fn request(endpoint: &Resource, more: &Value) -> Value {
    let mut body = json!({
        "scope": "missing", "endpointId": endpoint.created["id"], "from": "2026-11-21T08:30:00Z", "to": NOW,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_dry_run_counts_the_events_that_an_endpoint_misses() {
    let (api, project, known) = TestApi::with_endpoint().await;
    for (minutes, event_type) in
        [(60, EventType::Aml), (50, EventType::Aml), (40, EventType::Submit), (60 * 25, EventType::Aml)]
    {
        let at = now().minus(Duration::from_mins(minutes));
        api.store_event(event_type, at, project.id(), &[known.id()]).await;
    }
    let all = project.create_endpoint().await;
    let some = json!({"url": "https://aml.example.com/", "eventTypes": ["aml", "aml-ongoing"]});
    let some = project.create("/endpoints", some).await;
    for (endpoint, more, expected) in [
        (&all, json!({"dryRun": true}), 3),
        (&all, json!({"dryRun": true, "type": "aml"}), 2),
        (&some, json!({"dryRun": true}), 2),
        (&known, json!({"dryRun": true}), 0),
    ] {
        let counted = project.post("/replays", request(endpoint, &more)).await.expect(200);
        assert_eq!(counted, json!({"matching": expected}), "{more}");
    }
    assert_eq!(project.get("/replays").await.expect(200), json!({"items": []}));
}

#[tokio::test]
async fn a_replay_of_missing_deliveries_is_shown_without_a_state() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let started = project.post("/replays", request(&endpoint, &json!({"ratePerMinute": 60}))).await.expect(202);
    let filter = json!({
        "scope": "missing", "endpointId": endpoint.created["id"], "from": "2026-11-21T08:30:00.000Z", "to": NOW,
    });
    assert_eq!(
        (&started["filter"], &started["state"], &started["ratePerMinute"]),
        (&filter, &json!("running"), &json!(60))
    );
    assert_eq!(project.list("/replays").await, std::slice::from_ref(&started));
    let id = started["id"].as_str().unwrap();
    assert_eq!(project.post(&format!("/replays/{id}/cancel"), "").await.expect(200)["state"], "cancelled");
    assert_eq!(project.post(&format!("/replays/{id}/resume"), "").await.expect(200)["state"], "running");
}

#[tokio::test]
async fn a_replay_of_missing_deliveries_with_bad_fields_is_rejected() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let aml = json!({"url": "https://aml.example.com/", "eventTypes": ["aml"]});
    let aml = project.create("/endpoints", aml).await;
    for (body, pointers) in [
        (request(&endpoint, &json!({"state": "failed"})), ["/state"]),
        (request(&endpoint, &json!({"endpointId": null})), ["/endpointId"]),
        (request(&endpoint, &json!({"endpointId": "019ab5e0-0000-7000-8000-000000000000"})), ["/endpointId"]),
        (request(&endpoint, &json!({"scope": "all"})), ["/scope"]),
        // A delivery of an event that is deleted within a day would expire at once.
        (request(&endpoint, &json!({"from": "2026-10-24T08:29:59.999Z"})), ["/from"]),
        (request(&aml, &json!({"type": "submit"})), ["/type"]),
    ] {
        assert_eq!(project.post("/replays", &body).await.bad_fields(), pointers, "{body}");
    }
}
