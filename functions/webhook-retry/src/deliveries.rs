//! Deliveries whose next attempt is due.

use aws::ServiceError;
use aws::queue::Message;
use aws::store::{DueDelivery, WriteOutcome};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery;
use futures::future::join_all;

use crate::first_error::FirstError;
use crate::sweeper::{Sweeper, claimed};

/// Maximum number of deliveries that end as expired concurrently.
const MAX_CONCURRENT_ENDS: usize = 50;

/// What was done with due deliveries.
#[derive(Default)]
pub(crate) struct QueuedDue {
    pub(crate) queued: usize,
    pub(crate) expired: usize,
}

impl Sweeper {
    /// Claims due deliveries and queues their attempts. Those that have expired end. A failure does not stop the others.
    pub(crate) async fn claim_due(&self, due: &[DueDelivery], failed: &mut FirstError) -> QueuedDue {
        let now = self.clock.now();
        let (expired, open) = self.divide(due, now);
        let claims = join_all(open.into_iter().map(|due| self.claim(due, now))).await;
        let queued = self.send_claimed(claims, failed).await;
        QueuedDue { queued, expired: self.end_expired(&expired, now, failed).await }
    }

    async fn claim(&self, due: &DueDelivery, now: Timestamp) -> Result<Option<Message>, ServiceError> {
        let reminder = delivery::remind(due.next_attempt_at, now);
        let written = self.store.sweep.postpone(due, reminder.sweep_at).await?;
        claimed(due.task(), reminder, written)
    }

    /// Queues the attempts of due deliveries without claims. Those that have expired end. After an error, some may have been
    /// queued.
    pub(crate) async fn queue_due(&self, due: &[DueDelivery]) -> Result<QueuedDue, ServiceError> {
        let now = self.clock.now();
        let (expired, open) = self.divide(due, now);
        let queued = open.len();
        let message = |due: &DueDelivery| Message::to_send(due.task(), due.next_attempt_at.since(now));
        self.queue.send(open.into_iter().map(message).collect::<Result<_, _>>()?).await?;
        let mut failed = FirstError::default();
        let expired = self.end_expired(&expired, now, &mut failed).await;
        failed.or(QueuedDue { queued, expired })
    }

    /// Divides deliveries into those that have expired and the others.
    fn divide<'a>(&self, due: &'a [DueDelivery], now: Timestamp) -> (Vec<&'a DueDelivery>, Vec<&'a DueDelivery>) {
        due.iter().partition(|due| delivery::has_expired(due.id.event, now, self.retention))
    }

    /// Ends deliveries as expired, and returns how many this run ended. A failure does not stop the others.
    async fn end_expired(&self, expired: &[&DueDelivery], now: Timestamp, failed: &mut FirstError) -> usize {
        let mut ended = 0;
        for chunk in expired.chunks(MAX_CONCURRENT_ENDS) {
            for written in join_all(chunk.iter().map(|due| self.expire(due, now))).await {
                ended += usize::from(failed.or_default(written));
            }
        }
        ended
    }

    /// Ends a delivery as expired. Returns whether this run did.
    async fn expire(&self, due: &DueDelivery, now: Timestamp) -> Result<bool, ServiceError> {
        let written = self.store.deliveries.expire(due.project_id, due.id, due.attempt_count, now).await?;
        Ok(written == WriteOutcome::Applied)
    }
}
