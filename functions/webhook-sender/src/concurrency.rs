//! Limits how many requests of a sender run against one endpoint at the same time, so that a receiver that hangs cannot use up
//! the whole sender. Attempts, replays and tests share the limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::foundation::id::EndpointId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Maximum number of requests of a sender that run against one endpoint at the same time.
pub(crate) const MAX_CONCURRENT_REQUESTS: usize = 5;

/// Number of slow requests to one endpoint after which a sender starts no more.
pub(crate) const MAX_SLOW_REQUESTS: usize = 2;

/// The request slots of each endpoint in one invocation.
#[derive(Default)]
pub(crate) struct EndpointSlots(Mutex<HashMap<EndpointId, Slots>>);

struct Slots {
    semaphore: Arc<Semaphore>,
    slow_requests: usize,
}

/// Why a request got no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// The time for starting requests is over.
    TooLate,
    /// The slots were closed.
    Closed,
}

impl EndpointSlots {
    /// Takes a slot of `endpoint`, or waits up to `timeout` for one. With a zero `timeout` it is too late to start a request,
    /// even if a slot is free.
    pub(crate) async fn take(&self, endpoint: EndpointId, timeout: Duration) -> Result<OwnedSemaphorePermit, NoSlot> {
        if timeout.is_zero() {
            return Err(NoSlot::TooLate);
        }
        let slots = self.with(endpoint, |slots| Arc::clone(&slots.semaphore));
        match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => Ok(slot),
            Err(TryAcquireError::Closed) => Err(NoSlot::Closed),
            Err(TryAcquireError::NoPermits) => match tokio::time::timeout(timeout, slots.acquire_owned()).await {
                Ok(slot) => slot.map_err(|_| NoSlot::Closed),
                Err(_) => Err(NoSlot::TooLate),
            },
        }
    }

    /// Closes the slots of `endpoint`. Requests that wait for one get [`NoSlot::Closed`] at once. Running requests continue.
    pub(crate) fn close(&self, endpoint: EndpointId) {
        self.with(endpoint, |slots| slots.semaphore.close());
    }

    /// Counts a request that has been running for long. The slots are closed after [`MAX_SLOW_REQUESTS`].
    pub(crate) fn count_slow_request(&self, endpoint: EndpointId) {
        let is_full = self.with(endpoint, |slots| {
            slots.slow_requests += 1;
            slots.slow_requests >= MAX_SLOW_REQUESTS
        });
        if is_full {
            self.close(endpoint);
        }
    }

    fn with<T>(&self, endpoint: EndpointId, change: impl FnOnce(&mut Slots) -> T) -> T {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all_free = || Slots { semaphore: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)), slow_requests: 0 };
        change(slots.entry(endpoint).or_insert_with(all_free))
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::random::SystemRandom;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    fn slots() -> (EndpointId, EndpointSlots) {
        let id = EndpointId::new(SystemClock.now(), &SystemRandom);
        (id, EndpointSlots::default())
    }

    #[tokio::test]
    async fn an_endpoint_has_five_slots_and_a_sixth_request_waits_for_one() {
        let (id, slots) = slots();
        let mut taken = Vec::new();
        for _ in 0..MAX_CONCURRENT_REQUESTS {
            taken.push(slots.take(id, SHORT).await.unwrap());
        }
        assert_eq!(slots.take(id, SHORT).await.err(), Some(NoSlot::TooLate));
        taken.pop();
        assert!(slots.take(id, SHORT).await.is_ok());
    }

    #[tokio::test]
    async fn a_free_slot_is_refused_when_it_is_too_late_to_start() {
        let (id, slots) = slots();
        assert_eq!(slots.take(id, Duration::ZERO).await.err(), Some(NoSlot::TooLate));
    }

    #[tokio::test]
    async fn waiting_and_later_requests_get_no_slot_once_the_slots_are_closed() {
        const LONG: Duration = Duration::from_hours(1);
        let (id, slots) = slots();
        let mut taken = Vec::new();
        for _ in 0..MAX_CONCURRENT_REQUESTS {
            taken.push(slots.take(id, LONG).await.unwrap());
        }
        let (waiting, ()) = tokio::join!(slots.take(id, LONG), async { slots.close(id) });
        assert_eq!(waiting.err(), Some(NoSlot::Closed));
        drop(taken);
        assert_eq!(slots.take(id, LONG).await.err(), Some(NoSlot::Closed));
    }

    #[tokio::test]
    async fn the_slots_close_after_the_second_slow_request() {
        let (id, slots) = slots();
        let mut next = Vec::new();
        for _ in 0..2 {
            next.push(slots.take(id, SHORT).await.err());
            slots.count_slow_request(id);
        }
        next.push(slots.take(id, SHORT).await.err());
        assert_eq!(next, [None, None, Some(NoSlot::Closed)]);
    }
}
