//! The audit log: who changed what in a project's settings, when, from where, and what it was before.
//!
//! Every change is one entry. A change and its entry are written together or not at all, and entries are numbered from 1
//! without gaps: whoever has read up to a number has seen all that happened until then. Secrets are named, never shown.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{ApiKeyId, EndpointId, NotificationUserId, ReturnUrlKeyId};
use crate::project::Name;
use crate::time::Timestamp;

/// The fields of a resource as customers see them, without its secrets.
pub type Fields = Map<String, Value>;

/// One change of a project's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditEntry))]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts the project's changes from 1.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it, and from where.
    #[serde(flatten)]
    pub author: Author,
    /// What was changed, and how.
    #[serde(flatten)]
    pub deed: Deed,
}

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// Who.
    pub actor: Actor,
    /// The address that the request came from, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub source_ip: Option<IpAddr>,
    /// The request, as it is named in the log and in its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Who can change settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Actor {
    /// The operator, with one of their keys.
    Operator,
    /// The holder of a project's API key.
    ApiKey {
        /// The key's id.
        id: ApiKeyId,
        /// What the key was called then.
        name: Name,
    },
    /// Whoever opened a link that was mailed to a notification user.
    MailLink,
    /// Signpost itself, because of what a mail provider reported.
    System,
}

/// What was changed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// Whether the resource came, changed, or went.
    pub action: Action,
    /// What it was done to.
    pub resource: Resource,
    /// The fields that are not what they were, by name.
    pub changes: Vec<FieldChange>,
    /// The key that came in its place, if a key was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<ApiKeyId>,
    /// The number of the entry that this one undoes, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<u64>,
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// There was none before.
    Created,
    /// It is another than before.
    Changed,
    /// There is none any more.
    Deleted,
}

/// A resource of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Resource {
    /// The project itself.
    Project,
    /// One of its API keys.
    ApiKey {
        /// Which.
        id: ApiKeyId,
    },
    /// One of its endpoints.
    Endpoint {
        /// Which.
        id: EndpointId,
    },
    /// One of its notification users.
    NotificationUser {
        /// Which.
        id: NotificationUserId,
    },
    /// Its return URL.
    ReturnUrl,
    /// One of the `secretKey`s of its return URL.
    ReturnUrlKey {
        /// Which.
        id: ReturnUrlKeyId,
    },
    /// The key pairs that sign its webhooks.
    SigningKeys,
}

/// A field that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// Whether it is a secret: then neither value is here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What it was; absent if it was not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub before: Option<Value>,
    /// What it is since; absent if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub after: Option<Value>,
}

impl Deed {
    /// A resource came.
    pub fn created(resource: Resource, after: &Fields) -> Self {
        Self::new(Action::Created, resource, &Fields::new(), after)
    }

    /// A resource changed.
    pub fn changed(resource: Resource, before: &Fields, after: &Fields) -> Self {
        Self::new(Action::Changed, resource, before, after)
    }

    /// A resource went.
    pub fn deleted(resource: Resource, before: &Fields) -> Self {
        Self::new(Action::Deleted, resource, before, &Fields::new())
    }

    fn new(action: Action, resource: Resource, before: &Fields, after: &Fields) -> Self {
        Self { action, resource, changes: differences(before, after), successor: None, reverts: None }
    }

    /// The same, and another key came in this one's place.
    #[must_use]
    pub fn with_successor(mut self, successor: ApiKeyId) -> Self {
        self.successor = Some(successor);
        self
    }

    /// The same, and a secret is another than before.
    #[must_use]
    pub fn with_secret(mut self, field: impl Into<String>) -> Self {
        self.changes.push(FieldChange { field: field.into(), secret: true, before: None, after: None });
        self
    }

    /// The same, to undo the entry `number`.
    #[must_use]
    pub fn reverting(mut self, number: Option<u64>) -> Self {
        self.reverts = number;
        self
    }
}

impl Entry {
    /// What the changed fields were before, to be written over what they are now. `None` if a secret was changed: what that was
    /// is not known any more.
    pub fn fields_before(&self) -> Option<Fields> {
        let value_before = |change: &FieldChange| {
            let value = change.before.clone().unwrap_or(Value::Null);
            (!change.secret).then(|| (change.field.clone(), value))
        };
        self.deed.changes.iter().map(value_before).collect()
    }
}

/// The fields that differ. One that is `null` counts as not set.
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

    fn entry(deed: Deed) -> Entry {
        let author = Author { actor: Actor::Operator, source_ip: None, request_id: None };
        Entry { number: 1, at: "2026-11-22T08:30:00Z".parse().unwrap(), author, deed }
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = fields(json!({"url": "https://a.example/", "description": null, "format": "standard"}));
        let after = fields(json!({"url": "https://b.example/", "description": "new", "format": "standard"}));
        let deed = Deed::changed(Resource::ReturnUrl, &before, &after);
        let told = serde_json::to_value(&deed.changes).unwrap();
        assert_eq!(
            told,
            json!([
                {"field": "description", "after": "new"},
                {"field": "url", "before": "https://a.example/", "after": "https://b.example/"},
            ])
        );
    }

    #[test]
    fn a_secret_is_named_and_never_shown() {
        let deed = Deed::changed(Resource::Project, &Fields::new(), &Fields::new()).with_secret("signingSecret");
        assert_eq!(serde_json::to_value(&deed.changes).unwrap(), json!([{"field": "signingSecret", "secret": true}]));
        assert_eq!(entry(deed).fields_before(), None);
    }

    #[test]
    fn what_was_before_takes_away_what_was_not_set() {
        let (before, after) =
            (fields(json!({"name": "Acme"})), fields(json!({"name": "Acne", "logoColor": "#000000"})));
        let undone = entry(Deed::changed(Resource::Project, &before, &after)).fields_before();
        assert_eq!(undone, Some(fields(json!({"name": "Acme", "logoColor": null}))));
    }

    #[test]
    fn an_entry_reads_as_it_was_written() {
        let actor = Actor::ApiKey {
            id: "019ab5e0-0000-7000-8000-000000000001".parse().unwrap(),
            name: Name::try_from("server".to_owned()).unwrap(),
        };
        let author = Author { actor, source_ip: "203.0.113.9".parse().ok(), request_id: Some("r-1".to_owned()) };
        let resource = Resource::Endpoint { id: "019ab5e0-0000-7000-8000-000000000002".parse().unwrap() };
        let deed = Deed::created(resource, &fields(json!({"url": "https://a.example/"})));
        let written = Entry { author, ..entry(deed.reverting(Some(7))) };
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), written);
    }
}
