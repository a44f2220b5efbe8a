//! A change, and how the pages write its values.

use domain::projects::audit::{Action, Actor, Entry, FieldChange, Resource};
use serde_json::Value;

use crate::layout::translations::Fill;
use crate::pages::history::path_of;
use crate::pages::history::words::Words;

/// A change with the texts of one language.
pub(super) struct Change {
    pub(super) entry: Entry,
    words: &'static Words,
}

impl Change {
    pub(super) const fn new(entry: Entry, words: &'static Words) -> Self {
        Self { entry, words }
    }

    /// The path of the change's page.
    pub(super) fn path(&self) -> String {
        path_of(self.entry.number)
    }

    /// The page of the change that this one reverted.
    pub(super) fn reverted_path(&self) -> Option<String> {
        self.entry.change.reverts.map(path_of)
    }

    /// Who made the change.
    pub(super) fn actor(&self) -> String {
        match &self.entry.author.actor {
            Actor::Operator => self.words.provider.to_owned(),
            Actor::ApiKey { name, .. } => self.words.api_key_actor.fill("name", name.as_str()),
            Actor::ConsoleUser { name, .. } => name.as_str().to_owned(),
            Actor::MailLink => self.words.mail_link.to_owned(),
            Actor::System => self.words.system.to_owned(),
        }
    }

    /// What was changed.
    pub(super) const fn resource(&self) -> &'static str {
        match self.entry.change.resource {
            Resource::Project => self.words.project,
            Resource::ApiKey { .. } => self.words.api_key,
            Resource::Endpoint { .. } => self.words.endpoint,
            Resource::NotificationUser { .. } => self.words.notification_user,
            Resource::ReturnUrl => self.words.return_url,
            Resource::SecretKey { .. } => self.words.secret_key,
            Resource::SigningKeys => self.words.signing_keys,
            Resource::ConsoleSession { .. } => self.words.session,
            Resource::ConsoleSessions => self.words.sessions,
        }
    }

    /// The page of the changed resource, unless it was deleted.
    pub(super) fn resource_path(&self) -> Option<String> {
        match self.entry.change.resource {
            _ if self.entry.change.action == Action::Deleted => None,
            Resource::ApiKey { id } => Some(format!("/api-keys/{id}")),
            Resource::Endpoint { id } => Some(format!("/endpoints/{id}")),
            Resource::NotificationUser { id } => Some(format!("/notification-users/{id}")),
            Resource::ReturnUrl => Some("/return-url".to_owned()),
            Resource::Project
            | Resource::SecretKey { .. }
            | Resource::SigningKeys
            | Resource::ConsoleSession { .. }
            | Resource::ConsoleSessions => None,
        }
    }

    /// Whether it was created, changed or deleted.
    pub(super) const fn action(&self) -> &'static str {
        match self.entry.change.action {
            Action::Created => self.words.created,
            Action::Changed => self.words.changed,
            Action::Deleted => self.words.deleted,
        }
    }

    /// The tone of the action's chip.
    pub(super) const fn tone(&self) -> &'static str {
        match self.entry.change.action {
            Action::Created => "ok",
            Action::Changed => "idle",
            Action::Deleted => "warn",
        }
    }

    /// The names of the changed fields.
    pub(super) fn fields(&self) -> String {
        let names: Vec<&str> = self.entry.change.changes.iter().map(|change| change.field.as_str()).collect();
        names.join(", ")
    }

    /// The value of a field before the change.
    pub(super) fn before(&self, change: &FieldChange) -> String {
        self.value(change, change.before.as_ref())
    }

    /// The value of a field after the change.
    pub(super) fn after(&self, change: &FieldChange) -> String {
        self.value(change, change.after.as_ref())
    }

    fn value(&self, change: &FieldChange, value: Option<&Value>) -> String {
        match value {
            _ if change.secret => self.words.secret.to_owned(),
            None | Some(Value::Null) => self.words.nothing.to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                if items.is_empty() { self.words.nothing.to_owned() } else { items.join(", ") }
            }
            Some(Value::Object(members)) => {
                let members = members.iter().filter(|(_, value)| !value.is_null());
                members.map(|(name, value)| format!("{name}: {}", text(value))).collect::<Vec<_>>().join(", ")
            }
            Some(other) => other.to_string(),
        }
    }

    /// Whether changes of this kind can be reverted. The api has the last word.
    pub(super) const fn may_be_reverted(&self) -> bool {
        match (self.entry.change.resource, self.entry.change.action) {
            (Resource::Project | Resource::Endpoint { .. } | Resource::NotificationUser { .. }, action) => {
                matches!(action, Action::Changed)
            }
            (Resource::ReturnUrl, _) => true,
            (
                Resource::ApiKey { .. }
                | Resource::SecretKey { .. }
                | Resource::SigningKeys
                | Resource::ConsoleSession { .. }
                | Resource::ConsoleSessions,
                _,
            ) => false,
        }
    }
}

/// A member of an object.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
