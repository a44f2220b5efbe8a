//! Notices about an endpoint, mailed as soon as they are queued.

use aws::store::Mailing;
use domain::reports::digest::NoticeJob;
use mail::{self, Reader};

use crate::digest::{Digest, JobError};
use crate::ports::{DigestMailer, DigestQueue};

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Mails a notice to each recipient, and returns the number of mails sent. Sends none if the endpoint was deleted, enabled or
    /// recovered in the meantime, because the notice would be out of date.
    pub(crate) async fn mail_notice(&self, job: &NoticeJob) -> Result<usize, JobError> {
        let Some(project) = self.store.projects.get(job.project_id).await? else { return Ok(0) };
        let Some(endpoint) = self.store.endpoints.get(project.id, job.endpoint_id).await? else { return Ok(0) };
        // A consistent read: a stale row may be older than the notice, which would then seem to be out of date and never be mailed.
        let health = self.store.health.get_now(project.id, endpoint.id).await?.health;
        if !health.still_applies(&job.notice) {
            return Ok(0);
        }
        let mailing = Mailing::from(job);
        let recipients = self.recipients(project.id, &mailing).await?;
        let render = |reader: Reader<'_>| mail::render_notice(job, endpoint.host(), project.name.as_str(), reader);
        self.mail_all(&mailing, recipients, render).await
    }
}
