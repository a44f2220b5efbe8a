//! One row per mail and notification user, so that each mail is sent once.
//!
//! A mail is claimed by a conditional write before it is sent, and marked after SES has accepted it. A claim without a mark
//! is taken over after [`MAIL_LEASE`], because its holder died. One gap remains: if the holder dies or SES's response is lost
//! between acceptance and mark, the mail is sent twice. SES has no idempotency key to close the gap.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::retention::Retention;
use super::table::{self, ABSENT, Row, Table, number};
use crate::client::Aws;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::reports::digest::NoticeJob;
use domain::reports::report::{MAIL_LEASE, ReportJob};

/// One mail to one user.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailRow {
    user_id: NotificationUserId,
    /// Milliseconds since 1970; zero after the claim was released.
    claimed_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    expires_at: i64,
}

/// A set of mails about one subject: one mail for each user of a project. Their rows are adjacent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailing {
    project_id: ProjectId,
    day: UtcDay,
    prefix: String,
}

impl From<&ReportJob> for Mailing {
    /// A preview has its own prefix, so that it blocks neither the mail of the day nor another preview.
    fn from(job: &ReportJob) -> Self {
        let prefix = match job.preview_asked_at {
            None => "report#".to_owned(),
            Some(asked_at) => format!("preview#{asked_at}#"),
        };
        Self { project_id: job.project_id, day: job.day, prefix }
    }
}

impl From<&NoticeJob> for Mailing {
    fn from(job: &NoticeJob) -> Self {
        let NoticeJob { project_id, endpoint_id, notice } = job;
        let prefix = format!("notice#{endpoint_id}#{}#{}#", notice.kind.as_str(), notice.at);
        Self { project_id: *project_id, day: notice.at.day(), prefix }
    }
}

/// Which mails were claimed and which were sent.
#[derive(Debug, Clone)]
pub struct MailStore {
    pub(super) table: Table,
    pub(super) retention: Retention,
}

impl MailStore {
    /// Opens the store in the table `activity` with this name. Rows expire after `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        Self { table: Table::new(aws, table.into()), retention }
    }

    /// Returns the users whose mail was sent.
    pub async fn readers(&self, mailing: &Mailing) -> Result<BTreeSet<NotificationUserId>, StoreError> {
        let query = self.table.beginning_with(&keys::day(mailing.project_id, mailing.day), &mailing.prefix);
        let rows: Vec<MailRow> = table::all(query).await?;
        Ok(rows.into_iter().filter(|row| row.sent_at.is_some()).map(|row| row.user_id).collect())
    }

    /// Claims a mail, unless it was sent, or another run claimed it less than [`MAIL_LEASE`] ago.
    pub async fn claim(
        &self,
        mailing: &Mailing,
        user: NotificationUserId,
        now: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        let row = self.mail_row(mailing, user, now.as_millis(), None);
        let call = self.table.putting(&row)?;
        let call = call
            .condition_expression(format!("{ABSENT} OR (attribute_not_exists(sentAt) AND claimedAt <= :stale)"))
            .expression_attribute_values(":stale", number(now.minus(MAIL_LEASE).as_millis()));
        self.table.put_if(call).await
    }

    /// Releases the claim made at `claimed_at`, because the mail was certainly not sent. The next try need not wait.
    pub async fn release(
        &self,
        mailing: &Mailing,
        user: NotificationUserId,
        claimed_at: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        let row = self.mail_row(mailing, user, 0, None);
        let call = self.table.putting(&row)?;
        let call = call
            .condition_expression("attribute_not_exists(sentAt) AND claimedAt = :mine")
            .expression_attribute_values(":mine", number(claimed_at.as_millis()));
        self.table.put_if(call).await
    }

    /// Marks a mail as sent, so that it is never claimed again.
    pub async fn mark_sent(
        &self,
        mailing: &Mailing,
        user: NotificationUserId,
        sent_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.table.put(&self.mail_row(mailing, user, sent_at.as_millis(), Some(sent_at))).await
    }

    fn mail_row(
        &self,
        mailing: &Mailing,
        user_id: NotificationUserId,
        claimed_at: i64,
        sent_at: Option<Timestamp>,
    ) -> Row<MailRow> {
        // The row outlives the last event of its day, so that the report of a stored day is never mailed twice.
        let expires_at = self.retention.expiry_of(mailing.day.next().start());
        let content = MailRow { user_id, claimed_at, sent_at, expires_at };
        Row { pk: keys::day(mailing.project_id, mailing.day), sk: format!("{}{user_id}", mailing.prefix), content }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Database;
    use super::*;
    use domain::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T00:10:00Z".parse().unwrap()
    }

    fn job() -> ReportJob {
        let project_id = ProjectId::new(now(), &SystemRandom);
        ReportJob::new(project_id, now().day().previous(), None)
    }

    fn user() -> NotificationUserId {
        NotificationUserId::new(now(), &SystemRandom)
    }

    #[tokio::test]
    async fn a_mail_is_claimed_once_until_its_lease_ends() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        let claim = |at| database.store.mails.claim(&mailing, user, at);
        assert_eq!(claim(now()).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(
            claim(now().plus(MAIL_LEASE).minus(Duration::from_millis(1))).await.unwrap(),
            WriteOutcome::Conflict
        );
        assert_eq!(claim(now().plus(MAIL_LEASE)).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(claim(now().plus(MAIL_LEASE)).await.unwrap(), WriteOutcome::Conflict);
    }

    #[tokio::test]
    async fn a_sent_mail_is_never_claimed_again() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        database.store.mails.claim(&mailing, user, now()).await.unwrap();
        assert_eq!(database.store.mails.readers(&mailing).await.unwrap(), BTreeSet::new());
        database.store.mails.mark_sent(&mailing, user, now()).await.unwrap();
        let much_later = now().plus(MAIL_LEASE * 10);
        assert_eq!(database.store.mails.claim(&mailing, user, much_later).await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(database.store.mails.release(&mailing, user, now()).await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(database.store.mails.readers(&mailing).await.unwrap(), BTreeSet::from([user]));
    }

    #[tokio::test]
    async fn a_released_claim_can_be_taken_at_once() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        database.store.mails.claim(&mailing, user, now()).await.unwrap();
        assert_eq!(database.store.mails.release(&mailing, user, now()).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(database.store.mails.claim(&mailing, user, now()).await.unwrap(), WriteOutcome::Applied);
    }

    #[tokio::test]
    async fn a_preview_does_not_replace_the_mail_of_the_day() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        let preview = Mailing {
            prefix: Mailing::from(&ReportJob { preview_asked_at: Some(now()), ..job() }).prefix,
            ..mailing.clone()
        };
        database.store.mails.mark_sent(&preview, user, now()).await.unwrap();
        assert_eq!(database.store.mails.readers(&mailing).await.unwrap(), BTreeSet::new());
        assert_eq!(database.store.mails.claim(&mailing, user, now()).await.unwrap(), WriteOutcome::Applied);
    }
}
