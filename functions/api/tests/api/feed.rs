//! The feed: every accepted event once.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::foundation::id::DeliveryId;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::EventType;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::fixture::{Options, TestApi, attempt, now};

/// Publishes events of a submission, and returns their ids in the order of acceptance.
async fn publish(project: &Client, events: &[(&str, &str)]) -> Vec<String> {
    let mut ids = Vec::new();
    for (event_type, submission) in events {
        let event = json!({"type": event_type, "submissionId": submission, "data": {"n": ids.len()}});
        ids.push(project.post("/events", event).await.expect(202)["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

async fn page(project: &Client, query: &str) -> (Vec<String>, String) {
    let page = project.get(&format!("/feed?{query}")).await.expect(200);
    (ids(&page), page["cursor"].as_str().unwrap().to_owned())
}

/// Reads pages until one is empty.
async fn read_all(project: &Client, query: &str, mut cursor: Option<String>) -> (Vec<String>, String) {
    let mut all = Vec::new();
    loop {
        let after = cursor.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let (events, next) = page(project, &format!("{query}{after}")).await;
        if events.is_empty() {
            return (all, next);
        }
        all.extend(events);
        cursor = Some(next);
    }
}

#[tokio::test]
async fn an_event_has_the_members_of_the_webhook_byte_for_byte() {
    let (api, project, _) = TestApi::with_endpoint().await;
    let event = r#"{"type":"aml","submissionId":"sub_1","occurredAt":"2026-11-20T00:00:00Z","data":{"z":1.10,"a":12345678901234567890123}}"#;
    let accepted = project.post("/events", event).await.expect(202);
    let id: DeliveryId = accepted["deliveries"][0]["id"].as_str().unwrap().parse().unwrap();
    let delivery = Delivery::unattempted(project.id(), id, EventType::Aml, None);
    api.store.deliveries.record(&delivery.after(attempt(Some(FailureReason::Status)), None), None).await.unwrap();
    let request = project.get(&format!("/deliveries/{id}/request")).await.expect(200);
    let feed = project.get("/feed").await;
    assert!(
        feed.text.starts_with(&format!(r#"{{"items":[{}],"cursor":""#, request["body"].as_str().unwrap())),
        "{}",
        feed.text
    );
    assert_eq!((&feed.body["hasMore"], &feed.body["items"][0]["sequence"]), (&json!(false), &json!(1)));

    project.post("/events", r#"{"type":"aml","data":{}}"#).await.expect(202);
    let (_, cursor) = page(&project, "").await;
    let feed = project.get("/feed").await.expect(200);
    assert!(feed["items"].as_array().unwrap().iter().any(|event| event.get("sequence").is_none()), "{feed}");
    assert!(page(&project, &format!("after={cursor}")).await.0.is_empty());
}

#[tokio::test]
async fn pages_of_every_size_contain_every_event_once() {
    let (api, project) = TestApi::with_project().await;
    let mut published = BTreeSet::new();
    for _ in 0..3 {
        published.extend(publish(&project, &[("aml", "a"), ("approved", "b"), ("aml", "b")]).await);
        api.clock.advance(Duration::from_secs(100));
    }
    let first = project.get("/feed?limit=4").await.expect(200);
    assert_eq!((ids(&first).len(), &first["hasMore"]), (4, &json!(true)));
    for limit in [1, 2, 9, 100] {
        let (read, cursor) = read_all(&project, &format!("limit={limit}"), None).await;
        assert_eq!((read.len(), read.iter().cloned().collect()), (9, published.clone()), "limit {limit}");
        assert!(page(&project, &format!("limit=3&after={cursor}")).await.0.is_empty());
    }
    let (_, cursor) = read_all(&project, "", None).await;
    let new = publish(&project, &[("aml", "c")]).await;
    assert_eq!(page(&project, &format!("after={cursor}")).await.0, new);
    // A later day, when all of them are settled.
    api.clock.advance(Duration::from_hours(50));
    assert!(read_all(&project, "", Some(page(&project, &format!("after={cursor}")).await.1)).await.0.is_empty());
}

#[tokio::test]
async fn a_feed_can_have_one_type_or_one_submission() {
    let (_api, project) = TestApi::with_project().await;
    let events = publish(&project, &[("aml", "a"), ("approved", "b"), ("aml", "b"), ("aml", "a")]).await;
    let project = &project;
    let of = async |query: &str| read_all(project, query, None).await.0;
    assert_eq!(of("limit=1&submissionId=b").await, events[1..3]);
    assert_eq!(of("limit=1&submissionId=b&type=aml").await, events[2..3]);
    assert_eq!(of("type=aml").await.len(), 3);
    assert_eq!(of("type=approved").await, events[1..2]);
    assert!(of("submissionId=c").await.is_empty() && of("type=token").await.is_empty());
}

#[tokio::test]
async fn latest_is_the_position_behind_all_events() {
    let (_api, project) = TestApi::with_project().await;
    publish(&project, &[("aml", "a"), ("approved", "b")]).await;
    for query in ["", "type=aml", "submissionId=a", "submissionId=a&type=aml"] {
        let (events, cursor) = page(&project, &format!("{query}&after=latest")).await;
        assert!(events.is_empty());
        let new = publish(&project, &[("aml", "a")]).await;
        let (events, cursor) = page(&project, &format!("{query}&after={cursor}")).await;
        assert_eq!(events, new, "{query}");
        assert!(page(&project, &format!("{query}&after={cursor}")).await.0.is_empty());
    }
}

#[tokio::test]
async fn erased_events_are_left_out() {
    let (_api, project) = TestApi::with_project().await;
    let events = publish(&project, &[("aml", "a"), ("approved", "b")]).await;
    project.post("/erasures", json!({"submissionId": "a"})).await.expect(200);
    assert_eq!(read_all(&project, "limit=1", None).await.0, events[1..]);
    assert!(read_all(&project, "submissionId=a", None).await.0.is_empty());
}

#[tokio::test]
async fn an_event_whose_call_died_comes_when_it_is_repeated() {
    let (api, project) = TestApi::with_project().await;
    let event = api.store_event(EventType::Aml, now(), project.id(), &[]).await;
    let mut late =
        domain::webhooks::event::Event { submission_id: Some("a".to_owned().try_into().unwrap()), ..event.clone() };
    late.id = late.id.in_batch(1);
    api.store.events.put(&late, &[]).await.unwrap();
    let (events, cursor) = page(&project, "").await;
    assert_eq!(events, [event.id.to_string()]);
    api.clock.advance(Duration::from_hours(1));
    let (events, cursor) = page(&project, &format!("after={cursor}")).await;
    assert!(events.is_empty());
    let random = &domain::foundation::random::SystemRandom;
    api.store.events.accept_all(&[(late.clone(), vec![])], &*api.clock, random).await.unwrap();
    assert_eq!(read_all(&project, "", Some(cursor)).await.0, [late.id.to_string()]);
    let (all, _) = read_all(&project, "", None).await;
    assert_eq!(all, [event.id.to_string(), late.id.to_string()]);
}

#[tokio::test]
async fn a_call_waits_for_the_next_event_of_its_filter() {
    let (_api, project) = TestApi::with_project().await;
    for query in ["", "type=aml", "submissionId=a"] {
        let (_, cursor) = page(&project, &format!("{query}&after=latest")).await;
        let path = format!("{query}&wait=20&after={cursor}");
        let waiting = page(&project, &path);
        let (read, new) = tokio::join!(timeout(Duration::from_secs(10), waiting), async {
            sleep(Duration::from_millis(100)).await;
            publish(&project, &[("approved", "b")]).await;
            sleep(Duration::from_millis(100)).await;
            publish(&project, &[("aml", "a")]).await
        });
        let (events, cursor) = read.unwrap();
        let expected_last = events.last() == new.last();
        assert_eq!((events.len(), expected_last || query.is_empty()), (1, true), "{query}");
        read_all(&project, query, Some(cursor)).await;
    }
}

#[tokio::test]
async fn a_call_without_an_event_ends_when_its_wait_is_over() {
    let (_api, project) = TestApi::with_project().await;
    for query in ["", "submissionId=a"] {
        let (_, cursor) = page(&project, &format!("{query}&wait=1")).await;
        let new = publish(&project, &[("aml", "a")]).await;
        assert_eq!(page(&project, &format!("{query}&wait=1&after={cursor}")).await.0, new);
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_during_the_wait_gets_no_event() {
    let (api, project) = TestApi::with_project().await;
    let key = project.create("/api-keys", json!({"name": "reader", "scopes": ["events:read"]})).await;
    let reader = project.with_key(key.string("key"));
    let (_, cursor) = page(&reader, "after=latest").await;
    let path = format!("/feed?wait=20&after={cursor}");
    let (response, ()) = tokio::join!(reader.get(&path), async {
        sleep(Duration::from_millis(50)).await;
        key.delete("").await.expect(204);
        api.clock.advance(Duration::from_secs(6));
        publish(&project, &[("aml", "a")]).await;
    });
    assert_eq!(response.problem(), (401, "unknown-key"));
}

#[tokio::test]
async fn an_invalid_query_is_rejected_with_its_reason() {
    let (api, project) = TestApi::with_project().await;
    for (query, reason) in [
        ("limit=0", "limit must be from 1 to 100"),
        ("limit=101", "limit must be from 1 to 100"),
        ("wait=21", "wait must be from 0 to 20"),
        ("wait=-1", "query string is invalid: wait: invalid digit found in string"),
        ("cursor=x", "query string is invalid: cursor: unknown field `cursor`"),
        ("after=", "after must be `latest` or a cursor"),
        ("after=oldest", "after must be `latest` or a cursor"),
        ("type=created", "query string is invalid: type: "),
        ("submissionId=a%20b", "query string is invalid: submissionId: "),
    ] {
        let refused = project.get(&format!("/feed?{query}")).await;
        assert_eq!(refused.problem(), (400, "bad-query"), "{query}");
        assert!(refused.body["detail"].as_str().unwrap().starts_with(reason), "{query}: {}", refused.text);
    }
    assert_eq!(
        api.get(&format!("/v1/projects/{}/feed", crate::fixture::UNKNOWN_ID)).await.problem(),
        (404, "not-found")
    );
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_project_and_filter() {
    let (api, project) = TestApi::with_project().await;
    let other = api.create_project().await;
    let queries = ["", "type=aml", "submissionId=a", "submissionId=a&type=aml", "submissionId=b"];
    for query in queries {
        let (_, cursor) = page(&project, query).await;
        for accepting in queries {
            let response = project.get(&format!("/feed?{accepting}&after={cursor}")).await;
            assert_eq!(response.status, if accepting == query { 200 } else { 400 }, "{query} for {accepting}");
        }
        assert_eq!(other.get(&format!("/feed?{query}&after={cursor}")).await.problem(), (400, "bad-query"));
        for changed in [format!("{cursor}A"), cursor[..cursor.len() - 9].to_owned(), cursor.replace("k1.", "k2.")] {
            let response = project.get(&format!("/feed?{query}&after={changed}")).await;
            assert_eq!(response.problem(), (400, "bad-query"), "{changed}");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_valid_until_its_key_is_removed_from_the_key_ring() {
    let (api, project) = TestApi::with_project().await;
    let events = publish(&project, &[("aml", "a"), ("aml", "a")]).await;
    let (first, cursor) = page(&project, "submissionId=a&limit=1").await;
    assert_eq!(first, events[..1]);
    let path = format!("{}/feed?submissionId=a&after={cursor}", project.path);
    let rotated = r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;
    let api = api.restart_with(&Options { key_ring: rotated, ..Options::default() });
    assert_eq!(ids(&api.get(&path).await.expect(200)), events[1..]);
    let removed = r#"{"current":"k2","k2":"fedcba9876543210fedcba9876543210"}"#;
    let api = api.restart_with(&Options { key_ring: removed, ..Options::default() });
    assert_eq!(api.get(&path).await.problem(), (400, "bad-query"));
}

#[tokio::test]
async fn a_call_counts_as_two_calls_and_as_ten_if_it_may_wait() {
    let api = TestApi::start_with(&Options { rate_limit: 25, ..Options::default() }).await;
    let project = api.create_project().await;
    let reader = project.with_scopes(&["events:read"]).await;
    publish(&project, &[("aml", "a")]).await;
    for (query, remaining) in [("wait=0", 23), ("wait=1", 13), ("wait=20", 3), ("", 1), ("wait=5", 0)] {
        let response = reader.get(&format!("/feed?{query}")).await;
        assert_eq!(response.header("ratelimit"), format!("\"key\";r={remaining};t=10"), "{query}");
        response.expect(200);
    }
    assert_eq!(reader.get("/feed").await.problem(), (429, "too-many-calls"));
}

#[tokio::test]
async fn a_busy_project_gets_all_events_with_cursors_that_fit_into_a_url() {
    let (api, project) = TestApi::with_project().await;
    let mut published = BTreeSet::new();
    for _ in 0..4 {
        let event = json!({"type": "aml", "data": {}});
        let batch = project.post("/events/batch", json!({"events": vec![event; 100]})).await.expect(202);
        published.extend(ids(&batch));
        api.clock.advance(Duration::from_secs(1));
    }
    let (mut read, cursor) = read_all(&project, "limit=100", None).await;
    assert_eq!((read.len(), cursor.len() < 6 * 1024), (300, true), "{}", cursor.len());
    api.clock.advance(Duration::from_secs(150));
    read.extend(read_all(&project, "limit=100", Some(cursor)).await.0);
    assert_eq!((read.len(), read.into_iter().collect()), (400, published));
}
