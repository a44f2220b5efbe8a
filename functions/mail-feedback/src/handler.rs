//! Processes bounces and complaints.

use std::sync::Arc;

use aws::Aws;
use aws::lambda::telemetry;
use aws::store::{Commit, ProjectStore, ProjectWrite, StoreError, SuppressionStore, UserStore, Write, WriteOutcome};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::foundation::clock::Clock;
use domain::foundation::random::{self, Random};
use domain::projects::audit::{Actor, AuditChange, Author, Entry, Resource};
use domain::reports::mail_feedback::{MailFeedback, NotFeedback};
use domain::reports::notification_user::NotificationUser;
use domain::reports::suppression::Suppression;
use thiserror::Error;
use tracing::{error, info};

use crate::config::Config;

/// Suppresses notification users whose mails bounce or are reported as spam.
pub struct FeedbackHandler {
    projects: ProjectStore,
    users: UserStore,
    suppressions: SuppressionStore,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why a message returns to the queue.
#[derive(Debug, Error)]
enum FeedbackError {
    #[error("message has no body")]
    NoBody,
    #[error(transparent)]
    NotFeedback(#[from] NotFeedback),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the settings of the project changed at the same time")]
    Conflict,
}

impl FeedbackHandler {
    /// Creates the clients. No call is made before the first message.
    pub fn connect(config: &Config, aws: &Aws, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let table = &config.settings_table;
        let stores = (ProjectStore::new(aws, table), UserStore::new(aws, table), SuppressionStore::new(aws, table));
        Self::new(stores, clock, random)
    }

    /// Creates a handler with these stores.
    pub fn new(
        (projects, users, suppressions): (ProjectStore, UserStore, SuppressionStore),
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { projects, users, suppressions, clock, random }
    }

    /// Processes a batch of messages. The response names those that return to the queue.
    pub async fn handle(&self, batch: SqsEvent) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let message_id = message.message_id.clone().unwrap_or_default();
            if let Err(error) = self.handle_message(message).await {
                error!(message_id, cause = telemetry::chain(&error), "message {message_id} returns to the queue");
                response.add_failure(message_id);
            }
        }
        response
    }

    async fn handle_message(&self, message: SqsMessage) -> Result<(), FeedbackError> {
        let body = message.body.ok_or(FeedbackError::NoBody)?;
        match MailFeedback::read(&body)? {
            Some(feedback) => self.suppress(&feedback).await,
            None => {
                info!("a mail event had no effect");
                Ok(())
            }
        }
    }

    /// Adds the address to the suppression list, and suppresses the user if there is one. Does nothing if the person has confirmed
    /// the address since.
    async fn suppress(&self, feedback: &MailFeedback) -> Result<(), FeedbackError> {
        let MailFeedback { project_id, user_id, address, at, reason } = feedback;
        let suppression = Suppression { at: *at, reason: *reason };
        let user = self.users.get(*project_id, *user_id).await?;
        if user.as_ref().is_some_and(|user| user.has_confirmed_since(*at)) {
            return Ok(());
        }
        // The user or the project may be deleted. The list outlives both, so that adding the address again sends no mail.
        let address = address.clone().or_else(|| user.as_ref().map(|user| user.email.hashes()));
        if let Some(address) = address {
            self.suppressions.add(&address, *project_id, suppression).await?;
            info!(project.id = %project_id, "an address was added to the suppression list: {reason}");
        }
        match user {
            Some(user) => self.suppress_user(user, suppression).await,
            None => Ok(()),
        }
    }

    /// Suppresses a user and adds an entry to the audit log. Does nothing if the user is suppressed already.
    async fn suppress_user(&self, user: NotificationUser, suppression: Suppression) -> Result<(), FeedbackError> {
        let (project_id, user_id) = (user.project_id, user.id);
        let Some(project) = self.projects.get_now(project_id).await? else { return Ok(()) };
        let mut suppressed = user.clone();
        suppressed.suppress(suppression);
        if suppressed == user {
            return Ok(());
        }
        let project = ProjectWrite::Keep(project);
        let entry = Entry {
            number: project.next_revision(),
            at: self.clock.now(),
            author: Author { actor: Actor::System, source_ip: None, request_id: None },
            change: change(&user, &suppressed),
        };
        let nonce = random::letters_and_digits(22, &*self.random);
        let writes = vec![Write::notification_user(&suppressed)?];
        match self.projects.commit(Commit { project, writes, entry, nonce }, None).await? {
            WriteOutcome::Applied => {
                info!(project.id = %project_id, user.id = %user_id, "mails to user {user_id} were stopped");
            }
            WriteOutcome::Conflict => return Err(FeedbackError::Conflict),
        }
        Ok(())
    }
}

fn change(before: &NotificationUser, after: &NotificationUser) -> AuditChange {
    AuditChange::changed(
        Resource::NotificationUser { id: before.id },
        &before.shown().audited(),
        &after.shown().audited(),
    )
}
