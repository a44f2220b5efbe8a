//! Console sessions: one row each. The row that claims a console link is the session.
//!
//! A row without a session records that the session was ended. It stays until the link has expired, so that the link cannot open
//! the session again. One row of a project ends many sessions: all whose links were minted before a revision.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::commit::Write;
use super::error::StoreError;
use super::keys;
use super::page::{self, ListOf, Page, PageToken};
use super::table::{Row, Table, count, number};
use crate::client::Aws;
use domain::foundation::id::{ConsoleSessionId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::projects::console::{ConsoleSession, MAX_CONSOLE_LINK_LIFETIME, MAX_SESSION};

/// How much longer than needed a row is kept. This is more than clocks differ.
const MARGIN: Duration = Duration::from_mins(5);

/// The console sessions of all projects.
#[derive(Debug, Clone)]
pub struct ConsoleSessionStore {
    table: Table,
}

/// The state of a console session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// The link was not opened, or the session is so old that its row was removed.
    Unopened,
    /// The session is valid.
    Open(ConsoleSession),
    /// The session was ended or has expired.
    Over,
}

/// The result of claiming a console link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkClaim {
    /// The session has begun.
    Claimed,
    /// The link was opened before, or its session was ended.
    Used,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionRow {
    /// Absent: the session was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<ConsoleSession>,
    /// Identifies the call that claimed the link, if the SDK repeats it after a lost response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_by: Option<String>,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndRow {
    /// Sessions whose links were minted at an earlier revision of the project have ended.
    ended_before: u64,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl SessionRow {
    fn ended(now: Timestamp) -> Self {
        let expires_at = now.plus(MAX_CONSOLE_LINK_LIFETIME).plus(MARGIN).as_seconds();
        Self { session: None, claimed_by: None, expires_at }
    }
}

impl Write {
    /// Ends a session, or makes its link useless if it was not opened yet.
    pub fn console_session_ended(project: ProjectId, id: ConsoleSessionId, now: Timestamp) -> Result<Self, StoreError> {
        Self::put(&row(project, id, SessionRow::ended(now)))
    }

    /// Ends all sessions of a project whose links were minted before `revision`, and makes the links that were not opened
    /// useless.
    pub fn console_sessions_ended(project: ProjectId, revision: u64, now: Timestamp) -> Result<Self, StoreError> {
        let needed_until = now.plus(MAX_CONSOLE_LINK_LIFETIME).plus(MAX_SESSION).plus(MARGIN);
        let content = EndRow { ended_before: revision, expires_at: needed_until.as_seconds() };
        Self::put(&Row { pk: keys::console_sessions(project), sk: keys::ENDED_SESSIONS.to_owned(), content })
    }
}

fn row(project: ProjectId, id: ConsoleSessionId, content: SessionRow) -> Row<SessionRow> {
    Row { pk: keys::console_sessions(project), sk: keys::console_session(id), content }
}

impl ConsoleSessionStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Begins a session with one conditional write. Exactly one of several concurrent callers gets [`LinkClaim::Claimed`].
    /// `nonce` is a new random string for each call.
    pub async fn claim(&self, session: ConsoleSession, nonce: &str) -> Result<LinkClaim, StoreError> {
        let (project, id) = (session.project_id, session.id);
        let expires_at = session.expires_at.plus(MARGIN).as_seconds();
        let content = SessionRow { session: Some(session), claimed_by: Some(nonce.to_owned()), expires_at };
        match self.table.put_new(&row(project, id, content)).await? {
            None => Ok(LinkClaim::Claimed),
            Some(existing) if existing.claimed_by.as_deref() == Some(nonce) => Ok(LinkClaim::Claimed),
            Some(_) => Ok(LinkClaim::Used),
        }
    }

    /// Returns a session that is valid at `now` (strongly consistent). A session that was ended or has expired is not returned.
    pub async fn get(
        &self,
        project: ProjectId,
        id: ConsoleSessionId,
        now: Timestamp,
    ) -> Result<Option<ConsoleSession>, StoreError> {
        match self.state(project, id, now).await? {
            SessionState::Open(session) => Ok(Some(session)),
            SessionState::Unopened | SessionState::Over => Ok(None),
        }
    }

    /// Returns the state of a session at `now` (strongly consistent).
    pub async fn state(
        &self,
        project: ProjectId,
        id: ConsoleSessionId,
        now: Timestamp,
    ) -> Result<SessionState, StoreError> {
        let (partition, key) = (keys::console_sessions(project), keys::console_session(id));
        let row = self.table.get_now::<SessionRow>(&partition, &key);
        let (row, ended_before) = futures::future::try_join(row, self.ended_before(project)).await?;
        let Some(row) = row else { return Ok(SessionState::Unopened) };
        let session = row.session.filter(|session| !session.is_over(now) && session.revision >= ended_before);
        Ok(session.map_or(SessionState::Over, SessionState::Open))
    }

    /// Returns the sessions that are valid at `now`, newest link first: at most `limit`, starting at `after` (strongly
    /// consistent). A page may have fewer sessions even if there are more.
    pub async fn list(
        &self,
        project: ProjectId,
        limit: u16,
        after: Option<&PageToken>,
        now: Timestamp,
    ) -> Result<Page<ConsoleSession>, StoreError> {
        // Links of valid sessions were minted at most this long ago, so older rows are not read.
        let first = now.minus(MAX_SESSION).minus(MAX_CONSOLE_LINK_LIFETIME).minus(MARGIN);
        let (first, last) = keys::console_sessions_since(first);
        let query = self
            .table
            .between(&keys::console_sessions(project), &first, &last)
            .filter_expression("attribute_exists(#session) AND #session.#revision >= :ended AND expiresAt > :now")
            .expression_attribute_names("#session", "session")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":ended", count(self.ended_before(project).await?))
            .expression_attribute_values(":now", number(now.plus(MARGIN).as_seconds()))
            .scan_index_forward(false)
            .consistent_read(true);
        let query = query.limit(i32::from(limit));
        let page: Page<SessionRow> = page::page(query, ListOf::ConsoleSessions(project), after).await?;
        Ok(Page { items: page.items.into_iter().filter_map(|row| row.session).collect(), next: page.next })
    }

    /// Ends a session at the request of its user. Repeating it changes nothing.
    pub async fn end(&self, project: ProjectId, id: ConsoleSessionId, now: Timestamp) -> Result<(), StoreError> {
        self.table.put(&row(project, id, SessionRow::ended(now))).await
    }

    async fn ended_before(&self, project: ProjectId) -> Result<u64, StoreError> {
        let row: Option<EndRow> = self.table.get_now(&keys::console_sessions(project), keys::ENDED_SESSIONS).await?;
        Ok(row.map_or(0, |row| row.ended_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{Database, SETTINGS};
    use domain::foundation::random::SystemRandom;
    use domain::projects::console::{ConsoleUser, Role};

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn project() -> ProjectId {
        ProjectId::new(now(), &SystemRandom)
    }

    /// A session whose link was minted at `minted_at` and opened at once.
    fn session(project_id: ProjectId, minted_at: Timestamp) -> ConsoleSession {
        let name = |text: &str| text.to_owned().try_into().unwrap();
        ConsoleSession {
            id: ConsoleSessionId::new(minted_at, &SystemRandom),
            project_id,
            user: ConsoleUser { id: name("u1"), name: name("Ada") },
            role: Role::Developer,
            language: None,
            return_to: Some("https://dashboard.example/".parse().unwrap()),
            revision: 7,
            created_at: minted_at,
            expires_at: minted_at.plus(MAX_SESSION),
        }
    }

    async fn write(store: &Database, write: Write) {
        store.projects.write_before(vec![write]).await.unwrap();
    }

    /// All valid sessions, read in pages of one row.
    async fn listed(store: &Database, project: ProjectId, at: Timestamp) -> Vec<ConsoleSessionId> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = store.console_sessions.list(project, 1, after.as_ref(), at).await.unwrap();
            ids.extend(page.items.iter().map(|session| session.id));
            after = page.next;
            if after.is_none() {
                return ids;
            }
        }
    }

    #[tokio::test]
    async fn of_concurrent_claims_of_a_link_one_succeeds() {
        let store = Database::start().await;
        let session = session(project(), now());
        let claim = |nonce| store.console_sessions.claim(session.clone(), nonce);
        let claims = tokio::join!(claim("a"), claim("b"), claim("c"), claim("d"));
        let claims = [claims.0, claims.1, claims.2, claims.3].map(Result::unwrap);
        assert_eq!(claims.iter().filter(|claim| **claim == LinkClaim::Claimed).count(), 1, "{claims:?}");
        let found = store.console_sessions.get(session.project_id, session.id, now()).await.unwrap();
        assert_eq!(found, Some(session));
    }

    #[tokio::test]
    async fn a_claim_that_the_sdk_repeats_succeeds() {
        let store = Database::start().await;
        let session = session(project(), now());
        for _ in 0..2 {
            assert_eq!(store.console_sessions.claim(session.clone(), "a").await.unwrap(), LinkClaim::Claimed);
        }
    }

    #[tokio::test]
    async fn a_store_failure_is_not_a_claim() {
        let database = Database::start().await;
        let sessions = ConsoleSessionStore::new(database.aws(), "no-such-table");
        let claim = sessions.claim(session(project(), now()), "a").await;
        assert!(matches!(claim, Err(StoreError::Unavailable(_))), "{claim:?}");
    }

    #[tokio::test]
    async fn a_session_is_valid_for_eight_hours_in_its_project() {
        let store = Database::start().await;
        let session = session(project(), now());
        store.console_sessions.claim(session.clone(), "a").await.unwrap();
        let state = async |project, at| store.console_sessions.state(project, session.id, at).await.unwrap();
        let last = session.expires_at.minus(Duration::from_millis(1));
        assert_eq!(state(session.project_id, last).await, SessionState::Open(session.clone()));
        assert_eq!(state(session.project_id, session.expires_at).await, SessionState::Over);
        assert_eq!(state(project(), now()).await, SessionState::Unopened);
    }

    #[tokio::test]
    async fn an_ended_session_is_over_and_keeps_no_personal_data() {
        let store = Database::start().await;
        let sessions = [session(project(), now()), session(project(), now())];
        for session in &sessions {
            store.console_sessions.claim(session.clone(), "a").await.unwrap();
        }
        let [by_call, by_user] = &sessions;
        write(&store, Write::console_session_ended(by_call.project_id, by_call.id, now()).unwrap()).await;
        store.console_sessions.end(by_user.project_id, by_user.id, now()).await.unwrap();
        for session in sessions {
            let state = store.console_sessions.state(session.project_id, session.id, now()).await.unwrap();
            assert_eq!(state, SessionState::Over);
            assert_eq!(listed(&store, session.project_id, now()).await, []);
            assert_eq!(store.console_sessions.claim(session, "b").await.unwrap(), LinkClaim::Used);
        }
        assert!(!store.dump(SETTINGS).await.contains("Ada"));
    }

    #[tokio::test]
    async fn a_link_whose_session_was_ended_before_it_was_opened_is_useless() {
        let store = Database::start().await;
        let session = session(project(), now());
        write(&store, Write::console_session_ended(session.project_id, session.id, now()).unwrap()).await;
        assert_eq!(store.console_sessions.claim(session, "a").await.unwrap(), LinkClaim::Used);
    }

    #[tokio::test]
    async fn ending_all_sessions_spares_only_those_of_later_links() {
        let store = Database::start().await;
        let project = project();
        let [open, unopened, later] = [7, 7, 8].map(|revision| ConsoleSession { revision, ..session(project, now()) });
        store.console_sessions.claim(open.clone(), "a").await.unwrap();
        write(&store, Write::console_sessions_ended(project, 8, now()).unwrap()).await;
        for session in [&unopened, &later] {
            store.console_sessions.claim(session.clone(), "a").await.unwrap();
        }
        let get = async |id| store.console_sessions.get(project, id, now()).await.unwrap().map(|session| session.id);
        assert_eq!([get(open.id).await, get(unopened.id).await, get(later.id).await], [None, None, Some(later.id)]);
        assert_eq!(listed(&store, project, now()).await, [later.id]);
    }

    #[tokio::test]
    async fn valid_sessions_are_listed_newest_first() {
        let store = Database::start().await;
        let project = project();
        let minted = |minutes| session(project, now().minus(Duration::from_mins(minutes)));
        let sessions = [minted(0), minted(10), minted(479), minted(481), minted(2000)];
        for session in &sessions {
            store.console_sessions.claim(session.clone(), "a").await.unwrap();
        }
        let valid: Vec<ConsoleSessionId> = sessions[..3].iter().map(|session| session.id).collect();
        assert_eq!(listed(&store, project, now()).await, valid);
        // A link that was minted an hour before it was opened.
        let late = ConsoleSession { created_at: now(), expires_at: now().plus(MAX_SESSION), ..minted(60) };
        store.console_sessions.claim(late.clone(), "a").await.unwrap();
        assert_eq!(listed(&store, project, late.expires_at.minus(Duration::from_secs(1))).await, [valid[0], late.id]);
    }
}
