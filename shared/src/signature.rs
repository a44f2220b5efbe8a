//! Signatures as Standard Webhooks 1.0.0 defines them, over `id.timestamp.body`: `v1` is HMAC-SHA256 with the endpoint's
//! secret, `v1a` Ed25519 with the project's key pair ([`crate::key_pair`]).

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

use crate::id::EventId;
use crate::random::{self, Random};
use crate::time::Timestamp;

/// A kind of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
#[serde(try_from = "String", into = "&'static str")]
pub enum SignatureScheme {
    /// Symmetric: HMAC-SHA256 with the endpoint's signing secret.
    V1,
    /// Asymmetric: Ed25519 with the project's key pair, whose public key anybody can fetch.
    V1a,
}

impl SignatureScheme {
    /// All of them, in the order of a webhook's signatures.
    pub const ALL: [Self; 2] = [Self::V1, Self::V1a];

    /// Its public name, which signatures begin with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// A signature as it stands in the header.
    pub(crate) fn write(self, signature: &[u8]) -> String {
        format!("{},{}", self.as_str(), BASE64_STANDARD.encode(signature))
    }
}

/// A text that names no kind of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of v1, v1a")]
pub struct UnknownSignatureScheme;

impl TryFrom<String> for SignatureScheme {
    type Error = UnknownSignatureScheme;

    fn try_from(text: String) -> Result<Self, UnknownSignatureScheme> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownSignatureScheme)
    }
}

impl From<SignatureScheme> for &'static str {
    fn from(scheme: SignatureScheme) -> Self {
        scheme.as_str()
    }
}

/// Which signatures webhooks carry: one kind at least; `v1` alone, unless somebody chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Vec<SignatureScheme>, min_items = 1))]
#[serde(try_from = "Vec<SignatureScheme>")]
pub struct SignatureSchemes(BTreeSet<SignatureScheme>);

/// Webhooks without a signature: there are none.
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

/// What a signature is made of: `id.timestamp.body`.
pub(crate) fn signed_content(id: &str, seconds: i64, body: &[u8]) -> Vec<u8> {
    [format!("{id}.{seconds}.").as_bytes(), body].concat()
}

const PREFIX: &str = "whsec_";

/// How many bytes a new secret has: a multiple of three, so that its base64 needs no padding, which receivers' libraries
/// treat differently; and more than the 256 bits of the hash.
const NEW_SECRET_BYTES: usize = 33;

/// What an endpoint's webhooks are signed with: 24 to 64 bytes, written `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SigningSecret(Vec<u8>);

/// A text that is no [`SigningSecret`]. The text is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("signing secret must be whsec_ and the base64 of 24 to 64 bytes")]
pub struct BadSigningSecret;

impl SigningSecret {
    /// A new secret.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::bytes::<NEW_SECRET_BYTES>(random).to_vec())
    }

    /// The secret as text, to be shown to its owner or sealed.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }

    /// One signature, `v1,<base64>`, of `body` sent at `at` under the webhook id `id`.
    pub fn sign(&self, id: EventId, at: Timestamp, body: &[u8]) -> String {
        self.sign_content(&signed_content(&id.to_string(), at.as_seconds(), body))
    }

    fn sign_content(&self, content: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(content);
        SignatureScheme::V1.write(&mac.finalize().into_bytes())
    }
}

impl FromStr for SigningSecret {
    type Err = BadSigningSecret;

    fn from_str(text: &str) -> Result<Self, BadSigningSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSigningSecret)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| BadSigningSecret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSigningSecret) }
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
    use crate::random::SystemRandom;

    #[test]
    fn the_public_test_vectors_come_out() {
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
    fn new_secrets_read_back_and_need_no_padding() {
        let secret = SigningSecret::generate(&SystemRandom);
        assert!(!secret.expose().contains('='));
        assert_eq!(secret.expose().parse(), Ok(secret));
    }

    #[test]
    fn webhooks_carry_one_kind_of_signature_at_least() {
        let read = |json| serde_json::from_str::<SignatureSchemes>(json);
        assert_eq!(read(r#"["v1"]"#).unwrap(), SignatureSchemes::default());
        assert_eq!(serde_json::to_string(&read(r#"["v1a","v1","v1a"]"#).unwrap()).unwrap(), r#"["v1","v1a"]"#);
        assert!(read("[]").is_err() && read(r#"["v2"]"#).is_err());
    }

    #[test]
    fn secrets_too_short_or_without_prefix_are_refused() {
        for bad in ["", "whsec_", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_AAAA", "whsec_***"] {
            assert_eq!(bad.parse::<SigningSecret>(), Err(BadSigningSecret), "{bad}");
        }
    }
}
