use domain::foundation::id::EventId;

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
    judge(&read_request(&mut request.as_bytes(), false).unwrap(), vec![secret], at)
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
    assert_eq!(judgement.json()["findings"][0]["detail"], UNEXPLAINED);
}

#[test]
fn one_of_several_secrets_is_enough() {
    let (secret, request) = webhook(BODY);
    let captured = read_request(&mut request.as_bytes(), false).unwrap();
    assert!(judge(&captured, vec![SigningSecret::generate(&SystemRandom), secret], now()).verifies());
}

#[test]
fn a_mistake_in_the_code_of_the_receiver_is_found() {
    let (secret, request) = webhook(BODY);
    let mut captured = read_request(&mut request.as_bytes(), false).unwrap();
    captured.computed_signature = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
    let judgement = judge(&captured, vec![secret], now());
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
    assert!(matches!(read(" \n"), CommandError::NoSecret));
}
