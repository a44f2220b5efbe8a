//! The sender with its clients and caches, and the data that all messages of one batch share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws::Aws;
use aws::queue::Queue;
use aws::secrets::KeyRingSecret;
use aws::store::{RecordedDeliveries, Store, StoreError};
use domain::foundation::clock::Clock;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId};
use domain::foundation::random::Random;
use domain::webhooks::delivery::{Delivery, SendMessage};
use rustls::RootCertStore;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use crate::access_tokens::AccessTokens;
use crate::attempt_writer::AttemptWriter;
use crate::concurrency::NoSlot;
use crate::config::Config;
use crate::endpoint_cache::{EndpointCache, Target, Targets};
use crate::health_cache::{HealthCache, LoadedHealth, SharedHealth};
use crate::http::client::{ClientError, WebhookClient};
use crate::http::tls;
use crate::invocation::Invocation;
use crate::outcome::{Outcome, SendError};
use crate::pacer::Pacer;
use crate::unreadable::UnreadableRows;

/// Delay of a deferred message.
const DEFER_DELAY: Duration = Duration::from_secs(5);

/// Pause before a failed write is repeated. Each further pause is twice as long, up to the maximum.
const FIRST_WRITE_PAUSE: Duration = Duration::from_millis(100);
const MAX_WRITE_PAUSE: Duration = Duration::from_secs(2);

/// Sends webhooks.
pub struct Sender {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) slow_queue: Queue,
    pub(crate) endpoints: EndpointCache,
    pub(crate) health: HealthCache,
    pub(crate) pacer: Pacer,
    pub(crate) unreadable: UnreadableRows,
    pub(crate) client: WebhookClient,
    pub(crate) tokens: AccessTokens,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// The data that all messages of one batch share, loaded before anything is sent. An error concerns only the messages that need
/// what could not be read.
pub(crate) struct BatchContext {
    pub(crate) invocation: Arc<Invocation>,
    /// The deliveries that have a stored row.
    pub(crate) deliveries: RecordedDeliveries,
    pub(crate) targets: Targets,
    pub(crate) health: HashMap<EndpointId, LoadedHealth>,
    pub(crate) writer: AttemptWriter,
}

impl Sender {
    /// Creates the sender. It calls no service before the first batch.
    pub fn new(
        config: Config,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ClientError> {
        Self::trusting(tls::public_roots(), config, aws, key_ring, clock, random)
    }

    /// Creates a sender that trusts only receivers whose certificate is signed by one of `roots`.
    pub fn trusting(
        roots: RootCertStore,
        config: Config,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, ClientError> {
        let store = Store::new(aws, &config.store);
        let client = WebhookClient::new(config.address_guard.clone(), &config.canary_url, roots)?;
        Ok(Self {
            queue: Queue::new(aws, config.send_queue_url.as_str()),
            slow_queue: Queue::new(aws, config.slow_queue_url.as_str()),
            endpoints: EndpointCache::new(store.endpoints.clone(), store.return_urls.clone(), key_ring, client.tls()),
            health: HealthCache::new(store.health.clone(), config.health_policy.clone()),
            pacer: Pacer::new(store.pace.clone()),
            unreadable: UnreadableRows::new(),
            client,
            tokens: AccessTokens::new(),
            store,
            config,
            clock,
            random,
        })
    }

    /// Takes a request slot of the endpoint. Waits for one as long as a request may still start.
    pub(crate) async fn take_slot(
        &self,
        batch: &BatchContext,
        endpoint: EndpointId,
    ) -> Result<OwnedSemaphorePermit, NoSlot> {
        let time_left = batch.invocation.latest_start.since(self.clock.now());
        batch.invocation.slots.take(endpoint, time_left).await
    }

    /// Leaves a task that got no slot to another sender.
    pub(crate) async fn leave(
        &self,
        task: impl Into<SendMessage>,
        reason: NoSlot,
        batch: &BatchContext,
    ) -> Result<Outcome, SendError> {
        match reason {
            NoSlot::TooLate => self.defer(task, batch).await,
            NoSlot::Closed => self.pass_on(task).await,
        }
    }

    /// Sends a copy of the message that arrives after a few seconds. Returned to the queue, the message itself would arrive
    /// only after minutes and would count towards the dead-letter limit.
    pub(crate) async fn defer(&self, task: impl Into<SendMessage>, batch: &BatchContext) -> Result<Outcome, SendError> {
        self.enqueue(batch.invocation.lane, vec![task.into()], DEFER_DELAY).await?;
        Ok(Outcome::Deferred)
    }

    /// Sets a delivery aside whose row cannot be read.
    pub(crate) async fn set_aside(&self, project: ProjectId, id: DeliveryId) -> Result<Outcome, SendError> {
        let is_new = self.store.deliveries.set_aside(project, id, self.clock.now()).await?;
        Ok(Outcome::SetAside { is_new })
    }

    /// Repeats a write that failed, until it succeeds or the function's time is nearly over. A webhook whose result is not
    /// recorded is posted again.
    pub(crate) async fn persist<T, F>(
        &self,
        first: Result<T, StoreError>,
        write: impl Fn() -> F,
        batch: &BatchContext,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let (mut written, mut pause) = (first, FIRST_WRITE_PAUSE);
        while written.is_err() && self.clock.now().plus(pause) < batch.invocation.latest_write {
            sleep(pause).await;
            pause = (pause * 2).min(MAX_WRITE_PAUSE);
            written = write().await;
        }
        written
    }
}

impl BatchContext {
    /// The stored delivery; `None` if it has no row.
    pub(crate) fn stored(&self, id: DeliveryId) -> Result<Option<&Delivery>, SendError> {
        match self.deliveries.get(&id) {
            Some(Ok(delivery)) => Ok(Some(delivery)),
            Some(Err(error)) => Err(SendError::Delivery(Arc::clone(error))),
            None => Ok(None),
        }
    }

    /// Whether the delivery has a row that this version cannot read.
    pub(crate) fn is_unreadable(&self, id: DeliveryId) -> bool {
        self.deliveries.get(&id).is_some_and(|read| matches!(read, Err(error) if matches!(**error, StoreError::Row(_))))
    }

    /// The target of a delivery; `None` if its endpoint was deleted.
    pub(crate) fn target(&self, id: DeliveryId) -> Result<Option<Arc<Target>>, SendError> {
        Ok(self.targets[&id].clone()?)
    }

    /// The health of an endpoint.
    pub(crate) fn health(&self, endpoint: EndpointId) -> Result<&SharedHealth, SendError> {
        self.health[&endpoint].as_ref().map_err(|error| SendError::Health(Arc::clone(error)))
    }

    /// Whether the sweep sends another message in place of this one.
    pub(crate) fn is_repeated_by_sweep(&self, message: &SendMessage) -> bool {
        match message {
            SendMessage::Attempt(task) => task.is_repeated_by_sweep(self.stored(task.delivery_id).ok().flatten()),
            SendMessage::Replay(_) | SendMessage::Test(_) | SendMessage::Handshake(_) => false,
        }
    }
}
