//! The runs: each queues the reports that are due, page by page, and the first run of a day also the reconciliations.

use std::collections::BTreeSet;

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{DigestProgress, DigestStage};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::project::Project;
use domain::reports::digest::DigestJob;
use domain::reports::report::ReportJob;
use domain::reports::schedule::{RunHour, days_due};
use tracing::info;

use crate::digest::{Digest, DigestError, RunResult};
use crate::ports::{DigestMailer, DigestQueue};
use crate::trigger;

/// Maximum number of projects read and queued at once.
pub(crate) const PROJECTS_PER_PAGE: u16 = 100;

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Queues the reports that became due since the last complete run, and the reconciliations if this is the first run of a
    /// day. Continues a run that died where it stopped. Does nothing if another run of this hour has queued everything.
    pub(crate) async fn queue_due_reports(&self) -> Result<RunResult, DigestError> {
        let now = RunHour::of(self.clock.now());
        let Some(mut progress) = next_run(self.store.digest.progress().await?, now) else {
            info!(hour = now.hour.get(), "another run of this hour had queued the reports");
            return Ok(RunResult::Queued { days: Vec::new(), reports: 0 });
        };
        let mut result = RunResult::Queued { days: Vec::new(), reports: 0 };
        // Reports go first because people read them in the morning.
        if progress.stage == DigestStage::Reports {
            result = self.queue_reports_of_run(&mut progress).await?;
        }
        if progress.stage == DigestStage::Reconciliation {
            self.queue_reconciliations(&progress).await?;
        }
        telemetry::record(&Measured::one(Metric::DigestRuns, 1), self.clock.now());
        Ok(result)
    }

    /// Queues the reports of a run, starting at its current page, and stores the progress after each page. Leaves `progress` at
    /// the next stage.
    async fn queue_reports_of_run(&self, progress: &mut DigestProgress) -> Result<RunResult, DigestError> {
        let (since, run) = (progress.since, progress.run);
        let (mut days, mut reports) = (BTreeSet::new(), 0);
        while progress.stage == DigestStage::Reports {
            let page = self.store.projects.list(PROJECTS_PER_PAGE, progress.after.as_ref()).await?;
            let due = |project: &Project| {
                let days = days_due(project, since, run).into_iter();
                days.map(|day| ReportJob::new(project.id, day, None)).collect::<Vec<_>>()
            };
            let jobs: Vec<ReportJob> = page.items.iter().flat_map(due).collect();
            self.send_reports(&jobs).await?;
            reports += jobs.len();
            days.extend(jobs.iter().map(|job| job.day));
            progress.after = page.next;
            if progress.after.is_none() {
                let is_first_of_day = since.day < run.day;
                progress.stage = if is_first_of_day { DigestStage::Reconciliation } else { DigestStage::Done };
            }
            self.store.digest.note_progress(progress).await?;
        }
        info!(reports, hour = run.hour.get(), "{reports} reports were queued");
        Ok(RunResult::Queued { days: days.into_iter().collect(), reports })
    }

    /// Queues the reports of a requested day for all projects, even if they were queued before. No user gets the same report
    /// twice; a preview of today is mailed each time.
    pub(crate) async fn queue_requested_day(&self, day: UtcDay) -> Result<RunResult, DigestError> {
        let now = self.clock.now();
        let is_preview = trigger::is_preview(day, self.retention.oldest_kept(now).day(), now)?;
        let preview_asked_at: Option<Timestamp> = is_preview.then_some(now);
        let (mut reports, mut after) = (0, None);
        loop {
            let page = self.store.projects.list(PROJECTS_PER_PAGE, after.as_ref()).await?;
            let job = |project: &Project| ReportJob::new(project.id, day, preview_asked_at);
            let jobs: Vec<ReportJob> = page.items.iter().map(job).collect();
            self.send_reports(&jobs).await?;
            reports += jobs.len();
            after = page.next;
            if after.is_none() {
                info!(%day, reports, "{reports} reports of {day} were queued");
                return Ok(RunResult::Queued { days: vec![day], reports });
            }
        }
    }

    pub(crate) async fn send_reports(&self, jobs: &[ReportJob]) -> Result<(), aws::queue::QueueError> {
        let jobs: Vec<DigestJob> = jobs.iter().copied().map(DigestJob::Report).collect();
        self.queue.send_jobs(&jobs).await
    }
}

/// The run to start or to continue at `now`; `None` if the run of this hour is complete. An incomplete run of an earlier
/// day is replaced, because the new run includes what it left.
fn next_run(progress: Option<DigestProgress>, now: RunHour) -> Option<DigestProgress> {
    let begin = |since| Some(DigestProgress { run: now, since, stage: DigestStage::Reports, after: None });
    let Some(last) = progress else { return begin(RunHour::end_of(now.day.previous())) };
    match last.stage {
        DigestStage::Done if last.run < now => begin(last.run),
        DigestStage::Done => None,
        DigestStage::Reports | DigestStage::Reconciliation if last.run == now => Some(last),
        // An earlier run may have begun the reconciliations of the day. They are queued again.
        DigestStage::Reports | DigestStage::Reconciliation => begin(last.since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(at: &str) -> RunHour {
        RunHour::of(at.parse().unwrap())
    }

    fn progress(at: &str, since: &str, stage: DigestStage) -> DigestProgress {
        DigestProgress { run: run(at), since: run(since), stage, after: None }
    }

    #[test]
    fn a_run_begins_where_the_last_complete_one_ended() {
        let (yesterday, six, seven) = ("2026-11-21T23:10:00Z", "2026-11-22T06:10:00Z", "2026-11-22T07:10:00Z");
        let begin = |at, since| Some(progress(at, since, DigestStage::Reports));
        assert_eq!(next_run(None, run(six)), begin(six, yesterday), "the first run ever");
        let done = Some(progress(six, yesterday, DigestStage::Done));
        assert_eq!(next_run(done.clone(), run(six)), None, "the schedule fired twice");
        assert_eq!(next_run(done, run(seven)), begin(seven, six));
        for stage in [DigestStage::Reports, DigestStage::Reconciliation] {
            let died = Some(progress(six, yesterday, stage));
            assert_eq!(next_run(died.clone(), run(six)), died, "it continues where it stopped");
            assert_eq!(next_run(died, run(seven)), begin(seven, yesterday));
        }
    }
}
