//! `signpost verify`.

use std::process::Stdio;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{EventId, KeyPairId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::key_pair::KeyPairs;
use domain::webhooks::signature::SigningSecret;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::program::{Ended, offline};

const BODY: &str = r#"{"type":"approved"}"#;

/// A webhook with [`BODY`].
struct Webhook {
    id: EventId,
    at: Timestamp,
    secret: SigningSecret,
}

impl Webhook {
    fn new() -> Self {
        let (secret, at) = (SigningSecret::generate(&SystemRandom), SystemClock.now());
        Self { id: EventId::new(at, &SystemRandom), at, secret }
    }

    /// Its `v1` signature.
    fn v1(&self) -> String {
        self.secret.sign(self.id, self.at, BODY.as_bytes())
    }

    /// Its headers with these signatures.
    fn headers(&self, signatures: &str) -> String {
        let (id, seconds) = (self.id, self.at.as_seconds());
        format!("webhook-id: {id}\nwebhook-timestamp: {seconds}\nwebhook-signature: {signatures}\n")
    }
}

async fn run(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    Ended::wait(child).await
}

#[tokio::test]
async fn a_captured_request_is_verified_offline_and_the_secret_is_not_printed() {
    let webhook = Webhook::new();
    let (headers, secret) = (webhook.headers(&webhook.v1()), webhook.secret.expose());
    for (body, code, expected) in [
        (BODY, 0, "signature  valid\n  v1, with the secret\ntime       current\nbody       unchanged\n"),
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
    let webhook = Webhook::new();
    let (headers, secret) = (webhook.headers(&webhook.v1()), webhook.secret.expose());
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
        "verifies": true, "signature": "valid", "signedBy": [{ "scheme": "v1", "secret": 2 }], "time": "current",
        "body": "unchanged", "findings": [],
    });
    assert_eq!((ended.code, result), (Some(0), expected), "{}", ended.stderr);

    let missing = path("missing");
    let ended =
        Ended::of(offline(&["verify", "--headers", &missing, "--body", &missing, "--secret-file", &path("s")])).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains(&format!("cannot read {missing}")), "{ended:?}");
}

#[tokio::test]
async fn a_saved_jwk_set_verifies_a_signature_of_a_key_pair() {
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
    let webhook = Webhook::new();
    let (project, kid) = (ProjectId::new(webhook.at, &SystemRandom), KeyPairId::new(webhook.at, &SystemRandom));
    let pairs = KeyPairs::first(kid, project, &ring, &SystemRandom);
    let v1a = pairs.open(&ring).unwrap().signing_at(webhook.at).sign(webhook.id, webhook.at, BODY.as_bytes());
    let request = |signatures: &str| format!("{}\n{BODY}", webhook.headers(signatures));
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    let x = pairs.listed_at(webhook.at).next().unwrap().public_key;
    std::fs::write(&jwks, json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x }] }).to_string())
        .unwrap();
    let arguments = ["verify", "--jwks", jwks.to_str().unwrap()];
    let rest = "time       current\nbody       unchanged\n";

    let ended = run(offline(&arguments), &request(&v1a)).await;
    assert_eq!(ended.stdout, format!("signature  valid\n  v1a, with the public key {kid}\n{rest}"), "{ended:?}");
    assert_eq!(ended.code, Some(0));

    let mut both = offline(&arguments);
    both.env("SIGNPOST_SIGNING_SECRET", webhook.secret.expose());
    let ended = run(both, &request(&format!("{} {v1a}", webhook.v1()))).await;
    let signed = format!("signature  valid\n  v1, with the secret\n  v1a, with the public key {kid}\n");
    assert!(ended.code == Some(0) && ended.stdout.starts_with(&signed), "{ended:?}");

    let mut no_keys = offline(&["verify"]);
    no_keys.env("SIGNPOST_SIGNING_SECRET", webhook.secret.expose());
    let ended = run(no_keys, &request(&v1a)).await;
    assert!(ended.code == Some(1) && ended.stdout.contains("with --jwks"), "{ended:?}");
}

#[tokio::test]
async fn a_file_that_is_no_jwk_set_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let arguments = ["verify", "--jwks", path.to_str().unwrap()];
    for (content, expected) in [("<html>", "it must be a JWK Set"), (r#"{"keys":[]}"#, "it has no Ed25519 key")] {
        std::fs::write(&path, content).unwrap();
        let ended = run(offline(&arguments), "").await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(expected) && ended.stderr.contains("jwks.json"), "{ended:?}");
    }
}

#[tokio::test]
async fn without_a_secret_or_public_keys_nothing_is_verified() {
    let ended = run(offline(&["verify"]), "").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("SIGNPOST_SIGNING_SECRET") && ended.stderr.contains("--jwks"), "{ended:?}");
}
