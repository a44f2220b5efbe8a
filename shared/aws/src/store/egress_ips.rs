//! The published list of the addresses that webhooks come from.

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{ABSENT, Row, Table, text};
use crate::client::Aws;
use domain::webhooks::egress::EgressIps;

/// The list that was published last.
#[derive(Debug, Clone)]
pub struct EgressIpsStore {
    table: Table,
}

impl EgressIpsStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns the published list (strongly consistent); `None` if there was none yet.
    pub async fn published(&self) -> Result<Option<EgressIps>, StoreError> {
        self.table.get_now(keys::EGRESS_IPS.0, keys::EGRESS_IPS.1).await
    }

    /// Stores the list in place of `published`. [`WriteOutcome::Conflict`] if another one was published meanwhile.
    pub async fn publish(&self, list: &EgressIps, published: Option<&EgressIps>) -> Result<WriteOutcome, StoreError> {
        let row = Row { pk: keys::EGRESS_IPS.0.to_owned(), sk: keys::EGRESS_IPS.1.to_owned(), content: list };
        let call = self.table.putting(&row)?;
        let call = match published {
            None => call.condition_expression(ABSENT),
            Some(published) => call
                .condition_expression("updatedAt = :seen")
                .expression_attribute_values(":seen", text(published.updated_at.to_string())),
        };
        self.table.put_if(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;
    use domain::foundation::time::Timestamp;
    use domain::webhooks::egress::DeployedIps;

    #[tokio::test]
    async fn a_list_replaces_only_the_one_that_was_seen() {
        let database = Database::start().await;
        let store = &database.store.egress_ips;
        assert_eq!(store.published().await.unwrap(), None);
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let one = EgressIps::at(now, &DeployedIps::default(), None);
        let two = EgressIps { updated_at: now.plus(std::time::Duration::from_secs(1)), ..one.clone() };
        assert_eq!(store.publish(&one, None).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(store.publish(&two, None).await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(store.publish(&two, Some(&one)).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(store.publish(&one, Some(&one)).await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(store.published().await.unwrap(), Some(two));
    }
}
