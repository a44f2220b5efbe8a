//! Return URLs that were read lately, so that a busy project costs one read in half a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::aws::store::{ProjectReturnUrl, Settings, StoreError};
use shared::id::ProjectId;
use shared::time::Timestamp;

/// How long a change may take to be seen.
const FRESH: Duration = Duration::from_secs(30);

/// How many projects are remembered. Anybody can ask for projects that do not exist, so there must be an end.
const MOST_PROJECTS: usize = 1000;

/// The store, and what it said lately; that there is no such project is remembered too.
pub(crate) struct SettingsCache {
    settings: Settings,
    known: Mutex<HashMap<ProjectId, Known>>,
}

#[derive(Clone)]
struct Known {
    read_at: Timestamp,
    found: Option<Arc<ProjectReturnUrl>>,
}

impl SettingsCache {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, known: Mutex::default() }
    }

    /// A project with its return URL, as it was at most 30 seconds before `now`.
    pub(crate) async fn get(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<Option<Arc<ProjectReturnUrl>>, StoreError> {
        if let Some(known) = self.remembered(project, now) {
            return Ok(known.found);
        }
        let found = self.settings.return_url(project).await?.map(Arc::new);
        self.remember(project, Known { read_at: now, found: found.clone() });
        Ok(found)
    }

    fn remembered(&self, project: ProjectId, now: Timestamp) -> Option<Known> {
        let known = self.known.lock().expect("nobody panics while holding it");
        known.get(&project).filter(|known| is_fresh(known, now)).cloned()
    }

    fn remember(&self, project: ProjectId, new: Known) {
        let mut known = self.known.lock().expect("nobody panics while holding it");
        if known.len() >= MOST_PROJECTS {
            known.retain(|_, known| is_fresh(known, new.read_at));
        }
        if known.len() >= MOST_PROJECTS {
            known.clear();
        }
        known.insert(project, new);
    }
}

fn is_fresh(known: &Known, now: Timestamp) -> bool {
    now.since(known.read_at) < FRESH
}
