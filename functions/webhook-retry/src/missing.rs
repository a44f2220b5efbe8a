//! Replays with the scope `missing`: earlier events get a delivery to an endpoint that has none of them.
//!
//! Each delivery is stored before its message is sent, and is due like any other. A lost message is repaired by the sweep. If a
//! run dies, the next one adds only the deliveries that are still missing.

use aws::ServiceError;
use aws::queue::Message;
use aws::store::EventHeading;
use domain::foundation::id::{DeliveryId, EndpointId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{self, Delivery};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::replay::{Replay, ReplayRate};
use futures::{StreamExt, stream};

use crate::first_error::FirstError;
use crate::replays::{BATCH_SIZE, QueuedMinute};
use crate::sweeper::{Sweeper, claimed};

/// Maximum number of deliveries that are added concurrently.
const MAX_CONCURRENT_ADDITIONS: usize = 20;

impl Sweeper {
    /// Adds deliveries for the minute that starts at `from`, and queues their first attempts. Stops when the rate is reached, at
    /// the last event, or at `until`.
    pub(crate) async fn add_minute(
        &self,
        replay: &Replay,
        endpoint: &Endpoint,
        rate: ReplayRate,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<QueuedMinute, ServiceError> {
        let missing = replay.filter.missing_events(endpoint);
        let mut minute = QueuedMinute { queued: 0, position: replay.position };
        let mut send_times = rate.send_times(from);
        let mut left = rate.per_minute() as usize;
        while let Some(position) = minute.position.next_event
            && left > 0
            && self.clock.now() < until
        {
            let (limit, now) = (left.min(BATCH_SIZE), self.clock.now());
            let found = self.store.events.find_missing(replay.project_id, &missing, position, limit, now).await?;
            left -= found.events.len();
            let additions = found.events.iter().zip(&mut send_times);
            let additions = additions.map(|(event, at)| self.add_one(replay, event, endpoint.id, at));
            let claims = stream::iter(additions).buffered(MAX_CONCURRENT_ADDITIONS).collect().await;
            let mut failed = FirstError::default();
            let queued = self.send_claimed(claims, &mut failed).await;
            minute.queued += failed.or(queued)? as u64;
            minute.position.next_event = found.next;
            // The next event is still being accepted.
            if found.next == Some(position) {
                break;
            }
        }
        Ok(minute)
    }

    /// Adds the delivery of `event`, whose first attempt is due at `at`, unless it would expire at once.
    async fn add_one(
        &self,
        replay: &Replay,
        event: &EventHeading,
        endpoint: EndpointId,
        at: Timestamp,
    ) -> Result<Option<Message>, ServiceError> {
        let now = self.clock.now();
        if delivery::has_expired(event.id, now, self.retention) {
            return Ok(None);
        }
        let id = DeliveryId { event: event.id, endpoint };
        let queued = Delivery::unattempted(replay.project_id, id, event.event_type, event.submission_id.clone());
        let added = Delivery { sequence: event.sequence, ..queued }.added(replay.replay_id, at);
        let reminder = delivery::remind(at, now);
        let written = self.store.events.add_delivery(&added, reminder.sweep_at).await?;
        claimed(added.next_task(), reminder, written)
    }
}
