//! The audit log. [`super::Commit`] writes each entry together with its change.

use super::error::StoreError;
use super::keys;
use super::page::{Page, PageToken};
use super::table::Table;
use super::table::{self, ListOf};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
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
        let partition = keys::audit(project);
        let query =
            self.table.beginning_with(&partition, keys::AUDIT_PREFIX).scan_index_forward(false).limit(i32::from(limit));
        table::page(query, ListOf::Partition(&partition), after).await
    }

    /// Returns one entry.
    pub async fn get(&self, project: ProjectId, number: u64) -> Result<Option<Entry>, StoreError> {
        self.table.get_now(&keys::audit(project), &keys::audit_entry(number)).await
    }
}
