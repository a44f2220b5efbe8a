//! The two services that tests stand in for.

use std::time::Duration;

use shared::aws::mail::{MailError, Mailer};
use shared::aws::queue::{Message, Queue, QueueError};
use shared::delivery::Nudge;
use shared::digest::DigestJob;
use shared::notification_user::NotificationUser;
use shared::report_mail::Mail;

/// Takes what is to be done later.
pub trait DigestQueue: Send + Sync {
    /// Puts a message for each job on this function's own queue; they are durable afterwards. Repeating makes more messages.
    fn send(&self, jobs: &[DigestJob]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts nudges on the send queue.
    fn nudge(&self, nudges: Vec<Nudge>) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// The two queues that this function writes to.
#[derive(Debug, Clone)]
pub struct Queues {
    /// Its own.
    pub report: Queue,
    /// That of webhook-sender.
    pub send: Queue,
}

/// Sends mails.
pub trait DigestMailer: Send + Sync {
    /// Sends a mail to one user. Repeating makes another mail.
    fn send(&self, to: &NotificationUser, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

impl DigestQueue for Queues {
    async fn send(&self, jobs: &[DigestJob]) -> Result<(), QueueError> {
        let messages = jobs.iter().map(|job| Message::new(job.project_id(), job, Duration::ZERO));
        self.report.send(messages.collect::<Result<_, _>>()?).await
    }

    async fn nudge(&self, nudges: Vec<Nudge>) -> Result<(), QueueError> {
        let messages = nudges.into_iter().map(|nudge| Message::to_send(nudge, Duration::ZERO));
        self.send.send(messages.collect::<Result<_, _>>()?).await
    }
}

impl DigestMailer for Mailer {
    async fn send(&self, to: &NotificationUser, mail: &Mail) -> Result<(), MailError> {
        Mailer::send(self, to, mail).await
    }
}
