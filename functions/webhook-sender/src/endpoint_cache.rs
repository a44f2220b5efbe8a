//! The settings and decrypted secrets of endpoints, cached for 30 s.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws::ServiceError;
use aws::secrets::{KeyRingSecret, SecretError};
use aws::store::{EndpointStore, ReturnUrlStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::time::Timestamp;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::{Endpoint, OpenedOauth2, Pace, SendingState};
use domain::webhooks::request::{EndpointSecrets, OpenError, ProjectKeys};
use domain::webhooks::signature::SignatureScheme;
use futures::future::join_all;
use thiserror::Error;
use url::Url;

use crate::http::client_auth::ClientIdentity;
use crate::http::tls::Tls;

/// Maximum age of cached endpoint settings.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Maximum age of the TLS sessions of a client certificate.
const MAX_IDENTITY_AGE: Duration = Duration::from_hours(1);

/// Maximum number of endpoints in the cache.
const MAX_ENDPOINTS: usize = 10_000;

/// Maximum number of client certificates in the cache. The TLS sessions of each take up to 512 KiB, if its receiver has large tickets.
const MAX_IDENTITIES: usize = 250;

/// Where an endpoint's webhooks go, and the secrets to sign and encrypt them.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) id: EndpointId,
    /// Whether the settings permit webhooks.
    pub(crate) state: SendingState,
    pub(crate) url: Url,
    /// Whether the webhooks of a submission are sent one at a time.
    pub(crate) ordered: bool,
    /// Maximum number of webhooks per minute.
    pub(crate) pace: Option<Pace>,
    pub(crate) secrets: EndpointSecrets,
    /// The client certificate for receivers that ask for one.
    pub(crate) identity: Option<Arc<ClientIdentity>>,
    /// Client credentials for the receiver's token server.
    pub(crate) oauth2: Option<OpenedOauth2>,
}

/// The target of each delivery of a batch: `None` if its endpoint was deleted, an error if the endpoint could not be loaded.
/// Deliveries to the same endpoint share the error.
pub(crate) type Targets = HashMap<DeliveryId, LoadedTarget>;

type LoadedTarget = Result<Option<Arc<Target>>, Arc<EndpointError>>;

/// Why an endpoint could not be loaded.
#[derive(Debug, Error)]
pub(crate) enum EndpointError {
    #[error(transparent)]
    Service(ServiceError),
    #[error(transparent)]
    Secrets(#[from] OpenError),
    #[error("client certificate of the endpoint cannot be used")]
    ClientCertificate(#[source] rustls::Error),
}

aws::from_service_errors!(EndpointError: StoreError, SecretError);

impl EndpointError {
    /// The failure of the store, if that is the cause.
    pub(crate) fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Service(ServiceError::Store(error)) => Some(error),
            Self::Service(_) | Self::Secrets(_) | Self::ClientCertificate(_) => None,
        }
    }
}

/// Loads endpoints and caches them.
pub(crate) struct EndpointCache {
    endpoints: EndpointStore,
    return_urls: ReturnUrlStore,
    key_ring: KeyRingSecret,
    /// `None` for an endpoint that was deleted.
    cache: Cache<EndpointId, Option<Arc<Target>>>,
    tls: Arc<Tls>,
    /// Kept longer than the targets, so that an unchanged client certificate keeps its TLS sessions.
    identities: Cache<EndpointId, Arc<ClientIdentity>>,
}

impl EndpointCache {
    pub(crate) fn new(
        endpoints: EndpointStore,
        return_urls: ReturnUrlStore,
        key_ring: KeyRingSecret,
        tls: Arc<Tls>,
    ) -> Self {
        let cache = Cache::new(MAX_AGE, MAX_ENDPOINTS);
        let identities = Cache::new(MAX_IDENTITY_AGE, MAX_IDENTITIES);
        Self { endpoints, return_urls, key_ring, cache, tls, identities }
    }

    /// Returns the target of each delivery. Each endpoint is loaded once, however many deliveries go to it, and an endpoint that
    /// cannot be loaded fails only its own deliveries.
    pub(crate) async fn targets(&self, deliveries: &[(ProjectId, DeliveryId)], now: Timestamp) -> Targets {
        let mut targets: HashMap<EndpointId, LoadedTarget> = HashMap::new();
        let mut missing = HashMap::new();
        for (project, id) in deliveries {
            match self.cache.get(&id.endpoint, now) {
                Some(target) => drop(targets.insert(id.endpoint, Ok(target))),
                None => drop(missing.insert(id.endpoint, *project)),
            }
        }
        let loads = missing.into_iter().map(|(id, project)| async move { (id, self.load(project, id, now).await) });
        for (id, target) in join_all(loads).await {
            if let Ok(target) = &target {
                self.cache.insert(id, target.clone(), now);
            }
            targets.insert(id, target.map_err(Arc::new));
        }
        deliveries.iter().map(|(_, id)| (*id, targets[&id.endpoint].clone())).collect()
    }

    /// Reads whether the settings permit webhooks, without the cache; `None` if the endpoint was deleted.
    pub(crate) async fn state_now(
        &self,
        project: ProjectId,
        id: EndpointId,
    ) -> Result<Option<SendingState>, StoreError> {
        Ok(self.endpoints.get(project, id).await?.map(|endpoint| endpoint.sending_state()))
    }

    /// Loads a target without the cache, because a test must show the effect of settings that were changed a moment ago. `None`
    /// if the endpoint was deleted.
    pub(crate) async fn target_now(&self, project: ProjectId, id: EndpointId, now: Timestamp) -> LoadedTarget {
        self.load(project, id, now).await.map_err(Arc::new)
    }

    async fn load(
        &self,
        project: ProjectId,
        id: EndpointId,
        now: Timestamp,
    ) -> Result<Option<Arc<Target>>, EndpointError> {
        let Some(endpoint) = self.endpoints.get(project, id).await? else { return Ok(None) };
        let keys = self.project_keys(&endpoint, now).await?;
        let ring = self.key_ring.ring_to_open(endpoint.sealed().chain(keys.sealed())).await?;
        let secrets = EndpointSecrets::of(&endpoint, &keys, &ring)?;
        let (state, ordered, pace) = (endpoint.sending_state(), endpoint.ordered, endpoint.effective_pace());
        let (url, identity) = (endpoint.url.as_url().clone(), self.identity(&endpoint, &ring, now)?);
        let oauth2 = endpoint.oauth2.as_ref().map(|oauth2| oauth2.open(project, &ring)).transpose();
        let oauth2 = oauth2.map_err(OpenError::from)?;
        Ok(Some(Arc::new(Target { id, state, url, ordered, pace, secrets, identity, oauth2 })))
    }

    /// What shows the client certificate of an endpoint. It is made again only if the certificate has changed, because it keeps TLS
    /// sessions.
    fn identity(
        &self,
        endpoint: &Endpoint,
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Option<Arc<ClientIdentity>>, EndpointError> {
        let Some(certificate) = &endpoint.client_certificate else { return Ok(None) };
        let opened = certificate.open(endpoint.project_id, ring).map_err(OpenError::from)?;
        let known = self.identities.get(&endpoint.id, now);
        if let Some(identity) = known.filter(|identity| identity.shows(&opened.chain)) {
            return Ok(Some(identity));
        }
        let identity = Arc::new(self.tls.identity(opened).map_err(EndpointError::ClientCertificate)?);
        self.identities.insert(endpoint.id, Arc::clone(&identity), now);
        Ok(Some(identity))
    }

    /// Loads the project's keys that the endpoint uses. Most endpoints use none and cost no further read. The `secretKey` is
    /// the one that is current at `now`, so a rotation takes effect up to 30 s late.
    async fn project_keys(&self, endpoint: &Endpoint, now: Timestamp) -> Result<ProjectKeys, StoreError> {
        let mut keys = ProjectKeys::default();
        if endpoint.encryption != Encryption::None {
            let secret_keys = self.return_urls.keys_now(endpoint.project_id).await?;
            keys.secret_key = secret_keys.current_at(now).cloned();
        }
        if endpoint.signatures.contain(SignatureScheme::V1a) {
            keys.key_pairs = self.endpoints.key_pairs(endpoint.project_id).await?;
        }
        Ok(keys)
    }
}
