//! The two lanes. Each is a queue with senders of its own. New messages arrive in the fast lane, which passes on those whose
//! receiver is slow. Slow receivers therefore take only the senders of the slow lane.
//!
//! A message is passed on before its webhook is posted, never after: a request that was sent cannot be moved to another sender
//! without posting the webhook twice. The fast lane therefore waits for it. After [`SLOW_REQUEST`] it records that the receiver
//! is slow, and all senders then pass later messages on, so that such a wait is rare.

use std::time::{Duration, Instant};

use aws::queue::{Message, QueueError};
use aws_lambda_events::sqs::SqsMessage;
use domain::foundation::id::EndpointId;
use domain::webhooks::delivery::{Delivery, SendMessage};
use domain::webhooks::health::{Gate, Lane};
use url::Url;

use crate::outcome::{Outcome, SendError};
use crate::sender::{BatchContext, Sender};

/// Time after which a running request shows that its receiver is slow.
pub(crate) const SLOW_REQUEST: Duration = Duration::from_secs(3);

/// The lane of the queue that a message came from.
pub(crate) fn of(message: &SqsMessage, slow_queue_url: &Url) -> Lane {
    let slow_queue = slow_queue_url.path_segments().and_then(Iterator::last).filter(|name| !name.is_empty());
    let source = message.event_source_arn.as_deref().and_then(|arn| arn.rsplit(':').next());
    if slow_queue.is_some() && source == slow_queue { Lane::Slow } else { Lane::Fast }
}

/// Whether the fast lane passes on a message whose endpoint is slow. A message without a request stays: it takes no time.
/// `stored` is the delivery's row, `gate` what the endpoint's health allows; `None` if the endpoint is deleted or unreadable.
pub(crate) fn is_passed_on(message: &SendMessage, stored: Option<&Delivery>, gate: Option<Gate>) -> bool {
    match message {
        SendMessage::Attempt(task) => {
            let is_awaited = stored.is_none_or(|delivery| delivery.awaits(task.attempt));
            is_awaited && matches!(gate, Some(Gate::Send | Gate::Probe))
        }
        SendMessage::Replay(_) | SendMessage::Test(_) => true,
        // It takes a few seconds, and a caller waits for it.
        SendMessage::Handshake(_) => false,
    }
}

impl Sender {
    /// Whether a message of this batch is passed on to the slow lane.
    pub(crate) fn is_passed_on(&self, message: &SendMessage, batch: &BatchContext) -> bool {
        let (Lane::Fast, Ok(health)) = (batch.invocation.lane, batch.health(message.endpoint_id())) else {
            return false;
        };
        let (health, now) = (health.health(), self.clock.now());
        if health.lane(now) == Lane::Fast {
            return false;
        }
        let Some(id) = message.delivery_id() else { return is_passed_on(message, None, None) };
        let Ok(stored) = batch.stored(id) else { return false };
        let target = batch.target(id).ok().flatten();
        is_passed_on(message, stored, target.map(|target| health.gate(target.state, now)))
    }

    /// Passes a message on to the slow lane, after its receiver turned out to be slow while it waited for a slot.
    pub(crate) async fn pass_on(&self, task: impl Into<SendMessage>) -> Result<Outcome, SendError> {
        self.pass_all_on(vec![task.into()]).await?;
        Ok(Outcome::PassedOn)
    }

    /// Passes messages on to the slow lane with as few calls as possible. After an error, some may have been passed on.
    pub(crate) async fn pass_all_on(&self, messages: Vec<SendMessage>) -> Result<(), QueueError> {
        let messages = messages.into_iter().map(SendMessage::moved).collect();
        self.enqueue(Lane::Slow, messages, Duration::ZERO).await
    }

    /// Notes that a request to an endpoint, which began at `since`, takes long. If the endpoint is slow now, or another request to
    /// it takes long too, its other messages of this invocation are passed on.
    pub(crate) async fn note_slow_request(&self, endpoint: EndpointId, since: Instant, batch: &BatchContext) {
        // Without internet access of our own, every receiver looks slow.
        if batch.invocation.lane == Lane::Slow || !self.client.has_internet_access(since).await {
            return;
        }
        batch.invocation.slots.count_slow_request(endpoint);
        let Ok(health) = batch.health(endpoint) else { return };
        if self.health.record_slow_request(health, self.clock.now()).await == Lane::Slow {
            batch.invocation.slots.close(endpoint);
        }
    }

    /// Sends messages to the queue of a lane.
    pub(crate) async fn enqueue(
        &self,
        lane: Lane,
        messages: Vec<SendMessage>,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let messages = messages.into_iter();
        match lane {
            Lane::Fast => {
                let messages = messages.map(|message| Message::to_send(message, delay)).collect::<Result<_, _>>()?;
                self.queue.send(messages).await
            }
            Lane::Slow => {
                let messages =
                    messages.map(|message| Message::to_slow_lane(message, delay)).collect::<Result<_, _>>()?;
                self.slow_queue.send(messages).await
            }
        }
    }
}

#[cfg(test)]
mod simulation;
