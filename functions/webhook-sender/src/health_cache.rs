//! The health of endpoints: read with a batch, cached for 30 s, and written after the attempts that changed it were recorded.
//!
//! A decision, such as that a breaker opens, is written at once. Other changes are written at the end of the batch, together
//! for all its attempts and at most every 10 s, so that an endpoint that fails often at a high rate costs few writes.
//!
//! Health decides whether to send, never the result of an attempt. If writing it fails, the failure is logged, and the change is
//! written later.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::{HealthStore, StoreError, StoredHealth, WriteOutcome};
use domain::foundation::cache::Cache;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::endpoint::SendingState;
use domain::webhooks::health::{Gate, Health, HealthPolicy, Lane};
use futures::future::join_all;
use tracing::{info, warn};

use crate::endpoint_health::EndpointHealth;

/// Maximum age of the cached health of an endpoint.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Time after which an endpoint without messages is forgotten. Until then its recent successes are remembered.
const FORGET_AFTER: Duration = Duration::from_mins(5);

/// Maximum number of endpoints in the cache.
const MAX_ENDPOINTS: usize = 10_000;

/// Minimum time between two writes of `last_held_at` of an endpoint. It saves a write for each held delivery.
const MIN_HOLD_INTERVAL: Duration = Duration::from_secs(30);

/// Minimum time between two signs of life of an endpoint that are written.
const SIGN_OF_LIFE_INTERVAL: Duration = Duration::from_mins(10);

/// The health of one endpoint, shared by all deliveries to it.
pub(crate) type SharedHealth = Arc<EndpointHealth>;

/// The health of one endpoint, or why it could not be read.
pub(crate) type LoadedHealth = Result<SharedHealth, Arc<StoreError>>;

/// Loads, caches and writes the health of endpoints.
pub(crate) struct HealthCache {
    store: HealthStore,
    policy: HealthPolicy,
    cache: Cache<EndpointId, SharedHealth>,
    /// Endpoints with a change that is not written yet.
    changed: Mutex<HashMap<EndpointId, SharedHealth>>,
    /// Counts of health changes since the last call of [`Self::take_measured`].
    measured: Mutex<Measured>,
}

impl HealthCache {
    pub(crate) fn new(store: HealthStore, policy: HealthPolicy) -> Self {
        let cache = Cache::new(FORGET_AFTER, MAX_ENDPOINTS);
        Self { store, policy, cache, changed: Mutex::default(), measured: Mutex::default() }
    }

    /// Returns how many breakers opened and how many endpoints were disabled since the last call.
    pub(crate) fn take_measured(&self) -> Measured {
        mem::take(&mut *lock(&self.measured))
    }

    /// Returns the health of each endpoint, from the cache or the store.
    pub(crate) async fn load(
        &self,
        endpoints: HashSet<(ProjectId, EndpointId)>,
        now: Timestamp,
    ) -> HashMap<EndpointId, LoadedHealth> {
        let loads =
            endpoints.into_iter().map(|(project, id)| async move { (id, self.load_one(project, id, now).await) });
        join_all(loads).await.into_iter().collect()
    }

    async fn load_one(&self, project: ProjectId, id: EndpointId, now: Timestamp) -> LoadedHealth {
        let known = self.cache.get(&id, now);
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(now, MAX_AGE)) {
            return Ok(Arc::clone(known));
        }
        let row = self.store.get(project, id).await?;
        let health = match known {
            Some(known) => {
                known.set_row(row, now, &self.policy);
                known
            }
            None => Arc::new(EndpointHealth::new(row, now)),
        };
        self.cache.insert(id, Arc::clone(&health), now);
        Ok(health)
    }

    /// Claims the breaker's single probe for the caller's attempt and returns [`Gate::Probe`]. If another sender claimed it
    /// first, returns what the caller may do instead.
    pub(crate) async fn begin_probe(
        &self,
        health: &SharedHealth,
        sending_state: SendingState,
        now: Timestamp,
    ) -> Result<Gate, StoreError> {
        let claim = |health: Health| (health.gate(sending_state, now) == Gate::Probe).then(|| health.probing(now));
        let _writing = health.lock_writes().await;
        let written = self.write(health, now, |_, health| claim(health)).await?;
        Ok(if written == WriteOutcome::Applied { Gate::Probe } else { health.health().gate(sending_state, now) })
    }

    /// Applies an attempt to the endpoint's health in memory. Returns until when the breaker is open, if it is. The caller
    /// records the attempt, and then calls [`Self::write_decision`].
    pub(crate) fn note_attempt(
        &self,
        health: &SharedHealth,
        attempt: &Attempt,
        retry_after: Option<Duration>,
    ) -> Option<Timestamp> {
        health.note(attempt, retry_after, &self.policy);
        self.remember_change(health);
        health.health().pause.map(|pause| pause.until)
    }

    fn remember_change(&self, health: &SharedHealth) {
        if health.is_changed() {
            lock(&self.changed).insert(health.id(), Arc::clone(health));
        }
    }

    /// Writes the endpoint's health if an attempt led to a decision that other senders should know at once.
    pub(crate) async fn write_decision(&self, health: &SharedHealth, now: Timestamp) {
        if health.has_decision(now) {
            self.write_if_due(health, now).await;
        }
    }

    /// Writes all changes that are due: those of this batch, and those that were kept after an earlier one.
    pub(crate) async fn write_due(&self, now: Timestamp) {
        let changed: Vec<SharedHealth> = lock(&self.changed).values().cloned().collect();
        join_all(changed.iter().map(|health| self.write_if_due(health, now))).await;
        lock(&self.changed).retain(|_, health| health.is_changed());
    }

    async fn write_if_due(&self, health: &SharedHealth, now: Timestamp) {
        let _writing = health.lock_writes().await;
        // Another attempt may have written this one's change while it waited.
        let Some(due) = health.due_write(now) else { return };
        let was_stored = health.is_stored();
        let next = |stored: &StoredHealth, next: Health| {
            let is_deleted = was_stored && !stored.is_stored();
            (!is_deleted && due.is_worth(&stored.health, &next)).then_some(next)
        };
        log_failed_write(health, self.write(health, now, next).await);
    }

    /// Records that a request to the endpoint has been running for long, at once if this moves the endpoint to the slow lane.
    /// Returns the endpoint's lane.
    pub(crate) async fn record_slow_request(&self, health: &SharedHealth, now: Timestamp) -> Lane {
        health.note_slow_request(now);
        self.remember_change(health);
        self.write_decision(health, now).await;
        health.health().lane(now)
    }

    /// Records that a test or replay succeeded, if its endpoint is failing. This delays disabling the endpoint and changes
    /// nothing else.
    pub(crate) async fn record_sign_of_life(&self, health: &SharedHealth, attempt: &Attempt, now: Timestamp) {
        let is_news = |health: &Health| {
            let is_recent = health.alive_at.is_some_and(|alive_at| attempt.at.since(alive_at) < SIGN_OF_LIFE_INTERVAL);
            health.failing_since.is_some() && !is_recent
        };
        if !is_news(&health.health()) {
            return;
        }
        let revive = |stored: &StoredHealth, health: Health| {
            let alive = health.with_sign_of_life(attempt, &self.policy);
            (is_news(&stored.health) && alive != stored.health).then_some(alive)
        };
        let _writing = health.lock_writes().await;
        log_failed_write(health, self.write(health, now, revive).await);
    }

    /// Records that a delivery is held, and schedules the sweep's next check of the endpoint.
    pub(crate) async fn record_hold(
        &self,
        health: &SharedHealth,
        sending_state: SendingState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_known = |stored: &StoredHealth| {
            let is_recent = stored.health.last_held_at.is_some_and(|held_at| now.since(held_at) < MIN_HOLD_INTERVAL);
            is_recent && stored.sweep_at.is_some()
        };
        let _writing = health.lock_writes().await;
        self.write_row(health, now, |stored, health| {
            if is_known(stored) {
                return None;
            }
            let health = health.holding(now);
            // The cached `sending_state` may be 30 s old. An early check does no harm: the sweep reads the current state.
            let check_at = health.next_check(sending_state, now, true).unwrap_or(now);
            let planned = sweep_at(stored, &health, now);
            Some(stored.next(health, Some(planned.map_or(check_at, |planned| planned.min(check_at)))))
        })
        .await?;
        Ok(())
    }

    /// Writes what `change` makes of the stored health with this sender's attempts applied, unless it returns `None`. The
    /// caller holds the lock of [`EndpointHealth::lock_writes`].
    async fn write(
        &self,
        health: &EndpointHealth,
        now: Timestamp,
        change: impl Fn(&StoredHealth, Health) -> Option<Health>,
    ) -> Result<WriteOutcome, StoreError> {
        let change = |stored: &StoredHealth, health: Health| {
            let next = change(stored, health)?;
            let sweep_at = sweep_at(stored, &next, now);
            Some(stored.next(next, sweep_at))
        };
        self.write_row(health, now, change).await
    }

    async fn write_row(
        &self,
        health: &EndpointHealth,
        now: Timestamp,
        change: impl Fn(&StoredHealth, Health) -> Option<StoredHealth>,
    ) -> Result<WriteOutcome, StoreError> {
        let (row, unwritten) = health.start_write();
        // The stored version that the last call of `change` got, which is the one that was replaced.
        let before = Mutex::new(row.health.clone());
        let written = self
            .store
            .change(row, |stored| {
                lock(&before).clone_from(&stored.health);
                change(stored, unwritten.applied_to(stored.health.clone(), &self.policy))
            })
            .await;
        match written {
            Ok((row, WriteOutcome::Applied)) => {
                self.report_change(&lock(&before), &row.health);
                health.finish_write(row, now, &self.policy);
                Ok(WriteOutcome::Applied)
            }
            Ok((row, WriteOutcome::Conflict)) => {
                health.skip_write(unwritten, row, now, &self.policy);
                Ok(WriteOutcome::Conflict)
            }
            Err(error) => {
                health.fail_write(unwritten, now, &self.policy);
                Err(error)
            }
        }
    }

    fn report_change(&self, before: &Health, after: &Health) {
        log_change(before, after);
        lock(&self.measured).extend([measure_change(before, after)]);
    }
}

/// When the sweep checks the endpoint. It drains held deliveries after the breaker closed, and queues notices for mailing.
fn sweep_at(stored: &StoredHealth, next: &Health, now: Timestamp) -> Option<Timestamp> {
    let is_closed = stored.health.pause.is_some() && next.pause.is_none();
    if is_closed || !next.notices.is_empty() { Some(now) } else { stored.sweep_at }
}

fn log_failed_write(health: &EndpointHealth, written: Result<WriteOutcome, StoreError>) {
    if let Err(error) = written {
        let id = health.id();
        warn!(endpoint.id = %id, cause = telemetry::chain(&error), "health of endpoint {id} could not be written");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
