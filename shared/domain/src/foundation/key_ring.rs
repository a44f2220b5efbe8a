//! The key ring: the master keys that encrypt ("seal") every secret value before it is stored.
//!
//! The ring is one secret: a JSON object whose member `current` names the key that seals. The other members are the keys by
//! name. Older keys stay in the ring to open the values they sealed, so keys are rotated without downtime.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::foundation::id::ProjectId;
use crate::foundation::random::{self, Random};

const NONCE_BYTES: usize = 12;
const MIN_KEY_CHARACTERS: usize = 32;
const CURRENT: &str = "current";

/// What a sealed value contains. The kind is bound into the value, so a value of one kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKind {
    /// The secret that signs an endpoint's webhooks.
    SigningSecret,
    /// The value of an endpoint's static header.
    HeaderValue,
    /// The secret of an OAuth 2.0 client.
    ClientSecret,
    /// The private key of a client certificate.
    ClientKey,
    /// The `secretKey` that encrypts and signs return URLs.
    SecretKey,
    /// The private key of a key pair that signs webhooks.
    KeyPair,
    /// The content of a return link.
    ReturnLink,
    /// The key of a project's links in mails.
    MailLinkKey,
    /// The content of a link that confirms a notification user's address.
    Confirmation,
    /// The content of a link that unsubscribes a notification user.
    Unsubscription,
    /// The response that is stored for an idempotency key.
    KeptAnswer,
    /// The content of a console link.
    ConsoleLink,
    /// The content of a console session's cookie.
    ConsoleCookie,
    /// A position in the feed.
    FeedCursor,
}

impl SealedKind {
    const fn label(self) -> &'static str {
        match self {
            Self::SigningSecret => "signing-secret",
            Self::HeaderValue => "header-value",
            Self::ClientSecret => "client-secret",
            Self::ClientKey => "client-key",
            Self::SecretKey => "return-url-key",
            Self::KeyPair => "key-pair",
            Self::ReturnLink => "return-link",
            Self::MailLinkKey => "mail-link-key",
            Self::Confirmation => "confirmation",
            Self::Unsubscription => "unsubscription",
            Self::KeptAnswer => "kept-answer",
            Self::ConsoleLink => "console-link",
            Self::ConsoleCookie => "console-cookie",
            Self::FeedCursor => "feed-cursor",
        }
    }
}

/// A sealed value: `<key name>.<base64url of nonce, ciphertext and tag>`. Suitable for stores and URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Accepts any string. [`KeyRing::open`] fails if it is not a sealed value.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The string to store or send.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the key that should open the value. Nothing proves it before the value is opened.
    pub fn key_name(&self) -> Option<&str> {
        self.0.split_once('.').map(|(name, _)| name)
    }
}

/// Result of sealing values again under the current key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resealing {
    /// Number of values that were under an older key and are now under the current key.
    pub resealed: u32,
    /// Number of values that cannot be opened. They are left unchanged.
    pub unreadable: u32,
}

impl AddAssign for Resealing {
    fn add_assign(&mut self, other: Self) {
        self.resealed += other.resealed;
        self.unreadable += other.unreadable;
    }
}

/// Why a key ring cannot be used.
#[derive(Debug, Error)]
pub enum BadKeyRing {
    /// The secret is not a JSON object of strings.
    #[error("key ring is not a JSON object of strings")]
    Shape(#[source] serde_json::Error),
    /// `current` is missing, or the ring has no key with this name.
    #[error("`current` in the key ring is not the name of one of its keys")]
    Current,
    /// A key is too short to be secure.
    #[error("key `{0}` of the key ring has fewer than 32 characters")]
    Short(String),
    /// The name of a key has characters other than letters, digits and hyphens.
    #[error("key name `{0}` of the key ring has characters other than letters, digits and hyphens")]
    Name(String),
}

/// The value was not sealed by a key of this ring for this kind and project, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("sealed value cannot be opened")]
pub struct CannotOpen;

/// The master keys.
#[derive(Clone)]
pub struct KeyRing {
    current: String,
    keys: BTreeMap<String, MasterKey>,
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct MasterKey(String);

impl KeyRing {
    /// Parses the secret.
    pub fn from_json(json: &str) -> Result<Self, BadKeyRing> {
        let mut members: BTreeMap<String, String> = serde_json::from_str(json).map_err(BadKeyRing::Shape)?;
        let current = members.remove(CURRENT).filter(|name| members.contains_key(name)).ok_or(BadKeyRing::Current)?;
        let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        for (name, key) in &members {
            if !is_plain(name) {
                return Err(BadKeyRing::Name(name.clone()));
            }
            if key.len() < MIN_KEY_CHARACTERS {
                return Err(BadKeyRing::Short(name.clone()));
            }
        }
        let keys = members.into_iter().map(|(name, key)| (name, MasterKey(key))).collect();
        Ok(Self { current, keys })
    }

    /// Creates a ring with one key. The name must consist of letters, digits and hyphens.
    pub fn of_one(name: &str, key: String) -> Self {
        Self { current: name.to_owned(), keys: [(name.to_owned(), MasterKey(key))].into() }
    }

    /// Seals `plaintext` with the current key, bound to its kind and project.
    pub fn seal(&self, kind: SealedKind, project: ProjectId, plaintext: &[u8], random: &dyn Random) -> Sealed {
        let nonce = random::bytes::<NONCE_BYTES>(random);
        let associated = associated_data(kind, project);
        let payload = Payload { msg: plaintext, aad: associated.as_bytes() };
        let key = &self.keys[&self.current];
        let ciphertext = key
            .cipher(kind)
            .encrypt(&nonce.into(), payload)
            .expect("sealed values are far smaller than AES-GCM's limit");
        let sealed = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &ciphertext].concat());
        Sealed(format!("{}.{sealed}", self.current))
    }

    /// Opens a value that any key of the ring sealed for this kind and project.
    pub fn open(&self, kind: SealedKind, project: ProjectId, sealed: &Sealed) -> Result<Vec<u8>, CannotOpen> {
        let (name, encoded) = sealed.0.split_once('.').ok_or(CannotOpen)?;
        let key = self.keys.get(name).ok_or(CannotOpen)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| CannotOpen)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        let associated = associated_data(kind, project);
        let payload = Payload { msg: ciphertext, aad: associated.as_bytes() };
        key.cipher(kind).decrypt(&(*nonce).into(), payload).map_err(|_| CannotOpen)
    }

    /// Returns whether the ring has the key that `sealed` names.
    pub fn knows_key_of(&self, sealed: &Sealed) -> bool {
        sealed.key_name().is_some_and(|name| self.keys.contains_key(name))
    }

    /// Seals again, under the current key, each value that is under another key.
    pub fn reseal<'a>(
        &self,
        project: ProjectId,
        values: impl Iterator<Item = (SealedKind, &'a mut Sealed)>,
        random: &dyn Random,
    ) -> Resealing {
        let mut result = Resealing::default();
        for (kind, sealed) in values.filter(|(_, sealed)| sealed.key_name() != Some(&self.current)) {
            match self.open(kind, project, sealed) {
                Ok(mut plaintext) => {
                    *sealed = self.seal(kind, project, &plaintext, random);
                    plaintext.zeroize();
                    result.resealed += 1;
                }
                Err(CannotOpen) => result.unreadable += 1,
            }
        }
        result
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing(current {}, {} keys)", self.current, self.keys.len())
    }
}

impl MasterKey {
    /// Derives a separate AES key for each kind, so that kinds never share a nonce space.
    fn cipher(&self, kind: SealedKind) -> Aes256Gcm {
        let mut key = [0; 32];
        let info = [b"signpost ", kind.label().as_bytes()].concat();
        Hkdf::<Sha256>::new(None, self.0.as_bytes()).expand(&info, &mut key).expect("HKDF-SHA256 can output 32 bytes");
        let cipher = Aes256Gcm::new(&key.into());
        key.zeroize();
        cipher
    }
}

fn associated_data(kind: SealedKind, project: ProjectId) -> String {
    format!("{} {project}", kind.label())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::foundation::time::Timestamp;

    const FIRST: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;
    const ROTATED: &str =
        r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;

    fn ring(json: &str) -> KeyRing {
        KeyRing::from_json(json).unwrap()
    }

    fn project() -> ProjectId {
        ProjectId::new(Timestamp::from_millis(1_764_000_000_000).unwrap(), &SystemRandom)
    }

    #[test]
    fn a_sealed_value_opens_again() {
        let project = project();
        let sealed = ring(FIRST).seal(SealedKind::SigningSecret, project, b"secret", &SystemRandom);
        assert_eq!(ring(FIRST).open(SealedKind::SigningSecret, project, &sealed), Ok(b"secret".to_vec()));
    }

    #[test]
    fn older_values_open_after_a_rotation() {
        let project = project();
        let sealed = ring(FIRST).seal(SealedKind::SigningSecret, project, b"secret", &SystemRandom);
        assert_eq!(ring(ROTATED).open(SealedKind::SigningSecret, project, &sealed), Ok(b"secret".to_vec()));
    }

    #[test]
    fn only_values_under_older_keys_are_sealed_again() {
        let project = project();
        let seal = |keys: &str| ring(keys).seal(SealedKind::HeaderValue, project, b"secret", &SystemRandom);
        let mut values = [seal(FIRST), seal(ROTATED), Sealed::from_text("k0.AAAA")];
        let before = values.clone();
        let reseal = |values: &mut [Sealed]| {
            let values = values.iter_mut().map(|value| (SealedKind::HeaderValue, value));
            ring(ROTATED).reseal(project, values, &SystemRandom)
        };
        assert_eq!(reseal(&mut values), Resealing { resealed: 1, unreadable: 1 });
        assert_eq!(reseal(&mut values), Resealing { resealed: 0, unreadable: 1 });
        assert_eq!(&values[1..], &before[1..]);
        assert_eq!(ring(ROTATED).open(SealedKind::HeaderValue, project, &values[0]), Ok(b"secret".to_vec()));
        assert!(ring(FIRST).open(SealedKind::HeaderValue, project, &values[0]).is_err());
        assert!(ring(ROTATED).knows_key_of(&values[0]) && !ring(ROTATED).knows_key_of(&values[2]));
    }

    #[test]
    fn a_value_opens_only_with_its_project_kind_and_ring() {
        let (ours, theirs) = (project(), project());
        let sealed = ring(ROTATED).seal(SealedKind::SigningSecret, ours, b"secret", &SystemRandom);
        assert_eq!(ring(ROTATED).open(SealedKind::SigningSecret, theirs, &sealed), Err(CannotOpen));
        assert_eq!(ring(ROTATED).open(SealedKind::HeaderValue, ours, &sealed), Err(CannotOpen));
        assert_eq!(ring(FIRST).open(SealedKind::SigningSecret, ours, &sealed), Err(CannotOpen));
    }

    #[test]
    fn a_value_with_a_changed_byte_does_not_open() {
        let project = project();
        let sealed = ring(FIRST).seal(SealedKind::ReturnLink, project, b"approved", &SystemRandom);
        for position in 3..sealed.as_str().len() {
            let mut bytes = sealed.as_str().as_bytes().to_vec();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let changed = Sealed::from_text(String::from_utf8(bytes).unwrap());
            assert_eq!(ring(FIRST).open(SealedKind::ReturnLink, project, &changed), Err(CannotOpen), "{position}");
        }
    }

    #[test]
    fn a_ring_without_a_usable_current_key_is_rejected() {
        assert!(matches!(KeyRing::from_json(r#"{"k1":"x"}"#), Err(BadKeyRing::Current)));
        assert!(matches!(KeyRing::from_json(r#"{"current":"k1","k1":"short"}"#), Err(BadKeyRing::Short(_))));
        assert!(matches!(KeyRing::from_json("[]"), Err(BadKeyRing::Shape(_))));
    }
}
