//! daily-digest: every morning, one mail a notification user with the report of the day before.
//!
//! It runs in two parts, so that a million projects are as easy as ten. The schedule only lists the projects that have
//! notification users, and puts a message for each on a queue. A message builds one project's report and mails it.
//!
//! Each mail is claimed before it is sent and marked when SES has it ([`shared::aws::store`] tells how), so it does
//! not matter how often the schedule fires, how often a message comes, or where a run dies: the next one sends what
//! is missing.

use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Serialize;
use serde_json::Value;
use shared::aws::Aws;
use shared::aws::mail::{MailError, Mailer};
use shared::aws::queue::{Queue, QueueError};
use shared::aws::store::{Activity, Retention, Settings, StoreError, Written};
use shared::clock::Clock;
use shared::id::ProjectId;
use shared::notification_user::{NotificationUser, NotificationUserState};
use shared::project::Project;
use shared::report::{ReportJob, ReportView};
use shared::report_mail::{self, RenderError};
use shared::telemetry;
use shared::time::UtcDay;
use thiserror::Error;
use tracing::{error, info, warn};

mod config;
mod ports;
mod trigger;

pub use config::Config;
pub use ports::{ReportMailer, ReportQueue};
pub use trigger::{BadTrigger, Trigger};

/// Reports to notification users.
pub struct Digest<Q, M> {
    settings: Settings,
    activity: Activity,
    retention: Retention,
    queue: Q,
    mailer: M,
    clock: Arc<dyn Clock>,
}

/// What a run answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The reports of a day were queued.
    Queued {
        /// The day.
        day: UtcDay,
        /// How many projects' reports.
        projects: usize,
    },
    /// Messages were worked through; those that must come again are named.
    Worked(SqsBatchResponse),
}

/// Why a run failed as a whole.
#[derive(Debug, Error)]
pub enum DigestError {
    /// The event cannot be understood.
    #[error(transparent)]
    Trigger(#[from] BadTrigger),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Why a message must come again.
#[derive(Debug, Error)]
enum ReportError {
    #[error("message has no body")]
    NoBody,
    #[error("message is no report job")]
    Message(#[source] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{failed} mails were not sent, {busy} are being sent by another run")]
    Unsent { failed: usize, busy: usize },
}

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
enum Mailing {
    Sent,
    /// Another run has claimed it; whether it succeeds is not known yet.
    Busy,
}

impl Digest<Queue, Mailer> {
    /// Makes the clients; no call is made before the first run.
    pub fn connect(config: &Config, aws: &Aws, clock: Arc<dyn Clock>) -> Self {
        let settings = Settings::new(aws, &config.settings_table);
        let activity = Activity::new(aws, &config.activity_table, config.retention);
        let queue = Queue::new(aws, &config.report_queue_url);
        let mailer = Mailer::new(aws, &config.mail_from);
        Self::new(settings, activity, config.retention, queue, mailer, clock)
    }
}

impl<Q: ReportQueue, M: ReportMailer> Digest<Q, M> {
    /// A digest between these services.
    pub fn new(
        settings: Settings,
        activity: Activity,
        retention: Retention,
        queue: Q,
        mailer: M,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { settings, activity, retention, queue, mailer, clock }
    }

    /// Does what the event asks for.
    pub async fn handle(&self, event: Value) -> Result<Answer, DigestError> {
        match Trigger::try_from(event)? {
            Trigger::Day(asked) => self.queue_reports(asked).await,
            Trigger::Messages(batch) => Ok(Answer::Worked(self.work(batch).await)),
        }
    }

    /// Queues the report of each project that has notification users. Repeating queues them again, which mails
    /// nothing new.
    async fn queue_reports(&self, asked: Option<UtcDay>) -> Result<Answer, DigestError> {
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
            let jobs = page.items.iter().map(|project_id| ReportJob { project_id: *project_id, day, preview_asked_at });
            let jobs: Vec<ReportJob> = jobs.collect();
            self.queue.send(&jobs).await?;
            projects += jobs.len();
            next = page.next;
            if next.is_none() {
                info!(%day, projects, is_preview, "the reports of {day} of {projects} projects were queued");
                return Ok(Answer::Queued { day, projects });
            }
        }
    }

    /// Works through a batch, one message after the other, for each may need much memory.
    async fn work(&self, batch: SqsEvent) -> SqsBatchResponse {
        let messages = batch.records.len();
        let mut sent = 0;
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let message_id = message.message_id.clone().unwrap_or_default();
            match self.report(message).await {
                Ok(mails) => sent += mails,
                Err(error) => {
                    error!(message_id, cause = telemetry::chain(&error), "report message {message_id} must come again");
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = message_id;
                    response.batch_item_failures.push(failure);
                }
            }
        }
        let failed = response.batch_item_failures.len();
        info!(messages, failed, sent, "{sent} report mails were sent for {messages} messages");
        response
    }

    /// Mails one project's report to everybody who has not got it yet, and tells to how many.
    async fn report(&self, message: SqsMessage) -> Result<usize, ReportError> {
        let body = message.body.ok_or(ReportError::NoBody)?;
        let job: ReportJob = serde_json::from_str(&body).map_err(ReportError::Message)?;
        let Some(project) = self.settings.project(job.project_id).await? else { return Ok(0) };
        let readers = self.readers(&job).await?;
        if readers.is_empty() {
            return Ok(0);
        }
        let hosts = self.settings.endpoint_hosts(job.project_id).await?;
        let report = self.activity.report(job.project_id, job.day).await?.view(self.clock.now(), &hosts);
        let (mut sent, mut busy, mut failed) = (0, 0, 0);
        for user in readers {
            match self.mail(&job, &report, &project, &user).await {
                Ok(Mailing::Sent) => sent += 1,
                Ok(Mailing::Busy) => busy += 1,
                Err(error) => {
                    failed += 1;
                    let (project_id, user_id, day) = (project.id, user.id, job.day);
                    let cause = telemetry::chain(&error);
                    warn!(project.id = %project_id, user.id = %user_id, %day, cause, "user {user_id} got no report of {day}");
                }
            }
        }
        if busy + failed > 0 { Err(ReportError::Unsent { failed, busy }) } else { Ok(sent) }
    }

    /// The confirmed users who have not got this mail.
    async fn readers(&self, job: &ReportJob) -> Result<Vec<NotificationUser>, StoreError> {
        let mut users = self.settings.notification_users(job.project_id).await?;
        users.retain(|user| user.state == NotificationUserState::Confirmed);
        if users.is_empty() {
            return Ok(users);
        }
        let readers = self.activity.report_readers(job).await?;
        users.retain(|user| !readers.contains(&user.id));
        Ok(users)
    }

    /// Mails the report to one user, unless another run has claimed to.
    async fn mail(
        &self,
        job: &ReportJob,
        report: &ReportView,
        project: &Project,
        user: &NotificationUser,
    ) -> Result<Mailing, MailingError> {
        let mail = report_mail::render(report, project.name.as_str(), user.language)?;
        let claimed_at = self.clock.now();
        if self.activity.claim_report_mail(job, user.id, claimed_at).await? == Written::Before {
            return Ok(Mailing::Busy);
        }
        if let Err(error) = self.mailer.send(&user.email, &mail).await {
            // Where the mail may have been sent after all, the claim stays: sending again has to wait for its lease.
            if error.is_certain() {
                self.activity.release_report_mail(job, user.id, claimed_at).await?;
            }
            return Err(error.into());
        }
        self.activity.mark_report_mail_sent(job, user.id, self.clock.now()).await?;
        Ok(Mailing::Sent)
    }
}
