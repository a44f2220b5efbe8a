//! The health of endpoints: read with a batch, cached for 30 s, and written when a response changes it.
//!
//! Health decides whether to send, never the result of an attempt. If writing it fails, the failure is logged and the attempt
//! is still recorded.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{HealthStore, StoreError, StoredHealth, WriteOutcome};
use domain::foundation::cache::Cache;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::endpoint::EndpointState;
use domain::webhooks::health::{Gate, Health, HealthPolicy};
use futures::future::try_join_all;
use tokio::sync::Mutex;
use tracing::{info, warn};

/// Maximum age of the cached health of an endpoint.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Maximum number of endpoints in the cache.
const MAX_ENDPOINTS: usize = 10_000;

/// Minimum time between two writes of `last_held_at` of an endpoint. It saves a write for each held delivery.
const MIN_HOLD_INTERVAL: Duration = Duration::from_secs(30);

/// The health of one endpoint, shared by all deliveries to it.
pub(crate) type SharedHealth = Arc<Mutex<StoredHealth>>;

/// Loads, caches and writes the health of endpoints.
pub(crate) struct HealthCache {
    store: HealthStore,
    policy: HealthPolicy,
    cache: Cache<EndpointId, SharedHealth>,
    /// Counts of health changes since the last call of [`Self::take_measured`].
    measured: SyncMutex<Measured>,
}

impl HealthCache {
    pub(crate) fn new(store: HealthStore, policy: HealthPolicy) -> Self {
        Self { store, policy, cache: Cache::new(MAX_AGE, MAX_ENDPOINTS), measured: SyncMutex::default() }
    }

    /// Returns how many breakers opened and how many endpoints were disabled since the last call.
    pub(crate) fn take_measured(&self) -> Measured {
        mem::take(&mut *self.measured.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the health of each endpoint, from the cache or the store.
    pub(crate) async fn load(
        &self,
        endpoints: HashSet<(ProjectId, EndpointId)>,
        now: Timestamp,
    ) -> Result<HashMap<EndpointId, SharedHealth>, StoreError> {
        let cached = |(_, id): &(ProjectId, EndpointId)| Some((*id, self.cache.get(id, now)?));
        let mut loaded: HashMap<EndpointId, SharedHealth> = endpoints.iter().filter_map(cached).collect();
        let missing = endpoints.iter().filter(|(_, id)| !loaded.contains_key(id));
        let reads = missing.map(|(project, id)| self.store.get(*project, *id));
        for stored in try_join_all(reads).await? {
            let id = stored.health.endpoint_id;
            let health = Arc::new(Mutex::new(stored));
            self.cache.insert(id, Arc::clone(&health), now);
            loaded.insert(id, health);
        }
        Ok(loaded)
    }

    /// Claims the breaker's single probe for the caller's attempt and returns [`Gate::Probe`]. If another sender claimed it
    /// first, returns what the caller may do instead.
    pub(crate) async fn begin_probe(
        &self,
        health: &SharedHealth,
        desired_state: EndpointState,
        now: Timestamp,
    ) -> Result<Gate, StoreError> {
        let mut stored = health.lock().await;
        let (changed, written) = self
            .store
            .change(stored.clone(), |stored| {
                let is_free = stored.health.gate(desired_state, now) == Gate::Probe;
                is_free.then(|| stored.next(stored.health.clone().probing(now), stored.sweep_at))
            })
            .await?;
        *stored = changed;
        Ok(if written == WriteOutcome::Applied { Gate::Probe } else { stored.health.gate(desired_state, now) })
    }

    /// Applies an attempt to the endpoint's health. Returns until when the breaker is open, if it is.
    pub(crate) async fn record_attempt(
        &self,
        health: &SharedHealth,
        attempt: &Attempt,
        retry_after: Option<Duration>,
    ) -> Option<Timestamp> {
        let mut stored = health.lock().await;
        let changes_nothing = attempt.succeeded() && stored.health.is_clean();
        if !changes_nothing && let Err(error) = self.apply(&mut stored, attempt, retry_after).await {
            let id = stored.health.endpoint_id;
            warn!(endpoint.id = %id, cause = telemetry::chain(&error), "health of endpoint {id} could not be written");
        }
        stored.health.pause.map(|pause| pause.until)
    }

    async fn apply(
        &self,
        stored: &mut StoredHealth,
        attempt: &Attempt,
        retry_after: Option<Duration>,
    ) -> Result<(), StoreError> {
        let before = stored.health.clone();
        let next = |stored: &StoredHealth| {
            let health = stored.health.clone().after(attempt, retry_after, &self.policy);
            // The sweep drains held deliveries after the breaker closes, and queues notices for mailing.
            let needs_sweep = (stored.health.pause.is_some() && health.pause.is_none()) || !health.notices.is_empty();
            let sweep_at = if needs_sweep { Some(attempt.ended_at()) } else { stored.sweep_at };
            (health != stored.health).then(|| stored.next(health, sweep_at))
        };
        (*stored, _) = self.store.change(stored.clone(), next).await?;
        log_change(&before, &stored.health);
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).extend([measure_change(&before, &stored.health)]);
        Ok(())
    }

    /// Records that a delivery is held, and schedules the sweep's next check of the endpoint.
    pub(crate) async fn record_hold(
        &self,
        health: &SharedHealth,
        desired_state: EndpointState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut stored = health.lock().await;
        let next = |stored: &StoredHealth| {
            let is_recent = stored.health.last_held_at.is_some_and(|held_at| now.since(held_at) < MIN_HOLD_INTERVAL);
            if is_recent && stored.sweep_at.is_some() {
                return None;
            }
            let health = stored.health.clone().holding(now);
            // The cached `desired_state` may be 30 s old. An early check does no harm: the sweep reads the current state.
            let check_at = health.next_check(desired_state, now, true).unwrap_or(now);
            let sweep_at = stored.sweep_at.map_or(check_at, |planned| planned.min(check_at));
            Some(stored.next(health, Some(sweep_at)))
        };
        (*stored, _) = self.store.change(stored.clone(), next).await?;
        Ok(())
    }
}

fn measure_change(before: &Health, after: &Health) -> Measured {
    let mut measured = Measured::default();
    measured.add(Metric::EndpointsPaused, (before.pause.is_none() && after.pause.is_some()).into());
    measured.add(Metric::EndpointsDisabled, (before.disabled.is_none() && after.disabled.is_some()).into());
    measured
}

fn log_change(before: &Health, after: &Health) {
    let id = after.endpoint_id;
    match (before.pause, after.pause) {
        (None, Some(pause)) => {
            let reason = pause.reason.as_str();
            warn!(endpoint.id = %id, reason, until = %pause.until, "breaker of endpoint {id} opened: its receiver is {reason}");
        }
        (Some(_), None) => info!(endpoint.id = %id, "breaker of endpoint {id} closed"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if let (None, Some(disabled)) = (before.disabled, after.disabled) {
        warn!(endpoint.id = %id, reason = ?disabled.reason, "endpoint {id} is disabled");
    }
}
