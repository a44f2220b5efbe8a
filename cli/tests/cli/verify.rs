//! `signpost verify`.

use std::process::Stdio;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::signature::SigningSecret;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::program::{Ended, offline};

const BODY: &str = r#"{"type":"approved"}"#;

/// The headers of a webhook with [`BODY`], and its secret.
fn webhook() -> (String, String) {
    let (secret, now) = (SigningSecret::generate(&SystemRandom), SystemClock.now());
    let id = EventId::new(now, &SystemRandom);
    let (seconds, signature) = (now.as_seconds(), secret.sign(id, now, BODY.as_bytes()));
    let headers = format!("webhook-id: {id}\nwebhook-timestamp: {seconds}\nwebhook-signature: {signature}\n");
    (headers, secret.expose())
}

async fn run(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    Ended::wait(child).await
}

#[tokio::test]
async fn a_captured_request_is_verified_offline_and_the_secret_is_not_printed() {
    let (headers, secret) = webhook();
    for (body, code, expected) in [
        (BODY, 0, "signature  valid\ntime       current\nbody       unchanged\n"),
        ("{\"type\": \"approved\"}", 1, "signature  invalid\ntime       current\nbody       changed\n"),
    ] {
        let mut verify = offline(&["verify"]);
        verify.env("SIGNPOST_SIGNING_SECRET", &secret);
        let ended = run(verify, &format!("POST /hook HTTP/1.1\n{headers}\n{body}")).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stdout.starts_with(expected), "{ended:?}");
        assert!(!ended.stdout.contains(&secret) && !ended.stderr.contains(&secret), "{ended:?}");
    }
}

#[tokio::test]
async fn files_are_verified_too() {
    let (headers, secret) = webhook();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let other = SigningSecret::generate(&SystemRandom).expose();
    for (name, content) in [("h", &*headers), ("b", BODY), ("s", &format!("{other}\n\n{secret}\n"))] {
        std::fs::write(path(name), content).unwrap();
    }
    let arguments = ["verify", "--headers", &path("h"), "--body", &path("b"), "--secret-file", &path("s"), "--json"];
    let ended = Ended::of(offline(&arguments)).await;
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!({
        "verifies": true, "signature": "valid", "time": "current", "body": "unchanged", "findings": [],
    });
    assert_eq!((ended.code, result), (Some(0), expected), "{}", ended.stderr);

    let missing = path("missing");
    let ended =
        Ended::of(offline(&["verify", "--headers", &missing, "--body", &missing, "--secret-file", &path("s")])).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains(&format!("cannot read {missing}")), "{ended:?}");
}

#[tokio::test]
async fn without_a_secret_nothing_is_verified() {
    let ended = run(offline(&["verify"]), "").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("SIGNPOST_SIGNING_SECRET"), "{ended:?}");
}
