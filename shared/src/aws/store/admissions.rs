//! What a project may do only so often, counted where all functions see it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::table::number;
use super::{Activity, StoreError, Written};
use crate::id::ProjectId;
use crate::notification_user::{EmailAddress, MOST_CONFIRMATIONS_A_DAY};
use crate::test_send::MOST_A_MINUTE;
use crate::time::Timestamp;

impl Activity {
    /// Counts a test that a project is about to make. [`Written::Before`] if it has made as many as it may in this minute.
    pub async fn admit_test_send(&self, project: ProjectId, now: Timestamp) -> Result<Written, StoreError> {
        let minute = now.as_seconds() / 60;
        self.admit(&format!("{project}#tests"), &format!("minute#{minute}"), MOST_A_MINUTE, (minute + 1) * 60).await
    }

    /// Counts a mail that asks an address for its confirmation. [`Written::Before`] if the project has asked it as often as it may on
    /// this UTC day, whichever notification users it was for. Of the address only a hash is kept, until the day is over.
    pub async fn admit_confirmation(
        &self,
        project: ProjectId,
        address: &EmailAddress,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let address = Sha256::digest(address.as_str().to_lowercase());
        let (pk, sk) = (format!("{project}#confirmations#{}", now.day()), BASE64_URL_SAFE_NO_PAD.encode(address));
        self.admit(&pk, &sk, MOST_CONFIRMATIONS_A_DAY, now.day().next().start().as_seconds()).await
    }

    /// Counts one more, up to `most`, in a row that is needed until `until` (seconds since 1970). A call that is made twice, because
    /// its answer was lost, counts twice; nobody is harmed by that.
    async fn admit(&self, pk: &str, sk: &str, most: u32, until: i64) -> Result<Written, StoreError> {
        let call = self
            .table
            .updating(pk, sk)
            .update_expression("ADD admitted :one SET expiresAt = :until")
            .condition_expression("attribute_not_exists(pk) OR admitted < :most")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(i64::from(most)))
            .expression_attribute_values(":until", number(until));
        self.table.update_if(call).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aws::store::testing::Database;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn projects() -> [ProjectId; 2] {
        [(); 2].map(|()| ProjectId::new(now(), &SystemRandom))
    }

    #[tokio::test]
    async fn a_project_makes_so_many_tests_a_minute_and_then_again() {
        let (store, [ours, theirs]) = (Database::start().await, projects());
        for _ in 0..MOST_A_MINUTE {
            assert_eq!(store.activity.admit_test_send(ours, now()).await.unwrap(), Written::Now);
        }
        assert_eq!(store.activity.admit_test_send(ours, now()).await.unwrap(), Written::Before);
        assert_eq!(store.activity.admit_test_send(theirs, now()).await.unwrap(), Written::Now);
        let next = now().plus(Duration::from_mins(1));
        assert_eq!(store.activity.admit_test_send(ours, next).await.unwrap(), Written::Now);
    }

    #[tokio::test]
    async fn a_project_asks_an_address_so_often_a_day_and_then_again() {
        let (store, [ours, theirs]) = (Database::start().await, projects());
        let [ada, again, eve] = ["ada@acme.example", "Ada@Acme.example", "eve@acme.example"]
            .map(|text| EmailAddress::try_from(text.to_owned()).unwrap());
        for _ in 0..MOST_CONFIRMATIONS_A_DAY {
            assert_eq!(store.activity.admit_confirmation(ours, &ada, now()).await.unwrap(), Written::Now);
        }
        assert_eq!(store.activity.admit_confirmation(ours, &again, now()).await.unwrap(), Written::Before);
        assert_eq!(store.activity.admit_confirmation(ours, &eve, now()).await.unwrap(), Written::Now);
        assert_eq!(store.activity.admit_confirmation(theirs, &ada, now()).await.unwrap(), Written::Now);
        let next = now().plus(Duration::from_hours(16));
        assert_eq!(store.activity.admit_confirmation(ours, &ada, next).await.unwrap(), Written::Now);
    }
}
