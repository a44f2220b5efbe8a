//! Values that were read recently, so that a busy caller does not read them again for each request.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::time::Timestamp;

/// A bounded cache in memory. It returns a value for `max_age` after it was inserted, and keeps at most `capacity` values.
#[derive(Debug)]
pub struct Cache<K, V> {
    max_age: Duration,
    capacity: usize,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

#[derive(Debug)]
struct Entry<V> {
    inserted_at: Timestamp,
    value: V,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Creates an empty cache.
    pub fn new(max_age: Duration, capacity: usize) -> Self {
        Self { max_age, capacity, entries: Mutex::default() }
    }

    /// Returns the value of `key`, unless it is older than the maximum age.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.entries();
        entries.get(key).filter(|entry| self.is_fresh(entry, now)).map(|entry| entry.value.clone())
    }

    /// Keeps a value that was read at `now`.
    pub fn insert(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.entries();
        self.make_room(&mut entries, now);
        entries.insert(key, Entry { inserted_at: now, value });
    }

    /// Changes the value of `key`, if there is one. Its age stays.
    pub fn update(&self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(entry) = self.entries().get_mut(key) {
            change(&mut entry.value);
        }
    }

    /// Changes the value of `key`, which is `initial()` if there is no fresh one. Its age stays.
    pub fn update_or_insert<T>(
        &self,
        key: K,
        now: Timestamp,
        initial: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> T,
    ) -> T {
        let mut entries = self.entries();
        if !entries.get(&key).is_some_and(|entry| self.is_fresh(entry, now)) {
            self.make_room(&mut entries, now);
            entries.remove(&key);
        }
        let entry = entries.entry(key).or_insert_with(|| Entry { inserted_at: now, value: initial() });
        change(&mut entry.value)
    }

    /// Forgets all values that `is_outdated` selects.
    pub fn forget(&self, is_outdated: impl Fn(&V) -> bool) {
        self.entries().retain(|_, entry| !is_outdated(&entry.value));
    }

    fn is_fresh(&self, entry: &Entry<V>, now: Timestamp) -> bool {
        now.since(entry.inserted_at) < self.max_age
    }

    /// A full cache first drops what is too old to be used. If it is still full, it starts over: callers may choose keys, so
    /// their number must have a bound.
    fn make_room(&self, entries: &mut HashMap<K, Entry<V>>, now: Timestamp) {
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| self.is_fresh(entry, now));
        }
        if entries.len() >= self.capacity {
            entries.clear();
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_AGE: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Timestamp {
        "2026-11-22T08:30:00Z".parse::<Timestamp>().unwrap().plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_value_is_returned_until_it_reaches_the_maximum_age() {
        let cache = Cache::new(MAX_AGE, 10);
        cache.insert("a", 1, at(0));
        assert_eq!((cache.get(&"a", at(29)), cache.get(&"a", at(30)), cache.get(&"b", at(0))), (Some(1), None, None));
    }

    #[test]
    fn a_full_cache_drops_old_values_first() {
        let cache = Cache::new(MAX_AGE, 2);
        cache.insert("old", 1, at(0));
        cache.insert("new", 2, at(20));
        cache.insert("newest", 3, at(40));
        assert_eq!((cache.get(&"new", at(40)), cache.get(&"newest", at(40))), (Some(2), Some(3)));
        cache.insert("one too many", 4, at(41));
        assert_eq!((cache.get(&"new", at(41)), cache.get(&"one too many", at(41))), (None, Some(4)));
    }

    #[test]
    fn an_update_keeps_the_age_and_starts_over_after_it() {
        let cache = Cache::new(MAX_AGE, 10);
        let count = |second| {
            cache.update_or_insert(
                "a",
                at(second),
                || 0,
                |calls| {
                    *calls += 1;
                    *calls
                },
            )
        };
        assert_eq!([count(0), count(29), count(30)], [1, 2, 1]);
    }

    #[test]
    fn a_forgotten_value_is_read_again() {
        let cache = Cache::new(MAX_AGE, 10);
        cache.insert("a", 1, at(0));
        cache.insert("b", 2, at(0));
        cache.forget(|value| *value == 1);
        assert_eq!((cache.get(&"a", at(0)), cache.get(&"b", at(0))), (None, Some(2)));
    }
}
