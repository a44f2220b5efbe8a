#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::time::Duration;

use domain::foundation::clock::FixedClock;
use domain::foundation::random::SystemRandom;
use domain::webhooks::event::EventData;
use domain::webhooks::feed::FeedCursor;

use super::super::testing::Database;
use super::super::{Store, testing};
use super::*;
use crate::queue::testing::FakeQueue;

/// Two minutes before midnight, so that the events after it are of two days.
fn start() -> Timestamp {
    "2026-11-22T23:58:00Z".parse().unwrap()
}

fn after(seconds: u64) -> Timestamp {
    start().plus(Duration::from_secs(seconds))
}

/// When all events of a test are settled.
fn later() -> Timestamp {
    after(3600)
}

fn submission(name: &str) -> SubmissionId {
    SubmissionId::try_from(name.to_owned()).unwrap()
}

/// A project, and the positions of its readers.
struct Fixture {
    database: Database,
    project: ProjectId,
}

impl Fixture {
    async fn start() -> Self {
        Self { database: Database::start().await, project: ProjectId::new(start(), &SystemRandom) }
    }

    fn event(&self, seconds: u64, name: Option<&str>) -> Event {
        Event {
            id: EventId::new(after(seconds), &SystemRandom),
            project_id: self.project,
            event_type: EventType::Aml,
            submission_id: name.map(submission),
            sequence: None,
            occurred_at: after(seconds),
            data: EventData::try_from(r#"{"z":1.10}"#.to_owned()).unwrap(),
        }
    }

    /// Accepts an event this many seconds after the start, and returns it with its number.
    async fn accept(&self, event: &Event, seconds: u64) -> Event {
        let accepted = [(event.clone(), Vec::new())];
        let accepted = self.database.events.accept_all(&accepted, &FixedClock(after(seconds)), &SystemRandom).await;
        Event { sequence: accepted.unwrap()[0].sequence, ..event.clone() }
    }

    async fn read(
        &self,
        event_type: Option<EventType>,
        position: FeedPosition,
        limit: usize,
        now: Timestamp,
    ) -> FeedRead {
        self.database.events.feed(self.project, event_type, position, limit, now).await.unwrap()
    }

    /// Reads pages until all events were returned.
    async fn read_all(
        &self,
        event_type: Option<EventType>,
        limit: usize,
        now: Timestamp,
    ) -> (Vec<Event>, FeedPosition) {
        let (mut position, mut events) = (FeedPosition::before(start()), Vec::new());
        loop {
            let read = self.read(event_type, position, limit, now).await;
            assert!(read.events.len() <= limit);
            events.extend(read.events);
            position = read.position;
            if read.end == FeedEnd::CaughtUp {
                return (events, position);
            }
        }
    }
}

#[tokio::test]
async fn pages_return_every_accepted_event_of_all_days_once_with_data_and_number() {
    let fixture = Fixture::start().await;
    let mut expected = Vec::new();
    for seconds in [0, 40, 119, 120, 121, 200, 300] {
        let name = if seconds % 3 == 0 { None } else { Some("sub_1") };
        expected.push(fixture.accept(&fixture.event(seconds, name), seconds).await);
    }
    assert_eq!(expected.iter().filter_map(|event| event.sequence).map(Sequence::get).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for limit in [1, 2, 3, 100] {
        for now in [after(300), later()] {
            let (events, position) = fixture.read_all(None, limit, now).await;
            assert_eq!(events, expected, "{limit}");
            assert!(fixture.read(None, position, limit, now).await.events.is_empty());
        }
    }
    // The first page needs one read of the events, one of their numbers, and one of the lane `late`.
    let queue = FakeQueue::in_front_of(&fixture.database).await;
    let store = Store::new(queue.aws(), &testing::config());
    let read = store.events.feed(fixture.project, None, FeedPosition::before(start()), 3, later()).await.unwrap();
    assert_eq!((read.events.len(), read.end, queue.database_calls()), (3, FeedEnd::More, 3));
    let (other, _) = fixture.read_all(Some(EventType::Approved), 1, later()).await;
    assert_eq!(other, []);
    assert_eq!(fixture.read_all(Some(EventType::Aml), 2, later()).await.0, expected);
}

#[tokio::test]
async fn an_event_that_was_accepted_late_comes_after_those_that_were_accepted_before() {
    let fixture = Fixture::start().await;
    for name in [Some("sub_1"), None] {
        let (early, prompt) = (fixture.event(0, name), fixture.event(30, name));
        let prompt = fixture.accept(&prompt, 30).await;
        let (mut events, mut position) = fixture.read_all(None, 10, after(3600)).await;
        let early = fixture.accept(&early, 3600).await;
        let read = fixture.read(None, position.clone(), 10, after(3600)).await;
        assert_eq!((read.events.last(), read.end), (Some(&early), FeedEnd::CaughtUp));
        // A repetition of the call does not return it again.
        fixture.accept(&early, 7200).await;
        events.extend(read.events);
        position = read.position;
        assert!(fixture.read(None, position, 10, after(7200)).await.events.is_empty());
        assert_eq!(events.iter().filter(|event| **event == prompt).count(), 1);
        let (all, _) = fixture.read_all(None, 1, after(7200)).await;
        assert_eq!(all.iter().filter(|event| **event == early).count(), 1);
    }
}

#[tokio::test]
async fn an_event_is_returned_when_it_has_its_number_and_not_before() {
    let fixture = Fixture::start().await;
    let event = fixture.event(0, Some("sub_1"));
    fixture.database.events.put(&event, &[]).await.unwrap();
    let read = fixture.read(None, FeedPosition::before(start()), 10, after(5)).await;
    assert_eq!((read.events.len(), read.end), (0, FeedEnd::CaughtUp));
    let store = &fixture.database.events;
    assert!(!store.has_news(fixture.project, None, &read.seen, after(6)).await.unwrap());
    let accepted = fixture.accept(&event, 7).await;
    assert!(store.has_news(fixture.project, None, &read.seen, after(8)).await.unwrap());
    let read = fixture.read(None, read.position, 10, after(8)).await;
    assert_eq!(read.events, [accepted]);
}

#[tokio::test]
async fn news_are_newer_events_of_the_filter_and_late_entries() {
    let fixture = Fixture::start().await;
    let store = &fixture.database.events;
    fixture.accept(&fixture.event(100, None), 100).await;
    let seen = fixture.read(None, FeedPosition::before(start()), 10, after(110)).await.seen;
    let (seen, news) = (&seen, async |event_type, seen: &FeedSeen, seconds| {
        store.has_news(fixture.project, event_type, seen, after(seconds)).await.unwrap()
    });
    assert!(!news(None, seen, 111).await);
    // An earlier id, which became visible later.
    fixture.accept(&fixture.event(99, None), 100).await;
    assert!(news(None, seen, 111).await && news(Some(EventType::Aml), seen, 111).await);
    assert!(!news(Some(EventType::Approved), seen, 111).await);
    // The clock of its publisher is ahead, in the next day.
    fixture.accept(&fixture.event(140, None), 140).await;
    assert!(news(None, seen, 115).await);
    let seen = &fixture.read(None, FeedPosition::before(start()), 10, after(115)).await.seen;
    assert!(!news(None, seen, 116).await);
    fixture.accept(&fixture.event(0, None), 116).await;
    assert!(news(None, seen, 117).await);
}

#[tokio::test]
async fn an_erased_event_is_left_out() {
    let fixture = Fixture::start().await;
    let events = [fixture.event(0, Some("sub_1")), fixture.event(1, Some("sub_2"))];
    let mut accepted = Vec::new();
    for event in &events {
        accepted.push(fixture.accept(event, 2).await);
    }
    fixture.database.begin_erasure(fixture.project, events[0].id).await;
    assert_eq!(fixture.read_all(None, 1, later()).await.0, accepted[1..]);
}

#[tokio::test]
async fn a_page_ends_before_its_data_is_too_large() {
    let fixture = Fixture::start().await;
    let mut expected = Vec::new();
    for _ in 0..20 {
        // Compresses well, so that one read returns more than fits on a page.
        let data = EventData::try_from(format!(r#"{{"x":"{}"}}"#, "x".repeat(250_000))).unwrap();
        expected.push(fixture.accept(&Event { data, ..fixture.event(0, None) }, 0).await.id);
    }
    expected.sort_unstable();
    let read = fixture.read(None, FeedPosition::before(start()), 100, later()).await;
    assert_eq!((read.events.len(), read.end), (8, FeedEnd::More));
    let (events, _) = fixture.read_all(None, 100, later()).await;
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_end_of_the_feed_is_behind_what_is_accepted_and_before_what_is_not() {
    let fixture = Fixture::start().await;
    for (event, seconds) in
        [(fixture.event(0, Some("sub_1")), 0), (fixture.event(100, None), 100), (fixture.event(0, None), 100)]
    {
        fixture.accept(&event, seconds).await;
    }
    let pending = fixture.event(99, Some("sub_1"));
    fixture.database.events.put(&pending, &[]).await.unwrap();
    let position = fixture.database.events.end_of_feed(fixture.project, after(101)).await.unwrap();
    let read = fixture.read(None, position.clone(), 10, after(101)).await;
    assert!(read.events.is_empty());
    let mut expected = vec![fixture.accept(&pending, 102).await];
    expected.push(fixture.accept(&fixture.event(103, None), 103).await);
    assert_eq!(fixture.read(None, position.clone(), 10, after(104)).await.events, expected);
    assert_eq!(fixture.read(None, position, 10, later()).await.events, expected);
}

#[tokio::test]
async fn the_end_of_the_feed_of_a_busy_project_passes_no_event_that_is_being_accepted() {
    let fixture = Fixture::start().await;
    let pending = fixture.event(0, Some("sub_1"));
    fixture.database.events.put(&pending, &[]).await.unwrap();
    let busy: Vec<_> = (0..FeedPosition::NEWEST_ROWS + 5).map(|_| (fixture.event(1, None), Vec::new())).collect();
    for events in busy.chunks(100) {
        fixture.database.events.accept_all(events, &FixedClock(after(1)), &SystemRandom).await.unwrap();
    }
    let position = fixture.database.events.end_of_feed(fixture.project, after(2)).await.unwrap();
    let pending = fixture.accept(&pending, 3).await;
    let new = fixture.accept(&fixture.event(4, None), 4).await;
    let read = fixture.read(None, position, 100, after(5)).await;
    let ends = (read.events.first(), read.events.last());
    assert_eq!((ends, read.events.len()), ((Some(&pending), Some(&new)), 7), "five events are returned again");
}

#[tokio::test]
async fn the_feed_of_a_submission_has_its_events_in_the_order_of_their_numbers() {
    let fixture = Fixture::start().await;
    let (first, second) = (fixture.event(30, Some("sub_1")), fixture.event(0, Some("sub_1")));
    let mut expected = Vec::new();
    for event in [&first, &second] {
        expected.push(fixture.accept(event, 30).await);
    }
    let approved = Event { event_type: EventType::Approved, ..fixture.event(40, Some("sub_1")) };
    expected.push(fixture.accept(&approved, 40).await);
    fixture.accept(&fixture.event(41, Some("sub_2")), 41).await;
    let store = &fixture.database.events;
    let read = |event_type, after, limit| {
        let name = submission("sub_1");
        async move { store.submission_feed(fixture.project, &name, event_type, after, limit).await.unwrap() }
    };
    let page = read(None, 0, 2).await;
    assert_eq!((&page.events[..], page.after, page.has_more), (&expected[..2], 2, true));
    let page = read(None, page.after, 2).await;
    assert_eq!((&page.events[..], page.after, page.has_more), (&expected[2..], 3, false));
    let page = read(Some(EventType::Approved), 0, 1).await;
    assert_eq!((&page.events[..], page.after, page.has_more), (&expected[2..], 3, false));
    assert_eq!(store.last_number(fixture.project, &submission("sub_1")).await.unwrap(), 3);
    assert_eq!(store.last_number(fixture.project, &submission("sub_3")).await.unwrap(), 0);
    fixture.database.begin_erasure(fixture.project, first.id).await;
    assert_eq!(read(None, 0, 9).await.events, expected[1..]);
}

#[tokio::test]
async fn a_position_from_before_the_oldest_kept_event_moves_to_it() {
    let fixture = Fixture::start().await;
    let event = fixture.accept(&fixture.event(0, None), 0).await;
    // Without the rule, one call would not get as far as from 1970 to this day.
    let read = fixture.read(None, FeedPosition::before("1970-01-01T00:03:00Z".parse().unwrap()), 1, later()).await;
    assert_eq!(read.events, [event]);
    let cursor = FeedCursor::Project(read.position);
    assert_eq!(FeedCursor::from_bytes(&cursor.to_bytes()), Ok(cursor));
}
