//! SQS: messages that nudge.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use thiserror::Error;

use super::{Aws, Cause};
use crate::delivery::{LONGEST_MESSAGE_DELAY, SendMessage};
use crate::id::ProjectId;

#[cfg(all(feature = "store", any(test, feature = "testing")))]
pub mod testing;

/// What SQS takes in one call. The bytes stay below its old limit of 256 KiB, which other implementations still have.
const MOST_MESSAGES: usize = 10;
const MOST_BYTES: usize = 240 * 1024;

/// How many calls are made at once.
const CALLS_AT_ONCE: usize = 10;

/// How often messages that SQS refused for its own reasons are offered again.
const OFFERS: usize = 3;

/// Messages that were not taken.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The call failed.
    #[error("queue cannot be reached")]
    Unavailable(#[source] Cause),
    /// SQS took the call but refused some of its messages.
    #[error("queue refused {0} messages")]
    Refused(usize),
    /// A message cannot be written as JSON.
    #[error("message cannot be written as JSON")]
    Message(#[source] serde_json::Error),
}

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    aws: Aws,
    url: String,
}

/// A message on its way to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose work it is: SQS serves groups in turn, so that a busy project does not hold up the others.
    group: String,
    body: String,
    delay: Duration,
}

impl Message {
    /// A message that carries `content` as JSON, to be seen after `delay` (at most 15 minutes, whole seconds).
    pub fn new(project: ProjectId, content: &impl Serialize, delay: Duration) -> Result<Self, QueueError> {
        let body = serde_json::to_string(content).map_err(QueueError::Message)?;
        Ok(Self { group: project.to_string(), body, delay: delay.min(LONGEST_MESSAGE_DELAY) })
    }

    /// A message of the send queue, to be seen after `delay`.
    pub fn to_send(message: impl Into<SendMessage>, delay: Duration) -> Result<Self, QueueError> {
        let message = message.into();
        Self::new(message.project_id(), &message, delay)
    }

    fn entry(&self, index: usize) -> SendMessageBatchRequestEntry {
        // A delay is rounded up: a message may be late, but should not come before its time.
        let delay_seconds = self.delay.as_millis().div_ceil(1000);
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&self.body)
            .message_group_id(&self.group)
            .delay_seconds(i32::try_from(delay_seconds).unwrap_or(i32::MAX))
            .build()
            .expect("id and body are set")
    }
}

impl Queue {
    /// The queue at `url`.
    pub fn new(aws: &Aws, url: impl Into<String>) -> Self {
        Self { aws: aws.clone(), url: url.into() }
    }

    /// Sends all of `messages`; they are durable when this returns. On an error some may have been sent.
    pub async fn send(&self, messages: Vec<Message>) -> Result<(), QueueError> {
        stream::iter(batches(messages))
            .map(Ok)
            .try_for_each_concurrent(CALLS_AT_ONCE, |batch| self.send_batch(batch))
            .await
    }

    async fn send_batch(&self, mut batch: Vec<Message>) -> Result<(), QueueError> {
        for _ in 0..OFFERS {
            let entries = batch.iter().enumerate().map(|(index, message)| message.entry(index)).collect();
            let call = self.aws.sqs().send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = call.send().await.map_err(|error| QueueError::Unavailable(error.into()))?;
            let refused: Vec<usize> = answer.failed().iter().filter_map(|failure| failure.id().parse().ok()).collect();
            if refused.is_empty() {
                return Ok(());
            }
            batch = refused.into_iter().filter_map(|index| batch.get(index).cloned()).collect();
        }
        Err(QueueError::Refused(batch.len()))
    }
}

/// Cuts messages into batches that SQS takes in one call.
fn batches(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut batches: Vec<Vec<Message>> = Vec::new();
    let mut room = 0;
    for message in messages {
        let size = message.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_MESSAGES && size <= room => {
                room -= size;
                batch.push(message);
            }
            _ => {
                room = MOST_BYTES.saturating_sub(size);
                batches.push(vec![message]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Message {
        Message { group: "p".to_owned(), body: "x".repeat(bytes), delay: Duration::ZERO }
    }

    #[test]
    fn batches_keep_to_ten_messages() {
        let sizes: Vec<usize> = batches(vec![message(1); 23]).iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 3]);
    }

    #[test]
    fn batches_keep_to_what_a_call_may_weigh() {
        let sizes: Vec<usize> = batches(vec![message(100 * 1024); 5]).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn delays_are_rounded_up_to_seconds() {
        let message = Message { delay: Duration::from_millis(4001), ..message(1) };
        assert_eq!(message.entry(0).delay_seconds(), Some(5));
    }
}
