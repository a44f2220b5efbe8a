use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use http::HeaderMap;
use proptest::prelude::*;
use proptest::sample::select;

use super::json::Json;
use super::style::STYLES;
use super::*;
use crate::foundation::clock::{Clock, SystemClock};
use crate::foundation::draft::Draft;
use crate::foundation::id::{EndpointId, EventId, KeyPairId, ProjectId, SecretKeyId};
use crate::foundation::key_ring::KeyRing;
use crate::foundation::overlap::Overlap;
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::return_urls::{KeyIssue, SecretKeys};
use crate::webhooks::address::AddressGuard;
use crate::webhooks::endpoint::{Endpoint, Format, NewEndpoint, Payload, SecretRotation};
use crate::webhooks::event::{Event, EventType};
use crate::webhooks::key_pair::KeyPairs;
use crate::webhooks::request::{self, EndpointSecrets, ProjectKeys};
use crate::webhooks::signature::{SignatureScheme, SigningSecret, mac, signed_content};
use crate::webhooks::test_send::SentRequest;

const DATA: &str = r#"{"name":"Zoë 한","score":1.10,"tags":["a/b","<c>"], "n":12345678901234567890}"#;

/// A webhook as webhook-sender sends it.
struct Scene {
    endpoint: Endpoint,
    event: Event,
    secret_keys: SecretKeys,
    keys: ProjectKeys,
    headers: HeaderMap,
    body: String,
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

fn endpoint(project: ProjectId, settings: &str) -> Endpoint {
    let body = format!(r#"{{"url":"https://example.com/"{settings}}}"#);
    let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &AddressGuard::default()).unwrap();
    let secret = SigningSecret::generate(&SystemRandom);
    new.create(EndpointId::new(now(), &SystemRandom), project, &secret, &ring(), &SystemRandom)
}

/// Issues another key that is current at once.
fn issue_secret_key(keys: &mut SecretKeys) {
    let issue = KeyIssue { overlap: Overlap::NONE, secret_key: None };
    keys.issue(SecretKeyId::new(now(), &SystemRandom), issue, now(), &ring(), &SystemRandom).unwrap();
}

impl Scene {
    fn with(settings: &str, data: &str) -> Self {
        Self::sent_at(now(), settings, data)
    }

    fn sent_at(at: Timestamp, settings: &str, data: &str) -> Self {
        let project_id = ProjectId::new(now(), &SystemRandom);
        let event = Event {
            id: EventId::new(now(), &SystemRandom),
            project_id,
            event_type: EventType::Approved,
            submission_id: None,
            sequence: None,
            occurred_at: now(),
            data: data.to_owned().try_into().unwrap(),
        };
        let mut secret_keys = SecretKeys::none(project_id);
        issue_secret_key(&mut secret_keys);
        let pairs = KeyPairs::first(KeyPairId::new(now(), &SystemRandom), project_id, &ring(), &SystemRandom);
        let keys = ProjectKeys { secret_key: secret_keys.current_at(now()).cloned(), key_pairs: Some(pairs) };
        let endpoint = endpoint(project_id, settings);
        let mut scene = Self { endpoint, event, secret_keys, keys, headers: HeaderMap::new(), body: String::new() };
        scene.send(at);
        scene
    }

    fn send(&mut self, at: Timestamp) {
        let secrets = EndpointSecrets::of(&self.endpoint, &self.keys, &ring()).unwrap();
        let body = request::body(&secrets, &self.event, &SystemRandom);
        self.headers = request::headers(&secrets, &self.event, 1, at, &body);
        self.body = String::from_utf8(body).unwrap();
    }

    fn rotate(&mut self, body: &str) {
        let rotation = SecretRotation::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let secret = SigningSecret::generate(&SystemRandom);
        self.endpoint.rotate_secret(&secret, &rotation, now(), &ring(), &SystemRandom).unwrap();
    }

    fn captured(&self) -> CapturedWebhook {
        let line =
            |(name, value): (&http::HeaderName, &http::HeaderValue)| format!("{name}: {}\n", value.to_str().unwrap());
        let headers = self.headers.iter().map(line).collect();
        CapturedWebhook { headers, body: self.body.clone(), computed_signature: None }
    }

    /// The finding that the body is cut off after `bytes`.
    fn truncated(&self, bytes: usize) -> Finding {
        Finding::BodyTruncated { bytes, sent_bytes: Some(self.body.len()) }
    }

    /// What is known if the event is no longer stored.
    fn secrets(&self) -> Known {
        Known::of(&self.endpoint, [&self.endpoint], self.keys.key_pairs.as_ref(), &ring(), now()).unwrap()
    }

    fn known(&self) -> Known {
        let secret_keys = self.secret_keys.open_valid_at(now(), &ring()).unwrap();
        self.secrets().with_event(&self.event, &self.endpoint, &secret_keys)
    }

    fn secret(&self) -> SigningSecret {
        self.secrets().secrets[0].secret.clone()
    }

    /// Checks the webhook with this body.
    fn check_body(&self, body: &str) -> Vec<Finding> {
        CapturedWebhook { body: body.to_owned(), ..self.captured() }.check(&self.known(), now()).findings
    }

    fn check_headers(&self, change: impl Fn(String) -> String) -> Vec<Finding> {
        let captured = self.captured();
        CapturedWebhook { headers: change(captured.headers), ..captured }.check(&self.known(), now()).findings
    }

    /// Checks the webhook with a signature that code computed with this key over `content`, in which `{body}` is the body.
    fn check_computed(&self, key: &[u8], content: &[u8]) -> Vec<Finding> {
        self.check_signature(BASE64_STANDARD.encode(mac(key, content)))
    }

    fn check_signature(&self, computed: String) -> Vec<Finding> {
        let captured = CapturedWebhook { computed_signature: Some(computed), ..self.captured() };
        captured.check(&self.known(), now()).findings
    }

    fn content(&self, body: &str) -> Vec<u8> {
        signed_content(&self.event.id.to_string(), now().as_seconds(), body.as_bytes())
    }
}

fn settings() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        r#","format":"argos""#,
        r#","signatures":["v1a"]"#,
        r#","signatures":["v1","v1a"]"#,
        r#","encryption":"aes-256-ecb""#,
        r#","encryption":"aes-256-gcm""#,
    ])
}

fn objects() -> impl Strategy<Value = String> {
    let value =
        prop_oneof!["\\PC{0,8}".prop_map(serde_json::Value::from), any::<i64>().prop_map(serde_json::Value::from)];
    proptest::collection::btree_map("\\PC{0,6}", value, 0..5)
        .prop_map(|members| serde_json::to_string(&members).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_webhook_as_it_was_sent_verifies(settings in settings(), data in objects()) {
        let scene = Scene::with(settings, &data);
        for known in [scene.known(), scene.secrets()] {
            let check = scene.captured().check(&known, now());
            prop_assert!(check.verifies && !check.signers.is_empty());
            let is_harmless = |finding: &Finding| finding.is_remark() || *finding == Finding::OnlyAsymmetric;
            prop_assert!(check.findings.iter().all(is_harmless), "{:?}", check.findings);
        }
    }

    #[test]
    fn the_check_agrees_with_the_public_library(
        data in objects(),
        body in prop_oneof![Just(None), "\\PC{0,20}".prop_map(Some)],
        header in select(vec!["webhook-id", "webhook-timestamp", "webhook-signature", "none"]),
        value in "[ -~]{0,60}",
    ) {
        let mut scene = Scene::sent_at(SystemClock.now(), "", &data);
        scene.body = body.unwrap_or(scene.body);
        if header != "none" {
            scene.headers.insert(header, value.parse().unwrap());
        }
        let library = standardwebhooks::Webhook::new(&scene.secret().expose()).unwrap();
        let accepted = library.verify(scene.body.as_bytes(), &scene.headers).is_ok();
        prop_assert_eq!(scene.captured().check(&scene.known(), SystemClock.now()).verifies, accepted);
    }

    #[test]
    fn a_body_that_was_written_again_is_explained_with_and_without_the_event(
        data in objects(),
        style in select(STYLES.to_vec()),
    ) {
        let scene = Scene::with("", &data);
        let written = Json::parse(&scene.body).unwrap().write(style);
        let is_explained = |findings: &[Finding]| match findings {
            [] => written == scene.body,
            [finding] => matches!(finding, Finding::BodyReserialized { .. }),
            _ => false,
        };
        let findings = scene.check_body(&written);
        prop_assert!(is_explained(&findings), "{findings:?} {written}");
        // Without the event, the sent body can be found only if it was compact, and its digits and order are the same.
        let compact = Json::parse(&written).unwrap().compact();
        let without = CapturedWebhook { body: written.clone(), ..scene.captured() };
        let without = without.check(&scene.secrets(), now()).findings;
        prop_assert_eq!(is_explained(&without), compact == scene.body, "{:?} {}", without, written);
    }

    #[test]
    fn a_body_that_is_cut_off_is_explained(data in objects(), percent in 1_usize..99) {
        let scene = Scene::with("", &data);
        let end = scene.body.len() * percent / 100;
        let at = (0..=end).rev().find(|at| scene.body.is_char_boundary(*at)).unwrap();
        let pasted = &scene.body[..at];
        prop_assume!(!pasted.trim().is_empty());
        let expected = Finding::BodyTruncated { bytes: pasted.len(), sent_bytes: Some(scene.body.len()) };
        prop_assert_eq!(scene.check_body(pasted), [expected]);
    }

    #[test]
    fn checking_untrusted_input_never_panics(
        headers in "(\\PC|\n){0,80}",
        body in "(\\PC|[\r\n\\[\\]{}\",:]){0,80}",
        computed in "\\PC{0,70}",
        index in 0_usize..4,
    ) {
        let scene = Scene::with("", DATA);
        let real = scene.captured();
        let computed_signature = Some(computed.clone());
        let signed = |body| CapturedWebhook { body, computed_signature: computed_signature.clone(), ..real.clone() };
        let captured = match index {
            0 => CapturedWebhook { headers, body, computed_signature: Some(computed) },
            1 => CapturedWebhook { headers: real.headers + &headers, body, computed_signature: None },
            2 => signed(body),
            _ => signed(format!("{}{body}", real.body)),
        };
        captured.check(&scene.known(), now());
        captured.check(&scene.secrets(), now());
    }
}

#[test]
fn changes_of_the_body_are_explained_even_if_the_event_is_not_stored() {
    let scene = Scene::with("", "{\"a\":\"é\",\n\"b\":1}");
    let read_as_latin_1: String = scene.body.bytes().map(char::from).collect();
    for (body, expected) in [
        (format!("{}\n", scene.body), Finding::BodyPadded),
        (format!("\u{feff}{}", scene.body), Finding::BodyByteOrderMark),
        (scene.body.replace('\n', "\r\n"), Finding::BodyLineBreaks),
        (read_as_latin_1, Finding::BodyEncoding),
    ] {
        let check = CapturedWebhook { body, ..scene.captured() }.check(&scene.secrets(), now());
        assert_eq!((check.verifies, check.has_original, &check.findings[..]), (false, false, &[expected][..]));
    }
    let changed = CapturedWebhook { body: "{\"a\":1}".to_owned(), ..scene.captured() };
    assert_eq!(changed.check(&scene.secrets(), now()).findings, [Finding::Unexplained]);
}

#[test]
fn a_changed_body_is_compared_with_the_event() {
    let scene = Scene::with("", DATA);
    let changed = Finding::BodyChanged { pointer: Some("/data/score".to_owned()) };
    assert_eq!(scene.check_body(&scene.body.replace("1.10", "2")), [changed]);
    let argos = String::from_utf8(request::plain_body(Format::Argos, Payload::Full, &scene.event)).unwrap();
    assert!(matches!(&scene.check_body(&argos)[..], [Finding::BodyChanged { .. }]));
    let captured = CapturedWebhook { body: "{}".to_owned(), ..scene.captured() };
    assert!(captured.check(&scene.known(), now()).has_original);
}

#[test]
fn a_webhook_that_was_sent_in_an_earlier_format_is_still_compared() {
    let mut scene = Scene::with(r#","format":"argos""#, DATA);
    scene.endpoint.format = Format::Standard;
    assert_eq!(scene.check_body(&format!("{} ", scene.body)), [Finding::BodyPadded]);
}

#[test]
fn a_webhook_with_an_earlier_payload_or_as_a_cloud_event_is_still_compared() {
    for settings in
        [r#","payload":"thin""#, r#","format":"cloudevents""#, r#","format":"cloudevents","payload":"thin""#]
    {
        let mut scene = Scene::with(settings, DATA);
        assert_eq!(scene.check_body(&scene.body), [], "{settings}");
        (scene.endpoint.format, scene.endpoint.payload) = (Format::Standard, Payload::Full);
        assert_eq!(scene.check_body(&scene.body[..20]), [scene.truncated(20)], "{settings}");
    }
}

#[test]
fn the_headers_that_are_looked_for_are_those_that_are_sent() {
    let sent = [request::WEBHOOK_ID, request::WEBHOOK_TIMESTAMP, request::WEBHOOK_SIGNATURE];
    assert_eq!(WebhookHeader::ALL.map(WebhookHeader::as_str), sent.each_ref().map(http::HeaderName::as_str));
}

#[test]
fn a_decrypted_body_is_recognised() {
    for encryption in ["aes-256-ecb", "aes-256-gcm"] {
        let scene = Scene::with(&format!(r#","encryption":"{encryption}""#), DATA);
        let plain = String::from_utf8(request::plain_body(Format::Standard, Payload::Full, &scene.event)).unwrap();
        for body in [plain.clone(), Json::parse(&plain).unwrap().compact()] {
            assert_eq!(scene.check_body(&body), [Finding::BodyDecrypted], "{encryption}");
        }
    }
}

#[test]
fn a_body_that_the_previous_secret_key_encrypted_is_as_it_was_sent() {
    let mut scene = Scene::with(r#","encryption":"aes-256-ecb""#, DATA);
    issue_secret_key(&mut scene.secret_keys);
    assert_eq!(scene.check_body(&scene.body), []);
    assert_eq!(scene.check_body(&scene.body[..20]), [scene.truncated(20)]);
}

#[test]
fn another_encrypted_body_is_compared_unless_every_attempt_has_another_ciphertext() {
    let changed = Finding::BodyChanged { pointer: Some("/data".to_owned()) };
    for (encryption, expected) in [("aes-256-ecb", changed), ("aes-256-gcm", Finding::Unexplained)] {
        let scene = Scene::with(&format!(r#","encryption":"{encryption}""#), DATA);
        assert_eq!(scene.check_body(r#"{"data":"x"}"#), [expected]);
    }
}

#[test]
fn the_body_of_a_test_is_compared() {
    let scene = Scene::with(r#","encryption":"aes-256-gcm""#, DATA);
    let known = scene.secrets().with_test(&SentRequest::of(&scene.headers, scene.body.as_bytes()));
    let truncated = CapturedWebhook { body: scene.body[..20].to_owned(), ..scene.captured() };
    assert_eq!(truncated.check(&known, now()).findings, [scene.truncated(20)]);
}

#[test]
fn the_secret_that_signed_is_recognised() {
    let mut scene = Scene::with("", DATA);
    let sent = scene.captured();
    scene.rotate(r#"{"overlapDays":1}"#);
    let until = now().plus(Duration::from_hours(24));
    let check = sent.check(&scene.known(), now());
    assert_eq!((check.verifies, &check.findings[..]), (true, &[Finding::PreviousSecret { until }][..]));
    scene.send(now());
    assert_eq!(scene.check_body(&scene.body), [Finding::SeveralSignatures { count: 2 }]);

    scene.endpoint.end_previous_secrets();
    assert_eq!(sent.check(&scene.known(), now()).findings, [Finding::UnknownSecret]);
    let other = endpoint(scene.endpoint.project_id, "");
    let known = Known::of(&other, [&scene.endpoint, &other], None, &ring(), now()).unwrap();
    let check = CapturedWebhook { headers: scene.captured().headers, ..sent.clone() }.check(&known, now());
    assert!(check.findings.contains(&Finding::OtherEndpoint { endpoint_id: scene.endpoint.id }), "{check:?}");
}

#[test]
fn all_that_signed_the_webhook_is_named() {
    let mut scene = Scene::with(r#","signatures":["v1","v1a"]"#, DATA);
    scene.rotate(r#"{"overlapDays":1}"#);
    scene.send(now());
    let (captured, known) = (scene.captured(), scene.secrets());
    assert_eq!(captured.schemes(), [SignatureScheme::V1, SignatureScheme::V1, SignatureScheme::V1a]);
    assert_eq!(captured.check(&known, now()).signers, [Signer::Secret(0), Signer::Secret(1), Signer::KeyPair(0)]);
    let only_keys = Known { secrets: Vec::new(), ..known.clone() };
    assert_eq!(captured.check(&only_keys, now()).signers, [Signer::KeyPair(0)]);

    let changed = CapturedWebhook { body: captured.body.clone() + " ", ..captured };
    assert_eq!(changed.check(&known, now()).signers, []);
}

#[test]
fn what_is_wrong_with_the_headers_is_named() {
    let scene = Scene::with("", DATA);
    let (id, signature) = (scene.event.id.to_string(), scene.headers["webhook-signature"].to_str().unwrap().to_owned());
    let seconds = now().as_seconds();
    let missing = |header| [Finding::HeaderMissing { header }];
    let without = |name: &'static str| {
        let kept =
            move |text: String| text.lines().filter(|line| !line.starts_with(name)).collect::<Vec<_>>().join("\n");
        scene.check_headers(kept)
    };
    for header in WebhookHeader::ALL {
        assert_eq!(without(header.as_str()), missing(header));
    }
    let renamed = Finding::HeaderRenamed { header: WebhookHeader::Id, found: "HTTP_WEBHOOK_ID".to_owned() };
    assert_eq!(scene.check_headers(|text| text.replace("webhook-id", "HTTP_WEBHOOK_ID")), [renamed]);
    assert_eq!(scene.check_headers(|text| text.replace(&seconds.to_string(), "soon")), [Finding::TimestampMalformed]);
    let millis = format!("{seconds}000");
    let converted = Finding::TimestampConverted { seconds };
    assert_eq!(scene.check_headers(|text| text.replace(&seconds.to_string(), &millis)), [converted]);
    assert_eq!(scene.check_headers(|text| text.replace(&signature, &signature[3..])), [Finding::SignatureMalformed]);
    // The webhook of another id is compared with this event.
    let other = scene.check_headers(|text| text.replace(&id, &EventId::new(now(), &SystemRandom).to_string()));
    assert_eq!(other, [Finding::UnknownSecret]);
}

#[test]
fn the_age_is_a_remark() {
    let scene = Scene::with("", DATA);
    let check = scene.captured().check(&scene.known(), now().plus(Duration::from_mins(6)));
    assert_eq!((check.verifies, &check.findings[..]), (true, &[Finding::TimestampOld { seconds: 360 }][..]));
    let check = scene.captured().check(&scene.known(), now().minus(Duration::from_mins(6)));
    assert_eq!(check.findings, [Finding::TimestampAhead { seconds: 360 }]);
}

#[test]
fn mistakes_of_the_receivers_code_are_recognised() {
    let scene = Scene::with("", DATA);
    let (secret, body) = (scene.secret(), scene.body.as_str());
    let text = secret.expose();
    let content = scene.content(body);
    assert_eq!(scene.check_computed(secret.key(), &content), [Finding::ComputedMatches]);
    let hex = mac(secret.key(), &content).map(|byte| format!("{byte:02x}")).concat();
    assert_eq!(scene.check_signature(format!("sha256={hex}")), [Finding::ComputedHex]);

    // Node.js decodes 50 characters to 37 bytes, and ignores four bits.
    let mut decoded = BASE64_URL_SAFE.decode(format!("{}AA", text.replace('+', "-").replace('/', "_"))).unwrap();
    decoded.truncate(37);
    for (mistake, key) in [
        (KeyMistake::TextWithPrefix, text.clone().into_bytes()),
        (KeyMistake::TextWithoutPrefix, text.as_bytes()["whsec_".len()..].to_vec()),
        (KeyMistake::DecodedWithPrefix, decoded),
    ] {
        assert_eq!(scene.check_computed(&key, &content), [Finding::ComputedKey { mistake }]);
    }
    let (id, seconds) = (scene.event.id, now().as_seconds());
    for (kind, content) in [
        (SignedContent::Body, body.to_owned()),
        (SignedContent::TimestampAndBody, format!("{seconds}.{body}")),
        (SignedContent::TimestampFirst, format!("{seconds}.{id}.{body}")),
    ] {
        let expected = [Finding::ComputedContent { content: kind }];
        assert_eq!(scene.check_computed(secret.key(), content.as_bytes()), expected);
    }
    assert_eq!(scene.check_computed(b"something else", &content), [Finding::ComputedUnknown]);
    assert_eq!(scene.check_signature("hunter2".to_owned()), [Finding::ComputedMalformed]);
}

#[test]
fn the_body_that_the_receivers_code_signed_is_recognised() {
    let scene = Scene::with("", DATA);
    let (secret, body) = (scene.secret(), scene.body.as_str());
    let check = |body: &str| scene.check_computed(secret.key(), &scene.content(body));
    let from = |from| [Finding::ComputedBody { from }];
    assert_eq!(check(""), from(ComputedFrom::Empty));
    assert_eq!(check(&format!("{body}\n")), from(ComputedFrom::Padded));
    for style in STYLES {
        let written = Json::parse(body).unwrap().write(style);
        assert_eq!(check(&written), from(ComputedFrom::Reserialized), "{written}");
    }
    let read_as_latin_1: String = body.bytes().map(char::from).collect();
    assert_eq!(check(&read_as_latin_1), from(ComputedFrom::Encoding));

    let pasted = body.replace("1.10", "2");
    let computed = BASE64_STANDARD.encode(mac(secret.key(), &scene.content(&pasted)));
    let captured = CapturedWebhook { body: pasted, computed_signature: Some(computed), ..scene.captured() };
    let changed = Finding::BodyChanged { pointer: Some("/data/score".to_owned()) };
    let expected = [changed, Finding::ComputedBody { from: ComputedFrom::Pasted }];
    assert_eq!(captured.check(&scene.known(), now()).findings, expected);

    // Two mistakes at once.
    let written = Json::parse(body).unwrap().compact();
    let both = scene.check_computed(secret.expose().as_bytes(), &scene.content(&written));
    let mistake = Finding::ComputedKey { mistake: KeyMistake::TextWithPrefix };
    assert_eq!(both, [Finding::ComputedBody { from: ComputedFrom::Reserialized }, mistake]);
}

#[test]
fn the_secret_that_the_receivers_code_used_is_recognised() {
    let mut scene = Scene::with("", DATA);
    let (sent, first) = (scene.captured(), scene.secret());
    let computed = |scene: &Scene, secret: &SigningSecret| {
        Some(BASE64_STANDARD.encode(mac(secret.key(), &scene.content(&scene.body))))
    };
    scene.rotate(r#"{"overlapDays":1}"#);
    let until = now().plus(Duration::from_hours(24));
    let with_new = CapturedWebhook { computed_signature: computed(&scene, &scene.secret()), ..sent };
    let expected = [Finding::PreviousSecret { until }, Finding::ComputedCurrentSecret];
    assert_eq!(with_new.check(&scene.known(), now()).findings, expected);

    scene.send(now());
    let signature = scene.headers["webhook-signature"].to_str().unwrap().split(' ').next().unwrap().to_owned();
    let headers = format!(
        "webhook-id: {}\nwebhook-timestamp: {}\nwebhook-signature: {signature}",
        scene.event.id,
        now().as_seconds()
    );
    let with_old = CapturedWebhook { headers, computed_signature: computed(&scene, &first), ..scene.captured() };
    assert_eq!(with_old.check(&scene.known(), now()).findings, [Finding::ComputedPreviousSecret]);

    let other = endpoint(scene.endpoint.project_id, "");
    let known = Known::of(&scene.endpoint, [&other], None, &ring(), now()).unwrap();
    let used = known.secrets.last().unwrap().secret.clone();
    let with_other = CapturedWebhook { computed_signature: computed(&scene, &used), ..scene.captured() };
    let expected = Finding::ComputedOtherSecret { endpoint_id: other.id };
    assert!(with_other.check(&known, now()).findings.contains(&expected));
}
