//! A cache of API keys, so that a busy caller costs one read every few seconds.

use std::time::Duration;

use domain::foundation::cache::Cache;
use domain::foundation::id::ApiKeyId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{KeyHash, KeyRecord, ProjectKey};
use tracing::warn;

use crate::lambda::telemetry;
use crate::store::{ApiKeyStore, StoreError};

/// Maximum time that a revoked key is still accepted. The index that finds keys lags behind by about another second.
const MAX_AGE: Duration = Duration::from_secs(5);

/// How long a hash that no key has is not looked up again. It is short, because a key may be created at any time.
const ABSENT_MAX_AGE: Duration = Duration::from_secs(2);

/// Maximum number of keys in the cache, and of hashes that no key has. They are kept apart, so that callers with invented keys
/// never displace the keys of others.
const MAX_KEYS: usize = 1000;

/// Finds API keys by their hash.
pub struct ApiKeyCache {
    store: ApiKeyStore,
    known: Cache<String, KeyRecord>,
    absent: Cache<String, ()>,
}

impl ApiKeyCache {
    /// An empty cache in front of `store`.
    pub fn new(store: ApiKeyStore) -> Self {
        let (known, absent) = (Cache::new(MAX_AGE, MAX_KEYS), Cache::new(ABSENT_MAX_AGE, MAX_KEYS));
        Self { store, known, absent }
    }

    /// Returns what is known about the key with this hash. It is at most five seconds old at `now`. Makes at most one read, and
    /// none if the answer is cached.
    pub async fn get(&self, hash: &KeyHash, now: Timestamp) -> Result<Option<KeyRecord>, StoreError> {
        let name = hash.to_string();
        if let Some(record) = self.known.get(&name, now) {
            return Ok(Some(record));
        }
        if self.absent.get(&name, now).is_some() {
            return Ok(None);
        }
        let record = self.store.by_hash(hash).await?;
        match &record {
            Some(record) => self.known.insert(name, record.clone(), now),
            None => self.absent.insert(name, (), now),
        }
        Ok(record)
    }

    /// Stores the day on which a key was used, once a day. A failure is logged and does not affect the caller.
    pub async fn note_use(&self, key: &ProjectKey, now: Timestamp) {
        if key.last_used_on == Some(now.day()) {
            return;
        }
        if let Err(error) = self.store.note_use(key, now.day()).await {
            warn!(key.id = %key.id, cause = telemetry::chain(&error), "last use of API key {} was not stored", key.id);
        }
        self.known.update(&key.key_hash.to_string(), |cached| {
            if let KeyRecord::Key(cached) = cached {
                cached.last_used_on = Some(now.day());
            }
        });
    }

    /// Removes a changed or revoked key from the cache. Other instances of the function drop it after at most five seconds.
    pub fn forget(&self, id: ApiKeyId) {
        self.known.forget(|record| record.id() == id);
    }
}

#[cfg(all(test, feature = "queue"))]
#[expect(clippy::unwrap_used, reason = "a panic fails the test")]
mod tests {
    use domain::foundation::draft::Draft;
    use domain::foundation::id::ProjectId;
    use domain::foundation::random::SystemRandom;
    use domain::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey};

    use super::*;
    use crate::queue::testing::FakeQueue;
    use crate::store::testing::{Database, SETTINGS};

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    async fn stored_key(database: &Database) -> ProjectKey {
        let (key, id) = (ApiKey::generate(ApiKeyKind::Live, &SystemRandom), ApiKeyId::new(now(), &SystemRandom));
        let new: NewApiKey = Draft::parse(br#"{"name":"server"}"#).unwrap().try_into().unwrap();
        let stored = new.create(id, ProjectId::new(now(), &SystemRandom), &key, &KeyBounds::operator()).unwrap();
        database.api_keys.put(&stored).await.unwrap();
        stored
    }

    #[tokio::test]
    async fn invented_keys_never_displace_a_known_one() {
        let database = Database::start().await;
        let calls = FakeQueue::in_front_of(&database).await;
        let cache = ApiKeyCache::new(ApiKeyStore::new(calls.aws(), SETTINGS));
        let key = stored_key(&database).await;
        cache.get(&key.key_hash, now()).await.unwrap().unwrap();
        for number in 0..=u32::try_from(MAX_KEYS).unwrap() {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            assert_eq!(cache.get(&KeyHash::from_digest(digest), now()).await.unwrap(), None);
        }
        let before = calls.database_calls();
        assert_eq!(cache.get(&key.key_hash, now()).await.unwrap(), Some(KeyRecord::Key(Box::new(key))));
        assert_eq!(calls.database_calls(), before);
    }
}
