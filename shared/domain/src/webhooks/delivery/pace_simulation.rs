//! A simulation of an endpoint with a pace: senders with different clocks take slots, crash before and after each write, and fall
//! behind, while messages are lost and duplicated.
//!
//! In any period, the webhooks that start are at most those that the pace allows in that period and 61 seconds, and one more. If second
//! slots were used later than a minute after their time, the longest delay replaces the minute. After the faults end, every delivery is
//! delivered, also if all messages arrive late.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::slots::{Slot, SlotClaim, SlotState};
use super::*;
use crate::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::endpoint::{Pace, SendingState};
use crate::webhooks::event::EventType;
use crate::webhooks::health::Health;

/// Enough deliveries to take all slots of 15 minutes at the lowest pace, so that some are held.
const DELIVERIES: usize = 40;

/// How many milliseconds the clocks of the senders are behind the middle one.
const CLOCKS: [u64; 3] = [0, 200, 400];
const MAX_DIFFERENCE: i64 = 400;

/// Time after which the message of a sender that crashed is visible again.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(50);

/// An incident. The numbers select a message or a sender, modulo how many there are.
#[derive(Debug, Clone, Copy)]
enum Incident {
    /// A sender with one of the clocks receives a message, takes a slot if it needs one, and sends the webhook if it may start.
    Begin {
        message: usize,
        clock: usize,
        is_accepted: bool,
    },
    /// A sender writes its result.
    Finish(usize),
    /// A sender crashes before it writes its result.
    Crash(usize),
    /// A sender crashes after it wrote its result.
    CrashAfterWrite(usize),
    Duplicate(usize),
    Lose(usize),
    Sweep,
    /// This many milliseconds pass.
    Wait(u64),
}

/// What a sender writes.
#[derive(Debug, Clone, Copy)]
enum Write {
    Slot(Slot),
    Hold,
    Attempt { is_accepted: bool },
}

#[derive(Debug)]
struct Sender {
    task: AttemptTask,
    read: Delivery,
    clock: usize,
    write: Write,
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    pace: Pace,
    /// The row of the endpoint's slots.
    next_free: Option<i64>,
    queued: Vec<Delivery>,
    rows: Vec<Option<Delivery>>,
    sweep_at: Vec<Option<Timestamp>>,
    /// By how much messages arrive late.
    lag: Duration,
    /// The longest delay after a second slot.
    longest_delay: Duration,
    /// Messages, each with the time from which on it is visible.
    messages: Vec<(Timestamp, AttemptTask)>,
    senders: Vec<Sender>,
    health: Health,
    check_at: Option<Timestamp>,
    /// When webhooks started, without those of duplicated messages.
    starts: Vec<Timestamp>,
    used: HashSet<(DeliveryId, u8, Timestamp)>,
    was_held: bool,
}

impl World {
    fn new(pace: u32) -> Self {
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let (project, endpoint) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
        let id = |_| DeliveryId { event: EventId::new(now, &SystemRandom), endpoint };
        let queued: Vec<Delivery> =
            (0..DELIVERIES).map(|index| Delivery::unattempted(project, id(index), EventType::Aml, None)).collect();
        Self {
            now,
            pace: Pace::try_from(pace).unwrap(),
            next_free: None,
            rows: vec![None; DELIVERIES],
            sweep_at: vec![None; DELIVERIES],
            lag: Duration::ZERO,
            longest_delay: Duration::ZERO,
            messages: queued.iter().map(|delivery| (now, delivery.next_task())).collect(),
            queued,
            senders: Vec::new(),
            health: Health::unknown(project, endpoint),
            check_at: None,
            starts: Vec::new(),
            used: HashSet::new(),
            was_held: false,
        }
    }

    fn index(&self, id: DeliveryId) -> usize {
        self.queued.iter().position(|delivery| delivery.id == id).unwrap()
    }

    fn clock(&self, clock: usize) -> Timestamp {
        self.now.minus(Duration::from_millis(CLOCKS[clock % CLOCKS.len()]))
    }

    fn apply(&mut self, incident: Incident) {
        match incident {
            Incident::Begin { message, clock, is_accepted } => {
                let visible: Vec<usize> =
                    (0..self.messages.len()).filter(|index| self.messages[*index].0 <= self.now).collect();
                if !visible.is_empty() {
                    let (_, task) = self.messages.remove(visible[message % visible.len()]);
                    self.begin(task, clock, is_accepted);
                }
            }
            Incident::Finish(which) if !self.senders.is_empty() => {
                let Sender { read, clock, write, .. } = self.senders.remove(which % self.senders.len());
                let (next, reminder) = self.write_result(read, clock, write);
                if let Some(reminder) = reminder {
                    self.send_reminder(&next, reminder);
                }
                if next.state == DeliveryState::Held {
                    self.schedule_check(clock);
                }
            }
            Incident::Crash(which) if !self.senders.is_empty() => {
                let sender = self.senders.remove(which % self.senders.len());
                self.messages.push((self.now.plus(VISIBILITY_TIMEOUT), sender.task));
            }
            Incident::CrashAfterWrite(which) if !self.senders.is_empty() => {
                let Sender { task, read, clock, write } = self.senders.remove(which % self.senders.len());
                self.write_result(read, clock, write);
                self.messages.push((self.now.plus(VISIBILITY_TIMEOUT), task));
            }
            Incident::Duplicate(message) if !self.messages.is_empty() => {
                self.messages.push(self.messages[message % self.messages.len()].clone());
            }
            Incident::Lose(message) if !self.messages.is_empty() => {
                let (_, lost) = self.messages.remove(message % self.messages.len());
                // The daily reconciliation sends another first message, and checks endpoints with held deliveries.
                let reconciled_at = self.now.plus(Duration::from_hours(1));
                match &self.rows[self.index(lost.delivery_id)] {
                    None => self.messages.push((reconciled_at, lost)),
                    Some(row) if row.state == DeliveryState::Held => {
                        self.check_at.get_or_insert(reconciled_at);
                    }
                    Some(_) => {}
                }
            }
            Incident::Sweep => self.sweep(),
            Incident::Wait(millis) => self.now = self.now.plus(Duration::from_millis(millis)),
            _ => {}
        }
    }

    fn begin(&mut self, task: AttemptTask, clock: usize, is_accepted: bool) {
        let index = self.index(task.delivery_id);
        let read = self.rows[index].clone().unwrap_or_else(|| self.queued[index].clone());
        if !read.awaits(task.attempt) {
            return;
        }
        let now = self.clock(clock);
        let open = read.slot.filter(|slot| slot.state(self.pace, now) == SlotState::Open);
        if let Some(slot) = open.filter(|slot| slot.is_second) {
            self.longest_delay = self.longest_delay.max(self.now.since(slot.at));
        }
        let write = match read.slot {
            Some(slot) if slot.state(self.pace, now) == SlotState::Ahead => {
                if slot.is_near(now) {
                    self.send_reminder(&read, remind(slot.at, now));
                }
                return;
            }
            Some(_) if open.is_some() => Write::Attempt { is_accepted },
            lapsed => self.take_slot(lapsed, now, is_accepted),
        };
        let is_sent = matches!(write, Write::Attempt { .. });
        if is_sent && open.is_none_or(|slot| self.used.insert((read.id, task.attempt, slot.at))) {
            self.starts.push(self.now);
        }
        self.senders.push(Sender { task, read, clock, write });
    }

    fn take_slot(&mut self, lapsed: Option<Slot>, now: Timestamp, is_accepted: bool) -> Write {
        let slots = SlotClaim { pace: self.pace, count: 1, now }.slots(self.next_free);
        let Some(slot) = slots.each().next() else { return Write::Hold };
        self.next_free = Some(slots.next_free());
        let slot = slot.in_place_of(lapsed);
        if slot.state(self.pace, now) == SlotState::Ahead { Write::Slot(slot) } else { Write::Attempt { is_accepted } }
    }

    /// Writes the result of a sender, if the store's condition is met. Returns the delivery after it, and the plan of the next attempt.
    fn write_result(&mut self, read: Delivery, clock: usize, write: Write) -> (Delivery, Option<Reminder>) {
        let (now, made) = (self.clock(clock), read.attempts_made());
        let next = match write {
            Write::Slot(slot) => read.waiting_for_slot(slot),
            Write::Hold => read.held(DeliveryHoldReason::Pace),
            Write::Attempt { is_accepted } => {
                let (number, phases) = (made + 1, Phases::default());
                let reason = (!is_accepted).then_some(FailureReason::Timeout);
                let attempt = Attempt { number, at: now, duration_ms: 0, phases, status: None, reason, response: None };
                read.after(attempt, (made < 8).then_some(Duration::from_secs(5)))
            }
        };
        let reminder = self.write(next.clone(), made, now);
        (next, reminder)
    }

    /// Does a conditional write as the store does it. Returns the plan of the next attempt if it succeeded.
    fn write(&mut self, next: Delivery, made_before: u8, now: Timestamp) -> Option<Reminder> {
        let (index, is_hold) = (self.index(next.id), next.state == DeliveryState::Held);
        let is_awaited = match &self.rows[index] {
            None => made_before == 0,
            Some(stored) => {
                let is_under_way =
                    stored.state == DeliveryState::Waiting || stored.state == DeliveryState::Held && !is_hold;
                is_under_way && stored.attempts_made() == made_before
            }
        };
        if !is_awaited {
            return None;
        }
        self.was_held |= is_hold;
        let reminder = next.next_attempt_at.map(|due| remind(due, now));
        self.sweep_at[index] = reminder.map(|reminder| reminder.sweep_at);
        self.rows[index] = Some(next);
        reminder
    }

    /// Sends the message for the next attempt, unless it is left to the sweep.
    fn send_reminder(&mut self, delivery: &Delivery, reminder: Reminder) {
        if let Some(delay) = reminder.message_delay {
            let whole_seconds = Duration::from_secs(delay.as_millis().div_ceil(1000).try_into().unwrap());
            self.messages.push((self.now.plus(whole_seconds + self.lag), delivery.next_task()));
        }
    }

    fn schedule_check(&mut self, clock: usize) {
        self.health = self.health.clone().holding(self.clock(clock));
        self.check_at = Some(self.now);
    }

    fn sweep(&mut self) {
        let horizon = self.now.plus(SWEEP_AHEAD);
        for index in 0..DELIVERIES {
            if self.sweep_at[index].is_some_and(|sweep_at| sweep_at <= horizon) {
                let delivery = self.rows[index].clone().unwrap();
                let reminder = remind(delivery.next_attempt_at.unwrap(), self.now);
                self.sweep_at[index] = Some(reminder.sweep_at);
                let delay = reminder.message_delay.unwrap_or_default();
                self.messages.push((self.now.plus(delay + self.lag), delivery.next_task()));
            }
        }
        if self.check_at.is_some_and(|check_at| check_at <= horizon) {
            self.check_endpoint(horizon);
        }
    }

    fn check_endpoint(&mut self, horizon: Timestamp) {
        let drain = self.health.drain(SendingState::Active, self.now, horizon).unwrap().at_pace(Some(self.pace));
        let is_held = |row: &Option<Delivery>| row.as_ref().is_some_and(|row| row.state == DeliveryState::Held);
        let held: Vec<usize> = (0..DELIVERIES).filter(|index| is_held(&self.rows[*index])).collect();
        for (index, at) in held.iter().zip(drain.send_times()) {
            let held = self.rows[*index].clone().unwrap();
            let made = held.attempts_made();
            let released = held.released(at);
            if let Some(reminder) = self.write(released.clone(), made, self.now) {
                self.send_reminder(&released, reminder);
            }
        }
        let has_more = held.len() > drain.limit as usize;
        self.check_at = self.health.next_check(SendingState::Active, self.now, has_more);
    }

    /// Runs without faults until all deliveries have ended. Every receiver accepts.
    fn run_to_completion(&mut self) {
        for second in 0..20_000_u64 {
            self.now = self.now.plus(Duration::from_secs(1));
            if second % 60 == 0 {
                self.sweep();
            }
            while self.messages.iter().any(|(visible_at, _)| *visible_at <= self.now) {
                self.apply(Incident::Begin { message: 0, clock: self.starts.len(), is_accepted: true });
            }
            while !self.senders.is_empty() {
                self.apply(Incident::Finish(0));
            }
            if self.rows.iter().flatten().filter(|row| row.state.is_final()).count() == DELIVERIES {
                return;
            }
        }
    }

    /// The largest number by which the starts of any period exceed what the pace allows in it.
    fn burst(&self) -> i64 {
        let interval = i64::try_from(self.pace.interval().as_millis()).unwrap();
        let starts: Vec<i64> = self.starts.iter().map(|at| at.as_millis()).collect();
        let excess = |(first, last): (usize, usize)| {
            let allowed = (starts[last] - starts[first]) / interval;
            i64::try_from(last - first + 1).unwrap() - allowed
        };
        let periods = (0..starts.len()).flat_map(|first| (first..starts.len()).map(move |last| (first, last)));
        periods.map(excess).max().unwrap_or_default()
    }

    /// The burst that the rules permit if messages arrive up to `late` after their slots.
    fn permitted_burst(&self, late: Duration) -> i64 {
        let early_and_late = i64::try_from((Duration::from_secs(1) + late).as_millis()).unwrap() + MAX_DIFFERENCE;
        early_and_late / i64::try_from(self.pace.interval().as_millis()).unwrap() + 2
    }
}

fn incident() -> impl Strategy<Value = Incident> {
    let millis = prop_oneof![8 => 1..3_000_u64, 4 => 10_000..70_000_u64, 1 => 300_000..2_000_000_u64];
    let is_accepted = prop::bool::weighted(0.7);
    prop_oneof![
        12 => (0..80_usize, 0..3_usize, is_accepted)
            .prop_map(|(message, clock, is_accepted)| Incident::Begin { message, clock, is_accepted }),
        12 => (0..80_usize).prop_map(Incident::Finish),
        1 => (0..80_usize).prop_map(Incident::Crash),
        1 => (0..80_usize).prop_map(Incident::CrashAfterWrite),
        1 => (0..80_usize).prop_map(Incident::Duplicate),
        1 => (0..80_usize).prop_map(Incident::Lose),
        1 => Just(Incident::Sweep),
        2 => millis.prop_map(Incident::Wait),
    ]
}

proptest! {
    #[test]
    fn the_pace_is_kept_and_nothing_is_lost_whatever_fails(
        pace in prop_oneof![Just(2_u32), Just(6), Just(20)],
        incidents in proptest::collection::vec(incident(), 0..300),
    ) {
        let mut world = World::new(pace);
        for incident in incidents {
            world.apply(incident);
        }
        world.run_to_completion();
        for row in &world.rows {
            let state = row.as_ref().map(|row| row.state);
            prop_assert!(matches!(state, Some(DeliveryState::Delivered | DeliveryState::Failed)), "{:?}", row);
        }
        let permitted = world.permitted_burst(world.longest_delay.max(Duration::from_mins(1)));
        prop_assert!(world.burst() <= permitted, "{} > {}", world.burst(), permitted);
    }
}

#[test]
fn without_faults_a_receiver_gets_at_most_what_the_pace_allows_in_a_second_more() {
    for (pace, is_held) in [(2, true), (60, false), (600, false)] {
        let mut world = World::new(pace);
        world.run_to_completion();
        assert_eq!((world.starts.len(), world.was_held), (DELIVERIES, is_held));
        assert!(world.burst() <= world.permitted_burst(Duration::from_secs(1)), "{} at {pace}", world.burst());
    }
}

#[test]
fn a_receiver_whose_messages_arrive_late_gets_at_least_half_of_its_pace() {
    let (mut world, start) = (World::new(2), World::new(2).now);
    world.lag = Duration::from_mins(3);
    world.run_to_completion();
    assert_eq!(world.starts.len(), DELIVERIES);
    let (last, longest) = (world.starts[DELIVERIES - 1], Duration::from_secs(30) * 2 * 40 + Duration::from_mins(15));
    assert!(last.since(start) <= longest, "{:?}", last.since(start));
    let permitted = world.permitted_burst(world.lag + Duration::from_secs(1));
    assert!(world.burst() <= permitted, "{} > {permitted}", world.burst());
}
