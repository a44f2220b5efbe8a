//! A cache of API keys, so that a busy caller costs one read every few seconds.

use std::time::Duration;

use aws::lambda::telemetry;
use aws::store::{ApiKeyStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::id::ApiKeyId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{KeyHash, ProjectKey};
use tracing::warn;

/// Maximum time that a revoked key is still accepted. The index that finds keys lags behind by about another second.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Maximum number of keys in the cache. Only keys that exist are cached.
const MAX_KEYS: usize = 1000;

/// Finds API keys by their hash.
pub(crate) struct ApiKeyCache {
    store: ApiKeyStore,
    cache: Cache<String, ProjectKey>,
}

impl ApiKeyCache {
    pub(crate) fn new(store: ApiKeyStore) -> Self {
        Self { store, cache: Cache::new(MAX_AGE, MAX_KEYS) }
    }

    /// Returns the key with this hash. The key is at most five seconds old at `now`.
    pub(crate) async fn get(&self, hash: &KeyHash, now: Timestamp) -> Result<Option<ProjectKey>, StoreError> {
        let name = hash.to_string();
        if let Some(key) = self.cache.get(&name, now) {
            return Ok(Some(key));
        }
        let Some(key) = self.store.by_hash(hash).await? else { return Ok(None) };
        self.cache.insert(name, key.clone(), now);
        Ok(Some(key))
    }

    /// Stores the day on which a key was used, once a day. A failure is logged and does not affect the caller.
    pub(crate) async fn note_use(&self, mut key: ProjectKey, now: Timestamp) {
        if key.last_used_on == Some(now.day()) {
            return;
        }
        if let Err(error) = self.store.note_use(&key, now.day()).await {
            warn!(key.id = %key.id, cause = telemetry::chain(&error), "last use of API key {} was not stored", key.id);
        }
        key.last_used_on = Some(now.day());
        self.cache.update(&key.key_hash.to_string(), |cached| *cached = key.clone());
    }

    /// Removes a changed or revoked key from the cache. Other instances of the function drop it after at most five seconds.
    pub(crate) fn forget(&self, id: ApiKeyId) {
        self.cache.forget(|key| key.id == id);
    }
}
