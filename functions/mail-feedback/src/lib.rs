//! mail-feedback: stops mails to addresses that they come back from for good, or that take them for spam.
//!
//! SES tells of both through a topic and a queue. Whom a mail was to is told by its tags, and never looked for by address. Who is
//! so stopped is shown in the settings with the reason, and can come back by confirming their address again.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::audit::{Actor, Author, Deed, Entry, Resource};
use shared::aws::Aws;
use shared::aws::store::{Commit, ProjectWrite, Settings, StoreError, Write, Written};
use shared::clock::Clock;
use shared::mail_feedback::{MailFeedback as Feedback, NotFeedback};
use shared::notification_user::NotificationUser;
use shared::random::{self, Random};
use shared::telemetry;
use thiserror::Error;
use tracing::{error, info};

mod config;

pub use config::Config;

/// Takes what SES tells.
pub struct MailFeedback {
    settings: Settings,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why a message must come again.
#[derive(Debug, Error)]
enum TakeError {
    #[error("message has no body")]
    NoBody,
    #[error(transparent)]
    NotFeedback(#[from] NotFeedback),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("settings of the project were changed at the same moment")]
    ChangedMeanwhile,
}

impl MailFeedback {
    /// Makes the client; no call is made before the first message.
    pub fn connect(config: &Config, aws: &Aws, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self::new(Settings::new(aws, &config.settings_table), clock, random)
    }

    /// Feedback on the notification users in `settings`.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { settings, clock, random }
    }

    /// Takes a batch of messages; names those that must come again.
    pub async fn take(&self, batch: SqsEvent) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let message_id = message.message_id.clone().unwrap_or_default();
            if let Err(error) = self.take_one(message).await {
                error!(message_id, cause = telemetry::chain(&error), "message {message_id} must come again");
                response.add_failure(message_id);
            }
        }
        response
    }

    async fn take_one(&self, message: SqsMessage) -> Result<(), TakeError> {
        let body = message.body.ok_or(TakeError::NoBody)?;
        match Feedback::read(&body)? {
            Some(feedback) => self.suppress(&feedback).await,
            None => {
                info!("a mail was reported on that stays without consequence");
                Ok(())
            }
        }
    }

    /// Stops mails to a user, once. Of one who was removed meanwhile there is nothing to stop.
    async fn suppress(&self, feedback: &Feedback) -> Result<(), TakeError> {
        let Feedback { project_id, user_id, at, reason } = *feedback;
        let Some(project) = self.settings.project_now(project_id).await? else { return Ok(()) };
        let Some(user) = self.settings.notification_user(project_id, user_id).await? else { return Ok(()) };
        let mut suppressed = user.clone();
        suppressed.suppress(reason, at);
        if suppressed == user {
            return Ok(());
        }
        let project = ProjectWrite::Keep(project);
        let entry = Entry {
            number: project.next_revision(),
            at: self.clock.now(),
            author: Author { actor: Actor::System, source_ip: None, request_id: None },
            deed: deed(&user, &suppressed),
        };
        let nonce = random::letters_and_digits(22, &*self.random);
        let writes = vec![Write::notification_user(&suppressed)?];
        match self.settings.commit(Commit { project, writes, entry, nonce }, None).await? {
            Written::Now => info!(project.id = %project_id, user.id = %user_id, "user {user_id} gets no more mails"),
            Written::Before => return Err(TakeError::ChangedMeanwhile),
        }
        Ok(())
    }
}

fn deed(before: &NotificationUser, after: &NotificationUser) -> Deed {
    Deed::changed(Resource::NotificationUser { id: before.id }, &before.shown().audited(), &after.shown().audited())
}
