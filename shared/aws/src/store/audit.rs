//! The audit log. [`super::Commit`] writes each entry together with its change.

use super::error::StoreError;
use super::keys;
use super::page::{self, ListOf, Page, PageToken};
use super::table::Table;
use super::table::{self, text};
use crate::client::Aws;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::projects::audit::{Actor, Entry, Resource};
use serde::{Deserialize, Serialize};

/// An entry as it is stored.
///
/// Versions before the console cannot read an entry with an actor or a resource that they do not know. For them, the operator
/// stands in place of a console user, and the project in place of console sessions. The true values have attributes of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredEntry {
    #[serde(flatten)]
    entry: Entry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    console_actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    console_resource: Option<Resource>,
}

impl From<Entry> for StoredEntry {
    fn from(mut entry: Entry) -> Self {
        let (mut console_actor, mut console_resource) = (None, None);
        if let Actor::ConsoleUser { .. } = entry.author.actor {
            console_actor = Some(std::mem::replace(&mut entry.author.actor, Actor::Operator));
        }
        if let Resource::ConsoleSession { .. } | Resource::ConsoleSessions = entry.change.resource {
            console_resource = Some(std::mem::replace(&mut entry.change.resource, Resource::Project));
        }
        Self { entry, console_actor, console_resource }
    }
}

impl From<StoredEntry> for Entry {
    fn from(stored: StoredEntry) -> Self {
        let StoredEntry { mut entry, console_actor, console_resource } = stored;
        if let Some(actor) = console_actor {
            entry.author.actor = actor;
        }
        if let Some(resource) = console_resource {
            entry.change.resource = resource;
        }
        entry.without_personal_data()
    }
}

/// The audit logs of projects.
#[derive(Debug, Clone)]
pub struct AuditStore {
    pub(super) table: Table,
}

impl AuditStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns the entries of a project's audit log, newest first: at most `limit`, starting at `after`.
    pub async fn list(
        &self,
        project: ProjectId,
        limit: u16,
        after: Option<&PageToken>,
    ) -> Result<Page<Entry>, StoreError> {
        let query = self.table.beginning_with(&keys::audit(project), keys::AUDIT_PREFIX).scan_index_forward(false);
        let query = query.limit(i32::from(limit));
        let Page { items, next } = page::page::<StoredEntry>(query, ListOf::AuditLog(project), after).await?;
        Ok(Page { items: items.into_iter().map(Entry::from).collect(), next })
    }

    /// Returns one entry.
    pub async fn get(&self, project: ProjectId, number: u64) -> Result<Option<Entry>, StoreError> {
        let entry: Option<StoredEntry> = self.table.get_now(&keys::audit(project), &keys::audit_entry(number)).await?;
        Ok(entry.map(Entry::from))
    }

    /// Removes the personal data that earlier versions stored in the entries of a notification user. Reads the project's whole
    /// audit log, so it is called only when the user is removed.
    pub async fn forget(&self, project: ProjectId, user: NotificationUserId) -> Result<(), StoreError> {
        let partition = keys::audit(project);
        let query = self
            .table
            .beginning_with(&partition, keys::AUDIT_PREFIX)
            .filter_expression("#resource.#id = :user")
            .expression_attribute_names("#resource", "resource")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":user", text(user.to_string()));
        for entry in table::all::<Entry>(query).await? {
            let clean = entry.clone().without_personal_data();
            if clean != entry {
                let changes = serde_dynamo::to_attribute_value(&clean.change.changes).map_err(StoreError::Row)?;
                let remove = if clean.author.source_ip.is_none() { " REMOVE sourceIp" } else { "" };
                let call = self.table.updating(&partition, &keys::audit_entry(entry.number));
                let call = call.update_expression(format!("SET changes = :changes{remove}"));
                let call = call.condition_expression("attribute_exists(pk)");
                self.table.update_if(call.expression_attribute_values(":changes", changes)).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{Database, SETTINGS};
    use crate::store::{Commit, ProjectWrite};
    use domain::foundation::draft::Draft;
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use domain::projects::audit::{Actor, AuditChange, Author, Fields, Resource};
    use domain::projects::project::NewProject;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn an_entry_about_the_console_can_be_read_by_versions_before_the_console() {
        let store = Database::start().await;
        let new: NewProject = Draft::parse(br#"{"name":"Acme"}"#).unwrap().try_into().unwrap();
        let project = new.create(ProjectId::new(now(), &SystemRandom));
        let name = |text: &str| text.to_owned().try_into().unwrap();
        let actor = Actor::ConsoleUser { id: name("u1"), name: name("Ada") };
        let id = "019ab5e0-0000-7000-8000-000000000001".parse().unwrap();
        let mut write = ProjectWrite::Create(project.clone());
        for (actor, resource) in [
            (Actor::Operator, Resource::ConsoleSession { id }),
            (actor.clone(), Resource::ConsoleSessions),
            (actor, Resource::ReturnUrl),
        ] {
            let author = Author { actor, source_ip: None, request_id: None };
            let change = AuditChange::deleted(resource, &Fields::new());
            let entry = Entry { number: write.next_revision(), at: now(), author, change };
            let commit = Commit { project: write, writes: Vec::new(), entry: entry.clone(), nonce: "n".to_owned() };
            store.projects.commit(commit, None).await.unwrap();
            assert_eq!(store.audit.get(project.id, entry.number).await.unwrap(), Some(entry));
            write = ProjectWrite::Keep(store.projects.get_now(project.id).await.unwrap().unwrap());
        }

        // These versions read the attributes that `Entry` has.
        let query = store.audit.table.beginning_with(&keys::audit(project.id), keys::AUDIT_PREFIX);
        let as_before: Vec<Entry> = table::all(query).await.unwrap();
        let known = [Resource::Project, Resource::Project, Resource::ReturnUrl].map(|known| (Actor::Operator, known));
        let read = as_before.into_iter().map(|entry| (entry.author.actor, entry.change.resource));
        assert_eq!(read.collect::<Vec<_>>(), known);
    }

    #[tokio::test]
    async fn entries_of_an_earlier_version_are_shown_without_personal_data_and_lose_it_when_the_user_is_removed() {
        let store = Database::start().await;
        let new: NewProject = Draft::parse(br#"{"name":"Acme"}"#).unwrap().try_into().unwrap();
        let project = new.create(ProjectId::new(now(), &SystemRandom));
        let [ada, eve] = [(); 2].map(|()| NotificationUserId::new(now(), &SystemRandom));
        let mut write = ProjectWrite::Create(project.clone());
        for (id, name) in [(ada, "Ada"), (eve, "Eve")] {
            let fields: Fields = serde_json::from_value(json!({"name": name, "language": "en"})).unwrap();
            let author = Author { actor: Actor::MailLink, source_ip: "203.0.113.9".parse().ok(), request_id: None };
            let change = AuditChange::created(Resource::NotificationUser { id }, &fields);
            let entry = Entry { number: write.next_revision(), at: now(), author, change };
            let commit = Commit { project: write, writes: Vec::new(), entry, nonce: id.to_string() };
            store.projects.commit(commit, None).await.unwrap();
            write = ProjectWrite::Keep(store.projects.get_now(project.id).await.unwrap().unwrap());
        }
        let shown = serde_json::to_string(&store.audit.list(project.id, 10, None).await.unwrap().items).unwrap();
        let single = serde_json::to_string(&store.audit.get(project.id, 1).await.unwrap()).unwrap();
        for json in [shown, single] {
            assert!(
                !json.contains("Ada") && !json.contains("203.0.113.9") && json.contains(r#""after":"en""#),
                "{json}"
            );
        }

        store.audit.forget(project.id, ada).await.unwrap();
        let rows = store.dump(SETTINGS).await;
        assert!(!rows.contains("Ada") && rows.contains("Eve"), "{rows}");
        assert_eq!(rows.matches("203.0.113.9").count(), 1, "{rows}");
    }
}
