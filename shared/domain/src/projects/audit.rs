//! The audit log of a project: who changed which settings, when, from where, and the values before and after.
//!
//! Every change is one entry. A change and its entry are written together or not at all. Entries are numbered from 1 without
//! gaps, so a reader who has all entries up to a number has missed none. A changed secret is named, but never shown.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::foundation::id::{ApiKeyId, ConsoleSessionId, EndpointId, NotificationUserId, SecretKeyId};
use crate::foundation::time::Timestamp;
use crate::projects::name::Name;
use crate::public_names;

/// The fields of a resource as the API returns them, without secrets.
pub type Fields = Map<String, Value>;

/// The fields of a notification user that name the person. The audit log does not record their values, because it outlives the
/// user.
pub const PERSONAL_FIELDS: [&str; 2] = ["name", "email"];

/// A change of a project's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditEntry))]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Number of the change. Changes of a project are counted from 1.
    pub number: u64,
    /// When the change was made.
    pub at: Timestamp,
    /// Who made the change, and from where.
    #[serde(flatten)]
    pub author: Author,
    /// The changed resource and its fields.
    #[serde(flatten)]
    pub change: AuditChange,
}

/// Who made a change, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// Who made the change.
    pub actor: Actor,
    /// IP address that the request came from, if known. Not recorded for a person who used the link in a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub source_ip: Option<IpAddr>,
    /// Id of the request, as in its response and in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Actor {
    /// The operator, with an operator key.
    Operator,
    /// The holder of a project's API key.
    ApiKey {
        /// Id of the API key.
        id: ApiKeyId,
        /// Name of the API key at the time of the change.
        name: Name,
    },
    /// A user of the console. The operator names the user, and Signpost does not check the name.
    ConsoleUser {
        /// Id of the user in the operator's system.
        id: Name,
        /// Name of the user at the time of the change.
        name: Name,
    },
    /// A person who used the link in a notification user's mail.
    MailLink,
    /// Signpost, after the mail provider reported a bounce or a complaint.
    System,
}

/// A changed resource and its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditChange {
    /// Whether the resource was created, changed or deleted.
    pub action: Action,
    /// The resource.
    pub resource: Resource,
    /// The changed fields, ordered by name.
    pub changes: Vec<FieldChange>,
    /// Id of the new API key, if an API key was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<ApiKeyId>,
    /// Number of the entry that this change reverts, if it reverts one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<u64>,
}

public_names! {
    /// What happened to a resource.
    pub enum Action {
        /// The resource was created.
        Created = "created",
        /// The resource was changed.
        Changed = "changed",
        /// The resource was deleted.
        Deleted = "deleted",
    }
}

/// A resource whose change is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Resource {
    /// The project itself.
    Project,
    /// An API key.
    ApiKey {
        /// Id of the API key.
        id: ApiKeyId,
    },
    /// An endpoint.
    Endpoint {
        /// Id of the endpoint.
        id: EndpointId,
    },
    /// A notification user.
    NotificationUser {
        /// Id of the notification user.
        id: NotificationUserId,
    },
    /// The return URL.
    ReturnUrl,
    /// A `secretKey`.
    #[serde(rename = "return-url-key")]
    SecretKey {
        /// Id of the `secretKey`.
        id: SecretKeyId,
    },
    /// The key pairs that sign webhooks.
    SigningKeys,
    /// A console session.
    ConsoleSession {
        /// Id of the session.
        id: ConsoleSessionId,
    },
    /// All console sessions of the project.
    ConsoleSessions,
}

/// A changed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Name of the field.
    pub field: String,
    /// Whether the field is a secret or names a person. If so, its values are not recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Value before the change; absent if the field was not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub before: Option<Value>,
    /// Value after the change; absent if the field is no longer set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub after: Option<Value>,
}

impl AuditChange {
    /// The creation of a resource with the fields `after`.
    pub fn created(resource: Resource, after: &Fields) -> Self {
        Self::new(Action::Created, resource, &Fields::new(), after)
    }

    /// The change of a resource from the fields `before` to the fields `after`.
    pub fn changed(resource: Resource, before: &Fields, after: &Fields) -> Self {
        Self::new(Action::Changed, resource, before, after)
    }

    /// The deletion of a resource with the fields `before`.
    pub fn deleted(resource: Resource, before: &Fields) -> Self {
        Self::new(Action::Deleted, resource, before, &Fields::new())
    }

    fn new(action: Action, resource: Resource, before: &Fields, after: &Fields) -> Self {
        Self { action, resource, changes: differences(before, after), successor: None, reverts: None }
    }

    /// Adds the API key that replaced the changed one.
    #[must_use]
    pub fn with_successor(mut self, successor: ApiKeyId) -> Self {
        self.successor = Some(successor);
        self
    }

    /// Whether the settings stay as they are, so that there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.action == Action::Changed && self.changes.is_empty() && self.successor.is_none()
    }

    /// Adds a field that was changed and whose values must not be recorded.
    #[must_use]
    pub fn with_secret(mut self, field: impl Into<String>) -> Self {
        self.changes.push(FieldChange { field: field.into(), secret: true, before: None, after: None });
        self
    }

    /// Adds the number of the entry that this change reverts, if it reverts one.
    #[must_use]
    pub fn reverting(mut self, number: Option<u64>) -> Self {
        self.reverts = number;
        self
    }
}

impl Entry {
    /// Removes personal data that earlier versions recorded: names and addresses of notification users, and IP addresses of people
    /// who used a link in a mail.
    #[must_use]
    pub fn without_personal_data(mut self) -> Self {
        if self.author.actor == Actor::MailLink {
            self.author.source_ip = None;
        }
        if matches!(self.change.resource, Resource::NotificationUser { .. }) {
            for change in &mut self.change.changes {
                if PERSONAL_FIELDS.contains(&change.field.as_str()) {
                    (change.secret, change.before, change.after) = (true, None, None);
                }
            }
        }
        self
    }

    /// Returns the changed fields with their values before the change. A field that was not set is `null`. Returns `None` if a
    /// secret was changed, because its old value was not recorded.
    pub fn fields_before(&self) -> Option<Fields> {
        let value_before = |change: &FieldChange| {
            let value = change.before.clone().unwrap_or(Value::Null);
            (!change.secret).then(|| (change.field.clone(), value))
        };
        self.change.changes.iter().map(value_before).collect()
    }
}

/// Returns the fields that differ. A field that is `null` counts as not set.
fn differences(before: &Fields, after: &Fields) -> Vec<FieldChange> {
    let is_set = |value: &&Value| !value.is_null();
    let value_in = |fields: &Fields, name: &str| fields.get(name).filter(is_set).cloned();
    let only_after = after.keys().filter(|name| !before.contains_key(*name));
    let changes = before.keys().chain(only_after).map(|name| {
        let (before, after) = (value_in(before, name), value_in(after, name));
        FieldChange { field: name.clone(), secret: false, before, after }
    });
    changes.filter(|change| change.before != change.after).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    fn entry(change: AuditChange) -> Entry {
        let author = Author { actor: Actor::Operator, source_ip: None, request_id: None };
        Entry { number: 1, at: "2026-11-22T08:30:00Z".parse().unwrap(), author, change }
    }

    #[test]
    fn only_fields_that_differ_are_recorded() {
        let before = fields(json!({"url": "https://a.example/", "description": null, "format": "standard"}));
        let after = fields(json!({"url": "https://b.example/", "description": "new", "format": "standard"}));
        let change = AuditChange::changed(Resource::ReturnUrl, &before, &after);
        let recorded = serde_json::to_value(&change.changes).unwrap();
        assert_eq!(
            recorded,
            json!([
                {"field": "description", "after": "new"},
                {"field": "url", "before": "https://a.example/", "after": "https://b.example/"},
            ])
        );
    }

    #[test]
    fn a_secret_is_recorded_without_its_values() {
        let change =
            AuditChange::changed(Resource::Project, &Fields::new(), &Fields::new()).with_secret("signingSecret");
        assert_eq!(serde_json::to_value(&change.changes).unwrap(), json!([{"field": "signingSecret", "secret": true}]));
        assert_eq!(entry(change).fields_before(), None);
    }

    #[test]
    fn reverting_removes_a_field_that_was_not_set() {
        let (before, after) =
            (fields(json!({"name": "Acme"})), fields(json!({"name": "Acne", "logoColor": "#000000"})));
        let reverted = entry(AuditChange::changed(Resource::Project, &before, &after)).fields_before();
        assert_eq!(reverted, Some(fields(json!({"name": "Acme", "logoColor": null}))));
    }

    #[test]
    fn an_entry_of_an_earlier_version_loses_its_personal_data() {
        let user = Resource::NotificationUser { id: "019ab5e0-0000-7000-8000-000000000003".parse().unwrap() };
        let after = fields(json!({"name": "Ada", "email": "ada@acme.example", "language": "en"}));
        let author = Author { actor: Actor::MailLink, source_ip: "203.0.113.9".parse().ok(), request_id: None };
        let earlier = Entry { author, ..entry(AuditChange::created(user, &after)) };
        let clean = serde_json::to_string(&earlier.without_personal_data()).unwrap();
        assert!(!clean.contains("Ada") && !clean.contains("acme") && !clean.contains("203.0.113.9"), "{clean}");
        assert!(clean.contains(r#""after":"en""#), "{clean}");

        let project = entry(AuditChange::created(Resource::Project, &fields(json!({"name": "Acme"}))));
        assert_eq!(project.clone().without_personal_data(), project);
    }

    #[test]
    fn a_console_user_is_shown_with_id_and_name() {
        let name = |text: &str| Name::try_from(text.to_owned()).unwrap();
        let actor = Actor::ConsoleUser { id: name("u1"), name: name("Ada") };
        assert_eq!(serde_json::to_value(actor).unwrap(), json!({"type": "console-user", "id": "u1", "name": "Ada"}));
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let actor = Actor::ApiKey {
            id: "019ab5e0-0000-7000-8000-000000000001".parse().unwrap(),
            name: Name::try_from("server".to_owned()).unwrap(),
        };
        let author = Author { actor, source_ip: "203.0.113.9".parse().ok(), request_id: Some("r-1".to_owned()) };
        let resource = Resource::Endpoint { id: "019ab5e0-0000-7000-8000-000000000002".parse().unwrap() };
        let change = AuditChange::created(resource, &fields(json!({"url": "https://a.example/"})));
        let written = Entry { author, ..entry(change.reverting(Some(7))) };
        let json = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), written);
    }
}
