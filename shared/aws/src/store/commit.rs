//! Changes to a project's settings. All rows of a change, its audit entry and the stored response for repetitions are written
//! in one transaction.
//!
//! The project's row has a revision. A change reads the revision first, then everything the decision depends on, and writes
//! on condition that the revision is unchanged. So no two decisions overlap, and limits such as the number of endpoints hold
//! under concurrent calls.
//!
//! Each written row also stores the number of the audit entry as `changedIn`. The row's `ETag` depends on it.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::audit::StoredEntry;
use super::error::StoreError;
use super::idempotency::IdempotencyKeeper;
use super::keys;
use super::outcome::WriteOutcome;
use super::projects::ProjectStore;
use super::table::{self, ABSENT, Item, Row, count, number};
use super::transaction::{Transacted, change};
use domain::foundation::id::ProjectId;
use domain::projects::audit::Entry;
use domain::projects::project::Project;

/// Maximum number of other rows in a change. A transaction of DynamoDB has at most 100 parts; three are the project, the audit entry
/// and the stored response.
pub const MAX_WRITES: usize = 97;

/// One row of a change.
#[derive(Debug, Clone)]
pub struct Write {
    pk: String,
    sk: String,
    /// The new row; `None` deletes it.
    item: Option<Item>,
    condition: Condition,
}

/// The state that a row must have.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Anything,
    Absent,
    /// The row has the `version` that was read.
    Version(u32),
}

impl Write {
    /// Writes a row unconditionally.
    pub(super) fn put<T: Serialize>(row: &Row<T>) -> Result<Self, StoreError> {
        let item = serde_dynamo::to_item(row).map_err(StoreError::Row)?;
        Ok(Self { pk: row.pk.clone(), sk: row.sk.clone(), item: Some(item), condition: Condition::Anything })
    }

    /// Deletes a row, if there is one.
    pub(super) fn delete(pk: String, sk: String) -> Self {
        Self { pk, sk, item: None, condition: Condition::Anything }
    }

    /// Requires that there is no row yet.
    #[must_use]
    pub(super) fn where_none_is(self) -> Self {
        Self { condition: Condition::Absent, ..self }
    }

    /// Requires that the row still has this version.
    #[must_use]
    pub(super) fn over_version(self, version: u32) -> Self {
        Self { condition: Condition::Version(version), ..self }
    }

    /// Stores the number of the audit log entry in the row. Every change of a row therefore changes its `ETag`, even if all fields
    /// in the API stay the same. A row that is deleted and created again never gets an old `ETag`.
    fn changed_in(mut self, entry: u64) -> Self {
        if let Some(item) = &mut self.item {
            item.insert("changedIn".to_owned(), count(entry));
        }
        self
    }

    fn into_part(self, table: &str) -> TransactWriteItem {
        const SAME_VERSION: &str = "#version = :version";
        let part = TransactWriteItem::builder();
        let complete = "table, key and row are set";
        match (self.item, self.condition) {
            (Some(item), condition) => {
                let put = Put::builder().table_name(table).set_item(Some(item));
                let put = match condition {
                    Condition::Anything => put,
                    Condition::Absent => put.condition_expression(ABSENT),
                    Condition::Version(version) => put
                        .condition_expression(SAME_VERSION)
                        .expression_attribute_names("#version", "version")
                        .expression_attribute_values(":version", number(version.into())),
                };
                part.put(put.build().expect(complete)).build()
            }
            (None, _) => {
                let delete = Delete::builder().table_name(table);
                let delete = delete.key("pk", table::text(self.pk)).key("sk", table::text(self.sk));
                part.delete(delete.build().expect(complete)).build()
            }
        }
    }
}

/// What happens to the project's own row.
#[derive(Debug, Clone)]
pub enum ProjectWrite {
    /// The project is created.
    Create(Project),
    /// Only the revision changes.
    Keep(Project),
    /// The project changes.
    Change {
        /// The project that the decision was based on.
        seen: Project,
        /// The changed project.
        changed: Project,
    },
    /// The project is deleted.
    Delete(Project),
}

impl ProjectWrite {
    fn project_id(&self) -> ProjectId {
        match self {
            Self::Create(project) | Self::Keep(project) | Self::Delete(project) => project.id,
            Self::Change { seen, .. } => seen.id,
        }
    }

    /// Returns the revision after the change.
    pub fn next_revision(&self) -> u64 {
        match self {
            Self::Create(_) => 1,
            Self::Keep(seen) | Self::Change { seen, .. } | Self::Delete(seen) => seen.revision + 1,
        }
    }
}

/// A change to a project's settings.
#[derive(Debug, Clone)]
pub struct Commit {
    /// What happens to the project's own row.
    pub project: ProjectWrite,
    /// The other rows.
    pub writes: Vec<Write>,
    /// The audit entry. Its number is the project's next revision.
    pub entry: Entry,
    /// Distinguishes this change from all others. If the stored entry has the same nonce, this change was written.
    pub nonce: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryRow {
    nonce: String,
    #[serde(flatten)]
    entry: StoredEntry,
}

impl ProjectStore {
    /// Writes a change, and with it the response for repetitions if there is a `keeper`. [`WriteOutcome::Conflict`] if
    /// another change came first: nothing is written, and the caller must decide again.
    pub async fn commit(&self, commit: Commit, keeper: Option<IdempotencyKeeper>) -> Result<WriteOutcome, StoreError> {
        let Commit { project, writes, entry, nonce } = commit;
        let number = entry.number;
        let (pk, sk) = (keys::audit(project.project_id()), keys::audit_entry(number));
        let row =
            Row { pk: pk.clone(), sk: sk.clone(), content: EntryRow { nonce: nonce.clone(), entry: entry.into() } };
        let mut parts = vec![self.project_part(project)?, Write::put(&row)?.into_part(self.table.name())];
        parts.extend(writes.into_iter().map(|write| write.changed_in(number).into_part(self.table.name())));
        parts.extend(keeper.map(IdempotencyKeeper::into_part));
        if self.table.transact(parts).await? == Transacted::Written {
            return Ok(WriteOutcome::Applied);
        }
        // If the response was lost, the SDK repeated the transaction and met its own entry. A secret in the change is shown
        // only now.
        let standing: Option<Row<EntryRow>> = self.table.get_now(&pk, &sk).await?;
        let is_own = standing.is_some_and(|row| row.content.nonce == nonce);
        Ok(if is_own { WriteOutcome::Applied } else { WriteOutcome::Conflict })
    }

    /// Writes rows outside of a change, in any number of transactions. Used for rows that are optional and too many for one change.
    pub async fn write_before(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        for part in writes.chunks(MAX_WRITES) {
            let parts = part.iter().cloned().map(|write| write.into_part(self.table.name())).collect();
            self.table.transact(parts).await?;
        }
        Ok(())
    }

    fn project_part(&self, write: ProjectWrite) -> Result<TransactWriteItem, StoreError> {
        const UNCHANGED: &str = "revision = :seen";
        let (revision, complete) = (write.next_revision(), "table, key and row are set");
        let seen = count(revision.saturating_sub(1));
        let part = TransactWriteItem::builder();
        let put = |project: Project| {
            let changed = Project { revision, changed_in: revision, ..project };
            let item: Item = serde_dynamo::to_item(super::projects::row(&changed))?;
            Ok(Put::builder().table_name(self.table.name()).set_item(Some(item)))
        };
        Ok(match write {
            ProjectWrite::Create(project) => {
                let put = put(project).map_err(StoreError::Row)?.condition_expression(ABSENT);
                part.put(put.build().expect(complete)).build()
            }
            ProjectWrite::Change { changed, .. } => {
                let put = put(changed).map_err(StoreError::Row)?.condition_expression(UNCHANGED);
                part.put(put.expression_attribute_values(":seen", seen).build().expect(complete)).build()
            }
            ProjectWrite::Keep(project) => {
                let update = self
                    .table
                    .updating_with(&keys::settings(project.id), keys::PROJECT)
                    .condition_expression(UNCHANGED);
                let update =
                    update.update_expression("SET revision = :next").expression_attribute_values(":seen", seen);
                change(update.expression_attribute_values(":next", count(revision)))
            }
            ProjectWrite::Delete(project) => {
                let delete = Delete::builder().table_name(self.table.name()).condition_expression(UNCHANGED);
                let delete =
                    delete.key("pk", table::text(keys::settings(project.id))).key("sk", table::text(keys::PROJECT));
                part.delete(delete.expression_attribute_values(":seen", seen).build().expect(complete)).build()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Database;
    use crate::store::{IdempotencyStart, Request};
    use domain::foundation::draft::Draft;
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use domain::projects::audit::{Actor, AuditChange, Author, Fields, Resource};
    use domain::projects::project::NewProject;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn new_project() -> Project {
        let new: NewProject = Draft::parse(br#"{"name":"Acme"}"#).unwrap().try_into().unwrap();
        new.create(ProjectId::new(now(), &SystemRandom))
    }

    fn commit(project: ProjectWrite, nonce: &str) -> Commit {
        let author = Author { actor: Actor::Operator, source_ip: None, request_id: None };
        let change = AuditChange::created(Resource::Project, &Fields::new());
        let entry = Entry { number: project.next_revision(), at: now(), author, change };
        Commit { project, writes: Vec::new(), entry, nonce: nonce.to_owned() }
    }

    async fn numbers(store: &Database, project: ProjectId) -> Vec<u64> {
        let page = store.audit.list(project, 100, None).await.unwrap();
        page.items.iter().map(|entry| entry.number).collect()
    }

    #[tokio::test]
    async fn of_two_concurrent_changes_one_is_written() {
        let store = Database::start().await;
        let project = new_project();
        let make = |write, nonce| store.projects.commit(commit(write, nonce), None);
        assert_eq!(make(ProjectWrite::Create(project.clone()), "a").await.unwrap(), WriteOutcome::Applied);

        let seen = store.projects.get_now(project.id).await.unwrap().unwrap();
        let changed = Project { name: "Other".to_owned().try_into().unwrap(), ..seen.clone() };
        let change = ProjectWrite::Change { seen: seen.clone(), changed };
        assert_eq!(make(change, "b").await.unwrap(), WriteOutcome::Applied);
        assert_eq!(make(ProjectWrite::Keep(seen.clone()), "c").await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(make(ProjectWrite::Delete(seen), "d").await.unwrap(), WriteOutcome::Conflict);

        let stored = store.projects.get_now(project.id).await.unwrap().unwrap();
        assert_eq!((stored.name.as_str(), stored.revision), ("Other", 2));
        assert_eq!(numbers(&store, project.id).await, [2, 1]);
    }

    #[tokio::test]
    async fn a_repeated_change_whose_response_was_lost_is_applied_once() {
        let store = Database::start().await;
        let project = new_project();
        for _ in 0..2 {
            let create = commit(ProjectWrite::Create(project.clone()), "a");
            assert_eq!(store.projects.commit(create, None).await.unwrap(), WriteOutcome::Applied);
        }
        assert_eq!(numbers(&store, project.id).await, [1]);
    }

    #[tokio::test]
    async fn a_response_is_stored_with_its_change_and_only_once() {
        let store = Database::start().await;
        let project = new_project();
        let request = Request::new(None, &"order-7".parse().unwrap(), &["/v1/projects"], b"{}");
        store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap();
        let keeper = || store.idempotency.keeper(&request, "a", "done".to_owned(), None, now()).unwrap();

        let create = commit(ProjectWrite::Create(project), "a");
        assert_eq!(store.projects.commit(create, Some(keeper())).await.unwrap(), WriteOutcome::Applied);
        let begun = store.idempotency.begin(&request, "b".to_owned(), now()).await.unwrap();
        assert_eq!(begun, IdempotencyStart::Answered("done".to_owned()));

        let other = commit(ProjectWrite::Create(new_project()), "b");
        assert_eq!(store.projects.commit(other, Some(keeper())).await.unwrap(), WriteOutcome::Conflict);
    }

    #[test]
    fn audit_entries_sort_by_number() {
        let mut keys = [keys::audit_entry(10), keys::audit_entry(9), keys::audit_entry(u64::MAX), keys::audit_entry(1)];
        keys.sort();
        assert_eq!(
            keys,
            [keys::audit_entry(1), keys::audit_entry(9), keys::audit_entry(10), keys::audit_entry(u64::MAX)]
        );
    }
}
