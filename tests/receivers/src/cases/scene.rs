//! One customer at a fixed time, and what Signpost creates for it. Fixed inputs give the same cases in each run.

use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, EventId, KeyPairId, ProjectId, SecretKeyId};
use domain::foundation::key_ring::{KeyRing, SealedKind};
use domain::foundation::random::Random;
use domain::foundation::time::Timestamp;
use domain::return_urls::{
    AppSchemes, NamedKey, NewReturnUrlSettings, ReturnUrlSettings, SecretKey, StoredSecretKey, Verification,
};
use domain::webhooks::address::AddressGuard;
use domain::webhooks::endpoint::NewEndpoint;
use domain::webhooks::event::{Event, EventType, Sequence};
use domain::webhooks::key_pair::KeyPairs;
use domain::webhooks::request::{self, EndpointSecrets, ProjectKeys};
use domain::webhooks::signature::SigningSecret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The time of every case, in seconds since 1970.
pub(super) const NOW: i64 = 1_764_000_000;

/// A random source that returns the same bytes each time. The number selects the bytes.
pub(super) struct Pattern(pub u8);

impl Random for Pattern {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().zip((0..=u8::MAX).cycle()).for_each(|(byte, at)| *byte = at.wrapping_mul(37) ^ self.0);
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, "a".repeat(32))).unwrap()
}

/// Two keys of the project: the active one and another one.
pub(super) fn keys() -> [NamedKey; 2] {
    [17, 42].map(|number| NamedKey {
        id: SecretKeyId::new(now(), &Pattern(number)),
        key: SecretKey::generate(&Pattern(number)),
    })
}

/// A key in the form of `cases.tsv`.
pub(super) fn written(key: &NamedKey) -> String {
    format!("{}={}", key.id, key.key.expose())
}

/// Signs a query as Signpost does.
pub(super) fn signed_by(key: &NamedKey, query: &str) -> String {
    signed_with(key.key.expose(), query)
}

/// Signs a query with an empty key, as an attacker can.
pub(super) fn signed_with_empty_key(query: &str) -> String {
    signed_with("", query)
}

fn signed_with(key: &str, query: &str) -> String {
    format!("{query}&sig=v1,{}", BASE64_URL_SAFE_NO_PAD.encode(hmac(key.as_bytes(), query)))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The parts of a webhook request, and the secret that signed it.
#[derive(Clone)]
pub(super) struct Webhook {
    pub secret: String,
    pub id: String,
    pub timestamp: String,
    pub signatures: String,
    pub body: String,
}

impl Webhook {
    /// A webhook with `data` to an endpoint with more `settings`. With `is_rotating`, the endpoint has just rotated its secret,
    /// so the old one is still valid.
    pub(super) fn of(data: &str, settings: &str, is_rotating: bool) -> Self {
        Self::send(&event(data), settings, is_rotating)
    }

    /// The webhook of the event that has this `sequence` in its submission. It was accepted that many seconds after the first.
    pub(super) fn numbered(sequence: u64, settings: &str) -> Self {
        let event = Event {
            id: EventId::new(now().plus(Duration::from_secs(sequence)), &Pattern(3)),
            submission_id: Some("sub_1".to_owned().try_into().unwrap()),
            sequence: Some(Sequence::after(sequence - 1)),
            ..event(r#"{"name": "한 é + %20"}"#)
        };
        Self::send(&event, settings, false)
    }

    fn send(event: &Event, settings: &str, is_rotating: bool) -> Self {
        let (at, ring, random) = (now(), ring(), &Pattern(3));
        let draft = Draft::parse(format!(r#"{{"url":"https://receiver.example/"{settings}}}"#).as_bytes()).unwrap();
        let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
        let mut secret = SigningSecret::generate(random);
        let mut endpoint = new.create(EndpointId::new(at, random), event.project_id, &secret, &ring, random);
        if is_rotating {
            secret = SigningSecret::generate(&Pattern(4));
            let rotation = Draft::parse(b"{}").unwrap().try_into().unwrap();
            endpoint.rotate_secret(&secret, &rotation, at, &ring, random).unwrap();
        }
        let keys = project_keys(event.project_id, &ring);
        let opened = EndpointSecrets::of(&endpoint, &keys, &ring).unwrap();
        let body = request::body(&opened, event, random);
        let headers = request::headers(&opened, event, 1, at, &body);
        let header = |name| headers[name].to_str().unwrap().to_owned();
        Self {
            secret: secret.expose(),
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signatures: header("webhook-signature"),
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// The same webhook with a valid signature for its present id, timestamp and body.
    pub(super) fn sign_again(self) -> Self {
        let secret = BASE64_STANDARD.decode(self.secret.strip_prefix("whsec_").unwrap_or_default()).unwrap();
        let mac = hmac(&secret, &format!("{}.{}.{}", self.id, self.timestamp, self.body));
        Self { signatures: format!("v1,{}", BASE64_STANDARD.encode(mac)), ..self }
    }
}

fn event(data: &str) -> Event {
    let (at, random) = (now(), &Pattern(3));
    Event {
        id: EventId::new(at, random),
        project_id: ProjectId::new(at, random),
        event_type: EventType::Approved,
        submission_id: None,
        sequence: None,
        occurred_at: at,
        data: data.to_owned().try_into().unwrap(),
    }
}

fn project_keys(project_id: ProjectId, ring: &KeyRing) -> ProjectKeys {
    let [key, _] = keys();
    let sealed = ring.seal(SealedKind::SecretKey, project_id, key.key.expose().as_bytes(), &Pattern(5));
    let (created_at, active_from) = (now(), now());
    let (valid_until, brought_along) = (None, false);
    let secret_key = StoredSecretKey {
        id: key.id,
        project_id,
        secret_key: sealed,
        created_at,
        active_from,
        valid_until,
        brought_along,
    };
    let key_pairs = KeyPairs::first(KeyPairId::new(now(), &Pattern(6)), project_id, ring, &Pattern(6));
    ProjectKeys { secret_key: Some(secret_key), key_pairs: Some(key_pairs) }
}

/// The query of a return URL for `verification`, made with `key`. `own` is the path and query of the customer's own URL, and
/// `protection` are the settings of encryption and signature.
pub(super) fn query(verification: &str, own: &str, protection: &str, key: &NamedKey) -> String {
    let fields = r#"["userid","email","submissionId","cf1","cf2","cf3","kycStatus","errorCode"]"#;
    let body = format!(r#"{{"url":"https://app.example{own}","fields":{fields}{protection}}}"#);
    let new: NewReturnUrlSettings = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
    let settings: ReturnUrlSettings = new.accept(true, &AppSchemes::default()).unwrap();
    let verification: Verification = serde_json::from_str(verification).unwrap();
    let location = settings.location(&verification, Some(key), now(), &Pattern(7)).unwrap();
    let (_, query) = location.as_str().split_once('?').unwrap();
    query.to_owned()
}

/// Replaces the character at index `at` by another letter.
pub(super) fn changed(text: &str, at: usize) -> String {
    let change = |letter: char| if letter == 'A' { 'B' } else { 'A' };
    text.chars().enumerate().map(|(index, letter)| if index == at { change(letter) } else { letter }).collect()
}
