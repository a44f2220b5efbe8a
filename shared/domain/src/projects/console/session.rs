//! Console sessions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConsoleUser, ReturnTo, Role};
use crate::foundation::id::{ConsoleSessionId, ProjectId};
use crate::foundation::language::Language;
use crate::foundation::time::Timestamp;

/// Maximum duration of a session.
pub const MAX_SESSION: Duration = Duration::from_hours(8);

/// A user's access to the console of one project. Opening a console link starts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleSession {
    /// Id of the session.
    pub id: ConsoleSessionId,
    /// The project that the session gives access to.
    pub project_id: ProjectId,
    /// Who uses the session.
    pub user: ConsoleUser,
    /// What the user may do.
    pub role: Role,
    /// Language of the pages. Absent: the browser's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Where the console leads back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<ReturnTo>,
    /// The project's revision when the link was minted. Ending all sessions ends those with an earlier revision.
    pub revision: u64,
    /// When the link was opened.
    pub created_at: Timestamp,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

impl ConsoleSession {
    /// Returns whether the session has ended by itself.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}
