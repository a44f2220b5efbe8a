//! Held deliveries that expire.
//!
//! Waiting deliveries expire when the sweep finds them due. Held ones are not due while their endpoint is paused or disabled, so
//! a run of its own searches for them once an hour.

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{Held, SCAN_SEGMENTS, WriteOutcome};
use domain::foundation::time::Timestamp;
use futures::future::join_all;
use tracing::{info, warn};

use crate::first_error::FirstError;
use crate::sweep::SweepSummary;
use crate::sweeper::Sweeper;
use crate::task::{Event, Task};

/// Maximum number of deliveries of a segment that are written concurrently.
const BATCH_SIZE: usize = 8;

/// Maximum number of invocations in a row. The next ones begin with the next hour. Lambda would end a longer chain as a loop.
const MAX_RUNS: u8 = 10;

/// What a run did in one segment of the index.
#[derive(Default)]
struct Segment {
    expired: usize,
    /// Whether the end of the segment was reached.
    is_finished: bool,
    failed: FirstError,
}

impl Sweeper {
    /// Ends the held deliveries that expire. If the time is not enough, another invocation continues.
    pub(crate) async fn expire_held(
        &self,
        after_runs: u8,
        last_start: Timestamp,
    ) -> Result<SweepSummary, ServiceError> {
        let now = self.clock.now();
        let segments = join_all((0..SCAN_SEGMENTS).map(|segment| self.expire_segment(segment, now, last_start))).await;
        let is_finished = segments.iter().all(|segment| segment.is_finished);
        let expired = segments.iter().map(|segment| segment.expired).sum();
        let measured = [Measured::one(Metric::Expired, expired as u64), self.take_unreadable()].into_iter().collect();
        telemetry::record(&measured, self.clock.now());
        info!(expired, "{expired} held deliveries expired");
        let mut failed = FirstError::default();
        for segment in segments {
            failed.add(segment.failed);
        }
        failed.or(())?;
        if !is_finished {
            self.continue_expiry(after_runs + 1, expired > 0).await;
        }
        Ok(SweepSummary { expired, ..SweepSummary::default() })
    }

    /// Starts another invocation, unless there have been enough or this one made no progress. The run of the next hour does what
    /// is left.
    async fn continue_expiry(&self, after_runs: u8, has_progress: bool) {
        if after_runs >= MAX_RUNS || !has_progress {
            warn!("there was no time to end all held deliveries that expire");
        } else if let Err(error) = self.own_function.start(&Event::from(Task::Expire { after_runs })).await {
            warn!(cause = telemetry::chain(&error), "no invocation was started for the held deliveries that are left");
        }
    }

    async fn expire_segment(&self, number: i32, now: Timestamp, last_start: Timestamp) -> Segment {
        let (mut segment, mut after) = (Segment::default(), None);
        while self.clock.now() < last_start {
            let page = match self.store.deliveries.held_to_expire(number, now, after).await {
                Ok(page) => page,
                Err(error) => {
                    segment.failed.add(ServiceError::from(error).into());
                    return segment;
                }
            };
            segment.failed.or_default(self.set_held_aside(&page.unreadable).await);
            for chunk in page.held.chunks(BATCH_SIZE) {
                if self.clock.now() >= last_start {
                    return segment;
                }
                for ended in join_all(chunk.iter().map(|held| self.expire_one(held, now))).await {
                    segment.expired += usize::from(segment.failed.or_default(ended));
                }
            }
            after = page.next;
            if after.is_none() {
                segment.is_finished = true;
                break;
            }
        }
        segment
    }

    /// Ends a held delivery as expired. Returns whether this run did.
    async fn expire_one(&self, held: &Held, now: Timestamp) -> Result<bool, ServiceError> {
        let written = self.store.deliveries.expire(held.project_id, held.id, held.attempt_count, now).await?;
        Ok(written == WriteOutcome::Applied)
    }
}
