//! The suppression list: hashes of addresses that receive no mails.
//!
//! A row contains no address and no notification user, and only an unsubscription names its project. Rows do not expire, because a
//! complaint or unsubscription must last.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::table::{self, Row, Table};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::reports::email_address::{AddressHash, AddressHashes};
use domain::reports::notification_user::NotificationUser;
use domain::reports::suppression::{Listing, Suppression, SuppressionScope};

/// The suppression list of the deployment.
#[derive(Debug, Clone)]
pub struct SuppressionStore {
    table: Table,
}

/// The content of a row: an entry, or the time when the operator lifted the entries.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    suppression: Option<Suppression>,
    #[serde(rename = "liftedAt", skip_serializing_if = "Option::is_none")]
    lifted_at: Option<Timestamp>,
}

impl SuppressionStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Adds the suppression after a mail of `project`. Repeating it replaces the entry.
    pub async fn add(
        &self,
        address: &AddressHashes,
        project: ProjectId,
        suppression: Suppression,
    ) -> Result<(), StoreError> {
        let (pk, sk) = keys::suppression(&SuppressionScope::of(suppression.reason, address, project));
        let content = Content { suppression: Some(suppression), lifted_at: None };
        self.table.put(&Row { pk, sk, content }).await
    }

    /// Adds the address of a stopped user before the user is deleted, because earlier versions stopped users without this list.
    pub async fn keep(&self, user: &NotificationUser, now: Timestamp) -> Result<(), StoreError> {
        let Some(reason) = user.stop_reason() else { return Ok(()) };
        let hashes = user.email.hashes();
        if self.find(&hashes, user.project_id).await? != Listing::default() {
            return Ok(());
        }
        let at = user.suppression.map_or(now, |suppression| suppression.at);
        self.add(&hashes, user.project_id, Suppression { at, reason }).await
    }

    /// Returns what the list says about mails of `project` to an address (strongly consistent).
    pub async fn find(&self, address: &AddressHashes, project: ProjectId) -> Result<Listing, StoreError> {
        let covering: Vec<_> = SuppressionScope::covering(address, project).iter().map(keys::suppression).collect();
        let mut listing = Listing::default();
        for row in self.rows(address).await? {
            let is_covering = covering.iter().any(|(pk, sk)| *pk == row.pk && *sk == row.sk);
            listing.was_lifted |= row.content.lifted_at.is_some();
            listing.suppression = listing.suppression.or(row.content.suppression.filter(|_| is_covering));
        }
        Ok(listing)
    }

    /// Removes the entries that cover mails of `project` to an address, because the person wants these mails. Entries about
    /// other projects stay.
    pub async fn confirm(&self, address: &AddressHashes, project: ProjectId) -> Result<(), StoreError> {
        for (pk, sk) in SuppressionScope::covering(address, project).iter().map(keys::suppression) {
            self.delete(&pk, &sk).await?;
        }
        Ok(())
    }

    /// Removes all entries of an address at the operator's request. Returns their number.
    pub async fn lift(&self, address: &AddressHashes, now: Timestamp) -> Result<usize, StoreError> {
        // Written first, so that a retry after a failure completes the removal.
        for hash in distinct(address) {
            let (pk, sk) = keys::lifted_suppression(hash);
            self.table.put(&Row { pk, sk, content: Content { suppression: None, lifted_at: Some(now) } }).await?;
        }
        let mut rows = self.rows(address).await?;
        rows.retain(|row| row.content.suppression.is_some());
        for row in &rows {
            self.delete(&row.pk, &row.sk).await?;
        }
        Ok(rows.len())
    }

    /// Reads the rows of an address: one query, or two if it has a plus-tag. An address has few rows.
    async fn rows(&self, address: &AddressHashes) -> Result<Vec<Row<Content>>, StoreError> {
        let mut rows = Vec::new();
        for hash in distinct(address) {
            let query =
                self.table.beginning_with(&keys::suppressed(hash), keys::SUPPRESSION_PREFIX).consistent_read(true);
            rows.extend(table::all(query).await?);
        }
        Ok(rows)
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        self.table.deleting(pk, sk).send().await.map_err(table::unavailable)?;
        Ok(())
    }
}

fn distinct(address: &AddressHashes) -> impl Iterator<Item = &AddressHash> {
    let AddressHashes { mailbox, person } = address;
    std::iter::once(mailbox).chain((person != mailbox).then_some(person))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{Database, SETTINGS};
    use domain::foundation::random::SystemRandom;
    use domain::reports::email_address::EmailAddress;
    use domain::reports::suppression::SuppressionReason;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn hashes(text: &str) -> AddressHashes {
        EmailAddress::try_from(text.to_owned()).unwrap().hashes()
    }

    fn suppression(reason: SuppressionReason) -> Suppression {
        Suppression { at: now(), reason }
    }

    struct Scene {
        database: Database,
        ours: ProjectId,
        theirs: ProjectId,
    }

    impl Scene {
        async fn new() -> Self {
            let [ours, theirs] = [(); 2].map(|()| ProjectId::new(now(), &SystemRandom));
            Self { database: Database::start().await, ours, theirs }
        }

        async fn add(&self, address: &str, reason: SuppressionReason) {
            self.database.suppressions.add(&hashes(address), self.ours, suppression(reason)).await.unwrap();
        }

        async fn reason(&self, address: &str, project: ProjectId) -> Option<SuppressionReason> {
            let listing = self.database.suppressions.find(&hashes(address), project).await.unwrap();
            listing.suppression.map(|suppression| suppression.reason)
        }
    }

    #[tokio::test]
    async fn complaints_and_bounces_cover_all_projects_and_unsubscribing_covers_one() {
        let scene = Scene::new().await;
        scene.add("ada+1@acme.example", SuppressionReason::Complained).await;
        scene.add("bob@acme.example", SuppressionReason::Bounced).await;
        scene.add("eve@acme.example", SuppressionReason::Unsubscribed).await;
        for (address, here, elsewhere) in [
            ("Ada+2@acme.example", Some(SuppressionReason::Complained), Some(SuppressionReason::Complained)),
            ("bob+1@acme.example", Some(SuppressionReason::Bounced), Some(SuppressionReason::Bounced)),
            ("eve+1@acme.example", Some(SuppressionReason::Unsubscribed), None),
            ("mia@acme.example", None, None),
        ] {
            let actual = (scene.reason(address, scene.ours).await, scene.reason(address, scene.theirs).await);
            assert_eq!(actual, (here, elsewhere), "{address}");
        }
    }

    #[tokio::test]
    async fn a_bounce_with_a_plus_tag_does_not_stop_the_address_without_it() {
        let scene = Scene::new().await;
        scene.add("ada+typo@acme.example", SuppressionReason::Bounced).await;
        assert_eq!(scene.reason("ada+typo@acme.example", scene.ours).await, Some(SuppressionReason::Bounced));
        assert_eq!(scene.reason("ada@acme.example", scene.ours).await, None);
    }

    #[tokio::test]
    async fn confirming_for_one_project_keeps_the_entry_of_another() {
        let scene = Scene::new().await;
        let ada = "ada@acme.example";
        let store = &scene.database.suppressions;
        scene.add(ada, SuppressionReason::Complained).await;
        scene.add(ada, SuppressionReason::Unsubscribed).await;
        store.add(&hashes(ada), scene.theirs, suppression(SuppressionReason::Unsubscribed)).await.unwrap();
        store.confirm(&hashes(ada), scene.ours).await.unwrap();
        assert_eq!(scene.reason(ada, scene.ours).await, None);
        assert_eq!(scene.reason(ada, scene.theirs).await, Some(SuppressionReason::Unsubscribed));
    }

    #[tokio::test]
    async fn the_operator_lifts_all_entries_and_the_list_remembers_it() {
        let scene = Scene::new().await;
        let (ada, store) = ("ada+1@acme.example", &scene.database.suppressions);
        for reason in SuppressionReason::ALL {
            scene.add(ada, reason).await;
        }
        assert!(!store.find(&hashes(ada), scene.ours).await.unwrap().was_lifted);
        assert_eq!(store.lift(&hashes(ada), now()).await.unwrap(), 3);
        assert_eq!(
            store.find(&hashes(ada), scene.ours).await.unwrap(),
            Listing { suppression: None, was_lifted: true }
        );
        assert_eq!(store.lift(&hashes(ada), now()).await.unwrap(), 0);
        scene.add(ada, SuppressionReason::Complained).await;
        assert_eq!(scene.reason(ada, scene.ours).await, Some(SuppressionReason::Complained));
    }

    #[tokio::test]
    async fn the_list_contains_no_address() {
        let scene = Scene::new().await;
        for reason in SuppressionReason::ALL {
            scene.add("ada@acme.example", reason).await;
        }
        let rows = scene.database.dump(SETTINGS).await;
        assert!(!rows.to_lowercase().contains("ada") && !rows.contains("acme"), "{rows}");
    }
}
