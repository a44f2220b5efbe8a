//! Projects: what keys, endpoints, return URLs and notification users belong to.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::color::Color;
use crate::draft::{BadFields, Change, Draft};
use crate::id::ProjectId;
use crate::time::Timestamp;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// What people call it.
    pub name: Name,
    /// Whether its keys are live or test keys.
    pub mode: Mode,
    /// The colour of its logo, which the pages for its people wear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_color: Option<Color>,
    /// What its notification users get after a day without events.
    #[serde(default)]
    pub quiet_days: QuietDays,
    /// When it was created.
    pub created_at: Timestamp,
    /// How often its settings were changed: the number of the latest entry in its audit log.
    pub revision: u64,
}

/// What a project is for. It shows in its keys' prefix, so that nobody takes one for the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real verifications; keys start with `sp_live_`.
    #[default]
    Live,
    /// Trials; keys start with `sp_test_`.
    Test,
}

/// What notification users get after a day without events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum QuietDays {
    /// A mail of one line: so they know that the report itself works.
    #[default]
    Mail,
    /// Nothing, unless an endpoint is in trouble or a key is about to expire.
    None,
}

/// A name for people: 1 to 100 characters, none of them a control character, no space around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 100, pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$", example = "Acme"))]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text that is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 100 characters, no control characters, and no space around it")]
pub struct BadName;

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let has_good_length = (1..=100).contains(&text.chars().count());
        let is_clean = text.trim() == text && !text.chars().any(char::is_control);
        if has_good_length && is_clean { Ok(Self(text)) } else { Err(BadName) }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// A request for a new project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// What people call it.
    pub name: Name,
    /// Live unless asked otherwise.
    pub mode: Mode,
    /// The colour of its logo.
    pub logo_color: Option<Color>,
    /// A mail unless asked otherwise.
    pub quiet_days: QuietDays,
}

impl TryFrom<Draft> for NewProject {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required("name");
        let mode = draft.optional("mode").unwrap_or_default();
        let logo_color = draft.optional("logoColor");
        let quiet_days = draft.optional("quietDays").unwrap_or_default();
        draft.check(|| Some(Self { name: name?, mode, logo_color, quiet_days }))
    }
}

impl NewProject {
    /// The project it asks for.
    pub fn create(self, id: ProjectId) -> Project {
        let Self { name, mode, logo_color, quiet_days } = self;
        Project { id, name, mode, logo_color, quiet_days, created_at: id.made_at(), revision: 0 }
    }
}

/// A request to change a project, read as JSON merge patch (RFC 7396): what is left out stays, and `null` takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChange {
    name: Option<Name>,
    logo_color: Change<Option<Color>>,
    quiet_days: Change<QuietDays>,
}

impl TryFrom<Draft> for ProjectChange {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.change_of_required("name", "a project", |draft| draft.optional("name"));
        let logo_color = draft.change("logoColor", |draft| draft.optional("logoColor").map(Some));
        let quiet_days = draft.change("quietDays", |draft| draft.optional("quietDays"));
        draft.check(|| Some(Self { name, logo_color, quiet_days }))
    }
}

impl Project {
    /// Carries a change out.
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
    use crate::random::SystemRandom;

    #[test]
    fn names_are_for_people() {
        assert!(Name::try_from("아고스 Identity".to_owned()).is_ok());
        for bad in ["", " x", "x ", "a\nb", &"x".repeat(101)] {
            assert_eq!(Name::try_from(bad.to_owned()), Err(BadName), "{bad:?}");
        }
    }

    fn project() -> Project {
        let new: NewProject = Draft::parse(br##"{"name":"Acme","logoColor":"#1F3FBF"}"##).unwrap().try_into().unwrap();
        new.create(ProjectId::new("2026-11-22T08:30:00Z".parse().unwrap(), &SystemRandom))
    }

    fn change(body: &str) -> Result<ProjectChange, BadFields> {
        Draft::parse(body.as_bytes()).unwrap().try_into()
    }

    #[test]
    fn a_change_touches_only_what_it_names() {
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
    fn all_that_is_wrong_with_a_change_is_said_at_once() {
        let BadFields(bad) = change(r#"{"name":null,"logoColor":"red","mode":"test"}"#).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/logoColor", "/mode"]);
    }
}
