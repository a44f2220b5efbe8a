//! Projects, which own API keys, endpoints, return URLs and notification users.

use serde::{Deserialize, Serialize};

use crate::foundation::draft::{BadFields, Change, Draft};
use crate::foundation::id::ProjectId;
use crate::foundation::time::Timestamp;
use crate::projects::color::Color;
use crate::projects::name::{Name, NewPublicName};
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
}

impl TryFrom<Draft> for NewProject {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required::<NewPublicName>("name");
        let mode = draft.optional("mode").unwrap_or_default();
        let logo_color = draft.optional("logoColor");
        let quiet_days = draft.optional("quietDays").unwrap_or_default();
        draft.check(|| Some(Self { name: name?.into(), mode, logo_color, quiet_days }))
    }
}

impl NewProject {
    /// Creates the requested project.
    pub fn create(self, id: ProjectId) -> Project {
        let Self { name, mode, logo_color, quiet_days } = self;
        Project { id, name, mode, logo_color, quiet_days, created_at: id.created_at(), revision: 0, changed_in: 0 }
    }
}

/// A request to change a project (JSON merge patch, RFC 7396): absent fields keep their value, and `null` removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChange {
    name: Option<Name>,
    logo_color: Change<Option<Color>>,
    quiet_days: Change<QuietDays>,
}

impl TryFrom<Draft> for ProjectChange {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.change_of_required("name", "a project", |draft| draft.optional::<NewPublicName>("name"));
        let name = name.map(Name::from);
        let logo_color = draft.change("logoColor", |draft| draft.optional("logoColor").map(Some));
        let quiet_days = draft.change("quietDays", |draft| draft.optional("quietDays"));
        draft.check(|| Some(Self { name, logo_color, quiet_days }))
    }
}

impl Project {
    /// Applies a change.
    pub fn apply(&mut self, change: ProjectChange) {
        if let Some(name) = change.name {
            self.name = name;
        }
        change.logo_color.apply(&mut self.logo_color);
        change.quiet_days.apply(&mut self.quiet_days);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    fn project() -> Project {
        let new: NewProject = Draft::parse(br##"{"name":"Acme","logoColor":"#1F3FBF"}"##).unwrap().try_into().unwrap();
        new.create(ProjectId::new("2026-11-22T08:30:00Z".parse().unwrap(), &SystemRandom))
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
            changed.apply(change(body).unwrap());
            let shown = changed.logo_color.map(|color| color.to_string());
            assert_eq!((changed.name.as_str(), shown.as_deref()), (name, logo_color), "{body}");
        }
    }

    #[test]
    fn all_bad_fields_of_a_change_are_reported_together() {
        let BadFields(bad) = change(r#"{"name":null,"logoColor":"red","mode":"test"}"#).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/logoColor", "/mode"]);
    }
}
