//! One report: counted slice by slice, kept, and mailed to each recipient.
//!
//! The first message of a report counts all deliveries of a project that has few. If there are more than one message can count,
//! it records what it counted and sends a message for each part of the rest. Whichever message completes the slices merges them
//! and mails the report. Each message can be repeated: a slice is recorded once, the first complete report is kept, and each
//! user is mailed once.

use aws::store::{CountedSlice, Mailing, StoreError, finish_report};
use domain::projects::project::{Project, QuietDays};
use domain::reports::notification_user::NotificationUser;
use domain::reports::report::{Report, ReportJob, ReportView, Slice, SliceReader};
use mail::{self, Reader};
use tracing::{error, info};

use crate::digest::{Digest, JobError};
use crate::ports::{DigestMailer, DigestQueue};

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Counts the deliveries of the job's slice. If that completes the report, keeps it and mails it to each recipient. Returns
    /// the number of mails sent.
    pub(crate) async fn process_report(&self, job: &ReportJob) -> Result<usize, JobError> {
        let Some(project) = self.store.projects.get(job.project_id).await? else { return Ok(0) };
        let is_preview = job.preview_asked_at.is_some();
        let kept = if is_preview { None } else { self.store.reports.kept(project.id, job.day).await? };
        let counted = if kept.is_none() { self.count(job).await? } else { None };
        if kept.is_none() && counted.is_none() {
            return Ok(0);
        }
        let mailing = Mailing::from(job);
        let recipients = self.recipients(project.id, &mailing).await?;
        let Some(report) = self.finish(job, kept, counted, &recipients).await? else { return Ok(0) };
        if recipients.is_empty() || is_unwanted(&project, job, &report) {
            return Ok(0);
        }
        let render = |reader: Reader<'_>| mail::render(&report, project.name.as_str(), reader);
        self.mail_all(&mailing, recipients, render).await
    }

    /// Counts the deliveries of the job's slice, and sends messages for the parts that it leaves. Returns the report of all
    /// deliveries, if it is complete.
    async fn count(&self, job: &ReportJob) -> Result<Option<Report>, JobError> {
        let slice = job.slice();
        let is_first_message = job.slice.is_none();
        // The first message looks for earlier work only after it has found more deliveries than it can count. Most have few.
        let known_end = if is_first_message { None } else { self.store.reports.counted_until(job, slice.from).await? };
        let end = match known_end {
            Some(end) => {
                let counted = Slice { to: end, ..slice };
                self.store.reports.note_range(job, counted, self.clock.now()).await?;
                end
            }
            None => {
                let mut report = Report::new(job.project_id, job.day);
                let reader = SliceReader::new(slice, self.max_slice_rows);
                let CountedSlice { end, unreadable } =
                    self.store.events.count_slice(&mut report, job.project_id, job.day, reader).await?;
                if unreadable > 0 {
                    let (project_id, day) = (job.project_id, job.day);
                    error!(project.id = %project_id, %day, unreadable, "{unreadable} rows cannot be read and are missing in the report of {day}");
                }
                if is_first_message && end == slice.to {
                    return Ok(Some(report));
                }
                let counted = Slice { to: end, ..slice };
                self.store.reports.record_slice(job, counted, &report, self.clock.now()).await?
            }
        };
        if let Some(merged) = self.store.reports.merged_slices(job).await? {
            return Ok(Some(merged));
        }
        // After a crash here, the repeated message finds its slice recorded and sends these again.
        let parts: Vec<ReportJob> =
            slice.rest(end).parts().into_iter().map(|part| ReportJob { slice: Some(part), ..*job }).collect();
        self.send_reports(&parts).await?;
        let (project_id, day, count) = (job.project_id, job.day, parts.len());
        info!(project.id = %project_id, %day, "a slice of the report of {day} was counted; {count} slices follow it");
        Ok(None)
    }

    /// Completes a report that was counted, and keeps it if it has news. Returns `None` if nobody needs the report.
    async fn finish(
        &self,
        job: &ReportJob,
        kept: Option<ReportView>,
        counted: Option<Report>,
        recipients: &[NotificationUser],
    ) -> Result<Option<ReportView>, StoreError> {
        let Some(counted) = counted else { return Ok(kept) };
        if counted.is_empty() && recipients.is_empty() {
            return Ok(None);
        }
        let report = finish_report(&self.store, job.project_id, counted, &*self.clock).await?;
        if job.preview_asked_at.is_some() || !report.has_news() {
            return Ok(Some(report));
        }
        let as_of = report.as_of;
        Ok(Some(self.store.reports.keep(report, as_of).await?))
    }
}

/// Whether the project gets no mail about this day. Previews are always mailed, because the operator asked for them.
fn is_unwanted(project: &Project, job: &ReportJob, report: &ReportView) -> bool {
    job.preview_asked_at.is_none() && project.quiet_days == QuietDays::None && !report.has_news()
}
