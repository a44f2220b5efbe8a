//! Replays of a delivery: what is over is sent once more, because somebody asked for it.
//!
//! A replay is one POST, never retried, with the endpoint's settings of that moment. It is recorded once, by its id, however
//! often its message comes, and says nothing about the endpoint's health.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Attempt, Delivery, DeliveryState};
use crate::endpoint::EndpointState;
use crate::health::Health;
use crate::id::ReplayId;
use crate::time::Timestamp;

/// How many replays are kept with a delivery. A message that comes again is known by them, so it must not come later than
/// after ten other replays of the same delivery.
pub const MOST_REPLAYS_KEPT: usize = 10;

/// A replay of a delivery, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Which replay.
    pub replay_id: ReplayId,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: ReplayOutcome,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ReplayOutcome {
    /// It was sent. Its number goes on where attempts and earlier replays ended.
    Sent(Attempt),
    /// It was not sent.
    Skipped {
        /// When that was found.
        at: Timestamp,
        /// Why.
        #[serde(rename = "skipped")]
        because: SkipReason,
    },
}

impl ReplayOutcome {
    /// Takes away what the receiver answered.
    pub(super) fn erase(&mut self) {
        if let Self::Sent(attempt) = self {
            attempt.response = None;
        }
    }

    /// The POST that the receiver took, if it was one.
    pub fn taken(&self) -> Option<&Attempt> {
        match self {
            Self::Sent(attempt) => Some(attempt).filter(|attempt| attempt.succeeded()),
            Self::Skipped { .. } => None,
        }
    }
}

/// Why a delivery cannot be replayed. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// It has not come to its end.
    #[error("delivery is still under way; it can be replayed when it is over")]
    DeliveryUnderWay,
    /// There is nowhere to send it.
    #[error("endpoint of this delivery was deleted")]
    EndpointDeleted,
    /// The customer wants no webhooks there now.
    #[error("endpoint of this delivery is paused; resume it first")]
    EndpointPaused,
    /// Its receiver is gone, or failed for long.
    #[error("endpoint of this delivery is disabled; resume it first")]
    EndpointDisabled,
    /// There is nothing to send any more.
    #[error("event of this delivery is not kept any more")]
    EventGone,
    /// The replay by filter that it was part of was cancelled first.
    #[error("replay was cancelled")]
    ReplayCancelled,
}

impl SkipReason {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeliveryUnderWay => "delivery-under-way",
            Self::EndpointDeleted => "endpoint-deleted",
            Self::EndpointPaused => "endpoint-paused",
            Self::EndpointDisabled => "endpoint-disabled",
            Self::EventGone => "event-gone",
            Self::ReplayCancelled => "replay-cancelled",
        }
    }
}

impl Delivery {
    /// What keeps this delivery from being replayed, if anything does. `endpoint` is what the customer wishes of it and its
    /// health; `None` if it is gone. That its receiver fails is no obstacle: who replays knows better.
    pub fn replay_obstacle(&self, endpoint: Option<(EndpointState, &Health)>) -> Option<SkipReason> {
        if !self.state.is_final() {
            return Some(SkipReason::DeliveryUnderWay);
        }
        match endpoint {
            None => Some(SkipReason::EndpointDeleted),
            Some((EndpointState::Paused, _)) => Some(SkipReason::EndpointPaused),
            Some((EndpointState::Active, health)) => health.disabled.map(|_| SkipReason::EndpointDisabled),
        }
    }

    /// Whether this replay of the delivery was recorded.
    pub fn was_replayed_by(&self, replay: ReplayId) -> bool {
        self.replays.iter().any(|replayed| replayed.replay_id == replay)
    }

    /// The number that the next replay is sent with: one more than there were attempts and replays. The highest there is
    /// when that is past it.
    pub fn replay_number(&self) -> u8 {
        let made = u32::from(self.attempts_made()).saturating_add(self.replay_count);
        u8::try_from(made.saturating_add(1)).unwrap_or(u8::MAX)
    }

    /// The delivery after a replay. One that had failed is delivered if its receiver takes it now; no other end is left.
    #[must_use]
    pub fn after_replay(mut self, mut replayed: Replayed) -> Self {
        if self.state == DeliveryState::Failed && replayed.outcome.taken().is_some() {
            self.state = DeliveryState::Delivered;
        }
        if self.erased_at.is_some() {
            replayed.outcome.erase();
        }
        self.replays.push(replayed);
        self.replay_count = self.replay_count.saturating_add(1);
        if self.replays.len() > MOST_REPLAYS_KEPT {
            // The one that delivered it is kept, for it tells when that was.
            let is_oldest_needed = self.attempt_taken().is_none() && self.replays[0].outcome.taken().is_some();
            self.replays.remove(usize::from(is_oldest_needed));
        }
        self
    }

    /// The attempt or replay that delivered it, if one did.
    pub fn taken(&self) -> Option<&Attempt> {
        self.attempt_taken().or_else(|| self.replays.iter().find_map(|replayed| replayed.outcome.taken()))
    }

    fn attempt_taken(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.succeeded())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::delivery::{FailureReason, Phases};
    use crate::event::{Event, EventData, EventType};
    use crate::health::{DisableReason, Disabled};
    use crate::id::{EndpointId, EventId, ProjectId};
    use crate::random::SystemRandom;

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
            occurred_at: now(),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        Delivery::queued(&event, EndpointId::new(now(), &SystemRandom)).after(attempt(1, reason), None)
    }

    fn sent(delivery: &Delivery, reason: Option<FailureReason>) -> Replayed {
        let outcome = ReplayOutcome::Sent(attempt(delivery.replay_number(), reason));
        Replayed { replay_id: ReplayId::new(now(), &SystemRandom), outcome }
    }

    fn skipped(because: SkipReason) -> Replayed {
        let outcome = ReplayOutcome::Skipped { at: now(), because };
        Replayed { replay_id: ReplayId::new(now(), &SystemRandom), outcome }
    }

    #[test]
    fn what_keeps_a_delivery_from_being_replayed_is_named() {
        let failed = ended_by(Some(FailureReason::Status));
        let health = Health::unknown(failed.project_id, failed.id.endpoint);
        let disabled = Disabled { at: now(), because: DisableReason::Gone };
        let disabled = Health { disabled: Some(disabled), ..health.clone() };
        let waiting = Delivery { state: DeliveryState::Waiting, ..failed.clone() };
        let cancelled = failed.clone().cancelled();
        let active = EndpointState::Active;
        for (delivery, endpoint, expected) in [
            (&failed, Some((active, &health)), None),
            (&waiting, Some((active, &health)), Some(SkipReason::DeliveryUnderWay)),
            (&failed, None, Some(SkipReason::EndpointDeleted)),
            (&cancelled, None, Some(SkipReason::EndpointDeleted)),
            (&failed, Some((EndpointState::Paused, &disabled)), Some(SkipReason::EndpointPaused)),
            (&failed, Some((active, &disabled)), Some(SkipReason::EndpointDisabled)),
        ] {
            assert_eq!(delivery.replay_obstacle(endpoint), expected);
        }
    }

    #[test]
    fn records_read_back_as_they_were_written() {
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
        fn a_failed_delivery_is_delivered_from_the_first_replay_on_that_is_taken(
            is_failed in any::<bool>(),
            outcomes in proptest::collection::vec(0_u8..3, 0..40),
        ) {
            let mut delivery = ended_by(is_failed.then_some(FailureReason::Status));
            let mut taken_number = (!is_failed).then_some(1);
            for outcome in outcomes {
                let number = delivery.replay_number();
                let replayed = match outcome {
                    0 => skipped(SkipReason::EndpointPaused),
                    1 => sent(&delivery, Some(FailureReason::Timeout)),
                    _ => sent(&delivery, None),
                };
                if outcome == 2 {
                    taken_number.get_or_insert(number);
                }
                let id = replayed.replay_id;
                delivery = delivery.after_replay(replayed);
                prop_assert!(delivery.was_replayed_by(id) && delivery.replay_number() == number + 1);
                prop_assert!(delivery.replays.len() <= MOST_REPLAYS_KEPT);
                prop_assert_eq!(delivery.state == DeliveryState::Delivered, taken_number.is_some());
                prop_assert_eq!(delivery.taken().map(|attempt| attempt.number), taken_number);
            }
        }
    }
}
