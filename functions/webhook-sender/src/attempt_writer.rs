//! Records first attempts of a batch together if they end at about the same time, because a call to the store costs more
//! processor time than a webhook.
//!
//! Each attempt still has a conditional write of its own. The first attempt to end waits up to 10 ms for the others and then
//! writes all that have ended by then. The last attempt and an attempt that runs alone never wait, so the batch takes no longer.
//! An attempt that is not recorded when its sender is killed is made again, so the wait is short compared to an attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::store::{DeliveryStore, StoreError, WriteOutcome};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::Delivery;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

/// Maximum time that an ended attempt waits for others. If the function crashes in this time, the attempt is made again.
const WAIT_TIMEOUT: Duration = Duration::from_millis(10);

/// Writes the attempts of one batch.
#[derive(Default)]
pub(crate) struct AttemptWriter {
    state: Mutex<State>,
    attempt_ended: Notify,
}

#[derive(Default)]
struct State {
    running: usize,
    /// The deliveries to write, each with the time at which the sweep checks it.
    unwritten: Vec<(Delivery, Option<Timestamp>)>,
    /// Where the result of each write goes, in the order of `unwritten`.
    result_senders: Vec<oneshot::Sender<Result<WriteOutcome, StoreError>>>,
}

/// A running attempt. Dropping it ends the attempt without a record.
pub(crate) struct RunningAttempt<'a>(&'a AttemptWriter);

impl AttemptWriter {
    /// Registers an attempt that starts now.
    pub(crate) fn start_attempt(&self) -> RunningAttempt<'_> {
        self.state().running += 1;
        RunningAttempt(self)
    }

    /// Waits for all running attempts to end, at most [`WAIT_TIMEOUT`].
    async fn wait_for_others(&self) {
        let all_ended = async {
            while self.state().running > 0 {
                self.attempt_ended.notified().await;
            }
        };
        // Attempts that end after the timeout are written later, by the first of them.
        let _ = timeout(WAIT_TIMEOUT, all_ended).await;
    }

    /// Writes all attempts that have ended so far and sends each its result.
    async fn write(&self, deliveries: &DeliveryStore) {
        let (unwritten, result_senders) = {
            let mut state = self.state();
            (std::mem::take(&mut state.unwritten), std::mem::take(&mut state.result_senders))
        };
        let results = deliveries.record_first_attempts(&unwritten).await;
        for (sender, result) in result_senders.into_iter().zip(results) {
            // A send fails only if the receiving task was dropped, and the tasks of a batch run until all are done.
            let _ = sender.send(result);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningAttempt<'_> {
    /// Ends the attempt and records it with the guarantees of [`DeliveryStore::record`]. The first attempt of a delivery without a
    /// row is written together with others.
    pub(crate) async fn record(
        self,
        deliveries: &DeliveryStore,
        delivery: &Delivery,
        has_row: bool,
        sweep_at: Option<Timestamp>,
    ) -> Result<WriteOutcome, StoreError> {
        // An existing row is updated under a condition of its own, which a joint insert cannot express.
        if has_row {
            drop(self);
            return deliveries.record(delivery, sweep_at).await;
        }
        let writer = self.0;
        let (result_sender, result) = oneshot::channel();
        let is_first = {
            let mut state = writer.state();
            state.unwritten.push((delivery.clone(), sweep_at));
            state.result_senders.push(result_sender);
            state.unwritten.len() == 1
        };
        // The attempt ends only now, after it was queued. Otherwise the waiting attempt could write without it.
        drop(self);
        if is_first {
            writer.wait_for_others().await;
            writer.write(deliveries).await;
        }
        match result.await {
            Ok(result) => result,
            Err(_) => deliveries.record(delivery, sweep_at).await,
        }
    }
}

impl Drop for RunningAttempt<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.attempt_ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use aws::store::testing::Database;
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::draft::Draft;
    use domain::foundation::id::{EndpointId, EventId, ProjectId};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::attempt::{Attempt, Phases};
    use domain::webhooks::event::NewEvent;

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
    async fn an_attempt_is_recorded_although_another_hangs() {
        let (store, writer, delivery) = (Database::start().await, AttemptWriter::default(), delivered());
        let _hangs = writer.start_attempt();
        let written = writer.start_attempt().record(&store.deliveries, &delivery, false, None).await.unwrap();
        assert_eq!(written, WriteOutcome::Applied);
        assert!(store.deliveries.recorded_now(delivery.project_id, delivery.id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn attempts_written_together_each_get_their_own_result() {
        let (store, writer) = (Database::start().await, AttemptWriter::default());
        let [new, existing] = [delivered(), delivered()];
        let cancelled = Delivery { attempts: Vec::new(), ..existing.clone() }.cancelled(SystemClock.now());
        store.deliveries.record_closed(&cancelled).await.unwrap();
        let (first, second, aborted) = (writer.start_attempt(), writer.start_attempt(), writer.start_attempt());
        let deliveries = &store.deliveries;
        let (first, second, ()) = tokio::join!(
            first.record(deliveries, &new, false, None),
            second.record(deliveries, &existing, false, None),
            async {
                drop(aborted);
            }
        );
        assert_eq!((first.unwrap(), second.unwrap()), (WriteOutcome::Applied, WriteOutcome::Conflict));
    }
}
