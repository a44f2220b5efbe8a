//! One replay task: sends a finished delivery once more. A replay is never retried and does not change the endpoint's health.

use aws::store::WriteOutcome;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::delivery::{Delivery, ReplayOutcome, ReplayTask, Replayed, SkipReason};
use domain::webhooks::event::Event;
use domain::webhooks::replay::ReplayState;
use domain::webhooks::request::{self, WEBHOOK_REPLAY};
use http::HeaderValue;

use crate::endpoint_cache::Target;
use crate::outcome::{Outcome, SendError};
use crate::pace::ReplayTurn;
use crate::post::Webhook;
use crate::sender::{BatchContext, Sender};

impl Sender {
    pub(crate) async fn handle_replay(&self, task: ReplayTask, batch: &BatchContext) -> Result<Outcome, SendError> {
        let id = task.delivery_id;
        if batch.is_unreadable(id) {
            self.count_lost(&task).await?;
            return self.set_aside(task.project_id, id).await;
        }
        let Some(delivery) = self.delivery_to_replay(&task, batch).await? else {
            return self.count_lost(&task).await;
        };
        if !delivery.state.is_final() || delivery.was_replayed_by(task.replay_id) {
            return Ok(Outcome::Stale);
        }
        let _slot = match self.take_slot(batch, id.endpoint).await {
            Ok(slot) => slot,
            Err(reason) => return self.leave(task, reason, batch).await,
        };
        let target = batch.target(id)?;
        let outcome = match self.skip_reason(&task, &delivery, target.as_deref(), batch).await? {
            // The cached endpoint may be 30 s old, and customers often replay right after they resume an endpoint.
            Some(SkipReason::EndpointPaused | SkipReason::EndpointDisabled | SkipReason::EndpointUnverified)
                if self.is_resumed(&delivery).await? =>
            {
                return self.defer(task, batch).await;
            }
            Some(reason) => self.skipped(reason),
            None => match self.keep_pace_of_replay(&task, target.as_deref(), batch).await? {
                ReplayTurn::Now => self.send_replay(&task, &delivery, target.as_deref(), batch).await?,
                ReplayTurn::WaitsForSlot(slot) => return Ok(Outcome::WaitsForSlot(slot)),
                ReplayTurn::Deferred => return Ok(Outcome::Deferred),
                ReplayTurn::Never => self.skipped(SkipReason::EndpointPace),
            },
        };
        let replayed = Replayed { replay_id: task.replay_id, outcome };
        let record = || self.store.deliveries.add_replay(delivery.clone(), &replayed, task.is_counted);
        let (stored, written) = self.persist(record().await, record, batch).await?;
        match (stored, written) {
            (Some(delivery), WriteOutcome::Applied) => Ok(Outcome::Replayed(delivery.state, replayed)),
            (Some(_), WriteOutcome::Conflict) => Ok(Outcome::Stale),
            (None, _) => self.count_lost(&task).await,
        }
    }

    /// Returns the delivery. One that does not seem finished is read again with a consistent read: the batch's read may have
    /// been stale.
    async fn delivery_to_replay(&self, task: &ReplayTask, batch: &BatchContext) -> Result<Option<Delivery>, SendError> {
        match batch.stored(task.delivery_id)? {
            Some(delivery) if delivery.state.is_final() => Ok(Some(delivery.clone())),
            Some(_) | None => Ok(self.store.deliveries.recorded_now(task.project_id, task.delivery_id).await?),
        }
    }

    /// Drops a task whose delivery is past its retention, and counts it in the progress of its replay.
    async fn count_lost(&self, task: &ReplayTask) -> Result<Outcome, SendError> {
        if task.is_counted {
            self.store.replays.count_lost(task.project_id, task.replay_id).await?;
        }
        Ok(Outcome::PastRetention)
    }

    /// Why the delivery must not be sent, if there is a reason.
    async fn skip_reason(
        &self,
        task: &ReplayTask,
        delivery: &Delivery,
        target: Option<&Target>,
        batch: &BatchContext,
    ) -> Result<Option<SkipReason>, SendError> {
        if task.is_counted {
            let replay = self.store.replays.get(task.project_id, task.replay_id).await?;
            if replay.is_some_and(|replay| replay.state == ReplayState::Cancelled) {
                return Ok(Some(SkipReason::ReplayCancelled));
            }
        }
        let health = batch.health(task.delivery_id.endpoint)?.health();
        Ok(delivery.replay_obstacle(target.map(|target| (target.state, &health))))
    }

    /// Reads the endpoint again, without the caches, and returns whether it can be sent replays now.
    async fn is_resumed(&self, delivery: &Delivery) -> Result<bool, SendError> {
        let (project, endpoint) = (delivery.project_id, delivery.id.endpoint);
        let state = self.endpoints.state_now(project, endpoint).await?;
        let stored = self.store.health.get_now(project, endpoint).await?;
        Ok(delivery.replay_obstacle(state.map(|state| (state, &stored.health))).is_none())
    }

    async fn send_replay(
        &self,
        task: &ReplayTask,
        delivery: &Delivery,
        target: Option<&Target>,
        batch: &BatchContext,
    ) -> Result<ReplayOutcome, SendError> {
        let Some(target) = target else { return Ok(self.skipped(SkipReason::EndpointDeleted)) };
        let stored = self.store.events.get(task.project_id, task.delivery_id.event).await?;
        let Some(stored) = stored else { return Ok(self.skipped(SkipReason::EventGone)) };
        Ok(ReplayOutcome::Sent(self.post_replay(&stored.event, delivery, target, batch).await?))
    }

    async fn post_replay(
        &self,
        event: &Event,
        delivery: &Delivery,
        target: &Target,
        batch: &BatchContext,
    ) -> Result<Attempt, SendError> {
        let body = request::body(&target.secrets, event, &*self.random);
        let (number, at) = (delivery.replay_number(), self.clock.now());
        let mut headers = request::headers(&target.secrets, event, number, at, &body);
        headers.insert(WEBHOOK_REPLAY, HeaderValue::from_static("true"));
        let webhook = Webhook { headers, body, number, at };
        Ok(self.post(delivery.id.endpoint, target, webhook, batch).await?.attempt)
    }

    fn skipped(&self, reason: SkipReason) -> ReplayOutcome {
        ReplayOutcome::Skipped { at: self.clock.now(), reason }
    }
}
