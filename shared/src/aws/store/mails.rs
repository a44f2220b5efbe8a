//! A row for every mail to a notification user, so that each is sent once.
//!
//! A mail is claimed by a conditional write before it is sent, and marked when SES has it. A claim whose mark never
//! came is taken over after [`MAIL_LEASE`]: its holder died. One window remains: when the holder dies, or SES's
//! answer is lost, between SES accepting the mail and the mark, the mail comes a second time. SES has no idempotency
//! key to close it with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::events::partition;
use super::table::{self, Row, number};
use super::{Activity, StoreError, Written};
use crate::digest::NoticeJob;
use crate::id::{NotificationUserId, ProjectId};
use crate::report::{MAIL_LEASE, ReportJob};
use crate::time::{Timestamp, UtcDay};

/// The mail about one thing to one user.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailRow {
    user_id: NotificationUserId,
    /// Milliseconds since 1970; zero when the claim was given back.
    claimed_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    expires_at: i64,
}

/// Mails about one thing, of which each user of a project gets one. Their rows lie side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailing {
    project_id: ProjectId,
    day: UtcDay,
    prefix: String,
}

impl From<&ReportJob> for Mailing {
    /// A preview never stands in the way of the whole day's mail, nor of another.
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

impl Activity {
    /// The users whose mail of `mailing` was sent.
    pub async fn mail_readers(&self, mailing: &Mailing) -> Result<BTreeSet<NotificationUserId>, StoreError> {
        let query = self.table.beginning_with(&partition(mailing.project_id, mailing.day), &mailing.prefix);
        let rows: Vec<MailRow> = table::all(query).await?;
        Ok(rows.into_iter().filter(|row| row.sent_at.is_some()).map(|row| row.user_id).collect())
    }

    /// Claims the mail of `mailing` to `user`, unless it was sent, or somebody claimed it less than [`MAIL_LEASE`] ago.
    pub async fn claim_mail(
        &self,
        mailing: &Mailing,
        user: NotificationUserId,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let row = self.mail_row(mailing, user, now.as_millis(), None);
        let call = self.table.putting(&row)?;
        let call = call
            .condition_expression("attribute_not_exists(pk) OR (attribute_not_exists(sentAt) AND claimedAt <= :stale)")
            .expression_attribute_values(":stale", number(now.minus(MAIL_LEASE).as_millis()));
        self.table.put_if(call).await
    }

    /// Gives back the claim made at `claimed_at`, because its mail certainly was not sent: the next try need not wait.
    pub async fn release_mail(
        &self,
        mailing: &Mailing,
        user: NotificationUserId,
        claimed_at: Timestamp,
    ) -> Result<Written, StoreError> {
        let row = self.mail_row(mailing, user, 0, None);
        let call = self.table.putting(&row)?;
        let call = call
            .condition_expression("attribute_not_exists(sentAt) AND claimedAt = :mine")
            .expression_attribute_values(":mine", number(claimed_at.as_millis()));
        self.table.put_if(call).await
    }

    /// Marks the mail of `mailing` to `user` as sent, so that it is never claimed again.
    pub async fn mark_mail_sent(
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
        // The row outlives the last event of its day, so that no report of kept deliveries is ever mailed again.
        let expires_at = self.retention.expiry_of(mailing.day.next().start());
        let content = MailRow { user_id, claimed_at, sent_at, expires_at };
        Row { pk: partition(mailing.project_id, mailing.day), sk: format!("{}{user_id}", mailing.prefix), content }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Database;
    use super::*;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T00:10:00Z".parse().unwrap()
    }

    fn job() -> ReportJob {
        let project_id = ProjectId::new(now(), &SystemRandom);
        ReportJob { project_id, day: now().day().previous(), preview_asked_at: None }
    }

    fn user() -> NotificationUserId {
        NotificationUserId::new(now(), &SystemRandom)
    }

    #[tokio::test]
    async fn a_mail_is_claimed_once_until_its_lease_is_over() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        let claim = |at| database.activity.claim_mail(&mailing, user, at);
        assert_eq!(claim(now()).await.unwrap(), Written::Now);
        assert_eq!(claim(now().plus(MAIL_LEASE).minus(Duration::from_millis(1))).await.unwrap(), Written::Before);
        assert_eq!(claim(now().plus(MAIL_LEASE)).await.unwrap(), Written::Now);
        assert_eq!(claim(now().plus(MAIL_LEASE)).await.unwrap(), Written::Before);
    }

    #[tokio::test]
    async fn a_mail_that_was_sent_is_never_claimed_again() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        database.activity.claim_mail(&mailing, user, now()).await.unwrap();
        assert_eq!(database.activity.mail_readers(&mailing).await.unwrap(), BTreeSet::new());
        database.activity.mark_mail_sent(&mailing, user, now()).await.unwrap();
        let much_later = now().plus(MAIL_LEASE * 10);
        assert_eq!(database.activity.claim_mail(&mailing, user, much_later).await.unwrap(), Written::Before);
        assert_eq!(database.activity.release_mail(&mailing, user, now()).await.unwrap(), Written::Before);
        assert_eq!(database.activity.mail_readers(&mailing).await.unwrap(), BTreeSet::from([user]));
    }

    #[tokio::test]
    async fn a_claim_given_back_can_be_taken_at_once() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        database.activity.claim_mail(&mailing, user, now()).await.unwrap();
        assert_eq!(database.activity.release_mail(&mailing, user, now()).await.unwrap(), Written::Now);
        assert_eq!(database.activity.claim_mail(&mailing, user, now()).await.unwrap(), Written::Now);
    }

    #[tokio::test]
    async fn a_preview_does_not_use_up_the_mail_of_the_day() {
        let (database, mailing, user) = (Database::start().await, Mailing::from(&job()), user());
        let preview = Mailing {
            prefix: Mailing::from(&ReportJob { preview_asked_at: Some(now()), ..job() }).prefix,
            ..mailing.clone()
        };
        database.activity.mark_mail_sent(&preview, user, now()).await.unwrap();
        assert_eq!(database.activity.mail_readers(&mailing).await.unwrap(), BTreeSet::new());
        assert_eq!(database.activity.claim_mail(&mailing, user, now()).await.unwrap(), Written::Now);
    }
}
