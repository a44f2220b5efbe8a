//! Publishing one event or many, and reading them back.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::delivery::SendMessage;

use crate::scene::Scene;

fn ids(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The deliveries whose first attempts were queued.
fn queued(scene: &Scene) -> Vec<String> {
    let messages = scene.queue.take().into_iter();
    let delivery = |(message, _)| match message {
        SendMessage::Attempt(nudge) => nudge.delivery_id.to_string(),
        other => panic!("{other:?} is no first attempt"),
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
async fn a_batch_is_published_in_its_order_to_every_endpoint_that_wants_it() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    scene.endpoint(&project, json!({"url": "https://all.example.com/"})).await;
    scene.endpoint(&project, json!({"url": "https://aml.example.com/", "eventTypes": ["aml"]})).await;
    scene.endpoint(&project, json!({"url": "https://token.example.com/", "eventTypes": ["token"]})).await;
    let path = format!("/v1/projects/{project}/events");

    let published = scene.operator("POST", &format!("{path}/batch"), &batch(100)).await;
    assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.body);
    let items = published.body["items"].as_array().unwrap();
    let deliveries = items.iter().flat_map(|item| item["deliveries"].as_array().unwrap());
    let mut expected: Vec<&str> = deliveries.map(|delivery| delivery["id"].as_str().unwrap()).collect();
    expected.sort_unstable();
    assert_eq!((items.len(), expected.len()), (100, 200));
    assert_eq!(queued(&scene), expected);
    let seventh = scene.operator("GET", &format!("{path}/{}", ids(&published.body)[7]), &Value::Null).await.body;
    assert_eq!((&seventh["submissionId"], &seventh["data"]), (&json!("sub_7"), &json!({"number": 7})));
}

#[tokio::test]
async fn of_a_batch_with_a_bad_event_nothing_is_published() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let path = format!("/v1/projects/{project}/events");
    let mut wishes = batch(2);
    wishes["events"][1]["type"] = json!("created");
    let refused = scene.operator("POST", &format!("{path}/batch"), &wishes).await;
    assert_eq!((refused.status, refused.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/events/1/type"]));
    assert_eq!(scene.operator("GET", &path, &Value::Null).await.body, json!({"items": []}));
}

#[tokio::test]
async fn a_batch_that_is_repeated_with_its_key_is_published_once() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let (path, once) = (format!("/v1/projects/{project}/events"), [("idempotency-key", "nightly-7")]);
    let (batches, three) = (format!("{path}/batch"), batch(3));
    let publish = || scene.operator_with("POST", &batches, &once, &three);
    let (first, second) = (publish().await, publish().await);
    assert_eq!((first.status, &first.body), (StatusCode::ACCEPTED, &second.body));
    assert_eq!(ids(&scene.operator("GET", &path, &Value::Null).await.body).len(), 3);
}

#[tokio::test]
async fn events_are_listed_by_type_submission_and_time_page_by_page() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let path = format!("/v1/projects/{project}/events");
    let mut published = Vec::new();
    for number in 0..6 {
        let (event_type, submission) = (["aml", "token"][number % 2], ["sub_1", "sub_2", "sub_3"][number % 3]);
        let event = json!({"type": event_type, "submissionId": submission, "data": {"secret": "of a person"}});
        published.push(scene.operator("POST", &path, &event).await.body["id"].as_str().unwrap().to_owned());
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
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = scene.operator("GET", &format!("{path}?{query}limit=2{cursor}"), &Value::Null).await.body;
            assert!(!page.to_string().contains("of a person"), "lists show no data");
            listed.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(next) = page["cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut expected: Vec<&str> = expected.into_iter().map(|number: usize| published[number].as_str()).collect();
        // Two events of one millisecond come in the order of chance.
        expected.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(listed, expected, "{query}");
    }
}

#[tokio::test]
async fn an_erased_event_is_shown_without_what_it_said() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let path = format!("/v1/projects/{project}");
    let event = json!({"type": "approved", "submissionId": "sub_1", "data": {"name": "Kim"}});
    let published = scene.operator("POST", &format!("{path}/events"), &event).await.body;
    scene.operator("POST", &format!("{path}/submissions/sub_1/erase"), &json!({})).await;

    let event = format!("{path}/events/{}", published["id"].as_str().unwrap());
    let shown = scene.operator("GET", &event, &Value::Null).await.body;
    assert!(shown["erasedAt"].is_string() && shown.get("data").is_none(), "{shown}");
    assert_eq!(
        scene.operator("GET", &format!("{path}/events/nothing"), &Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
}
