//! The HTTP request of one attempt: body, headers and signatures.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use crate::foundation::id::EventId;
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;
use crate::return_urls::{Encryption, SecretKey, StoredSecretKey};
use crate::webhooks::endpoint::{Endpoint, Format, HeaderName as StaticHeaderName, Pace, Payload};
use crate::webhooks::event::Event;
use crate::webhooks::handshake::{REQUEST_ORIGIN, REQUEST_RATE};
use crate::webhooks::key_pair::{KeyPairs, OpenedKeyPairs};
use crate::webhooks::signature::{BadSigningSecret, SignatureScheme, SigningSecret};
use crate::webhooks::test_send::SentRequest;

mod body;
mod cloud_event;
mod digest;

/// Id of the event, the same on every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// Time of this attempt, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// Signatures, separated by spaces.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Number of this attempt, from 1. Replays continue the count.
pub const WEBHOOK_ATTEMPT: HeaderName = HeaderName::from_static("webhook-attempt");

/// Number of the event within its submission, in every format. Absent if the event has no submission.
pub const WEBHOOK_SEQUENCE: HeaderName = HeaderName::from_static("webhook-sequence");
/// SHA-256 of the body as it is sent (RFC 9530).
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// `true` on a replay, absent otherwise. Static headers cannot imitate it, because the prefix `webhook-` is reserved.
pub const WEBHOOK_REPLAY: HeaderName = HeaderName::from_static("webhook-replay");
/// `true` on a test, absent otherwise.
pub const WEBHOOK_TEST: HeaderName = HeaderName::from_static("webhook-test");

/// The header `user-agent` of all requests to receivers.
pub const OUR_USER_AGENT: &str = concat!("Signpost/", env!("CARGO_PKG_VERSION"));

/// Keys of the project that an endpoint's webhooks use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectKeys {
    /// Current `secretKey`. Required for endpoints with encryption.
    pub secret_key: Option<StoredSecretKey>,
    /// Key pairs. Required for endpoints with `v1a` signatures.
    pub key_pairs: Option<KeyPairs>,
}

impl ProjectKeys {
    /// All sealed values of the keys.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        let secret_key = self.secret_key.iter().map(|key| &key.secret_key);
        secret_key.chain(self.key_pairs.iter().flat_map(KeyPairs::sealed))
    }
}

/// The opened secrets of an endpoint, with all that is needed to turn an event into a request.
#[derive(Debug, Clone)]
pub struct EndpointSecrets {
    format: Format,
    payload: Payload,
    encryption: BodyEncryption,
    /// The newest first, each with the time at which it stops signing.
    signing_secrets: Vec<(SigningSecret, Option<Timestamp>)>,
    key_pairs: Option<OpenedKeyPairs>,
    headers: BTreeMap<StaticHeaderName, HeaderValue>,
}

/// The algorithm and key that encrypt bodies.
#[derive(Debug, Clone)]
enum BodyEncryption {
    None,
    Ecb(SecretKey),
    Gcm(SecretKey),
}

/// Why an endpoint's sealed values cannot be used. Always our fault, never the receiver's.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The key ring cannot open a value.
    #[error("endpoint's secrets cannot be opened")]
    Sealed(#[from] CannotOpen),
    /// The opened signing secret is malformed.
    #[error("endpoint's signing secret cannot be read")]
    SigningSecret(#[from] BadSigningSecret),
    /// An opened header value is malformed.
    #[error("endpoint's header value cannot be sent")]
    HeaderValue(#[from] http::header::InvalidHeaderValue),
    /// An opened value is not UTF-8.
    #[error("endpoint's sealed value is not UTF-8")]
    Text(#[from] std::string::FromUtf8Error),
    /// The endpoint encrypts bodies, and the project has no `secretKey`.
    #[error("endpoint uses encryption, but the project has no secretKey")]
    NoSecretKey,
    /// The endpoint signs with `v1a`, and the project has no key pair.
    #[error("endpoint uses v1a signatures, but the project has no key pair")]
    NoKeyPair,
}

impl EndpointSecrets {
    /// The secrets of a receiver outside of a deployment, which gets bodies without encryption, and signatures with this secret
    /// only.
    pub fn of_local_receiver(format: Format, payload: Payload, signing_secret: SigningSecret) -> Self {
        Self {
            format,
            payload,
            encryption: BodyEncryption::None,
            signing_secrets: vec![(signing_secret, None)],
            key_pairs: None,
            headers: BTreeMap::new(),
        }
    }

    /// Opens the sealed values of `endpoint` and of its project.
    pub fn of(endpoint: &Endpoint, keys: &ProjectKeys, ring: &KeyRing) -> Result<Self, OpenError> {
        let project = endpoint.project_id;
        let mut headers = BTreeMap::new();
        for (name, sealed) in &endpoint.headers {
            let value = ring.open(SealedKind::HeaderValue, project, sealed)?;
            let mut value = HeaderValue::from_bytes(&value)?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        Ok(Self {
            format: endpoint.format,
            payload: endpoint.payload,
            encryption: BodyEncryption::of(endpoint.encryption, keys, ring)?,
            signing_secrets: open_signing_secrets(endpoint, ring)?,
            key_pairs: open_key_pairs(endpoint, keys, ring)?,
            headers,
        })
    }

    /// Signatures of `body` sent at `at` under the webhook id `id`, separated by spaces. The newest secret signs first.
    fn sign(&self, id: EventId, at: Timestamp, body: &[u8]) -> String {
        // Secrets are opened ahead and cached, so one may have expired since.
        let signs = |until: &Option<Timestamp>| until.is_none_or(|until| at < until);
        let secrets = self.signing_secrets.iter().filter(|(_, until)| signs(until));
        let mut signatures: Vec<String> = secrets.map(|(secret, _)| secret.sign(id, at, body)).collect();
        signatures.extend(self.key_pairs.iter().map(|pairs| pairs.signing_at(at).sign(id, at, body)));
        signatures.join(" ")
    }
}

impl BodyEncryption {
    fn of(encryption: Encryption, keys: &ProjectKeys, ring: &KeyRing) -> Result<Self, OpenError> {
        let key = || Ok::<_, OpenError>(keys.secret_key.as_ref().ok_or(OpenError::NoSecretKey)?.open(ring)?.key);
        match encryption {
            Encryption::None => Ok(Self::None),
            Encryption::Aes256Ecb => Ok(Self::Ecb(key()?)),
            Encryption::Aes256Gcm => Ok(Self::Gcm(key()?)),
        }
    }
}

/// Opens the secrets that sign with `v1`. Returns none if the endpoint does not use `v1`.
fn open_signing_secrets(
    endpoint: &Endpoint,
    ring: &KeyRing,
) -> Result<Vec<(SigningSecret, Option<Timestamp>)>, OpenError> {
    if !endpoint.signatures.contain(SignatureScheme::V1) {
        return Ok(Vec::new());
    }
    let retiring = endpoint.retiring_secrets.iter().map(|retiring| (&retiring.secret, Some(retiring.until)));
    let all = std::iter::once((&endpoint.signing_secret, None)).chain(retiring);
    all.map(|(sealed, until)| Ok((open_signing_secret(endpoint, sealed, ring)?, until))).collect()
}

/// Opens a signing secret of `endpoint`.
pub(crate) fn open_signing_secret(
    endpoint: &Endpoint,
    sealed: &Sealed,
    ring: &KeyRing,
) -> Result<SigningSecret, OpenError> {
    let secret = ring.open(SealedKind::SigningSecret, endpoint.project_id, sealed)?;
    Ok(String::from_utf8(secret)?.parse()?)
}

fn open_key_pairs(
    endpoint: &Endpoint,
    keys: &ProjectKeys,
    ring: &KeyRing,
) -> Result<Option<OpenedKeyPairs>, OpenError> {
    if !endpoint.signatures.contain(SignatureScheme::V1a) {
        return Ok(None);
    }
    Ok(Some(keys.key_pairs.as_ref().ok_or(OpenError::NoKeyPair)?.open(ring)?))
}

/// Body of the webhooks for `event` in `format`, before encryption.
pub fn plain_body(format: Format, payload: Payload, event: &Event) -> Vec<u8> {
    body::write(format, payload, event)
}

/// Body of the webhooks for `event`, encrypted if the endpoint asks for it. With AES-256-GCM it differs on every call.
pub fn body(secrets: &EndpointSecrets, event: &Event, random: &dyn Random) -> Vec<u8> {
    let plain = body::write(secrets.format, secrets.payload, event);
    let ciphertext = match &secrets.encryption {
        BodyEncryption::None => return plain,
        BodyEncryption::Ecb(key) => key.encrypt_ecb(&plain),
        BodyEncryption::Gcm(key) => key.encrypt_gcm(&plain, random),
    };
    encrypted_body(&ciphertext)
}

/// Body that carries this ciphertext.
pub(crate) fn encrypted_body(ciphertext: &str) -> Vec<u8> {
    // Base64 needs no escaping in JSON.
    format!(r#"{{"data":"{ciphertext}"}}"#).into_bytes()
}

/// Headers of attempt `number`, which sends `event` as `body` at `at`. They include the signatures and the endpoint's static
/// headers.
pub fn headers(secrets: &EndpointSecrets, event: &Event, number: u8, at: Timestamp, body: &[u8]) -> HeaderMap {
    let mut headers = static_headers(secrets);
    headers.extend(unsigned_headers(secrets.format, event, number, at));
    headers.insert(CONTENT_DIGEST, own(digest::sha_256(body)));
    headers.insert(WEBHOOK_SIGNATURE, own(secrets.sign(event.id, at, body)));
    headers
}

/// Headers of the request that asks the receiver for permission, in the name of the host `origin`. `rate` is the number of webhooks per
/// minute that it asks for. They include the endpoint's static headers, because the receiver may check them.
pub fn handshake_headers(secrets: &EndpointSecrets, origin: &HeaderValue, rate: Option<Pace>) -> HeaderMap {
    let mut headers = static_headers(secrets);
    headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
    headers.insert(REQUEST_ORIGIN, origin.clone());
    if let Some(rate) = rate {
        headers.insert(REQUEST_RATE, rate.per_minute().into());
    }
    headers
}

fn static_headers(secrets: &EndpointSecrets) -> HeaderMap {
    secrets.headers.iter().map(|(name, value)| (name.to_http(), value.clone())).collect()
}

/// The headers of an attempt that need neither a secret nor the body.
fn unsigned_headers(format: Format, event: &Event, number: u8, at: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(format)));
    headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
    headers.insert(WEBHOOK_ID, own(event.id.to_string()));
    headers.insert(WEBHOOK_TIMESTAMP, own(at.as_seconds().to_string()));
    headers.insert(WEBHOOK_ATTEMPT, own(number.to_string()));
    if let Some(sequence) = event.sequence {
        headers.insert(WEBHOOK_SEQUENCE, own(sequence.to_string()));
    }
    headers
}

/// Media type of the bodies in this format. Encrypted bodies are JSON too.
pub const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Standard | Format::Argos => "application/json",
        Format::CloudEvents => cloud_event::CONTENT_TYPE,
    }
}

/// A header value that we write ourselves.
fn own(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("ids, numbers and base64 are header values")
}

/// Headers and body of an attempt to deliver `event` to `endpoint`, for people to read: without signatures and static headers, which
/// are secret, and before encryption. `is_replay` is whether the attempt was a replay.
pub fn readable(endpoint: &Endpoint, event: &Event, number: u8, at: Timestamp, is_replay: bool) -> SentRequest {
    let body = plain_body(endpoint.format, endpoint.payload, event);
    let mut headers = unsigned_headers(endpoint.format, event, number, at);
    // The digest of an encrypted body is not the digest of the body that is shown.
    if endpoint.encryption == Encryption::None {
        headers.insert(CONTENT_DIGEST, own(digest::sha_256(&body)));
    }
    if is_replay {
        headers.insert(WEBHOOK_REPLAY, HeaderValue::from_static("true"));
    }
    SentRequest::of(&headers, &body)
}

#[cfg(test)]
mod tests;
