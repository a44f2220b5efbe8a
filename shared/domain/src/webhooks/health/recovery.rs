//! A simulation of a receiver's outage, second by second. It computes the table in `docs/scale.md`.
//!
//! Simulated are time, a constant stream of events, and a receiver that is down for a while and responds without delay.
//! Retries, breaker and drain run the production code with the default schedule and policy of the templates.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::*;
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::retry::{DEFAULT_SCHEDULE, RetrySchedule};

const ACTIVE: SendingState = SendingState::Active;

/// Second at which the outage starts.
const DOWN_FROM: u64 = 600;

/// A delivery that has not ended.
#[derive(Debug, Clone, Copy)]
struct Pending {
    /// Second at which its event was accepted.
    accepted_at: u64,
    /// Number of its next attempt.
    attempt: u8,
}

struct World {
    up_at: u64,
    second: u64,
    health: Health,
    policy: HealthPolicy,
    schedule: RetrySchedule,
    held: VecDeque<Pending>,
    due: BTreeMap<u64, Vec<Pending>>,
    measured: Measured,
}

/// What the receiver and the customer observe.
#[derive(Debug, Default)]
struct Measured {
    posts_while_down: u32,
    posts_this_second: u32,
    max_posts_a_second: u32,
    held_at_recovery: usize,
    /// Seconds from the recovery to the first delivery.
    first_delivery_after: Option<u64>,
    failed_for_good: u32,
    /// Events accepted before the recovery that are not delivered yet.
    backlog: u64,
}

impl World {
    fn new(down_for: u64) -> Self {
        let project = ProjectId::new(at(0), &SystemRandom);
        Self {
            up_at: DOWN_FROM + down_for,
            second: 0,
            health: Health::unknown(project, EndpointId::new(at(0), &SystemRandom)),
            policy: DEFAULT_POLICY.parse().unwrap(),
            schedule: DEFAULT_SCHEDULE.parse().unwrap(),
            held: VecDeque::new(),
            due: BTreeMap::new(),
            measured: Measured::default(),
        }
    }

    fn pass_a_second(&mut self, events: u32) {
        self.measured.posts_this_second = 0;
        if self.second == self.up_at {
            self.measured.held_at_recovery = self.held.len();
        }
        if self.second.is_multiple_of(60) {
            self.sweep();
        }
        for pending in self.due.remove(&self.second).unwrap_or_default() {
            self.handle(pending);
        }
        for _ in 0..events {
            self.measured.backlog += u64::from(self.second < self.up_at);
            self.handle(Pending { accepted_at: self.second, attempt: 1 });
        }
        self.measured.max_posts_a_second = self.measured.max_posts_a_second.max(self.measured.posts_this_second);
        self.second += 1;
    }

    /// The work of `webhook-sender`.
    fn handle(&mut self, pending: Pending) {
        let now = at(self.second);
        match self.health.gate(ACTIVE, now) {
            Gate::Hold(_) => {
                self.health = self.health.clone().holding(now);
                self.held.push_back(pending);
            }
            Gate::Probe => {
                self.health = self.health.clone().probing(now);
                self.post(pending);
            }
            Gate::Send => self.post(pending),
        }
    }

    fn post(&mut self, pending: Pending) {
        self.measured.posts_this_second += 1;
        let is_down = (DOWN_FROM..self.up_at).contains(&self.second);
        let reason = is_down.then_some(FailureReason::Refused);
        let (number, at) = (pending.attempt, at(self.second));
        let attempt =
            Attempt { number, at, duration_ms: 0, phases: Phases::default(), status: None, reason, response: None };
        self.health = self.health.clone().after(&attempt, None, &self.policy);
        if is_down {
            self.measured.posts_while_down += 1;
            return self.fail(pending);
        }
        if self.second >= self.up_at {
            self.measured.first_delivery_after.get_or_insert(self.second - self.up_at);
        }
        self.measured.backlog -= u64::from(pending.accepted_at < self.up_at);
    }

    fn fail(&mut self, pending: Pending) {
        // Jitter that is spread evenly and the same in every run.
        let chance = f64::from(self.measured.posts_while_down % 100) / 100.0;
        let pause = self.health.pause.map_or(Duration::ZERO, |pause| pause.until.since(at(self.second)));
        match self.schedule.delay_after(pending.attempt, chance, None) {
            Some(delay) => {
                let due = self.second + delay.max(pause).as_secs().max(1);
                self.due.entry(due).or_default().push(Pending { attempt: pending.attempt + 1, ..pending });
            }
            None => self.measured.failed_for_good += 1,
        }
    }

    /// The work of `webhook-retry` for the endpoint.
    fn sweep(&mut self) {
        let now = at(self.second);
        let Some(drain) = self.health.drain(ACTIVE, now, now.plus(Duration::from_mins(1))) else { return };
        let count = self.held.len().min(drain.limit as usize);
        let from = drain.from.since(at(0)).as_secs().max(self.second);
        for (index, pending) in self.held.drain(..count).enumerate() {
            let due = from + index as u64 * 60 / u64::from(drain.limit);
            self.due.entry(due).or_default().push(pending);
        }
        let was_full = !self.held.is_empty();
        self.health = self.health.clone().with_next_pace(was_full, now);
    }
}

fn at(second: u64) -> Timestamp {
    let start: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
    start.plus(Duration::from_secs(second))
}

fn table_row(duration: &str, seconds: u64, events: u32) -> String {
    let mut world = World::new(seconds);
    while world.second <= world.up_at || world.measured.backlog > 0 {
        world.pass_a_second(events);
    }
    let recovered_after = (world.second - world.up_at).div_ceil(60);
    let Measured {
        posts_while_down, max_posts_a_second, held_at_recovery, first_delivery_after, failed_for_good, ..
    } = world.measured;
    let first_delivery_after = first_delivery_after.unwrap();
    assert_eq!(failed_for_good, 0, "no delivery fails for good in an outage of {duration}");
    format!(
        "| {duration} | {events} | {posts_while_down} | {held_at_recovery} | {first_delivery_after} s \
         | {recovered_after} min | {max_posts_a_second} |\n"
    )
}

#[test]
fn recovery_after_an_outage_matches_the_table_in_docs_scale() {
    let mut table = String::from(
        "| outage | events/s | attempts during the outage | held at its end | first delivery after \
         | all delivered after | peak attempts/s |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (duration, seconds) in [("6 min", 360), ("1 h", 3600), ("10 h", 36_000)] {
        for events in [1, 10] {
            table += &table_row(duration, seconds, events);
        }
    }
    table += &table_row("1 h", 3600, 100);
    let page = include_str!("../../../../../docs/scale.md");
    assert!(page.contains(&table), "docs/scale.md must contain this table:\n{table}");
}
