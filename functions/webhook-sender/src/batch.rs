//! One batch of messages: loads the data that they share, passes messages for slow receivers on, processes the others
//! concurrently, and reports the messages to redeliver.

use std::collections::HashSet;
use std::sync::Arc;

use aws::lambda::metric::Measured;
use aws::store::RecordedDeliveries;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{AttemptTask, SendMessage, Subject};
use futures::StreamExt as _;
use futures::future::{join, join_all, join3};
use futures::stream::FuturesUnordered;

use crate::attempt_writer::AttemptWriter;
use crate::endpoint_cache::EndpointError;
use crate::invocation::{Invocation, RawMessage};
use crate::outcome::{self, NextStep, Outcome, SendError};
use crate::sender::{BatchContext, Sender};
use crate::unreadable::EndpointRow;

/// The metrics of one message, and its id if the queue has to redeliver it.
pub(crate) type Processed = (Measured, Option<String>);

impl Sender {
    /// Processes all messages of a batch concurrently.
    pub(crate) async fn process_batch(&self, batch: Vec<RawMessage>, invocation: &Arc<Invocation>) -> Vec<Processed> {
        let (mut messages, mut processed) = (Vec::new(), Vec::new());
        // Only within this batch: a message about the same subject that arrives later may have a reason of its own, such as the
        // release of a delivery that this invocation put on hold. Its row then says whether there is something to do.
        let mut subjects = HashSet::new();
        for RawMessage { id, body } in batch {
            match parse(body) {
                Ok(message) if subjects.insert(message.subject()) => messages.push((id, message)),
                // Two messages about the same subject are duplicates: the first is processed, the others are dropped.
                Ok(message) => processed.push(finish(id, Some(message.subject()), false, &Ok(Outcome::Stale))),
                Err(error) => processed.push(finish(id, None, false, &Err(error))),
            }
        }
        let context = self.load_context(invocation, messages.iter().map(|(_, message)| message)).await;
        let (passed_on, kept) = self.divide(messages, &context);
        // Unlike `join_all`, this polls only the messages that are woken, not all of them each time.
        let processing = kept.into_iter().map(|(id, message)| self.process(id, message, &context));
        let processing = processing.collect::<FuturesUnordered<_>>().collect::<Vec<_>>();
        let (kept, passed_on) = join(processing, self.process_passed_on(passed_on, &context)).await;
        processed.extend(kept.into_iter().chain(passed_on));
        self.health.write_due(self.clock.now()).await;
        processed
    }

    /// Loads the data of all messages with as few calls as possible. What cannot be read fails only the messages that need it.
    async fn load_context(
        &self,
        invocation: &Arc<Invocation>,
        messages: impl Iterator<Item = &SendMessage> + Clone,
    ) -> BatchContext {
        let now = self.clock.now();
        let ids: Vec<_> = messages.clone().filter_map(delivery_of).collect();
        let endpoints: HashSet<(ProjectId, EndpointId)> =
            messages.clone().map(|message| (message.project_id(), message.endpoint_id())).collect();
        let (deliveries, targets, health) = join3(
            self.load_deliveries(messages.clone(), now),
            self.endpoints.targets(&ids, now),
            self.health.load(endpoints, now),
        )
        .await;
        let (invocation, writer) = (Arc::clone(invocation), AttemptWriter::default());
        let context = BatchContext { invocation, deliveries, targets, health, writer };
        self.report_unreadable(&context, now);
        context
    }

    /// Loads the deliveries that may have a row. A delivery whose row lags behind its message is read again with a consistent
    /// read: the first, cheaper read was stale.
    async fn load_deliveries(
        &self,
        messages: impl Iterator<Item = &SendMessage> + Clone,
        now: Timestamp,
    ) -> RecordedDeliveries {
        let may_have_row = messages.filter(|message| !message.is_unrecorded(now));
        let ids: Vec<_> = may_have_row.clone().filter_map(delivery_of).collect();
        let mut deliveries = self.store.deliveries.recorded(&ids).await;
        let behind = may_have_row.filter_map(|message| match message {
            SendMessage::Attempt(task) if is_behind(task, &deliveries) => Some((task.project_id, task.delivery_id)),
            SendMessage::Attempt(_) | SendMessage::Replay(_) | SendMessage::Test(_) | SendMessage::Handshake(_) => None,
        });
        let reads = behind.map(|(project, id)| async move {
            (id, self.store.deliveries.recorded_now(project, id).await.transpose())
        });
        for (id, delivery) in join_all(reads).await {
            deliveries.extend(delivery.map(|delivery| (id, delivery.map_err(Arc::new))));
        }
        deliveries
    }

    fn report_unreadable(&self, context: &BatchContext, now: Timestamp) {
        for (id, target) in &context.targets {
            if let Some(error) = target.as_ref().err().and_then(|error| EndpointError::store_error(error)) {
                self.unreadable.report(id.endpoint, EndpointRow::Settings, error, now);
            }
        }
        for (id, health) in &context.health {
            if let Err(error) = health {
                self.unreadable.report(*id, EndpointRow::Health, error, now);
            }
        }
    }

    /// Divides messages into those that are passed on to the slow lane, and those that are processed here.
    fn divide(&self, messages: Vec<Message>, batch: &BatchContext) -> (Vec<Message>, Vec<Message>) {
        let (mut passed_on, mut kept) = (Vec::new(), Vec::new());
        for (message_id, message) in messages {
            let is_passed_on = self.is_passed_on(&message, batch);
            if is_passed_on { &mut passed_on } else { &mut kept }.push((message_id, message));
        }
        (passed_on, kept)
    }

    async fn process_passed_on(&self, messages: Vec<Message>, batch: &BatchContext) -> Vec<Processed> {
        let copies = messages.iter().map(|(_, message)| message.clone()).collect();
        let passed_on = self.pass_all_on(copies).await.map_err(Arc::new);
        let finished = messages.into_iter().map(|(message_id, message)| {
            let result = passed_on.clone().map(|()| Outcome::PassedOn).map_err(SendError::PassOn);
            finish(message_id, Some(message.subject()), batch.is_repeated_by_sweep(&message), &result)
        });
        finished.collect()
    }

    /// Processes one message.
    async fn process(&self, message_id: String, message: SendMessage, batch: &BatchContext) -> Processed {
        let (subject, is_repeated) = (message.subject(), batch.is_repeated_by_sweep(&message));
        let endpoint = message.endpoint_id();
        let result = match message {
            SendMessage::Attempt(task) => self.handle_attempt(task, batch).await,
            SendMessage::Replay(task) => self.handle_replay(task, batch).await,
            SendMessage::Test(task) => self.handle_test(task, batch).await,
            SendMessage::Handshake(task) => self.handle_handshake(task, batch).await,
        };
        let sign_of_life = result.as_ref().ok().and_then(Outcome::sign_of_life);
        if let (Some(attempt), Ok(health)) = (sign_of_life, batch.health(endpoint)) {
            self.health.record_sign_of_life(health, attempt, self.clock.now()).await;
        }
        finish(message_id, Some(subject), is_repeated, &result)
    }
}

/// A message with its id in the queue.
type Message = (String, SendMessage);

/// Ends the processing of a message. `is_repeated` is whether the sweep sends another message in place of this one.
fn finish(
    message_id: String,
    subject: Option<Subject>,
    is_repeated: bool,
    result: &Result<Outcome, SendError>,
) -> Processed {
    let next_step = outcome::next_step(is_repeated, result);
    outcome::log::write(subject, result, next_step);
    (outcome::measure(result), (next_step == NextStep::Redeliver).then_some(message_id))
}

/// Whether the row that was read lacks attempts that the task implies.
fn is_behind(task: &AttemptTask, deliveries: &RecordedDeliveries) -> bool {
    match deliveries.get(&task.delivery_id) {
        Some(Ok(delivery)) => delivery.is_behind(task.attempt),
        Some(Err(_)) => false,
        None => task.is_stored || task.attempt > 1,
    }
}

fn delivery_of(message: &SendMessage) -> Option<(ProjectId, DeliveryId)> {
    Some((message.project_id(), message.delivery_id()?))
}

fn parse(body: Option<String>) -> Result<SendMessage, SendError> {
    let body = body.ok_or(SendError::NoBody)?;
    serde_json::from_str(&body).map_err(SendError::Message)
}
