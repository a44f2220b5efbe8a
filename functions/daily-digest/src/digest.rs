//! The services that a run uses, what a run returns, and why a run or a message fails.

use std::sync::Arc;

use aws::link_keys::LinkKeyError;
use aws::queue::{Queue, QueueError};
use aws::secrets::{KeyRingSecret, SecretError};
use aws::ses::Mailer;
use aws::store::{Retention, Store, StoreError};
use aws::{Aws, ServiceError};
use aws_lambda_events::sqs::SqsBatchResponse;
use domain::foundation::clock::Clock;
use domain::foundation::random::Random;
use domain::foundation::time::UtcDay;
use domain::reports::report::MAX_SLICE_ROWS;
use serde::Serialize;
use thiserror::Error;

use crate::config::Config;
use crate::ports::Queues;
use crate::trigger::BadTrigger;

/// Queues and mails reports and notices.
pub struct Digest<Q, M> {
    /// The stores.
    pub store: Store,
    /// How long deliveries are kept.
    pub retention: Retention,
    /// The queues that this function writes to.
    pub queue: Q,
    /// Sends mails.
    pub mailer: M,
    /// Key ring that seals the links in mails.
    pub key_ring: KeyRingSecret,
    /// Maximum number of rows that one message counts for a report.
    pub max_slice_rows: u64,
    /// Base URL of the API, which serves those links. Without a trailing slash.
    pub api_base_url: String,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness.
    pub random: Arc<dyn Random>,
}

/// What a run returns to Lambda.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RunResult {
    /// Reports were queued.
    Queued {
        /// The days reported, oldest first. Empty if no report was due.
        days: Vec<UtcDay>,
        /// Number of reports.
        reports: usize,
    },
    /// Messages were processed. The response names those that return to the queue.
    Processed(SqsBatchResponse),
}

/// Why a run failed as a whole.
#[derive(Debug, Error)]
pub enum DigestError {
    /// The event is not a valid trigger.
    #[error(transparent)]
    Trigger(#[from] BadTrigger),
    /// A service failed.
    #[error(transparent)]
    Service(ServiceError),
}

aws::from_service_errors!(DigestError: StoreError, QueueError);

/// Why a message returns to the queue.
#[derive(Debug, Error)]
pub(crate) enum JobError {
    #[error("message has no body")]
    NoBody,
    #[error("message is not a known job")]
    Message(#[source] serde_json::Error),
    #[error(transparent)]
    Service(ServiceError),
    #[error(transparent)]
    LinkKey(#[from] LinkKeyError),
    #[error("{failed} mails failed, and another run is sending {busy}")]
    Unsent { failed: usize, busy: usize },
}

aws::from_service_errors!(JobError: StoreError, QueueError, SecretError);

impl Digest<Queues, Mailer> {
    /// Creates the clients. No call is made before the first run.
    pub fn connect(config: Config, aws: &Aws, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let (report, send) = (Queue::new(aws, &config.report_queue_url), Queue::new(aws, &config.send_queue_url));
        Self {
            store: Store::new(aws, &config.store),
            retention: config.store.retention,
            queue: Queues { report, send },
            mailer: Mailer::new(aws, &config.mail_from, config.mail_configuration_set),
            key_ring: KeyRingSecret::new(aws, &config.key_ring_secret, clock.clone()),
            max_slice_rows: MAX_SLICE_ROWS,
            api_base_url: config.api_base_url,
            clock,
            random,
        }
    }
}
