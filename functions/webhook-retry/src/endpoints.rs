//! Endpoints that deliveries are held for: released gently when webhooks may be sent again, one as a probe when a pause ends.
//! And what is to be told about them.

use std::time::Duration;

use futures::future::join_all;
use shared::aws::queue::Message;
use shared::aws::store::{DueEndpoint, Held, StoredHealth, Written};
use shared::delivery::{self, SWEEP_AHEAD};
use shared::endpoint::EndpointState;
use shared::health::{Drain, Health};
use shared::time::Timestamp;
use tracing::info;

use crate::{LEASE, SweepError, Sweeper};

/// How many deliveries are released side by side.
const SIDE_BY_SIDE: usize = 50;

/// How many deliveries of an endpoint that is gone are released in a minute, to be cancelled by the sender.
const CANCELLED_A_MINUTE: u32 = 3000;

/// What a look at an endpoint found.
struct Found {
    /// What the customer wishes; `None` if the endpoint is gone.
    wish: Option<EndpointState>,
    /// Whether more deliveries are held than were released.
    has_more: bool,
    /// How many were released.
    released: usize,
    /// Whether those were as many as the pace allows.
    was_full: bool,
}

impl Sweeper {
    /// Looks after endpoints, one after the other, the others too if one fails; answers how many deliveries were released.
    pub(crate) async fn look_after_all(
        &self,
        due: &[DueEndpoint],
        horizon: Timestamp,
        last_start: Timestamp,
    ) -> Result<usize, SweepError> {
        let (mut released, mut failed) = (0, None);
        for due in due {
            if self.clock.now() >= last_start {
                break;
            }
            match self.look_after(due, horizon).await {
                Ok(count) => released += count,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(released), Err)
    }

    /// Releases what may be sent, and plans the next look; answers how many deliveries were released.
    async fn look_after(&self, due: &DueEndpoint, horizon: Timestamp) -> Result<usize, SweepError> {
        let now = self.clock.now();
        let stored = self.activity.health_now(due.project_id, due.endpoint_id).await?;
        let leased = stored.next(stored.health.clone(), Some(now.plus(LEASE)));
        let is_due = stored.sweep_at.is_some_and(|sweep_at| sweep_at <= horizon);
        if !is_due || self.activity.put_health(&leased).await? == Written::Before {
            return Ok(0);
        }
        let wish = self.settings.endpoint(due.project_id, due.endpoint_id).await?.map(|endpoint| endpoint.state);
        let drain = drain(&leased.health, wish, now);
        let at_most = drain.map_or(0, |drain| drain.at_most as usize);
        let mut held = self.activity.held_for(due.endpoint_id, at_most + 1).await?;
        let has_more = held.len() > at_most;
        held.truncate(at_most);
        let released = match drain {
            Some(drain) => self.release(held, drain, now).await?,
            None => 0,
        };
        if wish.is_some() {
            self.hand_over_notices(&leased.health).await?;
        }
        let was_full = has_more && at_most > 1;
        self.plan_next(leased, &Found { wish, has_more, released, was_full }, now).await?;
        if released > 0 {
            let id = due.endpoint_id;
            info!(endpoint.id = %id, released, "{released} deliveries to endpoint {id} were released");
        }
        Ok(released)
    }

    /// Releases deliveries, their attempts spread over the minute from `drain.from` on.
    async fn release(&self, held: Vec<Held>, drain: Drain, now: Timestamp) -> Result<usize, SweepError> {
        let step = Duration::from_mins(1) / drain.at_most.max(1);
        let attempts: Vec<(Held, Timestamp)> =
            held.into_iter().zip(0_u32..).map(|(held, index)| (held, drain.from.plus(step * index))).collect();
        let mut released = 0;
        for some in attempts.chunks(SIDE_BY_SIDE) {
            let claims = join_all(some.iter().map(|(held, at)| self.release_one(held, *at, now))).await;
            released += self.send_claimed(claims).await?;
        }
        Ok(released)
    }

    async fn release_one(&self, held: &Held, at: Timestamp, now: Timestamp) -> Result<Option<Message>, SweepError> {
        let reminder = delivery::remind(at, now);
        let written = self.activity.release(held, at, reminder.sweep_at).await?;
        let delay = reminder.message_delay.filter(|_| written == Written::Now);
        delay.map(|delay| Message::to_send(held.nudge(), delay)).transpose().map_err(SweepError::Queue)
    }

    /// Writes when the endpoint is to be looked after next, and what was told. What others noted and planned meanwhile is kept. An
    /// endpoint that is gone is forgotten when nothing was left to release: until then senders may not know that it is, and hold
    /// what was released.
    async fn plan_next(&self, leased: StoredHealth, found: &Found, now: Timestamp) -> Result<(), SweepError> {
        let in_a_minute = now.plus(Duration::from_mins(1));
        let look = |health: &Health| match found.wish {
            Some(wish) => health.next_look(wish, now, found.has_more),
            None => (found.has_more || found.released > 0 || health.is_settling(now)).then_some(in_a_minute),
        };
        if found.wish.is_none() && look(&leased.health).is_none() {
            self.activity.delete_health(&leased).await?;
            return Ok(());
        }
        let leased_until = leased.sweep_at;
        let told = leased.health.notices.clone();
        let next = |stored: &StoredHealth| {
            let health = stored.health.clone().told(&told);
            let health = if found.was_full { health.faster() } else { health };
            let planned = stored.sweep_at.filter(|_| stored.sweep_at != leased_until);
            let look = look(&health).into_iter().chain(planned).min();
            Some(stored.next(health, look))
        };
        self.activity.change_health(leased, next).await?;
        Ok(())
    }
}

/// What may be released. Deliveries to an endpoint that is gone are, to be cancelled.
fn drain(health: &Health, wish: Option<EndpointState>, now: Timestamp) -> Option<Drain> {
    match wish {
        Some(wish) => health.drain(wish, now, now.plus(SWEEP_AHEAD)),
        None => Some(Drain { at_most: CANCELLED_A_MINUTE, from: now }),
    }
}
