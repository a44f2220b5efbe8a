//! The messages of the queue of `daily-digest`.

use serde::{Deserialize, Serialize};

use crate::foundation::id::{EndpointId, EventId, ProjectId};
use crate::foundation::time::UtcDay;
use crate::reports::report::ReportJob;
use crate::webhooks::health::Notice;

/// A queue message, written as `{"report": {…}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestJob {
    /// Mail the report of a day.
    Report(ReportJob),
    /// Mail a notice about an endpoint.
    Notice(NoticeJob),
    /// Search for lost deliveries.
    Reconcile(ReconcileJob),
}

/// Asks to mail a notice about an endpoint to the notification users of its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeJob {
    /// The project that owns the endpoint.
    pub project_id: ProjectId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// What happened to the endpoint.
    pub notice: Notice,
}

/// Asks to check the events of a project for lost deliveries. The job goes back in time: it starts with the newest event of
/// `day`, or with the event before `before`, and ends with the first event of `oldest_day`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileJob {
    /// The project that owns the events.
    pub project_id: ProjectId,
    /// The next day to check.
    pub day: UtcDay,
    /// The last event of `day` that an earlier job has checked, if one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<EventId>,
    /// The last day to check.
    pub oldest_day: UtcDay,
}

impl DigestJob {
    /// The project of the job.
    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Report(job) => job.project_id,
            Self::Notice(job) => job.project_id,
            Self::Reconcile(job) => job.project_id,
        }
    }
}
