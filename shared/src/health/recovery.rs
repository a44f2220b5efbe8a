//! What an outage of a receiver comes to, second by second, under the rules as they are: the table in `docs/scale.md`.
//!
//! Played here are time, a stream of events that never ends, and a receiver that is away for a while; its answers take no time.
//! Retries, breaker and drain are decided by the code that the functions run, with the schedule and the policy that the
//! template gives them.

use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::delivery::{FailureReason, Phases};
use crate::random::SystemRandom;
use crate::retry::RetrySchedule;

const ACTIVE: EndpointState = EndpointState::Active;

/// When the receiver goes away.
const AWAY_FROM: u64 = 600;

/// A delivery: when its event came, and which attempt is next.
#[derive(Debug, Clone, Copy)]
struct Pending {
    came_at: u64,
    attempt: u8,
}

struct World {
    back_at: u64,
    second: u64,
    health: Health,
    policy: HealthPolicy,
    schedule: RetrySchedule,
    held: VecDeque<Pending>,
    due: BTreeMap<u64, Vec<Pending>>,
    seen: Seen,
}

/// What the receiver and the customer see.
#[derive(Debug, Default)]
struct Seen {
    posts_while_away: u32,
    posts_this_second: u32,
    most_posts: u32,
    held_at_return: usize,
    first_after: Option<u64>,
    lost: u32,
    /// How many events from before the return are not delivered.
    behind: u64,
}

impl World {
    fn new(away_for: u64) -> Self {
        let project = ProjectId::new(at(0), &SystemRandom);
        Self {
            back_at: AWAY_FROM + away_for,
            second: 0,
            health: Health::unknown(project, EndpointId::new(at(0), &SystemRandom)),
            policy: "failures=10,over=30s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap(),
            schedule: "5s,5m,30m,2h,5h,10h,14h,20h,24h".parse().unwrap(),
            held: VecDeque::new(),
            due: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    fn pass_a_second(&mut self, events: u32) {
        self.seen.posts_this_second = 0;
        if self.second == self.back_at {
            self.seen.held_at_return = self.held.len();
        }
        if self.second.is_multiple_of(60) {
            self.sweep();
        }
        for pending in self.due.remove(&self.second).unwrap_or_default() {
            self.follow(pending);
        }
        for _ in 0..events {
            self.seen.behind += u64::from(self.second < self.back_at);
            self.follow(Pending { came_at: self.second, attempt: 1 });
        }
        self.seen.most_posts = self.seen.most_posts.max(self.seen.posts_this_second);
        self.second += 1;
    }

    /// What the sender does.
    fn follow(&mut self, pending: Pending) {
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
        self.seen.posts_this_second += 1;
        let is_away = (AWAY_FROM..self.back_at).contains(&self.second);
        let reason = is_away.then_some(FailureReason::Refused);
        let (number, at) = (pending.attempt, at(self.second));
        let attempt =
            Attempt { number, at, duration_ms: 0, phases: Phases::default(), status: None, reason, response: None };
        if is_away || !self.health.is_clean() {
            self.health = self.health.clone().after(&attempt, None, &self.policy);
        }
        if is_away {
            self.seen.posts_while_away += 1;
            return self.fail(pending);
        }
        if self.second >= self.back_at {
            self.seen.first_after.get_or_insert(self.second - self.back_at);
        }
        self.seen.behind -= u64::from(pending.came_at < self.back_at);
    }

    fn fail(&mut self, pending: Pending) {
        // Chance, but the same in every run.
        let chance = f64::from(self.seen.posts_while_away % 100) / 100.0;
        let alone = self.health.pause.map_or(Duration::ZERO, |pause| pause.until.since(at(self.second)));
        match self.schedule.delay_after(pending.attempt, chance, None) {
            Some(delay) => {
                let due = self.second + delay.max(alone).as_secs().max(1);
                self.due.entry(due).or_default().push(Pending { attempt: pending.attempt + 1, ..pending });
            }
            None => self.seen.lost += 1,
        }
    }

    /// What webhook-retry does for the endpoint.
    fn sweep(&mut self) {
        let now = at(self.second);
        let Some(drain) = self.health.drain(ACTIVE, now, now.plus(Duration::from_mins(1))) else { return };
        let count = self.held.len().min(drain.at_most as usize);
        let from = drain.from.since(at(0)).as_secs().max(self.second);
        for (index, pending) in self.held.drain(..count).enumerate() {
            let due = from + index as u64 * 60 / u64::from(drain.at_most);
            self.due.entry(due).or_default().push(pending);
        }
        if !self.held.is_empty() && drain.at_most > 1 {
            self.health = self.health.clone().faster();
        }
    }
}

fn at(second: u64) -> Timestamp {
    let start: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
    start.plus(Duration::from_secs(second))
}

fn line(away: &str, away_for: u64, events: u32) -> String {
    let mut world = World::new(away_for);
    while world.second <= world.back_at || world.seen.behind > 0 {
        world.pass_a_second(events);
    }
    let recovered_after = (world.second - world.back_at).div_ceil(60);
    let Seen { posts_while_away, most_posts, held_at_return, first_after, lost, .. } = world.seen;
    let first_after = first_after.unwrap();
    assert_eq!(lost, 0, "an outage of {away} loses nothing");
    format!(
        "| {away} | {events} | {posts_while_away} | {held_at_return} | {first_after} s | {recovered_after} min | {most_posts} |\n"
    )
}

#[test]
fn receivers_come_back_as_the_page_about_scale_says() {
    let mut table = String::from(
        "| away for | events/s | posts meanwhile | held at its return | first delivery after | all delivered after | most posts/s |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (away, away_for) in [("6 min", 360), ("1 h", 3600), ("10 h", 36_000)] {
        for events in [1, 10] {
            table += &line(away, away_for, events);
        }
    }
    table += &line("1 h", 3600, 100);
    let page = include_str!("../../../docs/scale.md");
    assert!(page.contains(&table), "docs/scale.md should have this table:\n{table}");
}
