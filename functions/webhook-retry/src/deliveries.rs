//! Deliveries whose next attempt is due.

use aws::ServiceError;
use aws::queue::Message;
use aws::store::{DueDelivery, WriteOutcome};
use domain::webhooks::delivery;
use futures::future::join_all;

use crate::sweeper::Sweeper;

impl Sweeper {
    /// Claims due deliveries and queues their attempts. Returns the number of attempts queued; fewer than were due if another run
    /// claimed some of them. A failed claim does not stop the others.
    pub(crate) async fn queue_due(&self, due: Vec<DueDelivery>) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        let claims = due.into_iter().map(|due| async move {
            let reminder = delivery::remind(due.next_attempt_at, now);
            let claimed = self.store.sweep.postpone(&due, reminder.sweep_at).await?;
            let delay = reminder.message_delay.filter(|_| claimed == WriteOutcome::Applied);
            delay.map(|delay| Message::to_send(due.task(), delay)).transpose().map_err(ServiceError::from)
        });
        self.send_claimed(join_all(claims).await).await
    }
}
