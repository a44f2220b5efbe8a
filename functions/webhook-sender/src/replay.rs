//! One replay: a delivery that is over is sent once more. Never retried, and nothing of it is held against the endpoint.

use http::HeaderValue;
use shared::aws::store::Written;
use shared::delivery::{Attempt, Delivery, ReplayNudge, ReplayOutcome, Replayed, SkipReason};
use shared::event::Event;
use shared::replay::ReplayState;
use shared::webhook::{self, WEBHOOK_REPLAY};

use crate::endpoints::Target;
use crate::outcome::{Done, SendError};
use crate::post::Posted;
use crate::{Facts, Sender};

impl Sender {
    pub(crate) async fn replay(&self, nudge: ReplayNudge, facts: &Facts) -> Result<Done, SendError> {
        let id = nudge.delivery_id;
        let Some(delivery) = self.delivery_to_replay(&nudge, facts).await? else {
            return self.pass_over(&nudge).await;
        };
        if !delivery.state.is_final() || delivery.was_replayed_by(nudge.replay_id) {
            return Ok(Done::Stale);
        }
        let patience = facts.last_start.since(self.clock.now());
        let Some(_slot) = facts.slots.take(id.endpoint, patience).await else { return self.put_off(nudge).await };
        let target = facts.targets[&id].clone().map_err(SendError::Endpoint)?;
        let outcome = match self.obstacle(&nudge, &delivery, target.as_deref(), facts).await? {
            // What we know may be half a minute old, and a replay often comes right after its endpoint was resumed.
            Some(SkipReason::EndpointPaused | SkipReason::EndpointDisabled) if self.is_resumed(&delivery).await? => {
                return self.put_off(nudge).await;
            }
            Some(because) => self.skipped(because),
            None => self.send_again(&nudge, &delivery, target.as_deref()).await?,
        };
        let replayed = Replayed { replay_id: nudge.replay_id, outcome };
        let (recorded, written) = self.activity.add_replay(delivery, &replayed, nudge.is_counted).await?;
        match (recorded, written) {
            (Some(delivery), Written::Now) => Ok(Done::Replayed(delivery.state, replayed)),
            (Some(_), Written::Before) => Ok(Done::Stale),
            (None, _) => self.pass_over(&nudge).await,
        }
    }

    /// The delivery. One that seems not to be over was read too early, and is read again as it is now.
    async fn delivery_to_replay(&self, nudge: &ReplayNudge, facts: &Facts) -> Result<Option<Delivery>, SendError> {
        match facts.recorded.get(&nudge.delivery_id) {
            Some(delivery) if delivery.state.is_final() => Ok(Some(delivery.clone())),
            Some(_) | None => Ok(self.activity.recorded_now(nudge.project_id, nudge.delivery_id).await?),
        }
    }

    /// Leaves a replay whose delivery is past its retention.
    async fn pass_over(&self, nudge: &ReplayNudge) -> Result<Done, SendError> {
        if nudge.is_counted {
            self.activity.count_lost_replay(nudge.project_id, nudge.replay_id).await?;
        }
        Ok(Done::Forgotten)
    }

    /// What keeps the delivery from being sent again, if anything does.
    async fn obstacle(
        &self,
        nudge: &ReplayNudge,
        delivery: &Delivery,
        target: Option<&Target>,
        facts: &Facts,
    ) -> Result<Option<SkipReason>, SendError> {
        if nudge.is_counted {
            let replay = self.activity.replay(nudge.project_id, nudge.replay_id).await?;
            if replay.is_some_and(|replay| replay.state == ReplayState::Cancelled) {
                return Ok(Some(SkipReason::ReplayCancelled));
            }
        }
        let known = facts.health[&nudge.delivery_id.endpoint].lock().await;
        Ok(delivery.replay_obstacle(target.map(|target| (target.state, &known.health))))
    }

    /// Whether the endpoint takes webhooks by now.
    async fn is_resumed(&self, delivery: &Delivery) -> Result<bool, SendError> {
        let (project, endpoint) = (delivery.project_id, delivery.id.endpoint);
        let state = self.endpoints.state_now(project, endpoint).await?;
        let stored = self.activity.health_now(project, endpoint).await?;
        Ok(delivery.replay_obstacle(state.map(|state| (state, &stored.health))).is_none())
    }

    async fn send_again(
        &self,
        nudge: &ReplayNudge,
        delivery: &Delivery,
        target: Option<&Target>,
    ) -> Result<ReplayOutcome, SendError> {
        let Some(target) = target else { return Ok(self.skipped(SkipReason::EndpointDeleted)) };
        let stored = self.activity.event(nudge.project_id, nudge.delivery_id.event).await?;
        let Some(stored) = stored else { return Ok(self.skipped(SkipReason::EventGone)) };
        Ok(ReplayOutcome::Sent(self.post_again(&stored.event, delivery.replay_number(), target).await?))
    }

    async fn post_again(&self, event: &Event, number: u8, target: &Target) -> Result<Attempt, SendError> {
        let body = webhook::body(&target.opened, event, &*self.random);
        let now = self.clock.now();
        let mut headers = webhook::headers(&target.opened, event.id, number, now, &body);
        headers.insert(WEBHOOK_REPLAY, HeaderValue::from_static("true"));
        match self.poster.post(&target.url, headers, body, number, now).await {
            Posted::Answered { attempt, .. } => Ok(attempt),
            Posted::OurFault(fault) => Err(fault.into()),
        }
    }

    fn skipped(&self, because: SkipReason) -> ReplayOutcome {
        ReplayOutcome::Skipped { at: self.clock.now(), because }
    }
}
