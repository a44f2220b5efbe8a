//! Sessions that were read recently, with what the header of their pages shows.

use std::sync::Arc;
use std::time::Duration;

use aws::Aws;
use aws::lambda::accent::Accent;
use aws::store::{ConsoleSessionStore, LinkClaim, ProjectStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::id::ConsoleSessionId;
use domain::foundation::time::Timestamp;
use domain::projects::console::{ConsoleSession, SessionCookie};
use domain::projects::name::Name;

/// A session that was ended elsewhere, or a project that was renamed, is seen after this time.
const MAX_AGE: Duration = Duration::from_secs(10);

/// Maximum number of sessions in the cache.
const MAX_SESSIONS: usize = 1000;

/// The console sessions, with a short cache.
pub(crate) struct SessionCache {
    sessions: ConsoleSessionStore,
    projects: ProjectStore,
    cache: Cache<ConsoleSessionId, Arc<OpenSession>>,
}

/// A valid session and its project.
#[derive(Debug)]
pub(crate) struct OpenSession {
    pub(crate) session: ConsoleSession,
    pub(crate) project_name: Name,
    pub(crate) accent: Option<Accent>,
}

impl SessionCache {
    /// Reads sessions and projects from the table `settings` with this name.
    pub(crate) fn new(aws: &Aws, table: &str) -> Self {
        let (sessions, projects) = (ConsoleSessionStore::new(aws, table), ProjectStore::new(aws, table));
        Self { sessions, projects, cache: Cache::new(MAX_AGE, MAX_SESSIONS) }
    }

    /// Returns the session of a cookie, if it is valid at `now`.
    pub(crate) async fn get(
        &self,
        cookie: &SessionCookie,
        now: Timestamp,
    ) -> Result<Option<Arc<OpenSession>>, StoreError> {
        if let Some(open) = self.cache.get(&cookie.session_id, now) {
            return Ok(Some(open).filter(|open| open.is_of(cookie, now)));
        }
        let session = self.sessions.get(cookie.project_id, cookie.session_id, now);
        let project = self.projects.get(cookie.project_id);
        // The futures of the SDK are large, and every request would carry them.
        let (session, project) = Box::pin(async { tokio::try_join!(session, project) }).await?;
        let (Some(session), Some(project)) = (session, project) else { return Ok(None) };
        let accent = project.logo_color.map(Accent::new);
        let open = Arc::new(OpenSession { session, project_name: project.name, accent });
        self.cache.insert(cookie.session_id, open.clone(), now);
        Ok(Some(open))
    }

    /// Begins the session of a link, once.
    pub(crate) async fn claim(&self, session: ConsoleSession, nonce: &str) -> Result<LinkClaim, StoreError> {
        self.sessions.claim(session, nonce).await
    }

    /// Ends a session at the request of its user.
    pub(crate) async fn end(&self, session: &ConsoleSession, now: Timestamp) -> Result<(), StoreError> {
        self.sessions.end(session.project_id, session.id, now).await?;
        self.forget(session.id);
        Ok(())
    }

    /// Forgets a session that was ended, so that its next page reads it again.
    pub(crate) fn forget(&self, id: ConsoleSessionId) {
        self.cache.forget(|open| open.session.id == id);
    }
}

impl OpenSession {
    fn is_of(&self, cookie: &SessionCookie, now: Timestamp) -> bool {
        self.session.project_id == cookie.project_id && !self.session.is_over(now)
    }
}
