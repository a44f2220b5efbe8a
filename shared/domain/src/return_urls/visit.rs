//! The visit that used a single-use link.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::foundation::random::{self, Random};

const PROOF_BYTES: usize = 16;

/// Proves that a request belongs to the visit that used a single-use link. Only the page of that visit contains the proof, so other
/// people with the link cannot send it. Only its [`VisitHash`] is stored.
#[derive(Clone)]
pub struct VisitProof(String);

impl VisitProof {
    /// Generates the proof of a new visit.
    pub fn generate(random: &dyn Random) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<PROOF_BYTES>(random)))
    }

    /// Reads a proof from a query; `None` if `text` is malformed.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == PROOF_BYTES).then(|| Self(text.to_owned()))
    }

    /// The proof, to show to the visitor.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The hash to store.
    pub fn hash(&self) -> VisitHash {
        VisitHash(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0)))
    }
}

impl fmt::Debug for VisitProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitProof(…)")
    }
}

/// The SHA-256 of a [`VisitProof`].
#[derive(Debug, Clone)]
pub struct VisitHash(String);

impl VisitHash {
    /// A stored hash.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hash as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for VisitHash {
    /// Compares in constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for VisitHash {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    #[test]
    fn a_proof_matches_only_its_own_hash_and_is_hidden_in_debug_output() {
        let (proof, other) = (VisitProof::generate(&SystemRandom), VisitProof::generate(&SystemRandom));
        let read = VisitProof::from_text(proof.expose()).unwrap();
        assert_eq!(read.hash(), VisitHash::from_text(proof.hash().as_str()));
        assert_ne!(other.hash(), proof.hash());
        assert_ne!(proof.hash().as_str(), proof.expose());
        assert_eq!(format!("{proof:?}"), "VisitProof(…)");
    }

    #[test]
    fn a_malformed_proof_is_rejected() {
        for text in [
            "",
            "1",
            "11",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAA%41",
            "<script>",
        ] {
            assert!(VisitProof::from_text(text).is_none(), "{text}");
        }
    }
}
