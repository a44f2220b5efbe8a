//! Deliveries whose event is no longer stored. Usually the sweep has ended them before.

use aws::store::WriteOutcome;
use domain::foundation::id::{DeliveryId, ProjectId};
use domain::webhooks::delivery::Delivery;

use crate::outcome::{Outcome, SendError};
use crate::sender::Sender;

impl Sender {
    /// Ends a delivery as expired because its event is no longer stored. Only drops the message if there is no row that could
    /// show the end, or if the event was erased: the erasure cancels the delivery.
    pub(crate) async fn end_without_event(
        &self,
        project: ProjectId,
        id: DeliveryId,
        stored: Option<&Delivery>,
    ) -> Result<Outcome, SendError> {
        let Some(delivery) = stored else { return Ok(Outcome::PastRetention) };
        if self.store.events.get_kept(project, id.event).await?.is_some_and(|event| event.heading.erased_at.is_some()) {
            return Ok(Outcome::Stale);
        }
        let now = self.clock.now();
        let written = self.store.deliveries.expire(project, id, delivery.attempts_made(), now).await?;
        Ok(if written == WriteOutcome::Applied { Outcome::Expired } else { Outcome::Stale })
    }
}
