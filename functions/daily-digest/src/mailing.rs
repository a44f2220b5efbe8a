//! One mail to each confirmed user of a project, once.

use shared::aws::mail::MailError;
use shared::aws::store::{Mailing, StoreError, Written};
use shared::id::ProjectId;
use shared::mail_link::{LinkPurpose, MailLink};
use shared::notification_user::{NotificationUser, NotificationUserState};
use shared::report_mail::{Mail, Reader, RenderError};
use shared::telemetry;
use thiserror::Error;
use tracing::warn;

use crate::{Digest, DigestMailer, DigestQueue, JobError};

/// Why one mail was not sent.
#[derive(Debug, Error)]
enum MailingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// What came of the mail to one user.
enum Mailed {
    Sent,
    /// Another run has claimed it; whether it succeeds is not known yet.
    Busy,
    /// They want no mails any more, or are gone.
    Unwanted,
}

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// The confirmed users who have not got this mail.
    pub(crate) async fn readers(
        &self,
        project: ProjectId,
        mailing: &Mailing,
    ) -> Result<Vec<NotificationUser>, StoreError> {
        let mut users = self.settings.notification_users(project).await?;
        users.retain(|user| user.state == NotificationUserState::Confirmed);
        if users.is_empty() {
            return Ok(users);
        }
        let readers = self.activity.mail_readers(mailing).await?;
        users.retain(|user| !readers.contains(&user.id));
        Ok(users)
    }

    /// Mails to each of `readers` what `render` writes in their language, and tells to how many. One whom it cannot be mailed to
    /// does not keep it from the others.
    pub(crate) async fn mail_all(
        &self,
        mailing: &Mailing,
        readers: Vec<NotificationUser>,
        render: impl Fn(Reader<'_>) -> Result<Mail, RenderError>,
    ) -> Result<usize, JobError> {
        let (mut sent, mut busy, mut failed) = (0, 0, 0);
        let ring = self.key_ring.ring().await?;
        for user in readers {
            let link = MailLink::new(LinkPurpose::Unsubscribe, user.project_id, user.id, self.clock.now());
            let unsubscribe_url = link.url(&self.api_base_url, &ring, &*self.random);
            let mail = render(Reader { language: user.language, unsubscribe_url: &unsubscribe_url });
            match self.mail(mailing, &user, mail).await {
                Ok(Mailed::Sent) => sent += 1,
                Ok(Mailed::Busy) => busy += 1,
                Ok(Mailed::Unwanted) => {}
                Err(error) => {
                    failed += 1;
                    let (project_id, user_id) = (user.project_id, user.id);
                    let cause = telemetry::chain(&error);
                    warn!(project.id = %project_id, user.id = %user_id, cause, "user {user_id} got no mail");
                }
            }
        }
        if busy + failed > 0 { Err(JobError::Unsent { failed, busy }) } else { Ok(sent) }
    }

    /// Sends the mail to one user, unless another run has claimed to, or they have unsubscribed meanwhile.
    async fn mail(
        &self,
        mailing: &Mailing,
        user: &NotificationUser,
        mail: Result<Mail, RenderError>,
    ) -> Result<Mailed, MailingError> {
        let mail = mail?;
        // Between the look at the readers and this one lies the making of the report, which takes a while for a large day.
        let user_now = self.settings.notification_user(user.project_id, user.id).await?;
        if user_now.is_none_or(|user| user.state != NotificationUserState::Confirmed) {
            return Ok(Mailed::Unwanted);
        }
        let claimed_at = self.clock.now();
        if self.activity.claim_mail(mailing, user.id, claimed_at).await? == Written::Before {
            return Ok(Mailed::Busy);
        }
        if let Err(error) = self.mailer.send(user, &mail).await {
            // Where the mail may have been sent after all, the claim stays: sending again has to wait for its lease.
            if error.is_certain() {
                self.activity.release_mail(mailing, user.id, claimed_at).await?;
            }
            return Err(error.into());
        }
        self.activity.mark_mail_sent(mailing, user.id, self.clock.now()).await?;
        Ok(Mailed::Sent)
    }
}
