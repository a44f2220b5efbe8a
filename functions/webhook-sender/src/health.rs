//! The health of endpoints: read with a batch, kept for half a minute, written when an answer changes it.
//!
//! Health decides whether more is sent; it never decides what became of an attempt. So a write that fails is logged, and
//! the attempt is recorded all the same.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use shared::aws::store::{Activity, StoreError, StoredHealth, Written};
use shared::delivery::Attempt;
use shared::endpoint::EndpointState;
use shared::health::{Gate, Health, HealthPolicy};
use shared::id::{EndpointId, ProjectId};
use shared::metric::{Measured, Metric};
use shared::telemetry;
use shared::time::Timestamp;
use tokio::sync::Mutex;
use tracing::{info, warn};

/// How old health may be when it is used.
const FRESH: Duration = Duration::from_secs(30);

/// For how long one note that a delivery is held serves for others.
const HOLD_NOTED: Duration = Duration::from_secs(30);

/// What is known of an endpoint's receiver, to all deliveries that go there.
pub(crate) type Known = Arc<Mutex<StoredHealth>>;

/// The health of the endpoints that were sent to of late.
pub(crate) struct HealthBook {
    activity: Activity,
    policy: HealthPolicy,
    kept: Mutex<HashMap<EndpointId, (Timestamp, Known)>>,
    /// What changed since it was last asked for.
    measured: Lock<Measured>,
}

impl HealthBook {
    pub(crate) fn new(activity: Activity, policy: HealthPolicy) -> Self {
        Self { activity, policy, kept: Mutex::default(), measured: Lock::default() }
    }

    /// How many endpoints were paused and disabled since this was last asked.
    pub(crate) fn take_measured(&self) -> Measured {
        mem::take(&mut *self.measured.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The health of each endpoint.
    pub(crate) async fn known(
        &self,
        endpoints: HashSet<(ProjectId, EndpointId)>,
        now: Timestamp,
    ) -> Result<HashMap<EndpointId, Known>, StoreError> {
        let mut kept = self.kept.lock().await;
        kept.retain(|_, (read_at, _)| now.since(*read_at) < FRESH);
        let missing = endpoints.iter().filter(|(_, endpoint)| !kept.contains_key(endpoint));
        let read = missing.map(|(project, endpoint)| self.activity.health(*project, *endpoint));
        for stored in try_join_all(read).await? {
            kept.insert(stored.health.endpoint_id, (now, Arc::new(Mutex::new(stored))));
        }
        Ok(endpoints.iter().map(|(_, endpoint)| (*endpoint, Arc::clone(&kept[endpoint].1))).collect())
    }

    /// Makes the caller's attempt the one probe of a receiver that is left alone; answers what the caller may do instead if
    /// another came first.
    pub(crate) async fn begin_probe(
        &self,
        known: &Known,
        wish: EndpointState,
        now: Timestamp,
    ) -> Result<Gate, StoreError> {
        let mut stored = known.lock().await;
        let (changed, written) = self
            .activity
            .change_health(stored.clone(), |stored| {
                let is_free = stored.health.gate(wish, now) == Gate::Probe;
                is_free.then(|| stored.next(stored.health.clone().probing(now), stored.sweep_at))
            })
            .await?;
        *stored = changed;
        Ok(if written == Written::Now { Gate::Probe } else { stored.health.gate(wish, now) })
    }

    /// Notes what an attempt says about the receiver; answers until when it is to be left alone, if it is.
    pub(crate) async fn note(
        &self,
        known: &Known,
        attempt: &Attempt,
        retry_after: Option<Duration>,
    ) -> Option<Timestamp> {
        let mut stored = known.lock().await;
        if !(attempt.succeeded() && stored.health.is_clean())
            && let Err(error) = self.change(&mut stored, attempt, retry_after).await
        {
            let id = stored.health.endpoint_id;
            warn!(endpoint.id = %id, cause = telemetry::chain(&error), "health of endpoint {id} is not noted");
        }
        stored.health.pause.map(|pause| pause.until)
    }

    async fn change(
        &self,
        stored: &mut StoredHealth,
        attempt: &Attempt,
        retry_after: Option<Duration>,
    ) -> Result<(), StoreError> {
        let before = stored.health.clone();
        let next = |stored: &StoredHealth| {
            let health = stored.health.clone().after(attempt, retry_after, &self.policy);
            // There is something to drain, or to tell: the sweep does both.
            let calls_sweep = (stored.health.pause.is_some() && health.pause.is_none()) || !health.notices.is_empty();
            let sweep_at = if calls_sweep { Some(attempt.ended_at()) } else { stored.sweep_at };
            (health != stored.health).then(|| stored.next(health, sweep_at))
        };
        (*stored, _) = self.activity.change_health(stored.clone(), next).await?;
        log_change(&before, &stored.health);
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).extend([measure_change(&before, &stored.health)]);
        Ok(())
    }

    /// Sees to it that the endpoint is looked after, now that a delivery is held for it.
    pub(crate) async fn note_held(&self, known: &Known, wish: EndpointState, now: Timestamp) -> Result<(), StoreError> {
        let mut stored = known.lock().await;
        let next = |stored: &StoredHealth| {
            let is_noted = stored.health.last_held_at.is_some_and(|held_at| now.since(held_at) < HOLD_NOTED);
            if is_noted && stored.sweep_at.is_some() {
                return None;
            }
            let health = stored.health.clone().holding(now);
            // What we know of pausing may be half a minute old: the sweep looks at the setting as it is.
            let look = health.next_look(wish, now, true).unwrap_or(now);
            let sweep_at = stored.sweep_at.map_or(look, |planned| planned.min(look));
            Some(stored.next(health, Some(sweep_at)))
        };
        (*stored, _) = self.activity.change_health(stored.clone(), next).await?;
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
            let because = pause.because.as_str();
            warn!(endpoint.id = %id, because, until = %pause.until, "endpoint {id} is left alone: its receiver is {because}");
        }
        (Some(_), None) => info!(endpoint.id = %id, "endpoint {id} takes webhooks again"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if let (None, Some(disabled)) = (before.disabled, after.disabled) {
        warn!(endpoint.id = %id, because = ?disabled.because, "endpoint {id} is disabled");
    }
}
