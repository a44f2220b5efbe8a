//! The run that sweeps all shards of the index of due rows, and the run that sweeps one.
//!
//! The first run reads one page of each shard. A shard that has more gets an invocation of its own, so that a backlog is worked
//! off in parallel and an idle minute costs one invocation. A failure in one shard, row or kind of row does not stop the others.
//! The run fails at its end, and the next run repeats what failed.

use std::time::Duration;

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::lambda::{deadline, telemetry};
use aws::store::{Due, DuePage, DueSelection};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::SWEEP_AHEAD;
use futures::future::join_all;
use serde::Serialize;
use tracing::{error, info, warn};

use crate::first_error::FirstError;
use crate::shard::{ShardRun, ShardSummary};
use crate::sweeper::Sweeper;
use crate::task::{Event, Shard, Task};

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
    /// Deliveries that expired.
    pub expired: usize,
    /// Shards that were left to invocations of their own.
    pub handed_over: usize,
    /// Age of the most overdue delivery in seconds; zero if no delivery was overdue.
    pub lag_seconds: u64,
}

/// What a run did in one shard, and the first error if something failed.
#[derive(Default)]
struct Swept {
    summary: SweepSummary,
    failed: FirstError,
    /// Whether the first page could be read, so that the lag of the shard is known.
    was_read: bool,
}

impl Sweeper {
    /// Does what `event` asks for. `deadline` is when Lambda ends the function, in milliseconds since 1970.
    pub async fn run(&self, event: Event, deadline: u64) -> Result<SweepSummary, ServiceError> {
        let last_start = deadline::deadline(deadline, self.clock.now()).minus(RESERVE);
        match event.task {
            None => self.sweep_all(last_start).await,
            Some(Task::Shard(shard)) => self.sweep_one(shard, last_start).await,
            Some(Task::Expire { after_runs }) => self.expire_held(after_runs, last_start).await,
        }
    }

    async fn sweep_all(&self, last_start: Timestamp) -> Result<SweepSummary, ServiceError> {
        let horizon = self.horizon();
        let shards = join_all(Shard::all().map(|shard| self.sweep_or_hand_over(shard, horizon, last_start))).await;
        let lag = lag_of_all(&shards);
        self.conclude(shards, lag)
    }

    async fn sweep_one(&self, shard: Shard, last_start: Timestamp) -> Result<SweepSummary, ServiceError> {
        let horizon = self.horizon();
        let swept = match self.first_page(shard, horizon).await {
            Ok(page) => self.sweep_shard(shard, page, horizon, last_start).await,
            Err(error) => Swept { failed: error.into(), ..Swept::default() },
        };
        self.conclude(vec![swept], Measured::default())
    }

    /// Rows due by this time are handled. It is fixed at the start, so that a row postponed by a minute is not due again in the
    /// same run, however long that takes.
    fn horizon(&self) -> Timestamp {
        self.clock.now().plus(SWEEP_AHEAD).minus(Duration::from_millis(1))
    }

    async fn first_page(&self, shard: Shard, horizon: Timestamp) -> Result<DuePage, ServiceError> {
        let _permit = self.reads.acquire().await;
        Ok(self.store.sweep.due_in_shard(shard.number(), horizon, None, DueSelection::ALL).await?)
    }

    /// Sweeps a shard, or leaves it to an invocation of its own if it has more than one page.
    async fn sweep_or_hand_over(&self, shard: Shard, horizon: Timestamp, last_start: Timestamp) -> Swept {
        let page = match self.first_page(shard, horizon).await {
            Ok(page) => page,
            Err(error) => return Swept { failed: error.into(), ..Swept::default() },
        };
        if page.is_end {
            return self.sweep_shard(shard, page, horizon, last_start).await;
        }
        match self.own_function.start(&Event::from(Task::Shard(shard))).await {
            Ok(()) => {
                let lag_seconds = lag_of(&page, self.clock.now());
                let summary = SweepSummary { handed_over: 1, lag_seconds, ..SweepSummary::default() };
                Swept { summary, was_read: true, ..Swept::default() }
            }
            Err(error) => {
                let number = shard.number();
                warn!(
                    shard = number,
                    cause = telemetry::chain(&error),
                    "shard {number} is swept here: no invocation was started"
                );
                self.sweep_shard(shard, page, horizon, last_start).await
            }
        }
    }

    async fn sweep_shard(&self, shard: Shard, page: DuePage, horizon: Timestamp, last_start: Timestamp) -> Swept {
        let lag_seconds = lag_of(&page, self.clock.now());
        let ShardSummary { queued, released, replayed, expired, failed } =
            ShardRun::new(self, shard, page, horizon, last_start).sweep().await;
        let summary = SweepSummary { queued, released, replayed, expired, handed_over: 0, lag_seconds };
        Swept { summary, failed, was_read: true }
    }

    /// Records the metrics and the log line of a run. `lag` is the metric of the lag, if the run knows it.
    fn conclude(&self, shards: Vec<Swept>, lag: Measured) -> Result<SweepSummary, ServiceError> {
        let (mut summary, mut failed) = (SweepSummary::default(), FirstError::default());
        for swept in shards {
            summary = summary.and(swept.summary);
            failed.add(swept.failed);
        }
        let expired = Measured::one(Metric::Expired, summary.expired as u64);
        let measured = [lag, expired, self.take_unreadable()].into_iter().collect();
        telemetry::record(&measured, self.clock.now());
        let SweepSummary { queued, released, replayed, expired, handed_over, .. } = summary;
        info!(
            queued,
            released,
            replayed,
            expired,
            handed_over,
            "{queued} due, {released} held and {replayed} replayed deliveries were queued, {expired} expired"
        );
        let concluded = failed.or(summary);
        if let Err(error) = &concluded {
            error!(cause = telemetry::chain(error), "the sweep of some rows or shards failed");
        }
        concluded
    }
}

/// The lag of all shards, as a metric. A lag that does not cover all shards is not reported, and the alarm treats the missing
/// value as late.
fn lag_of_all(shards: &[Swept]) -> Measured {
    let was_each_read = shards.iter().all(|swept| swept.was_read);
    let lag_seconds = shards.iter().map(|swept| swept.summary.lag_seconds).max().unwrap_or_default();
    if was_each_read { Measured::one(Metric::SweepLag, lag_seconds) } else { Measured::default() }
}

/// Age of the most overdue delivery of a page, in seconds.
fn lag_of(page: &DuePage, now: Timestamp) -> u64 {
    let ages = page.due.iter().filter_map(|due| match due {
        Due::Delivery(delivery) => Some(delivery.overdue(now).as_secs()),
        Due::Endpoint(_) | Due::Replay(_) => None,
    });
    ages.max().unwrap_or_default()
}

impl SweepSummary {
    fn and(self, other: Self) -> Self {
        Self {
            queued: self.queued + other.queued,
            released: self.released + other.released,
            replayed: self.replayed + other.replayed,
            expired: self.expired + other.expired,
            handed_over: self.handed_over + other.handed_over,
            lag_seconds: self.lag_seconds.max(other.lag_seconds),
        }
    }
}
