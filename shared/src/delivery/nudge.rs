//! Nudges: the queue messages that bring attempts about, and the sweep that looks after them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, EventId, ProjectId, ReplayId};
use crate::time::Timestamp;

/// The longest delay of a queue message (SQS's limit). What is due later is left to the sweep.
pub const LONGEST_MESSAGE_DELAY: Duration = Duration::from_mins(15);

/// How far ahead the sweep of `webhook-retry` looks: the time to its next run.
pub const SWEEP_AHEAD: Duration = Duration::from_mins(1);

/// How long a message is trusted to bring its attempt about before the sweep sends another. Longer than the queue's
/// visibility timeout, so that a message in flight is not doubled.
pub const SECOND_LOOK: Duration = Duration::from_mins(5);

/// For how long after its event was accepted nothing can be recorded of a delivery but by its first message. Nothing brings another
/// so soon: neither the queue's visibility timeout (30 s at least), nor the sweep, nor a message that was put off. Only an erasure
/// may come before, as it may while a webhook is under way.
const UNRECORDED: Duration = Duration::from_secs(5);

/// What a message of the send queue asks for. On the wire it is named: `{"attempt": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SendMessage {
    /// To make an attempt of a delivery.
    Attempt(Nudge),
    /// To send a delivery that is over once more.
    Replay(ReplayNudge),
    /// To send a test.
    Test(TestNudge),
}

/// "Make this attempt of this delivery".
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
    /// Whether it is sent by who has just stored the event, so that nobody sent one before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
}

/// "Replay this delivery".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayNudge {
    /// Whose event it is.
    pub project_id: ProjectId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Which replay: what it comes to is recorded once.
    pub replay_id: ReplayId,
    /// Whether that is a replay by filter, whose progress is counted and which may have been cancelled.
    #[serde(default)]
    pub is_counted: bool,
}

/// "Send this test".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestNudge {
    /// Whose endpoint it is.
    pub project_id: ProjectId,
    /// Where the test goes.
    pub endpoint_id: EndpointId,
    /// Which test: what it comes to is recorded once.
    pub test_id: EventId,
}

/// What a message is about. Two messages about the same are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// This attempt.
    Attempt(DeliveryId, u8),
    /// This replay of this delivery.
    Replay(DeliveryId, ReplayId),
    /// This test.
    Test(EventId),
}

impl SendMessage {
    /// Whose work it is.
    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Attempt(nudge) => nudge.project_id,
            Self::Replay(nudge) => nudge.project_id,
            Self::Test(nudge) => nudge.project_id,
        }
    }

    /// Where it has something sent to.
    pub fn endpoint_id(&self) -> EndpointId {
        match self {
            Self::Attempt(nudge) => nudge.delivery_id.endpoint,
            Self::Replay(nudge) => nudge.delivery_id.endpoint,
            Self::Test(nudge) => nudge.endpoint_id,
        }
    }

    /// Which delivery it is about, if it is about one.
    pub fn delivery_id(&self) -> Option<DeliveryId> {
        match self {
            Self::Attempt(nudge) => Some(nudge.delivery_id),
            Self::Replay(nudge) => Some(nudge.delivery_id),
            Self::Test(_) => None,
        }
    }

    /// Whether it asks for the first attempt of a delivery of which nothing can be recorded yet.
    pub fn is_unrecorded(&self, now: Timestamp) -> bool {
        match self {
            Self::Attempt(nudge) => nudge.is_unrecorded(now),
            Self::Replay(_) | Self::Test(_) => false,
        }
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Attempt(nudge) => Subject::Attempt(nudge.delivery_id, nudge.attempt),
            Self::Replay(nudge) => Subject::Replay(nudge.delivery_id, nudge.replay_id),
            Self::Test(nudge) => Subject::Test(nudge.test_id),
        }
    }
}

impl From<TestNudge> for SendMessage {
    fn from(nudge: TestNudge) -> Self {
        Self::Test(nudge)
    }
}

impl From<ReplayNudge> for SendMessage {
    fn from(nudge: ReplayNudge) -> Self {
        Self::Replay(nudge)
    }
}

impl From<Nudge> for SendMessage {
    fn from(nudge: Nudge) -> Self {
        Self::Attempt(nudge)
    }
}

impl Nudge {
    /// The nudge for an attempt of a delivery that may have a row already; its event is read from the store.
    pub fn again(project_id: ProjectId, delivery_id: DeliveryId, attempt: u8) -> Self {
        Self { project_id, delivery_id, attempt, event: None, is_new: false }
    }

    /// The nudges for the first attempts to deliver `event` to each of `endpoints`.
    pub fn first(event: &Event, endpoints: &[EndpointId]) -> Vec<Self> {
        // SQS bills by 64 KiB, and a batch of ten may weigh 1 MiB at most: larger events are read from the store instead.
        const LARGEST_TO_CARRY: usize = 48 * 1024;
        // JSON may have these two characters, and SQS must not; the event would come out changed, or not go in.
        let is_clean = !event.data.get().contains(['\u{fffe}', '\u{ffff}']);
        let carried = (is_clean && event.data.get().len() <= LARGEST_TO_CARRY).then(|| event.clone());
        let nudge = |endpoint: &EndpointId| Self {
            project_id: event.project_id,
            delivery_id: DeliveryId { event: event.id, endpoint: *endpoint },
            attempt: 1,
            event: carried.clone(),
            is_new: false,
        };
        endpoints.iter().map(nudge).collect()
    }

    /// Whether nothing can be recorded of the delivery yet, so that no row needs to be read before the attempt. Should the queue
    /// bring the message twice within this time, the webhook is sent twice and counted once.
    fn is_unrecorded(&self, now: Timestamp) -> bool {
        self.is_new && now.since(self.delivery_id.event.made_at()) < UNRECORDED
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
