//! API keys: only their hashes are here.

use super::table::{self, Row, text};
use super::{Settings, StoreError, Write, Written};
use crate::api_key::{KeyHash, ProjectKey};
use crate::id::{ApiKeyId, ProjectId};
use crate::time::UtcDay;

const PREFIX: &str = "key#";

fn partition(project: ProjectId) -> String {
    format!("api-keys#{project}")
}

fn sort_key(id: ApiKeyId) -> String {
    format!("{PREFIX}{id}")
}

pub(super) fn row(key: &ProjectKey) -> Row<&ProjectKey> {
    Row { pk: partition(key.project_id), sk: sort_key(key.id), content: key }
}

impl Write {
    /// Stores an API key over what was stored of it.
    pub fn api_key(key: &ProjectKey) -> Result<Self, StoreError> {
        Self::put(&row(key))
    }

    /// Deletes an API key, so that it is refused from then on.
    pub fn api_key_deleted(project: ProjectId, id: ApiKeyId) -> Self {
        Self::delete(partition(project), sort_key(id))
    }
}

impl Settings {
    /// The key with this hash, if any. A key that was just created or deleted is seen so within about a second.
    pub async fn api_key_by_hash(&self, hash: &KeyHash) -> Result<Option<ProjectKey>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("key-hash")
            .key_condition_expression("keyHash = :hash")
            .expression_attribute_values(":hash", text(hash.to_string()));
        Ok(table::all(query).await?.pop())
    }

    /// One API key of a project, as it is now.
    pub async fn api_key(&self, project: ProjectId, id: ApiKeyId) -> Result<Option<ProjectKey>, StoreError> {
        self.table.get_now(&partition(project), &sort_key(id)).await
    }

    /// All API keys of a project as they are now, oldest first.
    pub async fn api_keys(&self, project: ProjectId) -> Result<Vec<ProjectKey>, StoreError> {
        table::all(self.table.beginning_with(&partition(project), PREFIX).consistent_read(true)).await
    }

    /// Notes that an API key was used on `day`, unless it was revoked meanwhile.
    pub async fn note_api_key_use(&self, key: &ProjectKey, day: UtcDay) -> Result<Written, StoreError> {
        let call = self
            .table
            .updating(&partition(key.project_id), &sort_key(key.id))
            .update_expression("SET lastUsedOn = :day")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":day", text(day.to_string()));
        self.table.update_if(call).await
    }
}
