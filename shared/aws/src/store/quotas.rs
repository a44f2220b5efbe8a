//! Quotas per project, counted where all functions see them.

use super::error::StoreError;
use super::keys;
use super::outcome::{Admission, WriteOutcome};
use super::table::{ABSENT, Table, number};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::reports::confirmation::{ConfirmationLimit, ConfirmationLimits, MAX_CONFIRMATIONS_PER_DAY};
use domain::reports::email_address::AddressHash;
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

    /// Counts a confirmation mail of `project` to a person. Returns the limit that is used up on this UTC day, if there is one. A
    /// rejected mail still counts toward the limits that were checked before. This is harmless, because the reached limit rejects
    /// mails until the day ends.
    pub async fn admit_confirmation(
        &self,
        project: ProjectId,
        person: &AddressHash,
        limits: ConfirmationLimits,
        now: Timestamp,
    ) -> Result<Option<ConfirmationLimit>, StoreError> {
        let (day, until) = (now.day(), now.day().next().start().as_seconds());
        let ConfirmationLimits { per_project, per_deployment } = limits;
        for (limit, (pk, sk), most) in [
            (ConfirmationLimit::Person, keys::person_quota_row(project, day, person), MAX_CONFIRMATIONS_PER_DAY),
            (ConfirmationLimit::Project, keys::project_quota_row(project, day), per_project),
            (ConfirmationLimit::Deployment, keys::deployment_quota_row(day), per_deployment),
        ] {
            if self.admit(&pk, &sk, most, until).await? == Admission::Refused {
                return Ok(Some(limit));
            }
        }
        Ok(None)
    }

    /// Adds one, up to `most`, to a row that is needed until `until` (seconds since 1970). If the response is lost and the
    /// SDK repeats the call, it counts twice, which is harmless.
    async fn admit(&self, pk: &str, sk: &str, most: u32, until: i64) -> Result<Admission, StoreError> {
        if most == 0 {
            return Ok(Admission::Refused);
        }
        let call = self
            .table
            .updating(pk, sk)
            .update_expression("ADD admitted :one SET expiresAt = :until")
            .condition_expression(format!("{ABSENT} OR admitted < :most"))
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
    use domain::reports::email_address::EmailAddress;

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

    /// The number of confirmation mails that are admitted before a limit is used up, and the limit.
    async fn confirmations(
        store: &QuotaStore,
        requests: impl Iterator<Item = (ProjectId, AddressHash)>,
        (per_project, per_deployment): (u32, u32),
        at: Timestamp,
    ) -> (usize, Option<ConfirmationLimit>) {
        let limits = ConfirmationLimits { per_project, per_deployment };
        let mut admitted = 0;
        for (project, person) in requests {
            if let Some(limit) = store.admit_confirmation(project, &person, limits, at).await.unwrap() {
                return (admitted, Some(limit));
            }
            admitted += 1;
        }
        (admitted, None)
    }

    fn person(text: &str) -> AddressHash {
        EmailAddress::try_from(text.to_owned()).unwrap().hashes().person
    }

    #[tokio::test]
    async fn plus_tags_and_case_do_not_raise_the_quota_of_a_person() {
        let (store, [ours, theirs]) = (Database::start().await, projects());
        let tagged = |project| (0..15).map(move |tag| (project, person(&format!("Victim+{tag}@x.example"))));
        let used_up = (MAX_CONFIRMATIONS_PER_DAY as usize, Some(ConfirmationLimit::Person));
        assert_eq!(confirmations(&store.quotas, tagged(ours), (50, 1000), now()).await, used_up);
        assert_eq!(confirmations(&store.quotas, tagged(theirs), (50, 1000), now()).await, used_up);
        let next_day = now().plus(Duration::from_hours(16));
        assert_eq!(confirmations(&store.quotas, tagged(ours), (50, 1000), next_day).await, used_up);
        let eve = [(ours, person("eve@x.example"))].into_iter();
        assert_eq!(confirmations(&store.quotas, eve, (50, 1000), now()).await, (1, None));
    }

    #[tokio::test]
    async fn a_project_and_the_deployment_have_quotas_of_confirmation_mails_per_day() {
        let (store, [ours, theirs]) = (Database::start().await, projects());
        let people = |project| (0..20).map(move |number| (project, person(&format!("{number}@x.example"))));
        let limits = (8, 12);
        let project_used_up = (8, Some(ConfirmationLimit::Project));
        assert_eq!(confirmations(&store.quotas, people(ours), limits, now()).await, project_used_up);
        assert_eq!(
            confirmations(&store.quotas, people(ours), limits, now()).await,
            (0, Some(ConfirmationLimit::Project))
        );
        assert_eq!(
            confirmations(&store.quotas, people(theirs), limits, now()).await,
            (4, Some(ConfirmationLimit::Deployment))
        );
        let next_day = now().plus(Duration::from_hours(16));
        assert_eq!(confirmations(&store.quotas, people(ours), limits, next_day).await, project_used_up);
    }

    #[tokio::test]
    async fn a_limit_of_zero_admits_no_mail() {
        let (store, [ours, _]) = (Database::start().await, projects());
        let eve = || [(ours, person("eve@x.example"))].into_iter();
        assert_eq!(confirmations(&store.quotas, eve(), (0, 9), now()).await, (0, Some(ConfirmationLimit::Project)));
        assert_eq!(confirmations(&store.quotas, eve(), (9, 0), now()).await, (0, Some(ConfirmationLimit::Deployment)));
    }
}
