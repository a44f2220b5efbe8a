//! The keys of projects' links in mails, sealed under the key ring.
//!
//! They have a partition of their own, so that only the functions that send mails and serve links can read them.

use super::commit::Write;
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{Row, Table, text};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::foundation::key_ring::Sealed;
use domain::reports::mail_link::StoredLinkKey;

/// The keys of links in mails.
#[derive(Debug, Clone)]
pub struct LinkKeyStore {
    table: Table,
}

impl Write {
    /// Deletes the key of a project's links. They do not work from then on.
    pub fn link_key_deleted(project: ProjectId) -> Self {
        let (pk, sk) = keys::link_key(project);
        Self::delete(pk, sk)
    }
}

impl LinkKeyStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns the key of a project's links (strongly consistent); `None` before the first mail.
    pub async fn get(&self, project: ProjectId) -> Result<Option<StoredLinkKey>, StoreError> {
        let (pk, sk) = keys::link_key(project);
        self.table.get_now(&pk, &sk).await
    }

    /// Stores a project's first key. If another function stored one first, returns that one.
    pub async fn create(&self, key: StoredLinkKey) -> Result<StoredLinkKey, StoreError> {
        let (pk, sk) = keys::link_key(key.project_id);
        Ok(self.table.put_new(&Row { pk, sk, content: key.clone() }).await?.unwrap_or(key))
    }

    /// Stores a resealed key in place of the one with the sealed value `seen`.
    pub async fn replace(&self, key: &StoredLinkKey, seen: &Sealed) -> Result<WriteOutcome, StoreError> {
        let (pk, sk) = keys::link_key(key.project_id);
        let call = self.table.putting(&Row { pk, sk, content: key })?.condition_expression("sealed = :seen");
        self.table.put_if(call.expression_attribute_values(":seen", text(seen.as_str()))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::key_ring::KeyRing;
    use domain::foundation::random::SystemRandom;

    fn key(project: ProjectId) -> StoredLinkKey {
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        StoredLinkKey::generate(project, &ring, &SystemRandom)
    }

    #[tokio::test]
    async fn the_first_key_of_a_project_stays_until_it_is_resealed() {
        let store = Database::start().await;
        let project = ProjectId::new("2026-11-22T08:30:00Z".parse().unwrap(), &SystemRandom);
        let [first, second, third] = [(); 3].map(|()| key(project));
        assert_eq!(store.link_keys.get(project).await.unwrap(), None);
        assert_eq!(store.link_keys.create(first.clone()).await.unwrap(), first);
        assert_eq!(store.link_keys.create(second.clone()).await.unwrap(), first);
        assert_eq!(store.link_keys.replace(&third, &second.sealed).await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(store.link_keys.replace(&third, &first.sealed).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(store.link_keys.get(project).await.unwrap(), Some(third));
    }
}
