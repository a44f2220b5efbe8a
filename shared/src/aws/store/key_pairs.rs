//! The key pairs that sign a project's webhooks, all in one row.

use super::projects::partition;
use super::table::{Row, number};
use super::{Settings, StoreError, Write, Written};
use crate::id::ProjectId;
use crate::key_pair::KeyPairs;

/// Outside of the ranges that are read with the endpoints and with the return URL.
const SORT_KEY: &str = "signing-keys";

impl Write {
    /// Stores key pairs, a project's first or changed ones over those that were read, as their next version.
    pub fn key_pairs(pairs: &KeyPairs, is_first: bool) -> Result<Self, StoreError> {
        if is_first {
            return Ok(Self::put(&row(pairs.clone()))?.where_none_is());
        }
        let mut next = pairs.clone();
        next.version += 1;
        Ok(Self::put(&row(next))?.over_version(pairs.version))
    }

    /// Deletes a project's key pairs.
    pub fn key_pairs_deleted(project: ProjectId) -> Self {
        Self::delete(partition(project), SORT_KEY.to_owned())
    }
}

impl Settings {
    /// A project's key pairs, if it has any, as they are now: a list of public keys that lacks one is kept by receivers.
    pub async fn key_pairs(&self, project: ProjectId) -> Result<Option<KeyPairs>, StoreError> {
        self.table.get_now(&partition(project), SORT_KEY).await
    }

    /// Stores changed key pairs over those that were read, as their next version. [`Written::Before`] if those were
    /// changed meanwhile: nothing happens then.
    pub async fn replace_key_pairs(&self, pairs: &KeyPairs) -> Result<Written, StoreError> {
        let mut next = pairs.clone();
        next.version += 1;
        let call = self.table.putting(&row(next.clone()))?.condition_expression("#version = :seen");
        let call = call.expression_attribute_names("#version", "version");
        match self.table.put_if(call.expression_attribute_values(":seen", number(pairs.version.into()))).await? {
            Written::Now => Ok(Written::Now),
            // A call whose answer was lost is repeated, and then finds itself.
            Written::Before if self.key_pairs(pairs.project_id).await? == Some(next) => Ok(Written::Now),
            Written::Before => Ok(Written::Before),
        }
    }
}

pub(super) fn row(content: KeyPairs) -> Row<KeyPairs> {
    Row { pk: partition(content.project_id), sk: SORT_KEY.to_owned(), content }
}
