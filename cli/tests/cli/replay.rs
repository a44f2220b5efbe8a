//! `signpost replay`.

use axum::response::IntoResponse as _;
use http::Method;
use serde_json::json;

use crate::program::{Ended, PROJECT, interrupt, on_terminal, read_rest, read_until, signpost};
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
async fn on_a_terminal_a_person_confirms_a_replay_and_sees_its_progress() {
    const QUESTION: &str = "Send 2 deliveries again, 300 a minute? [y/N]";
    let api = deployment(true).await;
    let refused = on_terminal(&api, &["replay", "--failed", "--since", "2h"], "n\n").await;
    assert_eq!((refused.code, api.calls().len()), (Some(1), 1), "{refused:?}");
    assert!(refused.stdout.contains(QUESTION) && !refused.stdout.contains(REPLAY), "{refused:?}");

    let confirmed = on_terminal(&api, &["replay", "--failed", "--since", "2h"], "y\n").await;
    assert_eq!(confirmed.code, Some(0), "{confirmed:?}");
    let shown = without_control_sequences(&confirmed.stdout);
    for part in [QUESTION, REPLAY, "2/2", "done; 2 queued: 2 delivered, 0 failed, 0 skipped"] {
        assert!(shown.contains(part), "{part} is missing in {confirmed:?}");
    }
    // The line was typed before the question was asked, so the question does not end with the echo of it.
    let lines = shown.split(['\r', '\n']).flat_map(|line| line.split(QUESTION));
    let long: Vec<&str> = lines.filter(|line| line.chars().count() > 80).collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The text without the sequences that move the cursor or clear lines: `ESC [ … letter`.
fn without_control_sequences(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        shown + part.trim_start_matches(|character: char| !character.is_alphabetic()).get(1..).unwrap_or_default()
    })
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
