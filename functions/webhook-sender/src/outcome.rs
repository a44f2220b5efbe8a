//! What processing a message led to: its outcome or error, what happens to the message, and how both are logged and measured.

use std::sync::Arc;

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::queue::QueueError;
use aws::store::StoreError;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{Delivery, DeliveryHoldReason, DeliveryState, ReplayOutcome, Replayed, Subject};
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
    #[error("delivery could not be loaded")]
    Delivery(#[source] Arc<StoreError>),
    #[error("health of the endpoint could not be loaded")]
    Health(#[source] Arc<StoreError>),
    #[error("endpoint could not be loaded")]
    Endpoint(#[from] Arc<EndpointError>),
    /// The delivery is on hold. Without the check, only the daily reconciliation would release it.
    #[error("delivery is held, but the check of its endpoint could not be scheduled")]
    Check(#[source] StoreError),
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
    /// The delivery is held because its endpoint is paused, disabled, or protected by its breaker.
    Held(HoldReason),
    /// The delivery is held because the endpoint is ordered, and an earlier delivery of the submission has not ended.
    HeldForOrder,
    /// A copy of the message arrives later: the endpoint has no free slot, was just resumed, or a test met a fault on our side.
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
            | Outcome::HeldForOrder
            | Outcome::Deferred
            | Outcome::PassedOn
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
        Ok(Outcome::HeldForOrder) => {
            let reason = DeliveryHoldReason::Order.as_str();
            info!(
                delivery.id = id,
                reason, "delivery {id} is held: an earlier delivery of its submission has not ended"
            );
        }
        Ok(Outcome::Deferred) => {
            info!(delivery.id = id, "delivery {id} is deferred: its endpoint has no free slot or was just resumed");
        }
        Ok(Outcome::PassedOn) => {
            info!(delivery.id = id, "delivery {id} is passed on to the slow lane: its receiver is slow");
        }
        Ok(Outcome::SetAside { is_new: true }) => {
            error!(delivery.id = id, "delivery {id} is set aside: its row cannot be read");
        }
        Ok(Outcome::SetAside { is_new: false }) => {
            info!(delivery.id = id, "delivery {id} remains set aside: its row cannot be read");
        }
        Ok(Outcome::Stale | Outcome::Tested(_)) => {
            info!(delivery.id = id, "message about delivery {id} is dropped: nothing is left to do");
        }
        Ok(Outcome::Cancelled) => info!(delivery.id = id, "delivery {id} is cancelled: its endpoint was deleted"),
        Ok(Outcome::Expired) => warn!(delivery.id = id, "delivery {id} expired: its event is no longer stored"),
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
        Ok(Outcome::PassedOn) => info!(test.id = id, "test {id} is passed on to the slow lane: its receiver is slow"),
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
    fn a_failed_message_is_left_to_the_sweep_whatever_failed_if_the_sweep_repeats_it() {
        let shared = || Arc::new(StoreError::Overloaded);
        let errors = [
            SendError::OwnFault(OwnFault::Egress),
            SendError::Service(ServiceError::Store(StoreError::Overloaded)),
            SendError::Delivery(shared()),
            SendError::Health(shared()),
            SendError::Endpoint(Arc::new(EndpointError::from(StoreError::Overloaded))),
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
        assert_eq!(measure(&Ok(Outcome::Held(HoldReason::Paused))), Measured::one(Metric::Held, 1));
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
