//! webhook-sender: a batch of nudges in, one signed POST for each, every attempt recorded.
//!
//! A nudge is answered with one attempt, one replay or one test at most. Nudges that came twice, late, or for something that
//! is over are dropped; those that our own services stood in the way of are given back to the queue.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::{join_all, join3};
use rustls::RootCertStore;
use shared::aws::Aws;
use shared::aws::queue::Queue;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::{Activity, Settings};
use shared::clock::Clock;
use shared::delivery::{Delivery, SendMessage};
use shared::id::{DeliveryId, EndpointId, ProjectId};
use shared::metric::Measured;
use shared::random::Random;
use shared::telemetry;
use shared::time::Timestamp;

mod answer;
mod canary;
mod config;
mod connect;
mod endpoints;
mod failure;
mod follow;
mod health;
mod outcome;
mod post;
mod records;
mod replay;
mod resolver;
mod slots;
mod test_send;
mod tls;

pub use config::Config;
use endpoints::{Endpoints, Targets};
use health::{HealthBook, Known};
use outcome::{Next, SendError};
pub use post::ClientError;
use post::Poster;
use records::Records;
use slots::Slots;

/// How long before the function is ended the last attempt must have begun: 15 s that the attempt may take, 2 s to find out
/// whose fault it is that nobody answered, and 3 s to record it and to send the message for the next. Of the function's 30 s
/// that leaves 10 s to wait for a slot.
const RESERVE: Duration = Duration::from_secs(20);

/// Sends webhooks.
pub struct Sender {
    config: Config,
    activity: Activity,
    queue: Queue,
    endpoints: Endpoints,
    health: HealthBook,
    poster: Poster,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What is known about a batch before anything is sent.
struct Facts {
    recorded: HashMap<DeliveryId, Delivery>,
    targets: Targets,
    health: HashMap<EndpointId, Known>,
    slots: Slots,
    records: Records,
    last_start: Timestamp,
}

impl Sender {
    /// Makes the clients; no call is made before a batch needs one.
    pub fn new(
        config: Config,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ClientError> {
        Self::trusting(tls::public_roots(), config, aws, key_ring, clock, random)
    }

    /// The same for receivers for which one of `roots` vouches, and no other authority.
    pub fn trusting(
        roots: RootCertStore,
        config: Config,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ClientError> {
        let settings = Settings::new(aws, &config.settings_table);
        let activity = Activity::new(aws, &config.activity_table, config.retention);
        Ok(Self {
            queue: Queue::new(aws, config.send_queue_url.as_str()),
            endpoints: Endpoints::new(settings, key_ring),
            health: HealthBook::new(activity.clone(), config.health_policy.clone()),
            poster: Poster::new(config.address_guard.clone(), &config.send_queue_url, roots)?,
            activity,
            config,
            clock,
            random,
        })
    }

    /// Works through a batch, all messages at once, and names those that must come again. `deadline` is when the function is
    /// ended, in milliseconds since 1970.
    pub async fn handle(&self, batch: SqsEvent, deadline: u64) -> SqsBatchResponse {
        let deadline = i64::try_from(deadline).ok().and_then(Timestamp::from_millis).unwrap_or(self.clock.now());
        let messages: Vec<(String, Result<SendMessage, SendError>)> =
            batch.records.into_iter().map(read_message).collect();
        let readable = messages.iter().filter_map(|(_, message)| message.as_ref().ok());
        let facts = self.facts(readable, deadline.minus(RESERVE)).await;
        // Two messages of one batch about the same are one: the first does it, the other has nothing left to do.
        let mut seen = HashSet::new();
        let work = messages.into_iter().filter_map(|(message_id, message)| {
            let is_repeated = message.as_ref().is_ok_and(|message| !seen.insert(message.subject()));
            (!is_repeated).then(|| self.work(message_id, message, &facts))
        });
        let (measured, again): (Vec<Measured>, Vec<Option<String>>) = join_all(work).await.into_iter().unzip();
        let measured = measured.into_iter().chain([self.health.take_measured()]).collect();
        telemetry::record(&measured, self.clock.now());
        let mut response = SqsBatchResponse::default();
        again.into_iter().flatten().for_each(|message_id| response.add_failure(message_id));
        response
    }

    /// Reads what the whole batch needs in as few calls as can be. If the rows cannot be read, nothing is sent.
    async fn facts(
        &self,
        messages: impl Iterator<Item = &SendMessage> + Clone,
        last_start: Timestamp,
    ) -> Result<Facts, SendError> {
        let now = self.clock.now();
        let wanted: Vec<_> = messages.clone().filter_map(about_delivery).collect();
        let slots = Slots::new(messages.clone().map(SendMessage::endpoint_id));
        let endpoints: HashSet<(ProjectId, EndpointId)> =
            wanted.iter().map(|(project, delivery)| (*project, delivery.endpoint)).collect();
        let (recorded, targets, health) = join3(
            self.recorded(messages.clone(), now),
            self.endpoints.targets(&wanted, now),
            self.health.known(endpoints, now),
        )
        .await;
        Ok(Facts { recorded: recorded?, targets, health: health?, slots, records: Records::default(), last_start })
    }

    /// The deliveries of which something can be recorded. One that is behind its message was read too early, and is read again as
    /// it is now.
    async fn recorded(
        &self,
        messages: impl Iterator<Item = &SendMessage> + Clone,
        now: Timestamp,
    ) -> Result<HashMap<DeliveryId, Delivery>, SendError> {
        let may_be_recorded = messages.filter(|message| !message.is_unrecorded(now));
        let wanted: Vec<_> = may_be_recorded.clone().filter_map(about_delivery).collect();
        let mut recorded = self.activity.recorded(&wanted).await?;
        for message in may_be_recorded {
            let SendMessage::Attempt(nudge) = message else { continue };
            let is_behind = recorded
                .get(&nudge.delivery_id)
                .map_or(nudge.attempt > 1, |delivery| delivery.is_behind(nudge.attempt));
            if is_behind {
                let delivery = self.activity.recorded_now(nudge.project_id, nudge.delivery_id).await?;
                recorded.extend(delivery.map(|delivery| (delivery.id, delivery)));
            }
        }
        Ok(recorded)
    }

    /// Does what one message asks for; tells what is to be counted, and the message's id if it must come again.
    async fn work(
        &self,
        message_id: String,
        message: Result<SendMessage, SendError>,
        facts: &Result<Facts, SendError>,
    ) -> (Measured, Option<String>) {
        let subject = message.as_ref().ok().map(SendMessage::subject);
        let done = match (message, facts) {
            (Ok(SendMessage::Attempt(nudge)), Ok(facts)) => self.follow(nudge, facts).await,
            (Ok(SendMessage::Replay(nudge)), Ok(facts)) => self.replay(nudge, facts).await,
            (Ok(SendMessage::Test(nudge)), Ok(facts)) => self.test(nudge, facts).await,
            (Ok(_), Err(error)) => Err(SendError::Facts(telemetry::chain(error))),
            (Err(error), _) => Err(error),
        };
        let next = outcome::next(subject, &done);
        outcome::log(subject, &done, next);
        (outcome::measure(&done), (next == Next::Again).then_some(message_id))
    }
}

fn about_delivery(message: &SendMessage) -> Option<(ProjectId, DeliveryId)> {
    Some((message.project_id(), message.delivery_id()?))
}

fn read_message(record: SqsMessage) -> (String, Result<SendMessage, SendError>) {
    let body = record.body.ok_or(SendError::NoBody);
    let message = body.and_then(|body| serde_json::from_str(&body).map_err(SendError::Message));
    (record.message_id.unwrap_or_default(), message)
}
