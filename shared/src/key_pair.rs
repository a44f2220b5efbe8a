//! The Ed25519 key pairs that sign a project's webhooks with `v1a`, and how they take turns.
//!
//! Receivers fetch the public keys and keep them for a while. So a new key is listed before it signs, and an old one is
//! listed for as long as webhooks that it signed may still be verified.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroize;

use crate::id::{EventId, KeyPairId, ProjectId};
use crate::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::random::{self, Random};
use crate::signature::{SignatureScheme, signed_content};
use crate::time::Timestamp;

/// How long a new public key is listed before it signs: twice as long as receivers are told to keep the list.
pub const LISTED_BEFORE: Duration = Duration::from_mins(10);

/// How long the public key of an older pair is still listed after a newer one began to sign.
pub const LISTED_AFTER: Duration = Duration::from_hours(24);

/// How many public keys a project may list at once.
pub const MOST_KEY_PAIRS: usize = 4;

const SEED_BYTES: usize = 32;

/// A key pair that can sign.
#[derive(Clone)]
pub struct KeyPair(Arc<Ed25519KeyPair>);

impl KeyPair {
    /// One signature, `v1a,<base64>`, of `body` sent at `at` under the webhook id `id`.
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

/// The public key of a pair: 32 bytes, written as base64url without padding, as in a JWK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$"))]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// A text that is no [`PublicKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 32 bytes in base64url")]
pub struct BadPublicKey;

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

/// What is stored of a key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredKeyPair {
    /// Its id.
    pub id: KeyPairId,
    /// The public key.
    pub public_key: PublicKey,
    /// The private key's 32 bytes, sealed.
    pub private_key: Sealed,
    /// The moment from which it signs, until a newer one does.
    pub signs_from: Timestamp,
}

impl StoredKeyPair {
    /// A new pair that signs from `signs_from` on.
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

/// A project's key pairs, one at least, in the order in which they sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPairs {
    /// Whose they are.
    pub project_id: ProjectId,
    /// Counts the writes from 1, so that nobody writes over what they have not seen.
    pub version: u32,
    pairs: Vec<StoredKeyPair>,
}

/// As many public keys are listed as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("four public keys are listed, the most there may be")]
pub struct TooManyKeyPairs;

impl KeyPairs {
    /// A project's first pair. It signs at once: nobody can have fetched the public keys before.
    pub fn first(id: KeyPairId, project: ProjectId, ring: &KeyRing, random: &dyn Random) -> Self {
        let pair = StoredKeyPair::generate(id, project, id.made_at(), ring, random);
        Self { project_id: project, version: 1, pairs: vec![pair] }
    }

    /// Adds a new pair, which is listed from now on and signs ten minutes later. Pairs no longer listed are forgotten.
    pub fn rotate(
        &mut self,
        id: KeyPairId,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<&StoredKeyPair, TooManyKeyPairs> {
        let listed: Vec<StoredKeyPair> = self.listed_at(now).cloned().collect();
        if listed.len() >= MOST_KEY_PAIRS {
            return Err(TooManyKeyPairs);
        }
        self.pairs = listed;
        // Clocks differ a little between machines; the order of the pairs must not.
        let latest = self.pairs.iter().map(|pair| pair.signs_from).max();
        let signs_from = now.plus(LISTED_BEFORE).max(latest.unwrap_or(now));
        self.pairs.push(StoredKeyPair::generate(id, self.project_id, signs_from, ring, random));
        Ok(&self.pairs[self.pairs.len() - 1])
    }

    /// The pairs whose public keys receivers are to know at `now`, oldest first.
    pub fn listed_at(&self, now: Timestamp) -> impl Iterator<Item = &StoredKeyPair> {
        let ends = self.pairs.iter().skip(1).map(|next| Some(next.signs_from.plus(LISTED_AFTER))).chain([None]);
        self.pairs.iter().zip(ends).filter(move |(_, end)| end.is_none_or(|end| end > now)).map(|(pair, _)| pair)
    }

    /// All that they keep sealed.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.pairs.iter().map(|pair| &pair.private_key)
    }

    /// All that they keep sealed, each with its kind, to be sealed anew.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        self.pairs.iter_mut().map(|pair| (SealedKind::KeyPair, &mut pair.private_key))
    }

    /// All of them opened, to sign with.
    pub fn open(&self, ring: &KeyRing) -> Result<OpenedKeyPairs, CannotOpen> {
        let open = |pair: &StoredKeyPair| Ok((pair.signs_from, pair.open(self.project_id, ring)?));
        let pairs = self.pairs.iter().map(open).collect::<Result<Vec<_>, CannotOpen>>()?;
        if pairs.is_empty() { Err(CannotOpen) } else { Ok(OpenedKeyPairs(pairs)) }
    }
}

/// A project's key pairs, opened.
#[derive(Debug, Clone)]
pub struct OpenedKeyPairs(Vec<(Timestamp, KeyPair)>);

impl OpenedKeyPairs {
    /// The pair whose turn it is at `now`: the last that has begun to sign; the first if none has, which a clock that is
    /// a little slow can bring about.
    pub fn signing_at(&self, now: Timestamp) -> &KeyPair {
        let begun = self.0.iter().rev().find(|(signs_from, _)| *signs_from <= now);
        &begun.unwrap_or(&self.0[0]).1
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;
    use crate::random::SystemRandom;

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

    /// The pair that signs, found out as a receiver would: by trying the public keys.
    fn signer(pairs: &KeyPairs, now: Timestamp) -> KeyPairId {
        let id = EventId::new(now, &SystemRandom);
        let signature = pairs.open(&master_keys()).unwrap().signing_at(now).sign(id, now, b"{}");
        let signature = BASE64_STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let content = signed_content(&id.to_string(), now.as_seconds(), b"{}");
        let verifies = |pair: &&StoredKeyPair| {
            UnparsedPublicKey::new(&ED25519, pair.public_key.0).verify(&content, &signature).is_ok()
        };
        pairs.listed_at(now).find(verifies).expect("what signs is listed").id
    }

    #[test]
    fn the_public_test_vector_comes_out() {
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
        let only = pairs.pairs[0].id;
        assert_eq!((signer(&pairs, now()), listed(&pairs, now())), (only, vec![only]));
        assert_eq!(signer(&pairs, now().minus(Duration::from_secs(5))), only);
    }

    #[test]
    fn a_new_pair_is_listed_for_ten_minutes_before_it_signs_and_the_old_one_for_a_day_after() {
        let mut pairs = first();
        let old = pairs.pairs[0].id;
        let rotated_at = now().plus(Duration::from_hours(100));
        let new = rotate(&mut pairs, rotated_at).unwrap();
        let turn = rotated_at.plus(LISTED_BEFORE);
        let moment_before = |moment: Timestamp| moment.minus(Duration::from_millis(1));
        for (moment, signs, lists) in [
            (rotated_at, old, vec![old, new]),
            (moment_before(turn), old, vec![old, new]),
            (turn, new, vec![old, new]),
            (moment_before(turn.plus(LISTED_AFTER)), new, vec![old, new]),
            (turn.plus(LISTED_AFTER), new, vec![new]),
        ] {
            assert_eq!((signer(&pairs, moment), listed(&pairs, moment)), (signs, lists), "{moment}");
        }
    }

    #[test]
    fn what_signs_is_always_listed_however_often_pairs_are_rotated() {
        let mut pairs = first();
        let mut refused = 0;
        for hour in 0..200 {
            let moment = now().plus(Duration::from_hours(hour));
            refused += u32::from(rotate(&mut pairs, moment).is_err());
            assert!(pairs.pairs.len() <= MOST_KEY_PAIRS);
            // Fails if what signs is not among the listed.
            signer(&pairs, moment);
            signer(&pairs, moment.plus(LISTED_BEFORE));
        }
        assert!(refused > 0);
    }

    #[test]
    fn a_slow_clock_does_not_change_the_order() {
        let mut pairs = first();
        rotate(&mut pairs, now().plus(Duration::from_mins(1))).unwrap();
        rotate(&mut pairs, now()).unwrap();
        assert!(pairs.pairs.is_sorted_by_key(|pair| pair.signs_from));
    }

    #[test]
    fn pairs_open_only_for_their_project() {
        let pairs = first();
        let moved = KeyPairs { project_id: ProjectId::new(now(), &SystemRandom), ..pairs.clone() };
        assert!(pairs.open(&master_keys()).is_ok());
        assert!(moved.open(&master_keys()).is_err());
        assert_eq!(format!("{:?}", pairs.open(&master_keys()).unwrap().signing_at(now())), "KeyPair(…)");
    }
}
