//! The daily report: queued for all projects in the morning, and mailed project by project.

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{DigestProgress, DigestStage, Mailing, PageToken, build_report};
use domain::foundation::id::ProjectId;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::project::QuietDays;
use domain::reports::digest::DigestJob;
use domain::reports::report::ReportJob;
use mail::{self, Reader};
use tracing::info;

use crate::digest::{Digest, DigestError, JobError, RunResult};
use crate::ports::{DigestMailer, DigestQueue};
use crate::trigger;

/// Maximum number of days before yesterday whose missed reports are still queued.
const MAX_CATCH_UP_DAYS: u32 = 3;

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Queues the missing reports of each past day, usually only yesterday's, and then the reconciliations. Continues a run that died
    /// where it stopped. Does nothing if another run has queued everything.
    pub(crate) async fn queue_due_days(&self) -> Result<RunResult, DigestError> {
        let yesterday = UtcDay::before(self.clock.now());
        let due = days_due(self.store.digest.progress().await?, yesterday);
        let days = due.iter().map(|progress| progress.day).collect();
        let Some(last) = due.last().cloned() else {
            info!(%yesterday, "the reports of {yesterday} had been queued before");
            return Ok(RunResult::Queued { days, reports: 0 });
        };
        let mut reports = 0;
        // Reports go first because people read them in the morning.
        for DigestProgress { day, after, .. } in
            due.into_iter().filter(|progress| progress.stage == DigestStage::Reports)
        {
            reports += self.queue_reports(day, None, after, true).await?;
        }
        let after = last.after.filter(|_| last.stage == DigestStage::Reconciliation);
        self.queue_reconciliations(last.day, after).await?;
        telemetry::record(&Measured::one(Metric::DigestRuns, 1), self.clock.now());
        Ok(RunResult::Queued { days, reports })
    }

    /// Queues the reports of a requested day, even if they were queued before. No user gets the same report twice; a preview of
    /// today is mailed each time.
    pub(crate) async fn queue_requested_day(&self, day: UtcDay) -> Result<RunResult, DigestError> {
        let now = self.clock.now();
        let is_preview = trigger::is_preview(day, self.retention.oldest_kept(now).day(), now)?;
        let reports = self.queue_reports(day, is_preview.then_some(now), None, false).await?;
        Ok(RunResult::Queued { days: vec![day], reports })
    }

    /// Queues the report of each project with notification users, starting at the page `after`. Stores the progress after each page if
    /// `is_tracked`. Returns the number of reports queued.
    async fn queue_reports(
        &self,
        day: UtcDay,
        preview_asked_at: Option<Timestamp>,
        after: Option<PageToken>,
        is_tracked: bool,
    ) -> Result<usize, DigestError> {
        let (mut reports, mut next) = (0, after);
        let mut last: Option<ProjectId> = None;
        loop {
            let mut page = self.store.users.projects_with_users(next.as_ref()).await?;
            // A project whose users span two pages is listed on both.
            page.items.retain(|project| Some(*project) != last);
            last = page.items.last().copied().or(last);
            let job = |project_id: &ProjectId| ReportJob { project_id: *project_id, day, preview_asked_at };
            let jobs: Vec<DigestJob> = page.items.iter().map(|project| DigestJob::Report(job(project))).collect();
            self.queue.send_jobs(&jobs).await?;
            reports += jobs.len();
            next = page.next;
            if is_tracked {
                let stage = if next.is_none() { DigestStage::Reconciliation } else { DigestStage::Reports };
                let progress = DigestProgress { day, stage, after: next.clone() };
                self.store.digest.note_progress(&progress).await?;
            }
            if next.is_none() {
                info!(%day, reports, "{reports} reports of {day} were queued");
                return Ok(reports);
            }
        }
    }

    /// Mails a project's report to each recipient, and returns the number of mails sent.
    pub(crate) async fn mail_report(&self, job: &ReportJob) -> Result<usize, JobError> {
        let Some(project) = self.store.projects.get(job.project_id).await? else { return Ok(0) };
        let mailing = Mailing::from(job);
        let recipients = self.recipients(project.id, &mailing).await?;
        if recipients.is_empty() {
            return Ok(0);
        }
        let report = build_report(&self.store, project.id, job.day, &*self.clock).await?;
        if job.preview_asked_at.is_none() {
            self.store.digest.keep_report(project.id, job.day, &report, report.as_of).await?;
            if project.quiet_days == QuietDays::None && !report.has_news() {
                return Ok(0);
            }
        }
        let render = |reader: Reader<'_>| mail::render(&report, project.name.as_str(), reader);
        self.mail_all(&mailing, recipients, render).await
    }
}

/// The work of each day up to `yesterday` that is not done, oldest first. The first run ever reports `yesterday` only.
fn days_due(progress: Option<DigestProgress>, yesterday: UtcDay) -> Vec<DigestProgress> {
    let from_start = |day| DigestProgress { day, stage: DigestStage::Reports, after: None };
    let Some(progress) = progress else { return vec![from_start(yesterday)] };
    let oldest = (0..MAX_CATCH_UP_DAYS).fold(yesterday, |day, _| day.previous());
    let first = if progress.stage == DigestStage::Done { from_start(progress.day.next()) } else { progress };
    let first = if first.day < oldest { from_start(oldest) } else { first };
    let days = std::iter::successors(Some(first), |last| Some(from_start(last.day.next())));
    days.take_while(|progress| progress.day <= yesterday).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(value: &str) -> UtcDay {
        value.parse().unwrap()
    }

    #[test]
    fn missed_days_are_due_again_up_to_three_days_before_yesterday() {
        let yesterday = day("2026-11-21");
        let due = |progress: Option<(&str, bool)>| -> Vec<String> {
            let stage = |is_done| if is_done { DigestStage::Done } else { DigestStage::Reports };
            let progress =
                progress.map(|(last, is_done)| DigestProgress { day: day(last), stage: stage(is_done), after: None });
            days_due(progress, yesterday).into_iter().map(|progress| progress.day.to_string()).collect()
        };
        assert_eq!(due(None), ["2026-11-21"], "the first run ever");
        assert_eq!(due(Some(("2026-11-20", true))), ["2026-11-21"]);
        assert_eq!(due(Some(("2026-11-21", true))), Vec::<String>::new(), "the schedule fired twice");
        assert_eq!(due(Some(("2026-11-21", false))), ["2026-11-21"], "the run died half-way");
        assert_eq!(due(Some(("2026-11-19", false))), ["2026-11-19", "2026-11-20", "2026-11-21"]);
        let all = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"];
        assert_eq!(due(Some(("2026-11-01", true))), all, "no run for weeks");
        assert_eq!(due(Some(("2026-11-22", true))), Vec::<String>::new());
    }
}
