//! Changes of a project's settings: all rows of one, its entry in the audit log, and the answer that a repetition will get are
//! written together or not at all.
//!
//! The project's own row counts its changes. Whoever changes something reads that number first, then whatever the decision
//! depends on, and writes on condition that the number is still the same. So no two decisions overlap, and limits such as the
//! number of endpoints hold however many callers come at once.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::projects::{META, partition};
use super::table::{self, Item, ListOf, Row, Transacted, count, number};
use super::{IdempotencyKeeper, Page, PageToken, Settings, StoreError, Written};
use crate::audit::Entry;
use crate::id::ProjectId;
use crate::project::Project;

/// One row of a change.
#[derive(Debug, Clone)]
pub struct Write {
    pk: String,
    sk: String,
    /// What the row becomes; none, if it goes.
    item: Option<Item>,
    condition: Condition,
}

/// What a row has to be for the change to be carried out.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Anything,
    Absent,
    /// The row that was read: its `version`.
    Version(u32),
}

impl Write {
    /// Writes a row over whatever was there.
    pub(super) fn put<T: Serialize>(row: &Row<T>) -> Result<Self, StoreError> {
        let item = serde_dynamo::to_item(row).map_err(StoreError::Row)?;
        Ok(Self { pk: row.pk.clone(), sk: row.sk.clone(), item: Some(item), condition: Condition::Anything })
    }

    /// Takes a row away, if it is there.
    pub(super) fn delete(pk: String, sk: String) -> Self {
        Self { pk, sk, item: None, condition: Condition::Anything }
    }

    /// The same where there is no row yet.
    #[must_use]
    pub(super) fn where_none_is(self) -> Self {
        Self { condition: Condition::Absent, ..self }
    }

    /// The same where the row still has this version.
    #[must_use]
    pub(super) fn over_version(self, version: u32) -> Self {
        Self { condition: Condition::Version(version), ..self }
    }

    fn into_part(self, table: &str) -> TransactWriteItem {
        const ABSENT: &str = "attribute_not_exists(pk)";
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

/// What becomes of the project itself.
#[derive(Debug, Clone)]
pub enum ProjectWrite {
    /// It comes.
    Create(Project),
    /// It stays as it is.
    Keep(Project),
    /// It changes.
    Change {
        /// What it was when the decision was made.
        seen: Project,
        /// What it becomes.
        changed: Project,
    },
    /// It goes.
    Delete(Project),
}

impl ProjectWrite {
    fn project_id(&self) -> ProjectId {
        match self {
            Self::Create(project) | Self::Keep(project) | Self::Delete(project) => project.id,
            Self::Change { seen, .. } => seen.id,
        }
    }

    /// The number that the change will have.
    pub fn next_revision(&self) -> u64 {
        match self {
            Self::Create(_) => 1,
            Self::Keep(seen) | Self::Change { seen, .. } | Self::Delete(seen) => seen.revision + 1,
        }
    }
}

/// A change of a project's settings.
#[derive(Debug, Clone)]
pub struct Commit {
    /// What becomes of the project itself.
    pub project: ProjectWrite,
    /// The other rows.
    pub writes: Vec<Write>,
    /// What the audit log tells of it; its number is the project's next revision.
    pub entry: Entry,
    /// Tells it from every other change: should its own entry be there already, it was carried out.
    pub nonce: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryRow {
    nonce: String,
    #[serde(flatten)]
    entry: Entry,
}

impl Settings {
    /// Carries out a change, and keeps its answer for repetitions of the request if there is a `keeper`. [`Written::Before`] if
    /// other changes came first: nothing happens then, and the decision has to be made anew.
    pub async fn commit(&self, commit: Commit, keeper: Option<IdempotencyKeeper>) -> Result<Written, StoreError> {
        let Commit { project, writes, entry, nonce } = commit;
        let (pk, sk) = (audit_partition(project.project_id()), entry_key(entry.number));
        let row = Row { pk: pk.clone(), sk: sk.clone(), content: EntryRow { nonce: nonce.clone(), entry } };
        let mut parts = vec![self.project_part(project)?, Write::put(&row)?.into_part(self.table.name())];
        parts.extend(writes.into_iter().map(|write| write.into_part(self.table.name())));
        parts.extend(keeper.map(IdempotencyKeeper::into_part));
        if self.table.transact(parts).await? == Transacted::Written {
            return Ok(Written::Now);
        }
        // A call whose answer was lost is repeated, and then finds itself. A secret in it is shown only now.
        let standing: Option<Row<EntryRow>> = self.table.get_now(&pk, &sk).await?;
        let is_own = standing.is_some_and(|row| row.content.nonce == nonce);
        Ok(if is_own { Written::Now } else { Written::Before })
    }

    fn project_part(&self, write: ProjectWrite) -> Result<TransactWriteItem, StoreError> {
        const UNCHANGED: &str = "revision = :seen";
        let (revision, complete) = (write.next_revision(), "table, key and row are set");
        let seen = count(revision.saturating_sub(1));
        let part = TransactWriteItem::builder();
        let put = |project: Project| {
            let item: Item = serde_dynamo::to_item(super::projects::row(&Project { revision, ..project }))?;
            Ok(Put::builder().table_name(self.table.name()).set_item(Some(item)))
        };
        Ok(match write {
            ProjectWrite::Create(project) => {
                let put = put(project).map_err(StoreError::Row)?.condition_expression("attribute_not_exists(pk)");
                part.put(put.build().expect(complete)).build()
            }
            ProjectWrite::Change { changed, .. } => {
                let put = put(changed).map_err(StoreError::Row)?.condition_expression(UNCHANGED);
                part.put(put.expression_attribute_values(":seen", seen).build().expect(complete)).build()
            }
            ProjectWrite::Keep(project) => {
                let update = self.table.updating_with(&partition(project.id), META).condition_expression(UNCHANGED);
                let update =
                    update.update_expression("SET revision = :next").expression_attribute_values(":seen", seen);
                table::change(update.expression_attribute_values(":next", count(revision)))
            }
            ProjectWrite::Delete(project) => {
                let delete = Delete::builder().table_name(self.table.name()).condition_expression(UNCHANGED);
                let delete = delete.key("pk", table::text(partition(project.id))).key("sk", table::text(META));
                part.delete(delete.expression_attribute_values(":seen", seen).build().expect(complete)).build()
            }
        })
    }

    /// The entries of a project's audit log, newest first, at most `limit` from `after` on.
    pub async fn audit(
        &self,
        project: ProjectId,
        limit: u16,
        after: Option<&PageToken>,
    ) -> Result<Page<Entry>, StoreError> {
        let partition = audit_partition(project);
        let query = self.table.beginning_with(&partition, ENTRY).scan_index_forward(false).limit(i32::from(limit));
        table::page(query, ListOf::Partition(&partition), after).await
    }

    /// One entry of a project's audit log.
    pub async fn audit_entry(&self, project: ProjectId, number: u64) -> Result<Option<Entry>, StoreError> {
        self.table.get_now(&audit_partition(project), &entry_key(number)).await
    }
}

const ENTRY: &str = "entry#";

/// Apart from the settings themselves, so that the role of a function that only sends can leave it out.
fn audit_partition(project: ProjectId) -> String {
    format!("audit#{project}")
}

/// As many digits as the largest number has, so that texts sort as numbers do.
fn entry_key(number: u64) -> String {
    format!("{ENTRY}{number:020}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Actor, Author, Deed, Fields, Resource};
    use crate::aws::store::testing::Database;
    use crate::aws::store::{Begun, Request};
    use crate::draft::Draft;
    use crate::project::NewProject;
    use crate::random::SystemRandom;
    use crate::time::Timestamp;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn new_project() -> Project {
        let new: NewProject = Draft::parse(br#"{"name":"Acme"}"#).unwrap().try_into().unwrap();
        new.create(ProjectId::new(now(), &SystemRandom))
    }

    fn commit(project: ProjectWrite, nonce: &str) -> Commit {
        let author = Author { actor: Actor::Operator, source_ip: None, request_id: None };
        let deed = Deed::created(Resource::Project, &Fields::new());
        let entry = Entry { number: project.next_revision(), at: now(), author, deed };
        Commit { project, writes: Vec::new(), entry, nonce: nonce.to_owned() }
    }

    async fn numbers(store: &Database, project: ProjectId) -> Vec<u64> {
        let page = store.settings.audit(project, 100, None).await.unwrap();
        page.items.iter().map(|entry| entry.number).collect()
    }

    #[tokio::test]
    async fn of_two_decisions_on_the_same_settings_one_is_carried_out() {
        let store = Database::start().await;
        let project = new_project();
        let make = |write, nonce| store.settings.commit(commit(write, nonce), None);
        assert_eq!(make(ProjectWrite::Create(project.clone()), "a").await.unwrap(), Written::Now);

        let seen = store.settings.project_now(project.id).await.unwrap().unwrap();
        let changed = Project { name: "Other".to_owned().try_into().unwrap(), ..seen.clone() };
        let change = ProjectWrite::Change { seen: seen.clone(), changed };
        assert_eq!(make(change, "b").await.unwrap(), Written::Now);
        assert_eq!(make(ProjectWrite::Keep(seen.clone()), "c").await.unwrap(), Written::Before);
        assert_eq!(make(ProjectWrite::Delete(seen), "d").await.unwrap(), Written::Before);

        let stored = store.settings.project_now(project.id).await.unwrap().unwrap();
        assert_eq!((stored.name.as_str(), stored.revision), ("Other", 2));
        assert_eq!(numbers(&store, project.id).await, [2, 1]);
    }

    #[tokio::test]
    async fn a_change_whose_answer_was_lost_finds_itself() {
        let store = Database::start().await;
        let project = new_project();
        for _ in 0..2 {
            let create = commit(ProjectWrite::Create(project.clone()), "a");
            assert_eq!(store.settings.commit(create, None).await.unwrap(), Written::Now);
        }
        assert_eq!(numbers(&store, project.id).await, [1]);
    }

    #[tokio::test]
    async fn an_answer_is_kept_with_the_change_and_once() {
        let store = Database::start().await;
        let project = new_project();
        let request = Request::new(None, &"order-7".parse().unwrap(), &["/v1/projects"], b"{}");
        store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap();
        let keeper = || store.activity.keeper(&request, "a", "done".to_owned(), now()).unwrap();

        let create = commit(ProjectWrite::Create(project), "a");
        assert_eq!(store.settings.commit(create, Some(keeper())).await.unwrap(), Written::Now);
        let begun = store.activity.begin_request(&request, "b".to_owned(), now()).await.unwrap();
        assert_eq!(begun, Begun::Answered("done".to_owned()));

        let other = commit(ProjectWrite::Create(new_project()), "b");
        assert_eq!(store.settings.commit(other, Some(keeper())).await.unwrap(), Written::Before);
    }

    #[test]
    fn entries_sort_by_their_number() {
        let mut keys = [entry_key(10), entry_key(9), entry_key(u64::MAX), entry_key(1)];
        keys.sort();
        assert_eq!(keys, [entry_key(1), entry_key(9), entry_key(10), entry_key(u64::MAX)]);
    }
}
