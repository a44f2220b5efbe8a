use std::time::Instant;

use super::*;

const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STRANGE: &str = "whsec_AyZJbJe63QArTnGUv+IFKFN2mbznCi1Q";
const NOW: i64 = 1_764_000_000;

fn case(expect: &str) -> Case {
    serde_json::from_str(&format!(r#"{{"name":"a","rule":"","expect":{expect}}}"#)).unwrap()
}

/// The sender of a test: it is right unless a test changes something.
struct Sender {
    start: Instant,
    record: Record,
}

impl Sender {
    fn new() -> Self {
        Self { start: Instant::now(), record: Record { secrets: vec![OLD.to_owned()], ..Record::default() } }
    }

    /// Makes an attempt `seconds` after the start.
    fn sends(self, seconds: u64, id: &str) -> Self {
        self.sends_signed(seconds, id, &[OLD])
    }

    fn sends_signed(mut self, seconds: u64, id: &str, secrets: &[&str]) -> Self {
        let (unix_seconds, body) = (NOW + i64::try_from(seconds).unwrap(), br#"{"n":1}"#.to_vec());
        let timestamp = unix_seconds.to_string();
        let signatures: Vec<_> = secrets.iter().map(|secret| signature::sign(secret, id, &timestamp, &body)).collect();
        let headers =
            [("webhook-id", id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signatures.join(" "))];
        let at = self.start + Duration::from_secs(seconds);
        self.record.arrivals.push(Arrival {
            at,
            unix_seconds,
            method: "POST".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body,
            ended_at: Some(at),
            given_up_after: None,
            body_taken: 0,
        });
        self
    }

    /// Changes the last attempt and signs it again.
    fn but(mut self, change: impl FnOnce(&mut Arrival)) -> Self {
        let last = self.record.arrivals.last_mut().unwrap();
        change(last);
        let header = |name| last.header(name).unwrap_or_default().to_owned();
        let signature = signature::sign(OLD, &header("webhook-id"), &header("webhook-timestamp"), &last.body);
        set(last, "webhook-signature", &signature);
        self
    }

    /// Changes the last attempt, whose signature stays.
    fn tampers(mut self, change: impl FnOnce(&mut Arrival)) -> Self {
        change(self.record.arrivals.last_mut().unwrap());
        self
    }

    fn faults(&self, expect: &str) -> Vec<String> {
        faults(&case(expect), &self.record)
    }
}

fn set(arrival: &mut Arrival, name: &str, value: &str) {
    for (_, old) in arrival.headers.iter_mut().filter(|(header, _)| header == name) {
        value.clone_into(old);
    }
}

#[test]
fn a_right_sender_passes() {
    assert_eq!(Sender::new().sends(0, "a").faults("{}"), Vec::<String>::new());
    assert_eq!(Sender::new().sends(0, "a").sends(5, "a").faults(r#"{"requests":2}"#), Vec::<String>::new());
    assert_eq!(Sender::new().sends(0, "a").sends(5, "b").faults(r#"{"requests":2,"ids":2}"#), Vec::<String>::new());
}

#[test]
fn a_sender_that_signs_badly_fails() {
    let fault = ["request 1: no v1 signature fits id, timestamp and body"];
    assert_eq!(Sender::new().sends_signed(0, "a", &[STRANGE]).faults("{}"), fault);
    let changed_after_signing = [
        Sender::new().sends(0, "a").tampers(|arrival| arrival.body.push(b' ')),
        Sender::new().sends(0, "a").tampers(|arrival| set(arrival, "webhook-id", "b")),
        Sender::new().sends(0, "a").tampers(|arrival| set(arrival, "webhook-timestamp", &(NOW + 1).to_string())),
    ];
    assert!(changed_after_signing.iter().all(|sender| sender.faults("{}") == fault));
}

#[test]
fn a_sender_whose_header_has_the_wrong_form_fails() {
    let commas = Sender::new().sends(0, "a").tampers(|arrival| {
        let signature = arrival.header("webhook-signature").unwrap().to_owned();
        set(arrival, "webhook-signature", &format!("{signature},{signature}"));
    });
    assert!(commas.faults("{}").contains(&"request 1: webhook-signature has the wrong form".to_owned()));
    let full_stop = Sender::new().sends(0, "a.b");
    assert_eq!(full_stop.faults("{}"), ["request 1: webhook-id has a full stop"]);
}

#[test]
fn a_sender_that_leaves_out_or_repeats_a_header_fails() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let fault = format!("request 1: {name} is not there exactly once");
        let without =
            Sender::new().sends(0, "a").tampers(|arrival| arrival.headers.retain(|(header, _)| header != name));
        assert!(without.faults("{}").contains(&fault), "{name}");
        let twice = Sender::new().sends(0, "a").tampers(|arrival| arrival.headers.extend(arrival.headers.clone()));
        assert!(twice.faults("{}").contains(&fault), "{name}");
    }
}

#[test]
fn a_sender_with_another_method_or_an_unreadable_body_fails() {
    let put = Sender::new().sends(0, "a").tampers(|arrival| "PUT".clone_into(&mut arrival.method));
    assert_eq!(put.faults("{}"), ["request 1: method PUT instead of POST"]);
    let latin = Sender::new().sends(0, "a").but(|arrival| arrival.body = vec![0xE9]);
    assert_eq!(latin.faults("{}"), ["request 1: the body is not UTF-8"]);
}

#[test]
fn a_sender_that_changes_the_id_of_a_retry_fails() {
    let sender = Sender::new().sends(0, "a").sends(5, "b");
    assert_eq!(sender.faults(r#"{"requests":2}"#), ["2 different ids instead of 1"]);
}

#[test]
fn a_sender_that_gives_two_events_one_id_fails() {
    let sender = Sender::new().sends(0, "a").sends(5, "a");
    assert_eq!(sender.faults(r#"{"requests":2,"ids":2}"#), ["1 different ids instead of 2"]);
}

#[test]
fn a_sender_that_changes_the_body_of_a_retry_fails() {
    let sender = Sender::new().sends(0, "a").sends(5, "a").but(|arrival| arrival.body = b"{}".to_vec());
    assert_eq!(sender.faults(r#"{"requests":2}"#), ["the body of a later attempt is different"]);
}

#[test]
fn a_sender_that_does_not_renew_the_timestamp_fails() {
    let sender = Sender::new().sends(0, "a").sends(5, "a");
    let sender = sender.but(|arrival| set(arrival, "webhook-timestamp", &NOW.to_string()));
    assert_eq!(sender.faults(r#"{"requests":2}"#), ["the timestamp of a later attempt is not renewed"]);
}

#[test]
fn a_sender_whose_timestamp_is_not_now_in_seconds_fails() {
    let sends = |timestamp: &str| {
        let sender = Sender::new().sends(0, "a").but(|arrival| set(arrival, "webhook-timestamp", timestamp));
        sender.faults("{}")
    };
    let milliseconds = (NOW * 1000).to_string();
    assert_eq!(sends(&milliseconds), ["request 1: webhook-timestamp is not the time of the attempt"]);
    assert_eq!(sends(&(NOW - 301).to_string()), ["request 1: webhook-timestamp is not the time of the attempt"]);
    assert_eq!(sends("2025-11-24T16:00:00Z"), ["request 1: webhook-timestamp is not a number of seconds"]);
    assert_eq!(sends(&(NOW - 300).to_string()), Vec::<String>::new());
}

#[test]
fn a_sender_that_does_not_retry_or_retries_a_success_fails() {
    assert_eq!(Sender::new().faults("{}"), ["0 requests instead of 1"]);
    assert_eq!(Sender::new().sends(0, "a").faults(r#"{"requests":2}"#), ["1 requests instead of 2"]);
    assert_eq!(Sender::new().sends(0, "a").sends(5, "a").faults("{}"), ["2 requests instead of 1"]);
    let range = r#"{"requests":{"min":2,"max":3}}"#;
    assert_eq!(Sender::new().sends(0, "a").faults(range), ["1 requests instead of 2 to 3"]);
}

#[test]
fn a_sender_that_follows_a_redirect_fails() {
    let mut sender = Sender::new().sends(0, "a");
    sender.record.followed_redirects = 1;
    assert_eq!(sender.faults("{}"), ["followed a redirect"]);
}

#[test]
fn a_sender_that_ignores_retry_after_fails() {
    let expect = r#"{"requests":2,"waits":8}"#;
    assert_eq!(Sender::new().sends(0, "a").sends(5, "a").faults(expect), ["waited 5.0 s instead of at least 8 s"]);
    assert_eq!(Sender::new().sends(0, "a").sends(8, "a").faults(expect), Vec::<String>::new());
}

#[test]
fn a_sender_that_signs_with_one_secret_during_a_rotation_fails() {
    let rotating = |secrets: &[&str]| {
        let mut sender = Sender::new().sends_signed(0, "a", secrets);
        sender.record.secrets.push(NEW.to_owned());
        sender
    };
    let expect = r#"{"signedByAll":true}"#;
    assert_eq!(rotating(&[OLD]).faults(expect), ["request 1: not signed with every secret"]);
    assert_eq!(rotating(&[NEW]).faults(expect), ["request 1: not signed with every secret"]);
    assert_eq!(rotating(&[NEW, OLD]).faults(expect), Vec::<String>::new());
    assert_eq!(signers(&rotating(&[NEW, OLD]).record), [1, 0]);
}

#[test]
fn a_sender_that_waits_too_long_fails() {
    let waits = |seconds: Option<u64>| {
        let gave_up = seconds.map(Duration::from_secs);
        Sender::new().sends(0, "a").tampers(|arrival| arrival.given_up_after = gave_up).faults(r#"{"closesWithin":35}"#)
    };
    assert_eq!(waits(None), ["waited for an answer for more than 35 s"]);
    assert_eq!(waits(Some(36)), ["waited for an answer for more than 35 s"]);
    assert_eq!(waits(Some(15)), Vec::<String>::new());
}

#[test]
fn a_sender_that_reads_a_huge_answer_to_its_end_fails() {
    let reads = |bytes| {
        let sender = Sender::new().sends(0, "a").tampers(|arrival| arrival.body_taken = bytes);
        sender.faults(r#"{"readsAtMost":1000}"#)
    };
    assert_eq!(reads(1001), ["took more than 1000 bytes of the answer"]);
    assert_eq!(reads(1000), Vec::<String>::new());
}

#[test]
fn a_sender_that_accepts_an_untrusted_certificate_fails() {
    let expect = r#"{"requests":0,"refusedHandshakes":2}"#;
    let faults = ["1 requests instead of 0", "0 TLS handshakes broken off instead of at least 2"];
    assert_eq!(Sender::new().sends(0, "a").faults(expect), faults);
    let mut sender = Sender::new();
    sender.record.refused_handshakes = 2;
    assert_eq!(sender.faults(expect), Vec::<String>::new());
}
