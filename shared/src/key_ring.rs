//! The key ring: master keys that seal everything secret before it is stored.
//!
//! The ring is one secret: a JSON object whose `current` names the key that seals, and whose other members are keys by
//! name. Older keys stay to open what they sealed, so that the ring can change without downtime.

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

use crate::id::ProjectId;
use crate::random::{self, Random};

const NONCE_BYTES: usize = 12;
const SHORTEST_KEY_TEXT: usize = 32;
const CURRENT: &str = "current";

/// What a sealed value is. It is bound into the value, so that one kind cannot be passed off as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKind {
    /// The secret that signs an endpoint's webhooks.
    SigningSecret,
    /// The value of an endpoint's static header.
    HeaderValue,
    /// The `secretKey` that encrypts and signs return URLs.
    ReturnUrlKey,
    /// The private key of a key pair that signs webhooks.
    KeyPair,
    /// The content of a return link.
    ReturnLink,
    /// The content of a link that confirms a notification user's address.
    Confirmation,
    /// The content of a link that unsubscribes a notification user.
    Unsubscription,
    /// The answer that the repetition of a request gets.
    KeptAnswer,
}

impl SealedKind {
    const fn label(self) -> &'static str {
        match self {
            Self::SigningSecret => "signing-secret",
            Self::HeaderValue => "header-value",
            Self::ReturnUrlKey => "return-url-key",
            Self::KeyPair => "key-pair",
            Self::ReturnLink => "return-link",
            Self::Confirmation => "confirmation",
            Self::Unsubscription => "unsubscription",
            Self::KeptAnswer => "kept-answer",
        }
    }
}

/// A sealed value as text: `<key name>.<base64url of nonce, ciphertext and tag>`; fit for stores and URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Takes text that claims to be sealed; [`KeyRing::open`] finds out.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to store or send.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the key that it claims to be sealed with.
    fn key_name(&self) -> Option<&str> {
        self.0.split_once('.').map(|(name, _)| name)
    }
}

/// What came of sealing values anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resealing {
    /// How many were under an older key, and are now under the current one.
    pub resealed: u32,
    /// How many cannot be opened, and stay as they are.
    pub unreadable: u32,
}

impl AddAssign for Resealing {
    fn add_assign(&mut self, other: Self) {
        self.resealed += other.resealed;
        self.unreadable += other.unreadable;
    }
}

/// Why a ring cannot be used.
#[derive(Debug, Error)]
pub enum BadKeyRing {
    /// It is not a JSON object of strings.
    #[error("key ring is not a JSON object of strings")]
    Shape(#[source] serde_json::Error),
    /// `current` is missing or names no key.
    #[error("key ring's `current` names none of its keys")]
    Current,
    /// A key is too short to be random enough.
    #[error("key `{0}` of the key ring has fewer than 32 characters")]
    Short(String),
    /// A key's name has other characters than letters, digits and hyphens.
    #[error("key name `{0}` of the key ring has characters other than letters, digits and hyphens")]
    Name(String),
}

/// A value that this ring did not seal for this kind and project.
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
    /// Reads the ring from the secret's text.
    pub fn from_json(json: &str) -> Result<Self, BadKeyRing> {
        let mut members: BTreeMap<String, String> = serde_json::from_str(json).map_err(BadKeyRing::Shape)?;
        let current = members.remove(CURRENT).filter(|name| members.contains_key(name)).ok_or(BadKeyRing::Current)?;
        let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        for (name, key) in &members {
            if !is_plain(name) {
                return Err(BadKeyRing::Name(name.clone()));
            }
            if key.len() < SHORTEST_KEY_TEXT {
                return Err(BadKeyRing::Short(name.clone()));
            }
        }
        let keys = members.into_iter().map(|(name, key)| (name, MasterKey(key))).collect();
        Ok(Self { current, keys })
    }

    /// Seals `plaintext` with the current key, bound to its kind and project.
    pub fn seal(&self, kind: SealedKind, project: ProjectId, plaintext: &[u8], random: &dyn Random) -> Sealed {
        let nonce = random::bytes::<NONCE_BYTES>(random);
        let associated = associated_data(kind, project);
        let payload = Payload { msg: plaintext, aad: associated.as_bytes() };
        let key = &self.keys[&self.current];
        let ciphertext =
            key.cipher(kind).encrypt(&nonce.into(), payload).expect("values are far below AES-GCM's limit");
        let sealed = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &ciphertext].concat());
        Sealed(format!("{}.{sealed}", self.current))
    }

    /// Opens what any key of the ring sealed for this kind and project.
    pub fn open(&self, kind: SealedKind, project: ProjectId, sealed: &Sealed) -> Result<Vec<u8>, CannotOpen> {
        let (name, encoded) = sealed.0.split_once('.').ok_or(CannotOpen)?;
        let key = self.keys.get(name).ok_or(CannotOpen)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| CannotOpen)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        let associated = associated_data(kind, project);
        let payload = Payload { msg: ciphertext, aad: associated.as_bytes() };
        key.cipher(kind).decrypt(&(*nonce).into(), payload).map_err(|_| CannotOpen)
    }

    /// Whether it has the key that `sealed` claims to be sealed with.
    pub fn knows_key_of(&self, sealed: &Sealed) -> bool {
        sealed.key_name().is_some_and(|name| self.keys.contains_key(name))
    }

    /// Seals each value anew that is not under the current key.
    pub fn reseal<'a>(
        &self,
        project: ProjectId,
        values: impl Iterator<Item = (SealedKind, &'a mut Sealed)>,
        random: &dyn Random,
    ) -> Resealing {
        let mut came_of_it = Resealing::default();
        for (kind, sealed) in values.filter(|(_, sealed)| sealed.key_name() != Some(&self.current)) {
            match self.open(kind, project, sealed) {
                Ok(mut plaintext) => {
                    *sealed = self.seal(kind, project, &plaintext, random);
                    plaintext.zeroize();
                    came_of_it.resealed += 1;
                }
                Err(CannotOpen) => came_of_it.unreadable += 1,
            }
        }
        came_of_it
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing(current {}, {} keys)", self.current, self.keys.len())
    }
}

impl MasterKey {
    /// Each kind has an AES key of its own, so that no two uses ever share a nonce space.
    fn cipher(&self, kind: SealedKind) -> Aes256Gcm {
        let mut key = [0; 32];
        let info = [b"signpost ", kind.label().as_bytes()].concat();
        Hkdf::<Sha256>::new(None, self.0.as_bytes())
            .expand(&info, &mut key)
            .expect("32 bytes are a fine length for HKDF");
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
    use crate::random::SystemRandom;
    use crate::time::Timestamp;

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
    fn what_was_sealed_opens_again() {
        let project = project();
        let sealed = ring(FIRST).seal(SealedKind::SigningSecret, project, b"secret", &SystemRandom);
        assert_eq!(ring(FIRST).open(SealedKind::SigningSecret, project, &sealed), Ok(b"secret".to_vec()));
    }

    #[test]
    fn old_values_open_after_the_ring_turned() {
        let project = project();
        let sealed = ring(FIRST).seal(SealedKind::SigningSecret, project, b"secret", &SystemRandom);
        assert_eq!(ring(ROTATED).open(SealedKind::SigningSecret, project, &sealed), Ok(b"secret".to_vec()));
    }

    #[test]
    fn values_under_older_keys_are_sealed_anew_and_others_left() {
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
    fn another_project_kind_or_ring_cannot_open_it() {
        let (ours, theirs) = (project(), project());
        let sealed = ring(ROTATED).seal(SealedKind::SigningSecret, ours, b"secret", &SystemRandom);
        assert_eq!(ring(ROTATED).open(SealedKind::SigningSecret, theirs, &sealed), Err(CannotOpen));
        assert_eq!(ring(ROTATED).open(SealedKind::HeaderValue, ours, &sealed), Err(CannotOpen));
        assert_eq!(ring(FIRST).open(SealedKind::SigningSecret, ours, &sealed), Err(CannotOpen));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let project = project();
        let sealed = ring(FIRST).seal(SealedKind::ReturnLink, project, b"approved", &SystemRandom);
        for position in 3..sealed.as_str().len() {
            let mut text = sealed.as_str().as_bytes().to_vec();
            text[position] = if text[position] == b'A' { b'B' } else { b'A' };
            let changed = Sealed::from_text(String::from_utf8(text).unwrap());
            assert_eq!(ring(FIRST).open(SealedKind::ReturnLink, project, &changed), Err(CannotOpen), "{position}");
        }
    }

    #[test]
    fn a_ring_without_a_usable_current_key_is_refused() {
        assert!(matches!(KeyRing::from_json(r#"{"k1":"x"}"#), Err(BadKeyRing::Current)));
        assert!(matches!(KeyRing::from_json(r#"{"current":"k1","k1":"short"}"#), Err(BadKeyRing::Short(_))));
        assert!(matches!(KeyRing::from_json("[]"), Err(BadKeyRing::Shape(_))));
    }
}
