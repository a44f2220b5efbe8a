//! One nudge: decide what it leads to, and do that.

use std::time::Duration;

use shared::aws::queue::Message;
use shared::aws::store::Written;
use shared::delivery::{self, Attempt, Delivery, HoldReason, Nudge, SendMessage, Step};
use shared::event::Event;
use shared::health::Gate;
use shared::random;
use shared::telemetry;
use shared::webhook;
use tracing::warn;

use crate::endpoints::Target;
use crate::health::Known;
use crate::outcome::{Done, SendError};
use crate::post::Posted;
use crate::records::UnderWay;
use crate::{Facts, Sender};

/// When a nudge comes again that found its endpoint taken up.
const PUT_OFF: Duration = Duration::from_secs(5);

impl Sender {
    pub(crate) async fn follow(&self, nudge: Nudge, facts: &Facts) -> Result<Done, SendError> {
        let id = nudge.delivery_id;
        let recorded = facts.recorded.get(&id);
        // What is over or further is dropped before the event is read.
        if recorded.is_some_and(|delivery| !delivery.awaits(nudge.attempt)) {
            return Ok(Done::Stale);
        }
        // Its row may be gone by now, and with it that it is over, or that its event was erased.
        if id.event.made_at() < self.config.retention.oldest_kept(self.clock.now()) {
            return Ok(Done::Forgotten);
        }
        let patience = facts.last_start.since(self.clock.now());
        let Some(_slot) = facts.slots.take(id.endpoint, patience).await else { return self.put_off(nudge).await };
        let number = nudge.attempt;
        let Some(event) = self.event_of(nudge).await? else { return Ok(Done::Forgotten) };
        let delivery = recorded.cloned().unwrap_or_else(|| Delivery::queued(&event, id.endpoint));

        let known = &facts.health[&id.endpoint];
        let target = facts.targets[&id].clone().map_err(SendError::Endpoint)?;
        let gate = match &target {
            Some(target) => Some(known.lock().await.health.gate(target.state, self.clock.now())),
            None => None,
        };
        match (delivery.step(number, gate), target) {
            (Step::Drop, _) => Ok(Done::Stale),
            (Step::Cancel, _) | (_, None) => self.cancel(delivery).await,
            (Step::Hold(because), Some(target)) => self.hold(delivery, because, &target, known).await,
            (Step::StayHeld, Some(target)) => {
                self.health.note_held(known, target.state, self.clock.now()).await?;
                Ok(Done::Stale)
            }
            (Step::Attempt, Some(target)) => self.attempt(&event, delivery, &target, known, facts).await,
            (Step::Probe, Some(target)) => {
                match self.health.begin_probe(known, target.state, self.clock.now()).await? {
                    Gate::Hold(because) => self.hold(delivery, because, &target, known).await,
                    Gate::Send | Gate::Probe => self.attempt(&event, delivery, &target, known, facts).await,
                }
            }
        }
    }

    /// Sends the nudge again, to be seen a little later.
    pub(crate) async fn put_off(&self, nudge: impl Into<SendMessage>) -> Result<Done, SendError> {
        self.queue.send(vec![Message::to_send(nudge, PUT_OFF)?]).await?;
        Ok(Done::PutOff)
    }

    /// The event, from the nudge or from the store; `None` if it is past its retention.
    async fn event_of(&self, nudge: Nudge) -> Result<Option<Event>, SendError> {
        if nudge.event.is_some() {
            return Ok(nudge.event);
        }
        let stored = self.activity.event(nudge.project_id, nudge.delivery_id.event).await?;
        Ok(stored.map(|stored| stored.event))
    }

    async fn cancel(&self, delivery: Delivery) -> Result<Done, SendError> {
        let written = self.activity.record_cancelled(&delivery.cancelled()).await?;
        Ok(if written == Written::Now { Done::Cancelled } else { Done::Stale })
    }

    /// Holds the delivery. It is recorded first and its endpoint noted second: a crash between the two leaves the message,
    /// which then finds the delivery held and notes the endpoint.
    async fn hold(
        &self,
        delivery: Delivery,
        because: HoldReason,
        target: &Target,
        known: &Known,
    ) -> Result<Done, SendError> {
        let now = self.clock.now();
        let written = self.activity.record_held(&delivery.held(because), now).await?;
        self.health.note_held(known, target.state, now).await?;
        Ok(if written == Written::Now { Done::Held(because) } else { Done::Stale })
    }

    async fn attempt(
        &self,
        event: &Event,
        delivery: Delivery,
        target: &Target,
        known: &Known,
        facts: &Facts,
    ) -> Result<Done, SendError> {
        let under_way = facts.records.begin();
        let body = webhook::body(&target.opened, event, &*self.random);
        let (number, now) = (delivery.attempts_made() + 1, self.clock.now());
        let headers = webhook::headers(&target.opened, event.id, number, now, &body);
        match self.poster.post(&target.url, headers, body, number, now).await {
            Posted::Answered { attempt, retry_after } => {
                self.record(delivery, attempt, retry_after, known, under_way).await
            }
            Posted::OurFault(fault) => Err(fault.into()),
        }
    }

    /// Records the attempt, and sees to it that the next one happens.
    async fn record(
        &self,
        delivery: Delivery,
        attempt: Attempt,
        retry_after: Option<Duration>,
        known: &Known,
        under_way: UnderWay<'_>,
    ) -> Result<Done, SendError> {
        let alone_until = self.health.note(known, &attempt, retry_after).await;
        let chance = random::fraction(&*self.random);
        let wait = self.config.retry_schedule.delay_after(attempt.number, chance, retry_after);
        // A receiver that is left alone is not to be tried before that is over, so this delivery is what probes it then.
        let alone = alone_until.map_or(Duration::ZERO, |until| until.since(attempt.ended_at()));
        let delivery = delivery.after(attempt, wait.map(|wait| wait.max(alone)));
        let reminder = delivery.next_attempt_at.map(|due| delivery::remind(due, self.clock.now()));
        let sweep_at = reminder.map(|reminder| reminder.sweep_at);
        let written = under_way.record(&self.activity, &delivery, sweep_at).await?;
        if written == Written::Before {
            return Ok(Done::Stale);
        }
        if let Some(delay) = reminder.and_then(|reminder| reminder.message_delay) {
            // The attempt is recorded, so it must not be made again: if no message can be sent, the sweep will send one.
            let sent = async { self.queue.send(vec![Message::to_send(delivery.next_nudge(), delay)?]).await }.await;
            if let Err(error) = sent {
                warn!(delivery.id = %delivery.id, cause = telemetry::chain(&error), "delivery {} is left to the sweep", delivery.id);
            }
        }
        Ok(Done::Attempted(delivery))
    }
}
