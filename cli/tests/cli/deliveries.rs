//! `signpost deliveries`.

use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use crate::program::{Ended, interrupt, read_rest, read_until, signpost};
use crate::testing::FakeServer;

fn delivery(id: &str, state: &str) -> Value {
    let attempt = json!({ "number": 1, "at": "2026-11-22T08:30:00.000Z", "durationMs": 3, "status": 200 });
    json!({ "id": id, "type": "approved", "state": state, "attempts": [attempt] })
}

#[tokio::test]
async fn followed_deliveries_are_shown_when_they_change_also_after_the_network_was_cut() {
    let api = FakeServer::start(|_, _| axum::Json(json!({ "items": [delivery("one", "waiting")] })).into_response());
    let api = api.await;
    let port = api.url("").rsplit_once(':').unwrap().1.parse().unwrap();
    let mut follow = signpost(&api, &["deliveries", "--follow"]).spawn().unwrap();
    let (mut stdout, mut stderr) = (follow.stdout.take().unwrap(), follow.stderr.take().unwrap());
    read_until(&mut stdout, "one").await;
    api.stop().await;
    let mut errors = read_until(&mut stderr, "connection lost").await;
    let items = json!({ "items": [delivery("two", "delivered"), delivery("one", "delivered")] });
    let _api = FakeServer::start_at(port, move |_, _| axum::Json(items.clone()).into_response()).await;
    let shown = read_until(&mut stdout, "two").await;
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.lines().next().unwrap().contains("delivered  approved     one  attempt 1 was accepted"), "{shown}");
    interrupt(&follow).await;
    errors.push_str(&read_rest(stderr).await);
    assert_eq!(follow.wait().await.unwrap().code(), Some(0), "{errors}");
    assert_eq!(errors.matches("connection lost").count(), 1, "{errors}");
}

#[tokio::test]
async fn a_delivery_that_arrives_right_after_the_start_is_shown() {
    // The first answer has one delivery, all later ones have two.
    let api = FakeServer::start(|index, _| {
        let all = [delivery("late", "delivered"), delivery("first", "delivered")];
        axum::Json(json!({ "items": all[usize::from(index == 0)..] })).into_response()
    });
    let api = api.await;
    let mut follow = signpost(&api, &["deliveries", "--follow"]).spawn().unwrap();
    let mut stdout = follow.stdout.take().unwrap();
    read_until(&mut stdout, "first").await;
    read_until(&mut stdout, "late").await;
    interrupt(&follow).await;
    assert_eq!(Ended::wait(follow).await.code, Some(0));
}

#[tokio::test]
async fn following_ends_once_nobody_reads_the_output() {
    // Each answer has another delivery.
    let api = FakeServer::start(|index, _| {
        axum::Json(json!({ "items": [delivery(&index.to_string(), "delivered")] })).into_response()
    });
    let api = api.await;
    let mut follow = signpost(&api, &["deliveries", "--follow"]).spawn().unwrap();
    let mut stdout = follow.stdout.take().unwrap();
    read_until(&mut stdout, "delivered").await;
    drop(stdout);
    let ended = Ended::wait(follow).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
