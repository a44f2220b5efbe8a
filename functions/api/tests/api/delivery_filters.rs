//! Lists of deliveries by submission and event type.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::TestApi;

/// The event and the endpoint of each delivery.
fn ids(deliveries: &[Value]) -> Vec<(Value, Value)> {
    deliveries.iter().map(|delivery| (delivery["eventId"].clone(), delivery["endpointId"].clone())).collect()
}

#[tokio::test]
async fn deliveries_are_listed_by_submission_and_type_page_by_page_newest_first() {
    let (api, project) = TestApi::with_project().await;
    for _ in 0..3 {
        project.create_endpoint().await;
    }
    for (event_type, submission) in [("aml", "sub_1"), ("token", "sub_1"), ("aml", "sub_2"), ("aml", "sub_1")] {
        let event = json!({"type": event_type, "submissionId": submission, "data": {}});
        project.post("/events", event).await.expect(202);
        api.clock.advance(Duration::from_millis(1));
    }
    let whole = project.list("/deliveries?limit=100").await;
    assert_eq!(whole.len(), 12);
    for (query, event_type, submission) in [
        ("type=aml", Some("aml"), None),
        ("submissionId=sub_1", None, Some("sub_1")),
        ("submissionId=sub_1&type=token", Some("token"), Some("sub_1")),
        ("submissionId=sub_1&state=queued", None, Some("sub_1")),
        ("submissionId=sub_9", None, Some("sub_9")),
    ] {
        let is_wanted = |delivery: &&Value| {
            event_type.is_none_or(|wanted| delivery["type"] == wanted)
                && submission.is_none_or(|wanted| delivery["submissionId"] == wanted)
        };
        let expected: Vec<Value> = whole.iter().filter(is_wanted).cloned().collect();
        for limit in [1, 2, 100] {
            let listed = project.list_all(&format!("/deliveries?{query}&limit={limit}")).await;
            assert_eq!(ids(&listed), ids(&expected), "{query} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_filter_by_submission_is_combined_with_all_others() {
    let (api, project, endpoint) = TestApi::with_endpoint().await;
    let other = project.create_endpoint().await;
    let mut events = Vec::new();
    for _ in 0..2 {
        let event = json!({"type": "aml", "submissionId": "sub_1", "data": {}});
        events.push(project.post("/events", event).await.expect(202)["id"].as_str().unwrap().to_owned());
        api.clock.advance(Duration::from_hours(24));
    }
    let list = async |query: &str| project.list(&format!("/deliveries?submissionId=sub_1&{query}")).await;
    assert_eq!(list("").await.len(), 4);
    for (query, expected) in [
        (format!("endpoint={}", endpoint.string("id")), 2),
        (format!("endpoint={}&to=2026-11-22T23:59:59Z", other.string("id")), 1),
        ("from=2026-11-23T00:00:00Z".to_owned(), 2),
        ("state=delivered".to_owned(), 0),
        (format!("event={}", events[0]), 2),
    ] {
        assert_eq!(list(&query).await.len(), expected, "{query}");
    }
    let of_another = project.list(&format!("/deliveries?event={}&submissionId=sub_2", events[0])).await;
    assert_eq!(of_another.len(), 0);
    assert_eq!(project.get("/deliveries?submissionId=").await.problem(), (400, "bad-query"));
    let theirs = api.create_project().await;
    assert_eq!(theirs.list("/deliveries?submissionId=sub_1").await.len(), 0);
}
