//! Tasks: the messages of the send queue, and the plan that triggers a later attempt by message or by sweep.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::slots::{MAX_SLOT_DELAY, Slot};
use super::{Delivery, DeliveryState};
use crate::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId, ReplayId};
use crate::foundation::time::Timestamp;
use crate::webhooks::event::Event;

/// Maximum delay of a queue message (limit of SQS). Attempts due later are left to the sweep.
pub const MAX_MESSAGE_DELAY: Duration = Duration::from_mins(15);

// A message arrives at the time of each slot.
const _: () = assert!(MAX_SLOT_DELAY.as_secs() <= MAX_MESSAGE_DELAY.as_secs());

/// How often a replay is delayed because no slot is free, before it is skipped.
const MAX_REPLAY_DELAYS: u8 = 5;

/// How far ahead the sweep of `webhook-retry` looks: the time until its next run.
pub const SWEEP_AHEAD: Duration = Duration::from_mins(1);

/// How long after an attempt was due the sweep sends another message for it, in case the first was lost. It exceeds the
/// queue's visibility timeout, so that a message in flight is not duplicated.
pub const SWEEP_GRACE: Duration = Duration::from_mins(5);

/// Maximum time between two messages that the sweep sends for one attempt. The time doubles from [`SWEEP_GRACE`]: if senders
/// fall behind, more messages for the same attempts would slow them down further.
const MAX_SWEEP_GRACE: Duration = Duration::from_mins(20);

/// How long after its event was accepted only the first message can record anything about a delivery. No second message
/// arrives that early: not after the queue's visibility timeout (at least 45 s), not from the sweep, and not with a
/// delay, unless the first message recorded that the delivery waits for its slot. Only an erasure can come first, as it can
/// while a webhook is being sent.
const FIRST_MESSAGE_ONLY: Duration = Duration::from_secs(5);

/// A message of the send queue. In JSON its kind is the only member: `{"attempt": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SendMessage {
    /// Make an attempt of a delivery.
    Attempt(AttemptTask),
    /// Send a finished delivery once more.
    Replay(ReplayTask),
    /// Send a test.
    Test(TestTask),
    /// Ask a receiver whether it wants webhooks.
    Handshake(HandshakeTask),
}

/// Task to make one attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptTask {
    /// The project that owns the event.
    pub project_id: ProjectId,
    /// The delivery to attempt.
    pub delivery_id: DeliveryId,
    /// Number of the attempt, from 1.
    pub attempt: u8,
    /// The event, if the message can carry it. Otherwise the sender reads it from the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// Whether this is the first message for the delivery. Only the process that stored the event can know this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
    /// Whether the delivery has a stored row, which the sweep checks. Later attempts imply it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_stored: bool,
}

/// Task to replay a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayTask {
    /// The project that owns the event.
    pub project_id: ProjectId,
    /// The delivery to replay.
    pub delivery_id: DeliveryId,
    /// The replay. Its result is recorded once under this id.
    pub replay_id: ReplayId,
    /// Whether the replay is one by filter: its progress is counted, and it may have been cancelled.
    #[serde(default)]
    pub is_counted: bool,
    /// The slot that the replay waits for, if the endpoint has a [pace](crate::webhooks::endpoint::Pace).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// How often the replay was delayed because no slot was free.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delays: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

impl ReplayTask {
    /// The task to replay a delivery now. `is_counted` is whether the replay is one by filter.
    pub const fn new(project_id: ProjectId, delivery_id: DeliveryId, replay_id: ReplayId, is_counted: bool) -> Self {
        Self { project_id, delivery_id, replay_id, is_counted, slot: None, delays: 0 }
    }

    /// The task for later, after no slot was free now. `None` if that happened too often: every replay ends, and a replay by
    /// filter does not wait for the results of its deliveries without end.
    pub fn delayed(&self) -> Option<Self> {
        let delays = self.delays + 1;
        (delays <= MAX_REPLAY_DELAYS).then(|| Self { slot: None, delays, ..self.clone() })
    }
}

/// Task to send a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestTask {
    /// The project that owns the endpoint.
    pub project_id: ProjectId,
    /// The endpoint to test.
    pub endpoint_id: EndpointId,
    /// The test. Its result is recorded once under this id.
    pub test_id: EventId,
}

/// Task to ask a receiver whether it wants webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandshakeTask {
    /// The project that owns the endpoint.
    pub project_id: ProjectId,
    /// The endpoint whose receiver is asked.
    pub endpoint_id: EndpointId,
    /// The handshake. Its result is recorded once under this id.
    pub handshake_id: EventId,
}

/// Identity of a message's task. Messages with the same subject are duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An attempt of a delivery, by its number.
    Attempt(DeliveryId, u8),
    /// A replay of a delivery.
    Replay(DeliveryId, ReplayId),
    /// A test.
    Test(EventId),
    /// A handshake.
    Handshake(EventId),
}

impl SendMessage {
    /// The project that the task belongs to.
    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Attempt(task) => task.project_id,
            Self::Replay(task) => task.project_id,
            Self::Test(task) => task.project_id,
            Self::Handshake(task) => task.project_id,
        }
    }

    /// The endpoint that the webhook is sent to.
    pub fn endpoint_id(&self) -> EndpointId {
        match self {
            Self::Attempt(task) => task.delivery_id.endpoint,
            Self::Replay(task) => task.delivery_id.endpoint,
            Self::Test(task) => task.endpoint_id,
            Self::Handshake(task) => task.endpoint_id,
        }
    }

    /// The delivery, or `None` for a test or a handshake.
    pub fn delivery_id(&self) -> Option<DeliveryId> {
        match self {
            Self::Attempt(task) => Some(task.delivery_id),
            Self::Replay(task) => Some(task.delivery_id),
            Self::Test(_) | Self::Handshake(_) => None,
        }
    }

    /// Whether the task is a first attempt and the delivery cannot have a stored row yet, so that the sender need not
    /// read it.
    pub fn is_unrecorded(&self, now: Timestamp) -> bool {
        match self {
            Self::Attempt(task) => task.is_unrecorded(now),
            Self::Replay(_) | Self::Test(_) | Self::Handshake(_) => false,
        }
    }

    /// The same task for another queue. Two copies may arrive there, so the delivery must be read first.
    #[must_use]
    pub fn moved(self) -> Self {
        match self {
            Self::Attempt(task) => Self::Attempt(AttemptTask { is_new: false, ..task }),
            Self::Replay(_) | Self::Test(_) | Self::Handshake(_) => self,
        }
    }

    /// Identity of the task, by which duplicates are recognised.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Attempt(task) => Subject::Attempt(task.delivery_id, task.attempt),
            Self::Replay(task) => Subject::Replay(task.delivery_id, task.replay_id),
            Self::Test(task) => Subject::Test(task.test_id),
            Self::Handshake(task) => Subject::Handshake(task.handshake_id),
        }
    }
}

impl From<TestTask> for SendMessage {
    fn from(task: TestTask) -> Self {
        Self::Test(task)
    }
}

impl From<HandshakeTask> for SendMessage {
    fn from(task: HandshakeTask) -> Self {
        Self::Handshake(task)
    }
}

impl From<ReplayTask> for SendMessage {
    fn from(task: ReplayTask) -> Self {
        Self::Replay(task)
    }
}

impl From<AttemptTask> for SendMessage {
    fn from(task: AttemptTask) -> Self {
        Self::Attempt(task)
    }
}

impl Delivery {
    /// The task to make the next attempt.
    pub fn next_task(&self) -> AttemptTask {
        let task = AttemptTask::again(self.project_id, self.id, self.attempts_made() + 1);
        AttemptTask { is_stored: self.state != DeliveryState::Queued, ..task }
    }
}

impl AttemptTask {
    /// Task for an attempt of a delivery that has a stored row. It does not carry the event.
    pub fn again(project_id: ProjectId, delivery_id: DeliveryId, attempt: u8) -> Self {
        Self { project_id, delivery_id, attempt, event: None, is_new: false, is_stored: true }
    }

    /// Tasks for the first attempt to deliver `event` to each of `endpoints`.
    pub fn first(event: &Event, endpoints: &[EndpointId]) -> Vec<Self> {
        // SQS bills per 64 KiB and limits a batch of ten messages to 1 MiB. The sender reads larger events from the
        // store.
        const MAX_CARRIED_BYTES: usize = 48 * 1024;
        // JSON allows these two characters and SQS does not: it would reject or change the message.
        let is_clean = !event.data.get().contains(['\u{fffe}', '\u{ffff}']);
        let carried = (is_clean && event.data.get().len() <= MAX_CARRIED_BYTES).then(|| event.clone());
        let task = |endpoint: &EndpointId| Self {
            project_id: event.project_id,
            delivery_id: DeliveryId { event: event.id, endpoint: *endpoint },
            attempt: 1,
            event: carried.clone(),
            is_new: false,
            is_stored: false,
        };
        endpoints.iter().map(task).collect()
    }

    /// Whether the sweep sends another message for this attempt if this one is deleted. A failed message must then not
    /// return to the queue as well: during a long outage, messages would pile up. `stored` is the delivery's row, if it
    /// was read.
    pub fn is_repeated_by_sweep(&self, stored: Option<&Delivery>) -> bool {
        match stored {
            Some(delivery) => delivery.state == DeliveryState::Waiting || delivery.is_held_for_order(),
            None => self.is_stored || self.attempt > 1,
        }
    }

    /// Whether the delivery cannot have a stored row yet. If the queue delivers the message twice within this time, the
    /// webhook is sent twice and counted once.
    fn is_unrecorded(&self, now: Timestamp) -> bool {
        self.is_new && now.since(self.delivery_id.event.created_at()) < FIRST_MESSAGE_ONLY
    }
}

/// How a later attempt is triggered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    /// Delay of the message to send now. `None` if the attempt is due later than a message can be delayed.
    pub message_delay: Option<Duration>,
    /// When the sweep sends a message for the attempt, if it has not been made by then.
    pub sweep_at: Timestamp,
}

/// Plans the attempt that is due at `next_attempt_at`. If it is due within [`MAX_MESSAGE_DELAY`], a delayed message
/// triggers it and the sweep repairs a lost message; otherwise the sweep alone triggers it. The longer an attempt is
/// overdue, the later the sweep checks again.
pub fn remind(next_attempt_at: Timestamp, now: Timestamp) -> Reminder {
    let delay = next_attempt_at.since(now);
    if delay > MAX_MESSAGE_DELAY {
        return Reminder { message_delay: None, sweep_at: next_attempt_at.minus(SWEEP_AHEAD) };
    }
    let grace = now.since(next_attempt_at).clamp(SWEEP_GRACE, MAX_SWEEP_GRACE);
    Reminder { message_delay: Some(delay), sweep_at: next_attempt_at.max(now).plus(grace) }
}
