use std::time::Duration;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyInit};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Aead;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::*;
use crate::foundation::clock::{Clock, SystemClock};
use crate::foundation::draft::Draft;
use crate::foundation::id::{EndpointId, KeyPairId, ProjectId, SecretKeyId};
use crate::foundation::overlap::Overlap;
use crate::foundation::random::SystemRandom;
use crate::return_urls::{KeyIssue, SecretKeys};
use crate::webhooks::address::AddressGuard;
use crate::webhooks::endpoint::NewEndpoint;
use crate::webhooks::event::{EventType, Sequence};

/// An endpoint with its project's keys and an event.
struct Scene {
    endpoint: Endpoint,
    secret: SigningSecret,
    secret_key: SecretKey,
    keys: ProjectKeys,
    event: Event,
}

impl Scene {
    /// A scene with an endpoint at `https://example.com/` and these further settings.
    fn with(settings: &str) -> Self {
        let body = format!(r#"{{"url":"https://example.com/"{settings}}}"#);
        let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &AddressGuard::default()).unwrap();
        let event = Event {
            id: EventId::new(now(), &SystemRandom),
            project_id: ProjectId::new(now(), &SystemRandom),
            event_type: EventType::Approved,
            submission_id: None,
            sequence: None,
            occurred_at: now(),
            data: r#"{"b":1.0, "a":[]}"#.to_owned().try_into().unwrap(),
        };
        let (project, secret) = (event.project_id, SigningSecret::generate(&SystemRandom));
        let endpoint =
            new.create(EndpointId::new(now(), &SystemRandom), project, &secret, &master_keys(), &SystemRandom);
        let secret_key = SecretKey::generate(&SystemRandom);
        let mut secret_keys = SecretKeys::none(project);
        let request = KeyIssue { overlap: Overlap::NONE, secret_key: Some(secret_key.clone()) };
        let key_id = SecretKeyId::new(now(), &SystemRandom);
        secret_keys.issue(key_id, request, now(), &master_keys(), &SystemRandom).unwrap();
        let pair_id = KeyPairId::new(now(), &SystemRandom);
        let keys = ProjectKeys {
            secret_key: secret_keys.current_at(now()).cloned(),
            key_pairs: Some(KeyPairs::first(pair_id, project, &master_keys(), &SystemRandom)),
        };
        Self { endpoint, secret, secret_key, keys, event }
    }

    fn opened(&self) -> EndpointSecrets {
        EndpointSecrets::of(&self.endpoint, &self.keys, &master_keys()).unwrap()
    }

    fn body(&self) -> Vec<u8> {
        body(&self.opened(), &self.event, &SystemRandom)
    }

    /// The decoded value of the body's only member, `data`.
    fn ciphertext(&self) -> Vec<u8> {
        let body: serde_json::Value = serde_json::from_slice(&self.body()).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1);
        BASE64_STANDARD.decode(body["data"].as_str().unwrap()).unwrap()
    }

    fn signatures(&self, at: Timestamp, body: &[u8]) -> Vec<String> {
        let headers = headers(&self.opened(), &self.event, 1, at, body);
        headers[WEBHOOK_SIGNATURE].to_str().unwrap().split(' ').map(ToOwned::to_owned).collect()
    }

    fn rotate_secret(&mut self, now: Timestamp) -> SigningSecret {
        let secret = SigningSecret::generate(&SystemRandom);
        let rotation = Draft::parse(b"{}").unwrap().try_into().unwrap();
        self.endpoint.rotate_secret(&secret, &rotation, now, &master_keys(), &SystemRandom).unwrap();
        secret
    }
}

fn now() -> Timestamp {
    // The independent library compares the timestamp with the system clock.
    SystemClock.now()
}

fn master_keys() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

#[test]
fn an_independent_library_verifies_our_signatures() {
    let scene = Scene::with(r#","headers":{"Authorization":"Bearer 1"}"#);
    let body = scene.body();
    let headers = headers(&scene.opened(), &scene.event, 3, now(), &body);

    standardwebhooks::Webhook::new(&scene.secret.expose()).unwrap().verify(&body, &headers).unwrap();
    assert_eq!(headers[WEBHOOK_ATTEMPT], "3");
    assert_eq!(headers["authorization"], "Bearer 1");
}

#[test]
fn the_number_of_an_event_is_in_the_header_in_every_format_and_in_the_standard_body() {
    for (format, is_in_body) in [("standard", true), ("argos", false)] {
        let mut scene = Scene::with(&format!(r#","format":"{format}""#));
        let sent = |scene: &Scene| headers(&scene.opened(), &scene.event, 1, now(), &scene.body());
        assert_eq!(sent(&scene).get(WEBHOOK_SEQUENCE), None);
        scene.event.sequence = Some(Sequence::after(2));
        assert_eq!(sent(&scene)[WEBHOOK_SEQUENCE], "3");
        let body = scene.body();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.get("sequence").and_then(serde_json::Value::as_u64), is_in_body.then_some(3), "{format}");
    }
}

#[test]
fn during_a_rotation_both_secrets_sign_the_newest_first() {
    let mut scene = Scene::with(r#","signatures":["v1a","v1"]"#);
    let (old, at) = (scene.secret.clone(), now());
    let new = scene.rotate_secret(at);
    let body = scene.body();
    let headers = headers(&scene.opened(), &scene.event, 1, at, &body);
    for secret in [&old, &new] {
        standardwebhooks::Webhook::new(&secret.expose()).unwrap().verify(&body, &headers).unwrap();
    }
    let signatures = scene.signatures(at, &body);
    let id = scene.event.id;
    assert_eq!(&signatures[..2], [new.sign(id, at, &body), old.sign(id, at, &body)]);
    assert!(signatures[2].starts_with("v1a,") && signatures.len() == 3);
}

#[test]
fn a_secret_stops_signing_when_it_expires_even_if_it_was_opened_before() {
    let mut scene = Scene::with("");
    let at = now();
    let new = scene.rotate_secret(at);
    let tomorrow = at.plus(Duration::from_hours(24));
    assert_eq!(scene.signatures(tomorrow.minus(Duration::from_millis(1)), b"{}").len(), 2);
    assert_eq!(scene.signatures(tomorrow, b"{}"), [new.sign(scene.event.id, tomorrow, b"{}")]);
}

#[test]
fn a_v1a_signature_verifies_with_the_listed_public_key() {
    let scene = Scene::with(r#","signatures":["v1a"]"#);
    let (body, at) = (scene.body(), now());
    let signatures = scene.signatures(at, &body);
    let [signature] = signatures.as_slice() else { panic!("{signatures:?}") };
    let signature = BASE64_STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
    let pairs = scene.keys.key_pairs.unwrap();
    let listed = String::from(pairs.listed_at(at).next().unwrap().public_key);
    let public_key = UnparsedPublicKey::new(&ED25519, BASE64_URL_SAFE_NO_PAD.decode(listed).unwrap());
    let content = [format!("{}.{}.", scene.event.id, at.as_seconds()).as_bytes(), &body].concat();
    public_key.verify(&content, &signature).unwrap();
}

#[test]
fn an_ecb_body_decrypts_to_the_plain_body() {
    let scene = Scene::with(r#","encryption":"aes-256-ecb""#);
    let key: [u8; 32] = scene.secret_key.expose().as_bytes().try_into().unwrap();
    let cipher = ecb::Decryptor::<Aes256>::new(&key.into());
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&scene.ciphertext()).unwrap();
    assert_eq!(plain, body::write(Format::Standard, Payload::Full, &scene.event));
}

#[test]
fn a_gcm_body_decrypts_to_the_plain_body_in_its_format() {
    let scene = Scene::with(r#","encryption":"aes-256-gcm","format":"argos""#);
    let key: [u8; 32] = scene.secret_key.expose().as_bytes().try_into().unwrap();
    let ciphertext = scene.ciphertext();
    let (nonce, sealed) = ciphertext.split_first_chunk::<12>().unwrap();
    let plain = Aes256Gcm::new(&key.into()).decrypt(&(*nonce).into(), sealed).unwrap();
    assert_eq!(String::from_utf8(plain).unwrap(), r#"{"webhook_trigger":"approved","b":1.0,"a":[]}"#);
    assert_ne!(scene.ciphertext(), ciphertext);
}

#[test]
fn the_signature_covers_the_encrypted_body() {
    let scene = Scene::with(r#","encryption":"aes-256-gcm""#);
    let body = scene.body();
    let headers = headers(&scene.opened(), &scene.event, 1, now(), &body);
    standardwebhooks::Webhook::new(&scene.secret.expose()).unwrap().verify(&body, &headers).unwrap();
}

#[test]
fn the_digest_is_that_of_the_body_as_it_is_sent() {
    for encryption in ["none", "aes-256-gcm"] {
        let scene = Scene::with(&format!(r#","encryption":"{encryption}""#));
        let body = scene.body();
        let headers = headers(&scene.opened(), &scene.event, 1, now(), &body);
        assert_eq!(headers[CONTENT_DIGEST], digest::sha_256(&body));
    }
}

#[test]
fn the_content_type_is_that_of_the_format() {
    for (format, expected) in [
        ("standard", "application/json"),
        ("argos", "application/json"),
        ("cloudevents", "application/cloudevents+json; charset=utf-8"),
    ] {
        let scene = Scene::with(&format!(r#","format":"{format}""#));
        let headers = headers(&scene.opened(), &scene.event, 1, now(), b"{}");
        assert_eq!(headers[CONTENT_TYPE], expected);
    }
}

#[test]
fn a_thin_body_is_encrypted_and_signed_like_a_full_one() {
    let scene = Scene::with(r#","payload":"thin","encryption":"aes-256-ecb""#);
    let key: [u8; 32] = scene.secret_key.expose().as_bytes().try_into().unwrap();
    let cipher = ecb::Decryptor::<Aes256>::new(&key.into());
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&scene.ciphertext()).unwrap();
    assert_eq!(plain, body::write(Format::Standard, Payload::Thin, &scene.event));
    let body = scene.body();
    let headers = headers(&scene.opened(), &scene.event, 1, now(), &body);
    standardwebhooks::Webhook::new(&scene.secret.expose()).unwrap().verify(&body, &headers).unwrap();
}

#[test]
fn a_request_is_shown_without_secrets_and_with_the_digest_of_the_shown_body_only() {
    for (settings, has_digest) in [(r#","payload":"thin""#, true), (r#","encryption":"aes-256-gcm""#, false)] {
        let scene = Scene::with(&format!(r#"{settings},"headers":{{"authorization":"Bearer 1"}}"#));
        let shown = serde_json::to_value(readable(&scene.endpoint, &scene.event, 1, now(), false)).unwrap();
        let body = body::write(Format::Standard, scene.endpoint.payload, &scene.event);
        assert_eq!(shown["body"], String::from_utf8(body.clone()).unwrap());
        let digest = shown["headers"].get("content-digest").and_then(|value| value.as_str().map(str::to_owned));
        assert_eq!(digest, has_digest.then(|| digest::sha_256(&body)));
        assert!(!shown.to_string().contains("Bearer") && shown["headers"].get("webhook-signature").is_none());
    }
}

#[test]
fn opening_fails_with_the_name_of_the_missing_key() {
    let open = |scene: &Scene, keys: &ProjectKeys| EndpointSecrets::of(&scene.endpoint, keys, &master_keys());
    let encrypted = Scene::with(r#","encryption":"aes-256-ecb""#);
    assert!(matches!(open(&encrypted, &ProjectKeys::default()), Err(OpenError::NoSecretKey)));
    let signed = Scene::with(r#","signatures":["v1a"]"#);
    assert!(matches!(open(&signed, &ProjectKeys::default()), Err(OpenError::NoKeyPair)));
    assert!(open(&Scene::with(""), &ProjectKeys::default()).is_ok());
}
