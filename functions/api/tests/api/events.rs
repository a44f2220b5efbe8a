//! Publishing events one by one or in batches, and reading them back.

use std::time::{Duration, Instant};

use domain::webhooks::delivery::SendMessage;
use serde_json::{Value, json};

use crate::fixture::{Options, TestApi};

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
async fn a_repeated_batch_keeps_the_endpoints_of_the_first_call() {
    let (api, project) = TestApi::with_project().await;
    project.create_endpoint().await;
    let once = project.with_idempotency_key("nightly-8");
    let published = once.post("/events/batch", batch(30)).await.expect(202);
    let first = queued_deliveries(&api);
    project.create_endpoint().await;
    assert_eq!(once.post("/events/batch", batch(30)).await.expect(202), published);
    assert_eq!((first.len(), queued_deliveries(&api).len()), (30, 0));
}

/// How long subscriptions are cached in the tests of the cache.
const SUBSCRIPTION_AGE: Duration = Duration::from_millis(200);

fn with_cache() -> Options {
    Options { subscription_age: SUBSCRIPTION_AGE, ..Options::default() }
}

#[tokio::test]
async fn the_endpoints_are_read_once_for_the_events_of_a_second() {
    let api = TestApi::start_with(&with_cache()).await;
    let project = api.create_project().await;
    let event = json!({"type": "aml", "data": {}});
    let mut calls = Vec::new();
    for _ in 0..2 {
        for _ in 0..3 {
            let before = api.queue.database_calls();
            project.post("/events", &event).await.expect(202);
            calls.push(api.queue.database_calls() - before);
        }
        api.clock.advance(SUBSCRIPTION_AGE);
    }
    // Endpoints and event, then only the event.
    assert_eq!(calls, [2, 1, 1, 2, 1, 1]);
}

#[tokio::test]
async fn an_event_published_after_the_response_to_a_change_of_endpoints_sees_the_change() {
    let api = TestApi::start_with(&with_cache()).await;
    let project = api.create_project().await;
    // Two instances of the function. One changes settings, the other has cached the state before.
    let (publisher, api) = (project.at(""), api.restart_with(&with_cache()));
    let settings = api.at(&project.path);
    let receivers = async || {
        let accepted = publisher.post("/events", json!({"type": "aml", "data": {}})).await.expect(202);
        accepted["deliveries"].as_array().unwrap().len()
    };
    assert_eq!(receivers().await, 0);
    let endpoint = {
        let started = Instant::now();
        let endpoint = settings.create_endpoint().await;
        api.clock.advance(started.elapsed());
        endpoint
    };
    assert_eq!(receivers().await, 1);
    for (event_types, expected) in [(json!(["submit"]), 0), (json!(["submit", "aml"]), 1)] {
        let started = Instant::now();
        endpoint.patch("", json!({"eventTypes": event_types})).await.expect(200);
        api.clock.advance(started.elapsed());
        assert_eq!(receivers().await, expected);
    }
    let started = Instant::now();
    endpoint.delete("").await.expect(204);
    api.clock.advance(started.elapsed());
    assert_eq!(receivers().await, 0);
    let started = Instant::now();
    settings.delete("").await.expect(204);
    api.clock.advance(started.elapsed());
    publisher.post("/events", json!({"type": "aml", "data": {}})).await.expect(404);
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
