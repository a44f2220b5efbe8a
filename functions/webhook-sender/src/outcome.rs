//! What processing a message led to: its outcome or error, what happens to the message, and how both are logged and measured.

use std::sync::Arc;

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::queue::QueueError;
use aws::store::StoreError;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{Delivery, DeliveryState, ReplayOutcome, Replayed, Subject};
use domain::webhooks::health::HoldReason;
use domain::webhooks::test_send::{TestSend, TestState};
use thiserror::Error;
use tracing::{error, info, warn};

use crate::endpoint_cache::EndpointError;
use crate::http::failure::OwnFault;

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
    /// All messages of the batch share the error.
    #[error("data of the batch could not be loaded")]
    Batch(#[source] Arc<StoreError>),
    #[error("endpoint could not be loaded")]
    Endpoint(#[from] Arc<EndpointError>),
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
    /// The delivery is held because its endpoint is paused, disabled, or protected by its breaker.
    Held(HoldReason),
    /// A copy of the message arrives later: the endpoint has no free slot, was just resumed, or a test met a fault on our side.
    Deferred,
    /// Nothing was left to do: the delivery or test has ended, or another message already did the work.
    Stale,
    /// The delivery is cancelled because its endpoint was deleted.
    Cancelled,
    /// The event or delivery is past its retention.
    PastRetention,
}

/// What happens to a message after its processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// The message is deleted.
    Delete,
    /// The message returns to the queue.
    Redeliver,
    /// The message is deleted although it failed. The sweep sends a new one every few minutes, and messages that also returned
    /// to the queue would pile up.
    LeaveToSweep,
}

/// Returns what happens to a message about `subject`.
pub(crate) fn next_step(subject: Option<Subject>, result: &Result<Outcome, SendError>) -> NextStep {
    match (result, subject) {
        (Ok(_), _) => NextStep::Delete,
        (Err(SendError::OwnFault(_)), Some(Subject::Attempt(_, 2..))) => NextStep::LeaveToSweep,
        (Err(_), _) => NextStep::Redeliver,
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
                DeliveryState::Queued | DeliveryState::Waiting | DeliveryState::Held | DeliveryState::Cancelled => {}
            }
            measured
        }
        Ok(
            Outcome::Replayed(_, Replayed { outcome: ReplayOutcome::Sent(attempt), .. })
            | Outcome::Tested(TestSend { state: TestState::Done { attempt, .. }, .. }),
        ) => duration(attempt),
        Ok(Outcome::Held(_)) => Measured::one(Metric::Held, 1),
        Ok(
            Outcome::Replayed(..)
            | Outcome::Tested(_)
            | Outcome::Deferred
            | Outcome::Stale
            | Outcome::Cancelled
            | Outcome::PastRetention,
        ) => Measured::default(),
        Err(_) => Measured::one(Metric::OurFaults, 1),
    }
}

/// Writes the one log line of a message.
pub(crate) fn log(subject: Option<Subject>, result: &Result<Outcome, SendError>, next_step: NextStep) {
    match subject {
        Some(Subject::Attempt(id, _) | Subject::Replay(id, _)) => log_delivery(&id.to_string(), result, next_step),
        Some(Subject::Test(id)) => log_test(&id.to_string(), result),
        None => log_delivery("unknown", result, next_step),
    }
}

fn log_delivery(id: &str, result: &Result<Outcome, SendError>, next_step: NextStep) {
    match result {
        Ok(Outcome::Attempted(delivery)) => log_attempt(id, delivery),
        Ok(Outcome::Replayed(state, replayed)) => log_replay(id, *state, replayed),
        Ok(Outcome::Held(reason)) => {
            let reason = reason.as_str();
            info!(delivery.id = id, reason, "delivery {id} is held: its endpoint is {reason}");
        }
        Ok(Outcome::Deferred) => {
            info!(delivery.id = id, "delivery {id} is deferred: its endpoint has no free slot or was just resumed");
        }
        Ok(Outcome::Stale | Outcome::Tested(_)) => {
            info!(delivery.id = id, "message about delivery {id} is dropped: nothing is left to do");
        }
        Ok(Outcome::Cancelled) => info!(delivery.id = id, "delivery {id} is cancelled: its endpoint was deleted"),
        Ok(Outcome::PastRetention) => {
            warn!(delivery.id = id, "delivery {id} is dropped: its event is past its retention");
        }
        Err(error) => {
            let action =
                if next_step == NextStep::LeaveToSweep { "is left to the sweep" } else { "returns to the queue" };
            error!(delivery.id = id, cause = telemetry::chain(error), "delivery {id} {action}");
        }
    }
}

fn log_attempt(id: &str, delivery: &Delivery) {
    let Some(attempt) = delivery.attempts.last() else { return };
    let (state, number) = (delivery.state.as_str(), attempt.number);
    let reason = attempt.reason.map_or("none", FailureReason::as_str);
    info!(
        delivery.id = id,
        attempt = number,
        status = attempt.status,
        reason,
        duration_ms = attempt.duration_ms,
        state,
        "attempt {number} of delivery {id} ended; the delivery is {state}"
    );
}

fn log_replay(id: &str, state: DeliveryState, replayed: &Replayed) {
    let (replay, state) = (replayed.replay_id, state.as_str());
    match &replayed.outcome {
        ReplayOutcome::Sent(attempt) => {
            let reason = attempt.reason.map_or("none", FailureReason::as_str);
            info!(
                delivery.id = id,
                replay.id = %replay,
                status = attempt.status,
                reason,
                duration_ms = attempt.duration_ms,
                state,
                "replay {replay} of delivery {id} ended; the delivery is {state}"
            );
        }
        ReplayOutcome::Skipped { reason, .. } => {
            let reason = reason.as_str();
            info!(delivery.id = id, replay.id = %replay, reason, "replay {replay} skipped delivery {id}: {reason}");
        }
    }
}

fn log_test(id: &str, result: &Result<Outcome, SendError>) {
    match result {
        Ok(Outcome::Tested(TestSend { state: TestState::Done { attempt, .. }, .. })) => {
            let reason = attempt.reason.map_or("none", FailureReason::as_str);
            info!(
                test.id = id,
                status = attempt.status,
                reason,
                duration_ms = attempt.duration_ms,
                "test {id} was sent"
            );
        }
        Ok(Outcome::Tested(TestSend { state: TestState::NotSent { not_sent_reason }, .. })) => {
            let reason = not_sent_reason.as_str();
            warn!(test.id = id, reason, "test {id} will not be sent: {reason}");
        }
        Ok(Outcome::Deferred) => info!(test.id = id, "test {id} is deferred"),
        Ok(_) => info!(test.id = id, "message about test {id} is dropped: nothing is left to do"),
        Err(error) => error!(test.id = id, cause = telemetry::chain(error), "test {id} returns to the queue"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
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
    fn only_later_attempts_prevented_by_our_own_fault_are_left_to_the_sweep() {
        let id = delivery_id();
        let step = |number, result| next_step(Some(Subject::Attempt(id, number)), &result);
        let own_fault = || Err(SendError::OwnFault(OwnFault::Egress));
        assert_eq!([step(1, own_fault()), step(2, own_fault())], [NextStep::Redeliver, NextStep::LeaveToSweep]);
        let others = [step(2, Err(SendError::NoBody)), step(2, Ok(Outcome::Stale))];
        assert_eq!(others, [NextStep::Redeliver, NextStep::Delete]);
        assert_eq!(next_step(None, &own_fault()), NextStep::Redeliver);
    }

    #[test]
    fn errors_count_as_our_faults_and_dropped_messages_are_not_counted() {
        assert_eq!(measure(&Err(SendError::NoBody)), Measured::one(Metric::OurFaults, 1));
        assert_eq!(measure(&Ok(Outcome::Held(HoldReason::Paused))), Measured::one(Metric::Held, 1));
        assert_eq!(measure(&Ok(Outcome::Stale)), Measured::default());
    }

    #[test]
    fn an_error_shared_by_many_messages_keeps_its_causes() {
        let batch = SendError::Batch(Arc::new(StoreError::Overloaded));
        assert_eq!(telemetry::chain(&batch), "data of the batch could not be loaded: store is overloaded");
        let endpoint = SendError::from(Arc::new(EndpointError::from(StoreError::Overloaded)));
        assert_eq!(telemetry::chain(&endpoint), "endpoint could not be loaded: store is overloaded");
    }
}
