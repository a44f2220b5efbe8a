//! One run: reads all shards of the index of due rows and handles what is due in each.
//!
//! A failure in one shard, row or kind of row does not stop the others. The run fails at its end, and the next run repeats what
//! failed.

use std::time::Duration;

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{Due, SHARDS, StoreError};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::SWEEP_AHEAD;
use futures::future::join_all;
use serde::Serialize;
use tracing::{error, info};

use crate::sweeper::Sweeper;

/// Maximum number of rows read from a shard at once.
const BATCH_SIZE: usize = 50;

/// A run starts no further batch this long before its deadline.
const RESERVE: Duration = Duration::from_secs(10);

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepSummary {
    /// Deliveries queued because their next attempt was due.
    pub queued: usize,
    /// Held deliveries queued because their endpoint accepts webhooks again, or is gone.
    pub released: usize,
    /// Deliveries queued as part of a replay.
    pub replayed: u64,
    /// Age of the most overdue delivery in seconds; zero if no delivery was overdue.
    pub lag_seconds: u64,
}

impl Sweeper {
    /// Sweeps all shards concurrently. `deadline` is when Lambda ends the function, in milliseconds since 1970.
    pub async fn sweep(&self, deadline: u64) -> Result<SweepSummary, ServiceError> {
        let deadline = i64::try_from(deadline).ok().and_then(Timestamp::from_millis).unwrap_or(self.clock.now());
        let last_start = deadline.minus(RESERVE);
        let shards = join_all((0..SHARDS).map(|shard| self.sweep_shard(shard, last_start))).await;
        let mut summary = SweepSummary::default();
        let mut failed = None;
        for shard in shards {
            match shard {
                Ok(part) => summary = summary.and(part),
                Err(error) => failed = Some(error),
            }
        }
        // A failed sweep reports no lag. The alarm treats the missing value as late.
        if failed.is_none() {
            telemetry::record(&Measured::one(Metric::SweepLag, summary.lag_seconds), self.clock.now());
        }
        let SweepSummary { queued, released, replayed, .. } = summary;
        info!(
            queued,
            released, replayed, "{queued} due, {released} held and {replayed} replayed deliveries were queued"
        );
        match failed {
            None => Ok(summary),
            Some(error) => {
                error!(cause = telemetry::chain(&error), "the sweep of some shards failed");
                Err(error)
            }
        }
    }

    async fn sweep_shard(&self, shard: u8, last_start: Timestamp) -> Result<SweepSummary, ServiceError> {
        // Fixed at the start, so that a row postponed by a minute is not due again in the same run, however long it takes.
        let horizon = self.clock.now().plus(SWEEP_AHEAD).minus(Duration::from_millis(1));
        let (mut summary, mut failed, mut previous) = (SweepSummary::default(), None, Vec::new());
        loop {
            let due = self.due_in_shard(shard, horizon).await?;
            // The same rows come again if handling them failed, or if the index lags behind the writes. Only the first case
            // would repeat forever.
            let is_stuck = failed.is_some() && due == previous;
            let is_last = due.len() < BATCH_SIZE || is_stuck;
            previous.clone_from(&due);
            summary = summary.and(self.sweep_batch(due, horizon, last_start, &mut failed).await);
            if is_last || self.clock.now() >= last_start {
                return failed.map_or(Ok(summary), Err);
            }
        }
    }

    async fn due_in_shard(&self, shard: u8, horizon: Timestamp) -> Result<Vec<Due>, StoreError> {
        let _permit = self.reads.acquire().await;
        self.store.sweep.due_in_shard(shard, horizon, BATCH_SIZE).await
    }

    /// Handles rows that are due. `failed` keeps the first error of the shard.
    async fn sweep_batch(
        &self,
        due: Vec<Due>,
        horizon: Timestamp,
        last_start: Timestamp,
        failed: &mut Option<ServiceError>,
    ) -> SweepSummary {
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
        // Due attempts go first because a late one delays a webhook.
        let queued = or_record(self.queue_due(deliveries).await, failed);
        let replayed = or_record(self.continue_replays(&replays, last_start).await, failed);
        let released = or_record(self.check_endpoints(&endpoints, horizon, last_start).await, failed);
        SweepSummary { queued, released, replayed, lag_seconds }
    }
}

/// Returns the value of `result`. After an error returns the default, and records the error in `failed` if it is the first.
fn or_record<T: Default>(result: Result<T, ServiceError>, failed: &mut Option<ServiceError>) -> T {
    result.unwrap_or_else(|error| {
        failed.get_or_insert(error);
        T::default()
    })
}

impl SweepSummary {
    fn and(self, other: Self) -> Self {
        Self {
            queued: self.queued + other.queued,
            released: self.released + other.released,
            replayed: self.replayed + other.replayed,
            lag_seconds: self.lag_seconds.max(other.lag_seconds),
        }
    }
}
