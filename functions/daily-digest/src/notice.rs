//! Notices: what happened to an endpoint, told as soon as it happened.

use shared::aws::store::Mailing;
use shared::digest::NoticeJob;
use shared::report_mail::{self, Reader};

use crate::{Digest, DigestMailer, DigestQueue, JobError};

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Mails one notice to everybody who has not got it yet, and tells to how many. Of an endpoint that was deleted, resumed or
    /// recovered meanwhile nobody is told: a mail that comes late would call them to something that is over.
    pub(crate) async fn notice(&self, job: &NoticeJob) -> Result<usize, JobError> {
        let Some(project) = self.settings.project(job.project_id).await? else { return Ok(0) };
        let Some(endpoint) = self.settings.endpoint(project.id, job.endpoint_id).await? else { return Ok(0) };
        // The row as it is now: one read from before the notice would deny it, and nobody would ever be told.
        let health = self.activity.health_now(project.id, endpoint.id).await?.health;
        if !health.still_says(&job.notice) {
            return Ok(0);
        }
        let mailing = Mailing::from(job);
        let readers = self.readers(project.id, &mailing).await?;
        let render =
            |reader: Reader<'_>| report_mail::render_notice(job, endpoint.host(), project.name.as_str(), reader);
        self.mail_all(&mailing, readers, render).await
    }
}
