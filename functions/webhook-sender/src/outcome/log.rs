//! The one log line of each message.

use aws::lambda::telemetry;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{Delivery, DeliveryHoldReason, DeliveryState, ReplayOutcome, Replayed, Subject};
use domain::webhooks::test_send::{TestSend, TestState};
use tracing::{error, info, warn};

use super::{NextStep, Outcome, SendError};

/// Writes the one log line of a message.
pub(crate) fn write(subject: Option<Subject>, result: &Result<Outcome, SendError>, next_step: NextStep) {
    match subject {
        Some(Subject::Attempt(id, _) | Subject::Replay(id, _)) => log_delivery(&id.to_string(), result, next_step),
        Some(Subject::Handshake(id)) => log_handshake(&id.to_string(), result),
        Some(Subject::Test(id)) => log_test(&id.to_string(), result),
        None => log_delivery("unknown", result, next_step),
    }
}

fn log_delivery(id: &str, result: &Result<Outcome, SendError>, next_step: NextStep) {
    match result {
        Ok(Outcome::Attempted(delivery)) => log_attempt(id, delivery),
        Ok(Outcome::Replayed(state, replayed)) => log_replay(id, *state, replayed),
        Ok(Outcome::Held(reason @ DeliveryHoldReason::Pace)) => {
            let reason = reason.as_str();
            info!(delivery.id = id, reason, "delivery {id} is held: the slots of the next 15 minutes are taken");
        }
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
        Ok(Outcome::WaitsForSlot(slot)) => {
            let slot = slot.at;
            info!(delivery.id = id, %slot, "delivery {id} waits for its slot at the pace of its endpoint");
        }
        Ok(Outcome::Deferred) => {
            info!(
                delivery.id = id,
                "delivery {id} is deferred: its endpoint has no free slot or was just resumed, or no time was left"
            );
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
        Ok(Outcome::Stale | Outcome::Tested(_) | Outcome::HandshakeMade(_)) => {
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

fn log_handshake(id: &str, result: &Result<Outcome, SendError>) {
    match result {
        Ok(Outcome::HandshakeMade(handshake)) => {
            let granted = handshake.proof().is_some();
            let answer = if granted { "grants" } else { "does not grant" };
            info!(handshake.id = id, granted, "the receiver {answer} webhooks in handshake {id}");
        }
        Ok(Outcome::Deferred | Outcome::PassedOn) => info!(handshake.id = id, "handshake {id} is deferred"),
        Ok(_) => info!(handshake.id = id, "message about handshake {id} is dropped: nothing is left to do"),
        Err(error) => {
            error!(handshake.id = id, cause = telemetry::chain(error), "handshake {id} returns to the queue");
        }
    }
}
