//! SQS queues and the messages on them.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use thiserror::Error;

use crate::client::{Aws, Cause};
use domain::foundation::id::ProjectId;
use domain::webhooks::delivery::{MAX_MESSAGE_DELAY, SendMessage};

#[cfg(all(feature = "store", any(test, feature = "testing")))]
pub mod testing;

/// Limits of one SQS call. The bytes stay below the former limit of 256 KiB, which emulators still have.
const MAX_MESSAGES: usize = 10;
const MAX_BATCH_BYTES: usize = 240 * 1024;

/// Maximum number of concurrent calls.
const MAX_CONCURRENT_CALLS: usize = 10;

/// How many times a message is sent that SQS rejects for a reason of its own.
const MAX_SENDS: usize = 3;

/// Why messages were not sent.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The call failed.
    #[error("queue is unavailable")]
    Unavailable(#[source] Cause),
    /// SQS rejected some of the messages.
    #[error("queue rejected {0} messages")]
    Refused(usize),
    /// A message cannot be serialized.
    #[error("message cannot be written as JSON")]
    Message(#[source] serde_json::Error),
}

/// An SQS queue.
#[derive(Debug, Clone)]
pub struct Queue {
    aws: Aws,
    url: String,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The project, as message group: SQS serves groups in turn (fair queues), so that a busy project does not delay others.
    group: String,
    body: String,
    delay: Duration,
}

impl Message {
    /// Creates a message with `content` as JSON. Consumers see it after `delay`: at most 15 minutes, in whole seconds.
    pub fn new(project: ProjectId, content: &impl Serialize, delay: Duration) -> Result<Self, QueueError> {
        let body = serde_json::to_string(content).map_err(QueueError::Message)?;
        Ok(Self { group: project.to_string(), body, delay: delay.min(MAX_MESSAGE_DELAY) })
    }

    /// Creates a message for the send queue, visible after `delay`.
    pub fn to_send(message: impl Into<SendMessage>, delay: Duration) -> Result<Self, QueueError> {
        let message = message.into();
        Self::new(message.project_id(), &message, delay)
    }

    fn entry(&self, index: usize) -> SendMessageBatchRequestEntry {
        // Rounded up: a message may be late but not early.
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
    /// Uses the queue at `url`.
    pub fn new(aws: &Aws, url: impl Into<String>) -> Self {
        Self { aws: aws.clone(), url: url.into() }
    }

    /// Sends all messages. They are durable when this returns. After an error, some may have been sent.
    pub async fn send(&self, messages: Vec<Message>) -> Result<(), QueueError> {
        stream::iter(batches(messages))
            .map(Ok)
            .try_for_each_concurrent(MAX_CONCURRENT_CALLS, |batch| self.send_batch(batch))
            .await
    }

    async fn send_batch(&self, mut batch: Vec<Message>) -> Result<(), QueueError> {
        for _ in 0..MAX_SENDS {
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

/// Splits messages into batches that fit into one SQS call.
fn batches(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut batches: Vec<Vec<Message>> = Vec::new();
    let mut room = 0;
    for message in messages {
        let size = message.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_MESSAGES && size <= room => {
                room -= size;
                batch.push(message);
            }
            _ => {
                room = MAX_BATCH_BYTES.saturating_sub(size);
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
    fn a_batch_has_at_most_ten_messages() {
        let sizes: Vec<usize> = batches(vec![message(1); 23]).iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 3]);
    }

    #[test]
    fn a_batch_stays_below_the_size_of_a_call() {
        let sizes: Vec<usize> = batches(vec![message(100 * 1024); 5]).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn delays_are_rounded_up_to_seconds() {
        let message = Message { delay: Duration::from_millis(4001), ..message(1) };
        assert_eq!(message.entry(0).delay_seconds(), Some(5));
    }
}
