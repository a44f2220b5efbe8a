//! Takes slots of endpoints with a pace. Attempts of a sender that ask at about the same time share a write, and its failure.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws::store::{PaceStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::clock::Clock;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::webhooks::delivery::slots::{Slot, SlotClaim, SlotState};
use domain::webhooks::endpoint::Pace;
use tokio::sync::Mutex;
use tokio::task::yield_now;

use crate::shared_failure::SharedFailure;

/// Time after which a sender forgets which slots it knows to be taken.
const FORGET_AFTER: Duration = Duration::from_mins(30);

/// Maximum number of endpoints whose taken slots are known.
const MAX_ENDPOINTS: usize = 10_000;

/// Takes slots of endpoints. Attempts that ask for slots of an endpoint while a write is running share the next one.
pub(crate) struct Pacer {
    store: PaceStore,
    lines: Cache<(EndpointId, Pace), Arc<Line>>,
}

/// The slots of an endpoint at one pace.
#[derive(Default)]
struct Line {
    /// Number of attempts that ask for a slot.
    asking: AtomicU32,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    /// Slots for the attempts that still ask.
    unused: VecDeque<Slot>,
    /// All slots before this time are taken. In microseconds since 1970.
    next_free: Option<i64>,
    failure: SharedFailure<Arc<StoreError>>,
}

/// An attempt that asks for a slot. Dropping it ends that.
struct Asking<'a>(&'a AtomicU32);

impl Pacer {
    pub(crate) fn new(store: PaceStore) -> Self {
        Self { store, lines: Cache::new(FORGET_AFTER, MAX_ENDPOINTS) }
    }

    /// Takes the next free slot of an endpoint. `None` if none is free within
    /// [`MAX_SLOT_DELAY`](domain::webhooks::delivery::slots::MAX_SLOT_DELAY). An attempt that waits for the write of another one gets
    /// its error too.
    pub(crate) async fn take(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        pace: Pace,
        clock: &dyn Clock,
    ) -> Result<Option<Slot>, Arc<StoreError>> {
        let since = Instant::now();
        let line = self.lines.update_or_insert((endpoint, pace), clock.now(), Arc::default, |line| Arc::clone(line));
        let _asking = Asking::new(&line.asking);
        // The other attempts of the batch ask too, so that one write takes the slots of all.
        yield_now().await;
        let mut taken = line.taken.lock().await;
        let now = clock.now();
        while let Some(slot) = taken.unused.pop_front() {
            if slot.state(pace, now) != SlotState::Lapsed {
                return Ok(Some(slot));
            }
        }
        if let Some(error) = taken.failure.since(since) {
            return Err(error);
        }
        let claim = SlotClaim { pace, count: line.asking.load(Ordering::Relaxed), now };
        let slots = self.store.claim(project, endpoint, claim, taken.next_free).await.map_err(|error| {
            let error = Arc::new(error);
            taken.failure.note(Arc::clone(&error));
            error
        })?;
        taken.next_free = Some(slots.next_free());
        taken.unused.extend(slots.each());
        Ok(taken.unused.pop_front())
    }
}

impl<'a> Asking<'a> {
    fn new(asking: &'a AtomicU32) -> Self {
        asking.fetch_add(1, Ordering::Relaxed);
        Self(asking)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
