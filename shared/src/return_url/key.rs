//! The project's `secretKey`: it encrypts and signs return URLs, and encrypts webhooks.

use std::fmt;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyInit};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Aead;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::{ProjectId, ReturnUrlKeyId};
use crate::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::random::{self, Random};
use crate::time::Timestamp;

const KEY_CHARACTERS: usize = 32;
const NONCE_BYTES: usize = 12;

/// What a request is told that needs a `secretKey` where there is none.
pub const KEY_WANTED: &str = "needs a secretKey, and the project has none yet: issue one with POST …/return-url/keys";

/// How a project's `secretKey` hides what a return URL or a webhook says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// AES-256-ECB: compatible, but without integrity.
    Aes256Ecb,
    /// AES-256-GCM.
    Aes256Gcm,
}

impl Encryption {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Aes256Ecb, Self::Aes256Gcm];

    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aes256Ecb => "aes-256-ecb",
            Self::Aes256Gcm => "aes-256-gcm",
        }
    }
}

/// A text that names no encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of none, aes-256-ecb, aes-256-gcm")]
pub struct UnknownEncryption;

impl TryFrom<String> for Encryption {
    type Error = UnknownEncryption;

    fn try_from(text: String) -> Result<Self, UnknownEncryption> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownEncryption)
    }
}

impl From<Encryption> for &'static str {
    fn from(encryption: Encryption) -> Self {
        encryption.as_str()
    }
}

/// A project's `secretKey`: 32 ASCII letters and digits, which are the 32 bytes of the key. It is shown once.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ReturnUrlKey([u8; KEY_CHARACTERS]);

impl ReturnUrlKey {
    /// A new key.
    pub fn generate(random: &dyn Random) -> Self {
        let mut text = random::letters_and_digits(KEY_CHARACTERS, random);
        let key = Self::from_text(text.as_bytes()).expect("letters and digits were drawn to the key's length");
        text.zeroize();
        key
    }

    fn from_text(text: &[u8]) -> Option<Self> {
        let bytes = text.try_into().ok()?;
        text.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// The key itself, to be shown to its owner.
    pub fn expose(&self) -> &str {
        str::from_utf8(&self.0).expect("letters and digits are text")
    }

    /// What is stored of it.
    pub fn store(
        &self,
        id: ReturnUrlKeyId,
        project_id: ProjectId,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> StoredReturnUrlKey {
        let secret_key = ring.seal(SealedKind::ReturnUrlKey, project_id, &self.0, random);
        StoredReturnUrlKey { id, project_id, secret_key, created_at: id.made_at() }
    }

    /// AES-256-ECB with PKCS#7 padding, as base64 (standard alphabet, padded).
    ///
    /// ECB leaks equal blocks and lets anybody who sees two ciphertexts splice them. It stays for receivers that already
    /// decrypt it; the signature of a return URL or webhook adds what it lacks.
    pub(crate) fn encrypt_ecb(&self, plaintext: &[u8]) -> String {
        let cipher = ecb::Encryptor::<Aes256>::new(&self.0.into());
        BASE64_STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(plaintext))
    }

    /// AES-256-GCM without associated data: 12 bytes of nonce, ciphertext, 16 bytes of tag, as base64 (standard
    /// alphabet, padded).
    pub(crate) fn encrypt_gcm(&self, plaintext: &[u8], random: &dyn Random) -> String {
        let nonce = random::bytes::<NONCE_BYTES>(random);
        let cipher = Aes256Gcm::new(&self.0.into());
        let ciphertext =
            cipher.encrypt(&nonce.into(), plaintext).expect("URLs and webhooks are far below AES-GCM's limit");
        BASE64_STANDARD.encode([nonce.as_slice(), &ciphertext].concat())
    }

    /// `v1,` and the HMAC-SHA256 of `text`, in base64url without padding.
    pub(super) fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        format!("v1,{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for ReturnUrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReturnUrlKey(…)")
    }
}

/// What is stored of a `secretKey`. The project's newest is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredReturnUrlKey {
    /// Its id.
    pub id: ReturnUrlKeyId,
    /// Whose key it is.
    pub project_id: ProjectId,
    /// The key itself, sealed.
    pub secret_key: Sealed,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl StoredReturnUrlKey {
    /// The key itself.
    pub fn open(&self, ring: &KeyRing) -> Result<ReturnUrlKey, CannotOpen> {
        let mut text = ring.open(SealedKind::ReturnUrlKey, self.project_id, &self.secret_key)?;
        let key = ReturnUrlKey::from_text(&text).ok_or(CannotOpen);
        text.zeroize();
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn decoded(base64: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(base64).unwrap()
    }

    /// Draws always the same byte.
    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn ecb_gives_what_nist_says() {
        // SP 800-38A, F.1.5: ECB-AES256.Encrypt. The last block is the padding, of which the vector knows nothing.
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let plaintext = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
        let ciphertext = hex("f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870\
             b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7");
        let encrypted = decoded(&ReturnUrlKey(key.try_into().unwrap()).encrypt_ecb(&plaintext));
        assert_eq!((&encrypted[..64], encrypted.len()), (ciphertext.as_slice(), 80));
    }

    #[test]
    fn gcm_gives_what_nist_says() {
        // The GCM specification's test case 14: key, nonce and plaintext are all zeros.
        let encrypted = decoded(&ReturnUrlKey([0; 32]).encrypt_gcm(&[0; 16], &Always(0)));
        let expected = "000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919";
        assert_eq!(encrypted, hex(expected));
    }

    #[test]
    fn openssl_agrees_on_ecb() {
        // printf '{"userid":"user123"}' | openssl enc -aes-256-ecb -base64 -K "$(printf 0123456789abcdefghijABCDEFGHIJ01 | xxd -p -c 64)"
        let key = ReturnUrlKey::from_text(b"0123456789abcdefghijABCDEFGHIJ01").unwrap();
        assert_eq!(key.encrypt_ecb(br#"{"userid":"user123"}"#), "4q66kMCdFzO+kjnQo5hDpzGPsIEqV/zOMg7jiIx9g3M=");
    }

    #[test]
    fn openssl_agrees_on_signatures() {
        // printf 'kycStatus=approved' | openssl dgst -sha256 -hmac 0123456789abcdefghijABCDEFGHIJ01 -binary | base64 | tr '+/' '-_' | tr -d =
        let key = ReturnUrlKey::from_text(b"0123456789abcdefghijABCDEFGHIJ01").unwrap();
        assert_eq!(key.sign("kycStatus=approved"), "v1,ivrgA5ddDABPMSbljCskGtpn9mqewUwT-Do7kviY8sM");
    }

    #[test]
    fn a_key_is_32_letters_and_digits_and_hides_in_debug_output() {
        let key = ReturnUrlKey::generate(&SystemRandom);
        assert_eq!(key.expose().len(), 32);
        assert!(key.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(format!("{key:?}"), "ReturnUrlKey(…)");
    }

    #[test]
    fn a_stored_key_opens_only_with_its_ring_and_project() {
        let ring = |key: &str| KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, key.repeat(32))).unwrap();
        let now = Timestamp::from_millis(1_764_000_000_000).unwrap();
        let key = ReturnUrlKey::generate(&SystemRandom);
        let id = ReturnUrlKeyId::new(now, &SystemRandom);
        let stored = key.store(id, ProjectId::new(now, &SystemRandom), &ring("a"), &SystemRandom);
        let moved = StoredReturnUrlKey { project_id: ProjectId::new(now, &SystemRandom), ..stored.clone() };
        assert_eq!(stored.open(&ring("a")), Ok(key));
        assert_eq!(stored.open(&ring("b")), Err(CannotOpen));
        assert_eq!(moved.open(&ring("a")), Err(CannotOpen));
    }
}
