//! The clients that a sweep uses, and how it sends messages for the deliveries that it claimed.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use aws::functions::Function;
use aws::queue::{Message, Queue};
use aws::store::{Store, WriteOutcome};
use aws::{Aws, ServiceError};
use domain::foundation::clock::Clock;
use domain::webhooks::delivery::{AttemptTask, Reminder};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::first_error::FirstError;

/// Maximum number of shards whose first page is read at the same time. Most shards have nothing due, and after a cold start each
/// concurrent read opens a connection of its own.
const MAX_CONCURRENT_READS: usize = 2;

/// How long a run has an endpoint or a replay to itself: the maximum duration of a run (55 s) plus the minute that other runs
/// look ahead. If the run dies, a later run continues after this time.
pub(crate) const LEASE: Duration = Duration::from_secs(115);

/// Sweeps due deliveries, endpoints and replays.
pub struct Sweeper {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) report_queue: Queue,
    /// Starts further invocations of this function.
    pub(crate) own_function: Function,
    /// How long events and deliveries are kept.
    pub(crate) retention: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reads: Semaphore,
    /// Number of rows that could not be read, since it was last reported.
    pub(crate) unreadable: AtomicU64,
}

impl Sweeper {
    /// Creates the clients. No call is made before the first run.
    pub fn new(config: &Config, aws: &Aws, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Store::new(aws, &config.store),
            queue: Queue::new(aws, &config.send_queue_url),
            report_queue: Queue::new(aws, &config.report_queue_url),
            own_function: Function::new(aws, &config.function_name),
            retention: config.store.retention.duration(),
            clock,
            reads: Semaphore::new(MAX_CONCURRENT_READS),
            unreadable: AtomicU64::new(0),
        }
    }

    /// Sends the messages of the successful claims and returns their number. A failed claim does not stop the others.
    pub(crate) async fn send_claimed(
        &self,
        claims: Vec<Result<Option<Message>, ServiceError>>,
        failed: &mut FirstError,
    ) -> usize {
        let messages: Vec<Message> = claims.into_iter().filter_map(|claim| failed.or_default(claim)).collect();
        let count = messages.len();
        let sent = self.queue.send(messages).await.map(|()| count);
        failed.or_default(sent.map_err(ServiceError::from))
    }
}

/// The message of a delivery whose next attempt is `task`, if the write claimed the delivery. There is none for an attempt that
/// is due later than a message can be delayed.
pub(crate) fn claimed(
    task: AttemptTask,
    reminder: Reminder,
    written: WriteOutcome,
) -> Result<Option<Message>, ServiceError> {
    let delay = reminder.message_delay.filter(|_| written == WriteOutcome::Applied);
    Ok(delay.map(|delay| Message::to_send(task, delay)).transpose()?)
}
