//! A project's `secretKey`s and their rotation.
//!
//! A new key can be issued some days before it becomes current, so that the customer can install it on their servers first. The
//! current key encrypts and signs. The previous key still verifies for a day, because a return link works for up to a day. A
//! replaced key stores its own end, so deleting another key cannot make it valid again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{KeyState, NamedKey, SecretKey, StoredSecretKey};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{ProjectId, SecretKeyId};
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::overlap::Overlap;
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;

/// How long a key still verifies after it was replaced: the maximum lifetime of a return link.
pub const PREVIOUS_KEY_LIFETIME: Duration = Duration::from_hours(24);

/// How long a key still verifies after it was replaced without an overlap. Redirect pages may use a cached key for up to 30
/// seconds, and clocks differ.
pub const GRACE_AFTER_EMERGENCY: Duration = Duration::from_mins(1);

/// Maximum number of valid keys of a project: next, current and previous ones.
pub const MAX_SECRET_KEYS: usize = 4;

/// A request for a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyIssue {
    /// How long the current key stays in use before the new one becomes current. Without an overlap, as after a leak, the new key
    /// becomes current at once and all others end after [`GRACE_AFTER_EMERGENCY`].
    pub overlap: Overlap,
    /// A key that the customer brings along from another system; generated, if absent.
    pub secret_key: Option<SecretKey>,
}

impl TryFrom<Draft> for KeyIssue {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let overlap = draft.optional("overlapDays").unwrap_or(Overlap::NONE);
        let secret_key = draft.optional("secretKey");
        draft.check(|| Some(Self { overlap, secret_key }))
    }
}

/// A new key: the key itself, to be shown once, and the key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedSecretKey<'a> {
    /// The secret key.
    pub key: SecretKey,
    /// The stored key.
    pub stored: &'a StoredSecretKey,
}

/// Why a key cannot be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotIssue {
    /// The next key has not become current yet.
    #[error("project already has a next secretKey")]
    NextExists,
    /// Too many previous keys still verify.
    #[error("project already has four valid secretKeys, which is the maximum")]
    TooMany,
    /// The customer brought along a key that the project already has.
    #[error("secretKey is already one of the project's keys")]
    Duplicate,
}

/// Why a key cannot be activated or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotChange {
    /// The project has no valid key with this id.
    #[error("project has no such secretKey")]
    NoSuchKey,
    /// The current key cannot be deleted.
    #[error("this secretKey is in use; issue another one to replace it")]
    InUse,
    /// A newer key has replaced this one.
    #[error("this secretKey was replaced by a newer one")]
    Replaced,
}

/// A project's keys. The current time alone determines which key is current, so no job has to run when a key becomes current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "StoredSecretKeys")]
pub struct SecretKeys {
    /// The project that owns the keys.
    pub project_id: ProjectId,
    /// Number of writes, for optimistic locking; 0 if the keys were never written.
    pub version: u32,
    /// Number of the audit log entry that changed the keys last. Part of the `ETag`. 0 in rows of older versions.
    pub changed_in: u64,
    /// The keys in the order in which they become current. Each key except the last has an end.
    keys: Vec<StoredSecretKey>,
}

/// The keys as they are stored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSecretKeys {
    project_id: ProjectId,
    version: u32,
    #[serde(default)]
    changed_in: u64,
    keys: Vec<StoredSecretKey>,
}

impl From<StoredSecretKeys> for SecretKeys {
    /// Earlier versions stored no ends. A replaced key then ended a day after the next one became current.
    fn from(stored: StoredSecretKeys) -> Self {
        let StoredSecretKeys { project_id, version, changed_in, mut keys } = stored;
        let replaced_at: Vec<Timestamp> = keys.iter().skip(1).map(|next| next.active_from).collect();
        for (key, replaced_at) in keys.iter_mut().zip(replaced_at) {
            key.valid_until.get_or_insert(replaced_at.plus(PREVIOUS_KEY_LIFETIME));
        }
        Self { project_id, version, changed_in, keys }
    }
}

impl SecretKeys {
    /// The keys of a project that never had a key.
    pub fn none(project_id: ProjectId) -> Self {
        Self { project_id, version: 0, changed_in: 0, keys: Vec::new() }
    }

    /// Returns whether the project has no key. If it has a key, one is current.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the key that encrypts and signs at `now`: the newest key that has become current, or the oldest key if none has,
    /// which happens if this instance's clock is slow.
    pub fn current_at(&self, now: Timestamp) -> Option<&StoredSecretKey> {
        self.keys.get(self.current_index(now))
    }

    /// Returns the keys that are valid at `now`, newest first.
    pub fn valid_at(&self, now: Timestamp) -> impl Iterator<Item = (KeyState, &StoredSecretKey)> {
        let current = self.current_index(now);
        let state = move |index: usize| match index.cmp(&current) {
            std::cmp::Ordering::Greater => Some(KeyState::Next),
            std::cmp::Ordering::Equal => Some(KeyState::Current),
            std::cmp::Ordering::Less => {
                self.keys[index].valid_until.is_none_or(|end| end > now).then_some(KeyState::Previous)
            }
        };
        self.keys.iter().enumerate().rev().filter_map(move |(index, key)| Some((state(index)?, key)))
    }

    /// Opens all keys that are valid at `now`.
    pub fn open_valid_at(&self, now: Timestamp, ring: &KeyRing) -> Result<Vec<NamedKey>, CannotOpen> {
        self.valid_at(now).map(|(_, key)| key.open(ring)).collect()
    }

    /// Adds the requested key and removes keys that are no longer valid. A project's first key always becomes current at once.
    pub fn issue(
        &mut self,
        id: SecretKeyId,
        request: KeyIssue,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<IssuedSecretKey<'_>, CannotIssue> {
        let brought_along = request.secret_key.is_some();
        let key = request.secret_key.unwrap_or_else(|| SecretKey::generate(random));
        if brought_along && self.has(&key, now, ring) {
            return Err(CannotIssue::Duplicate);
        }
        let active_from = if request.overlap == Overlap::NONE {
            self.end_all(now);
            now
        } else {
            self.check_room(now)?;
            self.remove_invalid(now);
            self.schedule_replacement(now, request.overlap)
        };
        let secret_key = ring.seal(SealedKind::SecretKey, self.project_id, key.as_bytes(), random);
        self.keys.push(StoredSecretKey {
            id,
            project_id: self.project_id,
            secret_key,
            created_at: id.created_at(),
            active_from,
            valid_until: None,
            brought_along,
        });
        Ok(IssuedSecretKey { key, stored: &self.keys[self.keys.len() - 1] })
    }

    /// Makes the next key current at `now`. Does nothing if the key is current already.
    pub fn activate(&mut self, id: SecretKeyId, now: Timestamp) -> Result<&StoredSecretKey, CannotChange> {
        let (index, state) = self.find(id, now)?;
        match state {
            KeyState::Next => {
                let current = self.current_index(now);
                self.keys[current].valid_until = Some(now.plus(PREVIOUS_KEY_LIFETIME));
                self.keys[index].active_from = now;
            }
            KeyState::Current => {}
            KeyState::Previous => return Err(CannotChange::Replaced),
        }
        Ok(&self.keys[index])
    }

    /// Deletes a next or previous key. Deleting the next key removes the end of the current one.
    pub fn delete(&mut self, id: SecretKeyId, now: Timestamp) -> Result<(), CannotChange> {
        let (index, state) = self.find(id, now)?;
        match state {
            KeyState::Next => {
                let current = self.current_index(now);
                self.keys[current].valid_until = None;
                self.keys.remove(index);
            }
            KeyState::Previous => drop(self.keys.remove(index)),
            KeyState::Current => return Err(CannotChange::InUse),
        }
        Ok(())
    }

    /// Returns all sealed values.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.keys.iter().map(|key| &key.secret_key)
    }

    /// Returns all sealed values with their kinds, so that they can be sealed again.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        self.keys.iter_mut().map(|key| (SealedKind::SecretKey, &mut key.secret_key))
    }

    /// Index of the current key. Without keys the index is out of bounds.
    fn current_index(&self, now: Timestamp) -> usize {
        self.keys.iter().rposition(|key| key.active_from <= now).unwrap_or(0)
    }

    fn find(&self, id: SecretKeyId, now: Timestamp) -> Result<(usize, KeyState), CannotChange> {
        let index = self.keys.iter().position(|key| key.id == id).ok_or(CannotChange::NoSuchKey)?;
        let (state, _) = self.valid_at(now).find(|(_, key)| key.id == id).ok_or(CannotChange::NoSuchKey)?;
        Ok((index, state))
    }

    fn check_room(&self, now: Timestamp) -> Result<(), CannotIssue> {
        if self.valid_at(now).any(|(state, _)| state == KeyState::Next) {
            return Err(CannotIssue::NextExists);
        }
        if self.valid_at(now).count() >= MAX_SECRET_KEYS { Err(CannotIssue::TooMany) } else { Ok(()) }
    }

    /// Whether the project already has this key.
    fn has(&self, key: &SecretKey, now: Timestamp, ring: &KeyRing) -> bool {
        // A key that cannot be opened belongs to a lost key ring and is unusable.
        let mut opened = self.valid_at(now).filter_map(|(_, stored)| stored.open(ring).ok());
        opened.any(|named| named.key == *key)
    }

    /// Ends all keys because a leaked one may be among them. Keys that redirect pages may still have cached verify until the caches
    /// expire.
    fn end_all(&mut self, now: Timestamp) {
        self.keys.truncate(self.current_index(now) + 1);
        self.remove_invalid(now);
        let end = now.plus(GRACE_AFTER_EMERGENCY);
        for key in &mut self.keys {
            key.valid_until = Some(key.valid_until.map_or(end, |earlier| earlier.min(end)));
        }
        // The maximum never blocks an emergency: the oldest keys are removed.
        let surplus = (self.keys.len() + 1).saturating_sub(MAX_SECRET_KEYS);
        self.keys.drain(..surplus);
    }

    /// Sets the end of the current key. Returns when the next key replaces it, after the overlap.
    fn schedule_replacement(&mut self, now: Timestamp, overlap: Overlap) -> Timestamp {
        let Some(current) = self.keys.last_mut() else { return now };
        let active_from = now.plus(overlap.duration());
        current.valid_until = Some(active_from.plus(PREVIOUS_KEY_LIFETIME));
        active_from
    }

    fn remove_invalid(&mut self, now: Timestamp) {
        let valid: Vec<SecretKeyId> = self.valid_at(now).map(|(_, key)| key.id).collect();
        self.keys.retain(|key| valid.contains(&key.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn ring(key: &str) -> KeyRing {
        KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, key.repeat(32))).unwrap()
    }

    fn no_keys() -> SecretKeys {
        SecretKeys::none(ProjectId::new(now(), &SystemRandom))
    }

    fn issue(keys: &mut SecretKeys, overlap_days: u64, at: Timestamp) -> Result<SecretKeyId, CannotIssue> {
        let request = KeyIssue { overlap: overlap_days.try_into().unwrap(), secret_key: None };
        let id = SecretKeyId::new(at, &SystemRandom);
        keys.issue(id, request, at, &ring("a"), &SystemRandom).map(|issued| issued.stored.id)
    }

    fn states(keys: &SecretKeys, at: Timestamp) -> Vec<(KeyState, SecretKeyId)> {
        keys.valid_at(at).map(|(state, key)| (state, key.id)).collect()
    }

    fn current(keys: &SecretKeys, at: Timestamp) -> Option<SecretKeyId> {
        keys.current_at(at).map(|key| key.id)
    }

    #[test]
    fn a_key_becomes_current_after_the_overlap_and_the_previous_one_verifies_for_a_day() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 7, now()).unwrap();
        let replaced_at = now().plus(DAY * 7);
        let millisecond = Duration::from_millis(1);
        for (at, expected) in [
            (now(), vec![(KeyState::Next, second), (KeyState::Current, first)]),
            (replaced_at.minus(millisecond), vec![(KeyState::Next, second), (KeyState::Current, first)]),
            (replaced_at, vec![(KeyState::Current, second), (KeyState::Previous, first)]),
            (replaced_at.plus(DAY).minus(millisecond), vec![(KeyState::Current, second), (KeyState::Previous, first)]),
            (replaced_at.plus(DAY), vec![(KeyState::Current, second)]),
        ] {
            assert_eq!(states(&keys, at), expected, "{at}");
            assert_eq!(
                current(&keys, at),
                expected.iter().find(|(state, _)| *state == KeyState::Current).map(|(_, id)| *id)
            );
        }
    }

    #[test]
    fn without_an_overlap_used_keys_verify_for_a_minute_and_the_next_key_is_deleted() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        issue(&mut keys, 7, now()).unwrap();
        let third = issue(&mut keys, 0, now()).unwrap();
        let (current, previous) = ((KeyState::Current, third), (KeyState::Previous, first));
        let end = now().plus(GRACE_AFTER_EMERGENCY);
        assert_eq!(states(&keys, end.minus(Duration::from_millis(1))), [current, previous]);
        assert_eq!(states(&keys, end), [current]);
    }

    #[test]
    fn an_emergency_always_issues_a_key_and_never_extends_another() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        for second in 1..10 {
            issue(&mut keys, 0, now().plus(Duration::from_secs(second))).unwrap();
            assert!(keys.keys.len() <= MAX_SECRET_KEYS);
        }
        let end = now().plus(Duration::from_secs(1)).plus(GRACE_AFTER_EMERGENCY);
        assert!(states(&keys, end).iter().all(|(_, id)| *id != first));
        assert!(keys.valid_at(end).all(|(_, key)| key.valid_until.is_none_or(|until| until > end)));
    }

    #[test]
    fn deleting_a_key_does_not_revive_one_that_has_ended() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 1, now()).unwrap();
        let third = issue(&mut keys, 30, now().plus(DAY)).unwrap();
        let third_active = now().plus(DAY * 31);
        assert_eq!(states(&keys, third_active), [(KeyState::Current, third), (KeyState::Previous, second)]);
        keys.delete(second, third_active).unwrap();
        assert_eq!(states(&keys, third_active), [(KeyState::Current, third)]);
        assert_eq!(keys.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [first, third]);
    }

    #[test]
    fn without_a_next_key_the_current_one_stays() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 7, now()).unwrap();
        keys.delete(second, now()).unwrap();
        assert_eq!(keys.keys[0].valid_until, None);
        assert_eq!(states(&keys, now().plus(DAY * 365)), [(KeyState::Current, first)]);
    }

    #[test]
    fn keys_that_were_stored_without_an_end_get_one_when_they_are_read() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 7, now()).unwrap();
        let mut stored = serde_json::to_value(&keys).unwrap();
        assert!(stored["keys"][0].as_object_mut().unwrap().remove("validUntil").is_some());
        let read: SecretKeys = serde_json::from_value(stored).unwrap();
        assert_eq!(read, keys);
        let replaced_at = now().plus(DAY * 7);
        assert_eq!(states(&read, replaced_at), [(KeyState::Current, second), (KeyState::Previous, first)]);
        assert_eq!(states(&read, replaced_at.plus(DAY)), [(KeyState::Current, second)]);
    }

    #[test]
    fn a_key_can_be_brought_along_unless_the_project_has_it_already() {
        const KEY: &str = "4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe";
        let request = |overlap: u64| {
            let body = format!(r#"{{"secretKey":"{KEY}","overlapDays":{overlap}}}"#);
            KeyIssue::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap()
        };
        let mut keys = no_keys();
        let id = SecretKeyId::new(now(), &SystemRandom);
        let issued = keys.issue(id, request(0), now(), &ring("a"), &SystemRandom).unwrap();
        assert_eq!((issued.key.expose(), issued.stored.brought_along), (KEY, true));
        assert_eq!(keys.current_at(now()).unwrap().open(&ring("a")).unwrap().key.expose(), KEY);
        for overlap in [0, 1] {
            let before = keys.clone();
            let again = keys.issue(id, request(overlap), now(), &ring("a"), &SystemRandom).map(drop);
            assert_eq!((again, &keys), (Err(CannotIssue::Duplicate), &before));
        }
        issue(&mut keys, 0, now()).unwrap();
        assert!(!keys.current_at(now()).unwrap().brought_along);
    }

    #[test]
    fn the_first_key_becomes_current_at_once() {
        let mut keys = no_keys();
        assert_eq!((current(&keys, now()), keys.is_empty()), (None, true));
        let first = issue(&mut keys, 30, now()).unwrap();
        assert_eq!(states(&keys, now()), [(KeyState::Current, first)]);
    }

    #[test]
    fn an_instance_with_a_slow_clock_still_has_a_current_key() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        assert_eq!(current(&keys, now().minus(Duration::from_secs(5))), Some(first));
    }

    #[test]
    fn a_project_has_at_most_one_next_key() {
        let mut keys = no_keys();
        issue(&mut keys, 0, now()).unwrap();
        issue(&mut keys, 1, now()).unwrap();
        let before = keys.clone();
        assert_eq!(issue(&mut keys, 1, now()), Err(CannotIssue::NextExists));
        assert_eq!(keys, before);
        assert!(issue(&mut keys, 1, now().plus(DAY)).is_ok());
    }

    #[test]
    fn a_project_has_at_most_four_valid_keys() {
        let mut keys = no_keys();
        issue(&mut keys, 0, now()).unwrap();
        for _ in 1..MAX_SECRET_KEYS {
            let next = issue(&mut keys, 1, now()).unwrap();
            keys.activate(next, now()).unwrap();
        }
        assert_eq!(issue(&mut keys, 1, now()), Err(CannotIssue::TooMany));
        let a_day_later = now().plus(DAY);
        issue(&mut keys, 1, a_day_later).unwrap();
        assert_eq!(keys.keys.len(), 2, "invalid keys are removed");
    }

    #[test]
    fn the_next_key_can_be_activated_early() {
        let mut keys = no_keys();
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
    fn every_key_but_the_current_one_can_be_deleted() {
        let mut keys = no_keys();
        let first = issue(&mut keys, 0, now()).unwrap();
        let second = issue(&mut keys, 30, now()).unwrap();
        assert_eq!(keys.delete(first, now()), Err(CannotChange::InUse));
        assert_eq!(keys.delete(second, now()), Ok(()));
        assert_eq!(keys.delete(second, now()), Err(CannotChange::NoSuchKey));
        let third = issue(&mut keys, 30, now()).unwrap();
        keys.activate(third, now()).unwrap();
        assert_eq!(keys.delete(first, now()), Ok(()));
        assert_eq!(states(&keys, now().plus(DAY * 40)), [(KeyState::Current, third)]);
    }

    #[test]
    fn the_overlap_of_a_new_key_is_0_to_30_days() {
        let request = |body: &str| KeyIssue::try_from(Draft::parse(body.as_bytes()).unwrap());
        assert_eq!(request("{}").unwrap().overlap, Overlap::NONE);
        assert_eq!(request(r#"{"overlapDays":30}"#).unwrap().overlap.duration(), DAY * 30);
        for bad in [r#"{"overlapDays":31}"#, r#"{"overlapDays":-1}"#, r#"{"overlapDays":"7"}"#] {
            assert_eq!(request(bad).unwrap_err().0[0].pointer, "/overlapDays", "{bad}");
        }
    }

    #[test]
    fn a_stored_key_opens_only_with_its_ring_and_project() {
        let mut keys = no_keys();
        issue(&mut keys, 0, now()).unwrap();
        let stored = keys.current_at(now()).unwrap();
        let moved = StoredSecretKey { project_id: ProjectId::new(now(), &SystemRandom), ..stored.clone() };
        assert_eq!(stored.open(&ring("a")).unwrap().id, stored.id);
        assert_eq!(stored.open(&ring("b")), Err(CannotOpen));
        assert_eq!(moved.open(&ring("a")), Err(CannotOpen));
    }
}
