//! Deliveries in a world where everything goes wrong: messages come twice, late, out of order or never, senders die before
//! and after the POST, two work on the same delivery, and the endpoint is paused, disabled or deleted in between.
//!
//! The world is made of the same decisions that the functions carry out; only the store, the queue and the receiver are
//! played here. When the trouble is over, every delivery must have come to exactly one end.

use proptest::prelude::*;

use super::*;
use crate::endpoint::EndpointState;
use crate::health::{Health, HealthPolicy};
use crate::random::SystemRandom;
use crate::retry::RetrySchedule;

const DELIVERIES: usize = 4;

/// What happens next; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A sender takes a message, decides, and posts if it may.
    Begin { message: usize, status: u16 },
    /// A sender records what it posted.
    Finish(usize),
    /// A sender dies; its message comes again.
    Die(usize),
    /// A message comes twice.
    Double(usize),
    /// A message is lost, such as by a sender that died between recording an attempt and sending for the next.
    Lose(usize),
    /// The sweep runs.
    Sweep,
    /// Time goes by.
    Wait(u64),
    /// The customer pauses or resumes it.
    Pause(bool),
    /// The customer deletes it.
    Delete,
}

/// A delivery that a sender is at.
#[derive(Debug)]
struct AtWork {
    nudge: Nudge,
    read: Delivery,
    attempt: Attempt,
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    queued: Vec<Delivery>,
    rows: Vec<Option<Delivery>>,
    sweep_at: Vec<Option<Timestamp>>,
    messages: Vec<Nudge>,
    at_work: Vec<AtWork>,
    /// What the customer wishes of the endpoint; `None` when it is deleted.
    endpoint: Option<EndpointState>,
    health: Health,
    look_at: Option<Timestamp>,
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
                let id = DeliveryId { event: crate::id::EventId::new(now, &SystemRandom), endpoint };
                Delivery::unattempted(project, id, EventType::Aml, None)
            })
            .collect();
        Self {
            now,
            rows: vec![None; DELIVERIES],
            sweep_at: vec![None; DELIVERIES],
            messages: queued.iter().map(Delivery::next_nudge).collect(),
            queued,
            at_work: Vec::new(),
            endpoint: Some(EndpointState::Active),
            health: Health::unknown(project, endpoint),
            look_at: None,
            policy: "failures=3,over=10s,pause=30s,longest=15m,warn=1h,disable=5h".parse().unwrap(),
            schedule: "5s,5m,30m,2h".parse().unwrap(),
        }
    }

    fn index(&self, id: DeliveryId) -> usize {
        self.queued.iter().position(|delivery| delivery.id == id).unwrap()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Begin { message, status } if !self.messages.is_empty() => {
                let nudge = self.messages.remove(message % self.messages.len());
                self.begin(nudge, status);
            }
            Happening::Finish(which) if !self.at_work.is_empty() => {
                let at_work = self.at_work.remove(which % self.at_work.len());
                self.finish(at_work);
            }
            Happening::Die(which) if !self.at_work.is_empty() => {
                let at_work = self.at_work.remove(which % self.at_work.len());
                self.messages.push(at_work.nudge);
            }
            Happening::Double(message) if !self.messages.is_empty() => {
                self.messages.push(self.messages[message % self.messages.len()].clone());
            }
            Happening::Lose(message) if !self.messages.is_empty() => {
                self.messages.remove(message % self.messages.len());
            }
            Happening::Sweep => self.sweep(),
            Happening::Wait(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
            Happening::Pause(true) => self.endpoint = self.endpoint.map(|_| EndpointState::Paused),
            Happening::Pause(false) => self.resume(),
            Happening::Delete => {
                self.endpoint = None;
                self.look_at = Some(self.now);
            }
            _ => {}
        }
    }

    fn resume(&mut self) {
        self.endpoint = self.endpoint.map(|_| EndpointState::Active);
        self.health = self.health.clone().enabled();
        self.look_at = Some(self.now);
    }

    fn begin(&mut self, nudge: Nudge, status: u16) {
        let index = self.index(nudge.delivery_id);
        let read = self.rows[index].clone().unwrap_or_else(|| self.queued[index].clone());
        let gate = self.endpoint.map(|wish| self.health.gate(wish, self.now));
        match read.step(nudge.attempt, gate) {
            Step::Drop => {}
            Step::Cancel => self.write(index, read.clone().cancelled(), read.attempts_made()),
            Step::Hold(because) => {
                self.write(index, read.clone().held(because), read.attempts_made());
                self.note_held();
            }
            Step::StayHeld => self.note_held(),
            Step::Probe => {
                self.health = self.health.clone().probing(self.now);
                self.post(nudge, read, status);
            }
            Step::Attempt => self.post(nudge, read, status),
        }
    }

    fn post(&mut self, nudge: Nudge, read: Delivery, status: u16) {
        let reason = (status != 200).then_some(FailureReason::Status);
        let number = read.attempts_made() + 1;
        let phases = Phases::default();
        let attempt =
            Attempt { number, at: self.now, duration_ms: 100, phases, status: Some(status), reason, response: None };
        self.at_work.push(AtWork { nudge, read, attempt });
    }

    fn finish(&mut self, AtWork { read, attempt, .. }: AtWork) {
        self.health = self.health.clone().after(&attempt, None, &self.policy);
        if self.health.pause.is_none() {
            self.look_at = Some(self.now);
        }
        let made_before = read.attempts_made();
        let wait = self.schedule.delay_after(attempt.number, 0.5, None);
        self.write(self.index(read.id), read.after(attempt, wait), made_before);
    }

    fn note_held(&mut self) {
        self.health = self.health.clone().holding(self.now);
        self.look_at = Some(self.now);
    }

    /// The store's conditional write: only if the delivery still waits after just `made_before` attempts.
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
            self.messages.push(next.next_nudge());
        }
        self.rows[index] = Some(next);
    }

    fn sweep(&mut self) {
        let horizon = self.now.plus(SWEEP_AHEAD);
        for index in 0..DELIVERIES {
            if self.sweep_at[index].is_some_and(|sweep_at| sweep_at <= horizon) {
                let delivery = self.rows[index].clone().unwrap();
                let reminder = remind(delivery.next_attempt_at.unwrap(), self.now);
                self.sweep_at[index] = Some(reminder.sweep_at);
                self.messages.push(delivery.next_nudge());
            }
        }
        if self.look_at.is_some_and(|look_at| look_at <= horizon) {
            self.look_after(horizon);
        }
    }

    fn look_after(&mut self, horizon: Timestamp) {
        let wish = self.endpoint;
        let drain =
            wish.map_or(Some(u32::MAX), |wish| self.health.drain(wish, self.now, horizon).map(|drain| drain.at_most));
        let is_held = |row: &Option<Delivery>| row.as_ref().is_some_and(|row| row.state == DeliveryState::Held);
        let held: Vec<usize> = (0..DELIVERIES).filter(|index| is_held(&self.rows[*index])).collect();
        let at_most = drain.unwrap_or(0) as usize;
        for index in held.iter().copied().take(at_most) {
            let released = self.rows[index].clone().unwrap().released(self.now);
            let made = released.attempts_made();
            self.write(index, released, made);
        }
        self.look_at = match wish {
            Some(wish) => self.health.next_look(wish, self.now, held.len() > at_most),
            None => (held.len() > at_most).then_some(self.now),
        };
    }

    /// What the daily run does for first messages that were lost.
    fn reconcile(&mut self) {
        for (row, queued) in self.rows.iter().zip(&self.queued) {
            if row.is_none() {
                self.messages.push(queued.next_nudge());
            }
        }
    }

    /// The trouble is over: the receiver takes everything, the endpoint is on, nobody dies.
    fn settle(&mut self) {
        self.messages.extend(self.at_work.drain(..).map(|at_work| at_work.nudge));
        if self.endpoint == Some(EndpointState::Paused) || self.health.disabled.is_some() {
            self.resume();
        }
        for _ in 0..40 {
            self.now = self.now.plus(Duration::from_mins(16));
            self.reconcile();
            self.sweep();
            while !self.messages.is_empty() {
                self.happen(Happening::Begin { message: 0, status: 200 });
                self.happen(Happening::Finish(0));
            }
        }
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let status = prop_oneof![3 => Just(200), 4 => Just(500), 2 => Just(503), 1 => Just(410)];
    prop_oneof![
        8 => (0..20_usize, status).prop_map(|(message, status)| Happening::Begin { message, status }),
        6 => (0..20_usize).prop_map(Happening::Finish),
        2 => (0..20_usize).prop_map(Happening::Die),
        2 => (0..20_usize).prop_map(Happening::Double),
        1 => (0..20_usize).prop_map(Happening::Lose),
        3 => Just(Happening::Sweep),
        4 => prop_oneof![1..10_u64, 30..400_u64, 1_800..20_000_u64].prop_map(Happening::Wait),
        1 => any::<bool>().prop_map(Happening::Pause),
    ]
}

fn check_attempts(delivery: &Delivery) -> Result<(), TestCaseError> {
    let numbers: Vec<u8> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
    let expected: Vec<u8> = (1..=delivery.attempts_made()).collect();
    prop_assert_eq!(numbers, expected, "attempts are counted once and in order");
    prop_assert!(delivery.attempts_made() <= 5);
    prop_assert_eq!(delivery.next_attempt_at.is_some(), delivery.state == DeliveryState::Waiting);
    prop_assert_eq!(delivery.held_because.is_some(), delivery.state == DeliveryState::Held);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_delivery_comes_to_exactly_one_end(
        mut happenings in proptest::collection::vec(happening(), 0..120),
        deleted_at in proptest::option::weighted(0.2, 0..120_usize),
    ) {
        if let Some(at) = deleted_at {
            happenings.insert(at.min(happenings.len()), Happening::Delete);
        }
        let mut world = World::new();
        for happening in happenings {
            let before = world.rows.clone();
            world.happen(happening);
            for (before, after) in before.iter().zip(&world.rows) {
                if let Some(ended) = before.as_ref().filter(|delivery| delivery.state.is_final()) {
                    prop_assert_eq!(Some(ended), after.as_ref(), "an end is never left");
                }
            }
        }
        world.settle();
        for row in &world.rows {
            let delivery = row.as_ref().expect("every delivery is recorded in the end");
            check_attempts(delivery)?;
            let was_taken = delivery.attempts.last().is_some_and(Attempt::succeeded);
            match delivery.state {
                DeliveryState::Delivered => prop_assert!(was_taken),
                DeliveryState::Failed => prop_assert!(!was_taken && delivery.attempts_made() == 5),
                DeliveryState::Cancelled => prop_assert!(!was_taken && deleted_at.is_some()),
                DeliveryState::Queued | DeliveryState::Waiting | DeliveryState::Held => {
                    prop_assert!(false, "left {} at {:?}", delivery.state, world);
                }
            }
        }
    }
}
