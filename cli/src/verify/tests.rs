use domain::foundation::id::{EventId, KeyPairId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::key_pair::KeyPairs;
use serde_json::json;

use super::judgement::{Judgement, Part, UNEXPLAINED};
use super::*;

const NOW: &str = "2026-11-22T08:30:00Z";
const BODY: &str = r#"{"b":1,"a":"é"}"#;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A signed webhook: the secret, and the request with `body` in place of [`BODY`].
fn webhook(body: &str) -> (SigningSecret, String) {
    let (secret, id) = (SigningSecret::generate(&SystemRandom), EventId::new(now(), &SystemRandom));
    let (seconds, signature) = (now().as_seconds(), secret.sign(id, now(), BODY.as_bytes()));
    let headers = format!("webhook-id: {id}\r\nwebhook-timestamp: {seconds}\r\nwebhook-signature: {signature}");
    (secret, format!("POST /hook HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{body}"))
}

fn check(request: &str, secret: SigningSecret, at: Timestamp) -> Judgement {
    judge(&read_request(&mut request.as_bytes(), false).unwrap(), given([secret], []), at)
}

fn given(secrets: impl Into<Vec<SigningSecret>>, keys: impl Into<Vec<Jwk>>) -> Verifiers {
    Verifiers { secrets: secrets.into(), keys: keys.into() }
}

/// The same webhook with the signature of a new key pair, after its `v1` signature or alone. Also returns the public key.
fn asymmetric(request: &str, is_only: bool) -> (Jwk, CapturedWebhook) {
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
    let (project, id) = (ProjectId::new(now(), &SystemRandom), KeyPairId::new(now(), &SystemRandom));
    let pairs = KeyPairs::first(id, project, &ring, &SystemRandom);
    let mut captured = read_request(&mut request.as_bytes(), false).unwrap();
    let event_id = captured.webhook_id().unwrap().parse().unwrap();
    let signature = pairs.open(&ring).unwrap().signing_at(now()).sign(event_id, now(), BODY.as_bytes());
    let (before, v1) = captured.headers.split_once("webhook-signature: ").unwrap();
    let kept = if is_only { "" } else { v1.trim_end() };
    captured.headers = format!("{before}webhook-signature: {kept} {signature}");
    let pair = pairs.listed_at(now()).next().unwrap();
    (Jwk { kid: Some(pair.id.to_string()), key: pair.public_key }, captured)
}

/// The sentences of the findings.
fn details(judgement: &Judgement) -> Vec<String> {
    let json = judgement.json();
    let findings = json["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["detail"].as_str().unwrap().to_owned()).collect()
}

fn states(judgement: &Judgement) -> [Option<&'static str>; 3] {
    [Part::Signature, Part::Time, Part::Body].map(|part| judgement.state(part))
}

#[test]
fn an_unchanged_request_verifies() {
    let (secret, request) = webhook(BODY);
    let judgement = check(&request, secret, now());
    assert!(judgement.verifies());
    assert_eq!(states(&judgement), [Some("valid"), Some("current"), Some("unchanged")]);
}

#[test]
fn an_old_request_is_only_out_of_time() {
    let (secret, request) = webhook(BODY);
    let judgement = check(&request, secret, now().plus(std::time::Duration::from_hours(1)));
    assert!(!judgement.verifies());
    assert_eq!(states(&judgement), [Some("valid"), Some("off"), Some("unchanged")]);
    assert!(judgement.json()["findings"][0]["detail"].as_str().unwrap().starts_with("3600 s old. "));
}

#[test]
fn a_body_that_was_written_again_is_named() {
    let (secret, request) = webhook(r#"{"b": 1, "a": "é"}"#);
    let judgement = check(&request, secret, now());
    assert_eq!(states(&judgement), [Some("invalid"), Some("current"), Some("changed")]);
    assert_eq!(judgement.json()["findings"][0]["difference"], "white-space");
    assert_eq!(judgement.json()["findings"][0]["part"], "body");
}

#[test]
fn a_wrong_secret_is_named_as_the_likely_cause() {
    let (_, request) = webhook(BODY);
    let judgement = check(&request, SigningSecret::generate(&SystemRandom), now());
    assert_eq!(states(&judgement), [Some("invalid"), Some("current"), Some("unknown")]);
    assert_eq!(details(&judgement), [format!("None of the given secrets {UNEXPLAINED}")]);
}

#[test]
fn one_of_several_secrets_is_enough() {
    let (secret, request) = webhook(BODY);
    let captured = read_request(&mut request.as_bytes(), false).unwrap();
    let judgement = judge(&captured, given([SigningSecret::generate(&SystemRandom), secret], []), now());
    assert!(judgement.verifies());
    assert_eq!(judgement.json()["signedBy"], json!([{ "scheme": "v1", "secret": 2 }]));
}

#[test]
fn a_public_key_verifies_and_every_matching_signature_is_named() {
    let (secret, request) = webhook(BODY);
    let (key, captured) = asymmetric(&request, false);
    let v1 = json!({ "scheme": "v1", "secret": 1 });
    let v1a = json!({ "scheme": "v1a", "kid": key.kid });
    for (verifiers, signed_by) in [
        (given([secret.clone()], [key.clone()]), json!([v1, v1a])),
        (given([], [key.clone()]), json!([v1a])),
        (given([secret.clone()], []), json!([v1])),
    ] {
        let judgement = judge(&captured, verifiers, now());
        assert_eq!(states(&judgement), [Some("valid"), Some("current"), Some("unchanged")]);
        assert_eq!(judgement.json()["signedBy"], signed_by);
    }

    let (key, captured) = asymmetric(&request, true);
    let judgement = judge(&captured, given([secret], [key]), now());
    assert_eq!((judgement.verifies(), details(&judgement)), (true, Vec::new()));
}

#[test]
fn a_body_that_was_written_again_is_named_by_a_public_key_too() {
    let (_, request) = webhook(BODY);
    let (key, captured) = asymmetric(&request, true);
    let captured = CapturedWebhook { body: r#"{"b": 1, "a": "é"}"#.to_owned(), ..captured };
    let judgement = judge(&captured, given([], [key]), now());
    assert_eq!(states(&judgement), [Some("invalid"), Some("current"), Some("changed")]);
    assert_eq!(judgement.json()["signedBy"], json!([]));
}

#[test]
fn a_missing_or_wrong_public_key_is_named() {
    let (secret, request) = webhook(BODY);
    let (_, captured) = asymmetric(&request, true);
    let (other, mixed) = asymmetric(&request, false);
    let (wrong, _) = asymmetric(&request, true);
    let plain = read_request(&mut request.as_bytes(), false).unwrap();
    for (captured, verifiers, detail) in [
        (&captured, given([secret], []), "The webhook has only v1a signatures."),
        (&captured, given([], [other]), "None of the given public keys verifies"),
        (&mixed, given([], [wrong.clone()]), "None of the given public keys verifies"),
        (
            &mixed,
            given([SigningSecret::generate(&SystemRandom)], [wrong.clone()]),
            "None of the given secrets and public",
        ),
        (&plain, given([], [wrong]), "The webhook has only v1 signatures"),
    ] {
        let judgement = judge(captured, verifiers, now());
        assert_eq!(states(&judgement), [Some("invalid"), Some("current"), Some("unknown")]);
        // The second finding of a webhook with two signatures is that it has several.
        assert!(details(&judgement)[0].starts_with(detail), "{:?}", details(&judgement));
    }
}

#[test]
fn a_mistake_in_the_code_of_the_receiver_is_found() {
    let (secret, request) = webhook(BODY);
    let mut captured = read_request(&mut request.as_bytes(), false).unwrap();
    captured.computed_signature = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
    let judgement = judge(&captured, given([secret], []), now());
    assert_eq!(judgement.json()["findings"][0]["code"], "computed-unknown");
    assert_eq!(judgement.state(Part::Code), Some("wrong"));
}

#[test]
fn a_request_is_split_at_its_first_empty_line() {
    assert_eq!(split(b"a: b\r\n\r\nx\n\ny"), Some((&b"a: b"[..], &b"x\n\ny"[..])));
    assert_eq!(split(b"a: b\n\nx\r\n\r\ny"), Some((&b"a: b"[..], &b"x\r\n\r\ny"[..])));
    assert_eq!(split(b"a: b\n\n"), Some((&b"a: b"[..], &b""[..])));
    assert_eq!(split(b"a: b\n"), None);
}

#[test]
fn input_that_cannot_be_a_request_is_wrong_usage() {
    let read = |input: &[u8]| read_request(&mut &*input, false).unwrap_err();
    assert!(matches!(read(b"{}"), CommandError::NotARequest));
    assert!(matches!(read(b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), CommandError::Chunked));
    let large = [b"a: b\n\n".to_vec(), vec![b'x'; MAX_INPUT_BYTES]].concat();
    assert!(matches!(read(&large), CommandError::TooLarge("body", MAX_CAPTURED_BODY_BYTES)));
    assert!(matches!(read_request(&mut &b""[..], true), Err(CommandError::NoRequest)));
}

#[test]
fn errors_do_not_show_the_secret() {
    let read = |value: &str| secrets(None, |_| Some(value.to_owned())).unwrap_err();
    let error = read("whsec_c2VjcmV0");
    assert_eq!(
        domain::foundation::error_chain::chain(&error),
        "the signing secret cannot be used: must be whsec_ and the base64 of 24 to 64 bytes, with padding"
    );
    assert!(secrets(None, |_| Some(" \n".to_owned())).unwrap().is_empty());
}
