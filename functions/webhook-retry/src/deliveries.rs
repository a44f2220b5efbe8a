//! Deliveries whose next attempt is due.

use aws::ServiceError;
use aws::queue::Message;
use aws::store::{DueDelivery, WriteOutcome};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery;
use futures::future::join_all;

use crate::sweeper::Sweeper;

/// Maximum number of deliveries that end as expired concurrently.
const MAX_CONCURRENT_ENDS: usize = 50;

/// What was done with due deliveries.
#[derive(Default)]
pub(crate) struct QueuedDue {
    pub(crate) queued: usize,
    pub(crate) expired: usize,
    /// The first error. A failed claim does not stop the others.
    pub(crate) failed: Option<ServiceError>,
}

/// The claim of a due delivery.
enum Claim {
    /// Its attempt is queued with this message.
    Queue(Message),
    /// It has expired.
    Expired,
    /// Another run or an attempt came first.
    Lost,
}

impl Sweeper {
    /// Claims due deliveries and queues their attempts. Those that have expired end.
    pub(crate) async fn claim_due(&self, due: &[DueDelivery]) -> QueuedDue {
        let now = self.clock.now();
        let (mut messages, mut result) = (Vec::new(), QueuedDue::default());
        for claim in join_all(due.iter().map(|due| self.claim(due, now))).await {
            match claim {
                Ok(Claim::Queue(message)) => messages.push(message),
                Ok(Claim::Expired) => result.expired += 1,
                Ok(Claim::Lost) => {}
                Err(error) => drop(result.failed.get_or_insert(error)),
            }
        }
        let count = messages.len();
        match self.queue.send(messages).await {
            Ok(()) => result.queued = count,
            Err(error) => drop(result.failed.get_or_insert(error.into())),
        }
        result
    }

    async fn claim(&self, due: &DueDelivery, now: Timestamp) -> Result<Claim, ServiceError> {
        if delivery::has_expired(due.id.event, now, self.retention) {
            return Ok(if self.expire(due, now).await? { Claim::Expired } else { Claim::Lost });
        }
        let reminder = delivery::remind(due.next_attempt_at, now);
        let claimed = self.store.sweep.postpone(due, reminder.sweep_at).await?;
        match reminder.message_delay.filter(|_| claimed == WriteOutcome::Applied) {
            Some(delay) => Ok(Claim::Queue(Message::to_send(due.task(), delay)?)),
            None => Ok(Claim::Lost),
        }
    }

    /// Queues the attempts of due deliveries without claims. Those that have expired end. After an error, some may have been
    /// queued.
    pub(crate) async fn queue_due(&self, due: &[DueDelivery]) -> Result<QueuedDue, ServiceError> {
        let now = self.clock.now();
        let (expired, open): (Vec<&DueDelivery>, Vec<&DueDelivery>) =
            due.iter().partition(|due| delivery::has_expired(due.id.event, now, self.retention));
        let mut result = QueuedDue { queued: open.len(), ..QueuedDue::default() };
        let message = |due: &&DueDelivery| Message::to_send(due.task(), due.next_attempt_at.since(now));
        self.queue.send(open.iter().map(message).collect::<Result<_, _>>()?).await?;
        for chunk in expired.chunks(MAX_CONCURRENT_ENDS) {
            for ended in join_all(chunk.iter().map(|due| self.expire(due, now))).await {
                result.expired += usize::from(ended?);
            }
        }
        Ok(result)
    }

    /// Ends a delivery as expired. Returns whether this run did.
    async fn expire(&self, due: &DueDelivery, now: Timestamp) -> Result<bool, ServiceError> {
        let written = self.store.deliveries.expire(due.project_id, due.id, due.attempt_count, now).await?;
        Ok(written == WriteOutcome::Applied)
    }
}
