//! `signpost replay`.

use axum::response::IntoResponse as _;
use http::Method;
use serde_json::json;

use crate::program::{Ended, PROJECT, interrupt, read_rest, read_until, signpost};
use crate::testing::FakeServer;

const REPLAY: &str = "019ab0c4-7e38-7a3f-8c65-0123456789ff";

/// A deployment in which two deliveries match. Their replay ends only if `is_fast`.
async fn deployment(is_fast: bool) -> FakeServer {
    FakeServer::start(move |_, call| {
        if call.method == Method::POST && String::from_utf8_lossy(&call.body).contains(r#""dryRun":true"#) {
            return axum::Json(json!({ "matching": 2 })).into_response();
        }
        let state = if is_fast && call.method == Method::GET { "done" } else { "running" };
        let progress = json!({ "queued": 2, "delivered": 2, "failed": 0, "skipped": 0 });
        axum::Json(json!({ "id": REPLAY, "state": state, "progress": progress })).into_response()
    })
    .await
}

#[tokio::test]
async fn a_replay_is_counted_started_and_watched_to_its_end() {
    let api = deployment(true).await;
    let ended = Ended::of(signpost(&api, &["replay", "--failed", "--since", "2h", "--yes"])).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("Replay {REPLAY}: 2 deliveries.")), "{ended:?}");
    assert_eq!(lines[1..], ["done; 2 queued: 2 delivered, 0 failed, 0 skipped"]);
}

#[tokio::test]
async fn without_a_terminal_a_replay_needs_yes() {
    let api = deployment(true).await;
    let ended = Ended::of(signpost(&api, &["replay", "--failed", "--since", "2h"])).await;
    assert_eq!((ended.code, ended.stdout.as_str(), api.calls().len()), (Some(2), "", 1));
    assert!(ended.stderr.contains("--yes"), "{ended:?}");
    let ended = Ended::of(signpost(&api, &["replay", "--failed", "--yes"])).await;
    assert_eq!((ended.code, api.calls().len()), (Some(2), 1), "{ended:?}");
    assert!(ended.stderr.contains("--since"), "{ended:?}");
}

#[tokio::test]
async fn after_ctrl_c_the_replay_goes_on_and_the_command_that_ends_it_is_named() {
    let api = deployment(false).await;
    let mut replay = signpost(&api, &["replay", "--failed", "--since", "2h", "--yes"]).spawn().unwrap();
    let mut stdout = replay.stdout.take().unwrap();
    read_until(&mut stdout, REPLAY).await;
    interrupt(&replay).await;
    let ended = Ended::wait(replay).await;
    let expected = format!("The replay goes on. To end it: signpost replay --project {PROJECT} --cancel {REPLAY}\n");
    assert_eq!((ended.code, ended.stderr), (Some(1), expected));
    assert_eq!(read_rest(stdout).await, "");
    assert!(api.calls().iter().all(|call| !call.path.contains("cancel")));
}
