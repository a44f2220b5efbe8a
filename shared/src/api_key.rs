//! API keys: what customers' servers and the operator show with every call.
//!
//! A key is `sp_live_`, `sp_test_` or `sp_op_`, then 32 random letters and digits, then a checksum of 6. The checksum lets
//! a mistyped key, and a secret scanner's false find, be told apart without a look-up. Only the key's hash is stored.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::draft::{BadFields, Draft};
use crate::id::{ApiKeyId, ProjectId};
use crate::project::{Mode, Name};
use crate::random::{self, Random};
use crate::time::Timestamp;

const RANDOM_CHARACTERS: usize = 32;
const CHECKSUM_CHARACTERS: usize = 6;

/// Who a key is for; shown in its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyKind {
    /// A customer's server, for real verifications.
    Live,
    /// A customer's server, for trials.
    Test,
    /// The operator, for all projects.
    Operator,
}

impl ApiKeyKind {
    const ALL: [Self; 3] = [Self::Live, Self::Test, Self::Operator];

    /// What its keys begin with.
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

/// A whole key. It is shown once, when it is created; afterwards only its hash exists.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    kind: ApiKeyKind,
    text: String,
}

/// Text that cannot be an API key: other prefix, length, characters or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an API key")]
pub struct BadApiKey;

impl ApiKey {
    /// A new key.
    pub fn generate(kind: ApiKeyKind, random: &dyn Random) -> Self {
        let body = format!("{}{}", kind.prefix(), random::letters_and_digits(RANDOM_CHARACTERS, random));
        Self { kind, text: format!("{body}{}", checksum(&body)) }
    }

    /// Who it is for.
    pub fn kind(&self) -> ApiKeyKind {
        self.kind
    }

    /// What is stored of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(&self.text).into())
    }

    /// The key itself, to be shown to its owner.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What lists show, so that owners can tell their keys apart: prefix and first four characters.
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

/// The CRC32 of `body` in base 62, most significant digit first.
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

/// The SHA-256 of a key, written as 64 hexadecimal digits. Compared in constant time.
#[derive(Debug, Clone, Copy, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

/// Text that is no [`KeyHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 64 hexadecimal digits in lower case")]
pub struct BadKeyHash;

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

/// The hashes of the operator's keys, as the deployment names them: separated by commas, two during a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorKeys(Vec<KeyHash>);

impl OperatorKeys {
    /// Whether `key` is one of them.
    pub fn contain(&self, key: &KeyHash) -> bool {
        // Every hash is compared, so that the time taken tells nothing.
        self.0.iter().filter(|known| *known == key).count() > 0
    }
}

impl FromStr for OperatorKeys {
    type Err = BadKeyHash;

    fn from_str(text: &str) -> Result<Self, BadKeyHash> {
        text.split(',').map(|hash| hash.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Read the project's settings.
    #[serde(rename = "settings:read")]
    SettingsRead,
    /// Change the project's settings.
    #[serde(rename = "settings:write")]
    SettingsWrite,
    /// Publish events.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Read events, deliveries and reports.
    #[serde(rename = "deliveries:read")]
    DeliveriesRead,
    /// Replay deliveries.
    #[serde(rename = "deliveries:replay")]
    DeliveriesReplay,
    /// Mint return links.
    #[serde(rename = "links:write")]
    LinksWrite,
}

impl Scope {
    /// All of them: what a key has when nothing less was asked for.
    pub const ALL: [Self; 6] = [
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::EventsWrite,
        Self::DeliveriesRead,
        Self::DeliveriesReplay,
        Self::LinksWrite,
    ];

    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::EventsWrite => "events:write",
            Self::DeliveriesRead => "deliveries:read",
            Self::DeliveriesReplay => "deliveries:replay",
            Self::LinksWrite => "links:write",
        }
    }
}

/// What is stored of a project's API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The project it opens.
    pub project_id: ProjectId,
    /// What its owner calls it.
    pub name: Name,
    /// Its hash.
    pub key_hash: KeyHash,
    /// How it begins.
    pub hint: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// From when on it is refused; never, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from; anywhere, if empty.
    pub allowed_cidrs: Vec<IpNet>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Why a known key is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Its time is over.
    #[error("API key has expired")]
    Expired,
    /// It is not to be used from where the call came from.
    #[error("API key is not allowed from this address")]
    Address,
    /// It lacks a scope.
    #[error("API key lacks the scope {}", .0.as_str())]
    Scope(Scope),
}

impl ProjectKey {
    /// Whether it may be used for `scope` at `now` by a caller at `source`.
    pub fn admit(&self, scope: Scope, now: Timestamp, source: Option<IpAddr>) -> Result<(), Refusal> {
        if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Refusal::Expired);
        }
        let is_from = |address: IpAddr| self.allowed_cidrs.iter().any(|cidr| cidr.contains(&address));
        if !self.allowed_cidrs.is_empty() && !source.is_some_and(is_from) {
            return Err(Refusal::Address);
        }
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Refusal::Scope(scope)) }
    }
}

/// A request for a new API key of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub name: Name,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from.
    pub allowed_cidrs: Vec<IpNet>,
}

impl TryFrom<Draft> for NewApiKey {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        const MOST_CIDRS: usize = 50;
        let name = draft.required("name");
        let scopes = draft.optional_list("scopes").unwrap_or_else(|| Scope::ALL.to_vec());
        let expires_at = draft.optional("expiresAt");
        let allowed_cidrs = draft.optional_list("allowedCidrs").unwrap_or_default();
        if allowed_cidrs.len() > MOST_CIDRS {
            draft.refuse::<()>("/allowedCidrs", "must have at most 50 items");
        }
        draft.check(|| Some(Self { name: name?, scopes: scopes.into_iter().collect(), expires_at, allowed_cidrs }))
    }
}

impl NewApiKey {
    /// What is stored of `key`, which is what was asked for.
    pub fn create(self, id: ApiKeyId, project_id: ProjectId, key: &ApiKey) -> ProjectKey {
        ProjectKey {
            id,
            project_id,
            name: self.name,
            key_hash: key.hash(),
            hint: key.hint(),
            scopes: self.scopes,
            expires_at: self.expires_at,
            allowed_cidrs: self.allowed_cidrs,
            created_at: id.made_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn project_key(body: &str) -> ProjectKey {
        let new: NewApiKey = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
        new.create(ApiKeyId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom), &key)
    }

    #[test]
    fn every_kind_of_key_reads_back() {
        for kind in ApiKeyKind::ALL {
            let key = ApiKey::generate(kind, &SystemRandom);
            assert_eq!(key.expose().len(), kind.prefix().len() + 38);
            assert_eq!(key.expose().parse(), Ok(key));
        }
    }

    #[test]
    fn one_wrong_character_is_noticed() {
        let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        for position in "sp_op_".len()..key.expose().len() {
            let mut text = key.expose().as_bytes().to_vec();
            text[position] = if text[position] == b'a' { b'b' } else { b'a' };
            assert_eq!(String::from_utf8(text).unwrap().parse::<ApiKey>(), Err(BadApiKey), "{position}");
        }
    }

    #[test]
    fn debug_output_hides_the_key() {
        let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
        assert_eq!(format!("{key:?}"), "ApiKey(sp_live_…)");
    }

    #[test]
    fn hashes_are_sha_256_in_hex() {
        let hash = KeyHash(Sha256::digest("abc").into());
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }

    #[test]
    fn operator_keys_are_listed_with_commas() {
        let [old, new, foreign] = [(); 3].map(|()| ApiKey::generate(ApiKeyKind::Operator, &SystemRandom).hash());
        let keys: OperatorKeys = format!("{old}, {new}").parse().unwrap();
        assert!(keys.contain(&old) && keys.contain(&new) && !keys.contain(&foreign));
        assert!("".parse::<OperatorKeys>().is_err());
    }

    #[test]
    fn a_key_without_wishes_may_do_everything_from_anywhere() {
        let key = project_key(r#"{"name":"server"}"#);
        for scope in Scope::ALL {
            assert_eq!(key.admit(scope, now(), None), Ok(()));
        }
    }

    #[test]
    fn scope_expiry_and_address_are_enforced() {
        let key = project_key(
            r#"{"name":"s","scopes":["events:write"],"expiresAt":"2026-11-22T09:00:00Z","allowedCidrs":["203.0.113.0/24","2001:db8::/32"]}"#,
        );
        let inside: Option<IpAddr> = Some("203.0.113.9".parse().unwrap());
        let outside: Option<IpAddr> = Some("198.51.100.1".parse().unwrap());
        let later = now().plus(std::time::Duration::from_mins(30));
        assert_eq!(key.admit(Scope::EventsWrite, now(), inside), Ok(()));
        assert_eq!(key.admit(Scope::EventsWrite, now(), Some("2001:db8::1".parse().unwrap())), Ok(()));
        assert_eq!(key.admit(Scope::EventsWrite, now(), outside), Err(Refusal::Address));
        assert_eq!(key.admit(Scope::EventsWrite, now(), None), Err(Refusal::Address));
        assert_eq!(key.admit(Scope::EventsWrite, later, inside), Err(Refusal::Expired));
        assert_eq!(key.admit(Scope::SettingsRead, now(), inside), Err(Refusal::Scope(Scope::SettingsRead)));
    }

    #[test]
    fn scopes_are_written_alike_everywhere() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_key_parsers(text in "\\PC{0,80}") {
            let _ = text.parse::<ApiKey>();
            let _ = text.parse::<KeyHash>();
        }
    }
}
