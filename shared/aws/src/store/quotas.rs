//! Quotas per project, counted where all functions see them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::keys;
use super::outcome::{Admission, WriteOutcome};
use super::table::Table;
use super::table::number;
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::reports::notification_user::{EmailAddress, MAX_CONFIRMATIONS_PER_DAY};
use domain::webhooks::test_send::MAX_TESTS_PER_MINUTE;

/// Counters of what a project or an API key may do in a given time.
#[derive(Debug, Clone)]
pub struct QuotaStore {
    pub(super) table: Table,
}

impl QuotaStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Counts a test send. [`Admission::Refused`] if the project has used up the quota of this minute.
    pub async fn admit_test_send(&self, project: ProjectId, now: Timestamp) -> Result<Admission, StoreError> {
        let minute = now.as_seconds() / 60;
        let (pk, sk) = keys::test_quota_row(project, minute);
        self.admit(&pk, &sk, MAX_TESTS_PER_MINUTE, (minute + 1) * 60).await
    }

    /// Counts a confirmation mail. [`Admission::Refused`] if the project has used up the quota of this address on this UTC
    /// day, across all of its notification users. The row has only a hash of the address and expires with the day.
    pub async fn admit_confirmation(
        &self,
        project: ProjectId,
        address: &EmailAddress,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let address = Sha256::digest(address.as_str().to_lowercase());
        let (pk, sk) = keys::confirmation_quota_row(project, now.day(), BASE64_URL_SAFE_NO_PAD.encode(address));
        self.admit(&pk, &sk, MAX_CONFIRMATIONS_PER_DAY, now.day().next().start().as_seconds()).await
    }

    /// Adds one, up to `most`, to a row that is needed until `until` (seconds since 1970). If the response is lost and the
    /// SDK repeats the call, it counts twice, which is harmless.
    async fn admit(&self, pk: &str, sk: &str, most: u32, until: i64) -> Result<Admission, StoreError> {
        let call = self
            .table
            .updating(pk, sk)
            .update_expression("ADD admitted :one SET expiresAt = :until")
            .condition_expression("attribute_not_exists(pk) OR admitted < :most")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(i64::from(most)))
            .expression_attribute_values(":until", number(until));
        Ok(match self.table.update_if(call).await? {
            WriteOutcome::Applied => Admission::Admitted,
            WriteOutcome::Conflict => Admission::Refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn projects() -> [ProjectId; 2] {
        [(); 2].map(|()| ProjectId::new(now(), &SystemRandom))
    }

    #[tokio::test]
    async fn a_project_has_a_quota_of_tests_per_minute() {
        let (store, [ours, theirs]) = (Database::start().await, projects());
        for _ in 0..MAX_TESTS_PER_MINUTE {
            assert_eq!(store.quotas.admit_test_send(ours, now()).await.unwrap(), Admission::Admitted);
        }
        assert_eq!(store.quotas.admit_test_send(ours, now()).await.unwrap(), Admission::Refused);
        assert_eq!(store.quotas.admit_test_send(theirs, now()).await.unwrap(), Admission::Admitted);
        let next = now().plus(Duration::from_mins(1));
        assert_eq!(store.quotas.admit_test_send(ours, next).await.unwrap(), Admission::Admitted);
    }

    #[tokio::test]
    async fn an_address_has_a_quota_of_confirmation_mails_per_day() {
        let (store, [ours, theirs]) = (Database::start().await, projects());
        let [ada, again, eve] = ["ada@acme.example", "Ada@Acme.example", "eve@acme.example"]
            .map(|text| EmailAddress::try_from(text.to_owned()).unwrap());
        for _ in 0..MAX_CONFIRMATIONS_PER_DAY {
            assert_eq!(store.quotas.admit_confirmation(ours, &ada, now()).await.unwrap(), Admission::Admitted);
        }
        assert_eq!(store.quotas.admit_confirmation(ours, &again, now()).await.unwrap(), Admission::Refused);
        assert_eq!(store.quotas.admit_confirmation(ours, &eve, now()).await.unwrap(), Admission::Admitted);
        assert_eq!(store.quotas.admit_confirmation(theirs, &ada, now()).await.unwrap(), Admission::Admitted);
        let next = now().plus(Duration::from_hours(16));
        assert_eq!(store.quotas.admit_confirmation(ours, &ada, next).await.unwrap(), Admission::Admitted);
    }
}
