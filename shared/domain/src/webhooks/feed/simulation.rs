//! A simulation of faults: publishers whose clocks differ by two minutes, writes that take twenty seconds, crashes before the number,
//! repetitions of a call an hour later with the same id, and repairs a day later. Meanwhile a reader reads small pages, each with
//! another clock, and the store changes while it reads.
//!
//! Every accepted event must be returned exactly once, and none before it is accepted.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::foundation::id::{EventId, LateEntryId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// This many milliseconds pass.
    Wait(u64),
    /// A process whose clock is ahead by `clock` begins to accept an event.
    Publish { clock: u64, has_submission: bool },
    /// A process accepts many events at once.
    Burst { clock: u64, events: usize },
    /// A process makes its next step: it stores the event, decides for a lane and writes its entry there, or accepts the event.
    Continue(usize),
    /// A process crashes.
    Crash(usize),
    /// Another process begins to accept the same event.
    Repeat { event: usize, clock: u64 },
    /// The reader makes its next step: it begins a call, reads the rows, or reads what they stand for and ends the call.
    Read { clock: u64, limit: usize, rows: usize },
}

/// The lane of an accepted event.
type Lane = Option<LateEntryId>;

#[derive(Debug, Clone, Copy)]
struct StoredEvent {
    has_submission: bool,
    is_stored: bool,
    accepted: Option<Lane>,
}

/// A process that accepts an event.
#[derive(Debug, Clone, Copy)]
struct Publisher {
    id: EventId,
    clock: u64,
    /// The lane that it decided for, and until when it accepts the event there.
    decided: Option<(Lane, u64)>,
}

/// A call of the reader.
#[derive(Debug)]
struct Call {
    page: FeedPage<EventId>,
    rows_at_once: usize,
    rows: Option<(Vec<EventId>, Vec<LateEntryId>)>,
    end: Timestamp,
}

struct World {
    /// Milliseconds since the start.
    now: u64,
    events: BTreeMap<EventId, StoredEvent>,
    entries: BTreeMap<LateEntryId, EventId>,
    publishers: Vec<Publisher>,
    position: FeedPosition,
    call: Option<Call>,
    returned: Vec<EventId>,
}

impl World {
    fn new() -> Self {
        Self {
            now: 0,
            events: BTreeMap::new(),
            entries: BTreeMap::new(),
            publishers: Vec::new(),
            position: FeedPosition::before(start()),
            call: None,
            returned: Vec::new(),
        }
    }

    /// The time on a clock that is ahead by `clock`.
    fn clock(&self, clock: u64) -> Timestamp {
        start().plus(Duration::from_millis(self.now + clock))
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Wait(millis) => self.wait(millis),
            Step::Publish { clock, has_submission } => {
                let id = self.publish(clock, has_submission);
                self.publishers.push(Publisher { id, clock, decided: None });
            }
            Step::Burst { clock, events } => {
                for _ in 0..events {
                    let id = self.publish(clock, true);
                    self.accept(id, None);
                }
            }
            Step::Continue(which) if !self.publishers.is_empty() => {
                let which = which % self.publishers.len();
                if self.advance(which) {
                    self.publishers.remove(which);
                }
            }
            Step::Crash(which) if !self.publishers.is_empty() => {
                self.publishers.remove(which % self.publishers.len());
            }
            Step::Repeat { event, clock } if !self.events.is_empty() => {
                let id = *self.events.keys().nth(event % self.events.len()).unwrap();
                self.publishers.push(Publisher { id, clock, decided: None });
            }
            Step::Read { clock, limit, rows } => self.read(clock, limit, rows),
            Step::Continue(_) | Step::Crash(_) | Step::Repeat { .. } => {}
        }
    }

    /// Lets time pass. A write that is on its way ends in time.
    fn wait(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(which) =
            self.publishers.iter().position(|process| process.decided.is_some_and(|(_, until)| until < end))
        {
            let (lane, until) = self.publishers[which].decided.unwrap();
            self.now = self.now.max(until);
            self.accept(self.publishers[which].id, lane);
            self.publishers.remove(which);
        }
        self.now = end;
    }

    fn publish(&mut self, clock: u64, has_submission: bool) -> EventId {
        let id = EventId::new(self.clock(clock), &SystemRandom);
        self.events.insert(id, StoredEvent { has_submission, is_stored: false, accepted: None });
        id
    }

    /// Makes the next step of a process. Returns whether it was the last one.
    fn advance(&mut self, which: usize) -> bool {
        let Publisher { id, clock, decided } = self.publishers[which];
        let event = self.events[&id];
        if let Some((lane, _)) = decided {
            self.accept(id, lane);
            return true;
        }
        if event.has_submission && !event.is_stored {
            self.events.get_mut(&id).unwrap().is_stored = true;
            return false;
        }
        let now = self.clock(clock);
        let lane = is_late(id, now).then(|| LateEntryId::new(now, &SystemRandom));
        self.entries.extend(lane.map(|entry| (entry, id)));
        self.publishers[which].decided = Some((lane, self.now + u64::try_from(MAX_ACCEPTING.as_millis()).unwrap()));
        false
    }

    /// Accepts an event, unless it is accepted.
    fn accept(&mut self, id: EventId, lane: Lane) {
        let event = self.events.get_mut(&id).unwrap();
        event.is_stored = true;
        event.accepted.get_or_insert(lane);
    }

    fn read(&mut self, clock: u64, limit: usize, rows_at_once: usize) {
        match self.call.take() {
            None => {
                let cursor = FeedCursor::Project(self.position.clone()).to_bytes();
                let Ok(FeedCursor::Project(position)) = FeedCursor::from_bytes(&cursor) else { panic!("bad cursor") };
                let page = FeedPage::new(position, limit, self.clock(clock));
                let end = self.clock(clock).plus(MAX_CLOCK_DIFFERENCE);
                self.call = Some(Call { page, rows_at_once, rows: None, end });
            }
            Some(call) if call.rows.is_none() => {
                let (prompt, late) = (call.page.position().prompt.settled(), call.page.position().late.settled());
                let prompt =
                    self.events.iter().filter(|(id, event)| **id > prompt && event.is_stored).map(|(id, _)| *id);
                let late = self.entries.keys().filter(|id| **id > late).copied();
                self.call = Some(Call { rows: Some((prompt.collect(), late.collect())), ..call });
            }
            Some(call) => drop(self.finish(call)),
        }
    }

    /// Ends a call that read its rows some time ago. Returns whether everything was returned.
    fn finish(&mut self, call: Call) -> bool {
        let Call { mut page, rows_at_once, rows, end } = call;
        let (prompt_rows, late_rows) = rows.unwrap();
        let (mut prompt_rows, mut late_rows) = (prompt_rows.chunks(rows_at_once), late_rows.chunks(rows_at_once));
        let (mut prompt, mut late) = (Stretch::default(), Stretch::default());
        // Few reads, so that calls also end in the middle of the rows.
        let mut page_end = PageEnd::NeedsRows;
        for _ in 0..4 {
            if prompt.needs_rows(&late) {
                let rows = prompt_rows.next().unwrap_or_default();
                let is_end = rows.len() < rows_at_once;
                let through = rows.last().copied().filter(|_| !is_end).unwrap_or(EventId::first_at(end));
                prompt.extend(rows.iter().map(|id| (*id, self.prompt_state(*id))), through, is_end);
            }
            if late.needs_rows(&prompt) {
                let rows = late_rows.next().unwrap_or_default();
                let is_end = rows.len() < rows_at_once;
                let through = rows.last().copied().filter(|_| !is_end).unwrap_or(LateEntryId::first_at(end));
                late.extend(rows.iter().map(|id| (*id, self.late_state(*id))), through, is_end);
            }
            page_end = page.take(&mut prompt, &mut late);
            if page_end != PageEnd::NeedsRows {
                break;
            }
        }
        let (events, position) = page.finish();
        assert!(position.returned() <= MAX_RETURNED);
        self.check_order(&events);
        self.returned.extend(&events);
        self.position = position;
        events.is_empty() && page_end == PageEnd::CaughtUp
    }

    fn prompt_state(&self, id: EventId) -> RowState<EventId> {
        match self.events[&id].accepted {
            Some(None) => RowState::Accepted(id, 1),
            Some(Some(_)) => RowState::LeftOut,
            None => RowState::Unaccepted,
        }
    }

    fn late_state(&self, entry: LateEntryId) -> RowState<EventId> {
        let id = self.entries[&entry];
        match self.events[&id].accepted {
            Some(Some(counts)) if counts == entry => RowState::Accepted(id, 1),
            Some(_) => RowState::LeftOut,
            None => RowState::Unaccepted,
        }
    }

    /// The events of a page are in the order of their places in the lanes.
    fn check_order(&self, page: &[EventId]) {
        let place = |id: &EventId| self.events[id].accepted.unwrap().map_or(*id.as_bytes(), |entry| *entry.as_bytes());
        assert!(page.is_sorted_by_key(place), "{page:?}");
    }

    /// Ends all processes, repairs the events without a number a day later, and reads the rest.
    fn settle(&mut self) {
        self.wait(24 * 60 * 60 * 1000);
        let stored: Vec<EventId> = self.events.iter().filter(|(_, event)| event.is_stored).map(|(id, _)| *id).collect();
        self.publishers = stored.iter().map(|id| Publisher { id: *id, clock: 0, decided: None }).collect();
        for which in 0..self.publishers.len() {
            while !self.advance(which) {}
        }
        self.publishers.clear();
        for _ in 0..3 {
            self.wait(200_000);
            while !self.read_completely() {}
        }
    }

    fn read_completely(&mut self) -> bool {
        while self.call.as_ref().is_none_or(|call| call.rows.is_none()) {
            self.read(0, 50, 100);
        }
        let call = self.call.take().unwrap();
        self.finish(call)
    }
}

fn start() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn clock() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..=120_000_u64, Just(120_000)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..30_000_u64).prop_map(Step::Wait),
        1 => prop_oneof![Just(130_000_u64), Just(150_001), Just(3_600_000)].prop_map(Step::Wait),
        6 => (clock(), any::<bool>()).prop_map(|(clock, has_submission)| Step::Publish { clock, has_submission }),
        1 => (clock(), 1..200_usize).prop_map(|(clock, events)| Step::Burst { clock, events }),
        20 => (0..20_usize).prop_map(Step::Continue),
        2 => (0..20_usize).prop_map(Step::Crash),
        3 => (0..20_usize, clock()).prop_map(|(event, clock)| Step::Repeat { event, clock }),
        24 => (clock(), prop_oneof![1..4_usize, 1..100_usize], 1..120_usize)
            .prop_map(|(clock, limit, rows)| Step::Read { clock, limit, rows }),
    ]
}

#[test]
fn a_burst_comes_as_far_as_the_position_can_list_it_and_the_rest_when_its_first_events_are_settled() {
    let mut world = World::new();
    world.apply(Step::Burst { clock: 0, events: 400 });
    for (millis, total) in [(0, 300), (149_000, 300), (1001, 400)] {
        world.wait(millis);
        for _ in 0..12 {
            world.read_completely();
        }
        assert_eq!((world.returned.len(), world.position.full_until().is_some()), (total, total == 300));
    }
    let when_full = start().plus(SETTLED_AFTER + Duration::from_millis(1));
    assert_eq!(world.clock(0), when_full);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn every_accepted_event_is_returned_exactly_once(steps in proptest::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in steps {
            world.apply(step);
        }
        world.settle();
        let accepted = world.events.iter().filter(|(_, event)| event.accepted.is_some()).map(|(id, _)| *id);
        world.returned.sort_unstable();
        prop_assert_eq!(world.returned, accepted.collect::<Vec<_>>());
    }
}
