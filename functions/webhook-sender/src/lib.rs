//! webhook-sender: a batch of nudges in, one signed POST for each, every attempt recorded.
//!
//! A nudge is answered with one attempt at most. Nudges that came twice, late, or for something that is over are dropped;
//! those that our own services stood in the way of are given back to the queue.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use shared::aws::Aws;
use shared::aws::queue::{Message, Queue};
use shared::aws::secrets::{KeyRingSecret, SecretError};
use shared::aws::store::{Activity, Settings, StoreError, Written};
use shared::clock::Clock;
use shared::delivery::{self, Delivery, Nudge};
use shared::event::Event;
use shared::id::DeliveryId;
use shared::random::{self, Random};
use shared::telemetry;
use shared::webhook::{self, OpenError};
use thiserror::Error;
use tracing::{error, info, warn};

mod config;
mod endpoints;
mod post;
mod resolver;

pub use config::Config;
use endpoints::{Endpoints, Target, Targets};
pub use post::ClientError;
use post::{Posted, Poster};

/// Sends webhooks.
pub struct Sender {
    config: Config,
    activity: Activity,
    queue: Queue,
    endpoints: Endpoints,
    poster: Poster,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why a nudge goes back to the queue: always our own fault, never the receiver's.
#[derive(Debug, Error)]
enum SendError {
    #[error("message is no nudge")]
    Message(#[source] serde_json::Error),
    #[error("message has no body")]
    NoBody,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("facts about the batch are missing: {0}")]
    Facts(String),
    #[error("endpoint cannot be read: {0}")]
    Endpoint(String),
}

/// What a nudge came to.
#[derive(Debug)]
enum Done {
    Attempted(Delivery),
    /// The delivery is over or an attempt further, or the attempt was counted by another message.
    Stale,
    /// The endpoint is gone.
    Cancelled,
    /// The event is past its retention.
    Forgotten,
}

/// What is known about a batch before anything is sent.
struct Facts {
    recorded: HashMap<DeliveryId, Delivery>,
    targets: Targets,
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
        let settings = Settings::new(aws, &config.settings_table);
        Ok(Self {
            activity: Activity::new(aws, &config.activity_table, config.retention),
            queue: Queue::new(aws, &config.send_queue_url),
            endpoints: Endpoints::new(settings, key_ring),
            poster: Poster::new(config.address_guard.clone())?,
            config,
            clock,
            random,
        })
    }

    /// Works through a batch, all messages at once, and names those that must come again.
    pub async fn handle(&self, batch: SqsEvent) -> SqsBatchResponse {
        let nudges: Vec<(String, Result<Nudge, SendError>)> = batch.records.into_iter().map(read_nudge).collect();
        let facts = self.facts(nudges.iter().filter_map(|(_, nudge)| nudge.as_ref().ok())).await;
        // Two messages of one batch for the same attempt are one: the first makes it, the other has nothing left to do.
        let mut seen = HashSet::new();
        let work = nudges.into_iter().filter_map(|(message_id, nudge)| {
            let is_repeated = nudge.as_ref().is_ok_and(|nudge| !seen.insert((nudge.delivery_id, nudge.attempt)));
            (!is_repeated).then(|| self.work(message_id, nudge, &facts))
        });
        let failed = join_all(work).await.into_iter().flatten().collect();
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failed;
        response
    }

    /// Reads what the whole batch needs in as few calls as can be. If the rows cannot be read, nothing is sent.
    async fn facts(&self, nudges: impl Iterator<Item = &Nudge> + Clone) -> Result<Facts, SendError> {
        let wanted: Vec<_> = nudges.map(|nudge| (nudge.project_id, nudge.delivery_id)).collect();
        let (recorded, targets) =
            futures::future::join(self.activity.recorded(&wanted), self.endpoints.targets(&wanted, self.clock.now()))
                .await;
        Ok(Facts { recorded: recorded?, targets })
    }

    /// Follows one nudge; `Some` if it must come again.
    async fn work(
        &self,
        message_id: String,
        nudge: Result<Nudge, SendError>,
        facts: &Result<Facts, SendError>,
    ) -> Option<BatchItemFailure> {
        let delivery_id = nudge.as_ref().ok().map(|nudge| nudge.delivery_id);
        let done = match (nudge, facts) {
            (Ok(nudge), Ok(facts)) => self.follow(nudge, facts).await,
            (Ok(_), Err(error)) => Err(SendError::Facts(telemetry::chain(error))),
            (Err(error), _) => Err(error),
        };
        match done {
            Ok(done) => {
                log(delivery_id, &done);
                None
            }
            Err(error) => {
                let delivery_id = delivery_id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
                error!(
                    delivery.id = delivery_id,
                    cause = telemetry::chain(&error),
                    "delivery {delivery_id} goes back to the queue"
                );
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message_id;
                Some(failure)
            }
        }
    }

    async fn follow(&self, nudge: Nudge, facts: &Facts) -> Result<Done, SendError> {
        let recorded = facts.recorded.get(&nudge.delivery_id);
        // What is over or further is dropped before the event is read.
        if recorded.is_some_and(|delivery| !delivery.awaits(nudge.attempt)) {
            return Ok(Done::Stale);
        }
        let number = nudge.attempt;
        let id = nudge.delivery_id;
        let Some(event) = self.event_of(nudge).await? else { return Ok(Done::Forgotten) };
        let delivery = recorded.cloned().unwrap_or_else(|| Delivery::queued(&event, id.endpoint));
        if !delivery.awaits(number) {
            return Ok(Done::Stale);
        }
        let target = facts.targets[&id].clone().map_err(SendError::Endpoint)?;
        let Some(target) = target else {
            let written = self.activity.record_cancelled(&delivery.cancelled()).await?;
            return Ok(if written == Written::Now { Done::Cancelled } else { Done::Stale });
        };
        let posted = self.post(&event, number, &target).await;
        self.record(delivery, posted).await
    }

    /// The event, from the nudge or from the store; `None` if it is past its retention.
    async fn event_of(&self, nudge: Nudge) -> Result<Option<Event>, SendError> {
        if nudge.event.is_some() {
            return Ok(nudge.event);
        }
        let stored = self.activity.event(nudge.project_id, nudge.delivery_id.event).await?;
        Ok(stored.map(|stored| stored.event))
    }

    async fn post(&self, event: &Event, number: u8, target: &Target) -> Posted {
        let body = webhook::body(&target.opened, event, &*self.random);
        let now = self.clock.now();
        let headers = webhook::headers(&target.opened, event.id, number, now, &body);
        self.poster.post(&target.url, headers, body, number, now).await
    }

    /// Records the attempt, and sees to it that the next one happens.
    async fn record(&self, delivery: Delivery, posted: Posted) -> Result<Done, SendError> {
        let chance = random::fraction(&*self.random);
        let wait = self.config.retry_schedule.delay_after(posted.attempt.number, chance, posted.retry_after);
        let delivery = delivery.after(posted.attempt, wait);
        let reminder = delivery.next_attempt_at.map(|due| delivery::remind(due, self.clock.now()));
        let written = self.activity.record(&delivery, reminder.map(|reminder| reminder.sweep_at)).await?;
        if written == Written::Before {
            return Ok(Done::Stale);
        }
        if let Some(delay) = reminder.and_then(|reminder| reminder.message_delay) {
            // The attempt is recorded, so it must not be made again: if no message can be sent, the sweep will send one.
            let sent = async { self.queue.send(vec![Message::nudge(&delivery.next_nudge(), delay)?]).await }.await;
            if let Err(error) = sent {
                warn!(delivery.id = %delivery.id, cause = telemetry::chain(&error), "delivery {} is left to the sweep", delivery.id);
            }
        }
        Ok(Done::Attempted(delivery))
    }
}

fn read_nudge(message: SqsMessage) -> (String, Result<Nudge, SendError>) {
    let nudge = message.body.ok_or(SendError::NoBody);
    let nudge = nudge.and_then(|body| serde_json::from_str(&body).map_err(SendError::Message));
    (message.message_id.unwrap_or_default(), nudge)
}

fn log(id: Option<DeliveryId>, done: &Done) {
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    match done {
        Done::Attempted(delivery) => {
            let Some(attempt) = delivery.attempts.last() else { return };
            let (state, number) = (delivery.state.as_str(), attempt.number);
            let reason = attempt.reason.map_or("none", shared::delivery::FailureReason::as_str);
            info!(
                delivery.id = id,
                attempt = number,
                status = attempt.status,
                reason,
                duration_ms = attempt.duration_ms,
                state,
                "attempt {number} of delivery {id} left it {state}"
            );
        }
        Done::Stale => info!(delivery.id = id, "delivery {id} needed nothing more"),
        Done::Cancelled => info!(delivery.id = id, "delivery {id} was cancelled: its endpoint is gone"),
        Done::Forgotten => warn!(delivery.id = id, "delivery {id} is dropped: its event is past its retention"),
    }
}
