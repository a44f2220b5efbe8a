//! daily-digest: every morning, one mail a notification user with the report of the day before; and at any time, one when an
//! endpoint fails for long or is disabled. The morning's run also looks for deliveries that were lost sight of.
//!
//! The report runs in two parts, so that the number of projects hardly matters. The schedule only lists the projects that
//! have notification users, and puts a message for each on a queue. A message builds one project's report and mails it.
//!
//! Each mail is claimed before it is sent and marked when SES has it ([`shared::aws::store`] tells how), so it does
//! not matter how often the schedule fires, how often a message comes, or where a run dies: the next one sends what
//! is missing.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Serialize;
use serde_json::Value;
use shared::aws::Aws;
use shared::aws::mail::Mailer;
use shared::aws::queue::{Queue, QueueError};
use shared::aws::secrets::{KeyRingSecret, SecretError};
use shared::aws::store::{Activity, Retention, Settings, StoreError};
use shared::clock::Clock;
use shared::digest::DigestJob;
use shared::metric::{Measured, Metric};
use shared::random::Random;
use shared::telemetry;
use shared::time::UtcDay;
use thiserror::Error;
use tracing::{error, info};

mod config;
mod mailing;
mod notice;
mod ports;
mod reconcile;
mod report;
mod trigger;

pub use config::Config;
pub use ports::{DigestMailer, DigestQueue, Queues};
pub use trigger::{BadTrigger, Trigger};

/// Reports to notification users, and the services that they take.
pub struct Digest<Q, M> {
    /// The settings.
    pub settings: Settings,
    /// The activity.
    pub activity: Activity,
    /// For how long deliveries are kept.
    pub retention: Retention,
    /// The queues that this function writes to.
    pub queue: Q,
    /// Sends mails.
    pub mailer: M,
    /// Seals the links in mails.
    pub key_ring: KeyRingSecret,
    /// Where the API is reached, which answers those links; without a slash at the end.
    pub api_base_url: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
}

/// What a run answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The reports of these days were queued.
    Queued {
        /// The days, in the order of the calendar; none, if another run was faster.
        days: Vec<UtcDay>,
        /// How many reports.
        reports: usize,
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
enum JobError {
    #[error("message has no body")]
    NoBody,
    #[error("message asks for nothing that is known")]
    Message(#[source] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{failed} mails were not sent, {busy} are being sent by another run")]
    Unsent { failed: usize, busy: usize },
}

impl Digest<Queues, Mailer> {
    /// Makes the clients; no call is made before the first run.
    pub fn connect(config: Config, aws: &Aws, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let (report, send) = (Queue::new(aws, &config.report_queue_url), Queue::new(aws, &config.send_queue_url));
        Self {
            settings: Settings::new(aws, &config.settings_table),
            activity: Activity::new(aws, &config.activity_table, config.retention),
            retention: config.retention,
            queue: Queues { report, send },
            mailer: Mailer::new(aws, &config.mail_from, config.mail_configuration_set),
            key_ring: KeyRingSecret::new(aws, &config.key_ring_secret, clock.clone()),
            api_base_url: config.api_base_url,
            clock,
            random,
        }
    }
}

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Does what the event asks for.
    pub async fn handle(&self, event: Value) -> Result<Answer, DigestError> {
        match Trigger::try_from(event)? {
            Trigger::Day(Some(asked)) => self.queue_day_asked_for(asked).await,
            Trigger::Day(None) => self.queue_days_due().await,
            Trigger::Messages(batch) => Ok(Answer::Worked(self.work(batch).await)),
        }
    }

    /// Works through a batch, one message after the other, for each may need much memory.
    async fn work(&self, batch: SqsEvent) -> SqsBatchResponse {
        let messages = batch.records.len();
        let mut measured = Measured::default();
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let message_id = message.message_id.clone().unwrap_or_default();
            match self.do_job(message).await {
                Ok(part) => measured.extend([part]),
                Err(error) => {
                    error!(message_id, cause = telemetry::chain(&error), "message {message_id} must come again");
                    response.add_failure(message_id);
                }
            }
        }
        let failed = response.batch_item_failures.len();
        let sent = measured.total(Metric::MailsSent);
        telemetry::record(&measured, self.clock.now());
        info!(messages, failed, sent, "{sent} mails were sent for {messages} messages");
        response
    }

    /// Does what one message asks for, and tells what is to be counted.
    async fn do_job(&self, message: SqsMessage) -> Result<Measured, JobError> {
        let body = message.body.ok_or(JobError::NoBody)?;
        match serde_json::from_str(&body).map_err(JobError::Message)? {
            DigestJob::Report(job) => Ok(Measured::one(Metric::MailsSent, self.report(&job).await? as u64)),
            DigestJob::Notice(job) => Ok(Measured::one(Metric::MailsSent, self.notice(&job).await? as u64)),
            DigestJob::Reconcile(job) => Ok(Measured::one(Metric::LostDeliveries, self.reconcile(&job).await? as u64)),
        }
    }
}
