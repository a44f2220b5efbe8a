//! `signpost simulate`.

use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use crate::program::{Ended, signpost};
use crate::testing::FakeServer;

#[tokio::test]
async fn each_event_is_shown_with_its_deliveries() {
    let api = FakeServer::start(|_, call| {
        let attempt = json!({ "number": 1, "at": "t", "durationMs": 3, "status": 200 });
        let delivery =
            json!({ "id": "d", "endpointId": "p", "type": "aml", "state": "delivered", "attempts": [attempt] });
        let accepted = json!({ "id": "e", "deliveries": [{ "id": "d" }] });
        axum::Json(if call.path.ends_with("/events") { accepted } else { json!({ "items": [delivery] }) })
            .into_response()
    });
    let api = api.await;
    let arguments = ["simulate", "rejected", "--delay", "0", "--submission", "sub_7"];
    let ended = Ended::of(signpost(&api, &arguments)).await;
    let expected = "Submission sub_7\n\n\
        submit e: sent to 1 endpoint  to p: attempt 1 was accepted with status 200 after 3 ms\n\
        rejected e: sent to 1 endpoint  to p: attempt 1 was accepted with status 200 after 3 ms\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expected), "{ended:?}");
    let events = api.calls().into_iter().filter(|call| call.path.ends_with("/events"));
    let events: Vec<Value> = events.map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    assert!(events.iter().all(|event| event["submissionId"] == "sub_7"), "{events:?}");
}

#[tokio::test]
async fn without_deliveries_read_the_events_are_published_all_the_same() {
    let api = FakeServer::start(|_, call| {
        let accepted = axum::Json(json!({ "id": "e", "deliveries": [{ "id": "d" }] })).into_response();
        if call.path.ends_with("/events") { accepted } else { http::StatusCode::FORBIDDEN.into_response() }
    });
    let api = api.await;
    let ended = Ended::of(signpost(&api, &["simulate", "rejected", "--delay", "0"])).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.matches("the key lacks deliveries:read").count(), 2, "{ended:?}");
}
