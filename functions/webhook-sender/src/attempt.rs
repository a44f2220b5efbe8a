//! One attempt task: decides what to do with its delivery, and does it.
//!
//! The stored delivery decides, not the message: an attempt that was already recorded is never made for a second message.

use std::time::Duration;

use aws::lambda::telemetry;
use aws::store::WriteOutcome;
use domain::foundation::random;
use domain::webhooks::delivery::{self, AttemptTask, Delivery, DeliveryHoldReason, DeliveryState, Reminder, Step};
use domain::webhooks::event::Event;
use domain::webhooks::health::Gate;
use domain::webhooks::request;
use tracing::warn;

use crate::attempt_writer::RunningAttempt;
use crate::endpoint_cache::Target;
use crate::health_cache::SharedHealth;
use crate::http::client::CompletedAttempt;
use crate::order::Turn;
use crate::outcome::{Outcome, SendError};
use crate::post::Webhook;
use crate::sender::{BatchContext, Sender};

impl Sender {
    pub(crate) async fn handle_attempt(&self, task: AttemptTask, batch: &BatchContext) -> Result<Outcome, SendError> {
        let id = task.delivery_id;
        if batch.is_unreadable(id) {
            return self.set_aside(task.project_id, id).await;
        }
        let stored = batch.stored(id)?;
        // Stale messages are dropped before the event is read, which saves the read.
        if stored.is_some_and(|delivery| !delivery.awaits(task.attempt)) {
            return Ok(Outcome::Stale);
        }
        // After the retention, the row may be gone, and with it the record that the delivery ended or the event was erased.
        if id.event.created_at() < self.config.store.retention.oldest_kept(self.clock.now()) {
            return self.end_without_event(task.project_id, id, stored).await;
        }
        let _slot = match self.take_slot(batch, id.endpoint).await {
            Ok(slot) => slot,
            Err(reason) => return self.leave(task, reason, batch).await,
        };
        let (project, number) = (task.project_id, task.attempt);
        let Some(event) = self.event_of(task).await? else {
            return self.end_without_event(project, id, stored).await;
        };
        let delivery = stored.cloned().unwrap_or_else(|| Delivery::queued(&event, id.endpoint));

        let health = batch.health(id.endpoint)?;
        let target = batch.target(id)?;
        let gate = target.as_ref().map(|target| health.health().gate(target.state, self.clock.now()));
        match (delivery.step(number, gate), target) {
            (Step::Drop, _) => Ok(Outcome::Stale),
            (Step::Cancel, _) | (_, None) => self.cancel(delivery).await,
            (Step::Hold(reason), Some(target)) => self.hold(delivery, reason, &target, health).await,
            (Step::StayHeld, Some(target)) => {
                self.schedule_check(&target, health).await?;
                Ok(Outcome::Stale)
            }
            (step @ (Step::Attempt | Step::Probe), Some(target)) => {
                let turn = match self.take_turn(&event, delivery, &target, health).await? {
                    Turn::Now(delivery) if step == Step::Probe => self.begin_probe(delivery, &target, health).await?,
                    Turn::Now(delivery) => self.keep_pace(delivery, &target, health, batch).await?,
                    not_now @ Turn::NotNow(_) => not_now,
                };
                match turn {
                    Turn::Now(delivery) => self.attempt(&event, delivery, &target, health, batch).await,
                    Turn::NotNow(outcome) => Ok(outcome),
                }
            }
        }
    }

    /// Finds out whether the attempt may be made as the breaker's probe, and holds the delivery if not. A probe does not take a slot.
    async fn begin_probe(&self, delivery: Delivery, target: &Target, health: &SharedHealth) -> Result<Turn, SendError> {
        match self.health.begin_probe(health, target.state, self.clock.now()).await? {
            Gate::Hold(reason) => self.hold(delivery, reason, target, health).await.map(Turn::NotNow),
            Gate::Send | Gate::Probe => Ok(Turn::Now(delivery)),
        }
    }

    /// Returns the event from the message or, for later attempts, from the store; `None` if it is past its retention.
    async fn event_of(&self, task: AttemptTask) -> Result<Option<Event>, SendError> {
        if task.event.is_some() {
            return Ok(task.event);
        }
        let stored = self.store.events.get(task.project_id, task.delivery_id.event).await?;
        Ok(stored.map(|stored| stored.event))
    }

    async fn cancel(&self, delivery: Delivery) -> Result<Outcome, SendError> {
        let written = self.store.deliveries.record_closed(&delivery.cancelled(self.clock.now())).await?;
        Ok(if written == WriteOutcome::Applied { Outcome::Cancelled } else { Outcome::Stale })
    }

    /// Holds the delivery: writes the delivery first and the endpoint's health second. After a crash between the two, the
    /// message is redelivered, finds the delivery held, and writes the health.
    pub(crate) async fn hold(
        &self,
        delivery: Delivery,
        reason: impl Into<DeliveryHoldReason>,
        target: &Target,
        health: &SharedHealth,
    ) -> Result<Outcome, SendError> {
        let reason = reason.into();
        let written = self.store.deliveries.record_held(&delivery.held(reason), self.clock.now()).await?;
        self.schedule_check(target, health).await?;
        Ok(if written == WriteOutcome::Applied { Outcome::Held(reason) } else { Outcome::Stale })
    }

    async fn schedule_check(&self, target: &Target, health: &SharedHealth) -> Result<(), SendError> {
        self.health.record_hold(health, target.state, self.clock.now()).await.map_err(SendError::Check)
    }

    async fn attempt(
        &self,
        event: &Event,
        delivery: Delivery,
        target: &Target,
        health: &SharedHealth,
        batch: &BatchContext,
    ) -> Result<Outcome, SendError> {
        let running = batch.writer.start_attempt();
        let body = request::body(&target.secrets, event, &*self.random);
        let (number, at) = (delivery.attempts_made() + 1, self.clock.now());
        let headers = request::headers(&target.secrets, event, number, at, &body);
        let webhook = Webhook { headers, body, number, at };
        let completed = self.post(delivery.id.endpoint, target, webhook, batch).await?;
        let recorded = self.record(delivery, completed, health, running, batch).await?;
        if let Outcome::Attempted(delivery) = &recorded
            && target.ordered
            && delivery.state.is_final()
        {
            self.release_next(event, delivery, health).await;
        }
        Ok(recorded)
    }

    /// Records the attempt and schedules the next one, if another is due.
    async fn record(
        &self,
        delivery: Delivery,
        completed: CompletedAttempt,
        health: &SharedHealth,
        running: RunningAttempt<'_>,
        batch: &BatchContext,
    ) -> Result<Outcome, SendError> {
        let CompletedAttempt { attempt, retry_after, .. } = completed;
        let has_row = delivery.state != DeliveryState::Queued;
        let paused_until = self.health.note_attempt(health, &attempt, retry_after);
        let chance = random::fraction(&*self.random);
        let wait = self.config.retry_schedule.delay_after(attempt.number, chance, retry_after);
        // While the breaker is open, a retry would only be held. Due at its end, this delivery becomes the probe.
        let pause = paused_until.map_or(Duration::ZERO, |until| until.since(attempt.ended_at()));
        let delivery = delivery.after(attempt, wait.map(|wait| wait.max(pause)));
        let reminder = delivery.next_attempt_at.map(|due| delivery::remind(due, self.clock.now()));
        let sweep_at = reminder.map(|reminder| reminder.sweep_at);
        let deliveries = &self.store.deliveries;
        let written = running.record(deliveries, &delivery, has_row, sweep_at).await;
        let written = self.persist(written, || deliveries.record(&delivery, sweep_at), batch).await?;
        if written == WriteOutcome::Conflict {
            self.health.write_decision(health, self.clock.now()).await;
            return Ok(Outcome::Stale);
        }
        if let Some(reminder) = reminder {
            self.send_reminder(&delivery, reminder, health).await;
        }
        // The health is written last, so that a failed write can neither lose the attempt nor repeat it.
        self.health.write_decision(health, self.clock.now()).await;
        Ok(Outcome::Attempted(delivery))
    }

    /// Sends the message for the next attempt of a delivery, unless the attempt is left to the sweep. The delivery is recorded, so the
    /// current message must not be redelivered. If the next message cannot be sent, the sweep sends it.
    pub(crate) async fn send_reminder(&self, delivery: &Delivery, reminder: Reminder, health: &SharedHealth) {
        let Some(delay) = reminder.message_delay else { return };
        let lane = health.health().lane(self.clock.now());
        if let Err(error) = self.enqueue(lane, vec![delivery.next_task().into()], delay).await {
            let (id, cause) = (delivery.id, telemetry::chain(&error));
            warn!(delivery.id = %id, cause, "delivery {id} is left to the sweep");
        }
    }
}
