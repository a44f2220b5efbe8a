//! First attempts of a batch are recorded together where they end at about the same time: a call to the store costs more processor
//! time than a webhook.
//!
//! Each is recorded by a conditional write of its own all the same. The first that ends waits for those that are still under
//! way, though not for long, and then writes for all that have come by then. The last one never waits, so that the batch takes no
//! longer; nor does one that is alone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::aws::store::{Activity, StoreError, Written};
use shared::delivery::Delivery;
use shared::time::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

/// For how long an attempt that has ended waits for others. A crash within this time makes it once more.
const PATIENCE: Duration = Duration::from_millis(50);

/// The attempts of one batch that are under way, or wait to be recorded.
#[derive(Default)]
pub(crate) struct Records {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    under_way: usize,
    waiting: Vec<(Delivery, Option<Timestamp>)>,
    to_tell: Vec<oneshot::Sender<Result<Written, StoreError>>>,
}

/// An attempt that is under way; no longer when this is dropped.
pub(crate) struct UnderWay<'a>(&'a Records);

impl Records {
    /// Notes that an attempt begins.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.state().under_way += 1;
        UnderWay(self)
    }

    /// Waits until no attempt is under way, or until the patience is over.
    async fn others(&self) {
        let all = async {
            while self.state().under_way > 0 {
                self.changed.notified().await;
            }
        };
        // Whoever comes later is recorded later.
        let _ = timeout(PATIENCE, all).await;
    }

    /// Records all that have come by now, and tells each what came of it.
    async fn write(&self, activity: &Activity) {
        let (waiting, to_tell) = {
            let mut state = self.state();
            (std::mem::take(&mut state.waiting), std::mem::take(&mut state.to_tell))
        };
        let written = activity.record_first_attempts(&waiting).await;
        for (tell, written) in to_tell.into_iter().zip(written) {
            // All are told, for all are worked on until the batch is done.
            let _ = tell.send(written);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay<'_> {
    /// Records the attempt, if it is a first one together with others, as [`Activity::record`] does.
    pub(crate) async fn record(
        self,
        activity: &Activity,
        delivery: &Delivery,
        sweep_at: Option<Timestamp>,
    ) -> Result<Written, StoreError> {
        // Later ones have a row already, and change it on conditions of their own.
        if delivery.attempts_made() > 1 {
            drop(self);
            return activity.record(delivery, sweep_at).await;
        }
        let records = self.0;
        let (tell, told) = oneshot::channel();
        let is_first = {
            let mut state = records.state();
            state.waiting.push((delivery.clone(), sweep_at));
            state.to_tell.push(tell);
            state.waiting.len() == 1
        };
        // Only now, so that who waits for this one finds it.
        drop(self);
        if is_first {
            records.others().await;
            records.write(activity).await;
        }
        match told.await {
            Ok(written) => written,
            Err(_) => activity.record(delivery, sweep_at).await,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use shared::aws::store::testing::Database;
    use shared::clock::{Clock as _, SystemClock};
    use shared::delivery::{Attempt, Phases};
    use shared::draft::Draft;
    use shared::event::NewEvent;
    use shared::id::{EndpointId, EventId, ProjectId};
    use shared::random::SystemRandom;

    use super::*;

    fn delivered() -> Delivery {
        let now = SystemClock.now();
        let new = NewEvent::try_from(Draft::parse(br#"{"type":"approved","data":{}}"#).unwrap()).unwrap();
        let event = new.accept(EventId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom));
        let (status, phases) = (Some(200), Phases::default());
        let first = Attempt { number: 1, at: now, duration_ms: 1, phases, status, reason: None, response: None };
        Delivery::queued(&event, EndpointId::new(now, &SystemRandom)).after(first, None)
    }

    #[tokio::test]
    async fn an_attempt_does_not_wait_for_ever_for_one_that_hangs() {
        let (store, records, delivery) = (Database::start().await, Records::default(), delivered());
        let _hangs = records.begin();
        let recorded = records.begin().record(&store.activity, &delivery, None).await.unwrap();
        assert_eq!(recorded, Written::Now);
        assert!(store.activity.recorded_now(delivery.project_id, delivery.id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn attempts_that_end_together_are_each_told_what_came_of_theirs() {
        let (store, records) = (Database::start().await, Records::default());
        let [new, known] = [delivered(), delivered()];
        let made_by_another = Delivery { attempts: Vec::new(), ..known.clone() }.cancelled();
        store.activity.record_cancelled(&made_by_another).await.unwrap();
        let (first, second, broken_off) = (records.begin(), records.begin(), records.begin());
        let activity = &store.activity;
        let (one, other, ()) =
            tokio::join!(first.record(activity, &new, None), second.record(activity, &known, None), async {
                drop(broken_off);
            });
        assert_eq!((one.unwrap(), other.unwrap()), (Written::Now, Written::Before));
    }
}
