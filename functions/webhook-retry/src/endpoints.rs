//! Endpoints with held deliveries or pending notices.
//!
//! Once the endpoint accepts webhooks, held deliveries are released at a pace that adapts each minute. When the pause of an
//! open breaker ends, one of them is released as the probe.

use std::time::Duration;

use aws::ServiceError;
use aws::queue::Message;
use aws::store::{DueEndpoint, Held, StoreError, StoredHealth, WriteOutcome};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{self, SWEEP_AHEAD};
use domain::webhooks::endpoint::{Endpoint, Pace, SendingState};
use domain::webhooks::health::{Drain, Health};
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use tracing::info;

use crate::first_error::FirstError;
use crate::sweeper::{LEASE, Sweeper, claimed};

/// Maximum number of deliveries released concurrently.
const MAX_CONCURRENT_RELEASES: usize = 50;

/// Maximum number of endpoints checked concurrently, so that one with many held deliveries does not delay the others.
const MAX_CONCURRENT_CHECKS: usize = 4;

/// Maximum number of deliveries to a deleted endpoint released per minute. The sender cancels them.
const MAX_CANCELLED_PER_MINUTE: u32 = 3000;

/// The settings of an endpoint that its check needs.
#[derive(Clone, Copy)]
struct Settings {
    /// Whether the settings permit webhooks.
    sending_state: SendingState,
    /// Maximum number of webhooks per minute.
    pace: Option<Pace>,
}

/// Result of checking an endpoint.
struct Checked {
    /// The settings; `None` if the endpoint was deleted.
    settings: Option<Settings>,
    /// Whether deliveries are still on hold.
    has_more: bool,
    /// Number of deliveries released.
    released: usize,
    /// Whether the pace of the drain limited the release, so that the next one may be faster.
    was_full: bool,
}

impl Settings {
    fn of(endpoint: &Endpoint) -> Self {
        Self { sending_state: endpoint.sending_state(), pace: endpoint.effective_pace() }
    }
}

impl Sweeper {
    /// Checks endpoints until `last_start`, and returns the number of deliveries released. A failure does not stop the checks of
    /// the other endpoints.
    pub(crate) async fn check_endpoints(
        &self,
        due: &[DueEndpoint],
        horizon: Timestamp,
        last_start: Timestamp,
    ) -> Result<usize, ServiceError> {
        let checks = stream::iter(due).map(|due| async move {
            match self.check_endpoint(due, horizon, last_start).await {
                Err(ServiceError::Store(StoreError::Row(_))) => self.set_aside(&due.key()).await.map(|()| 0),
                checked => checked,
            }
        });
        let mut checks = checks.buffer_unordered(MAX_CONCURRENT_CHECKS);
        let (mut released, mut failed) = (0, FirstError::default());
        while let Some(checked) = checks.next().await {
            released += failed.or_default(checked);
        }
        failed.or(released)
    }

    /// Releases deliveries that may be sent, queues notices, and schedules the next check. Returns the number of deliveries
    /// released; zero if another run has the endpoint, or if it is too late to start.
    async fn check_endpoint(
        &self,
        due: &DueEndpoint,
        horizon: Timestamp,
        last_start: Timestamp,
    ) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        if now >= last_start {
            return Ok(0);
        }
        let Some(leased) = self.lease_endpoint(due, horizon, now).await? else { return Ok(0) };
        let endpoint = self.store.endpoints.get(due.project_id, due.endpoint_id).await?;
        let settings = endpoint.as_ref().map(Settings::of);
        let checked = self.release_held(&leased.health, settings, now, last_start).await?;
        if settings.is_some() {
            self.queue_notices(&leased.health).await?;
        }
        self.schedule_next_check(leased, &checked, now).await?;
        let released = checked.released;
        if released > 0 {
            let id = due.endpoint_id;
            info!(endpoint.id = %id, released, "{released} held deliveries to endpoint {id} were released");
        }
        Ok(released)
    }

    /// Leases an endpoint for this run; `None` if it is no longer due, or if another run has it.
    async fn lease_endpoint(
        &self,
        due: &DueEndpoint,
        horizon: Timestamp,
        now: Timestamp,
    ) -> Result<Option<StoredHealth>, ServiceError> {
        let stored = self.store.health.get_now(due.project_id, due.endpoint_id).await?;
        if stored.sweep_at.is_none_or(|sweep_at| sweep_at > horizon) {
            return Ok(None);
        }
        // The write is conditional, so that only one of several concurrent runs gets the lease.
        let leased = stored.next(stored.health.clone(), Some(now.plus(LEASE)));
        let written = self.store.health.put(&leased).await?;
        Ok((written == WriteOutcome::Applied).then_some(leased))
    }

    /// Releases as many of the endpoint's held deliveries as may be sent, until `last_start`.
    async fn release_held(
        &self,
        health: &Health,
        settings: Option<Settings>,
        now: Timestamp,
        last_start: Timestamp,
    ) -> Result<Checked, ServiceError> {
        let drain = drain(health, settings, now);
        let limit = drain.map_or(0, |drain| drain.limit as usize);
        // One more than the limit shows whether deliveries stay on hold.
        let (mut held, unreadable) = self.store.deliveries.held_for(health.endpoint_id, limit + 1).await?;
        let has_more = held.len() + unreadable.len() > limit;
        self.set_held_aside(&unreadable).await?;
        held.truncate(limit);
        let (released, is_complete) = match drain {
            Some(drain) => self.release(held, drain, now, last_start).await?,
            None => (0, true),
        };
        let was_full = has_more && is_complete && drain.is_some_and(|drain| drain.limit == health.pace);
        Ok(Checked { settings, has_more: has_more || !is_complete, released, was_full })
    }

    /// Releases deliveries with their attempts spread over one minute from `drain.from` on, until `last_start`. Returns the
    /// number released, and whether there was time for all.
    async fn release(
        &self,
        held: Vec<Held>,
        drain: Drain,
        now: Timestamp,
        last_start: Timestamp,
    ) -> Result<(usize, bool), ServiceError> {
        let attempts: Vec<(Held, Timestamp)> = held.into_iter().zip(drain.send_times()).collect();
        let mut released = 0;
        for chunk in attempts.chunks(MAX_CONCURRENT_RELEASES) {
            if self.clock.now() >= last_start {
                return Ok((released, false));
            }
            let claims = join_all(chunk.iter().map(|(held, at)| self.release_one(held, *at, now))).await;
            let mut failed = FirstError::default();
            let sent = self.send_claimed(claims, &mut failed).await;
            released += failed.or(sent)?;
        }
        Ok((released, true))
    }

    async fn release_one(&self, held: &Held, at: Timestamp, now: Timestamp) -> Result<Option<Message>, ServiceError> {
        let reminder = delivery::remind(at, now);
        let written = self.store.deliveries.release(held, at, reminder.sweep_at).await?;
        claimed(held.task(), reminder, written)
    }

    /// Schedules the next check and removes the notices that were queued. Keeps changes that others made to the health during
    /// this check, and a check that they scheduled earlier.
    ///
    /// The health of a deleted endpoint is deleted once a check finds nothing to release. Until then a sender with cached
    /// settings may put a released delivery on hold again.
    async fn schedule_next_check(
        &self,
        leased: StoredHealth,
        checked: &Checked,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let in_a_minute = now.plus(Duration::from_mins(1));
        let next_check = |health: &Health| match checked.settings {
            Some(settings) => health.next_check(settings.sending_state, now, checked.has_more),
            None => (checked.has_more || checked.released > 0 || health.is_settling(now)).then_some(in_a_minute),
        };
        if checked.settings.is_none() && next_check(&leased.health).is_none() {
            self.store.health.delete(&leased).await?;
            return Ok(());
        }
        let leased_until = leased.sweep_at;
        let queued_notices = leased.health.notices.clone();
        let next = |stored: &StoredHealth| {
            let health = stored.health.clone().with_notices_sent(&queued_notices);
            let health = if checked.released > 0 { health.with_next_pace(checked.was_full, now) } else { health };
            // A time other than the end of our lease was scheduled by an attempt or a settings change during this check.
            let scheduled_by_others = stored.sweep_at.filter(|_| stored.sweep_at != leased_until);
            let next_check = next_check(&health).into_iter().chain(scheduled_by_others).min();
            Some(stored.next(health, next_check))
        };
        self.store.health.change(leased, next).await?;
        Ok(())
    }
}

/// Deliveries that may be released, or `None` if all must stay on hold. Deliveries to a deleted endpoint are released so that the
/// sender cancels them.
fn drain(health: &Health, settings: Option<Settings>, now: Timestamp) -> Option<Drain> {
    match settings {
        Some(Settings { sending_state, pace }) => {
            health.drain(sending_state, now, now.plus(SWEEP_AHEAD)).map(|drain| drain.at_pace(pace))
        }
        None => Some(Drain { limit: MAX_CANCELLED_PER_MINUTE, from: now }),
    }
}
