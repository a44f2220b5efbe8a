//! One run: queues reports if the schedule or an operator started it, or processes the messages of the report queue.

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::reports::digest::DigestJob;
use serde_json::Value;
use tracing::{error, info};

use crate::digest::{Digest, DigestError, JobError, RunResult};
use crate::ports::{DigestMailer, DigestQueue};
use crate::trigger::Trigger;

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Runs what the event triggers.
    pub async fn handle(&self, event: Value) -> Result<RunResult, DigestError> {
        match Trigger::try_from(event)? {
            Trigger::Day(Some(day)) => self.queue_requested_day(day).await,
            Trigger::Day(None) => self.queue_due_reports().await,
            Trigger::Messages(batch) => Ok(RunResult::Processed(self.process(batch).await)),
        }
    }

    /// Processes messages one after the other, because a large report needs much memory.
    async fn process(&self, batch: SqsEvent) -> SqsBatchResponse {
        let messages = batch.records.len();
        let mut measured = Measured::default();
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let message_id = message.message_id.clone().unwrap_or_default();
            match self.process_message(message).await {
                Ok(part) => measured.extend([part]),
                Err(error) => {
                    error!(message_id, cause = telemetry::chain(&error), "message {message_id} returns to the queue");
                    response.add_failure(message_id);
                }
            }
        }
        let failed = response.batch_item_failures.len();
        let sent = measured.total(Metric::MailsSent);
        telemetry::record(&measured, self.clock.now());
        info!(messages, failed, sent, "{messages} messages were processed, {failed} failed, {sent} mails were sent");
        response
    }

    /// Runs the job of one message, and returns its metrics.
    async fn process_message(&self, message: SqsMessage) -> Result<Measured, JobError> {
        let body = message.body.ok_or(JobError::NoBody)?;
        match serde_json::from_str(&body).map_err(JobError::Message)? {
            // On the heap, because it is large.
            DigestJob::Report(job) => {
                Ok(Measured::one(Metric::MailsSent, Box::pin(self.process_report(&job)).await? as u64))
            }
            DigestJob::Notice(job) => Ok(Measured::one(Metric::MailsSent, self.mail_notice(&job).await? as u64)),
            DigestJob::Reconcile(job) => Ok(Measured::one(Metric::LostDeliveries, self.reconcile(&job).await? as u64)),
        }
    }
}
