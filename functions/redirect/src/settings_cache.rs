//! A cache of projects and their return URLs, so that a busy project costs one read every 30 seconds.
//!
//! A link contains the project's revision at the time it was minted. A cached project with a lower revision is read again, so a
//! link uses all changes made before it.

use std::sync::Arc;
use std::time::Duration;

use aws::store::{ProjectReturnUrl, ReturnUrlStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;

/// Maximum age of a cached project. A change of the return URL affects older links within this time.
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

    /// Returns a project with its return URL as it was at most 30 seconds before `now`, and at `revision` or later.
    pub(crate) async fn get(
        &self,
        project: ProjectId,
        revision: u64,
        now: Timestamp,
    ) -> Result<Option<Arc<ProjectReturnUrl>>, StoreError> {
        let has_revision = |found: &Option<Arc<ProjectReturnUrl>>| {
            found.as_ref().map_or(0, |return_url| return_url.project.revision) >= revision
        };
        let cached = self.cache.get(&project, now);
        if let Some(found) = cached.as_ref().filter(|found| has_revision(found)) {
            return Ok(found.clone());
        }
        let read = match cached {
            None => Some(self.store.get(project).await?.map(Arc::new)).filter(has_revision),
            Some(_) => None,
        };
        let found = match read {
            Some(found) => found,
            // If the project was deleted or the table was restored from a backup, the revision may still be lower. There are no
            // newer settings then.
            None => self.store.get_now(project).await?.map(Arc::new),
        };
        self.cache.insert(project, found.clone(), now);
        Ok(found)
    }
}
