//! The two services that tests stand in for.

use std::time::Duration;

use shared::aws::mail::{MailError, Mailer};
use shared::aws::queue::{Message, Queue, QueueError};
use shared::digest::DigestJob;
use shared::notification_user::EmailAddress;
use shared::report_mail::Mail;

/// Takes what is to be mailed later.
pub trait DigestQueue: Send + Sync {
    /// Puts a message for each job on the queue; they are durable afterwards. Repeating makes more messages.
    fn send(&self, jobs: &[DigestJob]) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Sends mails.
pub trait DigestMailer: Send + Sync {
    /// Sends a mail to one address. Repeating makes another mail.
    fn send(&self, to: &EmailAddress, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

impl DigestQueue for Queue {
    async fn send(&self, jobs: &[DigestJob]) -> Result<(), QueueError> {
        let messages = jobs.iter().map(|job| Message::new(job.project_id(), job, Duration::ZERO));
        Queue::send(self, messages.collect::<Result<_, _>>()?).await
    }
}

impl DigestMailer for Mailer {
    async fn send(&self, to: &EmailAddress, mail: &Mail) -> Result<(), MailError> {
        Mailer::send(self, to, mail).await
    }
}
