//! A simulation of faults: messages arrive twice, late, out of order or never; senders crash before and after the POST;
//! two senders handle the same delivery; and the endpoint is paused, disabled or deleted in between.
//!
//! The simulation runs the decisions that the functions carry out, with a simulated store, queue and receiver. After
//! the faults end, every delivery must reach exactly one final state. If they never end, every delivery must still have
//! ended when its event is deleted.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::event::EventType;
use crate::webhooks::health::{Health, HealthPolicy};
use crate::webhooks::retry::RetrySchedule;

const DELIVERIES: usize = 4;

/// How long events are kept: the least that fits the retry schedule of the simulation.
const RETENTION: Duration = Duration::from_hours(5 * 24);

/// Age of an event up to which reconciliation sends lost first messages again. After that it stores the delivery.
const RESENT_UNTIL: Duration = Duration::from_hours(3 * 24);

/// An incident. The numbers select a message or a sender, modulo how many there are.
#[derive(Debug, Clone, Copy)]
enum Incident {
    /// A sender receives a message, decides, and makes the attempt if allowed.
    Begin { message: usize, status: u16 },
    /// A sender records its attempt.
    Finish(usize),
    /// A sender crashes, and its message becomes visible again.
    Crash(usize),
    /// A message is duplicated.
    Duplicate(usize),
    /// A message is lost, for example because a sender crashed between recording an attempt and sending the next
    /// message.
    Lose(usize),
    /// The sweep runs.
    Sweep,
    /// This many seconds pass.
    Wait(u64),
    /// The hourly run ends held deliveries that expire.
    Expire,
    /// The daily run repairs lost first messages.
    Reconcile,
    /// The customer pauses (`true`) or resumes (`false`) the endpoint.
    Pause(bool),
    /// The customer deletes the endpoint.
    Delete,
}

/// An attempt that was made and is not recorded yet.
#[derive(Debug)]
struct InFlight {
    task: AttemptTask,
    read: Delivery,
    attempt: Attempt,
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    queued: Vec<Delivery>,
    rows: Vec<Option<Delivery>>,
    sweep_at: Vec<Option<Timestamp>>,
    messages: Vec<AttemptTask>,
    in_flight: Vec<InFlight>,
    /// State set by the customer; `None` after the endpoint was deleted.
    endpoint: Option<SendingState>,
    health: Health,
    check_at: Option<Timestamp>,
    policy: HealthPolicy,
    schedule: RetrySchedule,
}

impl World {
    fn new() -> Self {
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let project = ProjectId::new(now, &SystemRandom);
        let endpoint = EndpointId::new(now, &SystemRandom);
        let queued: Vec<Delivery> = (0..DELIVERIES)
            .map(|_| {
                let id = DeliveryId { event: EventId::new(now, &SystemRandom), endpoint };
                Delivery::unattempted(project, id, EventType::Aml, None)
            })
            .collect();
        Self {
            now,
            rows: vec![None; DELIVERIES],
            sweep_at: vec![None; DELIVERIES],
            messages: queued.iter().map(Delivery::next_task).collect(),
            queued,
            in_flight: Vec::new(),
            endpoint: Some(SendingState::Active),
            health: Health::unknown(project, endpoint),
            check_at: None,
            policy: "failures=3,over=10s,pause=30s,longest=15m,warn=1h,disable=5h".parse().unwrap(),
            schedule: "5s,5m,30m,2h".parse().unwrap(),
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
            Incident::Finish(which) if !self.in_flight.is_empty() => {
                let in_flight = self.in_flight.remove(which % self.in_flight.len());
                self.finish(in_flight);
            }
            Incident::Crash(which) if !self.in_flight.is_empty() => {
                let in_flight = self.in_flight.remove(which % self.in_flight.len());
                self.messages.push(in_flight.task);
            }
            Incident::Duplicate(message) if !self.messages.is_empty() => {
                self.messages.push(self.messages[message % self.messages.len()].clone());
            }
            Incident::Lose(message) if !self.messages.is_empty() => {
                self.messages.remove(message % self.messages.len());
            }
            Incident::Sweep => self.sweep(),
            Incident::Expire => self.expire_held(),
            Incident::Reconcile => self.reconcile(),
            Incident::Wait(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
            Incident::Pause(true) => self.endpoint = self.endpoint.map(|_| SendingState::Paused),
            Incident::Pause(false) => self.resume(),
            Incident::Delete => {
                self.endpoint = None;
                self.check_at = Some(self.now);
            }
            _ => {}
        }
    }

    fn resume(&mut self) {
        self.endpoint = self.endpoint.map(|_| SendingState::Active);
        self.health = self.health.clone().enabled();
        self.check_at = Some(self.now);
    }

    fn begin(&mut self, task: AttemptTask, status: u16) {
        let index = self.index(task.delivery_id);
        if task.delivery_id.event.created_at().plus(RETENTION) <= self.now {
            return self.expire(index);
        }
        let read = self.rows[index].clone().unwrap_or_else(|| self.queued[index].clone());
        let gate = self.endpoint.map(|desired_state| self.health.gate(desired_state, self.now));
        match read.step(task.attempt, gate) {
            Step::Drop => {}
            Step::Cancel => self.write(index, read.clone().cancelled(self.now), read.attempts_made()),
            Step::Hold(reason) => {
                self.write(index, read.clone().held(reason), read.attempts_made());
                self.note_held();
            }
            Step::StayHeld => self.note_held(),
            Step::Probe => {
                self.health = self.health.clone().probing(self.now);
                self.post(task, read, status);
            }
            Step::Attempt => self.post(task, read, status),
        }
    }

    fn post(&mut self, task: AttemptTask, read: Delivery, status: u16) {
        let reason = (status != 200).then_some(FailureReason::Status);
        let number = read.attempts_made() + 1;
        let phases = Phases::default();
        let attempt =
            Attempt { number, at: self.now, duration_ms: 100, phases, status: Some(status), reason, response: None };
        self.in_flight.push(InFlight { task, read, attempt });
    }

    fn finish(&mut self, InFlight { read, attempt, .. }: InFlight) {
        self.health = self.health.clone().after(&attempt, None, &self.policy);
        if self.health.pause.is_none() {
            self.check_at = Some(self.now);
        }
        let made_before = read.attempts_made();
        let wait = self.schedule.delay_after(attempt.number, 0.5, None);
        self.write(self.index(read.id), read.after(attempt, wait), made_before);
    }

    fn note_held(&mut self) {
        self.health = self.health.clone().holding(self.now);
        self.check_at = Some(self.now);
    }

    /// The store's conditional write: succeeds only if the delivery is not final and has exactly `made_before`
    /// attempts.
    fn write(&mut self, index: usize, next: Delivery, made_before: u8) {
        let is_awaited = match &self.rows[index] {
            None => made_before == 0,
            Some(stored) => !stored.state.is_final() && stored.attempts_made() == made_before,
        };
        if !is_awaited {
            return;
        }
        self.sweep_at[index] = next.next_attempt_at.map(|due| remind(due, self.now).sweep_at);
        if next.next_attempt_at.is_some_and(|due| remind(due, self.now).message_delay.is_some()) {
            self.messages.push(next.next_task());
        }
        self.rows[index] = Some(next);
    }

    fn sweep(&mut self) {
        let horizon = self.now.plus(SWEEP_AHEAD);
        for index in 0..DELIVERIES {
            if self.sweep_at[index].is_some_and(|sweep_at| sweep_at <= horizon) {
                let delivery = self.rows[index].clone().unwrap();
                if has_expired(delivery.id.event, self.now, RETENTION) {
                    self.expire(index);
                    continue;
                }
                let reminder = remind(delivery.next_attempt_at.unwrap(), self.now);
                self.sweep_at[index] = Some(reminder.sweep_at);
                self.messages.push(delivery.next_task());
            }
        }
        if self.check_at.is_some_and(|check_at| check_at <= horizon) {
            self.check_endpoint(horizon);
        }
    }

    fn check_endpoint(&mut self, horizon: Timestamp) {
        let desired_state = self.endpoint;
        let drain = desired_state.map_or(Some(u32::MAX), |desired_state| {
            self.health.drain(desired_state, self.now, horizon).map(|drain| drain.limit)
        });
        let is_held = |row: &Option<Delivery>| row.as_ref().is_some_and(|row| row.state == DeliveryState::Held);
        let held: Vec<usize> = (0..DELIVERIES).filter(|index| is_held(&self.rows[*index])).collect();
        let limit = drain.unwrap_or(0) as usize;
        for index in held.iter().copied().take(limit) {
            let released = self.rows[index].clone().unwrap().released(self.now);
            let made = released.attempts_made();
            self.write(index, released, made);
        }
        self.check_at = match desired_state {
            Some(desired_state) => self.health.next_check(desired_state, self.now, held.len() > limit),
            None => (held.len() > limit).then_some(self.now),
        };
    }

    /// Ends a delivery that has a row. Without one, nothing shows the end.
    fn expire(&mut self, index: usize) {
        let Some(row) = self.rows[index].clone() else { return };
        let made = row.attempts_made();
        self.write(index, row.expired(self.now), made);
    }

    fn expire_held(&mut self) {
        for index in 0..DELIVERIES {
            let is_held = self.rows[index].as_ref().is_some_and(|row| row.state == DeliveryState::Held);
            if is_held && has_expired(self.queued[index].id.event, self.now, RETENTION) {
                self.expire(index);
            }
        }
    }

    /// The daily reconciliation: sends lost first messages again. On the last day that it covers, it stores the delivery.
    fn reconcile(&mut self) {
        for index in 0..DELIVERIES {
            let queued = self.queued[index].clone();
            if self.rows[index].is_some() {
                continue;
            }
            if self.now.since(queued.id.event.created_at()) < RESENT_UNTIL {
                self.messages.push(queued.next_task());
            } else {
                self.sweep_at[index] = Some(self.now);
                self.rows[index] = Some(queued.released(self.now));
            }
        }
    }

    /// Runs without faults until all deliveries end: the receiver accepts everything, and the endpoint is active unless
    /// deleted.
    fn run_to_completion(&mut self) {
        self.messages.extend(self.in_flight.drain(..).map(|in_flight| in_flight.task));
        if self.endpoint == Some(SendingState::Paused) || self.health.disabled.is_some() {
            self.resume();
        }
        for _ in 0..40 {
            self.now = self.now.plus(Duration::from_mins(16));
            self.reconcile();
            self.sweep();
            self.expire_held();
            while !self.messages.is_empty() {
                self.apply(Incident::Begin { message: 0, status: 200 });
                self.apply(Incident::Finish(0));
            }
        }
    }
}

fn incident() -> impl Strategy<Value = Incident> {
    let status = prop_oneof![3 => Just(200), 4 => Just(500), 2 => Just(503), 1 => Just(410)];
    let seconds = prop_oneof![8 => 1..10_u64, 8 => 30..400_u64, 8 => 1_800..20_000_u64, 1 => 40_000..200_000_u64];
    prop_oneof![
        8 => (0..20_usize, status).prop_map(|(message, status)| Incident::Begin { message, status }),
        6 => (0..20_usize).prop_map(Incident::Finish),
        2 => (0..20_usize).prop_map(Incident::Crash),
        2 => (0..20_usize).prop_map(Incident::Duplicate),
        1 => (0..20_usize).prop_map(Incident::Lose),
        3 => Just(Incident::Sweep),
        1 => Just(Incident::Expire),
        1 => Just(Incident::Reconcile),
        4 => seconds.prop_map(Incident::Wait),
        1 => any::<bool>().prop_map(Incident::Pause),
    ]
}

fn check_attempts(delivery: &Delivery) -> Result<(), TestCaseError> {
    let numbers: Vec<u8> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
    let expected: Vec<u8> = (1..=delivery.attempts_made()).collect();
    prop_assert_eq!(numbers, expected, "each attempt counts once, in order");
    prop_assert!(delivery.attempts_made() <= 5);
    prop_assert_eq!(delivery.next_attempt_at.is_some(), delivery.state == DeliveryState::Waiting);
    if delivery.state != DeliveryState::Expired {
        prop_assert_eq!(delivery.hold_reason.is_some(), delivery.state == DeliveryState::Held);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_delivery_reaches_exactly_one_final_state(
        mut incidents in proptest::collection::vec(incident(), 0..120),
        deleted_at in proptest::option::weighted(0.2, 0..120_usize),
    ) {
        if let Some(at) = deleted_at {
            incidents.insert(at.min(incidents.len()), Incident::Delete);
        }
        let mut world = World::new();
        for incident in incidents {
            let before = world.rows.clone();
            world.apply(incident);
            for (before, after) in before.iter().zip(&world.rows) {
                if let Some(ended) = before.as_ref().filter(|delivery| delivery.state.is_final()) {
                    prop_assert_eq!(Some(ended), after.as_ref(), "a final state never changes");
                }
            }
        }
        world.run_to_completion();
        for row in &world.rows {
            let delivery = row.as_ref().expect("every delivery is recorded");
            check_attempts(delivery)?;
            let was_accepted = delivery.attempts.last().is_some_and(Attempt::succeeded);
            match delivery.state {
                DeliveryState::Delivered => prop_assert!(was_accepted),
                DeliveryState::Failed => prop_assert!(!was_accepted && delivery.attempts_made() == 5),
                DeliveryState::Cancelled => prop_assert!(!was_accepted && deleted_at.is_some()),
                DeliveryState::Expired => {
                    let expired_at = delivery.closed_at.unwrap();
                    prop_assert!(!was_accepted && has_expired(delivery.id.event, expired_at, RETENTION));
                }
                DeliveryState::Queued | DeliveryState::Waiting | DeliveryState::Held => {
                    prop_assert!(false, "left {} at {:?}", delivery.state, world);
                }
            }
        }
    }

    #[test]
    fn every_delivery_has_ended_when_its_event_is_deleted(
        incidents in proptest::collection::vec(incident(), 0..200),
        is_paused in any::<bool>(),
    ) {
        let mut world = World::new();
        let deleted_at = world.now.plus(RETENTION);
        world.endpoint = Some(if is_paused { SendingState::Paused } else { SendingState::Active });
        // Whatever else happens, the sweep and the search run every hour, and reconciliation every day.
        let mut incidents = incidents.into_iter().filter(|incident| !matches!(incident, Incident::Wait(_)));
        for hour in 1_u64.. {
            if world.now >= deleted_at {
                break;
            }
            incidents.by_ref().take(3).for_each(|incident| world.apply(incident));
            world.now = world.now.plus(Duration::from_hours(1));
            if hour.is_multiple_of(24) {
                world.reconcile();
            }
            world.sweep();
            world.expire_held();
        }
        for row in &world.rows {
            let state = row.as_ref().map(|delivery| delivery.state);
            prop_assert!(state.is_some_and(DeliveryState::is_final), "{:?}", row);
        }
    }
}
