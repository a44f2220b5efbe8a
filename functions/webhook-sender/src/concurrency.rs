//! Limits how many attempts of a batch run against one endpoint at the same time, so that a receiver that hangs cannot use up
//! the whole batch.

use std::collections::HashMap;
use std::time::Duration;

use domain::foundation::id::EndpointId;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Maximum number of attempts of a batch that run against one endpoint at the same time.
const MAX_CONCURRENT_ATTEMPTS: usize = 5;

/// The attempt slots of each endpoint in one batch.
pub(crate) struct EndpointSlots(HashMap<EndpointId, Semaphore>);

impl EndpointSlots {
    pub(crate) fn new(endpoints: impl Iterator<Item = EndpointId>) -> Self {
        Self(endpoints.map(|endpoint| (endpoint, Semaphore::new(MAX_CONCURRENT_ATTEMPTS))).collect())
    }

    /// Takes a slot of `endpoint`, or waits up to `timeout` for one. Returns `None` if none becomes free in time. A zero
    /// `timeout` always returns `None`, because it is too late to start an attempt.
    pub(crate) async fn take(&self, endpoint: EndpointId, timeout: Duration) -> Option<SemaphorePermit<'_>> {
        if timeout.is_zero() {
            return None;
        }
        let slots = self.0.get(&endpoint)?;
        if let Ok(slot) = slots.try_acquire() {
            return Some(slot);
        }
        tokio::time::timeout(timeout, slots.acquire()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::random::SystemRandom;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn an_endpoint_has_five_slots_and_a_sixth_attempt_waits_for_one() {
        let id = EndpointId::new(SystemClock.now(), &SystemRandom);
        let slots = EndpointSlots::new(std::iter::once(id));
        let mut taken = Vec::new();
        for _ in 0..MAX_CONCURRENT_ATTEMPTS {
            taken.push(slots.take(id, SHORT).await.unwrap());
        }
        assert!(slots.take(id, SHORT).await.is_none());
        taken.pop();
        assert!(slots.take(id, SHORT).await.is_some());
    }

    #[tokio::test]
    async fn a_free_slot_is_refused_when_it_is_too_late_to_start() {
        let id = EndpointId::new(SystemClock.now(), &SystemRandom);
        assert!(EndpointSlots::new(std::iter::once(id)).take(id, Duration::ZERO).await.is_none());
    }
}
