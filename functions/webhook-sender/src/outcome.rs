//! What a nudge came to.

use shared::aws::queue::QueueError;
use shared::aws::secrets::SecretError;
use shared::aws::store::StoreError;
use shared::delivery::{Attempt, Delivery, DeliveryState, FailureReason, HoldReason, ReplayOutcome, Replayed, Subject};
use shared::metric::{Measured, Metric};
use shared::telemetry;
use shared::test_send::{TestSend, TestState};
use shared::webhook::OpenError;
use thiserror::Error;
use tracing::{error, info, warn};

use crate::failure::OwnFault;

/// Why a nudge came to nothing: always our own fault, never the receiver's.
#[derive(Debug, Error)]
pub(crate) enum SendError {
    #[error("message asks for nothing that is known")]
    Message(#[source] serde_json::Error),
    #[error("message has no body")]
    NoBody,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Post(#[from] OwnFault),
    #[error("facts about the batch are missing: {0}")]
    Facts(String),
    #[error("endpoint cannot be read: {0}")]
    Endpoint(String),
}

/// What a nudge came to.
#[derive(Debug)]
pub(crate) enum Done {
    Attempted(Delivery),
    /// A delivery that was over was sent once more, or could not be; and the state it is in now.
    Replayed(DeliveryState, Replayed),
    /// A test was sent, or will not be.
    Tested(TestSend),
    /// The endpoint takes no webhooks at the moment.
    Held(HoldReason),
    /// Too many attempts are under way to the endpoint, or it was just resumed, or a test met a fault of ours; the nudge
    /// comes again.
    PutOff,
    /// The delivery is over or an attempt further, or the attempt was counted by another message; or so was the test.
    Stale,
    /// The endpoint is gone.
    Cancelled,
    /// The event is past its retention.
    Forgotten,
}

/// What happens to a message that was worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done with.
    Over,
    /// It comes again.
    Again,
    /// It is done with, for the sweep sends another every few minutes, to which old ones that live on would only add.
    LeftToSweep,
}

/// What happens to a message about `subject`.
pub(crate) fn next(subject: Option<Subject>, done: &Result<Done, SendError>) -> Next {
    match (done, subject) {
        (Ok(_), _) => Next::Over,
        (Err(SendError::Post(_)), Some(Subject::Attempt(_, 2..))) => Next::LeftToSweep,
        (Err(_), _) => Next::Again,
    }
}

/// What is to be counted of a nudge. Tests and replays are attempts, too; a delivery that only a replay delivered was counted as failed.
pub(crate) fn measure(done: &Result<Done, SendError>) -> Measured {
    let attempted = |attempt: &Attempt| Measured::one(Metric::AttemptDuration, attempt.duration_ms.into());
    match done {
        Ok(Done::Attempted(delivery)) => {
            let mut measured = delivery.attempts.last().map(attempted).unwrap_or_default();
            match delivery.state {
                DeliveryState::Delivered => measured.add(Metric::Delivered, 1),
                DeliveryState::Failed => measured.add(Metric::Failed, 1),
                DeliveryState::Queued | DeliveryState::Waiting | DeliveryState::Held | DeliveryState::Cancelled => {}
            }
            measured
        }
        Ok(
            Done::Replayed(_, Replayed { outcome: ReplayOutcome::Sent(attempt), .. })
            | Done::Tested(TestSend { state: TestState::Done { attempt, .. }, .. }),
        ) => attempted(attempt),
        Ok(Done::Held(_)) => Measured::one(Metric::Held, 1),
        Ok(Done::Replayed(..) | Done::Tested(_) | Done::PutOff | Done::Stale | Done::Cancelled | Done::Forgotten) => {
            Measured::default()
        }
        Err(_) => Measured::one(Metric::OurFaults, 1),
    }
}

/// Writes the one line that tells what became of a nudge.
pub(crate) fn log(subject: Option<Subject>, done: &Result<Done, SendError>, next: Next) {
    match subject {
        Some(Subject::Attempt(id, _) | Subject::Replay(id, _)) => log_delivery(&id.to_string(), done, next),
        Some(Subject::Test(id)) => log_test(&id.to_string(), done),
        None => log_delivery("unknown", done, next),
    }
}

fn log_delivery(id: &str, done: &Result<Done, SendError>, next: Next) {
    match done {
        Ok(Done::Attempted(delivery)) => log_attempt(id, delivery),
        Ok(Done::Replayed(state, replayed)) => log_replay(id, *state, replayed),
        Ok(Done::Held(because)) => {
            let because = because.as_str();
            info!(delivery.id = id, because, "delivery {id} is held: its endpoint is {because}");
        }
        Ok(Done::PutOff) => {
            info!(delivery.id = id, "delivery {id} is put off: its endpoint is taken up, or was just resumed");
        }
        Ok(Done::Stale | Done::Tested(_)) => info!(delivery.id = id, "delivery {id} needed nothing more"),
        Ok(Done::Cancelled) => info!(delivery.id = id, "delivery {id} was cancelled: its endpoint is gone"),
        Ok(Done::Forgotten) => warn!(delivery.id = id, "delivery {id} is dropped: its event is past its retention"),
        Err(error) => {
            let whither = if next == Next::LeftToSweep { "is left to the sweep" } else { "goes back to the queue" };
            error!(delivery.id = id, cause = telemetry::chain(error), "delivery {id} {whither}");
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
        "attempt {number} of delivery {id} left it {state}"
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
                "replay {replay} of delivery {id} left it {state}"
            );
        }
        ReplayOutcome::Skipped { because, .. } => {
            let because = because.as_str();
            info!(delivery.id = id, replay.id = %replay, because, "replay {replay} passed over delivery {id}: {because}");
        }
    }
}

fn log_test(id: &str, done: &Result<Done, SendError>) {
    match done {
        Ok(Done::Tested(TestSend { state: TestState::Done { attempt, .. }, .. })) => {
            let reason = attempt.reason.map_or("none", FailureReason::as_str);
            info!(
                test.id = id,
                status = attempt.status,
                reason,
                duration_ms = attempt.duration_ms,
                "test {id} was sent"
            );
        }
        Ok(Done::Tested(TestSend { state: TestState::NotSent { not_sent_because }, .. })) => {
            let because = not_sent_because.as_str();
            warn!(test.id = id, because, "test {id} will not be sent: {because}");
        }
        Ok(Done::PutOff) => info!(test.id = id, "test {id} is put off"),
        Ok(_) => info!(test.id = id, "test {id} needed nothing more"),
        Err(error) => error!(test.id = id, cause = telemetry::chain(error), "test {id} goes back to the queue"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::delivery::Phases;
    use shared::event::EventType;
    use shared::id::{DeliveryId, EndpointId, EventId, ProjectId};
    use shared::random::SystemRandom;
    use shared::time::Timestamp;

    use super::*;

    /// A delivery after one attempt that took 112 ms; it is retried after `wait`.
    fn attempted(status: u16, wait: Option<Duration>) -> Done {
        let now = Timestamp::from_millis(1_795_336_200_000).unwrap();
        let id = DeliveryId { event: EventId::new(now, &SystemRandom), endpoint: EndpointId::new(now, &SystemRandom) };
        let project = ProjectId::new(now, &SystemRandom);
        let reason = (status != 200).then_some(FailureReason::Status);
        let phases = Phases::default();
        let attempt =
            Attempt { number: 1, at: now, duration_ms: 112, phases, status: Some(status), reason, response: None };
        Done::Attempted(Delivery::unattempted(project, id, EventType::Approved, None).after(attempt, wait))
    }

    #[test]
    fn each_attempt_is_timed_and_what_ends_a_delivery_is_counted_once() {
        let wait = Some(Duration::from_secs(5));
        let counted = [attempted(200, wait), attempted(500, wait), attempted(500, None)].map(|done| measure(&Ok(done)));
        let timed = Measured::one(Metric::AttemptDuration, 112);
        let and = |metric| [timed.clone(), Measured::one(metric, 1)].into_iter().collect();
        assert_eq!(counted, [and(Metric::Delivered), timed.clone(), and(Metric::Failed)]);
    }

    #[test]
    fn only_further_attempts_that_could_not_be_made_are_left_to_the_sweep() {
        let now = Timestamp::from_millis(1_795_336_200_000).unwrap();
        let id = DeliveryId { event: EventId::new(now, &SystemRandom), endpoint: EndpointId::new(now, &SystemRandom) };
        let of = |number, done| next(Some(Subject::Attempt(id, number)), &done);
        let unposted = || Err(SendError::Post(OwnFault::Egress));
        assert_eq!([of(1, unposted()), of(2, unposted())], [Next::Again, Next::LeftToSweep]);
        assert_eq!([of(2, Err(SendError::NoBody)), of(2, Ok(Done::Stale))], [Next::Again, Next::Over]);
        assert_eq!(next(None, &unposted()), Next::Again);
    }

    #[test]
    fn what_goes_back_to_the_queue_is_our_fault_and_what_needed_nothing_is_not_counted() {
        assert_eq!(measure(&Err(SendError::NoBody)), Measured::one(Metric::OurFaults, 1));
        assert_eq!(measure(&Ok(Done::Held(HoldReason::Paused))), Measured::one(Metric::Held, 1));
        assert_eq!(measure(&Ok(Done::Stale)), Measured::default());
    }
}
