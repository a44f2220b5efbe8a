//! One invocation: the batch that Lambda passes, and those that the sender takes itself meanwhile.
//!
//! Lambda passes the next batch when the last message of a batch is done, so one receiver that hangs would idle the sender for
//! 15 s. While only requests that take long are left, the sender therefore takes more messages from the queue itself, and
//! deletes those that it has processed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws::lambda::metric::Measured;
use aws::lambda::{deadline, telemetry};
use aws::queue::ReceivedMessage;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::webhooks::health::Lane;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use crate::batch::Processed;
use crate::invocation::{Invocation, RawMessage};
use crate::lane;
use crate::sender::Sender;

/// Time after which requests that are still running take long.
pub(crate) const HELD_UP_AFTER: Duration = Duration::from_secs(1);

/// Maximum number of batches that a sender processes at the same time.
pub(crate) const MAX_BATCHES: usize = 8;

/// A processed batch.
enum Finished {
    /// The batch that Lambda passed: the messages to redeliver, and the metrics.
    Passed(Vec<Processed>),
    /// A batch that the sender took itself: how many messages it had, and the metrics.
    Taken(usize, Measured),
}

impl Sender {
    /// Processes a batch, and more messages while requests of it take long. Returns the messages of the batch to redeliver.
    /// `deadline` is when Lambda ends the function, in milliseconds since 1970.
    pub async fn handle(&self, batch: SqsEvent, deadline: u64) -> SqsBatchResponse {
        // Without a valid deadline there is no time to send, so every message is deferred.
        let deadline = deadline::deadline(deadline, self.clock.now());
        // All messages of a batch come from the same queue.
        let lane = batch.records.first().map_or(Lane::Fast, |first| lane::of(first, &self.config.slow_queue_url));
        let invocation = Arc::new(Invocation::new(lane, deadline));
        let messages = batch.records.into_iter().map(RawMessage::from).collect();

        let (processed, taken) = self.process_batches(messages, &invocation).await;
        let (measured, redeliver): (Vec<Measured>, Vec<Option<String>>) = processed.into_iter().unzip();
        let shared = [taken, self.health.take_measured(), self.unreadable.take_measured()];
        telemetry::record(&measured.into_iter().chain(shared).collect(), self.clock.now());
        let mut response = SqsBatchResponse::default();
        redeliver.into_iter().flatten().for_each(|message_id| response.add_failure(message_id));
        response
    }

    /// Processes the batch that Lambda passed, and takes another one whenever all running ones are held up.
    async fn process_batches(
        &self,
        passed: Vec<RawMessage>,
        invocation: &Arc<Invocation>,
    ) -> (Vec<Processed>, Measured) {
        let mut running: FuturesUnordered<BoxFuture<'_, Finished>> = FuturesUnordered::new();
        running.push(Box::pin(async { Finished::Passed(self.process_batch(passed, invocation).await) }));
        let (mut processed, mut measured) = (Vec::new(), Measured::default());
        let mut next_take = Instant::now() + HELD_UP_AFTER;
        while !running.is_empty() {
            // It takes up to a second to receive messages.
            let has_time = self.clock.now().plus(HELD_UP_AFTER) < invocation.latest_start;
            let may_take = running.len() < MAX_BATCHES && has_time;
            tokio::select! {
                Some(finished) = running.next() => match finished {
                    Finished::Passed(messages) => processed = messages,
                    Finished::Taken(count, of_batch) => {
                        measured.extend([of_batch]);
                        // The others are still held up. After an empty batch, messages are looked for less often.
                        next_take = Instant::now() + if count == 0 { HELD_UP_AFTER } else { Duration::ZERO };
                    }
                },
                () = sleep_until(next_take), if may_take => {
                    next_take = Instant::now() + HELD_UP_AFTER;
                    running.push(Box::pin(self.take_batch(invocation)));
                }
            }
        }
        (processed, measured)
    }

    /// Takes messages from the queue of this lane, processes them, and deletes those that need not be redelivered. The others
    /// are visible again after the visibility timeout.
    async fn take_batch(&self, invocation: &Arc<Invocation>) -> Finished {
        let queue = match invocation.lane {
            Lane::Fast => &self.queue,
            Lane::Slow => &self.slow_queue,
        };
        let received = queue.receive().await.unwrap_or_else(|error| {
            warn!(cause = telemetry::chain(&error), "no more messages could be taken from the queue");
            Vec::new()
        });
        let count = received.len();
        if count == 0 {
            return Finished::Taken(0, Measured::default());
        }
        let (messages, receipts): (Vec<RawMessage>, Vec<(String, String)>) = received.into_iter().map(split).unzip();
        let (measured, redeliver): (Vec<Measured>, Vec<Option<String>>) =
            self.process_batch(messages, invocation).await.into_iter().unzip();
        let redeliver: HashSet<String> = redeliver.into_iter().flatten().collect();
        let done = receipts.into_iter().filter(|(id, _)| !redeliver.contains(id)).map(|(_, receipt)| receipt).collect();
        if let Err(error) = queue.delete(done).await {
            warn!(
                cause = telemetry::chain(&error),
                "processed messages return to the queue, where they will be dropped"
            );
        }
        Finished::Taken(count, measured.into_iter().collect())
    }
}

/// Splits a message into what is processed, and its id with the receipt by which it is deleted.
fn split(message: ReceivedMessage) -> (RawMessage, (String, String)) {
    let ReceivedMessage { id, receipt, body } = message;
    (RawMessage { id: id.clone(), body: Some(body) }, (id, receipt))
}
