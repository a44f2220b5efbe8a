//! The `secretKey`s of a project, and how they take turns.
//!
//! A new key may be shown some days before it takes over, so that the customer can bring it to its servers first. Then it
//! makes the URLs, and the one before it verifies for another day: that is how long the longest link may be on its way.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroize;

use super::ReturnUrlKey;
use crate::draft::{BadFields, Draft};
use crate::id::{ProjectId, ReturnUrlKeyId};
use crate::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::overlap::Overlap;
use crate::random::Random;
use crate::time::Timestamp;

/// How long a key still verifies after its successor took over: as long as the longest return link lives.
pub const STILL_VERIFIES: Duration = Duration::from_hours(24);

/// How many keys a project may have at once: the next, the current and previous ones.
pub const MOST_RETURN_URL_KEYS: usize = 4;

/// What is stored of a `secretKey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredReturnUrlKey {
    /// Its id, the `kid` of what it encrypts.
    pub id: ReturnUrlKeyId,
    /// Whose key it is.
    pub project_id: ProjectId,
    /// The key itself, sealed.
    pub secret_key: Sealed,
    /// When it was issued.
    pub created_at: Timestamp,
    /// The moment from which it is in use, until a newer one is.
    pub active_from: Timestamp,
}

impl StoredReturnUrlKey {
    /// The key itself.
    pub fn open(&self, ring: &KeyRing) -> Result<NamedKey, CannotOpen> {
        let mut text = ring.open(SealedKind::ReturnUrlKey, self.project_id, &self.secret_key)?;
        let key = ReturnUrlKey::from_text(&text).ok_or(CannotOpen);
        text.zeroize();
        Ok(NamedKey { id: self.id, key: key? })
    }
}

/// A key that can be used, and the name that receivers choose it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// Its id.
    pub id: ReturnUrlKeyId,
    /// The key.
    pub key: ReturnUrlKey,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It was shown, and takes over later.
    Next,
    /// It encrypts and signs.
    Current,
    /// It only verifies, for a day.
    Previous,
}

/// A request for a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyIssue {
    /// For how long the present key goes on before the new one takes over. Without an overlap the new one takes over at
    /// once and all others are gone: that is for a key that somebody else has seen.
    pub overlap: Overlap,
}

impl TryFrom<Draft> for KeyIssue {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let overlap = draft.optional("overlapDays").unwrap_or(Overlap::NONE);
        draft.check(|| Some(Self { overlap }))
    }
}

/// Why no further key can be issued with an overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotIssue {
    /// One has not taken over yet.
    #[error("a next secretKey waits to take over already")]
    NextExists,
    /// Too many previous ones still verify.
    #[error("four secretKeys are valid, the most there may be")]
    TooMany,
}

/// Why a key cannot be activated or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotChange {
    /// The project has no such key, or no longer.
    #[error("there is no such secretKey")]
    NoSuchKey,
    /// The current key cannot be dropped.
    #[error("this secretKey is in use; issue another one to replace it")]
    InUse,
    /// A newer key has taken over from this one.
    #[error("this secretKey was replaced by a newer one")]
    Replaced,
}

/// A project's keys. Which of them is current is told by the time alone, so that nobody has to be there when one takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnUrlKeys {
    /// Whose they are.
    pub project_id: ProjectId,
    /// Counts the writes, so that nobody writes over what they have not seen; 0 if nothing was ever written.
    pub version: u32,
    /// In the order in which they take over.
    keys: Vec<StoredReturnUrlKey>,
}

impl ReturnUrlKeys {
    /// The keys of a project that never had one.
    pub fn none(project_id: ProjectId) -> Self {
        Self { project_id, version: 0, keys: Vec::new() }
    }

    /// Whether there is none. If there is any, there is a current one.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that encrypts and signs at `now`: the last that has taken over; the first if none has, which a clock that
    /// is a little slow can bring about.
    pub fn current_at(&self, now: Timestamp) -> Option<&StoredReturnUrlKey> {
        self.keys.get(self.current_index(now))
    }

    /// The keys that are valid at `now`, newest first.
    pub fn valid_at(&self, now: Timestamp) -> impl Iterator<Item = (KeyState, &StoredReturnUrlKey)> {
        let current = self.current_index(now);
        let state = move |index: usize| match index.cmp(&current) {
            std::cmp::Ordering::Greater => Some(KeyState::Next),
            std::cmp::Ordering::Equal => Some(KeyState::Current),
            std::cmp::Ordering::Less => {
                let replaced_at = self.keys[index + 1].active_from;
                (replaced_at.plus(STILL_VERIFIES) > now).then_some(KeyState::Previous)
            }
        };
        self.keys.iter().enumerate().rev().filter_map(move |(index, key)| Some((state(index)?, key)))
    }

    /// All keys that are valid at `now`, to verify with.
    pub fn open_valid_at(&self, now: Timestamp, ring: &KeyRing) -> Result<Vec<NamedKey>, CannotOpen> {
        self.valid_at(now).map(|(_, key)| key.open(ring)).collect()
    }

    /// Adds `key` as the wish says, and forgets what is no longer valid. A project's first key takes over at once: there
    /// is nobody it could wait for.
    pub fn issue(
        &mut self,
        id: ReturnUrlKeyId,
        key: &ReturnUrlKey,
        wish: KeyIssue,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<&StoredReturnUrlKey, CannotIssue> {
        if wish.overlap == Overlap::NONE {
            self.keys.clear();
        } else {
            self.check_room(now)?;
            self.drop_ended(now);
        }
        let active_from = if self.keys.is_empty() { now } else { now.plus(wish.overlap.duration()) };
        let secret_key = ring.seal(SealedKind::ReturnUrlKey, self.project_id, key.as_bytes(), random);
        let project_id = self.project_id;
        self.keys.push(StoredReturnUrlKey { id, project_id, secret_key, created_at: id.made_at(), active_from });
        Ok(&self.keys[self.keys.len() - 1])
    }

    /// Lets the next key take over at `now`. For the current one this changes nothing.
    pub fn activate(&mut self, id: ReturnUrlKeyId, now: Timestamp) -> Result<&StoredReturnUrlKey, CannotChange> {
        let (index, state) = self.find(id, now)?;
        match state {
            KeyState::Next => self.keys[index].active_from = now,
            KeyState::Current => {}
            KeyState::Previous => return Err(CannotChange::Replaced),
        }
        Ok(&self.keys[index])
    }

    /// Takes a key away that is not current: the next one never takes over, a previous one verifies no more.
    pub fn drop_key(&mut self, id: ReturnUrlKeyId, now: Timestamp) -> Result<(), CannotChange> {
        let (index, state) = self.find(id, now)?;
        match state {
            KeyState::Next | KeyState::Previous => drop(self.keys.remove(index)),
            KeyState::Current => return Err(CannotChange::InUse),
        }
        Ok(())
    }

    /// All that they keep sealed.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.keys.iter().map(|key| &key.secret_key)
    }

    /// All that they keep sealed, each with its kind, to be sealed anew.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        self.keys.iter_mut().map(|key| (SealedKind::ReturnUrlKey, &mut key.secret_key))
    }

    /// The rule that all others follow. Where there is no key it names none.
    fn current_index(&self, now: Timestamp) -> usize {
        self.keys.iter().rposition(|key| key.active_from <= now).unwrap_or(0)
    }

    fn find(&self, id: ReturnUrlKeyId, now: Timestamp) -> Result<(usize, KeyState), CannotChange> {
        let index = self.keys.iter().position(|key| key.id == id).ok_or(CannotChange::NoSuchKey)?;
        let (state, _) = self.valid_at(now).find(|(_, key)| key.id == id).ok_or(CannotChange::NoSuchKey)?;
        Ok((index, state))
    }

    fn check_room(&self, now: Timestamp) -> Result<(), CannotIssue> {
        if self.valid_at(now).any(|(state, _)| state == KeyState::Next) {
            return Err(CannotIssue::NextExists);
        }
        if self.valid_at(now).count() >= MOST_RETURN_URL_KEYS { Err(CannotIssue::TooMany) } else { Ok(()) }
    }

    fn drop_ended(&mut self, now: Timestamp) {
        let valid: Vec<ReturnUrlKeyId> = self.valid_at(now).map(|(_, key)| key.id).collect();
        self.keys.retain(|key| valid.contains(&key.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn ring(key: &str) -> KeyRing {
        KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, key.repeat(32))).unwrap()
    }

    fn nobodys() -> ReturnUrlKeys {
        ReturnUrlKeys::none(ProjectId::new(now(), &SystemRandom))
    }

    fn issue(keys: &mut ReturnUrlKeys, overlap_days: u64, at: Timestamp) -> Result<ReturnUrlKeyId, CannotIssue> {
        let wish = KeyIssue { overlap: overlap_days.try_into().unwrap() };
        let key = ReturnUrlKey::generate(&SystemRandom);
        let id = ReturnUrlKeyId::new(at, &SystemRandom);
        keys.issue(id, &key, wish, at, &ring("a"), &SystemRandom).map(|stored| stored.id)
    }

    fn states(keys: &ReturnUrlKeys, at: Timestamp) -> Vec<(KeyState, ReturnUrlKeyId)> {
        keys.valid_at(at).map(|(state, key)| (state, key.id)).collect()
    }

    fn current(keys: &ReturnUrlKeys, at: Timestamp) -> Option<ReturnUrlKeyId> {
        keys.current_at(at).map(|key| key.id)
    }

    #[test]
    fn a_key_takes_over_after_the_overlap_and_the_one_before_verifies_for_a_day() {
        let mut keys = nobodys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 7, now()).unwrap();
        let takes_over = now().plus(DAY * 7);
        let a_moment = Duration::from_millis(1);
        for (at, expected) in [
            (now(), vec![(KeyState::Next, second), (KeyState::Current, first)]),
            (takes_over.minus(a_moment), vec![(KeyState::Next, second), (KeyState::Current, first)]),
            (takes_over, vec![(KeyState::Current, second), (KeyState::Previous, first)]),
            (takes_over.plus(DAY).minus(a_moment), vec![(KeyState::Current, second), (KeyState::Previous, first)]),
            (takes_over.plus(DAY), vec![(KeyState::Current, second)]),
        ] {
            assert_eq!(states(&keys, at), expected, "{at}");
            assert_eq!(
                current(&keys, at),
                expected.iter().find(|(state, _)| *state == KeyState::Current).map(|(_, id)| *id)
            );
        }
    }

    #[test]
    fn without_an_overlap_all_other_keys_are_gone_at_once() {
        let mut keys = nobodys();
        issue(&mut keys, 0, now()).unwrap();
        issue(&mut keys, 7, now()).unwrap();
        let third = issue(&mut keys, 0, now()).unwrap();
        assert_eq!(states(&keys, now()), [(KeyState::Current, third)]);
    }

    #[test]
    fn the_first_key_waits_for_nobody() {
        let mut keys = nobodys();
        assert_eq!((current(&keys, now()), keys.is_empty()), (None, true));
        let first = issue(&mut keys, 30, now()).unwrap();
        assert_eq!(states(&keys, now()), [(KeyState::Current, first)]);
    }

    #[test]
    fn a_clock_that_is_slow_finds_a_key_all_the_same() {
        let mut keys = nobodys();
        let first = issue(&mut keys, 0, now()).unwrap();
        assert_eq!(current(&keys, now().minus(Duration::from_secs(5))), Some(first));
    }

    #[test]
    fn there_is_one_next_key_at_most() {
        let mut keys = nobodys();
        issue(&mut keys, 0, now()).unwrap();
        issue(&mut keys, 1, now()).unwrap();
        let before = keys.clone();
        assert_eq!(issue(&mut keys, 1, now()), Err(CannotIssue::NextExists));
        assert_eq!(keys, before);
        assert!(issue(&mut keys, 1, now().plus(DAY)).is_ok());
    }

    #[test]
    fn keys_do_not_pile_up() {
        let mut keys = nobodys();
        issue(&mut keys, 0, now()).unwrap();
        for _ in 1..MOST_RETURN_URL_KEYS {
            let next = issue(&mut keys, 1, now()).unwrap();
            keys.activate(next, now()).unwrap();
        }
        assert_eq!(issue(&mut keys, 1, now()), Err(CannotIssue::TooMany));
        let a_day_later = now().plus(DAY);
        issue(&mut keys, 1, a_day_later).unwrap();
        assert_eq!(keys.keys.len(), 2, "what had ended is forgotten");
    }

    #[test]
    fn the_next_key_can_take_over_at_once() {
        let mut keys = nobodys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 30, now()).unwrap();
        let later = now().plus(Duration::from_mins(1));
        assert_eq!(keys.activate(second, later).unwrap().active_from, later);
        assert_eq!(states(&keys, later), [(KeyState::Current, second), (KeyState::Previous, first)]);
        let before = keys.clone();
        assert_eq!(keys.activate(second, later.plus(DAY)).unwrap().active_from, later);
        assert_eq!(keys.activate(first, later), Err(CannotChange::Replaced));
        assert_eq!(keys.activate(first, later.plus(DAY)), Err(CannotChange::NoSuchKey));
        assert_eq!(keys, before);
    }

    #[test]
    fn every_key_but_the_current_one_can_be_dropped() {
        let mut keys = nobodys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 30, now()).unwrap();
        assert_eq!(keys.drop_key(first, now()), Err(CannotChange::InUse));
        assert_eq!(keys.drop_key(second, now()), Ok(()));
        assert_eq!(keys.drop_key(second, now()), Err(CannotChange::NoSuchKey));
        let third = issue(&mut keys, 30, now()).unwrap();
        keys.activate(third, now()).unwrap();
        assert_eq!(keys.drop_key(first, now()), Ok(()));
        assert_eq!(states(&keys, now().plus(DAY * 40)), [(KeyState::Current, third)]);
    }

    #[test]
    fn a_key_waits_for_0_to_30_days() {
        let wish = |body: &str| KeyIssue::try_from(Draft::parse(body.as_bytes()).unwrap());
        assert_eq!(wish("{}").unwrap().overlap, Overlap::NONE);
        assert_eq!(wish(r#"{"overlapDays":30}"#).unwrap().overlap.duration(), DAY * 30);
        for bad in [r#"{"overlapDays":31}"#, r#"{"overlapDays":-1}"#, r#"{"overlapDays":"7"}"#] {
            assert_eq!(wish(bad).unwrap_err().0[0].pointer, "/overlapDays", "{bad}");
        }
    }

    #[test]
    fn a_stored_key_opens_only_with_its_ring_and_project() {
        let mut keys = nobodys();
        issue(&mut keys, 0, now()).unwrap();
        let stored = keys.current_at(now()).unwrap();
        let moved = StoredReturnUrlKey { project_id: ProjectId::new(now(), &SystemRandom), ..stored.clone() };
        assert_eq!(stored.open(&ring("a")).unwrap().id, stored.id);
        assert_eq!(stored.open(&ring("b")), Err(CannotOpen));
        assert_eq!(moved.open(&ring("a")), Err(CannotOpen));
    }
}
