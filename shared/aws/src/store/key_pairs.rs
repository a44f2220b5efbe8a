//! The key pairs that sign a project's webhooks, all in one row.

use super::commit::Write;
use super::endpoints::EndpointStore;
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{Row, number};
use domain::foundation::id::ProjectId;
use domain::webhooks::key_pair::KeyPairs;

/// Outside of the ranges that are read with the endpoints and with the return URL.
impl Write {
    /// Stores key pairs: a project's first, or changed ones as the next version of those that were read.
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
        Self::delete(keys::settings(project), keys::KEY_PAIRS.to_owned())
    }
}

impl EndpointStore {
    /// Returns a project's key pairs (strongly consistent, because receivers cache the list of public keys).
    pub async fn key_pairs(&self, project: ProjectId) -> Result<Option<KeyPairs>, StoreError> {
        self.table.get_now(&keys::settings(project), keys::KEY_PAIRS).await
    }

    /// Stores changed key pairs as the next version of those that were read. [`WriteOutcome::Conflict`] if they were changed
    /// meanwhile.
    pub async fn replace_key_pairs(&self, pairs: &KeyPairs) -> Result<WriteOutcome, StoreError> {
        let mut next = pairs.clone();
        next.version += 1;
        let call = self.table.putting(&row(next.clone()))?.condition_expression("#version = :seen");
        let call = call.expression_attribute_names("#version", "version");
        match self.table.put_if(call.expression_attribute_values(":seen", number(pairs.version.into()))).await? {
            WriteOutcome::Applied => Ok(WriteOutcome::Applied),
            // If the response was lost, the SDK wrote again and met its own row.
            WriteOutcome::Conflict if self.key_pairs(pairs.project_id).await? == Some(next) => {
                Ok(WriteOutcome::Applied)
            }
            WriteOutcome::Conflict => Ok(WriteOutcome::Conflict),
        }
    }
}

pub(super) fn row(content: KeyPairs) -> Row<KeyPairs> {
    Row { pk: keys::settings(content.project_id), sk: keys::KEY_PAIRS.to_owned(), content }
}
