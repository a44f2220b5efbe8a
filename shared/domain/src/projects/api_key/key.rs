//! The API key itself: how it is generated and parsed.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::KeyHash;
use crate::foundation::random::{self, Random};
use crate::projects::project::Mode;

const RANDOM_CHARACTERS: usize = 32;
const CHECKSUM_CHARACTERS: usize = 6;

/// The holder and use of a key, which its prefix shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyKind {
    /// For a customer's server and real verifications.
    Live,
    /// For a customer's server and tests.
    Test,
    /// For the operator and all projects.
    Operator,
}

impl ApiKeyKind {
    pub(super) const ALL: [Self; 3] = [Self::Live, Self::Test, Self::Operator];

    /// The first characters of the key.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "sp_live_",
            Self::Test => "sp_test_",
            Self::Operator => "sp_op_",
        }
    }
}

impl From<Mode> for ApiKeyKind {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::Live,
            Mode::Test => Self::Test,
        }
    }
}

/// An API key. It is shown once, when it is created. Afterwards only its hash exists.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    kind: ApiKeyKind,
    text: String,
}

/// A string that cannot be an API key because of its prefix, length, characters or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an API key")]
pub struct BadApiKey;

impl ApiKey {
    /// Generates a new key.
    pub fn generate(kind: ApiKeyKind, random: &dyn Random) -> Self {
        let body = format!("{}{}", kind.prefix(), random::letters_and_digits(RANDOM_CHARACTERS, random));
        Self { kind, text: format!("{body}{}", checksum(&body)) }
    }

    /// The kind of the key.
    pub fn kind(&self) -> ApiKeyKind {
        self.kind
    }

    /// The hash to store.
    pub fn hash(&self) -> KeyHash {
        KeyHash::from_digest(Sha256::digest(&self.text))
    }

    /// The secret key, to show to its owner.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The prefix and first four characters. Lists show them so that owners recognize their keys.
    pub fn hint(&self) -> String {
        format!("{}…", &self.text[..self.kind.prefix().len() + 4])
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", self.kind.prefix())
    }
}

impl FromStr for ApiKey {
    type Err = BadApiKey;

    fn from_str(text: &str) -> Result<Self, BadApiKey> {
        let kind = ApiKeyKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix())).ok_or(BadApiKey)?;
        let random = &text[kind.prefix().len()..];
        let has_right_length = random.len() == RANDOM_CHARACTERS + CHECKSUM_CHARACTERS;
        if !has_right_length || !random.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(BadApiKey);
        }
        let (body, given) = text.split_at(text.len() - CHECKSUM_CHARACTERS);
        if checksum(body) == given { Ok(Self { kind, text: text.to_owned() }) } else { Err(BadApiKey) }
    }
}

/// Returns the CRC32 of `body` in base 62, most significant digit first.
fn checksum(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARACTERS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    #[test]
    fn every_kind_of_key_is_parsed() {
        for kind in ApiKeyKind::ALL {
            let key = ApiKey::generate(kind, &SystemRandom);
            assert_eq!(key.expose().len(), kind.prefix().len() + 38);
            assert_eq!(key.expose().parse(), Ok(key));
        }
    }

    #[test]
    fn a_key_with_one_wrong_character_is_rejected() {
        let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        for position in "sp_op_".len()..key.expose().len() {
            let mut bytes = key.expose().as_bytes().to_vec();
            bytes[position] = if bytes[position] == b'a' { b'b' } else { b'a' };
            assert_eq!(String::from_utf8(bytes).unwrap().parse::<ApiKey>(), Err(BadApiKey), "{position}");
        }
    }

    #[test]
    fn debug_output_hides_the_key() {
        let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
        assert_eq!(format!("{key:?}"), "ApiKey(sp_live_…)");
    }

    proptest! {
        #[test]
        fn the_parser_never_panics(text in "(sp_(live|test|op)_)?\\PC{0,60}") {
            let _ = text.parse::<ApiKey>();
        }
    }
}
