//! Replays of a delivery: a caller asks to send a finished delivery once more.
//!
//! A replay is one POST with the endpoint's current settings and is never retried. It is recorded once by its id,
//! however often its message arrives, and does not change the endpoint's health.

use super::{Delivery, DeliveryState, MAX_KEPT_REPLAYS, Replayed, SkipReason};
use crate::foundation::id::ReplayId;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::health::Health;

impl Delivery {
    /// Returns why this delivery cannot be replayed, or `None` if it can. `endpoint` is what the settings permit
    /// and the health; `None` if the endpoint was deleted. A failing receiver does not block a replay, because the
    /// caller asked for it.
    pub fn replay_obstacle(&self, endpoint: Option<(SendingState, &Health)>) -> Option<SkipReason> {
        if !self.state.is_final() {
            return Some(SkipReason::DeliveryUnderWay);
        }
        match endpoint {
            None => Some(SkipReason::EndpointDeleted),
            Some((SendingState::Paused, _)) => Some(SkipReason::EndpointPaused),
            Some((SendingState::Unverified, _)) => Some(SkipReason::EndpointUnverified),
            Some((SendingState::Active, health)) => health.disabled.map(|_| SkipReason::EndpointDisabled),
        }
    }

    /// Whether `replay` is recorded in this delivery.
    pub fn was_replayed_by(&self, replay: ReplayId) -> bool {
        self.replays.iter().any(|replayed| replayed.replay_id == replay)
    }

    /// Attempt number of the next replay: one more than the attempts and replays so far, at most 255.
    pub fn replay_number(&self) -> u8 {
        let made = u32::from(self.attempts_made()).saturating_add(self.replay_count);
        u8::try_from(made.saturating_add(1)).unwrap_or(u8::MAX)
    }

    /// Records a replay. A failed or expired delivery becomes delivered if the receiver accepted the replay; other states
    /// stay.
    #[must_use]
    pub fn after_replay(mut self, mut replayed: Replayed) -> Self {
        let is_undelivered = matches!(self.state, DeliveryState::Failed | DeliveryState::Expired);
        if is_undelivered && replayed.outcome.successful_attempt().is_some() {
            self.state = DeliveryState::Delivered;
        }
        if self.erased_at.is_some() {
            replayed.outcome.erase();
        }
        self.replays.push(replayed);
        self.replay_count = self.replay_count.saturating_add(1);
        if self.replays.len() > MAX_KEPT_REPLAYS {
            // The replay that delivered the webhook is kept, because it shows when that was.
            let is_oldest_needed =
                self.delivering_attempt().is_none() && self.replays[0].outcome.successful_attempt().is_some();
            self.replays.remove(usize::from(is_oldest_needed));
        }
        self
    }

    /// The attempt or replay that the receiver accepted, if any.
    pub fn successful_attempt(&self) -> Option<&Attempt> {
        self.delivering_attempt()
            .or_else(|| self.replays.iter().find_map(|replayed| replayed.outcome.successful_attempt()))
    }

    fn delivering_attempt(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.succeeded())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::id::{EndpointId, EventId, ProjectId};
    use crate::foundation::random::SystemRandom;
    use crate::foundation::time::Timestamp;
    use crate::webhooks::attempt::{FailureReason, Phases};
    use crate::webhooks::delivery::ReplayOutcome;
    use crate::webhooks::event::{Event, EventData, EventType};
    use crate::webhooks::health::{DisableReason, Disabled};

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn attempt(number: u8, reason: Option<FailureReason>) -> Attempt {
        Attempt { number, at: now(), duration_ms: 250, phases: Phases::default(), status: None, reason, response: None }
    }

    fn ended_by(reason: Option<FailureReason>) -> Delivery {
        let event = Event {
            id: EventId::new(now(), &SystemRandom),
            project_id: ProjectId::new(now(), &SystemRandom),
            event_type: EventType::Approved,
            submission_id: None,
            sequence: None,
            occurred_at: now(),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        Delivery::queued(&event, EndpointId::new(now(), &SystemRandom)).after(attempt(1, reason), None)
    }

    fn sent(delivery: &Delivery, reason: Option<FailureReason>) -> Replayed {
        let outcome = ReplayOutcome::Sent(attempt(delivery.replay_number(), reason));
        Replayed { replay_id: ReplayId::new(now(), &SystemRandom), outcome }
    }

    fn skipped(reason: SkipReason) -> Replayed {
        let outcome = ReplayOutcome::Skipped { at: now(), reason };
        Replayed { replay_id: ReplayId::new(now(), &SystemRandom), outcome }
    }

    #[test]
    fn the_reason_why_a_delivery_cannot_be_replayed_is_named() {
        let failed = ended_by(Some(FailureReason::Status));
        let health = Health::unknown(failed.project_id, failed.id.endpoint);
        let disabled = Disabled { at: now(), reason: DisableReason::Gone };
        let disabled = Health { disabled: Some(disabled), ..health.clone() };
        let waiting = Delivery { state: DeliveryState::Waiting, ..failed.clone() };
        let cancelled = failed.clone().cancelled(now());
        let active = SendingState::Active;
        for (delivery, endpoint, expected) in [
            (&failed, Some((active, &health)), None),
            (&waiting, Some((active, &health)), Some(SkipReason::DeliveryUnderWay)),
            (&failed, None, Some(SkipReason::EndpointDeleted)),
            (&cancelled, None, Some(SkipReason::EndpointDeleted)),
            (&failed, Some((SendingState::Paused, &disabled)), Some(SkipReason::EndpointPaused)),
            (&failed, Some((active, &disabled)), Some(SkipReason::EndpointDisabled)),
            (&failed, Some((SendingState::Unverified, &disabled)), Some(SkipReason::EndpointUnverified)),
        ] {
            assert_eq!(delivery.replay_obstacle(endpoint), expected);
        }
    }

    #[test]
    fn replay_records_survive_a_round_trip_through_json() {
        let delivery = ended_by(None);
        for replayed in [sent(&delivery, Some(FailureReason::Tls)), skipped(SkipReason::EventGone)] {
            let json = serde_json::to_value(&replayed).unwrap();
            assert_eq!(serde_json::from_value::<Replayed>(json).unwrap(), replayed);
        }
        let json = serde_json::to_value(skipped(SkipReason::EndpointPaused)).unwrap();
        assert_eq!(json["skipped"], SkipReason::EndpointPaused.as_str());
    }

    proptest! {
        #[test]
        fn the_first_replay_that_the_receiver_accepts_delivers_a_failed_delivery(
            is_failed in any::<bool>(),
            outcomes in proptest::collection::vec(0_u8..3, 0..40),
        ) {
            let mut delivery = ended_by(is_failed.then_some(FailureReason::Status));
            let mut accepted_number = (!is_failed).then_some(1);
            for outcome in outcomes {
                let number = delivery.replay_number();
                let replayed = match outcome {
                    0 => skipped(SkipReason::EndpointPaused),
                    1 => sent(&delivery, Some(FailureReason::Timeout)),
                    _ => sent(&delivery, None),
                };
                if outcome == 2 {
                    accepted_number.get_or_insert(number);
                }
                let id = replayed.replay_id;
                delivery = delivery.after_replay(replayed);
                prop_assert!(delivery.was_replayed_by(id) && delivery.replay_number() == number + 1);
                prop_assert!(delivery.replays.len() <= MAX_KEPT_REPLAYS);
                prop_assert_eq!(delivery.state == DeliveryState::Delivered, accepted_number.is_some());
                prop_assert_eq!(delivery.successful_attempt().map(|attempt| attempt.number), accepted_number);
            }
        }
    }
}
