//! Deliveries: one event on its way to one endpoint.
//!
//! ```text
//!             ┌──────── failed attempt, more to come ───────┐
//!             ▼                                             │
//! queued ──► waiting ───────────────────────────────────────┘
//!    │          │
//!    ├──────────┼──► delivered   an attempt was answered with 200–299
//!    ├──────────┼──► failed      the last attempt failed
//!    └──────────┴──► cancelled   the endpoint was deleted
//! ```
//!
//! The stored delivery is the truth. A queue message is only a [`Nudge`] to make one attempt: it may come twice, late or
//! never. An attempt is recorded only if the delivery still waits for just that attempt, so none is counted twice.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventType, SubmissionId};
use crate::id::{DeliveryId, EndpointId, ProjectId};
use crate::time::Timestamp;

/// The longest delay of a queue message (SQS's limit). What is due later is left to the sweep.
pub const LONGEST_MESSAGE_DELAY: Duration = Duration::from_mins(15);

/// How far ahead the sweep of `webhook-retry` looks: the time to its next run.
pub const SWEEP_AHEAD: Duration = Duration::from_mins(1);

/// How long a message is trusted to bring its attempt about before the sweep sends another. Longer than the queue's
/// visibility timeout, so that a message in flight is not doubled.
pub const SECOND_LOOK: Duration = Duration::from_mins(5);

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The event and the endpoint.
    pub id: DeliveryId,
    /// Whose event it is.
    pub project_id: ProjectId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Which submission it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// How far it has come.
    pub state: DeliveryState,
    /// When the next attempt is due; only while waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// The attempts made, in order; at most 16.
    pub attempts: Vec<Attempt>,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// No attempt was recorded yet.
    Queued,
    /// An attempt failed, another is due.
    Waiting,
    /// A receiver took it. Final.
    Delivered,
    /// All attempts failed. Final.
    Failed,
    /// The endpoint was deleted. Final.
    Cancelled,
}

impl DeliveryState {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it stays so for ever.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Waiting => false,
            Self::Delivered | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One POST and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Counted from 1; sent as `webhook-attempt`.
    pub number: u8,
    /// When the POST began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// Where that time went.
    #[serde(default, skip_serializing_if = "Phases::is_empty")]
    pub phases: Phases,
    /// The HTTP status that was answered, if any was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The beginning of the answer's body, as text without control characters: at most 1 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

impl Attempt {
    /// Whether the receiver took the webhook.
    pub fn succeeded(&self) -> bool {
        self.reason.is_none()
    }

    /// When it was over.
    pub fn ended_at(&self) -> Timestamp {
        self.at.plus(Duration::from_millis(u64::from(self.duration_ms)))
    }
}

/// Where an attempt's time went, in milliseconds. A phase that was not reached, or not needed because a connection was
/// still open, is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// Resolving the host's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<u32>,
    /// Connecting, the TLS handshake included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u32>,
    /// From the connection to the answer's status line and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<u32>,
    /// Reading the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_ms: Option<u32>,
}

impl Phases {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why an attempt failed. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// The answer's status is not 200–299, nor a redirect.
    Status,
    /// The answer was a redirect; they are not followed.
    Redirect,
    /// The host name has no address.
    Dns,
    /// The URL or one of the host's addresses is not allowed: it is not on the public internet.
    BlockedAddress,
    /// Nothing listens at the address.
    Refused,
    /// No connection within 5 seconds.
    ConnectTimeout,
    /// No TLS session could be agreed, or the certificate is not trusted.
    Tls,
    /// No complete answer within 15 seconds.
    Timeout,
    /// The connection broke before an answer came.
    ConnectionLost,
    /// The answer's headers are larger than any server should send.
    TooLarge,
}

impl FailureReason {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::Dns => "dns",
            Self::BlockedAddress => "blocked-address",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection-lost",
            Self::TooLarge => "too-large",
        }
    }
}

/// A queue message: "make this attempt of this delivery".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nudge {
    /// Whose event it is.
    pub project_id: ProjectId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Which attempt, from 1.
    pub attempt: u8,
    /// The event, where it is small enough to travel along; otherwise it is read from the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

impl Nudge {
    /// The nudges for the first attempts to deliver `event` to each of `endpoints`.
    pub fn first(event: &Event, endpoints: &[EndpointId]) -> Vec<Self> {
        // SQS bills by 64 KiB, and a batch of ten may weigh 1 MiB at most: larger events are read from the store instead.
        const LARGEST_TO_CARRY: usize = 48 * 1024;
        let carried = (event.data.get().len() <= LARGEST_TO_CARRY).then(|| event.clone());
        let nudge = |endpoint: &EndpointId| Self {
            project_id: event.project_id,
            delivery_id: DeliveryId { event: event.id, endpoint: *endpoint },
            attempt: 1,
            event: carried.clone(),
        };
        endpoints.iter().map(nudge).collect()
    }
}

impl Delivery {
    /// A delivery of which nothing is stored yet: accepted, and no attempt recorded.
    pub fn queued(event: &Event, endpoint: EndpointId) -> Self {
        let id = DeliveryId { event: event.id, endpoint };
        Self::unattempted(event.project_id, id, event.event_type, event.submission_id.clone())
    }

    /// The same, where of the event only these facts are at hand.
    pub fn unattempted(
        project_id: ProjectId,
        id: DeliveryId,
        event_type: EventType,
        submission_id: Option<SubmissionId>,
    ) -> Self {
        let (state, next_attempt_at, attempts) = (DeliveryState::Queued, None, Vec::new());
        Self { id, project_id, event_type, submission_id, state, next_attempt_at, attempts }
    }

    /// How many attempts were made.
    pub fn attempts_made(&self) -> u8 {
        u8::try_from(self.attempts.len()).expect("a delivery has at most 16 attempts")
    }

    /// Whether this delivery still waits for the attempt `number`: it is not final, and the one before was the last made.
    pub fn awaits(&self, number: u8) -> bool {
        !self.state.is_final() && self.attempts_made() + 1 == number
    }

    /// The delivery after `attempt`. When that failed, `wait` is how long until the next; `None` if it was the last.
    #[must_use]
    pub fn after(mut self, attempt: Attempt, wait: Option<Duration>) -> Self {
        let (state, next_attempt_at) = match (attempt.succeeded(), wait) {
            (true, _) => (DeliveryState::Delivered, None),
            (false, Some(wait)) => (DeliveryState::Waiting, Some(attempt.ended_at().plus(wait))),
            (false, None) => (DeliveryState::Failed, None),
        };
        self.state = state;
        self.next_attempt_at = next_attempt_at;
        self.attempts.push(attempt);
        self
    }

    /// The delivery after its endpoint was deleted.
    #[must_use]
    pub fn cancelled(mut self) -> Self {
        self.state = DeliveryState::Cancelled;
        self.next_attempt_at = None;
        self
    }

    /// The nudge for the next attempt.
    pub fn next_nudge(&self) -> Nudge {
        Nudge { project_id: self.project_id, delivery_id: self.id, attempt: self.attempts_made() + 1, event: None }
    }
}

/// How an attempt that is due later is brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    /// The delay of the message to send now, unless the attempt is too far off for a message.
    pub message_delay: Option<Duration>,
    /// When the sweep is to look after the delivery.
    pub sweep_at: Timestamp,
}

/// What brings about the attempt that is due at `next_attempt_at`, seen at `now`: a delayed message if one can wait that
/// long, with the sweep as a second look; otherwise the sweep alone.
pub fn remind(next_attempt_at: Timestamp, now: Timestamp) -> Reminder {
    let delay = next_attempt_at.since(now);
    if delay > LONGEST_MESSAGE_DELAY {
        return Reminder { message_delay: None, sweep_at: next_attempt_at.minus(SWEEP_AHEAD) };
    }
    Reminder { message_delay: Some(delay), sweep_at: next_attempt_at.max(now).plus(SECOND_LOOK) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::EventData;
    use crate::id::EventId;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn queued() -> Delivery {
        let event = Event {
            id: EventId::new(now(), &SystemRandom),
            project_id: ProjectId::new(now(), &SystemRandom),
            event_type: EventType::Approved,
            submission_id: None,
            occurred_at: now(),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        Delivery::queued(&event, EndpointId::new(now(), &SystemRandom))
    }

    fn attempt(number: u8, reason: Option<FailureReason>) -> Attempt {
        Attempt { number, at: now(), duration_ms: 250, phases: Phases::default(), status: None, reason, response: None }
    }

    #[test]
    fn a_taken_webhook_is_delivered() {
        let delivery = queued().after(attempt(1, None), Some(Duration::from_secs(5)));
        assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Delivered, None));
    }

    #[test]
    fn a_failed_attempt_waits_from_its_end() {
        let delivery = queued().after(attempt(1, Some(FailureReason::Refused)), Some(Duration::from_secs(5)));
        let next = now().plus(Duration::from_millis(5250));
        assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Waiting, Some(next)));
    }

    #[test]
    fn the_last_failed_attempt_fails_the_delivery() {
        let delivery = queued().after(attempt(1, Some(FailureReason::Status)), None);
        assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Failed, None));
    }

    #[test]
    fn near_attempts_get_a_message_and_far_ones_the_sweep() {
        let near = now().plus(Duration::from_secs(30));
        assert_eq!(
            remind(near, now()),
            Reminder { message_delay: Some(Duration::from_secs(30)), sweep_at: near.plus(SECOND_LOOK) }
        );
        let far = now().plus(Duration::from_hours(1));
        assert_eq!(remind(far, now()), Reminder { message_delay: None, sweep_at: far.minus(SWEEP_AHEAD) });
    }

    #[test]
    fn an_overdue_attempt_is_due_at_once() {
        let past = now().minus(Duration::from_mins(10));
        assert_eq!(
            remind(past, now()),
            Reminder { message_delay: Some(Duration::ZERO), sweep_at: now().plus(SECOND_LOOK) }
        );
    }

    proptest! {
        /// Whatever nudges come, in whatever order and however often, attempts count up by one and the end is one.
        #[test]
        fn nudges_in_any_order_never_count_an_attempt_twice(nudges in proptest::collection::vec((1_u8..6, any::<bool>()), 0..60)) {
            let mut delivery = queued();
            for (number, succeeds) in nudges {
                let before = delivery.clone();
                if !delivery.awaits(number) {
                    continue;
                }
                prop_assert!(!before.state.is_final());
                let wait = (number < 4).then_some(Duration::from_secs(1));
                delivery = delivery.after(attempt(number, (!succeeds).then_some(FailureReason::Timeout)), wait);
            }
            let numbers: Vec<u8> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
            let expected: Vec<u8> = (1..=delivery.attempts_made()).collect();
            prop_assert_eq!(numbers, expected);
            prop_assert!(delivery.attempts_made() <= 4);
            prop_assert_eq!(delivery.next_attempt_at.is_some(), delivery.state == DeliveryState::Waiting);
        }
    }
}
