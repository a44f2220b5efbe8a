//! A simulation of a receiver that rejects a share of all requests at random, however few it gets. It computes the second
//! table in `docs/scale.md`: how many deliveries are held, and how often the endpoint's health is written.
//!
//! Simulated are 50 senders that each know the health as they last read it, the row that they write under its version, and
//! the sweep. Breaker, drain, retries and the decision what to write when run the production code with the default schedule
//! and policy of the templates.

use std::thread;

use proptest::prelude::*;

use super::*;

mod world;

use world::{Measured, TICKS, World};

/// What happens at this share of rejected requests, as a row of the table.
fn table_row(percent: f64) -> String {
    let share = percent / 100.0;
    let steady = [(100, 1200), (1000, 180)].map(|(events_a_second, seconds)| {
        let mut world = World::new(1).rejecting(share, 503);
        world.run(seconds, events_a_second);
        world.measured
    });
    let mut recovering = World::after_an_outage(2, 100).rejecting(share, 503);
    let mut minutes = 0;
    while minutes == 0 || !recovering.held.is_empty() {
        recovering.run(60, 100);
        minutes += 1;
        assert!(minutes < 120, "{percent} %: {} deliveries are still held", recovering.held.len());
    }
    let [held_at_100, held_at_1000] = steady.map(|measured| measured.max_held);
    let writes_a_second = steady[1].writes / 180;
    let Measured { max_held, openings, .. } = recovering.measured;
    assert_eq!(openings, 0, "a receiver that rejects {percent} % makes the breaker open again");
    format!("| {percent} % | {held_at_100} | {held_at_1000} | {max_held} | {minutes} min | {writes_a_second} |\n")
}

#[test]
fn a_receiver_that_rejects_less_than_half_of_all_requests_matches_the_table_in_docs_scale() {
    let rows =
        [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 49.0].map(|percent| thread::spawn(move || table_row(percent)));
    let header = "| rejected | held at 100/s | held at 1,000/s | held after an outage | released after \
                  | health writes/s at 1,000/s |\n\
                  | --- | --- | --- | --- | --- | --- |\n";
    let table = rows.into_iter().fold(header.to_owned(), |table, row| table + &row.join().unwrap());
    let page = include_str!("../../../../../docs/scale.md");
    assert!(page.contains(&table), "docs/scale.md must contain this table:\n{table}");
}

#[test]
fn a_receiver_with_little_spare_capacity_gets_held_deliveries_at_a_pace_that_it_can_take() {
    let mut down = World::new(6).rejecting(1.0, 503);
    down.run(600, 100);
    let mut world = down.rejecting(0.0, 503);
    world.capacity = 120;
    world.run(30 * 60, 100);
    let (held, rejected) = (world.held.len(), world.measured.rejected);
    world.run(30 * 60, 100);
    assert_eq!((world.held.len(), world.measured.openings), (0, 0), "{held} after half an hour");
    assert!(rejected < 2 * 30 * 60 * 20, "{rejected} requests were rejected beyond the capacity");
}

#[test]
fn an_endpoint_that_fails_half_of_the_time_costs_few_writes_a_second() {
    for status in [500, 503] {
        let mut world = World::new(3).rejecting(0.5, status);
        world.run(60, 500);
        let Measured { writes, max_writes_a_second, openings, .. } = world.measured;
        assert!(writes <= 12 * 60 && max_writes_a_second <= 150, "{status}: {writes}, {max_writes_a_second} a second");
        assert_eq!((openings, world.held.len()), (0, 0));
    }
}

/// Runs until `is_over`, and returns the number of seconds.
fn seconds_until(world: &mut World, events_a_second: u64, is_over: impl Fn(&Health) -> bool) -> u64 {
    let start = world.tick;
    while !is_over(&world.row) {
        world.pass_a_second(events_a_second);
        assert!(world.tick - start < 24 * 3600 * TICKS, "{:?}", world.row);
    }
    (world.tick - start) / TICKS
}

#[test]
fn decisions_are_made_in_time_although_few_changes_are_written() {
    let mut world = World::new(4).rejecting(0.5, 500);
    world.run(60, 500);

    let mut world = world.rejecting(1.0, 500);
    let opened_after = seconds_until(&mut world, 500, |health| health.pause.is_some());
    assert!((30..=45).contains(&opened_after), "{opened_after} s");
    assert!(world.measured.max_writes_a_second <= 200, "{}", world.measured.max_writes_a_second);

    let mut world = world.rejecting(0.0, 500);
    let closed_after = seconds_until(&mut world, 500, |health| health.pause.is_none());
    assert!(closed_after <= 31, "{closed_after} s");

    world.policy = "failures=10,over=30s,pause=30s,longest=2m,warn=1h,disable=3h".parse().unwrap();
    let mut world = world.rejecting(1.0, 500);
    let warned_after = seconds_until(&mut world, 5, |health| health.is_warned);
    assert!((3600..3600 + 180).contains(&warned_after), "{warned_after} s");
    let disabled_after = warned_after + seconds_until(&mut world, 5, |health| health.disabled.is_some());
    assert!((10_800..10_800 + 180).contains(&disabled_after), "{disabled_after} s");
}

#[test]
fn a_receiver_that_starts_to_reject_everything_is_paused_within_seconds() {
    let mut world = World::new(5);
    world.run(60, 500);
    let mut world = world.rejecting(1.0, 503);
    let opened_after = seconds_until(&mut world, 500, |health| health.pause.is_some());
    assert!(opened_after <= 5, "{opened_after} s");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Below one half, the breaker stays closed and the deliveries that were held before are released.
    #[test]
    fn any_share_of_rejected_requests_below_one_half_leaves_the_breaker_closed(
        share in 0.0..0.49_f64, seed: u64, events_a_second in 1..200_u64,
    ) {
        let mut world = World::after_an_outage(seed, events_a_second).rejecting(share, 503);
        seconds_until(&mut world, events_a_second, |health| health.pause.is_none());
        let (openings, held) = (world.measured.openings, world.held.len());
        world.run(300, events_a_second);
        prop_assert_eq!(world.measured.openings, openings);
        prop_assert!(world.held.is_empty() || world.held.len() < held);
    }
}
