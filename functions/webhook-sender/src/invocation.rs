//! What all batches of one invocation share: its deadlines and request slots.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use domain::foundation::time::Timestamp;
use domain::webhooks::health::Lane;

use crate::concurrency::EndpointSlots;

/// Time reserved for one attempt before the function's deadline: 15 s for the attempt, 2 s for the canary check after a
/// timeout, 3 s to record the attempt and to send the next message. Of the function's 45 s, 25 s remain to wait for a slot and
/// to take more messages.
const ATTEMPT_RESERVE: Duration = Duration::from_secs(20);

/// Time reserved before the function's deadline for the last try to record an attempt.
const WRITE_RESERVE: Duration = Duration::from_secs(3);

/// A message as it came from a queue.
pub(crate) struct RawMessage {
    pub(crate) id: String,
    pub(crate) body: Option<String>,
}

/// What all batches of one invocation share.
pub(crate) struct Invocation {
    /// The lane of the queue that the batches come from.
    pub(crate) lane: Lane,
    pub(crate) slots: EndpointSlots,
    /// The last moment at which an attempt may start.
    pub(crate) latest_start: Timestamp,
    /// The last moment at which a failed write may be repeated.
    pub(crate) latest_write: Timestamp,
}

impl Invocation {
    pub(crate) fn new(lane: Lane, deadline: Timestamp) -> Self {
        Self {
            lane,
            slots: EndpointSlots::default(),
            latest_start: deadline.minus(ATTEMPT_RESERVE),
            latest_write: deadline.minus(WRITE_RESERVE),
        }
    }
}

impl From<SqsMessage> for RawMessage {
    fn from(record: SqsMessage) -> Self {
        Self { id: record.message_id.unwrap_or_default(), body: record.body }
    }
}
