//! What daily-digest is asked for: the messages of its queue.

use serde::{Deserialize, Serialize};

use crate::health::Notice;
use crate::id::{EndpointId, ProjectId};
use crate::report::ReportJob;

/// A queue message. On the wire it is named: `{"report": {…}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestJob {
    /// To mail the report of a day.
    Report(ReportJob),
    /// To mail what happened to an endpoint.
    Notice(NoticeJob),
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

impl DigestJob {
    /// Whose work it is.
    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Report(job) => job.project_id,
            Self::Notice(job) => job.project_id,
        }
    }
}
