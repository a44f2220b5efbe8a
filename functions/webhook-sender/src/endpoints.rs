//! Where deliveries go: endpoint settings, opened, and kept for half a minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::Settings;
use shared::id::{DeliveryId, EndpointId, ProjectId};
use shared::time::Timestamp;
use shared::webhook::Opened;
use tokio::sync::Mutex;
use url::Url;

use crate::SendError;

/// How old settings may be when they are used.
const FRESH: Duration = Duration::from_secs(30);

/// What sending to an endpoint takes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) opened: Opened,
}

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

    /// Where each delivery goes; `None` where the endpoint is gone. Each endpoint is read once, however many want it.
    pub(crate) async fn targets(
        &self,
        deliveries: &[(ProjectId, DeliveryId)],
        now: Timestamp,
    ) -> Result<HashMap<DeliveryId, Option<Arc<Target>>>, SendError> {
        let mut kept = self.kept.lock().await;
        kept.retain(|_, kept| now.since(kept.read_at) < FRESH);
        let missing: HashMap<EndpointId, ProjectId> = deliveries
            .iter()
            .filter(|(_, id)| !kept.contains_key(&id.endpoint))
            .map(|(project, id)| (id.endpoint, *project))
            .collect();
        let read = missing.into_iter().map(|(endpoint, project)| async move {
            let target = self.read(project, endpoint).await?;
            Ok::<_, SendError>((endpoint, Kept { read_at: now, target }))
        });
        kept.extend(try_join_all(read).await?);
        let target = |id: &DeliveryId| kept.get(&id.endpoint).and_then(|kept| kept.target.clone());
        Ok(deliveries.iter().map(|(_, id)| (*id, target(id))).collect())
    }

    async fn read(&self, project: ProjectId, id: EndpointId) -> Result<Option<Arc<Target>>, SendError> {
        let Some(endpoint) = self.settings.endpoint(project, id).await? else { return Ok(None) };
        let opened = Opened::of(&endpoint, self.key_ring.ring().await?)?;
        Ok(Some(Arc::new(Target { url: endpoint.url.as_url().clone(), opened })))
    }
}
