//! Replays: deliveries of a time range are sent, at a limited rate.
//!
//! With the scope `ended`, all delivered, failed or expired deliveries are sent once more. With the scope `missing`, an endpoint
//! gets a delivery of each earlier event that has none for it, oldest first.
//!
//! ```text
//! running ──► done         every matching delivery was sent, and its result is counted
//!   │ ▲
//!   ▼ │
//! cancelled                no further delivery is sent until the replay is resumed
//! ```
//!
//! `webhook-retry` lists the deliveries and queues one message for each; `webhook-sender` counts the results. A project has at
//! most one running replay, because the rates of several would add up at the same receivers.

mod filter;
mod position;
mod rate;
mod request;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use filter::{MissingEvents, ReplayFilter, ReplayScope, ReplayableState};
pub use position::{EventPosition, ReplayPosition};
pub use rate::{BadReplayRate, ReplayRate};
pub use request::NewReplay;

use crate::foundation::id::{DeliveryId, ProjectId, ReplayId};
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::delivery::{Delivery, DeliveryState, ReplayOutcome, ReplayTask};

/// How long a replay waits for the results of its last messages. Longer than the queue tries to deliver a message.
const RESULT_TIMEOUT: Duration = Duration::from_mins(90);

/// A replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Id of the replay.
    pub replay_id: ReplayId,
    /// The project that owns the deliveries.
    pub project_id: ProjectId,
    /// Deliveries to replay.
    pub filter: ReplayFilter,
    /// Maximum number of deliveries per minute.
    pub rate_per_minute: ReplayRate,
    /// Current state.
    pub state: ReplayState,
    /// Deliveries handled so far.
    #[serde(flatten)]
    pub progress: Progress,
    /// Position at which the replay continues.
    #[serde(flatten)]
    pub position: ReplayPosition,
    /// End of the last minute for which deliveries were queued.
    pub sent_until: Timestamp,
}

public_names! {
    /// State of a replay.
    pub enum ReplayState {
        /// Deliveries are being sent.
        Running = "running",
        /// The replay was cancelled. It can be resumed.
        Cancelled = "cancelled",
        /// Every matching delivery was sent or skipped. Final.
        Done = "done",
    }
}

/// Numbers of a replay's deliveries by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Deliveries queued so far.
    pub queued: u64,
    /// Deliveries that the receiver accepted.
    pub delivered: u64,
    /// Deliveries that were sent and that the receiver did not accept. With the scope `missing`, those whose first attempt
    /// failed: further attempts follow.
    pub failed: u64,
    /// Deliveries that were not sent. Each delivery records the reason.
    pub skipped: u64,
}

impl Progress {
    /// Progress of one delivery with this outcome.
    pub fn of(outcome: &ReplayOutcome) -> Self {
        match outcome {
            ReplayOutcome::Sent(attempt) if attempt.succeeded() => Self { delivered: 1, ..Self::default() },
            ReplayOutcome::Sent(_) => Self { failed: 1, ..Self::default() },
            ReplayOutcome::Skipped { .. } => Self { skipped: 1, ..Self::default() },
        }
    }

    /// Progress of one delivery that the replay added, as far as this change of the delivery decides it: its first attempt, or
    /// its end without an attempt.
    pub fn of_added(delivery: &Delivery) -> Option<Self> {
        let one = Self::default();
        match (delivery.state, delivery.attempts_made()) {
            (DeliveryState::Delivered, 1) => Some(Self { delivered: 1, ..one }),
            (DeliveryState::Waiting | DeliveryState::Failed, 1) => Some(Self { failed: 1, ..one }),
            (DeliveryState::Cancelled | DeliveryState::Expired, 0) => Some(Self { skipped: 1, ..one }),
            _ => None,
        }
    }

    /// Progress as shown to callers: `queued` is at least the number of results. The stored `queued` may be lower if
    /// the sweep crashed between queueing deliveries and recording it.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { queued: self.queued.max(self.settled()), ..self }
    }

    /// Number of deliveries with a result.
    pub fn settled(self) -> u64 {
        self.delivered + self.failed + self.skipped
    }
}

impl NewReplay {
    /// Creates the replay, running from its first page.
    pub fn start(self, replay_id: ReplayId, project_id: ProjectId) -> Replay {
        let started_at = replay_id.created_at();
        Replay {
            replay_id,
            project_id,
            filter: self.filter,
            rate_per_minute: self.rate,
            state: ReplayState::Running,
            progress: Progress::default(),
            position: ReplayPosition::first(&self.filter, started_at),
            sent_until: started_at,
        }
    }
}

impl Replay {
    /// Task to send one ended delivery of this replay.
    pub fn task(&self, delivery_id: DeliveryId) -> ReplayTask {
        ReplayTask::new(self.project_id, delivery_id, self.replay_id, true)
    }

    /// Whether every delivery was queued, and all results are known or overdue at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let is_settled = self.progress.settled() >= self.progress.queued;
        self.position.is_end() && (is_settled || now >= self.sent_until.plus(RESULT_TIMEOUT))
    }
}
