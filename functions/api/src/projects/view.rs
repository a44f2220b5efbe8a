//! Projects as the API returns them.

use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::projects::color::Color;
use domain::projects::name::Name;
use domain::projects::project::{Mode, Project, QuietDays};
use domain::projects::report_hour::ReportHour;
use serde::Serialize;

use crate::http::etag::SettingsView;

/// A project.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Project))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectView {
    /// Id of the project.
    id: ProjectId,
    /// Name of the project, as people see it on pages and in mails.
    name: Name,
    /// Whether the project's API keys are live keys or test keys.
    mode: Mode,
    /// Color of the project's logo, used on its result pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_color: Option<Color>,
    /// What notification users get after a day without events.
    quiet_days: QuietDays,
    /// UTC hour, 0 to 23, at which the report of the previous day is sent. Absent if it is sent with the first run of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    report_hour: Option<ReportHour>,
    /// When the project was created.
    created_at: Timestamp,
    /// Number of changes of the project's settings. It is the number of the newest entry in the audit log.
    revision: u64,
}

impl SettingsView for ProjectView {
    const NOT_SETTINGS: &[&str] = &["revision"];
}

impl ProjectView {
    /// The view after the change with this number.
    pub(crate) fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }
}

impl From<&Project> for ProjectView {
    fn from(project: &Project) -> Self {
        let Project { id, name, mode, logo_color, quiet_days, report_hour, created_at, revision, .. } = project.clone();
        Self { id, name, mode, logo_color, quiet_days, report_hour, created_at, revision }
    }
}
