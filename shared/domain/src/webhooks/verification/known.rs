//! What is known about a webhook: the secrets and public keys that can have signed it, and the body that was sent.

use std::fmt;

use crate::foundation::id::EndpointId;
use crate::foundation::key_ring::KeyRing;
use crate::foundation::time::Timestamp;
use crate::return_urls::{Encryption, NamedKey};
use crate::webhooks::endpoint::{Endpoint, Format, Payload};
use crate::webhooks::event::Event;
use crate::webhooks::key_pair::{KeyPairs, PublicKey};
use crate::webhooks::request::{self, OpenError};
use crate::webhooks::signature::SigningSecret;
use crate::webhooks::test_send::SentRequest;

/// What is known about a webhook.
#[derive(Debug, Clone)]
pub struct Known {
    /// The endpoint whose webhook is checked.
    pub endpoint_id: EndpointId,
    /// The secrets that can have signed it, most likely first.
    pub secrets: Vec<KnownSecret>,
    /// The public keys of the project.
    pub public_keys: Vec<PublicKey>,
    /// Bodies that were sent, most likely first. Settings may have changed since, so there can be several. Empty if the event is
    /// not stored.
    pub originals: Vec<Original>,
}

/// A signing secret and its owner.
#[derive(Debug, Clone)]
pub struct KnownSecret {
    /// The secret.
    pub secret: SigningSecret,
    /// Whose secret it is.
    pub owner: SecretOwner,
}

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretOwner {
    /// The endpoint's current secret.
    Current,
    /// An earlier secret of the endpoint.
    Previous {
        /// Until when it signs.
        until: Timestamp,
    },
    /// A secret of another endpoint of the project.
    OtherEndpoint(EndpointId),
}

/// What made a signature: a secret or a public key of [`Known`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The secret at this index of [`Known::secrets`]. It makes `v1` signatures.
    Secret(usize),
    /// The key pair of the public key at this index of [`Known::public_keys`]. It makes `v1a` signatures.
    KeyPair(usize),
}

/// A body that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Original {
    /// The body. `None` if it is encrypted with AES-256-GCM, because it then differs on every attempt.
    pub sent: Option<String>,
    /// The body before encryption; `None` without encryption.
    pub plain: Option<String>,
}

impl Known {
    /// Opens the secrets of `endpoint` and of the project's `others`.
    pub fn of<'a>(
        endpoint: &'a Endpoint,
        others: impl IntoIterator<Item = &'a Endpoint>,
        key_pairs: Option<&KeyPairs>,
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let mut secrets = secrets_of(endpoint, ring)?;
        for other in others.into_iter().filter(|other| other.id != endpoint.id) {
            let owner = SecretOwner::OtherEndpoint(other.id);
            secrets.extend(secrets_of(other, ring)?.into_iter().map(|known| KnownSecret { owner, ..known }));
        }
        let pairs = key_pairs.into_iter().flat_map(|pairs| pairs.listed_at(now));
        let public_keys = pairs.map(|pair| pair.public_key).collect();
        Ok(Self { endpoint_id: endpoint.id, secrets, public_keys, originals: Vec::new() })
    }

    /// Adds the bodies that `event` has at `endpoint`. If the endpoint's bodies are encrypted with AES-256-ECB, one of
    /// `secret_keys` has encrypted them.
    #[must_use]
    pub fn with_event(mut self, event: &Event, endpoint: &Endpoint, secret_keys: &[NamedKey]) -> Self {
        let all = Format::ALL.into_iter().flat_map(|format| Payload::ALL.map(|payload| (format, payload)));
        let current = (endpoint.format, endpoint.payload);
        let others = all.filter(|layout| *layout != current && layout.0.allows(layout.1));
        for (format, payload) in std::iter::once(current).chain(others) {
            let plain = text(request::plain_body(format, payload, event));
            match endpoint.encryption {
                Encryption::None => self.originals.push(Original { sent: Some(plain), plain: None }),
                Encryption::Aes256Ecb if !secret_keys.is_empty() => {
                    let encrypted = secret_keys.iter().map(|named| named.key.encrypt_ecb(plain.as_bytes()));
                    let original = |encrypted: String| {
                        let sent = text(request::encrypted_body(&encrypted));
                        Original { sent: Some(sent), plain: Some(plain.clone()) }
                    };
                    self.originals.extend(encrypted.map(original));
                }
                Encryption::Aes256Ecb | Encryption::Aes256Gcm => {
                    self.originals.push(Original { sent: None, plain: Some(plain) });
                }
            }
        }
        self
    }

    /// Adds the body of a test.
    #[must_use]
    pub fn with_test(mut self, request: &SentRequest) -> Self {
        self.originals.push(Original { sent: Some(request.body().to_owned()), plain: None });
        self
    }
}

/// The bodies of webhooks are JSON, and so UTF-8.
fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("JSON is UTF-8")
}

fn secrets_of(endpoint: &Endpoint, ring: &KeyRing) -> Result<Vec<KnownSecret>, OpenError> {
    let previous = endpoint.retiring_secrets.iter();
    let previous = previous.map(|retiring| (&retiring.secret, SecretOwner::Previous { until: retiring.until }));
    let all = std::iter::once((&endpoint.signing_secret, SecretOwner::Current)).chain(previous);
    all.map(|(sealed, owner)| Ok(KnownSecret { secret: request::open_signing_secret(endpoint, sealed, ring)?, owner }))
        .collect()
}

/// Debug output hides the body, because it may contain personal data.
impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Original(…)")
    }
}
