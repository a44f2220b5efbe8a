//! Replays: each minute, as many deliveries as the rate allows are queued, spread over the minute.
//!
//! Messages are sent before the replay's position is stored. If a run dies between the two, the next run sends some messages
//! again, and the sender drops the duplicates. [`crate::missing`] does the same for the scope `missing`.

use std::time::Duration;

use aws::ServiceError;
use aws::queue::Message;
use aws::store::{DueReplay, Found, LeasedReplay, StoreError};
use domain::foundation::time::Timestamp;
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::replay::{Replay, ReplayPosition, ReplayRate, ReplayScope, ReplayState};
use futures::future::join_all;
use tracing::info;

use crate::first_error::FirstError;
use crate::sweeper::{LEASE, Sweeper};

/// Maximum time that a run searches for deliveries of one replay. The next run continues the search.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum number of deliveries read before their messages are sent.
pub(crate) const BATCH_SIZE: usize = 100;

/// Result of queueing one minute of a replay.
pub(crate) struct QueuedMinute {
    /// Number of deliveries queued.
    pub(crate) queued: u64,
    /// Where the search continues.
    pub(crate) position: ReplayPosition,
}

impl Sweeper {
    /// Continues replays concurrently, and returns the number of deliveries queued. A failure does not stop the other replays.
    pub(crate) async fn continue_replays(&self, due: &[DueReplay], last_start: Timestamp) -> Result<u64, ServiceError> {
        let queued = join_all(due.iter().map(|due| async move {
            match self.continue_replay(due, last_start).await {
                Err(ServiceError::Store(StoreError::Row(_))) => self.set_aside(&due.key()).await.map(|()| 0),
                queued => queued,
            }
        }));
        let mut failed = FirstError::default();
        let queued = queued.await.into_iter().map(|queued| failed.or_default(queued)).sum();
        failed.or(queued)
    }

    /// Queues the deliveries of a replay's next minute, and schedules the minute after it. Returns the number of deliveries
    /// queued; zero if another run has the replay, or if it is done.
    async fn continue_replay(&self, due: &DueReplay, last_start: Timestamp) -> Result<u64, ServiceError> {
        let now = self.clock.now();
        let Some(leased) = self.store.replays.lease(due, now.plus(LEASE)).await? else { return Ok(0) };
        let (replay, id) = (&leased.replay, due.replay_id);
        if replay.is_over(now) {
            self.store.replays.end(replay, ReplayState::Done).await?;
            info!(replay.id = %id, queued = replay.progress.queued, "replay {id} is done");
            return Ok(0);
        }
        let from = replay.sent_until.max(now);
        let until = last_start.min(now.plus(SEARCH_TIMEOUT));
        let endpoint = self.endpoint_of(replay).await?;
        let rate = replay.rate_per_minute.at_pace(endpoint.as_ref().and_then(Endpoint::effective_pace));
        let minute = match (replay.filter.scope, endpoint) {
            (ReplayScope::Ended, _) => self.queue_minute(replay, rate, from, until).await?,
            (ReplayScope::Missing, Some(endpoint)) => self.add_minute(replay, &endpoint, rate, from, until).await?,
            (ReplayScope::Missing, None) => QueuedMinute { queued: 0, position: ReplayPosition::default() },
        };
        self.schedule_next_minute(&leased, &minute, from, now).await?;
        let queued = minute.queued;
        if queued > 0 {
            info!(replay.id = %id, queued, "{queued} deliveries of replay {id} were queued");
        }
        Ok(queued)
    }

    /// The endpoint that the filter of a replay names. `None` if it names none, or if the endpoint was deleted.
    async fn endpoint_of(&self, replay: &Replay) -> Result<Option<Endpoint>, ServiceError> {
        match replay.filter.endpoint_id {
            Some(id) => Ok(self.store.endpoints.get(replay.project_id, id).await?),
            None => Ok(None),
        }
    }

    /// Queues deliveries for the minute that starts at `from`. Stops when the rate is reached, at the last match, or at `until`.
    async fn queue_minute(
        &self,
        replay: &Replay,
        rate: ReplayRate,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<QueuedMinute, ServiceError> {
        let filter = replay.filter.into();
        let mut send_times = rate.send_times(from);
        let mut left = rate.per_minute() as usize;
        let mut minute = QueuedMinute { queued: 0, position: replay.position };
        while let Some(position) = minute.position.next
            && left > 0
            && self.clock.now() < until
        {
            let now = self.clock.now();
            let found =
                self.store.events.find_deliveries(replay.project_id, &filter, position, left.min(BATCH_SIZE), now);
            let Found { deliveries, next } = found.await?;
            let message = |(delivery, at): (_, Timestamp)| Message::to_send(replay.task(delivery), at.since(now));
            let ids = deliveries.iter().map(|delivery| delivery.id);
            let messages = ids.zip(&mut send_times).map(message).collect::<Result<Vec<_>, _>>()?;
            left -= messages.len();
            let position = ReplayPosition { next, next_event: None };
            minute = QueuedMinute { queued: minute.queued + messages.len() as u64, position };
            self.queue.send(messages).await?;
        }
        Ok(minute)
    }

    /// Stores the replay's progress and schedules its next minute. After the last match it stays scheduled every minute until the
    /// result of each delivery is known.
    async fn schedule_next_minute(
        &self,
        leased: &LeasedReplay,
        queued: &QueuedMinute,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let minute = Duration::from_mins(1);
        let sent_until = if queued.queued > 0 { from.plus(minute) } else { leased.replay.sent_until };
        let next_run_at = sent_until.max(now.plus(minute));
        Ok(self.store.replays.advance(leased, queued.queued, queued.position, sent_until, next_run_at).await?)
    }
}
