//! API keys that were shown of late, so that a busy caller costs one read in a few seconds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::api_key::{KeyHash, ProjectKey};
use shared::aws::store::{Settings, StoreError};
use shared::id::ApiKeyId;
use shared::telemetry;
use shared::time::Timestamp;
use tracing::warn;

/// How long a revoked key may still be taken. The index that keys are found in lags behind by a second or so, too.
const FRESH: Duration = Duration::from_secs(5);

/// How many keys are remembered. Only keys that exist are.
const MOST_KEYS: usize = 1000;

/// The store, and the keys that it knew lately.
pub(crate) struct KnownKeys {
    settings: Settings,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    read_at: Timestamp,
    key: ProjectKey,
}

impl KnownKeys {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, known: Mutex::default() }
    }

    /// The key with this hash, as it was at most a few seconds before `now`.
    pub(crate) async fn get(&self, hash: &KeyHash, now: Timestamp) -> Result<Option<ProjectKey>, StoreError> {
        let name = hash.to_string();
        let remembered = self.known().get(&name).filter(|known| now.since(known.read_at) < FRESH).cloned();
        if let Some(known) = remembered {
            return Ok(Some(known.key));
        }
        let Some(key) = self.settings.api_key_by_hash(hash).await? else { return Ok(None) };
        self.remember(name, Known { read_at: now, key: key.clone() });
        Ok(Some(key))
    }

    /// Notes that a key was let in, once a day. That it cannot be noted is no reason to turn the caller away.
    pub(crate) async fn note_use(&self, mut key: ProjectKey, now: Timestamp) {
        if key.last_used_on == Some(now.day()) {
            return;
        }
        if let Err(error) = self.settings.note_api_key_use(&key, now.day()).await {
            warn!(key.id = %key.id, cause = telemetry::chain(&error), "use of API key {} is not noted", key.id);
        }
        key.last_used_on = Some(now.day());
        if let Some(known) = self.known().get_mut(&key.key_hash.to_string()) {
            known.key = key;
        }
    }

    /// Forgets a key that was changed or revoked. Other instances of the function do so a few seconds later.
    pub(crate) fn forget(&self, id: ApiKeyId) {
        self.known().retain(|_, known| known.key.id != id);
    }

    fn remember(&self, name: String, new: Known) {
        let mut known = self.known();
        if known.len() >= MOST_KEYS {
            known.retain(|_, known| new.read_at.since(known.read_at) < FRESH);
        }
        if known.len() >= MOST_KEYS {
            known.clear();
        }
        known.insert(name, new);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
