//! Projects, which own API keys, endpoints, return URLs and notification users.

use serde::{Deserialize, Serialize};

use crate::foundation::draft::{BadFields, Change, Draft};
use crate::foundation::id::ProjectId;
use crate::foundation::time::Timestamp;
use crate::projects::color::Color;
use crate::projects::name::{Name, NewPublicName};
use crate::projects::report_hour::ReportHour;
use crate::public_names;

/// A project as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Id of the project.
    pub id: ProjectId,
    /// Name shown to people.
    pub name: Name,
    /// Whether the project has live or test keys.
    pub mode: Mode,
    /// Color of the project's logo, which result pages use for their button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_color: Option<Color>,
    /// Mail that notification users get after a day without events.
    #[serde(default)]
    pub quiet_days: QuietDays,
    /// UTC hour from which on the report of the previous day is sent. `None`: with the first run of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_hour: Option<ReportHour>,
    /// When that hour was changed last, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_hour_changed_at: Option<Timestamp>,
    /// When the project was created.
    pub created_at: Timestamp,
    /// Number of changes to the project's settings, which is the number of the latest entry in its audit log.
    pub revision: u64,
    /// Number of the audit log entry that changed the project itself last. Part of the `ETag`. 0 in rows of older versions.
    #[serde(default)]
    pub changed_in: u64,
}

public_names! {
    /// What a project is used for. The prefix of its API keys shows it, so live and test keys are not confused.
    #[derive(Default)]
    pub enum Mode {
        /// Real verifications; keys start with `sp_live_`.
        #[default]
        Live = "live",
        /// Tests; keys start with `sp_test_`.
        Test = "test",
    }
}

public_names! {
    /// Mail that notification users get after a day without events.
    #[derive(Default)]
    pub enum QuietDays {
        /// A mail of one line, which shows that the daily report works.
        #[default]
        Mail = "mail",
        /// No mail, unless an endpoint fails or an API key expires soon.
        None = "none",
    }
}

/// A request for a new project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Name shown to people.
    pub name: Name,
    /// The default is live.
    pub mode: Mode,
    /// Color of the project's logo.
    pub logo_color: Option<Color>,
    /// The default is a mail.
    pub quiet_days: QuietDays,
    /// The default is the first run of the day.
    pub report_hour: Option<ReportHour>,
}

impl TryFrom<Draft> for NewProject {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required::<NewPublicName>("name");
        let mode = draft.optional("mode").unwrap_or_default();
        let logo_color = draft.optional("logoColor");
        let quiet_days = draft.optional("quietDays").unwrap_or_default();
        let report_hour = draft.optional("reportHour");
        draft.check(|| Some(Self { name: name?.into(), mode, logo_color, quiet_days, report_hour }))
    }
}

impl NewProject {
    /// Creates the requested project.
    pub fn create(self, id: ProjectId) -> Project {
        let Self { name, mode, logo_color, quiet_days, report_hour } = self;
        Project {
            id,
            name,
            mode,
            logo_color,
            quiet_days,
            report_hour,
            report_hour_changed_at: None,
            created_at: id.created_at(),
            revision: 0,
            changed_in: 0,
        }
    }
}

/// A request to change a project (JSON merge patch, RFC 7396): absent fields keep their value, and `null` removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChange {
    name: Option<Name>,
    logo_color: Change<Option<Color>>,
    quiet_days: Change<QuietDays>,
    report_hour: Change<Option<ReportHour>>,
}

impl TryFrom<Draft> for ProjectChange {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.change_of_required("name", "a project", |draft| draft.optional::<NewPublicName>("name"));
        let name = name.map(Name::from);
        let logo_color = draft.change("logoColor", |draft| draft.optional("logoColor").map(Some));
        let quiet_days = draft.change("quietDays", |draft| draft.optional("quietDays"));
        let report_hour = draft.change("reportHour", |draft| draft.optional("reportHour").map(Some));
        draft.check(|| Some(Self { name, logo_color, quiet_days, report_hour }))
    }
}

impl Project {
    /// Applies a change that is made at `now`.
    pub fn apply(&mut self, change: ProjectChange, now: Timestamp) {
        if let Some(name) = change.name {
            self.name = name;
        }
        change.logo_color.apply(&mut self.logo_color);
        change.quiet_days.apply(&mut self.quiet_days);
        let hour_before = self.report_hour;
        change.report_hour.apply(&mut self.report_hour);
        if self.report_hour != hour_before {
            self.report_hour_changed_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    fn project() -> Project {
        let new: NewProject = Draft::parse(br##"{"name":"Acme","logoColor":"#1F3FBF"}"##).unwrap().try_into().unwrap();
        new.create(ProjectId::new(now(), &SystemRandom))
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn change(body: &str) -> Result<ProjectChange, BadFields> {
        Draft::parse(body.as_bytes()).unwrap().try_into()
    }

    #[test]
    fn a_change_affects_only_the_fields_it_contains() {
        for (body, name, logo_color) in [
            ("{}", "Acme", Some("#1f3fbf")),
            (r#"{"name":"아고스"}"#, "아고스", Some("#1f3fbf")),
            (r##"{"logoColor":"#FFFFFF"}"##, "Acme", Some("#ffffff")),
            (r#"{"logoColor":null}"#, "Acme", None),
        ] {
            let mut changed = project();
            changed.apply(change(body).unwrap(), now());
            let shown = changed.logo_color.map(|color| color.to_string());
            assert_eq!((changed.name.as_str(), shown.as_deref()), (name, logo_color), "{body}");
        }
    }

    #[test]
    fn the_time_of_a_change_of_the_report_hour_is_kept() {
        let mut changed = project();
        let later = now().plus(std::time::Duration::from_hours(1));
        for (body, hour, changed_at) in [
            ("{}", None, None),
            (r#"{"reportHour":0}"#, Some(0), Some(now())),
            (r#"{"reportHour":0}"#, Some(0), Some(now())),
            (r#"{"reportHour":null}"#, None, Some(later)),
        ] {
            let at = if hour.is_some() { now() } else { later };
            changed.apply(change(body).unwrap(), at);
            assert_eq!((changed.report_hour.map(ReportHour::get), changed.report_hour_changed_at), (hour, changed_at));
        }
        for bad in ["24", "-1", "8.5", "\"8\""] {
            let BadFields(fields) = change(&format!(r#"{{"reportHour":{bad}}}"#)).unwrap_err();
            assert_eq!(fields[0].pointer, "/reportHour", "{bad}");
        }
    }

    #[test]
    fn all_bad_fields_of_a_change_are_reported_together() {
        let BadFields(bad) = change(r#"{"name":null,"logoColor":"red","mode":"test"}"#).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/logoColor", "/mode"]);
    }
}
