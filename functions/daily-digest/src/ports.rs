//! The two services that tests stand in for.

use std::time::Duration;

use shared::aws::mail::{MailError, Mailer};
use shared::aws::queue::{Message, Queue, QueueError};
use shared::notification_user::EmailAddress;
use shared::report::ReportJob;
use shared::report_mail::Mail;

/// Takes reports to be built later.
pub trait ReportQueue: Send + Sync {
    /// Puts a message for each job on the queue; they are durable afterwards. Repeating makes more messages.
    fn send(&self, jobs: &[ReportJob]) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Sends mails.
pub trait ReportMailer: Send + Sync {
    /// Sends a mail to one address. Repeating makes another mail.
    fn send(&self, to: &EmailAddress, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

impl ReportQueue for Queue {
    async fn send(&self, jobs: &[ReportJob]) -> Result<(), QueueError> {
        let messages = jobs.iter().map(|job| Message::new(job.project_id, job, Duration::ZERO));
        Queue::send(self, messages.collect::<Result<_, _>>()?).await
    }
}

impl ReportMailer for Mailer {
    async fn send(&self, to: &EmailAddress, mail: &Mail) -> Result<(), MailError> {
        Mailer::send(self, to, mail).await
    }
}
