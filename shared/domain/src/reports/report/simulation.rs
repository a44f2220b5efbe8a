//! A simulation of the report of a large project, page by page. It computes the table in `docs/scale.md`.
//!
//! Simulated are the queue, ten functions that process its messages, the time that each page takes, and the read units of the
//! partition that all of them read. The slices follow the production code.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use super::*;

/// Functions that work at the same time: the default of `ReportConcurrency`.
const FUNCTIONS: usize = 10;

/// Events on a page, each with one delivery.
const EVENTS_A_PAGE: u64 = 100;

/// Processor time for an event with its delivery in microseconds. An assumption: a third more than the 30 µs in `docs/cost.md`.
const CPU_MICROS: u64 = 40;

/// Share of a processor that a function with 512 MB has: one in 1,769 MB.
const CPU_SHARE: f64 = 512.0 / 1769.0;

/// Time in which DynamoDB responds to a query of a hundred rows. An assumption; it usually takes less.
const RESPONSE: Duration = Duration::from_millis(10);

/// Read units of a page. An event with the sample data of `approved` has 830 bytes, and its delivery after one attempt 480.
/// A unit reads 8 KiB.
const UNITS_A_PAGE: f64 = 100.0 * (830.0 + 480.0) / 8192.0;

/// Read units that a partition of DynamoDB serves in a second.
const UNITS_A_SECOND: f64 = 3000.0;

/// Time of a message besides its pages: the queue, the project's row, and the rows of the slice.
const MESSAGE: Duration = Duration::from_millis(200);

/// Time in which the functions start.
const START: Duration = Duration::from_secs(1);

/// Time to read and merge a slice.
const MERGE: Duration = Duration::from_millis(5);

/// The report of one day while it is built.
struct World<'a> {
    /// When the events of the day were accepted, in order.
    times: &'a [Timestamp],
    queue: VecDeque<Slice>,
    /// The next step of each working function: when it takes place, and the pages of its slice that are left.
    steps: BinaryHeap<Reverse<(Duration, u64, Work)>>,
    /// Until when the units of the partition are used.
    units_used_until: Duration,
    ranges: Vec<Slice>,
}

/// A slice that a function counts: its start, where the counting ends, and its end, in milliseconds since 1970.
type Work = (i64, i64, i64);

fn page_time() -> Duration {
    let cpu = Duration::from_micros(CPU_MICROS * EVENTS_A_PAGE).div_f64(CPU_SHARE);
    // A page of events, and their deliveries.
    cpu + 2 * RESPONSE
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

impl World<'_> {
    /// Gives the next message to a function that is free at `now`.
    fn begin(&mut self, now: Duration) {
        let Some(slice) = self.queue.pop_front() else { return };
        let mut reader = SliceReader::new(slice, MAX_SLICE_ROWS);
        let first = self.times.partition_point(|time| *time < slice.from);
        let rest = self.times[first..].iter().take_while(|time| **time < slice.to);
        let counted = rest.take_while(|time| reader.takes(**time, 2)).count() as u64;
        let work = (slice.from.as_millis(), reader.end().as_millis(), slice.to.as_millis());
        self.steps.push(Reverse((now + MESSAGE, counted.div_ceil(EVENTS_A_PAGE), work)));
    }

    /// Runs the report to its end and returns how long it took.
    fn run(&mut self) -> Duration {
        self.begin(START);
        let mut end = Duration::ZERO;
        while let Some(Reverse((now, pages, work))) = self.steps.pop() {
            end = end.max(now);
            if pages > 0 {
                let units = Duration::from_secs_f64(UNITS_A_PAGE / UNITS_A_SECOND);
                self.units_used_until = self.units_used_until.max(now) + units;
                let done = (now + page_time()).max(self.units_used_until);
                self.steps.push(Reverse((done, pages - 1, work)));
                continue;
            }
            let (from, counted_until, to) = work;
            self.ranges.push(Slice { from: time(from), to: time(counted_until) });
            self.queue.extend(Slice { from: time(counted_until), to: time(to) }.parts());
            while self.steps.len() < FUNCTIONS && !self.queue.is_empty() {
                self.begin(now);
            }
        }
        end + MERGE * u32::try_from(self.ranges.len()).unwrap()
    }
}

/// A row of the table: a day whose events were accepted within `hours` hours.
fn row(deliveries: &str, accepted: &str, count: u64, hours: u64) -> String {
    let day: UtcDay = "2026-11-21".parse().unwrap();
    let start = if hours == 24 { day.start() } else { day.start().plus(Duration::from_hours(9)) };
    let millis = hours * 3_600_000;
    let times: Vec<Timestamp> =
        (0..count).map(|number| start.plus(Duration::from_millis(millis * number / count))).collect();
    let mut world = World {
        times: &times,
        queue: VecDeque::from([Slice::whole(day)]),
        steps: BinaryHeap::new(),
        units_used_until: Duration::ZERO,
        ranges: Vec::new(),
    };
    let seconds = world.run().as_secs();
    world.ranges.sort_by_key(|range| range.from);
    assert!(Slice::whole(day).is_covered_by(world.ranges.iter().copied()));
    assert!(seconds < 300, "{deliveries} {accepted}: {seconds} s");
    let one_by_one = (page_time() * u32::try_from(count.div_ceil(EVENTS_A_PAGE)).unwrap()).as_secs();
    format!("| {deliveries} | {accepted} | {} | {seconds} s | {one_by_one} s |\n", world.ranges.len())
}

#[test]
fn the_report_of_a_large_project_matches_the_table_in_docs_scale() {
    let table = [
        "| deliveries | accepted | messages | time with ten functions | one page after the other |\n".to_owned(),
        "| --- | --- | --- | --- | --- |\n".to_owned(),
        row("20,000", "over the day", 20_000, 24),
        row("1 million", "over the day", 1_000_000, 24),
        row("5 million", "over the day", 5_000_000, 24),
        row("5 million", "within three hours", 5_000_000, 3),
    ]
    .concat();
    println!("{table}");
    let page = include_str!("../../../../../docs/scale.md");
    assert!(page.contains(&table), "docs/scale.md must contain this table:\n{table}");
}
