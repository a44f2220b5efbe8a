//! How many attempts of a batch go to one endpoint at once, so that a receiver that hangs does not take up the whole batch.

use std::collections::HashMap;
use std::time::Duration;

use shared::id::EndpointId;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most attempts of a batch that are under way to one endpoint.
const AT_ONCE: usize = 5;

/// The slots of one batch.
pub(crate) struct Slots(HashMap<EndpointId, Semaphore>);

impl Slots {
    pub(crate) fn new(endpoints: impl Iterator<Item = EndpointId>) -> Self {
        Self(endpoints.map(|endpoint| (endpoint, Semaphore::new(AT_ONCE))).collect())
    }

    /// A slot at `endpoint`: at once if one is free, or else as soon as one gets free within `patience`. `None` if none does,
    /// or if there is no time left at all.
    pub(crate) async fn take(&self, endpoint: EndpointId, patience: Duration) -> Option<SemaphorePermit<'_>> {
        if patience.is_zero() {
            return None;
        }
        let slots = self.0.get(&endpoint)?;
        if let Ok(slot) = slots.try_acquire() {
            return Some(slot);
        }
        tokio::time::timeout(patience, slots.acquire()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use shared::clock::{Clock as _, SystemClock};
    use shared::random::SystemRandom;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn an_endpoint_has_five_slots_and_the_sixth_waits_for_one() {
        let id = EndpointId::new(SystemClock.now(), &SystemRandom);
        let slots = Slots::new(std::iter::once(id));
        let mut taken = Vec::new();
        for _ in 0..AT_ONCE {
            taken.push(slots.take(id, SHORT).await.unwrap());
        }
        assert!(slots.take(id, SHORT).await.is_none());
        taken.pop();
        assert!(slots.take(id, SHORT).await.is_some());
    }

    #[tokio::test]
    async fn when_it_is_too_late_to_begin_a_free_slot_is_no_use() {
        let id = EndpointId::new(SystemClock.now(), &SystemRandom);
        assert!(Slots::new(std::iter::once(id)).take(id, Duration::ZERO).await.is_none());
    }
}
