//! webhook-retry: once a minute, puts deliveries whose next attempt is due back onto the queue, looks after endpoints that
//! deliveries are held for, and carries on replays by filter.
//!
//! It looks a minute ahead, so that nothing waits for the next run, and it finds again what a lost message left behind.
//! Each delivery is claimed before its message is sent: two runs at once send one message, and if a run dies between the
//! two steps, the delivery is found again after [`shared::delivery::SECOND_LOOK`].

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use shared::aws::Aws;
use shared::aws::queue::{Message, Queue, QueueError};
use shared::aws::store::{Activity, Due, DueDelivery, DueReplay, SHARDS, Settings, StoreError, Written};
use shared::clock::Clock;
use shared::delivery::{self, SWEEP_AHEAD};
use shared::metric::{Measured, Metric};
use shared::telemetry;
use shared::time::Timestamp;
use thiserror::Error;
use tokio::sync::Semaphore;
use tracing::{error, info};

mod config;
mod endpoints;
mod notices;
mod replays;

pub use config::Config;

/// How many rows of a shard are taken at once.
const BATCH: usize = 50;

/// How many shards are read at once, though all are worked on side by side: mostly nothing is due, and a function that has just
/// started makes a connection for each read that it does not wait for.
const SHARDS_READ_AT_ONCE: usize = 2;

/// For how long a run has an endpoint or a replay to itself: as long as it may take (55 s), and as others look ahead (a minute).
/// If it dies, the next one goes on.
const LEASE: Duration = Duration::from_secs(115);

/// How long before its deadline a run takes no further batch.
const RESERVE: Duration = Duration::from_secs(10);

/// Sweeps up deliveries that are due.
pub struct Sweeper {
    settings: Settings,
    activity: Activity,
    queue: Queue,
    report_queue: Queue,
    clock: Arc<dyn Clock>,
    reads: Semaphore,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// How many deliveries were put back onto the queue because they were due.
    pub queued: usize,
    /// How many were because their endpoint takes webhooks again.
    pub released: usize,
    /// How many were put onto the queue to be replayed.
    pub replayed: u64,
    /// For how many seconds the delivery that was due longest had been due; zero if none was due before this run.
    pub lag_seconds: u64,
}

/// Why a run failed; what it left undone, the next run does.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Sweeper {
    /// Makes the clients; no call is made before the first run.
    pub fn new(config: &Config, aws: &Aws, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings: Settings::new(aws, &config.settings_table),
            activity: Activity::new(aws, &config.activity_table, config.retention),
            queue: Queue::new(aws, &config.send_queue_url),
            report_queue: Queue::new(aws, &config.report_queue_url),
            clock,
            reads: Semaphore::new(SHARDS_READ_AT_ONCE),
        }
    }

    /// Sweeps all shards side by side. `deadline` is when the function is ended, in milliseconds since 1970.
    pub async fn sweep(&self, deadline: u64) -> Result<Swept, SweepError> {
        let deadline = i64::try_from(deadline).ok().and_then(Timestamp::from_millis).unwrap_or(self.clock.now());
        let last_start = deadline.minus(RESERVE);
        let shards = join_all((0..SHARDS).map(|shard| self.sweep_shard(shard, last_start))).await;
        let mut swept = Swept::default();
        let mut failed = None;
        for shard in shards {
            match shard {
                Ok(part) => swept = swept.and(part),
                Err(error) => failed = Some(error),
            }
        }
        // A sweep that fails does not tell how late it is, so that it counts as late.
        if failed.is_none() {
            telemetry::record(&Measured::one(Metric::SweepLag, swept.lag_seconds), self.clock.now());
        }
        let Swept { queued, released, replayed, .. } = swept;
        info!(
            queued,
            released,
            replayed,
            "{queued} due, {released} held and {replayed} replayed deliveries were put onto the queue"
        );
        match failed {
            None => Ok(swept),
            Some(error) => {
                error!(cause = telemetry::chain(&error), "the sweep of some shards failed");
                Err(error)
            }
        }
    }

    async fn sweep_shard(&self, shard: u8, last_start: Timestamp) -> Result<Swept, SweepError> {
        // What this run puts off by a minute is not due again in it, however long it takes.
        let horizon = self.clock.now().plus(SWEEP_AHEAD).minus(Duration::from_millis(1));
        let (mut swept, mut failed, mut before) = (Swept::default(), None, Vec::new());
        loop {
            let due = self.due_in_shard(shard, horizon).await?;
            // What failed may come again, and so may what an index that lags still shows: only the former ends the run.
            let is_stuck = failed.is_some() && due == before;
            let is_last = due.len() < BATCH || is_stuck;
            before.clone_from(&due);
            swept = swept.and(self.sweep_batch(due, horizon, last_start, &mut failed).await);
            if is_last || self.clock.now() >= last_start {
                return failed.map_or(Ok(swept), Err);
            }
        }
    }

    async fn due_in_shard(&self, shard: u8, horizon: Timestamp) -> Result<Vec<Due>, StoreError> {
        let _turn = self.reads.acquire().await;
        self.activity.due_in_shard(shard, horizon, BATCH).await
    }

    /// Deals with rows that are due; what fails does not keep the rest from its turn.
    async fn sweep_batch(
        &self,
        due: Vec<Due>,
        horizon: Timestamp,
        last_start: Timestamp,
        failed: &mut Option<SweepError>,
    ) -> Swept {
        let (mut deliveries, mut endpoints, mut replays) = (Vec::new(), Vec::new(), Vec::new());
        for due in due {
            match due {
                Due::Delivery(delivery) => deliveries.push(delivery),
                Due::Endpoint(endpoint) => endpoints.push(endpoint),
                Due::Replay(replay) => replays.push(replay),
            }
        }
        let lag_seconds =
            deliveries.iter().map(|due| due.overdue(self.clock.now()).as_secs()).max().unwrap_or_default();
        // Deliveries first, for somebody waits for them.
        let queued = or_note(self.queue_all(deliveries).await, failed);
        let replayed = or_note(self.carry_on_all(&replays, last_start).await, failed);
        let released = or_note(self.look_after_all(&endpoints, horizon, last_start).await, failed);
        Swept { queued, released, replayed, lag_seconds }
    }

    /// Carries on replays side by side, the others too if one fails.
    async fn carry_on_all(&self, due: &[DueReplay], last_start: Timestamp) -> Result<u64, SweepError> {
        let carried_on = join_all(due.iter().map(|due| self.carry_on(due, last_start))).await;
        carried_on.into_iter().sum()
    }

    async fn queue_all(&self, due: Vec<DueDelivery>) -> Result<usize, SweepError> {
        let now = self.clock.now();
        let claims = due.into_iter().map(|due| async move {
            let reminder = delivery::remind(due.next_attempt_at, now);
            let written = self.activity.put_off(&due, reminder.sweep_at).await?;
            let delay = reminder.message_delay.filter(|_| written == Written::Now);
            delay.map(|delay| Message::to_send(due.nudge(), delay)).transpose().map_err(SweepError::Queue)
        });
        self.send_claimed(join_all(claims).await).await
    }

    /// Sends the messages of those claims that succeeded, and tells how many; fails afterwards if one had not.
    async fn send_claimed(&self, claims: Vec<Result<Option<Message>, SweepError>>) -> Result<usize, SweepError> {
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

/// What was done, or nothing if that failed; the first failure is kept.
fn or_note<T: Default>(done: Result<T, SweepError>, failed: &mut Option<SweepError>) -> T {
    done.unwrap_or_else(|error| {
        failed.get_or_insert(error);
        T::default()
    })
}

impl Swept {
    fn and(self, other: Self) -> Self {
        Self {
            queued: self.queued + other.queued,
            released: self.released + other.released,
            replayed: self.replayed + other.replayed,
            lag_seconds: self.lag_seconds.max(other.lag_seconds),
        }
    }
}
