//! The two services that tests replace: queues and mail.

use std::time::Duration;

use aws::queue::{Message, Queue, QueueError};
use aws::ses::{MailError, Mailer};
use domain::reports::digest::DigestJob;
use domain::reports::notification_user::NotificationUser;
use domain::webhooks::delivery::AttemptTask;
use mail::Mail;

/// Queues work for later.
pub trait DigestQueue: Send + Sync {
    /// Sends one message for each job to the report queue. On success all messages are durable. Repeating sends them again.
    fn send_jobs(&self, jobs: &[DigestJob]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Sends tasks to the send queue. Repeating sends them again; webhook-sender drops duplicates.
    fn send_tasks(&self, tasks: Vec<AttemptTask>) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// The two queues that this function writes to.
#[derive(Debug, Clone)]
pub struct Queues {
    /// The report queue, which this function reads.
    pub report: Queue,
    /// The send queue, which webhook-sender reads.
    pub send: Queue,
}

/// Sends mails.
pub trait DigestMailer: Send + Sync {
    /// Sends a mail to one user. Repeating sends another mail.
    fn send(&self, to: &NotificationUser, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

impl DigestQueue for Queues {
    async fn send_jobs(&self, jobs: &[DigestJob]) -> Result<(), QueueError> {
        let messages = jobs.iter().map(|job| Message::new(job.project_id(), job, Duration::ZERO));
        self.report.send(messages.collect::<Result<_, _>>()?).await
    }

    async fn send_tasks(&self, tasks: Vec<AttemptTask>) -> Result<(), QueueError> {
        let messages = tasks.into_iter().map(|task| Message::to_send(task, Duration::ZERO));
        self.send.send(messages.collect::<Result<_, _>>()?).await
    }
}

impl DigestMailer for Mailer {
    async fn send(&self, to: &NotificationUser, mail: &Mail) -> Result<(), MailError> {
        Mailer::send(self, to, mail).await
    }
}
