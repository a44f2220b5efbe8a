//! API keys, by their hashes.

use super::commit::Write;
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::Table;
use super::table::{self, Row, text};
use crate::client::Aws;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::time::UtcDay;
use domain::projects::api_key::{KeyHash, KeyRecord, ProjectKey, RevokedKey};
use serde::Serialize;

pub(super) fn row(key: &ProjectKey) -> Row<&ProjectKey> {
    Row { pk: keys::api_keys(key.project_id), sk: keys::api_key(key.id), content: key }
}

/// A revoked key, until the table deletes its row at `expiresAt`, in seconds since the Unix epoch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevokedRow<'a> {
    #[serde(flatten)]
    key: &'a RevokedKey,
    expires_at: i64,
}

impl Write {
    /// Stores an API key, replacing its row.
    pub fn api_key(key: &ProjectKey) -> Result<Self, StoreError> {
        Self::put(&row(key))
    }

    /// Revokes an API key: deletes its row, and remembers its hash for as long as [`RevokedKey::forgotten_at`] says.
    pub fn api_key_revoked(key: &RevokedKey) -> Result<[Self; 2], StoreError> {
        let row = Row {
            pk: keys::api_keys(key.project_id),
            sk: keys::revoked_api_key(key.id),
            content: RevokedRow { key, expires_at: key.forgotten_at().as_seconds() },
        };
        Ok([Self::api_key_deleted(key.project_id, key.id), Self::put(&row)?])
    }

    /// Deletes an API key and forgets it. It is refused from then on.
    pub fn api_key_deleted(project: ProjectId, id: ApiKeyId) -> Self {
        Self::delete(keys::api_keys(project), keys::api_key(id))
    }
}

/// The API keys of projects.
#[derive(Debug, Clone)]
pub struct ApiKeyStore {
    pub(super) table: Table,
}

impl ApiKeyStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns the key with this hash, or what is kept of it after its revocation. The index lags: a new or revoked key shows after
    /// about a second. If two keys with this hash were imported at the same time, the older one is returned.
    pub async fn by_hash(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("key-hash")
            .key_condition_expression("keyHash = :hash")
            .expression_attribute_values(":hash", text(hash.to_string()));
        let records: Vec<KeyRecord> = table::all(query).await?;
        // Right after a revocation, the index may still have the key beside what is kept of it.
        Ok(records.into_iter().min_by_key(|record| (record.id(), matches!(record, KeyRecord::Key(_)))))
    }

    /// Returns an API key of a project (strongly consistent).
    pub async fn get(&self, project: ProjectId, id: ApiKeyId) -> Result<Option<ProjectKey>, StoreError> {
        self.table.get_now(&keys::api_keys(project), &keys::api_key(id)).await
    }

    /// Returns all API keys of a project, oldest first (strongly consistent).
    pub async fn list(&self, project: ProjectId) -> Result<Vec<ProjectKey>, StoreError> {
        table::all(self.table.beginning_with(&keys::api_keys(project), keys::API_KEY_PREFIX).consistent_read(true))
            .await
    }

    /// Stores the day on which a key was last used, unless the key was revoked meanwhile.
    pub async fn note_use(&self, key: &ProjectKey, day: UtcDay) -> Result<WriteOutcome, StoreError> {
        let call = self
            .table
            .updating(&keys::api_keys(key.project_id), &keys::api_key(key.id))
            .update_expression("SET lastUsedOn = :day")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":day", text(day.to_string()));
        self.table.update_if(call).await
    }
}
