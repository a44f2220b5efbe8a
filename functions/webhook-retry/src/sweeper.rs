//! The clients that a sweep uses, and how it sends messages for the deliveries that it claimed.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use aws::functions::Function;
use aws::queue::{Message, Queue};
use aws::store::Store;
use aws::{Aws, ServiceError};
use domain::foundation::clock::Clock;
use tokio::sync::Semaphore;

use crate::config::Config;

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

    /// Sends the messages of the successful claims and returns their number. If a claim failed, its error is returned after the
    /// messages of the others were sent.
    pub(crate) async fn send_claimed(
        &self,
        claims: Vec<Result<Option<Message>, ServiceError>>,
    ) -> Result<usize, ServiceError> {
        let (mut messages, mut failed) = (Vec::new(), None);
        for claim in claims {
            match claim {
                Ok(message) => messages.extend(message),
                Err(error) => failed = Some(error),
            }
        }
        let count = messages.len();
        self.queue.send(messages).await?;
        failed.map_or(Ok(count), Err)
    }
}
