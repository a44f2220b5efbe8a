//! The Ed25519 key pairs that sign a project's webhooks with `v1a`, and their rotation.
//!
//! Receivers fetch the list of public keys and cache it. Therefore a new key is listed before it signs, and an old key
//! stays listed while receivers may still verify webhooks that it signed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroize;

use crate::foundation::id::{EventId, KeyPairId, ProjectId};
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::random::{self, Random};
use crate::foundation::time::Timestamp;
use crate::webhooks::signature::{SignatureScheme, signed_content};

/// How long a new public key is listed before it signs: twice the `max-age` of the list.
pub const LISTED_BEFORE: Duration = Duration::from_mins(10);

/// How long an old public key stays listed after a newer pair started to sign.
pub const LISTED_AFTER: Duration = Duration::from_hours(24);

/// Maximum number of public keys that a project lists at once.
pub const MAX_KEY_PAIRS: usize = 4;

const SEED_BYTES: usize = 32;

/// An opened key pair, ready to sign.
#[derive(Clone)]
pub struct KeyPair(Arc<Ed25519KeyPair>);

impl KeyPair {
    /// Returns the signature `v1a,<base64>` of `body` sent at `at` under the webhook id `id`.
    pub fn sign(&self, id: EventId, at: Timestamp, body: &[u8]) -> String {
        self.sign_content(&signed_content(&id.to_string(), at.as_seconds(), body))
    }

    fn sign_content(&self, content: &[u8]) -> String {
        SignatureScheme::V1a.write(self.0.sign(content).as_ref())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(…)")
    }
}

/// Public key of a pair: 32 bytes in base64url without padding, as in a JWK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$"))]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// A string that is not a [`PublicKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 32 bytes in base64url")]
pub struct BadPublicKey;

impl PublicKey {
    /// Whether the pair's private key made `signature` over `content`.
    pub(crate) fn verifies(&self, content: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(content, signature).is_ok()
    }
}

impl TryFrom<String> for PublicKey {
    type Error = BadPublicKey;

    fn try_from(text: String) -> Result<Self, BadPublicKey> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| BadPublicKey)?;
        bytes.try_into().map(Self).map_err(|_| BadPublicKey)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        BASE64_URL_SAFE_NO_PAD.encode(key.0)
    }
}

/// A stored key pair. Its private key is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredKeyPair {
    /// Id of the pair, published as the JWK's `kid`.
    pub id: KeyPairId,
    /// Public key.
    pub public_key: PublicKey,
    /// Private key of 32 bytes, sealed.
    pub private_key: Sealed,
    /// When the pair starts to sign. It stops when a newer pair starts.
    pub signs_from: Timestamp,
}

impl StoredKeyPair {
    /// Generates a pair that signs from `signs_from` on.
    fn generate(id: KeyPairId, project: ProjectId, signs_from: Timestamp, ring: &KeyRing, random: &dyn Random) -> Self {
        let mut seed = random::bytes::<SEED_BYTES>(random);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are an Ed25519 seed");
        let public_key = pair.public_key().as_ref().try_into().expect("Ed25519 public keys have 32 bytes");
        let private_key = ring.seal(SealedKind::KeyPair, project, &seed, random);
        seed.zeroize();
        Self { id, public_key: PublicKey(public_key), private_key, signs_from }
    }

    fn open(&self, project: ProjectId, ring: &KeyRing) -> Result<KeyPair, CannotOpen> {
        let mut seed = ring.open(SealedKind::KeyPair, project, &self.private_key)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &self.public_key.0);
        seed.zeroize();
        Ok(KeyPair(Arc::new(pair.map_err(|_| CannotOpen)?)))
    }
}

/// A project's key pairs, at least one, in the order in which they sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPairs {
    /// The project that owns the pairs.
    pub project_id: ProjectId,
    /// Number of writes, from 1. A write succeeds only if it is based on the current version.
    pub version: u32,
    /// Number of the audit log entry that changed the pairs last. Part of the `ETag`. 0 in rows of older versions.
    #[serde(default)]
    pub changed_in: u64,
    pairs: Vec<StoredKeyPair>,
}

/// The maximum number of public keys is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("four public keys are listed, which is the maximum")]
pub struct TooManyKeyPairs;

impl KeyPairs {
    /// Generates a project's first pair. It signs at once, because no receiver can have cached an older list.
    pub fn first(id: KeyPairId, project: ProjectId, ring: &KeyRing, random: &dyn Random) -> Self {
        let pair = StoredKeyPair::generate(id, project, id.created_at(), ring, random);
        Self { project_id: project, version: 1, changed_in: 0, pairs: vec![pair] }
    }

    /// Adds a new pair, which is listed at once and signs after [`LISTED_BEFORE`]. Removes pairs that are no longer
    /// listed. Fails if [`MAX_KEY_PAIRS`] are listed.
    pub fn rotate(
        &mut self,
        id: KeyPairId,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<&StoredKeyPair, TooManyKeyPairs> {
        let listed: Vec<StoredKeyPair> = self.listed_at(now).cloned().collect();
        if listed.len() >= MAX_KEY_PAIRS {
            return Err(TooManyKeyPairs);
        }
        self.pairs = listed;
        // Clocks of machines differ slightly. The pairs must stay ordered by when they sign.
        let latest = self.pairs.iter().map(|pair| pair.signs_from).max();
        let signs_from = now.plus(LISTED_BEFORE).max(latest.unwrap_or(now));
        self.pairs.push(StoredKeyPair::generate(id, self.project_id, signs_from, ring, random));
        Ok(&self.pairs[self.pairs.len() - 1])
    }

    /// The pairs whose public keys are listed at `now`, oldest first.
    pub fn listed_at(&self, now: Timestamp) -> impl Iterator<Item = &StoredKeyPair> {
        let ends = self.pairs.iter().skip(1).map(|next| Some(next.signs_from.plus(LISTED_AFTER))).chain([None]);
        self.pairs.iter().zip(ends).filter(move |(_, end)| end.is_none_or(|end| end > now)).map(|(pair, _)| pair)
    }

    /// All sealed values of the pairs.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.pairs.iter().map(|pair| &pair.private_key)
    }

    /// All sealed values with their kinds, to be sealed again under the current master key.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        self.pairs.iter_mut().map(|pair| (SealedKind::KeyPair, &mut pair.private_key))
    }

    /// Opens all pairs.
    pub fn open(&self, ring: &KeyRing) -> Result<OpenedKeyPairs, CannotOpen> {
        let open = |pair: &StoredKeyPair| Ok((pair.signs_from, pair.open(self.project_id, ring)?));
        let pairs = self.pairs.iter().map(open).collect::<Result<Vec<_>, CannotOpen>>()?;
        if pairs.is_empty() { Err(CannotOpen) } else { Ok(OpenedKeyPairs(pairs)) }
    }
}

/// A project's opened key pairs with the times from which they sign.
#[derive(Debug, Clone)]
pub struct OpenedKeyPairs(Vec<(Timestamp, KeyPair)>);

impl OpenedKeyPairs {
    /// The pair that signs at `now`: the newest that has started to sign. On a slow clock none may have started; then
    /// it is the first.
    pub fn signing_at(&self, now: Timestamp) -> &KeyPair {
        let started = self.0.iter().rev().find(|(signs_from, _)| *signs_from <= now);
        &started.unwrap_or(&self.0[0]).1
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn master_keys() -> KeyRing {
        KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
    }

    fn first() -> KeyPairs {
        let project = ProjectId::new(now(), &SystemRandom);
        KeyPairs::first(KeyPairId::new(now(), &SystemRandom), project, &master_keys(), &SystemRandom)
    }

    fn rotate(pairs: &mut KeyPairs, now: Timestamp) -> Result<KeyPairId, TooManyKeyPairs> {
        let id = KeyPairId::new(now, &SystemRandom);
        pairs.rotate(id, now, &master_keys(), &SystemRandom).map(|pair| pair.id)
    }

    fn listed(pairs: &KeyPairs, now: Timestamp) -> Vec<KeyPairId> {
        pairs.listed_at(now).map(|pair| pair.id).collect()
    }

    /// Finds the pair that signs as a receiver does, by trying the listed public keys.
    fn signer(pairs: &KeyPairs, now: Timestamp) -> KeyPairId {
        let id = EventId::new(now, &SystemRandom);
        let signature = pairs.open(&master_keys()).unwrap().signing_at(now).sign(id, now, b"{}");
        let signature = BASE64_STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let content = signed_content(&id.to_string(), now.as_seconds(), b"{}");
        let verifies = |pair: &&StoredKeyPair| pair.public_key.verifies(&content, &signature);
        pairs.listed_at(now).find(verifies).expect("the signing pair is listed").id
    }

    #[test]
    fn signing_reproduces_the_public_test_vector() {
        let secret = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let bytes = BASE64_STANDARD.decode(secret).unwrap();
        let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes[..32], &bytes[32..]).unwrap();
        let content = signed_content("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(
            KeyPair(Arc::new(pair)).sign_content(&content),
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
        );
    }

    #[test]
    fn the_first_pair_signs_at_once_even_on_a_slow_clock() {
        let pairs = first();
        let first = pairs.pairs[0].id;
        assert_eq!((signer(&pairs, now()), listed(&pairs, now())), (first, vec![first]));
        assert_eq!(signer(&pairs, now().minus(Duration::from_secs(5))), first);
    }

    #[test]
    fn a_new_pair_is_listed_ten_minutes_before_it_signs_and_the_old_pair_one_day_longer() {
        let mut pairs = first();
        let old = pairs.pairs[0].id;
        let rotated_at = now().plus(Duration::from_hours(100));
        let new = rotate(&mut pairs, rotated_at).unwrap();
        let signs_from = rotated_at.plus(LISTED_BEFORE);
        let moment_before = |moment: Timestamp| moment.minus(Duration::from_millis(1));
        for (moment, signs, lists) in [
            (rotated_at, old, vec![old, new]),
            (moment_before(signs_from), old, vec![old, new]),
            (signs_from, new, vec![old, new]),
            (moment_before(signs_from.plus(LISTED_AFTER)), new, vec![old, new]),
            (signs_from.plus(LISTED_AFTER), new, vec![new]),
        ] {
            assert_eq!((signer(&pairs, moment), listed(&pairs, moment)), (signs, lists), "{moment}");
        }
    }

    #[test]
    fn the_signing_pair_is_always_listed_however_often_pairs_are_rotated() {
        let mut pairs = first();
        let mut refused = 0;
        for hour in 0..200 {
            let moment = now().plus(Duration::from_hours(hour));
            refused += u32::from(rotate(&mut pairs, moment).is_err());
            assert!(pairs.pairs.len() <= MAX_KEY_PAIRS);
            // `signer` fails if the signing pair is not listed.
            signer(&pairs, moment);
            signer(&pairs, moment.plus(LISTED_BEFORE));
        }
        assert!(refused > 0);
    }

    #[test]
    fn a_slow_clock_does_not_change_the_order_of_the_pairs() {
        let mut pairs = first();
        rotate(&mut pairs, now().plus(Duration::from_mins(1))).unwrap();
        rotate(&mut pairs, now()).unwrap();
        assert!(pairs.pairs.is_sorted_by_key(|pair| pair.signs_from));
    }

    #[test]
    fn pairs_open_only_for_their_own_project() {
        let pairs = first();
        let moved = KeyPairs { project_id: ProjectId::new(now(), &SystemRandom), ..pairs.clone() };
        assert!(pairs.open(&master_keys()).is_ok());
        assert!(moved.open(&master_keys()).is_err());
        assert_eq!(format!("{:?}", pairs.open(&master_keys()).unwrap().signing_at(now())), "KeyPair(…)");
    }
}
