//! Signatures as defined by Standard Webhooks 1.0.0, over `id.timestamp.body`: `v1` is HMAC-SHA256 with the endpoint's
//! signing secret, `v1a` is Ed25519 with the project's key pair.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::foundation::id::EventId;
use crate::foundation::random::{self, Random};
use crate::foundation::time::Timestamp;
use crate::public_names;

public_names! {
    /// Kind of signature.
    pub enum SignatureScheme {
        /// Symmetric: HMAC-SHA256 with the endpoint's signing secret.
        V1 = "v1",
        /// Asymmetric: Ed25519 with the project's key pair. The public key is published.
        V1a = "v1a",
    }
}

impl SignatureScheme {
    /// The signature as written in the header, such as `v1,<base64>`.
    pub(crate) fn write(self, signature: &[u8]) -> String {
        format!("{},{}", self.as_str(), BASE64_STANDARD.encode(signature))
    }
}

/// Kinds of signatures that webhooks carry, at least one. Default: `v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Vec<SignatureScheme>, min_items = 1))]
#[serde(try_from = "Vec<SignatureScheme>")]
pub struct SignatureSchemes(BTreeSet<SignatureScheme>);

/// An empty list of kinds. Every webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must name at least one of v1, v1a")]
pub struct NoSignature;

impl SignatureSchemes {
    /// Whether webhooks carry a signature of this kind.
    pub fn contain(&self, scheme: SignatureScheme) -> bool {
        self.0.contains(&scheme)
    }
}

impl Default for SignatureSchemes {
    fn default() -> Self {
        Self([SignatureScheme::V1].into())
    }
}

impl TryFrom<Vec<SignatureScheme>> for SignatureSchemes {
    type Error = NoSignature;

    fn try_from(schemes: Vec<SignatureScheme>) -> Result<Self, NoSignature> {
        if schemes.is_empty() { Err(NoSignature) } else { Ok(Self(schemes.into_iter().collect())) }
    }
}

/// The bytes that are signed: `id.timestamp.body`.
pub(crate) fn signed_content(id: &str, seconds: i64, body: &[u8]) -> Vec<u8> {
    [format!("{id}.{seconds}.").as_bytes(), body].concat()
}

/// HMAC-SHA256 of `content` with `key`.
pub(crate) fn mac(key: &[u8], content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(content);
    mac.finalize().into_bytes().into()
}

const PREFIX: &str = "whsec_";

/// Length of a new secret in bytes. A multiple of three, so that its base64 needs no padding, which receivers'
/// libraries treat differently, and longer than the 256 bits of the hash.
const NEW_SECRET_BYTES: usize = 33;

/// Signing secret of an endpoint: 24 to 64 bytes, written as `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SigningSecret(Vec<u8>);

/// A string that is not a [`SigningSecret`]. The error does not contain the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadSigningSecret {
    /// Its form or length is wrong.
    #[error("must be whsec_ and the base64 of 24 to 64 bytes, with padding")]
    Malformed,
    /// All of its bytes are the same, so it is a placeholder that anyone can guess.
    #[error("must be random: all of its bytes are the same")]
    Guessable,
}

impl SigningSecret {
    /// Generates a secret.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::bytes::<NEW_SECRET_BYTES>(random).to_vec())
    }

    /// The secret in the clear, to be shown to its owner or sealed.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }

    /// Returns the signature `v1,<base64>` of `body` sent at `at` under the webhook id `id`.
    pub fn sign(&self, id: EventId, at: Timestamp, body: &[u8]) -> String {
        self.sign_content(&signed_content(&id.to_string(), at.as_seconds(), body))
    }

    /// The secret in the clear, as the key of [`mac`].
    pub(crate) fn key(&self) -> &[u8] {
        &self.0
    }

    fn sign_content(&self, content: &[u8]) -> String {
        SignatureScheme::V1.write(&mac(&self.0, content))
    }
}

impl FromStr for SigningSecret {
    type Err = BadSigningSecret;

    fn from_str(text: &str) -> Result<Self, BadSigningSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSigningSecret::Malformed)?;
        let secret = Self(BASE64_STANDARD.decode(encoded).map_err(|_| BadSigningSecret::Malformed)?);
        let bytes = &secret.0;
        if !(24..=64).contains(&bytes.len()) {
            return Err(BadSigningSecret::Malformed);
        }
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(BadSigningSecret::Guessable);
        }
        Ok(secret)
    }
}

/// Parses a secret that the customer brings along.
impl TryFrom<String> for SigningSecret {
    type Error = BadSigningSecret;

    fn try_from(mut text: String) -> Result<Self, BadSigningSecret> {
        let secret = text.parse();
        text.zeroize();
        secret
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    #[test]
    fn signing_reproduces_the_public_test_vectors() {
        let vectors = [
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ];
        for (secret, id, seconds, body, signature) in vectors {
            let secret: SigningSecret = secret.parse().unwrap();
            assert_eq!(secret.sign_content(&signed_content(id, seconds, body.as_bytes())), signature);
        }
    }

    #[test]
    fn new_secrets_parse_again_and_need_no_padding() {
        let secret = SigningSecret::generate(&SystemRandom);
        assert!(!secret.expose().contains('='));
        assert_eq!(secret.expose().parse(), Ok(secret));
    }

    #[test]
    fn webhooks_carry_at_least_one_kind_of_signature() {
        let read = |json| serde_json::from_str::<SignatureSchemes>(json);
        assert_eq!(read(r#"["v1"]"#).unwrap(), SignatureSchemes::default());
        assert_eq!(serde_json::to_string(&read(r#"["v1a","v1","v1a"]"#).unwrap()).unwrap(), r#"["v1","v1a"]"#);
        assert!(read("[]").is_err() && read(r#"["v2"]"#).is_err());
    }

    #[test]
    fn secrets_that_are_too_short_or_lack_the_prefix_are_refused() {
        let whsec = |bytes: u8| format!("whsec_{}", BASE64_STANDARD.encode((0..bytes).collect::<Vec<u8>>()));
        for good in [24, 32, 64] {
            assert_eq!(whsec(good).parse::<SigningSecret>().map(|secret| secret.expose()), Ok(whsec(good)));
        }
        let unprefixed = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned();
        let other_alphabet = format!("whsec_{}", "-_".repeat(20));
        for bad in [
            String::new(),
            "whsec_".to_owned(),
            unprefixed,
            whsec(23),
            whsec(65),
            "whsec_***".to_owned(),
            other_alphabet,
        ] {
            assert_eq!(bad.parse::<SigningSecret>(), Err(BadSigningSecret::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_secret_of_equal_bytes_is_refused() {
        for byte in [0, b'a', 0xff] {
            let secret = format!("whsec_{}", BASE64_STANDARD.encode([byte; 32]));
            assert_eq!(secret.parse::<SigningSecret>(), Err(BadSigningSecret::Guessable), "{secret}");
        }
    }
}
