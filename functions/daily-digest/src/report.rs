//! The daily report: queued for every project in the morning, and mailed project by project.

use shared::aws::store::{Mailing, report_endpoints};
use shared::digest::DigestJob;
use shared::id::ProjectId;
use shared::report::ReportJob;
use shared::report_mail;
use shared::time::UtcDay;
use tracing::info;

use crate::{Answer, Digest, DigestError, DigestMailer, DigestQueue, JobError, trigger};

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Queues the report of each project that has notification users. Repeating queues them again, which mails
    /// nothing new.
    pub(crate) async fn queue_reports(&self, asked: Option<UtcDay>) -> Result<Answer, DigestError> {
        let now = self.clock.now();
        let oldest_kept = self.retention.oldest_kept(now).day();
        let (day, is_preview) = trigger::report_day(asked, oldest_kept, now)?;
        let preview_asked_at = is_preview.then_some(now);
        let mut projects = 0;
        let mut last: Option<ProjectId> = None;
        let mut next = None;
        loop {
            let mut page = self.settings.projects_with_notification_users(next.as_ref()).await?;
            // A project whose users lie on two pages is on both.
            page.items.retain(|project| Some(*project) != last);
            last = page.items.last().copied().or(last);
            let job = |project_id: &ProjectId| ReportJob { project_id: *project_id, day, preview_asked_at };
            let jobs: Vec<DigestJob> = page.items.iter().map(|project| DigestJob::Report(job(project))).collect();
            self.queue.send(&jobs).await?;
            projects += jobs.len();
            next = page.next;
            if next.is_none() {
                info!(%day, projects, is_preview, "the reports of {day} of {projects} projects were queued");
                return Ok(Answer::Queued { day, projects });
            }
        }
    }

    /// Mails one project's report to everybody who has not got it yet, and tells to how many.
    pub(crate) async fn report(&self, job: &ReportJob) -> Result<usize, JobError> {
        let Some(project) = self.settings.project(job.project_id).await? else { return Ok(0) };
        let mailing = Mailing::from(job);
        let readers = self.readers(project.id, &mailing).await?;
        if readers.is_empty() {
            return Ok(0);
        }
        let endpoints = report_endpoints(&self.settings, &self.activity, project.id).await?;
        let report = self.activity.report(project.id, job.day).await?.view(self.clock.now(), &endpoints);
        let render = |language| report_mail::render(&report, project.name.as_str(), language);
        self.mail_all(&mailing, readers, render).await
    }
}
