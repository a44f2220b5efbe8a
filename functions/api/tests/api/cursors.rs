//! Cursors of lists that callers changed or made up.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::EventType;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::client::{Client, Resource};
use crate::fixture::{TestApi, attempt, now};

/// Paths of all lists with cursors, each with a query.
const LISTS: [&str; 8] = [
    "/v1/projects?limit=1",
    "/audit?limit=1",
    "/replays?limit=1",
    "/events?limit=1",
    "/events?limit=1&submissionId=sub_1",
    "/deliveries?limit=1",
    "/deliveries?limit=1&submissionId=sub_1",
    "/deliveries?limit=1&state=failed",
];

/// A project in which every list has more than one item.
async fn project_with_lists() -> (TestApi, Resource) {
    let (api, project) = TestApi::with_project().await;
    api.create_project().await;
    let endpoint = project.create_endpoint().await;
    for _ in 0..2 {
        let event = json!({"type": "approved", "submissionId": "sub_1", "data": {}});
        project.post("/events", event).await.expect(202);
        let event = api.store_event(EventType::Aml, now(), project.id(), &[endpoint.id()]).await;
        let failed = Delivery::queued(&event, endpoint.id()).after(attempt(Some(FailureReason::Tls)), None);
        api.store.deliveries.record(&failed, None).await.unwrap();
        let range = json!({"from": "2026-11-21T08:30:00Z", "to": "2026-11-22T08:30:00Z"});
        let replay = project.post("/replays", range).await.expect(202);
        project.post(&format!("/replays/{}/cancel", replay["id"].as_str().unwrap()), "").await.expect(200);
    }
    (api, project)
}

/// The client for the list at `path`. The operator lists projects; other lists are below a project.
fn lister<'a>(api: &'a TestApi, project: &'a Client, path: &str) -> &'a Client {
    if path.starts_with("/v1") { api } else { project }
}

fn decode(cursor: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap()
}

fn encode(cursor: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(cursor.to_string())
}

/// Replaces every string of a position by `text`. A page token is a string that contains its members as JSON.
fn with_text(position: &Value, text: &str) -> Vec<Value> {
    let members = |object: &serde_json::Map<String, Value>| -> Vec<Value> {
        let changed = object.keys().map(|name| {
            let mut changed = object.clone();
            changed.insert(name.clone(), json!(text));
            Value::Object(changed)
        });
        changed.collect()
    };
    match position {
        Value::Object(object) => members(object),
        Value::String(token) => {
            let inner: Value = serde_json::from_str(token).unwrap();
            let changed = members(inner.as_object().unwrap()).into_iter().map(|inner| json!(inner.to_string()));
            changed.chain([json!(text)]).collect()
        }
        _ => vec![json!(text)],
    }
}

#[tokio::test]
async fn a_cursor_that_was_tampered_with_is_a_bad_query() {
    let (api, project) = project_with_lists().await;
    for path in LISTS {
        let client = lister(&api, &project, path);
        let first = client.get(path).await.expect(200);
        let cursor = decode(first["cursor"].as_str().unwrap_or_else(|| panic!("{path} has one page")));
        for text in ["zzz", "", "\0", "entry#\0", "audit#", "entry#1", &"9".repeat(1500)] {
            for position in with_text(&cursor["p"], text) {
                let mut tampered = cursor.clone();
                tampered["p"] = position;
                let refused = client.get(&format!("{path}&cursor={}", encode(&tampered))).await;
                assert_eq!(refused.problem(), (400, "bad-query"), "{path}: {tampered}");
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_project_or_filter_is_a_bad_query() {
    let (api, project) = project_with_lists().await;
    let other = api.create_project().await;
    for path in LISTS {
        let cursor = lister(&api, &project, path).get(path).await.expect(200)["cursor"].as_str().unwrap().to_owned();
        for list in LISTS.into_iter().filter(|list| *list != path) {
            let refused = lister(&api, &project, list).get(&format!("{list}&cursor={cursor}")).await;
            assert_eq!(refused.problem(), (400, "bad-query"), "cursor of {path} for {list}");
        }
        if path.starts_with("/v1") {
            continue;
        }
        let refused = other.get(&format!("{path}&cursor={cursor}")).await;
        assert_eq!(refused.problem(), (400, "bad-query"), "cursor of {path} for another project");
        let longer = path.replace("limit=1", "limit=2");
        project.get(&format!("{longer}&cursor={cursor}")).await.expect(200);
    }
    let cursor = project.get("/deliveries?limit=1").await.expect(200)["cursor"].as_str().unwrap().to_owned();
    let filtered = project.get(&format!("/deliveries?limit=1&state=failed&cursor={cursor}")).await;
    assert_eq!(filtered.problem(), (400, "bad-query"));
}

/// A position that a caller could make up: of any kind, with extreme ids and days.
fn position() -> impl Strategy<Value = Value> {
    let id = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    let day =
        prop_oneof!["-?[0-9]{4,6}-[01][0-9]-[0-3][0-9]", Just("9999-12-31".to_owned()), Just("0000-01-01".to_owned())];
    let number = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)];
    prop_oneof![
        id.prop_map(|id| json!({"before": id})),
        (id, id).prop_map(|(event, endpoint)| json!({"after": format!("{event}_{endpoint}")})),
        day.prop_map(|day| json!({"day": day})),
        number.prop_map(|number| json!({"sk": format!("entry#{number:020}")})),
        id.prop_map(|id| json!({"sk": format!("replay#{id}"), "listKey": id})),
        "\\PC{0,40}".prop_map(Value::from),
    ]
}

/// Puts a made-up position into a cursor of the list. Members of a page token replace those with the same name.
fn made_up(cursor: &Value, position: &Value) -> Value {
    let mut cursor = cursor.clone();
    let token = cursor["p"].as_str().map(|token| serde_json::from_str::<Value>(token).unwrap());
    cursor["p"] = match (token, position.as_object()) {
        (Some(mut token), Some(members)) => {
            token.as_object_mut().unwrap().extend(members.clone());
            json!(token.to_string())
        }
        _ => position.clone(),
    };
    cursor
}

#[tokio::test]
async fn made_up_cursors_never_cause_a_server_error() {
    let (api, project) = project_with_lists().await;
    let mut runner = TestRunner::deterministic();
    for path in LISTS {
        let client = lister(&api, &project, path);
        let cursor = decode(client.get(path).await.expect(200)["cursor"].as_str().unwrap());
        for _ in 0..60 {
            let position = position().new_tree(&mut runner).unwrap().current();
            let made_up = made_up(&cursor, &position);
            let response = client.get(&format!("{path}&cursor={}", encode(&made_up))).await;
            assert!(matches!(response.status, 200 | 400), "{path}: {made_up}: {}", response.text);
        }
        let noise = proptest::collection::vec(any::<u8>(), 0..200).new_tree(&mut runner).unwrap().current();
        let noise = BASE64_URL_SAFE_NO_PAD.encode(noise);
        assert_eq!(client.get(&format!("{path}&cursor={noise}")).await.problem(), (400, "bad-query"));
    }
}

#[tokio::test]
async fn made_up_ids_times_and_days_never_cause_a_server_error() {
    let (_api, project) = project_with_lists().await;
    let id = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    let latest = "ffffffff-ffff-7fff-bfff-ffffffffffff".to_owned();
    let id = prop_oneof![id, Just(latest)];
    let time = prop_oneof![
        "-?[0-9]{4,6}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00Z",
        Just("-009999-01-01T00:00:00Z".to_owned()),
        Just("9999-12-31T23:59:59Z".to_owned()),
        Just("0000-01-01T00:00:00Z".to_owned()),
    ];
    let submission = "[0-9]{1,64}"
        .prop_map(|digits| digits.bytes().fold(String::new(), |id, digit| format!("{id}%2{}", char::from(digit))));
    let path = prop_oneof![
        (time.clone(), time.clone()).prop_map(|(from, to)| format!("/deliveries?from={from}&to={to}")),
        (time.clone(), time.clone()).prop_map(|(from, to)| format!("/events?from={from}&to={to}")),
        (id.clone(), id.clone()).prop_map(|(event, endpoint)| format!("/deliveries?event={event}&endpoint={endpoint}")),
        (id.clone(), id.clone()).prop_map(|(event, endpoint)| format!("/deliveries/{event}_{endpoint}")),
        submission.clone().prop_map(|submission| format!("/events?submissionId={submission}")),
        submission.prop_map(|submission| format!("/deliveries?submissionId={submission}")),
        id.clone().prop_map(|id| format!("/events/{id}")),
        id.clone().prop_map(|id| format!("/endpoints/{id}")),
        id.prop_map(|id| format!("/replays/{id}")),
        time.prop_map(|time| format!("/reports/{}", time.split('T').next().unwrap())),
        any::<u64>().prop_map(|number| format!("/audit/{number}")),
    ];
    let mut runner = TestRunner::deterministic();
    for _ in 0..400 {
        let path = path.new_tree(&mut runner).unwrap().current();
        let response = project.get(&path).await;
        assert!(response.status < 500, "{path}: {}", response.text);
    }
}
