//! The simulated senders, row, sweep and receiver.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::health::testing::{ACTIVE, attempt, health, now};
use crate::webhooks::health::*;
use crate::webhooks::retry::{DEFAULT_SCHEDULE, RetrySchedule};

const SENDERS: usize = 50;

/// How long a sender uses the health that it read.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Steps of the simulation a second.
pub(super) const TICKS: u64 = 10;

/// Duration of an attempt.
const DURATION_MS: u32 = 100;

/// Numbers from 0 to 1 that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap();
        f64::from(upper) / 2_f64.powi(32)
    }
}

/// One sender's copy of the health.
struct Sender {
    local: LocalHealth,
    version: u64,
    read_at: Timestamp,
    held_at: Option<Timestamp>,
}

pub(super) struct World {
    pub(super) tick: u64,
    chance: Chance,
    /// Share of requests that the receiver rejects, and the status with which it does.
    rejected: f64,
    status: u16,
    /// Number of requests that the receiver accepts in a second, and how many it has accepted in this one.
    pub(super) capacity: u32,
    accepted_this_second: u32,
    pub(super) row: Health,
    version: u64,
    senders: Vec<Sender>,
    pub(super) policy: HealthPolicy,
    schedule: RetrySchedule,
    /// Numbers of the next attempts of held deliveries.
    pub(super) held: VecDeque<u8>,
    due: BTreeMap<u64, Vec<u8>>,
    pub(super) measured: Measured,
}

/// What was observed since [`World::measure_from_now`].
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Measured {
    pub(super) max_held: usize,
    pub(super) openings: u32,
    pub(super) rejected: u32,
    /// Write units that the row consumed, rejected writes included.
    pub(super) writes: u32,
    writes_this_second: u32,
    pub(super) max_writes_a_second: u32,
}

fn at(tick: u64) -> Timestamp {
    now().plus(Duration::from_millis(tick * 1000 / TICKS))
}

impl World {
    /// A receiver that has accepted every request for a minute.
    pub(super) fn new(seed: u64) -> Self {
        let row = health();
        let sender = || Sender { local: LocalHealth::new(row.clone()), version: 0, read_at: at(0), held_at: None };
        let mut world = Self {
            tick: 0,
            chance: Chance(seed),
            rejected: 0.0,
            status: 503,
            capacity: u32::MAX,
            accepted_this_second: 0,
            senders: (0..SENDERS).map(|_| sender()).collect(),
            row,
            version: 0,
            policy: DEFAULT_POLICY.parse().unwrap(),
            schedule: DEFAULT_SCHEDULE.parse().unwrap(),
            held: VecDeque::new(),
            due: BTreeMap::new(),
            measured: Measured::default(),
        };
        world.run(60, 20);
        world
    }

    /// From now on, the receiver rejects this share of all requests with this status.
    pub(super) fn rejecting(mut self, share: f64, status: u16) -> Self {
        (self.rejected, self.status, self.measured) = (share, status, Measured::default());
        self
    }

    /// A receiver that was down for a minute in which `events_a_second` were published.
    pub(super) fn after_an_outage(seed: u64, events_a_second: u64) -> Self {
        let mut world = Self::new(seed).rejecting(1.0, 503);
        world.run(60, events_a_second);
        world
    }

    pub(super) fn run(&mut self, seconds: u64, events_a_second: u64) {
        for _ in 0..seconds {
            self.pass_a_second(events_a_second);
        }
    }

    pub(super) fn pass_a_second(&mut self, events_a_second: u64) {
        self.measured.writes_this_second = 0;
        self.accepted_this_second = 0;
        for tick in 0..TICKS {
            let now = at(self.tick);
            if self.tick.is_multiple_of(60 * TICKS) {
                self.sweep(now);
            }
            let due = self.due.remove(&self.tick).unwrap_or_default();
            let new = events_a_second * (tick + 1) / TICKS - events_a_second * tick / TICKS;
            for number in due.into_iter().chain((0..new).map(|_| 1)) {
                self.handle(number, now);
            }
            self.measured.max_held = self.measured.max_held.max(self.held.len());
            self.tick += 1;
        }
        self.measured.max_writes_a_second = self.measured.max_writes_a_second.max(self.measured.writes_this_second);
    }

    /// The work of `webhook-sender` for one message.
    fn handle(&mut self, number: u8, now: Timestamp) {
        let which = self.random_sender();
        if now.since(self.senders[which].read_at) >= MAX_AGE {
            self.read(which, now);
        }
        match self.senders[which].local.health().gate(ACTIVE, now) {
            Gate::Send => self.post(which, number, now),
            Gate::Probe if self.begin_probe(which, now) => self.post(which, number, now),
            Gate::Probe => self.handle(number, now),
            Gate::Hold(_) => {
                let sender = &mut self.senders[which];
                if sender.held_at.is_none_or(|held_at| now.since(held_at) >= MAX_AGE) {
                    sender.held_at = Some(now);
                    self.write(which, now, |health| Some(health.holding(now)));
                }
                self.held.push_back(number);
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is from 0 to 49")]
    fn random_sender(&mut self) -> usize {
        (self.chance.next() * f64::from(u32::try_from(SENDERS).unwrap())) as usize
    }

    fn post(&mut self, which: usize, number: u8, now: Timestamp) {
        let is_rejected = self.accepted_this_second >= self.capacity || self.chance.next() < self.rejected;
        self.accepted_this_second += u32::from(!is_rejected);
        self.measured.rejected += u32::from(is_rejected);
        let status = if is_rejected { self.status } else { 200 };
        let attempt = Attempt { duration_ms: DURATION_MS, ..attempt(now, Some(status)) };
        self.senders[which].local.note(&attempt, None, &self.policy);
        if is_rejected {
            self.retry(which, number, attempt.ended_at());
        }
        if let Some(due) = self.senders[which].local.due_write(now) {
            let stored = self.row.clone();
            self.write(which, now, |next| due.is_worth(&stored, &next).then_some(next));
        }
    }

    fn retry(&mut self, which: usize, number: u8, now: Timestamp) {
        let pause = self.senders[which].local.health().pause.map_or(Duration::ZERO, |pause| pause.until.since(now));
        let chance = self.chance.next();
        let Some(delay) = self.schedule.delay_after(number, chance, None) else { return };
        let ticks = u64::try_from(delay.max(pause).as_millis()).unwrap() * TICKS / 1000;
        self.due.entry(self.tick + ticks.max(1)).or_default().push(number + 1);
    }

    fn read(&mut self, which: usize, now: Timestamp) {
        let sender = &mut self.senders[which];
        sender.local.set_stored(self.row.clone(), now, &self.policy);
        (sender.version, sender.read_at) = (self.version, now);
    }

    fn begin_probe(&mut self, which: usize, now: Timestamp) -> bool {
        self.write(which, now, |health| (health.gate(ACTIVE, now) == Gate::Probe).then(|| health.probing(now)))
    }

    /// A write under the row's version. A sender whose version is old spends a write, reads, and decides again.
    fn write(&mut self, which: usize, now: Timestamp, change: impl Fn(Health) -> Option<Health>) -> bool {
        if self.senders[which].version != self.version {
            self.count_write();
            self.read(which, now);
        }
        let sender = &mut self.senders[which];
        let unwritten = sender.local.start_write();
        let Some(next) = change(unwritten.applied_to(self.row.clone(), &self.policy)) else {
            sender.local.put_back(unwritten, &self.policy);
            return false;
        };
        sender.local.finish_write(next.clone(), now, &self.policy);
        self.measured.openings += u32::from(self.row.pause.is_none() && next.pause.is_some());
        self.version += 1;
        sender.version = self.version;
        self.row = next;
        self.count_write();
        true
    }

    fn count_write(&mut self) {
        self.measured.writes += 1;
        self.measured.writes_this_second += 1;
    }

    /// The work of `webhook-retry` for the endpoint.
    fn sweep(&mut self, now: Timestamp) {
        let Some(drain) = self.row.drain(ACTIVE, now, now.plus(Duration::from_mins(1))) else { return };
        let count = self.held.len().min(drain.limit as usize);
        let from = self.tick.max(u64::try_from(drain.from.since(at(0)).as_millis()).unwrap() * TICKS / 1000);
        for (index, number) in self.held.drain(..count).enumerate() {
            let due = from + index as u64 * 60 * TICKS / u64::from(drain.limit);
            self.due.entry(due.max(self.tick)).or_default().push(number);
        }
        if count > 0 {
            self.row = self.row.clone().with_next_pace(!self.held.is_empty(), now);
            self.version += 1;
        }
    }
}
