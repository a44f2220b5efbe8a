//! Replays by filter: each minute, as many deliveries as the rate allows are put onto the queue, spread over the minute.
//!
//! The messages are sent first and the replay is moved on second: if a run dies between the two, some messages come twice,
//! and the sender drops them.

use std::time::Duration;

use shared::aws::queue::Message;
use shared::aws::store::{DueReplay, Found, LeasedReplay};
use shared::delivery::Position;
use shared::replay::{Replay, ReplayState};
use shared::time::Timestamp;
use tracing::info;

use crate::{LEASE, SweepError, Sweeper};

/// How long a run looks for deliveries of one replay. Where few fit, the walk goes on in the next run.
const LONGEST_WALK: Duration = Duration::from_secs(20);

/// How many deliveries are read before their messages are sent.
const AT_ONCE: usize = 100;

/// How far a walk came.
struct Walked {
    queued: u64,
    next: Option<Position>,
}

impl Sweeper {
    /// Queues what a replay sends in a minute, and plans the next; answers how many deliveries were queued.
    pub(crate) async fn carry_on(&self, due: &DueReplay, last_start: Timestamp) -> Result<u64, SweepError> {
        let now = self.clock.now();
        let Some(leased) = self.activity.lease_replay(due, now.plus(LEASE)).await? else { return Ok(0) };
        let (replay, id) = (&leased.replay, due.replay_id);
        if replay.is_over(now) {
            self.activity.end_replay(replay, ReplayState::Done).await?;
            info!(replay.id = %id, queued = replay.progress.queued, "replay {id} is done");
            return Ok(0);
        }
        let from = replay.sent_until.max(now);
        let walked = self.walk(replay, from, last_start.min(now.plus(LONGEST_WALK))).await?;
        self.plan_next_minute(&leased, &walked, from, now).await?;
        if walked.queued > 0 {
            let queued = walked.queued;
            info!(replay.id = %id, queued, "{queued} deliveries of replay {id} were queued");
        }
        Ok(walked.queued)
    }

    /// Queues deliveries for the minute that begins at `from`, until there are enough, or no more, or it is `until`.
    async fn walk(&self, replay: &Replay, from: Timestamp, until: Timestamp) -> Result<Walked, SweepError> {
        let filter = replay.filter.into();
        let mut moments = replay.rate_per_minute.moments(from);
        let mut left = replay.rate_per_minute.a_minute() as usize;
        let mut walked = Walked { queued: 0, next: replay.next };
        while let Some(position) = walked.next
            && left > 0
            && self.clock.now() < until
        {
            let now = self.clock.now();
            let found = self.activity.find_deliveries(replay.project_id, &filter, position, left.min(AT_ONCE), now);
            let Found { deliveries, next } = found.await?;
            let message = |(delivery, at): (_, Timestamp)| Message::to_send(replay.nudge(delivery), at.since(now));
            let ids = deliveries.iter().map(|delivery| delivery.id);
            let messages = ids.zip(&mut moments).map(message).collect::<Result<Vec<_>, _>>()?;
            left -= messages.len();
            walked = Walked { queued: walked.queued + messages.len() as u64, next };
            self.queue.send(messages).await?;
        }
        Ok(walked)
    }

    /// Moves the replay on. When everything is queued, it is looked at each minute until it is known what came of that.
    async fn plan_next_minute(
        &self,
        leased: &LeasedReplay,
        walked: &Walked,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<(), SweepError> {
        let minute = Duration::from_mins(1);
        let sent_until = if walked.queued > 0 { from.plus(minute) } else { leased.replay.sent_until };
        let look_at = sent_until.max(now.plus(minute));
        Ok(self.activity.advance_replay(leased, walked.queued, walked.next, sent_until, look_at).await?)
    }
}
