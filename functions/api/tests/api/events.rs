//! Publishing events one by one or in batches, and reading them back.

use std::time::Duration;

use domain::webhooks::delivery::SendMessage;
use serde_json::{Value, json};

use crate::fixture::TestApi;

fn ids(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The sorted ids of the deliveries whose first attempts are in the queue.
fn queued_deliveries(api: &TestApi) -> Vec<String> {
    let messages = api.queue.take().into_iter();
    let delivery = |(message, _)| match message {
        SendMessage::Attempt(task) => task.delivery_id.to_string(),
        other => panic!("{other:?} is not an attempt task"),
    };
    let mut deliveries: Vec<String> = messages.map(delivery).collect();
    deliveries.sort();
    deliveries
}

fn batch(size: usize) -> Value {
    let event = |number| json!({"type": "aml", "submissionId": format!("sub_{number}"), "data": {"number": number}});
    json!({"events": (0..size).map(event).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_is_queued_for_every_matching_endpoint() {
    let (api, project) = TestApi::with_project().await;
    for endpoint in [
        json!({"url": "https://all.example.com/"}),
        json!({"url": "https://aml.example.com/", "eventTypes": ["aml"]}),
        json!({"url": "https://token.example.com/", "eventTypes": ["token"]}),
    ] {
        project.create("/endpoints", endpoint).await;
    }

    let published = project.post("/events/batch", batch(100)).await.expect(202);
    let items = published["items"].as_array().unwrap();
    let mut expected: Vec<&str> = items.iter().flat_map(|item| ids(&item["deliveries"])).collect();
    expected.sort_unstable();
    assert_eq!((items.len(), expected.len()), (100, 200));
    assert_eq!(queued_deliveries(&api), expected);
    let seventh = project.get(&format!("/events/{}", ids(&published["items"])[7])).await.expect(200);
    assert_eq!((&seventh["submissionId"], &seventh["data"]), (&json!("sub_7"), &json!({"number": 7})));
}

#[tokio::test]
async fn a_batch_with_one_bad_event_publishes_nothing() {
    let (_api, project) = TestApi::with_project().await;
    let mut bad = batch(2);
    bad["events"][1]["type"] = json!("created");
    assert_eq!(project.post("/events/batch", bad).await.bad_fields(), ["/events/1/type"]);
    assert_eq!(project.get("/events").await.body, json!({"items": []}));
}

#[tokio::test]
async fn a_batch_that_is_repeated_with_its_idempotency_key_is_published_once() {
    let (_api, project) = TestApi::with_project().await;
    let once = project.with_idempotency_key("nightly-7");
    let publish = async || once.post("/events/batch", batch(3)).await.expect(202);
    assert_eq!(publish().await, publish().await);
    assert_eq!(project.list("/events").await.len(), 3);
}

#[tokio::test]
async fn events_are_listed_newest_first_by_type_submission_and_time_without_their_data() {
    let (api, project) = TestApi::with_project().await;
    let mut published = Vec::new();
    for number in 0..6 {
        let (event_type, submission) = (["aml", "token"][number % 2], ["sub_1", "sub_2", "sub_3"][number % 3]);
        let event = json!({"type": event_type, "submissionId": submission, "data": {"name": "Hong Gildong"}});
        published.push(project.post("/events", event).await.expect(202)["id"].clone());
        api.clock.advance(Duration::from_millis(1));
    }
    for (query, expected) in [
        ("", vec![5, 4, 3, 2, 1, 0]),
        ("type=token&", vec![5, 3, 1]),
        ("submissionId=sub_1&", vec![3, 0]),
        ("submissionId=sub_1&type=aml&", vec![0]),
        ("submissionId=sub_9&", vec![]),
        ("to=2026-01-01T00:00:00Z&", vec![]),
        ("from=2026-01-01T00:00:00Z&type=aml&", vec![4, 2, 0]),
    ] {
        let listed = project.list_all(&format!("/events?{query}limit=2")).await;
        assert!(!json!(listed).to_string().contains("Gildong"), "lists contain no data");
        let listed: Vec<&Value> = listed.iter().map(|event| &event["id"]).collect();
        let expected: Vec<&Value> = expected.into_iter().map(|number: usize| &published[number]).collect();
        assert_eq!(listed, expected, "{query}");
    }
}

#[tokio::test]
async fn an_erased_event_is_shown_without_its_data() {
    let (_api, project) = TestApi::with_project().await;
    let event = json!({"type": "approved", "submissionId": "sub_1", "data": {"name": "Kim"}});
    let published = project.post("/events", event).await.expect(202);
    project.post("/erasures", json!({"submissionId": "sub_1"})).await.expect(200);

    let shown = project.get(&format!("/events/{}", published["id"].as_str().unwrap())).await.expect(200);
    assert!(shown["erasedAt"].is_string() && shown.get("data").is_none(), "{shown}");
    project.get("/events/nothing").await.expect(404);
}
