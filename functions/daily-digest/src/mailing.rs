//! Mails a report or notice to each confirmed user of a project, once.

use aws::ServiceError;
use aws::lambda::telemetry;
use aws::link_keys::link_key;
use aws::ses::MailError;
use aws::store::{Mailing, StoreError, WriteOutcome};
use domain::foundation::id::ProjectId;
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::{NotificationUser, NotificationUserState};
use domain::reports::suppression::Suppression;
use mail::{Mail, Reader, RenderError};
use thiserror::Error;
use tracing::{info, warn};

use crate::digest::{Digest, JobError};
use crate::ports::{DigestMailer, DigestQueue};

/// Why one mail was not sent.
#[derive(Debug, Error)]
enum MailingError {
    #[error(transparent)]
    Service(ServiceError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

aws::from_service_errors!(MailingError: StoreError, MailError);

/// Result of mailing one user.
enum Mailed {
    Sent,
    /// Another run has claimed the mail, and may still fail to send it.
    Busy,
    /// The user is no longer confirmed, was removed, or their address is suppressed.
    Unwanted,
}

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// The confirmed users of the project who were not sent this mail yet.
    pub(crate) async fn recipients(
        &self,
        project: ProjectId,
        mailing: &Mailing,
    ) -> Result<Vec<NotificationUser>, StoreError> {
        let mut users = self.store.users.list(project).await?;
        users.retain(|user| user.state == NotificationUserState::Confirmed);
        if users.is_empty() {
            return Ok(users);
        }
        let mailed = self.store.mails.readers(mailing).await?;
        users.retain(|user| !mailed.contains(&user.id));
        Ok(users)
    }

    /// Mails each recipient what `render` returns for their language, and returns the number of mails sent. A failed mail does not
    /// stop the others. Fails with [`JobError::Unsent`] if a mail failed or is being sent by another run, so that the message
    /// returns to the queue.
    pub(crate) async fn mail_all(
        &self,
        mailing: &Mailing,
        recipients: Vec<NotificationUser>,
        render: impl Fn(Reader<'_>) -> Result<Mail, RenderError>,
    ) -> Result<usize, JobError> {
        let (mut sent, mut busy, mut failed) = (0, 0, 0);
        let Some(project_id) = recipients.first().map(|user| user.project_id) else { return Ok(0) };
        let key = link_key(&self.store.link_keys, &self.key_ring, project_id, &*self.random).await?;
        for user in recipients {
            let link = MailLink::new(LinkPurpose::Unsubscribe, &user, self.clock.now());
            let unsubscribe_url = link.url(&self.api_base_url, &key, &*self.random);
            let mail = render(Reader { language: user.language, unsubscribe_url: &unsubscribe_url });
            match self.mail(mailing, &user, mail).await {
                Ok(Mailed::Sent) => sent += 1,
                Ok(Mailed::Busy) => busy += 1,
                Ok(Mailed::Unwanted) => {}
                Err(error) => {
                    failed += 1;
                    let (project_id, user_id) = (user.project_id, user.id);
                    let cause = telemetry::chain(&error);
                    warn!(project.id = %project_id, user.id = %user_id, cause, "the mail to user {user_id} failed");
                }
            }
        }
        if busy + failed > 0 { Err(JobError::Unsent { failed, busy }) } else { Ok(sent) }
    }

    /// Claims and sends the mail to one user, unless another run has claimed it or the user has unsubscribed.
    async fn mail(
        &self,
        mailing: &Mailing,
        user: &NotificationUser,
        mail: Result<Mail, RenderError>,
    ) -> Result<Mailed, MailingError> {
        let mail = mail?;
        // The user may have unsubscribed since the recipients were listed: building the report of a large day takes a while.
        let user_now = self.store.users.get(user.project_id, user.id).await?;
        if user_now.is_none_or(|user| user.state != NotificationUserState::Confirmed) {
            return Ok(Mailed::Unwanted);
        }
        // The person may have complained about the mail of another project.
        let listing = self.store.suppressions.find(&user.email.hashes(), user.project_id).await?;
        if let Some(Suppression { reason, .. }) = listing.suppression {
            let (project_id, user_id) = (user.project_id, user.id);
            info!(project.id = %project_id, user.id = %user_id, "user {user_id} gets no mail because the address is suppressed: {reason}");
            return Ok(Mailed::Unwanted);
        }
        let claimed_at = self.clock.now();
        if self.store.mails.claim(mailing, user.id, claimed_at).await? == WriteOutcome::Conflict {
            return Ok(Mailed::Busy);
        }
        if let Err(error) = self.mailer.send(user, &mail).await {
            // If SES may have accepted the mail, the claim stays and a retry has to wait for its lease to end.
            if error.is_certain() {
                self.store.mails.release(mailing, user.id, claimed_at).await?;
            }
            return Err(error.into());
        }
        self.store.mails.mark_sent(mailing, user.id, self.clock.now()).await?;
        Ok(Mailed::Sent)
    }
}
