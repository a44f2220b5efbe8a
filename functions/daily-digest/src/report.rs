//! The daily report: queued for every project in the morning, and mailed project by project.

use shared::aws::store::{DigestProgress, DigestStage, Mailing, PageToken, build_report};
use shared::digest::DigestJob;
use shared::id::ProjectId;
use shared::metric::{Measured, Metric};
use shared::project::QuietDays;
use shared::report::ReportJob;
use shared::report_mail::{self, Reader};
use shared::telemetry;
use shared::time::{Timestamp, UtcDay};
use tracing::info;

use crate::{Answer, Digest, DigestError, DigestMailer, DigestQueue, JobError, trigger};

/// How many days before yesterday are caught up with, if no run has come that far.
const DAYS_CAUGHT_UP: u32 = 3;

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Queues the reports of each day that is over and was not done yet, usually yesterday's, and then the looks for lost deliveries.
    /// A run that died is gone on with where it was. If there is nothing to do, because another run has done it, nothing happens.
    pub(crate) async fn queue_days_due(&self) -> Result<Answer, DigestError> {
        let yesterday = UtcDay::before(self.clock.now());
        let due = days_due(self.activity.digest_progress().await?, yesterday);
        let days = due.iter().map(|progress| progress.day).collect();
        let Some(last) = due.last().cloned() else {
            info!(%yesterday, "the reports of {yesterday} were queued before");
            return Ok(Answer::Queued { days, reports: 0 });
        };
        let mut reports = 0;
        // The reports first: somebody waits for them.
        for DigestProgress { day, after, .. } in
            due.into_iter().filter(|progress| progress.stage == DigestStage::Reports)
        {
            reports += self.queue_reports(day, None, after, true).await?;
        }
        let after = last.after.filter(|_| last.stage == DigestStage::Reconciliation);
        self.queue_reconciliations(last.day, after).await?;
        telemetry::record(&Measured::one(Metric::DigestRuns, 1), self.clock.now());
        Ok(Answer::Queued { days, reports })
    }

    /// Queues the reports of a day that somebody asked for, whatever was done before: it mails nothing twice.
    pub(crate) async fn queue_day_asked_for(&self, asked: UtcDay) -> Result<Answer, DigestError> {
        let now = self.clock.now();
        let is_preview = trigger::is_preview(asked, self.retention.oldest_kept(now).day(), now)?;
        let reports = self.queue_reports(asked, is_preview.then_some(now), None, false).await?;
        Ok(Answer::Queued { days: vec![asked], reports })
    }

    /// Queues the report of each project that has notification users, from a page on, and notes each page if it `is_tracked`.
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
            let mut page = self.settings.projects_with_notification_users(next.as_ref()).await?;
            // A project whose users lie on two pages is on both.
            page.items.retain(|project| Some(*project) != last);
            last = page.items.last().copied().or(last);
            let job = |project_id: &ProjectId| ReportJob { project_id: *project_id, day, preview_asked_at };
            let jobs: Vec<DigestJob> = page.items.iter().map(|project| DigestJob::Report(job(project))).collect();
            self.queue.send(&jobs).await?;
            reports += jobs.len();
            next = page.next;
            if is_tracked {
                let stage = if next.is_none() { DigestStage::Reconciliation } else { DigestStage::Reports };
                let progress = DigestProgress { day, stage, after: next.clone() };
                self.activity.note_digest_progress(&progress).await?;
            }
            if next.is_none() {
                info!(%day, reports, "{reports} reports of {day} were queued");
                return Ok(reports);
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
        let report = build_report(&self.settings, &self.activity, project.id, job.day, &*self.clock).await?;
        if job.preview_asked_at.is_none() {
            self.activity.keep_report(project.id, job.day, &report, report.as_of).await?;
            if project.quiet_days == QuietDays::None && !report.has_news() {
                return Ok(0);
            }
        }
        let render = |reader: Reader<'_>| report_mail::render(&report, project.name.as_str(), reader);
        self.mail_all(&mailing, readers, render).await
    }
}

/// What is to be done when the last day that is over is `yesterday`, in the order of the calendar. The first run ever does that day
/// alone.
fn days_due(progress: Option<DigestProgress>, yesterday: UtcDay) -> Vec<DigestProgress> {
    let from_its_beginning = |day| DigestProgress { day, stage: DigestStage::Reports, after: None };
    let Some(progress) = progress else { return vec![from_its_beginning(yesterday)] };
    let oldest = (0..DAYS_CAUGHT_UP).fold(yesterday, |day, _| day.previous());
    let first = if progress.stage == DigestStage::Done { from_its_beginning(progress.day.next()) } else { progress };
    let first = if first.day < oldest { from_its_beginning(oldest) } else { first };
    let days = std::iter::successors(Some(first), |last| Some(from_its_beginning(last.day.next())));
    days.take_while(|progress| progress.day <= yesterday).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> UtcDay {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_missed_is_caught_up_with_three_days_back() {
        let yesterday = day("2026-11-21");
        let due = |progress: Option<(&str, bool)>| -> Vec<String> {
            let stage = |is_done| if is_done { DigestStage::Done } else { DigestStage::Reports };
            let progress =
                progress.map(|(text, is_done)| DigestProgress { day: day(text), stage: stage(is_done), after: None });
            days_due(progress, yesterday).into_iter().map(|progress| progress.day.to_string()).collect()
        };
        assert_eq!(due(None), ["2026-11-21"], "the first run ever");
        assert_eq!(due(Some(("2026-11-20", true))), ["2026-11-21"]);
        assert_eq!(due(Some(("2026-11-21", true))), Vec::<String>::new(), "it fired twice");
        assert_eq!(due(Some(("2026-11-21", false))), ["2026-11-21"], "it died half way");
        assert_eq!(due(Some(("2026-11-19", false))), ["2026-11-19", "2026-11-20", "2026-11-21"]);
        let all = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"];
        assert_eq!(due(Some(("2026-11-01", true))), all, "it was away for long");
        assert_eq!(due(Some(("2026-11-22", true))), Vec::<String>::new());
    }
}
