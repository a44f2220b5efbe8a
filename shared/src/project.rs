//! Projects: what keys, endpoints, return URLs and notification users belong to.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::draft::{BadFields, Draft};
use crate::id::ProjectId;
use crate::time::Timestamp;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// What people call it.
    pub name: Name,
    /// Whether its keys are live or test keys.
    pub mode: Mode,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a project is for. It shows in its keys' prefix, so that nobody takes one for the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real verifications; keys start with `sp_live_`.
    #[default]
    Live,
    /// Trials; keys start with `sp_test_`.
    Test,
}

/// A name for people: 1 to 100 characters, none of them a control character, no space around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl TryFrom<Draft> for NewProject {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required("name");
        let mode = draft.optional("mode").unwrap_or_default();
        draft.check(|| Some(Self { name: name?, mode }))
    }
}

impl NewProject {
    /// The project it asks for.
    pub fn create(self, id: ProjectId) -> Project {
        Project { id, name: self.name, mode: self.mode, created_at: id.made_at() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_for_people() {
        assert!(Name::try_from("아고스 Identity".to_owned()).is_ok());
        for bad in ["", " x", "x ", "a\nb", &"x".repeat(101)] {
            assert_eq!(Name::try_from(bad.to_owned()), Err(BadName), "{bad:?}");
        }
    }
}
