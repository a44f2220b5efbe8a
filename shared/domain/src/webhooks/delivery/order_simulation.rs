//! A simulation of an ordered endpoint: several senders read, write and crash in every order, while messages are lost and
//! duplicated, and the endpoint is paused, disabled or deleted.
//!
//! Each step of a sender is one read or write of the store. An attempt may start only after all earlier deliveries of the
//! submission have ended. After the faults end, every delivery must end.

use std::time::Duration;

use proptest::prelude::*;

use super::order;
use super::*;
use crate::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::event::EventType;
use crate::webhooks::health::{Health, HealthPolicy};
use crate::webhooks::retry::RetrySchedule;

/// Events of two submissions in turns: a submission has those with an even or an odd index.
const EVENTS: usize = 8;

/// The event that goes to the endpoint only if a replay adds it.
const ADDABLE: usize = 2;

const RETENTION: Duration = Duration::from_hours(5 * 24);

/// An incident. The numbers select a message, sender or delivery, modulo how many there are.
#[derive(Debug, Clone, Copy)]
enum Incident {
    /// A sender receives a message, reads the rows and decides.
    Begin {
        message: usize,
        status: u16,
    },
    /// A sender takes its next step.
    Step(usize),
    /// A sender crashes, and its message becomes visible again.
    Crash(usize),
    Duplicate(usize),
    Lose(usize),
    Sweep,
    Wait(u64),
    Pause(bool),
    /// The receiver answers 410 until the endpoint is resumed.
    Disable,
    Delete,
    /// The held deliveries of the endpoint are discarded.
    Discard,
    Erase(usize),
    /// A replay adds a delivery of an earlier event.
    Add,
    /// A delivery that has failed is delivered by a replay.
    Replay(usize),
    /// The customer switches `ordered`.
    Switch(bool),
}

/// The next step of a sender.
#[derive(Debug)]
enum NextStep {
    /// Record an attempt that was made.
    Record(Attempt),
    /// Hold the delivery for order.
    Hold,
    /// Check again whether it is the delivery's turn.
    CheckAgain,
    /// Release the held delivery for itself, and make the attempt.
    Claim,
    /// Look for the delivery to release, because this one has ended.
    FindLater,
    /// Release a delivery.
    Release(Delivery),
}

#[derive(Debug)]
struct Sender {
    task: AttemptTask,
    read: Delivery,
    status: u16,
    is_probe: bool,
    next: NextStep,
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    queued: Vec<Delivery>,
    /// Whether the event goes to the endpoint.
    is_named: Vec<bool>,
    rows: Vec<Option<Delivery>>,
    sweep_at: Vec<Option<Timestamp>>,
    messages: Vec<AttemptTask>,
    senders: Vec<Sender>,
    endpoint: Option<SendingState>,
    is_ordered: bool,
    health: Health,
    check_at: Option<Timestamp>,
    policy: HealthPolicy,
    schedule: RetrySchedule,
    /// Attempts that started before an earlier delivery had ended.
    too_early: Vec<(usize, usize)>,
}

impl World {
    fn new() -> Self {
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let (project, endpoint) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
        let id = |_| DeliveryId { event: EventId::new(now, &SystemRandom), endpoint };
        let queued: Vec<Delivery> =
            (0..EVENTS).map(|index| Delivery::unattempted(project, id(index), EventType::Aml, None)).collect();
        let is_named: Vec<bool> = (0..EVENTS).map(|index| index != ADDABLE).collect();
        let named = queued.iter().zip(&is_named).filter(|(_, is_named)| **is_named);
        Self {
            now,
            messages: named.map(|(delivery, _)| delivery.next_task()).collect(),
            rows: vec![None; EVENTS],
            sweep_at: vec![None; EVENTS],
            queued,
            is_named,
            senders: Vec::new(),
            endpoint: Some(SendingState::Active),
            is_ordered: true,
            health: Health::unknown(project, endpoint),
            check_at: None,
            policy: "failures=3,over=10s,pause=30s,longest=15m,warn=1h,disable=5h".parse().unwrap(),
            schedule: "5s,5m,30m,2h".parse().unwrap(),
            too_early: Vec::new(),
        }
    }

    fn index(&self, id: DeliveryId) -> usize {
        self.queued.iter().position(|delivery| delivery.id == id).unwrap()
    }

    fn apply(&mut self, incident: Incident) {
        match incident {
            Incident::Begin { message, status } if !self.messages.is_empty() => {
                let task = self.messages.remove(message % self.messages.len());
                self.begin(task, status);
            }
            Incident::Step(which) if !self.senders.is_empty() => {
                let sender = self.senders.remove(which % self.senders.len());
                self.step(sender);
            }
            Incident::Crash(which) if !self.senders.is_empty() => {
                let sender = self.senders.remove(which % self.senders.len());
                self.messages.push(sender.task);
            }
            Incident::Duplicate(message) if !self.messages.is_empty() => {
                self.messages.push(self.messages[message % self.messages.len()].clone());
            }
            Incident::Lose(message) if !self.messages.is_empty() => {
                self.messages.remove(message % self.messages.len());
            }
            Incident::Begin { .. }
            | Incident::Step(_)
            | Incident::Crash(_)
            | Incident::Duplicate(_)
            | Incident::Lose(_) => {}
            Incident::Sweep => self.sweep(),
            Incident::Wait(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
            Incident::Pause(true) => self.endpoint = self.endpoint.map(|_| SendingState::Paused),
            Incident::Pause(false) => self.resume(),
            Incident::Disable => {
                let gone = self.attempt(1, 410);
                self.health = self.health.clone().after(&gone, None, &self.policy);
            }
            Incident::Delete => (self.endpoint, self.check_at) = (None, Some(self.now)),
            Incident::Discard => self.discard(),
            Incident::Erase(which) => self.erase(which % EVENTS),
            Incident::Add => self.add(),
            Incident::Replay(which) => self.replay(which % EVENTS),
            Incident::Switch(is_ordered) => self.is_ordered = is_ordered,
        }
    }

    fn resume(&mut self) {
        self.endpoint = self.endpoint.map(|_| SendingState::Active);
        self.health = self.health.clone().enabled();
        self.check_at = Some(self.now);
    }

    /// The deliveries of the same submission to the endpoint at these indexes, as a sender reads them.
    fn siblings(&self, indexes: impl Iterator<Item = usize>) -> Vec<Delivery> {
        let open = indexes.filter(|index| self.is_named[*index] && !self.has_expired(*index));
        open.map(|index| self.rows[index].clone().unwrap_or_else(|| self.queued[index].clone())).collect()
    }

    fn has_expired(&self, index: usize) -> bool {
        has_expired(self.queued[index].id.event, self.now, RETENTION)
    }

    fn blocking(&self, index: usize) -> Option<Delivery> {
        order::blocking(self.siblings((index % 2..index).step_by(2)))
    }

    fn begin(&mut self, task: AttemptTask, status: u16) {
        let index = self.index(task.delivery_id);
        if task.delivery_id.event.created_at().plus(RETENTION) <= self.now {
            return self.end(index, Delivery::expired);
        }
        let read = self.rows[index].clone().unwrap_or_else(|| self.queued[index].clone());
        let gate = self.endpoint.map(|desired_state| self.health.gate(desired_state, self.now));
        match read.step(task.attempt, gate) {
            Step::Drop => {}
            Step::Cancel => self.end(index, Delivery::cancelled),
            Step::Hold(reason) => {
                self.write(index, read.clone().held(reason), &read);
                self.note_held();
            }
            Step::StayHeld => self.note_held(),
            step @ (Step::Attempt | Step::Probe) => {
                let is_probe = step == Step::Probe;
                let sender = |next| Sender { task, read: read.clone(), status, is_probe, next };
                match self.blocking(index).filter(|_| self.is_ordered) {
                    None if self.is_ordered && read.is_held_for_order() => self.senders.push(sender(NextStep::Claim)),
                    None => self.post(sender(NextStep::Claim)),
                    Some(blocking) => {
                        if read.is_held_for_order() && blocking.state == DeliveryState::Queued {
                            let lost = self.index(blocking.id);
                            self.write(lost, blocking.clone().released(self.now), &blocking);
                        }
                        self.senders.push(sender(NextStep::Hold));
                    }
                }
            }
        }
    }

    fn post(&mut self, sender: Sender) {
        if sender.is_probe {
            self.health = self.health.clone().probing(self.now);
        }
        let index = self.index(sender.read.id);
        let earlier =
            (index % 2..index).step_by(2).filter(|earlier| *earlier != ADDABLE && !self.has_expired(*earlier));
        let is_open = |row: &Option<Delivery>| row.as_ref().is_none_or(|row| !row.state.is_final());
        let open = earlier.filter(|earlier| is_open(&self.rows[*earlier])).map(|earlier| (earlier, index));
        self.too_early.extend(open.collect::<Vec<_>>());
        let attempt = self.attempt(sender.read.attempts_made() + 1, sender.status);
        self.senders.push(Sender { next: NextStep::Record(attempt), ..sender });
    }

    fn attempt(&self, number: u8, status: u16) -> Attempt {
        let reason = (status != 200).then_some(FailureReason::Status);
        let phases = Phases::default();
        Attempt { number, at: self.now, duration_ms: 100, phases, status: Some(status), reason, response: None }
    }

    fn step(&mut self, sender: Sender) {
        let index = self.index(sender.read.id);
        match sender.next {
            NextStep::Hold => {
                let held = sender.read.clone().held_for_order(self.now);
                if self.write(index, held.clone(), &sender.read) {
                    self.senders.push(Sender { read: held, next: NextStep::CheckAgain, ..sender });
                }
            }
            NextStep::CheckAgain if self.blocking(index).is_none() => {
                self.senders.push(Sender { next: NextStep::Claim, ..sender });
            }
            NextStep::CheckAgain => {}
            NextStep::Claim => {
                if self.release(&sender.read) {
                    self.post(sender);
                }
            }
            NextStep::Record(ref attempt) => {
                self.health = self.health.clone().after(attempt, None, &self.policy);
                if self.health.pause.is_none() {
                    self.check_at = Some(self.now);
                }
                let wait = self.schedule.delay_after(attempt.number, 0.5, None);
                let after = sender.read.clone().after(attempt.clone(), wait);
                let is_end = after.state.is_final();
                if self.write(index, after, &sender.read) && is_end && self.is_ordered {
                    self.senders.push(Sender { next: NextStep::FindLater, ..sender });
                }
            }
            NextStep::FindLater => {
                let later = (index + 2..EVENTS).step_by(2).filter(|later| self.rows[*later].is_some());
                if let Some(next) = order::next(self.siblings(later)) {
                    self.senders.push(Sender { next: NextStep::Release(next), ..sender });
                }
            }
            NextStep::Release(ref next) => {
                if self.release(next) {
                    self.messages.push(next.next_task());
                }
            }
        }
    }

    /// The store's conditional release: succeeds only if the delivery is still held for order.
    fn release(&mut self, held: &Delivery) -> bool {
        let index = self.index(held.id);
        let is_awaited = |row: &&Delivery| row.is_held_for_order() && row.attempts_made() == held.attempts_made();
        let Some(row) = self.rows[index].as_ref().filter(is_awaited) else { return false };
        self.rows[index] = Some(row.clone().released(self.now));
        self.sweep_at[index] = Some(remind(self.now, self.now).sweep_at);
        true
    }

    fn note_held(&mut self) {
        self.health = self.health.clone().holding(self.now);
        self.check_at = Some(self.now);
    }

    /// The store's conditional write: succeeds only if the delivery is not final and has as many attempts as `read`.
    fn write(&mut self, index: usize, next: Delivery, read: &Delivery) -> bool {
        let is_awaited = match &self.rows[index] {
            None => read.attempts_made() == 0,
            Some(stored) => !stored.state.is_final() && stored.attempts_made() == read.attempts_made(),
        };
        if is_awaited {
            self.sweep_at[index] = next.next_attempt_at.map(|due| remind(due, self.now).sweep_at);
            let is_near = |due| remind(due, self.now).message_delay.is_some();
            if next.state == DeliveryState::Waiting && next.next_attempt_at.is_some_and(is_near) {
                self.messages.push(next.next_task());
            }
            self.rows[index] = Some(next);
        }
        is_awaited
    }

    /// Ends a delivery that has a row or, without one, is queued.
    fn end(&mut self, index: usize, ended: impl Fn(Delivery, Timestamp) -> Delivery) {
        let delivery = self.rows[index].clone().unwrap_or_else(|| self.queued[index].clone());
        self.write(index, ended(delivery.clone(), self.now), &delivery);
    }

    fn sweep(&mut self) {
        let horizon = self.now.plus(SWEEP_AHEAD);
        for index in 0..EVENTS {
            if self.sweep_at[index].is_none_or(|sweep_at| sweep_at > horizon) {
                continue;
            }
            if self.has_expired(index) {
                self.end(index, Delivery::expired);
                continue;
            }
            let delivery = self.rows[index].clone().unwrap();
            self.sweep_at[index] = Some(remind(delivery.next_attempt_at.unwrap(), self.now).sweep_at);
            self.messages.push(delivery.next_task());
        }
        if self.check_at.is_some_and(|check_at| check_at <= horizon) {
            self.check_endpoint(horizon);
        }
    }

    fn held_for_endpoint(&self) -> Vec<usize> {
        let is_held = |row: &Option<Delivery>| row.as_ref().is_some_and(Delivery::is_held_for_endpoint);
        (0..EVENTS).filter(|index| is_held(&self.rows[*index])).collect()
    }

    fn check_endpoint(&mut self, horizon: Timestamp) {
        let drain = self.endpoint.map_or(Some(u32::MAX), |desired_state| {
            self.health.drain(desired_state, self.now, horizon).map(|drain| drain.limit)
        });
        let (held, limit) = (self.held_for_endpoint(), drain.unwrap_or(0) as usize);
        for index in held.iter().copied().take(limit) {
            self.end(index, Delivery::released);
        }
        let has_more = held.len() > limit;
        self.check_at = match self.endpoint {
            Some(desired_state) => self.health.next_check(desired_state, self.now, has_more),
            None => has_more.then_some(self.now),
        };
    }

    fn discard(&mut self) {
        for index in self.held_for_endpoint() {
            self.end(index, Delivery::cancelled);
        }
    }

    fn erase(&mut self, index: usize) {
        if self.is_named[index] {
            self.end(index, Delivery::erased);
        }
    }

    fn add(&mut self) {
        if !self.is_named[ADDABLE] && self.endpoint.is_some() && !self.has_expired(ADDABLE) {
            self.is_named[ADDABLE] = true;
            self.end(ADDABLE, Delivery::released);
        }
    }

    fn replay(&mut self, index: usize) {
        let attempt = self.attempt(1, 200);
        let Some(row) = self.rows[index].as_mut().filter(|row| row.state == DeliveryState::Failed) else { return };
        let replay_id = crate::foundation::id::ReplayId::new(self.now, &SystemRandom);
        *row = row.clone().after_replay(Replayed { replay_id, outcome: ReplayOutcome::Sent(attempt) });
    }

    /// Ends the held deliveries that expire, and sends lost first messages again.
    fn repair(&mut self) {
        for index in self.held_for_endpoint() {
            if self.has_expired(index) {
                self.end(index, Delivery::expired);
            }
        }
        for index in
            (0..EVENTS).filter(|index| self.is_named[*index] && self.rows[*index].is_none()).collect::<Vec<_>>()
        {
            if self.has_expired(index) {
                self.end(index, Delivery::expired);
            } else {
                self.messages.push(self.queued[index].next_task());
            }
        }
    }

    /// Runs without faults until all deliveries end: the receiver accepts everything, and the endpoint is active unless deleted.
    fn run_to_completion(&mut self) {
        self.messages.extend(self.senders.drain(..).map(|sender| sender.task));
        if self.endpoint == Some(SendingState::Paused) || self.health.disabled.is_some() {
            self.resume();
        }
        for _ in 0..40 {
            self.now = self.now.plus(Duration::from_mins(16));
            self.repair();
            self.sweep();
            self.handle_all_messages();
        }
    }

    fn handle_all_messages(&mut self) {
        while !self.messages.is_empty() || !self.senders.is_empty() {
            self.apply(Incident::Step(0));
            self.apply(Incident::Begin { message: 0, status: 200 });
        }
    }
}

fn incident() -> impl Strategy<Value = Incident> {
    let status = prop_oneof![4 => Just(200), 4 => Just(500), 1 => Just(503)];
    let seconds = prop_oneof![8 => 1..10_u64, 8 => 30..400_u64, 8 => 1_800..20_000_u64, 1 => 40_000..200_000_u64];
    prop_oneof![
        20 => (0..20_usize, status).prop_map(|(message, status)| Incident::Begin { message, status }),
        30 => (0..20_usize).prop_map(Incident::Step),
        4 => (0..20_usize).prop_map(Incident::Crash),
        4 => (0..20_usize).prop_map(Incident::Duplicate),
        2 => (0..20_usize).prop_map(Incident::Lose),
        8 => Just(Incident::Sweep),
        6 => seconds.prop_map(Incident::Wait),
        2 => any::<bool>().prop_map(Incident::Pause),
        1 => Just(Incident::Disable),
        1 => Just(Incident::Discard),
        1 => (0..EVENTS).prop_map(Incident::Erase),
        1 => Just(Incident::Add),
        2 => (0..EVENTS).prop_map(Incident::Replay),
    ]
}

/// Requires that every delivery has ended, and that a delivery without an end has none of the events that do not go to the endpoint.
fn check_ended(world: &World) -> Result<(), TestCaseError> {
    for (row, is_named) in world.rows.iter().zip(&world.is_named) {
        let is_final = row.as_ref().is_some_and(|row| row.state.is_final());
        prop_assert_eq!(is_final, *is_named, "{:?} in {:?}", row, world);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn each_attempt_starts_after_the_earlier_deliveries_of_its_submission_and_each_delivery_ends(
        mut incidents in proptest::collection::vec(incident(), 0..200),
        deleted_at in proptest::option::weighted(0.2, 0..200_usize),
    ) {
        if let Some(at) = deleted_at {
            incidents.insert(at.min(incidents.len()), Incident::Delete);
        }
        let mut world = World::new();
        for incident in incidents {
            world.apply(incident);
            for row in world.rows.iter().flatten() {
                let has_time = row.state == DeliveryState::Waiting || row.is_held_for_order();
                prop_assert_eq!(row.next_attempt_at.is_some(), has_time);
            }
        }
        world.run_to_completion();
        prop_assert_eq!(&world.too_early, &[], "{:?}", world);
        check_ended(&world)?;
    }

    #[test]
    fn each_delivery_ends_if_the_order_is_switched_on_and_off_meanwhile(
        incidents in proptest::collection::vec(
            prop_oneof![12 => incident(), 1 => any::<bool>().prop_map(Incident::Switch)], 0..200,
        ),
    ) {
        let mut world = World::new();
        for incident in incidents {
            world.apply(incident);
        }
        world.run_to_completion();
        check_ended(&world)?;
    }

    #[test]
    fn without_faults_the_next_delivery_is_sent_as_soon_as_the_one_before_has_ended(
        incidents in proptest::collection::vec(prop_oneof![
            1 => (0..20_usize).prop_map(|message| Incident::Begin { message, status: 200 }),
            2 => (0..20_usize).prop_map(Incident::Step),
        ], 0..100),
    ) {
        let mut world = World::new();
        let started_at = world.now;
        for incident in incidents {
            world.apply(incident);
        }
        world.handle_all_messages();
        prop_assert_eq!((world.now, &world.too_early[..]), (started_at, [].as_slice()));
        check_ended(&world)?;
    }
}
