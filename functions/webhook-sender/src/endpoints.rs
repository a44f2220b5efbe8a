//! Where deliveries go: endpoint settings, opened, and kept for half a minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::Settings;
use shared::endpoint::{Endpoint, EndpointState};
use shared::id::{DeliveryId, EndpointId, ProjectId};
use shared::return_url::Encryption;
use shared::signature::SignatureScheme;
use shared::telemetry;
use shared::time::Timestamp;
use shared::webhook::{Opened, ProjectKeys};
use tokio::sync::Mutex;
use url::Url;

use crate::outcome::SendError;

/// How old settings may be when they are used.
const FRESH: Duration = Duration::from_secs(30);

/// What sending to an endpoint takes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) state: EndpointState,
    pub(crate) url: Url,
    pub(crate) opened: Opened,
}

/// Where each delivery of a batch goes, or why that cannot be known.
pub(crate) type Targets = HashMap<DeliveryId, Result<Option<Arc<Target>>, String>>;

/// The endpoints that were sent to of late.
pub(crate) struct Endpoints {
    settings: Settings,
    key_ring: KeyRingSecret,
    kept: Mutex<HashMap<EndpointId, Kept>>,
}

#[derive(Clone)]
struct Kept {
    read_at: Timestamp,
    target: Option<Arc<Target>>,
}

impl Endpoints {
    pub(crate) fn new(settings: Settings, key_ring: KeyRingSecret) -> Self {
        Self { settings, key_ring, kept: Mutex::default() }
    }

    /// Where each delivery goes; `None` where the endpoint is gone. Each endpoint is read once, however many want it, and
    /// one that cannot be read fails its own deliveries only.
    pub(crate) async fn targets(&self, deliveries: &[(ProjectId, DeliveryId)], now: Timestamp) -> Targets {
        let mut kept = self.kept.lock().await;
        kept.retain(|_, kept| now.since(kept.read_at) < FRESH);
        let missing: HashMap<EndpointId, ProjectId> = deliveries
            .iter()
            .filter(|(_, id)| !kept.contains_key(&id.endpoint))
            .map(|(project, id)| (id.endpoint, *project))
            .collect();
        let read = missing.into_iter().map(|(id, project)| async move { (id, self.read(project, id, now).await) });
        let mut failed = HashMap::new();
        for (endpoint, target) in join_all(read).await {
            match target {
                Ok(target) => drop(kept.insert(endpoint, Kept { read_at: now, target })),
                Err(error) => drop(failed.insert(endpoint, telemetry::chain(&error))),
            }
        }
        let target = |id: &DeliveryId| match failed.get(&id.endpoint) {
            Some(cause) => Err(cause.clone()),
            None => Ok(kept.get(&id.endpoint).and_then(|kept| kept.target.clone())),
        };
        deliveries.iter().map(|(_, id)| (*id, target(id))).collect()
    }

    /// What the customer wishes of an endpoint, not from memory; `None` if it is gone.
    pub(crate) async fn state_now(
        &self,
        project: ProjectId,
        id: EndpointId,
    ) -> Result<Option<EndpointState>, SendError> {
        Ok(self.settings.endpoint(project, id).await?.map(|endpoint| endpoint.state))
    }

    /// What sending to an endpoint takes, not from memory: a test is to show the settings of this moment. `None` if it is gone.
    pub(crate) async fn target_now(
        &self,
        project: ProjectId,
        id: EndpointId,
        now: Timestamp,
    ) -> Result<Option<Arc<Target>>, SendError> {
        self.read(project, id, now).await
    }

    async fn read(&self, project: ProjectId, id: EndpointId, now: Timestamp) -> Result<Option<Arc<Target>>, SendError> {
        let Some(endpoint) = self.settings.endpoint(project, id).await? else { return Ok(None) };
        let keys = self.keys(&endpoint, now).await?;
        let ring = self.key_ring.ring_to_open(endpoint.sealed().chain(keys.sealed())).await?;
        let opened = Opened::of(&endpoint, &keys, &ring)?;
        Ok(Some(Arc::new(Target { state: endpoint.state, url: endpoint.url.as_url().clone(), opened })))
    }

    /// The keys of the project that the endpoint makes use of; most make use of none, and cost no further read.
    /// The `secretKey` is the one whose turn it is now: when it changes, this may be noticed half a minute later.
    async fn keys(&self, endpoint: &Endpoint, now: Timestamp) -> Result<ProjectKeys, SendError> {
        let mut keys = ProjectKeys::default();
        if endpoint.encryption != Encryption::None {
            let secret_keys = self.settings.return_url_keys_now(endpoint.project_id).await?;
            keys.secret_key = secret_keys.current_at(now).cloned();
        }
        if endpoint.signatures.contain(SignatureScheme::V1a) {
            keys.key_pairs = self.settings.key_pairs(endpoint.project_id).await?;
        }
        Ok(keys)
    }
}
