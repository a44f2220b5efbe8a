//! The audit log. [`super::Commit`] writes each entry together with its change.

use super::error::StoreError;
use super::keys;
use super::page::{self, ListOf, Page, PageToken};
use super::table::Table;
use super::table::{self, text};
use crate::client::Aws;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::projects::audit::Entry;

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
        let Page { items, next } = page::page::<Entry>(query, ListOf::AuditLog(project), after).await?;
        Ok(Page { items: items.into_iter().map(Entry::without_personal_data).collect(), next })
    }

    /// Returns one entry.
    pub async fn get(&self, project: ProjectId, number: u64) -> Result<Option<Entry>, StoreError> {
        let entry: Option<Entry> = self.table.get_now(&keys::audit(project), &keys::audit_entry(number)).await?;
        Ok(entry.map(Entry::without_personal_data))
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
