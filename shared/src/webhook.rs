//! The webhook itself: the body and the headers of one attempt.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use crate::endpoint::{Endpoint, HeaderName as StaticHeaderName};
use crate::event::Event;
use crate::id::EventId;
use crate::key_pair::{KeyPairs, OpenedKeyPairs};
use crate::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::random::Random;
use crate::return_url::{Encryption, ReturnUrlKey, StoredReturnUrlKey};
use crate::signature::{BadSigningSecret, SignatureScheme, SigningSecret};
use crate::time::Timestamp;

mod body;

pub use body::{Format, UnknownFormat};

/// Names the event; the same on every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this attempt was made, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures, separated by spaces.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Which attempt this is, from 1; replays go on counting.
pub const WEBHOOK_ATTEMPT: HeaderName = HeaderName::from_static("webhook-attempt");

/// `true` on a replay; absent otherwise. Like all headers that begin with `webhook-`, no endpoint can set it.
pub const WEBHOOK_REPLAY: HeaderName = HeaderName::from_static("webhook-replay");
/// `true` on a test; absent otherwise. No endpoint can set it either.
pub const WEBHOOK_TEST: HeaderName = HeaderName::from_static("webhook-test");

const OUR_USER_AGENT: &str = concat!("Signpost/", env!("CARGO_PKG_VERSION"));

/// What webhooks need of the project: those keys that its endpoint makes use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectKeys {
    /// The `secretKey` whose turn it is, for an endpoint with encryption.
    pub secret_key: Option<StoredReturnUrlKey>,
    /// The key pairs, for an endpoint with `v1a` signatures.
    pub key_pairs: Option<KeyPairs>,
}

impl ProjectKeys {
    /// All that they keep sealed.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        let secret_key = self.secret_key.iter().map(|key| &key.secret_key);
        secret_key.chain(self.key_pairs.iter().flat_map(KeyPairs::sealed))
    }
}

/// What an endpoint's webhooks need beyond the event, opened.
#[derive(Debug, Clone)]
pub struct Opened {
    format: Format,
    cover: Cover,
    /// The newest first, each with the moment from which it signs no more.
    secrets: Vec<(SigningSecret, Option<Timestamp>)>,
    key_pairs: Option<OpenedKeyPairs>,
    headers: BTreeMap<StaticHeaderName, HeaderValue>,
}

/// What hides bodies.
#[derive(Debug, Clone)]
enum Cover {
    None,
    Ecb(ReturnUrlKey),
    Gcm(ReturnUrlKey),
}

/// Why an endpoint's sealed values cannot be used: our fault, never the receiver's.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The key ring does not open one of them.
    #[error("endpoint's secrets cannot be opened")]
    Sealed(#[from] CannotOpen),
    /// The signing secret was opened, but is none.
    #[error("endpoint's signing secret cannot be read")]
    SigningSecret(#[from] BadSigningSecret),
    /// A header value was opened, but is none.
    #[error("endpoint's header value cannot be sent")]
    HeaderValue(#[from] http::header::InvalidHeaderValue),
    /// A value was opened, but is no text.
    #[error("endpoint's sealed value is not text")]
    Text(#[from] std::string::FromUtf8Error),
    /// Bodies are to be encrypted, and there is no key.
    #[error("endpoint's webhooks are to be encrypted, but the project has no secretKey")]
    NoSecretKey,
    /// Webhooks are to carry `v1a`, and there is no key pair.
    #[error("endpoint's webhooks are to be signed with a key pair, but the project has none")]
    NoKeyPair,
}

impl Opened {
    /// Opens what `endpoint` and its project keep sealed.
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
            cover: Cover::of(endpoint.encryption, keys, ring)?,
            secrets: open_secrets(endpoint, ring)?,
            key_pairs: open_key_pairs(endpoint, keys, ring)?,
            headers,
        })
    }

    /// The signatures of `body`, sent at `at` under the webhook id `id`; separated by spaces, the newest secret's first.
    fn sign(&self, id: EventId, at: Timestamp, body: &[u8]) -> String {
        let signs = |until: &Option<Timestamp>| until.is_none_or(|until| at < until);
        let secrets = self.secrets.iter().filter(|(_, until)| signs(until));
        let mut signatures: Vec<String> = secrets.map(|(secret, _)| secret.sign(id, at, body)).collect();
        signatures.extend(self.key_pairs.iter().map(|pairs| pairs.signing_at(at).sign(id, at, body)));
        signatures.join(" ")
    }
}

impl Cover {
    fn of(encryption: Encryption, keys: &ProjectKeys, ring: &KeyRing) -> Result<Self, OpenError> {
        let key = || Ok::<_, OpenError>(keys.secret_key.as_ref().ok_or(OpenError::NoSecretKey)?.open(ring)?.key);
        match encryption {
            Encryption::None => Ok(Self::None),
            Encryption::Aes256Ecb => Ok(Self::Ecb(key()?)),
            Encryption::Aes256Gcm => Ok(Self::Gcm(key()?)),
        }
    }
}

/// The secrets that sign with `v1`; none, if the endpoint does without.
fn open_secrets(endpoint: &Endpoint, ring: &KeyRing) -> Result<Vec<(SigningSecret, Option<Timestamp>)>, OpenError> {
    if !endpoint.signatures.contain(SignatureScheme::V1) {
        return Ok(Vec::new());
    }
    let retiring = endpoint.retiring_secrets.iter().map(|retiring| (&retiring.secret, Some(retiring.until)));
    let all = std::iter::once((&endpoint.signing_secret, None)).chain(retiring);
    let open = |(sealed, until)| {
        let secret = ring.open(SealedKind::SigningSecret, endpoint.project_id, sealed)?;
        Ok((String::from_utf8(secret)?.parse()?, until))
    };
    all.map(open).collect()
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

/// The body that `event` is sent as, encrypted if the endpoint wishes. Encrypted with AES-256-GCM, it differs each time.
pub fn body(opened: &Opened, event: &Event, random: &dyn Random) -> Vec<u8> {
    let plain = opened.format.write(event);
    let ciphertext = match &opened.cover {
        Cover::None => return plain,
        Cover::Ecb(key) => key.encrypt_ecb(&plain),
        Cover::Gcm(key) => key.encrypt_gcm(&plain, random),
    };
    // Base64 needs no escaping.
    format!(r#"{{"data":"{ciphertext}"}}"#).into_bytes()
}

/// The headers of the attempt `number` to send `body` at `at`, its signatures among them.
pub fn headers(opened: &Opened, id: EventId, number: u8, at: Timestamp, body: &[u8]) -> HeaderMap {
    let own = |text: String| HeaderValue::try_from(text).expect("ids, numbers and base64 are header values");
    let mut headers: HeaderMap = opened.headers.iter().map(|(name, value)| (name.to_http(), value.clone())).collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
    headers.insert(WEBHOOK_ID, own(id.to_string()));
    headers.insert(WEBHOOK_TIMESTAMP, own(at.as_seconds().to_string()));
    headers.insert(WEBHOOK_SIGNATURE, own(opened.sign(id, at, body)));
    headers.insert(WEBHOOK_ATTEMPT, own(number.to_string()));
    headers
}

#[cfg(test)]
mod tests;
