//! A simulation of both lanes while receivers hang. It computes the table in `docs/scale.md`, at a fifth of the default size,
//! which gives the same percentages.
//!
//! Simulated are time, the queues, the calls to DynamoDB and the receivers. Health, lanes, slots and the retry schedule run the
//! production code with the defaults of the templates. The fast lane always has messages, so its rate is its capacity.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{AttemptTask, SendMessage};
use domain::webhooks::endpoint::SendingState;
use domain::webhooks::health::{DEFAULT_POLICY, Gate, Health, HealthPolicy, Lane, LocalHealth};
use domain::webhooks::retry::{DEFAULT_SCHEDULE, RetrySchedule};

use super::{SLOW_REQUEST, is_passed_on};
use crate::concurrency::{MAX_CONCURRENT_REQUESTS, MAX_SLOW_REQUESTS};
use crate::handler::{HELD_UP_AFTER, MAX_BATCHES};

/// A fifth of the defaults of `SenderConcurrency` and `SlowSenderConcurrency`, and of 5,000 receivers.
const FAST_SENDERS: usize = 10;
const SLOW_SENDERS: usize = 4;
const RECEIVERS: usize = 1000;

const BATCH: usize = 10;

/// Times in milliseconds: a response, an attempt that hangs, the calls to AWS of one batch, the cache of health rows.
const RESPONSE: u64 = 200;
const HANGS: u64 = 15_000;
const CALLS: u64 = 20;
const CACHE: u64 = 30_000;

/// Time within an invocation in which more messages are taken.
const LATEST_TAKE: u64 = 24_000;

const MINUTE: u64 = 60_000;
/// When the first receivers begin to hang, and how long the simulation goes on.
const HANG_FROM: u64 = MINUTE;
const END: u64 = HANG_FROM + 5 * MINUTE;

/// Which receivers hang.
#[derive(Clone, Copy)]
enum Hanging {
    /// 1 % of the receivers, all from the same moment on.
    Percent,
    /// Every receiver for one minute in a hundred, each at its own time: 1 % at any time.
    InTurn,
    /// One receiver that gets a tenth of all webhooks.
    Large,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    receiver: usize,
    attempt: u8,
}

/// The running invocation of a sender.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Invocation {
    started_at: u64,
    /// When the last of its requests ends.
    ends_at: u64,
    /// Number of batches that were taken and may not be done.
    batches: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A sender takes its next batch: the first of an invocation, or another one while it is held up.
    Free { sender: usize, invocation: Option<Invocation> },
    /// A request has been running for long.
    Slow { sender: usize, receiver: usize },
    /// An attempt ends, which took so many milliseconds.
    Ended { sender: usize, message: Message, took: u64 },
    /// A retry is visible in the queue of a lane.
    Due { is_slow: bool, message: Message },
}

struct World {
    hanging: Hanging,
    /// When the first receivers begin to hang.
    hang_from: u64,
    has_lanes: bool,
    now: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    /// The health rows.
    rows: Vec<Health>,
    /// The health that each sender knows, and when it was read.
    known: Vec<HashMap<usize, (LocalHealth, u64)>>,
    /// Number of slow requests of each sender's invocation, by receiver.
    slow_requests: Vec<HashMap<usize, usize>>,
    retries: VecDeque<Message>,
    slow_queue: VecDeque<Message>,
    policy: HealthPolicy,
    schedule: RetrySchedule,
    chance: u64,
    /// Webhooks to healthy receivers that the fast lane delivered in each minute.
    delivered: [u64; (END / MINUTE) as usize],
}

impl World {
    fn new(hanging: Hanging, hang_from: u64, has_lanes: bool) -> Self {
        let project = ProjectId::new(at(0), &SystemRandom);
        let health = |_| Health::unknown(project, EndpointId::new(at(0), &SystemRandom));
        let senders = FAST_SENDERS + if has_lanes { SLOW_SENDERS } else { 0 };
        Self {
            hanging,
            hang_from,
            has_lanes,
            now: 0,
            // The senders do not start in step.
            events: (0..senders)
                .map(|sender| Reverse((sender as u64 * 4, Event::Free { sender, invocation: None })))
                .collect(),
            rows: (0..RECEIVERS).map(health).collect(),
            known: vec![HashMap::new(); senders],
            slow_requests: vec![HashMap::new(); senders],
            retries: VecDeque::new(),
            slow_queue: VecDeque::new(),
            policy: DEFAULT_POLICY.parse().unwrap(),
            schedule: DEFAULT_SCHEDULE.parse().unwrap(),
            chance: 1,
            delivered: [0; (END / MINUTE) as usize],
        }
    }

    fn run(mut self) -> Self {
        while let Some(Reverse((time, event))) = self.events.pop() {
            if time >= END {
                break;
            }
            self.now = time;
            match event {
                Event::Free { sender, invocation } => self.take_batch(sender, invocation),
                Event::Slow { sender, receiver } => self.note_slow_request(sender, receiver),
                Event::Ended { sender, message, took } => self.end_attempt(sender, message, took),
                Event::Due { is_slow: true, message } => self.slow_queue.push_back(message),
                Event::Due { is_slow: false, message } => self.retries.push_back(message),
            }
        }
        self
    }

    fn take_batch(&mut self, sender: usize, invocation: Option<Invocation>) {
        let is_fast = sender < FAST_SENDERS;
        if invocation.is_none() {
            self.slow_requests[sender].clear();
        }
        let batch: Vec<Message> = (0..BATCH).filter_map(|_| self.next_message(is_fast)).collect();
        let mut posted: HashMap<usize, usize> = HashMap::new();
        let mut takes = CALLS;
        for message in batch {
            let gate = self.health(sender, message.receiver).gate(SendingState::Active, at(self.now));
            let lane = self.health(sender, message.receiver).lane(at(self.now));
            let is_marked = lane == Lane::Slow && is_passed_on(&self.task(message), None, Some(gate));
            if is_fast && self.has_lanes && (is_marked || self.has_closed_slots(sender, message.receiver)) {
                self.slow_queue.push_back(message);
            } else if let Gate::Send | Gate::Probe = gate {
                let position = posted.entry(message.receiver).or_default();
                *position += 1;
                takes = takes.max(CALLS + self.post(sender, message, *position, gate));
            }
        }
        let started = Invocation { started_at: self.now, ends_at: self.now, batches: 0 };
        self.continue_invocation(sender, invocation.unwrap_or(started), takes);
    }

    /// Plans the next batch of a sender: after the invocation, or in it while it is held up.
    fn continue_invocation(&mut self, sender: usize, invocation: Invocation, takes: u64) {
        let held_up_after = millis(HELD_UP_AFTER);
        let is_held_up = takes > held_up_after;
        let ends_at = invocation.ends_at.max(self.now + takes);
        let batches = invocation.batches + usize::from(is_held_up);
        let next = takes.min(held_up_after);
        let may_take = batches < MAX_BATCHES && self.now + next < invocation.started_at + LATEST_TAKE;
        if self.has_lanes && may_take && self.now + next < ends_at {
            let invocation = Some(Invocation { ends_at, batches, ..invocation });
            self.at(next.max(100), Event::Free { sender, invocation });
        } else {
            // An idle sender of the slow lane looks again soon.
            self.at((ends_at - self.now).max(100), Event::Free { sender, invocation: None });
        }
    }

    /// Posts the webhook of the message that is number `position` for its receiver in the batch. Returns how long that takes.
    fn post(&mut self, sender: usize, message: Message, position: usize, gate: Gate) -> u64 {
        let receiver = message.receiver;
        let wave = (position - 1) / MAX_CONCURRENT_REQUESTS;
        if gate == Gate::Probe {
            self.rows[receiver] = self.rows[receiver].clone().probing(at(self.now));
        }
        if !self.hangs(receiver) {
            let took = RESPONSE * (wave as u64 + 1);
            self.at(took, Event::Ended { sender, message, took: RESPONSE });
            return took;
        }
        let slow_after = millis(SLOW_REQUEST);
        if wave > 0 && self.has_lanes && sender < FAST_SENDERS {
            // It waits for a slot, and is passed on when the first requests turn out to be slow.
            self.at(slow_after, Event::Due { is_slow: true, message });
            return slow_after;
        }
        self.at(slow_after, Event::Slow { sender, receiver });
        let took = HANGS * (wave as u64 + 1);
        self.at(took, Event::Ended { sender, message, took: HANGS });
        took
    }

    fn note_slow_request(&mut self, sender: usize, receiver: usize) {
        if !self.has_lanes || sender >= FAST_SENDERS {
            return;
        }
        *self.slow_requests[sender].entry(receiver).or_default() += 1;
        self.rows[receiver] = self.health(sender, receiver).with_slow_request(at(self.now));
        self.refresh(sender, receiver);
    }

    fn has_closed_slots(&self, sender: usize, receiver: usize) -> bool {
        self.slow_requests[sender].get(&receiver).is_some_and(|count| *count >= MAX_SLOW_REQUESTS)
    }

    fn end_attempt(&mut self, sender: usize, message: Message, took: u64) {
        let Message { receiver, attempt: number } = message;
        let has_hung = took == HANGS;
        if !has_hung && sender < FAST_SENDERS && !self.is_to_hang(receiver) {
            self.delivered[usize::try_from(self.now / MINUTE).unwrap()] += 1;
        }
        let attempt = Attempt {
            number,
            at: at(self.now - took),
            duration_ms: u32::try_from(took).unwrap(),
            phases: Phases::default(),
            status: None,
            reason: has_hung.then_some(FailureReason::Timeout),
            response: None,
        };
        self.health(sender, receiver);
        let (known, read_at) = self.known[sender].get_mut(&receiver).unwrap();
        known.note(&attempt, None, &self.policy);
        if known.due_write(at(self.now)).is_some() {
            let written = known.start_write().applied_to(self.rows[receiver].clone(), &self.policy);
            known.finish_write(written.clone(), at(self.now), &self.policy);
            self.rows[receiver] = written;
            *read_at = self.now;
        }
        if has_hung {
            self.retry(sender, message);
        }
    }

    fn retry(&mut self, sender: usize, message: Message) {
        let Some(delay) = self.schedule.delay_after(message.attempt, 0.5, None) else { return };
        let is_slow = self.has_lanes && self.health(sender, message.receiver).lane(at(self.now)) == Lane::Slow;
        self.at(millis(delay), Event::Due { is_slow, message: Message { attempt: message.attempt + 1, ..message } });
    }

    /// The health of a receiver as the sender knows it: cached for 30 s.
    fn health(&mut self, sender: usize, receiver: usize) -> Health {
        let is_fresh = self.known[sender].get(&receiver).is_some_and(|(_, read_at)| self.now - read_at < CACHE);
        if !is_fresh {
            self.refresh(sender, receiver);
        }
        self.known[sender][&receiver].0.health().clone()
    }

    fn refresh(&mut self, sender: usize, receiver: usize) {
        let (row, now) = (self.rows[receiver].clone(), self.now);
        let (known, read_at) =
            self.known[sender].entry(receiver).or_insert_with(|| (LocalHealth::new(row.clone()), now));
        known.set_stored(row, at(now), &self.policy);
        *read_at = now;
    }

    fn next_message(&mut self, is_fast: bool) -> Option<Message> {
        if !is_fast {
            return self.slow_queue.pop_front();
        }
        let retry = self.retries.pop_front();
        Some(retry.unwrap_or_else(|| Message { receiver: self.random_receiver(), attempt: 1 }))
    }

    fn random_receiver(&mut self) -> usize {
        let drawn = self.draw();
        match self.hanging {
            Hanging::Large if drawn.is_multiple_of(10) => 0,
            _ => usize::try_from(self.draw()).unwrap() % RECEIVERS,
        }
    }

    /// The same numbers in every run (a linear congruential generator).
    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.chance >> 33
    }

    /// Whether a receiver hangs for good at some time. Its webhooks do not count.
    fn is_to_hang(&self, receiver: usize) -> bool {
        match self.hanging {
            Hanging::Percent => receiver.is_multiple_of(100),
            Hanging::InTurn => false,
            Hanging::Large => receiver == 0,
        }
    }

    fn hangs(&self, receiver: usize) -> bool {
        let has_begun = self.now >= self.hang_from;
        match self.hanging {
            Hanging::Percent | Hanging::Large => has_begun && self.is_to_hang(receiver),
            Hanging::InTurn => {
                let offset = receiver as u64 * 100 * MINUTE / RECEIVERS as u64;
                has_begun && (self.now + offset) % (100 * MINUTE) < MINUTE
            }
        }
    }

    fn task(&self, message: Message) -> SendMessage {
        let health = &self.rows[message.receiver];
        let event = EventId::new(at(self.now), &SystemRandom);
        let id = DeliveryId { event, endpoint: health.endpoint_id };
        AttemptTask::again(health.project_id, id, message.attempt).into()
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.events.push(Reverse((self.now + delay, event)));
    }

    /// Webhooks that the fast lane delivered: in the first minute in which receivers hung, and in a minute on average.
    fn rates(&self) -> [u64; 2] {
        let begun = usize::try_from(HANG_FROM / MINUTE).unwrap();
        let minutes = &self.delivered[begun..];
        [minutes[0], minutes.iter().sum::<u64>() / minutes.len() as u64]
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

fn at(milliseconds: u64) -> Timestamp {
    let start: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
    start.plus(Duration::from_millis(milliseconds))
}

#[test]
fn the_fast_lane_keeps_its_rate_while_receivers_hang_and_matches_the_table_in_docs_scale() {
    let mut table = String::from(
        "| receivers that hang for 15 s | first minute, one lane | five minutes, one lane \
         | first minute, two lanes | five minutes, two lanes |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for (hanging, name) in [
        (Hanging::Percent, "1 % of 5,000, all from one moment on"),
        (Hanging::InTurn, "each for one minute in a hundred, 1 % at any time"),
        (Hanging::Large, "one that gets a tenth of all webhooks"),
    ] {
        let [first, average] = World::new(hanging, END, true).run().rates();
        let [one, two] = [false, true].map(|has_lanes| {
            let [first_minute, five_minutes] = World::new(hanging, HANG_FROM, has_lanes).run().rates();
            [first_minute * 100 / first, five_minutes * 100 / average]
        });
        assert!(two[1] >= 80, "the fast lane keeps at least 80 % of its rate while {name} hang, not {} %", two[1]);
        let row = format!("| {name} | {} % | {} % | {} % | {} % |\n", one[0], one[1], two[0], two[1]);
        table.push_str(&row);
    }
    let page = include_str!("../../../../docs/scale.md");
    assert!(page.contains(&table), "docs/scale.md must contain this table:\n{table}");
}
