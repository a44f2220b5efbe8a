//! A simulation of a backlog: millions of due deliveries of one project, and a few of many others. It computes the table in
//! `docs/scale.md`.
//!
//! Simulated is one of the 16 shards with a sixteenth of everything, because ids spread deliveries evenly. The sweep runs the
//! production code. Calls take the times below. The partitions that hold the deliveries share their write capacity between the
//! sweep and the senders, which record attempts.

#![expect(clippy::cast_precision_loss, reason = "a simulation counts less than 2^52 rows")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use aws::ServiceError;
use aws::store::SHARDS;
use domain::foundation::id::ProjectId;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{SWEEP_AHEAD, remind};
use domain::webhooks::sweep::Pass;
use futures::executor::block_on;

use crate::rounds::{self, DueDeliveries, Page};

/// Processor time of a delivery that is claimed and queued, and of one that is only queued: estimated from 0.25 ms for each call
/// to AWS (docs/cost.md). `cargo bench-all sweep` measures both.
const CPU_OF_CLAIM: Duration = Duration::from_micros(330);
const CPU_OF_QUEUEING: Duration = Duration::from_micros(60);

/// Share of a processor that Lambda gives a function with 256 MB.
const PROCESSOR_SHARE: f64 = 256.0 / 1769.0;

/// Assumed duration of a call to DynamoDB or SQS, and of a read of 1 MB.
const CALL: Duration = Duration::from_millis(15);
const READ_OF_1_MB: Duration = Duration::from_millis(60);

/// Rows of the index in 1 MB, at 340 bytes each.
const ROWS_IN_1_MB: usize = 3_000;

/// Time from the start of a run until the invocation for a shard begins, with a cold start.
const HANDOVER: Duration = Duration::from_secs(1);

/// A run starts nothing this long after its start: the timeout of 55 s less the reserve.
const RUN: Duration = Duration::from_secs(45);

/// Writes a second that DynamoDB accepts for one partition key: here the deliveries of one day of one project. Each row is one
/// write unit: it is assumed to have at most 1 KB.
const PARTITION_WRITES: f64 = 1_000.0;

/// Partitions of a project and day with the rows that the report uses to find late deliveries. A delivery of an event of an
/// earlier day gets such a row.
const LATE_PARTITIONS: f64 = 4.0;

/// Concurrent attempts of the senders: `SenderConcurrency` times ten.
const CONCURRENT_ATTEMPTS: f64 = 500.0;

const SHARE: f64 = 1.0 / SHARDS as f64;

/// A row of the index: when the sweep checks it, and a number that makes it unique.
type Key = (Timestamp, usize);

#[derive(Debug, Clone, Copy)]
struct Row {
    key: Key,
    /// Index of the project. The first ones have backlogs.
    project: usize,
    due_at: Timestamp,
}

/// The circumstances of a simulation.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    /// Deliveries of all backlogs, in all shards.
    backlog: usize,
    /// Number of projects with a backlog. The deliveries of the first are more overdue than those of the second, and so on.
    projects: usize,
    /// Number of days from which their events are.
    days: u32,
    /// How long receivers take to answer.
    answer: Duration,
}

#[derive(Debug)]
struct World {
    scenario: Scenario,
    now: Timestamp,
    projects: Vec<ProjectId>,
    index: BTreeMap<Key, Row>,
    /// Deliveries of the backlogs whose message waits for a sender.
    waiting: VecDeque<Key>,
    /// Attempts that the senders may still make until now; fractions add up.
    attempts: f64,
    /// Writes that the partitions of the backlogs still take until now, and those of the rows about late deliveries.
    writes: f64,
    late_writes: f64,
    passes: Vec<Pass<Key>>,
    /// Deliveries of the backlogs that were attempted, and when the last one was.
    attempted: BTreeSet<usize>,
    last_attempt_at: Timestamp,
    duplicates: usize,
    most_waiting: usize,
    /// The latest message of another project, compared with the time at which its attempt was due.
    others_late_by: Duration,
}

/// What the project and the others observe.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    others_late_by: Duration,
    queued_after: Duration,
    attempted_after: Duration,
    duplicates: usize,
}

fn start() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

impl World {
    fn new(scenario: Scenario) -> Self {
        let mut world = Self {
            scenario,
            now: start(),
            projects: (0..scenario.projects + OTHERS).map(|_| ProjectId::new(start(), &SystemRandom)).collect(),
            index: BTreeMap::new(),
            waiting: VecDeque::new(),
            attempts: 0.0,
            writes: 0.0,
            late_writes: 0.0,
            passes: Vec::new(),
            attempted: BTreeSet::new(),
            last_attempt_at: start(),
            duplicates: 0,
            most_waiting: 0,
            others_late_by: Duration::ZERO,
        };
        let in_shard = scenario.backlog / usize::from(SHARDS);
        for number in 0..in_shard {
            let overdue = Duration::from_hours(3).mul_f64((number + 1) as f64 / in_shard as f64);
            let project = scenario.projects - 1 - number * scenario.projects / in_shard;
            world.insert(number, project, start().minus(overdue));
        }
        // One delivery of another project becomes due each second, for two hours.
        for second in 0..7_200_u64 {
            let number = in_shard + usize::try_from(second).unwrap();
            world.insert(number, scenario.projects + number % OTHERS, start().plus(Duration::from_secs(second)));
        }
        world
    }

    fn insert(&mut self, number: usize, project: usize, due_at: Timestamp) {
        let key = (due_at.minus(SWEEP_AHEAD), number);
        self.index.insert(key, Row { key, project, due_at });
    }

    /// Lets time pass. The senders make attempts and record them as fast as their number and the partitions allow.
    fn pass(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.now = self.now.plus(time);
        let (days, projects) = (f64::from(self.scenario.days), self.scenario.projects as f64);
        // Unused capacity of the last second may be used; older capacity is lost.
        let refilled = |left: f64, partitions: f64| {
            let capacity = PARTITION_WRITES * partitions * projects * SHARE;
            (left + capacity * seconds).min(capacity * seconds.max(1.0))
        };
        self.writes = refilled(self.writes, days);
        self.late_writes = refilled(self.late_writes, LATE_PARTITIONS);
        self.attempts += CONCURRENT_ATTEMPTS / self.scenario.answer.as_secs_f64() * SHARE * seconds;
        while self.attempts >= 1.0 && self.writes >= 1.0 && self.late_writes >= 1.0 {
            let Some(key) = self.waiting.pop_front() else { break };
            (self.attempts, self.writes) = (self.attempts - 1.0, self.writes - 1.0);
            self.late_writes -= 1.0 - 1.0 / days;
            if self.attempted.insert(key.1) {
                self.index.remove(&key);
                self.last_attempt_at = self.now;
            } else {
                self.duplicates += 1;
            }
        }
        if self.waiting.is_empty() {
            self.attempts = self.attempts.min(1.0);
        }
    }

    /// Waits until the partitions take `count` more writes.
    fn write(&mut self, count: usize) {
        while self.writes < count as f64 {
            self.pass(Duration::from_millis(20));
        }
        self.writes -= count as f64;
    }

    fn compute(&mut self, count: usize, each: Duration) {
        self.pass(each.mul_f64(count as f64 / PROCESSOR_SHARE).max(CALL));
    }

    fn rows_after(&self, after: Option<Key>) -> impl Iterator<Item = &Row> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let horizon = (self.horizon(), usize::MAX);
        self.index.range((from, Bound::Included(horizon))).map(|(_, row)| row)
    }

    /// The end of the time that the current run looks ahead. Runs start at full minutes.
    fn horizon(&self) -> Timestamp {
        let minutes = self.now.since(start()).as_secs() / 60;
        start().plus(Duration::from_mins(minutes)).plus(SWEEP_AHEAD).minus(Duration::from_millis(1))
    }

    fn is_backlog(&self, row: &Row) -> bool {
        row.project < self.scenario.projects
    }

    fn note_queued(&mut self, row: Row, key: Key) {
        if self.is_backlog(&row) {
            self.waiting.push_back(key);
            self.most_waiting = self.most_waiting.max(self.waiting.len());
        } else {
            // Fair queues serve a project with few messages without delay. Its attempt is then recorded.
            self.others_late_by = self.others_late_by.max(self.now.since(row.due_at));
            self.index.remove(&key);
        }
    }
}

/// Number of other projects.
const OTHERS: usize = 200;

impl DueDeliveries for World {
    type Row = (Row, ProjectId);
    type Position = Key;
    type StoredPass = Pass<Key>;

    fn project((_, project): &Self::Row) -> ProjectId {
        *project
    }

    fn pass(stored: &Pass<Key>) -> &Pass<Key> {
        stored
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    async fn read(&mut self, after: Option<Key>, without: &[ProjectId]) -> Result<Page<Self::Row, Key>, ServiceError> {
        let size = if without.is_empty() { 100 } else { ROWS_IN_1_MB };
        let read: Vec<Row> = self.rows_after(after).take(size).copied().collect();
        self.pass(if without.is_empty() { CALL } else { READ_OF_1_MB });
        let rows = read.iter().map(|row| (*row, self.projects[row.project]));
        Ok(Page {
            rows: rows.filter(|(_, project)| !without.contains(project)).collect(),
            last: read.last().map(|row| row.key),
            is_end: read.len() < size,
        })
    }

    async fn claim(&mut self, rows: &[Self::Row]) {
        self.compute(rows.len(), CPU_OF_CLAIM);
        self.write(rows.iter().filter(|(row, _)| self.is_backlog(row)).count());
        for (row, _) in rows.iter().copied() {
            if self.index.remove(&row.key).is_some() {
                let key = (remind(row.due_at, self.now).sweep_at, row.key.1);
                self.index.insert(key, Row { key, ..row });
                self.note_queued(row, key);
            }
        }
    }

    async fn read_backlog(&mut self, pass: &Pass<Key>) -> Result<Page<Self::Row, Key>, ServiceError> {
        let read: Vec<Row> = self.rows_after(pass.position).take(1_000).copied().collect();
        self.pass(CALL);
        let rows = read.iter().map(|row| (*row, self.projects[row.project]));
        Ok(Page {
            rows: rows.filter(|(_, project)| *project == pass.project_id).collect(),
            last: read.last().map(|row| row.key),
            is_end: read.len() < 1_000,
        })
    }

    async fn queue(&mut self, rows: &[Self::Row]) -> Result<(), ServiceError> {
        self.compute(rows.len(), CPU_OF_QUEUEING);
        for (row, _) in rows.iter().copied() {
            self.note_queued(row, row.key);
        }
        Ok(())
    }

    async fn store(&mut self, known: Pass<Key>, next: Pass<Key>) -> Result<Option<Pass<Key>>, ServiceError> {
        self.pass(CALL);
        self.passes.retain(|pass| pass.project_id != known.project_id);
        self.passes.push(next.clone());
        Ok(Some(next))
    }

    async fn waiting_messages(&mut self) -> Result<u64, ServiceError> {
        self.pass(CALL);
        Ok(self.waiting.len() as u64 * u64::from(SHARDS))
    }
}

/// Runs every minute until all deliveries of the backlog were attempted.
fn simulate(scenario: Scenario) -> Outcome {
    let mut world = World::new(scenario);
    let in_shard = scenario.backlog / usize::from(SHARDS);
    let mut queued_after = None;
    for minute in 0_u64.. {
        let run_at = start().plus(Duration::from_mins(minute));
        world.pass(run_at.since(world.now));
        if world.attempted.len() == in_shard {
            break;
        }
        assert!(minute < 24 * 60, "the backlog does not end: {} of {in_shard} were attempted", world.attempted.len());
        let last_start = run_at.plus(HANDOVER).plus(RUN);
        world.pass(HANDOVER);
        block_on(run(&mut world, last_start)).unwrap();
        let is_queued =
            world.passes.len() == scenario.projects && world.passes.iter().all(|pass| pass.ended_at.is_some());
        queued_after = queued_after.or(is_queued.then(|| world.now.since(start())));
    }
    Outcome {
        others_late_by: world.others_late_by,
        queued_after: queued_after.unwrap(),
        attempted_after: world.last_attempt_at.since(start()),
        duplicates: world.duplicates * usize::from(SHARDS),
    }
}

/// One invocation for the shard.
async fn run(world: &mut World, last_start: Timestamp) -> Result<(), ServiceError> {
    let now = world.now;
    world.passes.retain(|pass| !pass.is_over(now));
    let known: Vec<ProjectId> = world.passes.iter().map(|pass| pass.project_id).collect();
    let more = rounds::first_round(world, &known, last_start).await?;
    let passes = world.passes.clone().into_iter().chain(more.into_iter().map(Pass::new)).collect();
    rounds::continue_passes(world, passes, last_start).await
}

fn minutes(duration: Duration) -> u64 {
    duration.as_secs().div_ceil(60)
}

#[test]
fn a_backlog_is_queued_within_half_an_hour_and_matches_the_table_in_docs_scale() {
    let mut table = String::from(
        "| overdue deliveries | of projects | events of | receivers answer in | others late by at most \
         | all queued after | all attempted after |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (label, backlog, projects, days, millis) in [
        ("5 million", 5_000_000, 1, 5, 100),
        ("5 million", 5_000_000, 1, 5, 200),
        ("5 million", 5_000_000, 50, 5, 200),
        ("5 million", 5_000_000, 1, 1, 200),
        ("500,000", 500_000, 1, 1, 200),
    ] {
        let answer = Duration::from_millis(millis);
        let Outcome { others_late_by, queued_after, attempted_after, duplicates } =
            simulate(Scenario { backlog, projects, days, answer });
        assert!(others_late_by <= Duration::from_mins(2), "another project is late by {others_late_by:?}");
        assert!(duplicates * 100 <= backlog, "{duplicates} messages were sent twice");
        assert!(days == 1 || queued_after < Duration::from_mins(30), "all were queued after {queued_after:?}");
        let (late, queued, attempted) = (others_late_by.as_secs(), minutes(queued_after), minutes(attempted_after));
        let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        let row =
            format!("| {label} | {projects} | {days} | {millis} ms | {late} s | {queued} min | {attempted} min |\n");
        table.push_str(&row);
    }
    let page = include_str!("../../../docs/scale.md");
    assert!(page.contains(&table), "docs/scale.md must contain this table:\n{table}");
}
