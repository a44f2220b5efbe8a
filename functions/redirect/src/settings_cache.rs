//! A cache of projects and their return URLs, so that a busy project costs one read every 30 seconds.

use std::sync::Arc;
use std::time::Duration;

use aws::store::{ProjectReturnUrl, ReturnUrlStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;

/// Maximum age of a cached project. A change of the return URL takes effect within this time.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Maximum number of cached projects. Callers can invent project ids, so the cache must be bounded.
const MAX_PROJECTS: usize = 1000;

/// Reads projects and their return URLs. A project that does not exist is cached too.
pub(crate) struct SettingsCache {
    store: ReturnUrlStore,
    cache: Cache<ProjectId, Option<Arc<ProjectReturnUrl>>>,
}

impl SettingsCache {
    pub(crate) fn new(store: ReturnUrlStore) -> Self {
        Self { store, cache: Cache::new(MAX_AGE, MAX_PROJECTS) }
    }

    /// Returns a project with its return URL as it was at most 30 seconds before `now`.
    pub(crate) async fn get(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<Option<Arc<ProjectReturnUrl>>, StoreError> {
        if let Some(found) = self.cache.get(&project, now) {
            return Ok(found);
        }
        let found = self.store.get(project).await?.map(Arc::new);
        self.cache.insert(project, found.clone(), now);
        Ok(found)
    }
}
