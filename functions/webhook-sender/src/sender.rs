//! The sender with its clients and caches, and the data that all messages of one batch share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws::Aws;
use aws::queue::{Message, Queue};
use aws::secrets::KeyRingSecret;
use aws::store::Store;
use domain::foundation::clock::Clock;
use domain::foundation::id::{DeliveryId, EndpointId};
use domain::foundation::random::Random;
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{Delivery, SendMessage};
use rustls::RootCertStore;
use tokio::sync::SemaphorePermit;

use crate::attempt_writer::AttemptWriter;
use crate::concurrency::EndpointSlots;
use crate::config::Config;
use crate::endpoint_cache::{EndpointCache, Targets};
use crate::health_cache::{HealthCache, SharedHealth};
use crate::http::client::{ClientError, WebhookClient};
use crate::http::tls;
use crate::outcome::{Outcome, SendError};

/// Delay of a deferred message.
const DEFER_DELAY: Duration = Duration::from_secs(5);

/// Sends webhooks.
pub struct Sender {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) endpoints: EndpointCache,
    pub(crate) health: HealthCache,
    pub(crate) client: WebhookClient,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// The data that all messages of one batch share, loaded before anything is sent.
pub(crate) struct BatchContext {
    /// The deliveries that have a stored row.
    pub(crate) deliveries: HashMap<DeliveryId, Delivery>,
    pub(crate) targets: Targets,
    pub(crate) health: HashMap<EndpointId, SharedHealth>,
    pub(crate) slots: EndpointSlots,
    pub(crate) writer: AttemptWriter,
    /// The last moment at which an attempt may start.
    pub(crate) latest_start: Timestamp,
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
        Ok(Self {
            queue: Queue::new(aws, config.send_queue_url.as_str()),
            endpoints: EndpointCache::new(store.endpoints.clone(), store.return_urls.clone(), key_ring),
            health: HealthCache::new(store.health.clone(), config.health_policy.clone()),
            client: WebhookClient::new(config.address_guard.clone(), &config.send_queue_url, roots)?,
            store,
            config,
            clock,
            random,
        })
    }

    /// Takes an attempt slot of the endpoint. Waits for one as long as an attempt may still start, and returns `None` after
    /// that.
    pub(crate) async fn take_slot<'a>(
        &self,
        batch: &'a BatchContext,
        endpoint: EndpointId,
    ) -> Option<SemaphorePermit<'a>> {
        batch.slots.take(endpoint, batch.latest_start.since(self.clock.now())).await
    }

    /// Sends a copy of the message that arrives after a few seconds. Returned to the queue, the message itself would arrive
    /// only after minutes and would count towards the dead-letter limit.
    pub(crate) async fn defer(&self, task: impl Into<SendMessage>) -> Result<Outcome, SendError> {
        self.queue.send(vec![Message::to_send(task, DEFER_DELAY)?]).await?;
        Ok(Outcome::Deferred)
    }
}
