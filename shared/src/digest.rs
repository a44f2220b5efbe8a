//! What daily-digest is asked for: the messages of its queue.

use serde::{Deserialize, Serialize};

use crate::health::Notice;
use crate::id::{EndpointId, EventId, ProjectId};
use crate::report::ReportJob;
use crate::time::UtcDay;

/// A queue message. On the wire it is named: `{"report": {…}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestJob {
    /// To mail the report of a day.
    Report(ReportJob),
    /// To mail what happened to an endpoint.
    Notice(NoticeJob),
    /// To look for deliveries that were lost sight of.
    Reconcile(ReconcileJob),
}

/// "Tell the notification users of this project what happened to this endpoint."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeJob {
    /// Whose endpoint it is.
    pub project_id: ProjectId,
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// What happened.
    pub notice: Notice,
}

/// "Look through the events of this project, from the newest of `day` on, or from those before `before`, back to the first of
/// `oldest_day`."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileJob {
    /// Whose events.
    pub project_id: ProjectId,
    /// Of which day next.
    pub day: UtcDay,
    /// Where on that day others have looked already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<EventId>,
    /// Where to end.
    pub oldest_day: UtcDay,
}

impl DigestJob {
    /// Whose work it is.
    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Report(job) => job.project_id,
            Self::Notice(job) => job.project_id,
            Self::Reconcile(job) => job.project_id,
        }
    }
}
