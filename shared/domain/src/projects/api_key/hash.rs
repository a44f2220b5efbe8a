//! Hashes of API keys. Only the hash of a key is stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// The SHA-256 of an API key, written as 64 hexadecimal digits. Compared in constant time.
#[derive(Debug, Clone, Copy, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

/// A string that is not a [`KeyHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 64 hexadecimal digits in lower case")]
pub struct BadKeyHash;

impl KeyHash {
    /// The hash with this SHA-256 digest.
    pub fn from_digest(digest: impl Into<[u8; 32]>) -> Self {
        Self(digest.into())
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for KeyHash {
    type Err = BadKeyHash;

    fn from_str(text: &str) -> Result<Self, BadKeyHash> {
        let is_lower_hex = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_lower_hex {
            return Err(BadKeyHash);
        }
        let mut hash = [0; 32];
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| BadKeyHash)?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for KeyHash {
    type Error = BadKeyHash;

    fn try_from(text: String) -> Result<Self, BadKeyHash> {
        text.parse()
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.to_string()
    }
}

/// The hashes of the operator's keys, in a deployment parameter: separated by commas, two of them during a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorKeys(Vec<KeyHash>);

impl OperatorKeys {
    /// Returns whether `key` is an operator key.
    pub fn contain(&self, key: &KeyHash) -> bool {
        // `filter` compares every hash, so the duration does not depend on which one matches.
        self.0.iter().filter(|known| *known == key).count() > 0
    }
}

impl FromStr for OperatorKeys {
    type Err = BadKeyHash;

    fn from_str(text: &str) -> Result<Self, BadKeyHash> {
        text.split(',').map(|hash| hash.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::projects::api_key::{ApiKey, ApiKeyKind};

    #[test]
    fn a_hash_is_the_sha_256_in_hexadecimal() {
        let hash = KeyHash::from_digest(Sha256::digest("abc"));
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }

    #[test]
    fn operator_keys_are_separated_by_commas() {
        let [old, new, foreign] = [(); 3].map(|()| ApiKey::generate(ApiKeyKind::Operator, &SystemRandom).hash());
        let keys: OperatorKeys = format!("{old}, {new}").parse().unwrap();
        assert!(keys.contain(&old) && keys.contain(&new) && !keys.contain(&foreign));
        assert!("".parse::<OperatorKeys>().is_err());
    }

    proptest! {
        #[test]
        fn the_parser_never_panics(text in "\\PC{0,80}") {
            let _ = text.parse::<KeyHash>();
        }
    }
}
