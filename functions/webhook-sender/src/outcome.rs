//! The outcome or error of processing a message, what happens to the message, and how outcomes and errors are measured and
//! [logged](log).

use std::sync::Arc;

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::queue::QueueError;
use aws::store::StoreError;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::delivery::{Delivery, DeliveryHoldReason, DeliveryState, ReplayOutcome, Replayed, Slot};
use domain::webhooks::handshake::Handshake;
use domain::webhooks::test_send::{TestSend, TestState};
use thiserror::Error;

use crate::endpoint_cache::EndpointError;
use crate::http::failure::OwnFault;

pub(crate) mod log;

/// Why a message could not be processed. The fault is always on our side, never the receiver's.
#[derive(Debug, Error)]
pub(crate) enum SendError {
    #[error("message is not a valid task")]
    Message(#[source] serde_json::Error),
    #[error("message has no body")]
    NoBody,
    #[error(transparent)]
    Service(ServiceError),
    #[error(transparent)]
    OwnFault(#[from] OwnFault),
    #[error("delivery could not be loaded")]
    Delivery(#[source] Arc<StoreError>),
    #[error("health of the endpoint could not be loaded")]
    Health(#[source] Arc<StoreError>),
    #[error("endpoint could not be loaded")]
    Endpoint(#[from] Arc<EndpointError>),
    /// The delivery is on hold. Without the check, only the daily reconciliation would release it.
    #[error("delivery is held, but the check of its endpoint could not be scheduled")]
    Check(#[source] StoreError),
    /// Attempts that asked for slots at the same time share the error.
    #[error("slot of the endpoint could not be taken")]
    Slot(#[source] Arc<StoreError>),
    #[error("message could not be passed on to the slow lane")]
    PassOn(#[source] Arc<QueueError>),
}

aws::from_service_errors!(SendError: StoreError, QueueError);

/// What processing a message led to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An attempt was made and recorded.
    Attempted(Delivery),
    /// A replay was sent or skipped, and recorded. The state is the delivery's state after the replay.
    Replayed(DeliveryState, Replayed),
    /// A test was sent, or will not be, and its result is recorded.
    Tested(TestSend),
    /// A receiver was asked whether it wants webhooks, and its answer is recorded.
    HandshakeMade(Handshake),
    /// The delivery is held because of its endpoint: it is paused, disabled, protected by its breaker, or gets no more webhooks at its
    /// pace.
    Held(DeliveryHoldReason),
    /// The delivery is held because the endpoint is ordered, and an earlier delivery of the submission has not ended.
    HeldForOrder,
    /// The attempt or replay waits for its slot at the endpoint's pace.
    WaitsForSlot(Slot),
    /// A copy of the message arrives later: the endpoint has no free slot, was just resumed, this sender had no time left, or a test met
    /// a fault on our side.
    Deferred,
    /// A copy of the message is in the queue of the slow lane, because the receiver is slow.
    PassedOn,
    /// The delivery's row cannot be read. The sweep checks it again in an hour.
    SetAside {
        /// Whether it was set aside for the first time.
        is_new: bool,
    },
    /// Nothing was left to do: the delivery or test has ended, or another message already did the work.
    Stale,
    /// The delivery is cancelled because its endpoint was deleted.
    Cancelled,
    /// The delivery ended as expired because its event is no longer stored.
    Expired,
    /// The event or delivery is past its retention, and nothing is left of it.
    PastRetention,
}

impl Outcome {
    /// The successful request of a replay or test. It shows that the receiver is alive.
    pub(crate) fn sign_of_life(&self) -> Option<&Attempt> {
        match self {
            Self::Replayed(_, Replayed { outcome: ReplayOutcome::Sent(attempt), .. })
            | Self::Tested(TestSend { state: TestState::Done { attempt, .. }, .. }) => {
                Some(attempt).filter(|attempt| attempt.succeeded())
            }
            _ => None,
        }
    }
}

/// What happens to a message after its processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// The message is deleted.
    Delete,
    /// The message returns to the queue.
    Redeliver,
    /// The message is deleted although it failed. The sweep sends another one later, and messages that also returned to the
    /// queue would pile up.
    LeaveToSweep,
}

/// Returns what happens to a message. `is_repeated` is whether the sweep sends another message in place of a deleted one, so that
/// a delivery has one message at a time, whatever fails.
pub(crate) fn next_step(is_repeated: bool, result: &Result<Outcome, SendError>) -> NextStep {
    match result {
        Ok(_) => NextStep::Delete,
        // A held delivery is not in the index of the sweep.
        Err(SendError::Check(_)) => NextStep::Redeliver,
        Err(_) if is_repeated => NextStep::LeaveToSweep,
        Err(_) => NextStep::Redeliver,
    }
}

/// Returns the metrics of one message. The duration of tests and replays counts as attempt duration. A delivery that a replay
/// delivered is not counted again, because it was already counted as failed.
pub(crate) fn measure(result: &Result<Outcome, SendError>) -> Measured {
    let duration = |attempt: &Attempt| Measured::one(Metric::AttemptDuration, attempt.duration_ms.into());
    match result {
        Ok(Outcome::Attempted(delivery)) => {
            let mut measured = delivery.attempts.last().map(duration).unwrap_or_default();
            match delivery.state {
                DeliveryState::Delivered => measured.add(Metric::Delivered, 1),
                DeliveryState::Failed => measured.add(Metric::Failed, 1),
                DeliveryState::Queued
                | DeliveryState::Waiting
                | DeliveryState::Held
                | DeliveryState::Cancelled
                | DeliveryState::Expired => {}
            }
            measured
        }
        Ok(
            Outcome::Replayed(_, Replayed { outcome: ReplayOutcome::Sent(attempt), .. })
            | Outcome::Tested(TestSend { state: TestState::Done { attempt, .. }, .. }),
        ) => duration(attempt),
        Ok(Outcome::Held(_)) => Measured::one(Metric::Held, 1),
        Ok(Outcome::Expired) => Measured::one(Metric::Expired, 1),
        Ok(Outcome::SetAside { is_new }) => Measured::one(Metric::UnreadableRows, u64::from(*is_new)),
        Ok(
            Outcome::Replayed(..)
            | Outcome::Tested(_)
            | Outcome::HandshakeMade(_)
            | Outcome::HeldForOrder
            | Outcome::WaitsForSlot(_)
            | Outcome::Deferred
            | Outcome::PassedOn
            | Outcome::Stale
            | Outcome::Cancelled
            | Outcome::PastRetention,
        ) => Measured::default(),
        Err(_) => Measured::one(Metric::OurFaults, 1),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws::lambda::telemetry;
    use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use domain::webhooks::attempt::FailureReason;
    use domain::webhooks::attempt::Phases;
    use domain::webhooks::event::EventType;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_795_336_200_000).unwrap()
    }

    fn delivery_id() -> DeliveryId {
        DeliveryId { event: EventId::new(now(), &SystemRandom), endpoint: EndpointId::new(now(), &SystemRandom) }
    }

    /// One attempt that took 112 ms. It is retried after `wait`.
    fn attempted(status: u16, wait: Option<Duration>) -> Outcome {
        let project = ProjectId::new(now(), &SystemRandom);
        let reason = (status != 200).then_some(FailureReason::Status);
        let phases = Phases::default();
        let attempt =
            Attempt { number: 1, at: now(), duration_ms: 112, phases, status: Some(status), reason, response: None };
        let delivery = Delivery::unattempted(project, delivery_id(), EventType::Approved, None);
        Outcome::Attempted(delivery.after(attempt, wait))
    }

    #[test]
    fn every_attempt_is_timed_and_only_the_attempt_that_ends_a_delivery_counts_it() {
        let wait = Some(Duration::from_secs(5));
        let measured = [attempted(200, wait), attempted(500, wait), attempted(500, None)];
        let measured = measured.map(|outcome| measure(&Ok(outcome)));
        let timed = Measured::one(Metric::AttemptDuration, 112);
        let and = |metric| [timed.clone(), Measured::one(metric, 1)].into_iter().collect();
        assert_eq!(measured, [and(Metric::Delivered), timed.clone(), and(Metric::Failed)]);
    }

    #[test]
    fn a_failed_message_is_left_to_the_sweep_whatever_failed_if_the_sweep_repeats_it() {
        let shared = || Arc::new(StoreError::Overloaded);
        let errors = [
            SendError::OwnFault(OwnFault::Egress),
            SendError::Service(ServiceError::Store(StoreError::Overloaded)),
            SendError::Delivery(shared()),
            SendError::Health(shared()),
            SendError::Endpoint(Arc::new(EndpointError::from(StoreError::Overloaded))),
            SendError::Slot(shared()),
            SendError::PassOn(Arc::new(QueueError::Refused(1))),
        ];
        for result in errors.map(Err) {
            let steps = [true, false].map(|is_repeated| next_step(is_repeated, &result));
            assert_eq!(steps, [NextStep::LeaveToSweep, NextStep::Redeliver], "{result:?}");
        }
    }

    #[test]
    fn a_held_delivery_whose_check_could_not_be_scheduled_keeps_its_message() {
        let result = Err(SendError::Check(StoreError::Overloaded));
        assert_eq!([true, false].map(|is_repeated| next_step(is_repeated, &result)), [NextStep::Redeliver; 2]);
    }

    #[test]
    fn a_processed_message_is_deleted() {
        for outcome in [Outcome::Stale, Outcome::PassedOn, Outcome::Deferred, Outcome::SetAside { is_new: true }] {
            assert_eq!(next_step(false, &Ok(outcome)), NextStep::Delete);
        }
    }

    #[test]
    fn errors_count_as_our_faults_and_dropped_messages_are_not_counted() {
        assert_eq!(measure(&Err(SendError::NoBody)), Measured::one(Metric::OurFaults, 1));
        assert_eq!(measure(&Ok(Outcome::Held(DeliveryHoldReason::Pace))), Measured::one(Metric::Held, 1));
        assert_eq!(measure(&Ok(Outcome::Stale)), Measured::default());
    }

    #[test]
    fn an_unreadable_delivery_is_counted_once() {
        let measured = [true, false].map(|is_new| measure(&Ok(Outcome::SetAside { is_new })));
        assert_eq!(measured, [Measured::one(Metric::UnreadableRows, 1), Measured::default()]);
    }

    #[test]
    fn an_error_shared_by_many_messages_keeps_its_causes() {
        let delivery = SendError::Delivery(Arc::new(StoreError::Overloaded));
        assert_eq!(telemetry::chain(&delivery), "delivery could not be loaded: store is overloaded");
        let endpoint = SendError::from(Arc::new(EndpointError::from(StoreError::Overloaded)));
        assert_eq!(telemetry::chain(&endpoint), "endpoint could not be loaded: store is overloaded");
    }
}
