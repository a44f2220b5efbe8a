//! One batch of messages: loads the data that they share, processes them concurrently, and reports the messages to redeliver.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws::lambda::metric::Measured;
use aws::lambda::telemetry;
use aws::store::StoreError;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{Delivery, SendMessage};
use futures::future::{join_all, join3};

use crate::attempt_writer::AttemptWriter;
use crate::concurrency::EndpointSlots;
use crate::outcome::{self, NextStep, Outcome, SendError};
use crate::sender::{BatchContext, Sender};

/// Time reserved for one attempt before the function's deadline: 15 s for the attempt, 2 s for the canary check after a
/// timeout, 3 s to record the attempt and to send the next message. Of the function's 30 s, 10 s remain to wait for a slot.
const ATTEMPT_RESERVE: Duration = Duration::from_secs(20);

impl Sender {
    /// Processes all messages of a batch concurrently and returns those to redeliver. `deadline` is when Lambda ends the
    /// function, in milliseconds since 1970.
    pub async fn handle(&self, batch: SqsEvent, deadline: u64) -> SqsBatchResponse {
        // A deadline out of range leaves no time to send, so every message is deferred.
        let deadline = i64::try_from(deadline).ok().and_then(Timestamp::from_millis).unwrap_or(self.clock.now());
        let messages: Vec<(String, Result<SendMessage, SendError>)> =
            batch.records.into_iter().map(parse_message).collect();
        let readable = messages.iter().filter_map(|(_, message)| message.as_ref().ok());
        let context = self.load_context(readable, deadline.minus(ATTEMPT_RESERVE)).await.map_err(Arc::new);
        // Two messages of a batch about the same subject are duplicates: the first is processed, the others are dropped.
        let mut subjects = HashSet::new();
        let processing = messages.into_iter().filter_map(|(message_id, message)| {
            let is_duplicate = message.as_ref().is_ok_and(|message| !subjects.insert(message.subject()));
            (!is_duplicate).then(|| self.process(message_id, message, &context))
        });
        let (measured, redeliver): (Vec<Measured>, Vec<Option<String>>) =
            join_all(processing).await.into_iter().unzip();
        let measured = measured.into_iter().chain([self.health.take_measured()]).collect();
        telemetry::record(&measured, self.clock.now());
        let mut response = SqsBatchResponse::default();
        redeliver.into_iter().flatten().for_each(|message_id| response.add_failure(message_id));
        response
    }

    /// Loads the data of all messages with as few calls as possible. Fails if the deliveries or the health cannot be read;
    /// an endpoint that cannot be read fails only its own messages.
    async fn load_context(
        &self,
        messages: impl Iterator<Item = &SendMessage> + Clone,
        latest_start: Timestamp,
    ) -> Result<BatchContext, StoreError> {
        let now = self.clock.now();
        let ids: Vec<_> = messages.clone().filter_map(delivery_of).collect();
        let slots = EndpointSlots::new(messages.clone().map(SendMessage::endpoint_id));
        let endpoints: HashSet<(ProjectId, EndpointId)> =
            ids.iter().map(|(project, delivery)| (*project, delivery.endpoint)).collect();
        let (deliveries, targets, health) = join3(
            self.load_deliveries(messages.clone(), now),
            self.endpoints.targets(&ids, now),
            self.health.load(endpoints, now),
        )
        .await;
        let (deliveries, health) = (deliveries?, health?);
        Ok(BatchContext { deliveries, targets, health, slots, writer: AttemptWriter::default(), latest_start })
    }

    /// Loads the deliveries that may have a row. A delivery whose row lags behind its message is read again with a consistent
    /// read: the first, cheaper read was stale.
    async fn load_deliveries(
        &self,
        messages: impl Iterator<Item = &SendMessage> + Clone,
        now: Timestamp,
    ) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let may_have_row = messages.filter(|message| !message.is_unrecorded(now));
        let ids: Vec<_> = may_have_row.clone().filter_map(delivery_of).collect();
        let mut deliveries = self.store.deliveries.recorded(&ids).await?;
        for message in may_have_row {
            let SendMessage::Attempt(task) = message else { continue };
            let is_behind =
                deliveries.get(&task.delivery_id).map_or(task.attempt > 1, |delivery| delivery.is_behind(task.attempt));
            if is_behind {
                let delivery = self.store.deliveries.recorded_now(task.project_id, task.delivery_id).await?;
                deliveries.extend(delivery.map(|delivery| (delivery.id, delivery)));
            }
        }
        Ok(deliveries)
    }

    /// Processes one message. Returns its metrics, and its id if the queue has to redeliver it.
    async fn process(
        &self,
        message_id: String,
        message: Result<SendMessage, SendError>,
        context: &Result<BatchContext, Arc<StoreError>>,
    ) -> (Measured, Option<String>) {
        let subject = message.as_ref().ok().map(SendMessage::subject);
        let result = match (message, context) {
            (Ok(message), Ok(batch)) => self.dispatch(message, batch).await,
            (Ok(_), Err(error)) => Err(SendError::Batch(Arc::clone(error))),
            (Err(error), _) => Err(error),
        };
        let next_step = outcome::next_step(subject, &result);
        outcome::log(subject, &result, next_step);
        (outcome::measure(&result), (next_step == NextStep::Redeliver).then_some(message_id))
    }

    async fn dispatch(&self, message: SendMessage, batch: &BatchContext) -> Result<Outcome, SendError> {
        match message {
            SendMessage::Attempt(task) => self.handle_attempt(task, batch).await,
            SendMessage::Replay(task) => self.handle_replay(task, batch).await,
            SendMessage::Test(task) => self.handle_test(task, batch).await,
        }
    }
}

fn delivery_of(message: &SendMessage) -> Option<(ProjectId, DeliveryId)> {
    Some((message.project_id(), message.delivery_id()?))
}

fn parse_message(record: SqsMessage) -> (String, Result<SendMessage, SendError>) {
    let body = record.body.ok_or(SendError::NoBody);
    let message = body.and_then(|body| serde_json::from_str(&body).map_err(SendError::Message));
    (record.message_id.unwrap_or_default(), message)
}
