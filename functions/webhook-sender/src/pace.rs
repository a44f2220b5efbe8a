//! Keeps the pace of endpoints: attempts and replays wait for their slots. [`domain::webhooks::delivery::slots`] has the rules.

use std::time::Duration;

use aws::store::WriteOutcome;
use domain::foundation::random;
use domain::webhooks::delivery::slots::{Slot, SlotState};
use domain::webhooks::delivery::{Delivery, DeliveryHoldReason, ReplayTask, remind};
use domain::webhooks::endpoint::Pace;

use crate::endpoint_cache::Target;
use crate::health_cache::SharedHealth;
use crate::order::Turn;
use crate::outcome::{Outcome, SendError};
use crate::sender::{BatchContext, Sender};

/// Shortest delay of a replay that found no free slot.
const MIN_REPLAY_DELAY: Duration = Duration::from_mins(5);

/// By how much the delay varies, so that replays that found no free slot together do not return together.
const REPLAY_DELAY_SPREAD: Duration = Duration::from_mins(10);

/// Whether a replay may be sent at the pace of its endpoint.
pub(crate) enum ReplayTurn {
    /// It may be sent.
    Now,
    /// A copy of its message arrives at this slot.
    WaitsForSlot(Slot),
    /// A copy of its message arrives later.
    Deferred,
    /// It is not sent: it found no free slot too often.
    Never,
}

impl Sender {
    /// Finds out whether the next attempt of `delivery` may start at the endpoint's pace. An attempt over the pace waits for its slot. It is
    /// held if all slots of the next 15 minutes are taken. Attempts to an endpoint that has no pace start at once.
    pub(crate) async fn keep_pace(
        &self,
        delivery: Delivery,
        target: &Target,
        health: &SharedHealth,
        batch: &BatchContext,
    ) -> Result<Turn, SendError> {
        let Some(pace) = target.pace else { return Ok(Turn::Now(delivery)) };
        let state_now = |slot: Slot| slot.state(pace, self.clock.now());
        match delivery.slot {
            Some(slot) if state_now(slot) == SlotState::Open => return Ok(Turn::Now(delivery)),
            Some(slot) if state_now(slot) == SlotState::Ahead => {
                return Ok(Turn::NotNow(self.await_slot(&delivery, slot, health).await));
            }
            Some(_) | None => {}
        }
        match self.next_slot(&delivery, pace).await? {
            None => self.hold(delivery, DeliveryHoldReason::Pace, target, health).await.map(Turn::NotNow),
            Some(slot) if state_now(slot) == SlotState::Ahead => {
                self.wait_for_slot(delivery, slot, health).await.map(Turn::NotNow)
            }
            Some(_) if self.is_too_late(batch) => self.defer(delivery.next_task(), batch).await.map(Turn::NotNow),
            Some(_) => Ok(Turn::Now(delivery)),
        }
    }

    /// Takes a slot for a delivery whose slot has lapsed, or that has none. `None` if no slot is free soon.
    async fn next_slot(&self, delivery: &Delivery, pace: Pace) -> Result<Option<Slot>, SendError> {
        let taken = self.pacer.take(delivery.project_id, delivery.id.endpoint, pace, &*self.clock).await;
        Ok(taken.map_err(SendError::Slot)?.map(|slot| slot.in_place_of(delivery.slot)))
    }

    /// Handles a message that arrives before the slot of its delivery. If the slot comes soon, this may be the only message, and the
    /// clock of this sender may be slow. The message is then sent again for the rest of the time. Otherwise it is a duplicate.
    async fn await_slot(&self, delivery: &Delivery, slot: Slot, health: &SharedHealth) -> Outcome {
        let now = self.clock.now();
        if !slot.is_near(now) {
            return Outcome::Stale;
        }
        self.send_reminder(delivery, remind(slot.at, now), health).await;
        Outcome::WaitsForSlot(slot)
    }

    async fn wait_for_slot(&self, delivery: Delivery, slot: Slot, health: &SharedHealth) -> Result<Outcome, SendError> {
        let delivery = delivery.waiting_for_slot(slot);
        let reminder = remind(slot.at, self.clock.now());
        let written = self.store.deliveries.record_waiting_for_slot(&delivery, reminder.sweep_at).await?;
        if written == WriteOutcome::Conflict {
            return Ok(Outcome::Stale);
        }
        self.send_reminder(&delivery, reminder, health).await;
        Ok(Outcome::WaitsForSlot(slot))
    }

    /// Finds out whether a replay may be sent now at the endpoint's pace. If not, sends a copy of its message for the time of its slot,
    /// or without a slot for some minutes later if none is free soon.
    pub(crate) async fn keep_pace_of_replay(
        &self,
        task: &ReplayTask,
        target: Option<&Target>,
        batch: &BatchContext,
    ) -> Result<ReplayTurn, SendError> {
        let Some(pace) = target.and_then(|target| target.pace) else { return Ok(ReplayTurn::Now) };
        let state_now = |slot: Slot| slot.state(pace, self.clock.now());
        let slot = match task.slot {
            Some(slot) if state_now(slot) == SlotState::Open => return Ok(ReplayTurn::Now),
            Some(slot) if state_now(slot) == SlotState::Ahead => Some(slot),
            lapsed => {
                let taken = self.pacer.take(task.project_id, task.delivery_id.endpoint, pace, &*self.clock).await;
                taken.map_err(SendError::Slot)?.map(|slot| slot.in_place_of(lapsed))
            }
        };
        let (task, delay, turn) = match slot {
            Some(slot) if state_now(slot) == SlotState::Ahead => {
                let task = ReplayTask { slot: Some(slot), ..task.clone() };
                (task, slot.at.since(self.clock.now()), ReplayTurn::WaitsForSlot(slot))
            }
            Some(_) if self.is_too_late(batch) => {
                return self.defer(task.clone(), batch).await.map(|_| ReplayTurn::Deferred);
            }
            Some(_) => return Ok(ReplayTurn::Now),
            None => {
                let Some(task) = task.delayed() else { return Ok(ReplayTurn::Never) };
                let spread = REPLAY_DELAY_SPREAD.mul_f64(random::fraction(&*self.random));
                (task, MIN_REPLAY_DELAY + spread, ReplayTurn::Deferred)
            }
        };
        self.enqueue(batch.invocation.lane, vec![task.into()], delay).await?;
        Ok(turn)
    }

    /// Whether the time for starting requests is over. Taking a slot may have taken long.
    fn is_too_late(&self, batch: &BatchContext) -> bool {
        self.clock.now() >= batch.invocation.latest_start
    }
}
