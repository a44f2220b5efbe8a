//! A project's `secretKey`, which encrypts and signs return URLs and encrypts webhooks.

use std::collections::BTreeSet;
use std::fmt;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Aead;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::foundation::random::{self, Random};
use crate::public_names;

const KEY_CHARACTERS: usize = 32;

/// Minimum number of different characters in a key that a customer brings along. The probability that a random key has fewer is
/// below one in ten million, even if it consists only of digits.
const MIN_DIFFERENT_CHARACTERS: usize = 6;

/// Maximum length of a repeated beginning that makes a key weak.
const MAX_PERIOD: usize = KEY_CHARACTERS / 2;

/// Number of steps of equal size, such as from `a` to `b` to `c`, that make a key a sequence.
const COUNTED_STEPS: usize = 20;
const NONCE_BYTES: usize = 12;

/// The error of a field that requires a `secretKey`, when the project has none.
pub const KEY_REQUIRED: &str = "requires a secretKey, and the project has none: issue one with POST …/return-url/keys";

public_names! {
    /// How the project's `secretKey` encrypts the fields of a return URL or the body of a webhook.
    #[derive(Default)]
    pub enum Encryption {
        /// No encryption.
        #[default]
        None = "none",
        /// AES-256-ECB, for compatibility. It does not protect integrity.
        Aes256Ecb = "aes-256-ecb",
        /// AES-256-GCM, which also protects integrity.
        Aes256Gcm = "aes-256-gcm",
    }
}

/// A project's `secretKey`: 32 ASCII letters and digits, which are the 32 bytes of the key. It is shown once, when it is issued.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; KEY_CHARACTERS]);

/// Why a key that a customer brings along cannot be used. The error does not contain the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadSecretKey {
    /// The value does not have the form of a key.
    #[error("must be a string of 32 ASCII letters and digits")]
    Form,
    /// The key follows a pattern, so it can be guessed.
    #[error(
        "must be random: this key has too few different characters, repeats itself or is a sequence such as abcdef"
    )]
    Weak,
}

impl SecretKey {
    /// Generates a new key.
    pub fn generate(random: &dyn Random) -> Self {
        let mut characters = random::letters_and_digits(KEY_CHARACTERS, random);
        let key = Self::from_text(characters.as_bytes()).expect("the characters have the length of a key");
        characters.zeroize();
        key
    }

    pub(super) fn from_text(text: &[u8]) -> Option<Self> {
        let bytes = text.try_into().ok()?;
        text.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// Accepts a key that a customer brings along, unless it is easy to guess.
    fn brought_along(text: &str) -> Result<Self, BadSecretKey> {
        let key = Self::from_text(text.as_bytes()).ok_or(BadSecretKey::Form)?;
        if is_weak(&key.0) { Err(BadSecretKey::Weak) } else { Ok(key) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret key, to show to its owner.
    pub fn expose(&self) -> &str {
        str::from_utf8(&self.0).expect("ASCII letters and digits are UTF-8")
    }

    /// Encrypts with AES-256-ECB and PKCS#7 padding. Returns base64 (standard alphabet, padded).
    ///
    /// ECB leaks equal blocks, and an attacker who has two ciphertexts can combine their blocks. It exists for receivers that
    /// already decrypt it. The signature of a return URL or webhook adds the integrity that it lacks.
    pub(crate) fn encrypt_ecb(&self, plaintext: &[u8]) -> String {
        let cipher = ecb::Encryptor::<Aes256>::new(&self.0.into());
        BASE64_STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(plaintext))
    }

    /// Encrypts with AES-256-GCM without associated data. Returns a nonce of 12 bytes, the ciphertext and a tag of 16 bytes as
    /// base64 (standard alphabet, padded).
    pub(crate) fn encrypt_gcm(&self, plaintext: &[u8], random: &dyn Random) -> String {
        let nonce = random::bytes::<NONCE_BYTES>(random);
        let cipher = Aes256Gcm::new(&self.0.into());
        let ciphertext =
            cipher.encrypt(&nonce.into(), plaintext).expect("URLs and webhooks are far smaller than AES-GCM's limit");
        BASE64_STANDARD.encode([nonce.as_slice(), &ciphertext].concat())
    }

    /// Decrypts the result of [`Self::encrypt_gcm`]. Returns `None` if another key encrypted it or it was changed.
    pub(super) fn decrypt_gcm(&self, base64: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_STANDARD.decode(base64).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        Aes256Gcm::new(&self.0.into()).decrypt(&(*nonce).into(), ciphertext).ok()
    }

    /// Decrypts the result of [`Self::encrypt_ecb`]. Returns `None` if the padding is invalid. It does not detect changes, so
    /// callers must verify a signature over the ciphertext first.
    pub(super) fn decrypt_ecb(&self, base64: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_STANDARD.decode(base64).ok()?;
        ecb::Decryptor::<Aes256>::new(&self.0.into()).decrypt_padded_vec::<Pkcs7>(&bytes).ok()
    }

    /// Returns `v1,` and the HMAC-SHA256 of `text` in base64url without padding.
    pub(super) fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        format!("v1,{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// Returns whether `signature` is the signature of `text`. Compares in constant time.
    pub(super) fn verifies(&self, text: &str, signature: &str) -> bool {
        self.sign(text).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// Whether the key has too few different characters, repeats its beginning, or is an ascending or descending sequence.
fn is_weak(key: &[u8; KEY_CHARACTERS]) -> bool {
    let different = key.iter().collect::<BTreeSet<_>>().len();
    let repeats = (1..=MAX_PERIOD).any(|period| key.iter().zip(&key[period..]).all(|(one, later)| one == later));
    let steps = || key.windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0]));
    let counts = steps().any(|size| steps().filter(|step| *step == size).count() >= COUNTED_STEPS);
    different < MIN_DIFFERENT_CHARACTERS || repeats || counts
}

impl PartialEq for SecretKey {
    /// Compares in constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

impl<'de> Deserialize<'de> for SecretKey {
    /// Reads a key that a customer brings along. Unlike a derived error, this one never contains the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().ok_or_else(|| D::Error::custom(BadSecretKey::Form))?;
        Self::brought_along(text).map_err(D::Error::custom)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::Payload;
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn decoded(base64: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(base64).unwrap()
    }

    /// Returns the given bytes instead of random ones.
    struct FixedBytes(Vec<u8>);

    impl Random for FixedBytes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }

    #[test]
    fn ecb_encrypts_the_test_vector_of_nist() {
        // NIST SP 800-38A, F.1.5: ECB-AES256.Encrypt. The last block is the padding, which the vector does not have.
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let plaintext = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
        let ciphertext = hex("f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870\
             b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7");
        let key = SecretKey(key.try_into().unwrap());
        let encrypted = key.encrypt_ecb(&plaintext);
        assert_eq!((&decoded(&encrypted)[..64], decoded(&encrypted).len()), (ciphertext.as_slice(), 80));
        assert_eq!(key.decrypt_ecb(&encrypted), Some(plaintext));
    }

    /// The test cases of the GCM specification for 256-bit keys without associated data: key, nonce, plaintext, ciphertext,
    /// tag.
    const GCM_CASES: [[&str; 5]; 3] = [
        // Test case 13.
        [ZERO_KEY, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
        // Test case 14.
        [
            ZERO_KEY,
            "000000000000000000000000",
            "00000000000000000000000000000000",
            "cea7403d4d606b6e074ec5d3baf39d18",
            "d0d1c8a799996bf0265b98b5d48ab919",
        ],
        // Test case 15.
        [GCM_KEY, GCM_NONCE, GCM_PLAINTEXT, GCM_CIPHERTEXT, "b094dac5d93471bdec1a502270e3cc6c"],
    ];
    const ZERO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    const GCM_KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    const GCM_NONCE: &str = "cafebabefacedbaddecaf888";
    const GCM_PLAINTEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
    const GCM_CIPHERTEXT: &str = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                                  8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";

    #[test]
    fn gcm_encrypts_the_test_vectors_of_the_specification() {
        for [key, nonce, plaintext, ciphertext, tag] in GCM_CASES {
            let key = SecretKey(hex(key).try_into().unwrap());
            let encrypted = key.encrypt_gcm(&hex(plaintext), &FixedBytes(hex(nonce)));
            assert_eq!(decoded(&encrypted), hex(&[nonce, ciphertext, tag].concat()));
            assert_eq!(key.decrypt_gcm(&encrypted), Some(hex(plaintext)));
        }
    }

    #[test]
    fn gcm_with_associated_data_encrypts_the_test_vector_of_the_specification() {
        // Test case 16. Signpost never uses associated data here; the case checks the library's GCM.
        let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let (plaintext, ciphertext) = (&hex(GCM_PLAINTEXT)[..60], &hex(GCM_CIPHERTEXT)[..60]);
        let key: [u8; 32] = hex(GCM_KEY).try_into().unwrap();
        let nonce: [u8; 12] = hex(GCM_NONCE).try_into().unwrap();
        let payload = Payload { msg: plaintext, aad: &associated };
        let encrypted = Aes256Gcm::new(&key.into()).encrypt(&nonce.into(), payload).unwrap();
        assert_eq!(encrypted, [ciphertext, &hex("76fc6ece0f4e1768cddf8853bb2d551b")].concat());
    }

    #[test]
    fn a_changed_ciphertext_or_one_of_another_key_is_not_decrypted() {
        let (key, other) = (SecretKey::generate(&SystemRandom), SecretKey::generate(&SystemRandom));
        let encrypted = key.encrypt_gcm(b"{}", &SystemRandom);
        let mut changed = decoded(&encrypted);
        changed[13] ^= 1;
        assert_eq!(other.decrypt_gcm(&encrypted), None);
        assert_eq!(key.decrypt_gcm(&BASE64_STANDARD.encode(changed)), None);
        assert_eq!((key.decrypt_gcm("AAAA"), key.decrypt_gcm("%"), key.decrypt_ecb("AAAA")), (None, None, None));
    }

    #[test]
    fn a_signature_verifies_only_with_its_key_and_text() {
        let (key, other) = (SecretKey::generate(&SystemRandom), SecretKey::generate(&SystemRandom));
        let signature = key.sign("kycStatus=approved");
        assert!(key.verifies("kycStatus=approved", &signature));
        for (key, text, signature) in [
            (&other, "kycStatus=approved", signature.as_str()),
            (&key, "kycStatus=rejected", signature.as_str()),
            (&key, "kycStatus=approved", &signature[..signature.len() - 1]),
            (&key, "kycStatus=approved", ""),
        ] {
            assert!(!key.verifies(text, signature), "{text} {signature}");
        }
    }

    #[test]
    fn openssl_produces_the_same_ecb_ciphertext() {
        // printf '{"userid":"user123"}' | openssl enc -aes-256-ecb -base64 -K "$(printf 0123456789abcdefghijABCDEFGHIJ01 | xxd -p -c 64)"
        let key = SecretKey::from_text(b"0123456789abcdefghijABCDEFGHIJ01").unwrap();
        assert_eq!(key.encrypt_ecb(br#"{"userid":"user123"}"#), "4q66kMCdFzO+kjnQo5hDpzGPsIEqV/zOMg7jiIx9g3M=");
    }

    #[test]
    fn openssl_produces_the_same_signature() {
        // printf 'kycStatus=approved' | openssl dgst -sha256 -hmac 0123456789abcdefghijABCDEFGHIJ01 -binary | base64 | tr '+/' '-_' | tr -d =
        let key = SecretKey::from_text(b"0123456789abcdefghijABCDEFGHIJ01").unwrap();
        assert_eq!(key.sign("kycStatus=approved"), "v1,ivrgA5ddDABPMSbljCskGtpn9mqewUwT-Do7kviY8sM");
    }

    #[test]
    fn a_key_that_is_easy_to_guess_cannot_be_brought_along_and_errors_hide_it() {
        let read = |json: &str| serde_json::from_str::<SecretKey>(json).map(|key| key.expose().to_owned());
        for good in
            ["4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe", "9e107d9d372bb6826bd81d3542a419d6", "31415926535897932384626433832795"]
        {
            assert_eq!(read(&format!("{good:?}")).unwrap(), good);
        }
        for (weak, reason) in [
            ("A".repeat(32), BadSecretKey::Weak),
            ("abcdefghijklmnopqrstuvwxyz012345".to_owned(), BadSecretKey::Weak),
            ("0123456789abcdef0123456789abcdef".to_owned(), BadSecretKey::Weak),
            ("zyxwvutsrqponmlkjihgfedcba987654".to_owned(), BadSecretKey::Weak),
            ("password".repeat(4), BadSecretKey::Weak),
            ("aB3".repeat(11)[..32].to_owned(), BadSecretKey::Weak),
            (format!("{}b1c2d", "a".repeat(27)), BadSecretKey::Weak),
            ("4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaE".to_owned(), BadSecretKey::Form),
            ("4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaE-".to_owned(), BadSecretKey::Form),
            ("4fGk9QzX2mBt7LwRs8VcYp3HnJd6Ta한".to_owned(), BadSecretKey::Form),
        ] {
            let error = read(&format!("{weak:?}")).unwrap_err().to_string();
            assert!(error.starts_with(&reason.to_string()) && !error.contains(&weak), "{weak}: {error}");
        }
        let number = read("31415926535897932384626433832795").unwrap_err().to_string();
        assert!(number.starts_with("must be a string") && !number.contains("314159"), "{number}");
    }

    proptest! {
        #[test]
        fn a_generated_key_can_be_brought_along(_ in 0..200_u32) {
            let key = SecretKey::generate(&SystemRandom);
            prop_assert_eq!(SecretKey::brought_along(key.expose()), Ok(key.clone()));
        }
    }

    #[test]
    fn a_key_is_32_letters_and_digits_and_hidden_in_debug_output() {
        let key = SecretKey::generate(&SystemRandom);
        assert_eq!(key.expose().len(), 32);
        assert!(key.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(format!("{key:?}"), "SecretKey(…)");
    }
}
