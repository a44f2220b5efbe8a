use axum::response::{IntoResponse as _, Response};
use clap::Parser as _;
use domain::projects::api_key::ApiKeyKind;
use http::StatusCode;

use super::*;
use crate::arguments::{Arguments, Command};
use crate::testing::FakeServer;

const ID: &str = "019ab0c4-7e38-7a3f-8c65-0123456789ab";

fn options(arguments: &str) -> ReplayOptions {
    let line = format!("signpost replay {arguments}");
    match Arguments::try_parse_from(line.split(' ')).unwrap().command {
        Command::Replay(options) => options,
        other => panic!("{other:?}"),
    }
}

fn replay(state: &str, [queued, delivered, failed, skipped]: [u64; 4]) -> Response {
    let progress = json!({ "queued": queued, "delivered": delivered, "failed": failed, "skipped": skipped });
    axum::Json(json!({ "id": ID, "state": state, "progress": progress })).into_response()
}

/// A deployment in which three deliveries match, and whose replay has these looks.
async fn serve(looks: &'static [fn() -> Response]) -> FakeServer {
    FakeServer::start(|index, _| match index {
        0 => axum::Json(json!({ "matching": 3 })).into_response(),
        1 => (StatusCode::ACCEPTED, replay("running", [0, 0, 0, 0])).into_response(),
        _ => looks[index - 2](),
    })
    .await
}

async fn run_at(server: &FakeServer, arguments: &str) -> Result<bool, CommandError> {
    run(&Project::of_test(&server.url(""), ApiKeyKind::Test), &options(arguments), Output::SILENT).await
}

fn bodies(server: &FakeServer) -> Vec<Value> {
    let posts = server.calls().into_iter().filter(|call| call.method == http::Method::POST);
    posts.map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
}

#[tokio::test]
async fn deliveries_are_counted_before_they_are_sent() {
    let server = serve(&[|| replay("running", [3, 1, 0, 0]), || replay("done", [3, 3, 0, 0])]).await;
    assert!(run_at(&server, &format!("--failed --since 2h --endpoint {ID} --type aml --rate 60 --yes")).await.unwrap());
    let [counted, sent] = &bodies(&server)[..] else { panic!("{:?}", server.calls()) };
    assert_eq!((&counted["dryRun"], &sent["dryRun"]), (&json!(true), &json!(false)));
    for request in [counted, sent] {
        assert_eq!(
            (&request["state"], &request["endpointId"], &request["type"]),
            (&json!("failed"), &json!(ID), &json!("aml"))
        );
        assert_eq!((&request["ratePerMinute"], &request["from"]), (&json!(60), &counted["from"]));
    }
}

#[tokio::test]
async fn a_replay_goes_on_while_the_api_is_away_and_fails_if_a_webhook_does() {
    let server = serve(&[|| StatusCode::BAD_GATEWAY.into_response(), || replay("done", [3, 2, 1, 0])]).await;
    assert!(!run_at(&server, "--expired --since 2h --yes").await.unwrap());
    assert_eq!((bodies(&server)[0]["state"].as_str(), server.calls().len()), (Some("expired"), 4));
}

#[tokio::test]
async fn nothing_is_sent_without_a_confirmation() {
    let server = serve(&[]).await;
    let result = run_at(&server, "--failed --since 2h").await;
    assert!(matches!(result, Err(CommandError::NotConfirmed)), "{result:?}");
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_replay_without_deliveries_is_not_started() {
    let server = FakeServer::start(|_, _| axum::Json(json!({ "matching": 0 })).into_response()).await;
    assert!(run_at(&server, "--failed --since 2h").await.unwrap());
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn one_delivery_is_replayed_and_its_result_awaited() {
    for (result, is_accepted) in [
        (json!({ "replayId": "r2", "number": 2, "at": "t", "durationMs": 3, "status": 200 }), true),
        (
            json!({ "replayId": "r2", "number": 2, "at": "t", "durationMs": 3, "status": 500, "reason": "status" }),
            false,
        ),
        (json!({ "replayId": "r2", "at": "t", "skipped": "endpoint-paused" }), false),
    ] {
        let other =
            json!({ "replayId": "r1", "number": 2, "at": "t", "durationMs": 3, "status": 500, "reason": "status" });
        let server = FakeServer::start(move |index, _| {
            let replays = if index < 2 { json!([other]) } else { json!([other, result]) };
            let delivery = json!({ "id": "d", "type": "aml", "state": "failed", "attempts": [], "replays": replays });
            axum::Json(if index == 0 { json!({ "replayId": "r2" }) } else { delivery }).into_response()
        });
        let server = server.await;
        assert_eq!(run_at(&server, &format!("{ID}_{ID}")).await.unwrap(), is_accepted);
        let path = server.calls()[0].path.clone();
        assert!(path.ends_with(&format!("/deliveries/{ID}_{ID}/replay")), "{path}");
    }
}

#[tokio::test]
async fn a_replay_can_be_cancelled() {
    let server = FakeServer::start(|_, _| replay("cancelled", [3, 1, 0, 0])).await;
    assert!(run_at(&server, &format!("--cancel {ID}")).await.unwrap());
    assert!(server.calls()[0].path.ends_with(&format!("/replays/{ID}/cancel")));
}

#[test]
fn a_count_is_written_in_words() {
    let words = [Matching::Matching(1), Matching::Matching(3), Matching::AtLeast(3)].map(Matching::words);
    assert_eq!(words, ["1 delivery", "3 deliveries", "at least 3 deliveries"]);
}
