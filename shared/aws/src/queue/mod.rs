//! SQS queues and the messages on them.

use std::time::Duration;

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName, SendMessageBatchRequestEntry};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::sleep;

use crate::client::{Aws, Cause};
use domain::foundation::id::ProjectId;
use domain::webhooks::delivery::{MAX_MESSAGE_DELAY, SendMessage};

#[cfg(all(feature = "store", any(test, feature = "testing")))]
pub mod testing;

/// Limits of one SQS call. The bytes stay below the former limit of 256 KiB, which emulators still have.
const MAX_MESSAGES: usize = 10;
const MAX_BATCH_BYTES: usize = 240 * 1024;

/// Maximum number of messages that one call receives, and how long it waits for the first.
const MAX_RECEIVED: i32 = 10;
const RECEIVE_WAIT_SECONDS: i32 = 1;

/// Maximum number of concurrent calls.
const MAX_CONCURRENT_CALLS: usize = 10;

/// Additional delay of a message that an earlier call may have sent: the attempt that a first copy led to is usually recorded by
/// then, so that the second copy is dropped.
const REPEAT_DELAY: Duration = Duration::from_secs(1);

/// The same for the slow lane, where attempts take up to 15 s.
const SLOW_REPEAT_DELAY: Duration = Duration::from_secs(20);

/// How many times a message is sent that SQS rejects for a reason of its own.
const MAX_SENDS: u32 = 3;

/// Pause before a rejected message is sent for the second time. The pause before the third time is twice as long.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

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
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The message group. SQS serves groups in turn (fair queues), so that a busy one does not delay others.
    group: String,
    body: String,
    /// What to send instead of `body` if an earlier call may have sent it. Two copies of a first message would lead to two
    /// requests, because their sender does not read the delivery.
    repeated: Option<Box<SendMessage>>,
    delay: Duration,
    /// Additional delay if an earlier call may have sent the message.
    repeat_delay: Duration,
}

impl Message {
    /// Creates a message with `content` as JSON. Consumers see it after `delay`: at most 15 minutes, in whole seconds. Its group
    /// is the project.
    pub fn new(project: ProjectId, content: &impl Serialize, delay: Duration) -> Result<Self, QueueError> {
        Self::in_group(project.to_string(), content, delay)
    }

    /// Creates a message for the send queue, visible after `delay`.
    pub fn to_send(message: impl Into<SendMessage>, delay: Duration) -> Result<Self, QueueError> {
        let message = message.into();
        let first = Self::new(message.project_id(), &message, delay)?;
        let is_new = matches!(&message, SendMessage::Attempt(task) if task.is_new);
        Ok(Self { repeated: is_new.then(|| Box::new(message.moved())), ..first })
    }

    /// Creates a message for the queue of the slow lane, visible after `delay`. Its group is the endpoint, because in this lane
    /// the endpoints compete, and not the projects.
    pub fn to_slow_lane(message: impl Into<SendMessage>, delay: Duration) -> Result<Self, QueueError> {
        let message = message.into();
        let message = Self::in_group(message.endpoint_id().to_string(), &message, delay)?;
        Ok(Self { repeat_delay: SLOW_REPEAT_DELAY, ..message })
    }

    fn in_group(group: String, content: &impl Serialize, delay: Duration) -> Result<Self, QueueError> {
        let body = serde_json::to_string(content).map_err(QueueError::Message)?;
        Ok(Self { group, body, repeated: None, delay: delay.min(MAX_MESSAGE_DELAY), repeat_delay: REPEAT_DELAY })
    }

    /// The entry of a call that may repeat an earlier one.
    fn repeated_entry(&self, index: usize) -> SendMessageBatchRequestEntry {
        let repeated = self.repeated.as_ref().and_then(|message| serde_json::to_string(message).ok());
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(repeated.unwrap_or_else(|| self.body.clone()))
            .message_group_id(&self.group)
            .delay_seconds(whole_seconds((self.delay + self.repeat_delay).min(MAX_MESSAGE_DELAY)))
            .build()
            .expect("id and body are set")
    }

    fn direct_entry(&self, index: usize) -> DirectEntry<'_> {
        let (message_body, message_group_id) = (self.body.as_str(), self.group.as_str());
        DirectEntry { id: index.to_string(), message_body, message_group_id, delay_seconds: whole_seconds(self.delay) }
    }
}

/// Rounds up: a message may be late but not early.
fn whole_seconds(delay: Duration) -> i32 {
    i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

/// A message that was received and not deleted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Id of the message.
    pub id: String,
    /// Names this receipt of the message when it is deleted.
    pub receipt: String,
    /// The content, as JSON.
    pub body: String,
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

    /// Returns approximately how many messages wait to be received.
    pub async fn waiting(&self) -> Result<u64, QueueError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.aws.sqs().get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let answer = call.send().await.map_err(|error| QueueError::Unavailable(error.into()))?;
        let number = answer.attributes().and_then(|attributes| attributes.get(&name));
        let number = number.and_then(|number| number.parse().ok());
        number.ok_or_else(|| QueueError::Unavailable("the answer has no number of messages".into()))
    }

    /// Receives at most ten messages, and waits up to a second for the first. Those that are not [deleted](Self::delete) are
    /// visible again after the queue's visibility timeout.
    pub async fn receive(&self) -> Result<Vec<ReceivedMessage>, QueueError> {
        let call = self.aws.sqs().receive_message().queue_url(&self.url);
        let call = call.max_number_of_messages(MAX_RECEIVED).wait_time_seconds(RECEIVE_WAIT_SECONDS);
        let answer = call.send().await.map_err(|error| QueueError::Unavailable(error.into()))?;
        let messages = answer.messages.unwrap_or_default().into_iter().filter_map(|message| {
            Some(ReceivedMessage { id: message.message_id?, receipt: message.receipt_handle?, body: message.body? })
        });
        Ok(messages.collect())
    }

    /// Deletes at most ten received messages, by their receipts. After an error, some may have been deleted.
    pub async fn delete(&self, receipts: Vec<String>) -> Result<(), QueueError> {
        if receipts.is_empty() {
            return Ok(());
        }
        let entry = |(index, receipt): (usize, String)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt);
            entry.build().expect("id and receipt are set")
        };
        let entries = receipts.into_iter().enumerate().map(entry).collect();
        let call = self.aws.sqs().delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = call.send().await.map_err(|error| QueueError::Unavailable(error.into()))?;
        if answer.failed().is_empty() { Ok(()) } else { Err(QueueError::Refused(answer.failed().len())) }
    }

    async fn send_batch(&self, mut batch: Vec<Message>) -> Result<(), QueueError> {
        for sends in 0..MAX_SENDS {
            if sends > 0 {
                sleep(REFUSED_PAUSE * sends).await;
            }
            let refused = match self.send_directly(&batch).await {
                Some(refused) => refused,
                None => self.send_with_sdk(&batch).await?,
            };
            if refused.is_empty() {
                return Ok(());
            }
            batch = refused.into_iter().filter_map(|index| batch.get(index).cloned()).collect();
        }
        Err(QueueError::Refused(batch.len()))
    }

    /// Sends messages with one direct call. Returns the indexes of those that SQS refused, or `None` if it is not certain that
    /// the others were sent. See [`crate::direct`].
    async fn send_directly(&self, batch: &[Message]) -> Option<Vec<usize>> {
        let entries = batch.iter().enumerate().map(|(index, message)| message.direct_entry(index)).collect();
        let input = DirectBatch { queue_url: &self.url, entries };
        let answer: DirectAnswer = self.aws.direct_sqs()?.attempt("SendMessageBatch", &input).await?;
        answer.failed.unwrap_or_default().iter().map(|failure| failure.id.parse().ok()).collect()
    }

    /// Sends messages with the SDK, which repeats a call without an answer.
    async fn send_with_sdk(&self, batch: &[Message]) -> Result<Vec<usize>, QueueError> {
        let entries = batch.iter().enumerate().map(|(index, message)| message.repeated_entry(index)).collect();
        let call = self.aws.sqs().send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = call.send().await.map_err(|error| QueueError::Unavailable(error.into()))?;
        Ok(answer.failed().iter().filter_map(|failure| failure.id().parse().ok()).collect())
    }
}

/// The input of `SendMessageBatch` in the JSON protocol of SQS.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DirectBatch<'a> {
    queue_url: &'a str,
    entries: Vec<DirectEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DirectEntry<'a> {
    id: String,
    message_body: &'a str,
    message_group_id: &'a str,
    delay_seconds: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DirectAnswer {
    failed: Option<Vec<DirectFailure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DirectFailure {
    id: String,
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
    use domain::webhooks::delivery::AttemptTask;

    fn message(bytes: usize) -> Message {
        Message { body: "x".repeat(bytes), ..Message::in_group("p".to_owned(), &(), Duration::ZERO).unwrap() }
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
    fn delays_are_rounded_up_to_seconds_and_longer_for_a_message_that_may_have_been_sent() {
        let message = Message { delay: Duration::from_millis(4001), ..message(1) };
        assert_eq!((message.direct_entry(0).delay_seconds, message.repeated_entry(0).delay_seconds()), (5, Some(6)));
        let longest = Message { delay: MAX_MESSAGE_DELAY, ..message };
        assert_eq!(longest.repeated_entry(0).delay_seconds(), Some(900));
    }

    #[test]
    fn a_first_message_that_is_sent_again_does_not_claim_to_be_the_only_one() {
        let task = AttemptTask { is_new: true, ..task() };
        let message = Message::to_send(task.clone(), Duration::ZERO).unwrap();
        let is_new = |body: &str| match serde_json::from_str(body).unwrap() {
            SendMessage::Attempt(task) => task.is_new,
            other => panic!("{other:?}"),
        };
        assert!(is_new(message.direct_entry(0).message_body));
        assert!(!is_new(message.repeated_entry(0).message_body()));
        let later = Message::to_send(AttemptTask { is_new: false, ..task }, Duration::ZERO).unwrap();
        assert_eq!(later.repeated_entry(0).message_body(), later.body);
    }

    #[test]
    fn the_slow_lane_has_a_message_group_for_each_endpoint() {
        let (fast, slow) = (Message::to_send(task(), Duration::ZERO), Message::to_slow_lane(task(), Duration::ZERO));
        let groups = [fast, slow].map(|message| message.unwrap().group);
        assert_eq!(groups, [task().project_id.to_string(), task().delivery_id.endpoint.to_string()]);
    }

    /// Both copies of an attempt that hangs would otherwise be posted.
    #[test]
    fn the_slow_lane_gets_a_message_that_may_have_been_sent_after_the_longest_attempt() {
        let message = Message::to_slow_lane(task(), Duration::from_secs(5)).unwrap();
        assert_eq!((message.direct_entry(0).delay_seconds, message.repeated_entry(0).delay_seconds()), (5, Some(25)));
    }

    fn task() -> AttemptTask {
        let body = r#"{"projectId":"019ab5e0-0000-7000-8000-000000000000","attempt":1,
            "deliveryId":"019ab5e0-0000-7000-8000-0000000000aa_019ab5e0-0000-7000-8000-0000000000bb"}"#;
        serde_json::from_str(body).unwrap()
    }
}
