#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use domain::foundation::clock::FixedClock;
use domain::foundation::id::ProjectId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::event::{Event, EventData, EventType, SubmissionId};
use futures::future::join_all;
use proptest::prelude::*;

use super::archive::LONG;
use super::*;
use crate::queue::testing::FakeQueue;
use crate::store::testing::{self, Database};
use crate::store::{Store, WriteOutcome, keys};

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn clock() -> FixedClock {
    FixedClock(now())
}

fn submission(text: &str) -> SubmissionId {
    SubmissionId::try_from(text.to_owned()).unwrap()
}

fn event_at(project_id: ProjectId, name: &str, at: Timestamp) -> Event {
    let (id, data) = (EventId::new(at, &SystemRandom), EventData::try_from("{}".to_owned()).unwrap());
    let submission_id = Some(submission(name));
    Event { id, project_id, event_type: EventType::Aml, submission_id, sequence: None, occurred_at: at, data }
}

async fn accept(store: &Store, events: &[Event]) -> Vec<Option<u64>> {
    let events: Vec<_> = events.iter().map(|event| (event.clone(), Vec::new())).collect();
    let accepted = store.events.accept_all(&events, &clock(), &SystemRandom).await.unwrap();
    accepted.into_iter().map(|accepted| accepted.sequence.map(Sequence::get)).collect()
}

async fn numbers(store: &Store, project: ProjectId, name: &str) -> Vec<(EventId, u64)> {
    let found = store.events.submission(project, &submission(name)).await.unwrap();
    found.events.into_iter().map(|(id, place)| (id, place.sequence.get())).collect()
}

#[tokio::test]
async fn events_of_a_submission_are_numbered_in_the_order_of_acceptance_and_a_repetition_keeps_the_number() {
    let database = Database::start().await;
    let queue = FakeQueue::in_front_of(&database).await;
    let store = Store::new(queue.aws(), &testing::config());
    let project = ProjectId::new(now(), &SystemRandom);
    let events: Vec<Event> = ["a", "a", "b", "a"].map(|name| event_at(project, name, now())).to_vec();
    let other = Event { submission_id: None, ..event_at(project, "a", now()) };
    let before = queue.database_calls();
    assert_eq!(accept(&store, &events[..1]).await, [Some(1)]);
    assert_eq!(queue.database_calls() - before, 2, "the event and its number");
    assert_eq!(
        accept(&store, &[events[1].clone(), events[2].clone(), other, events[3].clone()]).await,
        [Some(2), Some(1), None, Some(3)]
    );
    assert_eq!(accept(&store, &events).await, [Some(1), Some(2), Some(1), Some(3)]);
    assert_eq!(
        store.events.get(project, events[3].id).await.unwrap().unwrap().event.sequence,
        Some(Sequence::after(2))
    );
}

#[tokio::test]
async fn a_long_list_is_shortened_and_keeps_all_numbers() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let hour_ago = now().minus(Duration::from_hours(1));
    let events: Vec<Event> = (0..100).map(|_| event_at(project, "long", hour_ago)).collect();
    for chunk in events.chunks(7) {
        accept(&store, chunk).await;
    }
    let pk = keys::submission(project, &submission("long"));
    let row = NumberingRow::read(&store.events.table.get_item_now(&pk, keys::NUMBERING).await.unwrap().unwrap());
    assert!(row.ids.len() < LONG && row.archived_count >= 64, "{} ids after {}", row.ids.len(), row.archived_count);
    let expected: Vec<(EventId, u64)> = events.iter().map(|event| event.id).zip(1..).collect();
    assert_eq!(numbers(&store, project, "long").await, expected);
    // Its number is in an archive row.
    assert_eq!(accept(&store, &events[3..5]).await, [Some(4), Some(5)]);
    let wanted = [(submission("long"), events[3].id), (submission("long"), events[99].id)];
    let places = store.events.numbers_of(project, &wanted).await.unwrap();
    assert_eq!([3, 99].map(|index| places[&events[index].id].sequence.get()), [4, 100]);
}

#[tokio::test]
async fn a_late_event_names_the_entry_of_the_feed_that_counts() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let prompt = event_at(project, "a", now().minus(Duration::from_secs(9)));
    let late = event_at(project, "a", now().minus(Duration::from_secs(11)));
    accept(&store, &[prompt.clone(), late.clone()]).await;
    let found = store.events.submission(project, &submission("a")).await.unwrap();
    assert_eq!(found.events[0].1.late_entry, None);
    let entry = found.events[1].1.late_entry.unwrap();
    let (pk, sk) = keys::late_entry_row(project, entry);
    let row: LateEntryRow = store.events.table.get_now(&pk, &sk).await.unwrap().unwrap();
    assert_eq!((row.event_id, entry.created_at()), (late.id, now()));
}

#[tokio::test]
async fn an_event_that_gets_its_number_after_an_erasure_is_erased() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let (first, stored) = (event_at(project, "a", now()), event_at(project, "a", now()));
    accept(&store, &[first]).await;
    assert_eq!(store.events.put(&stored, &[]).await.unwrap().0, WriteOutcome::Applied, "the call dies here");
    store.events.erase_submission(project, &submission("a"), 10, now()).await.unwrap();
    let events = &store.events;
    assert!(!events.complete(project, &submission("a"), stored.id, &clock(), &SystemRandom).await.unwrap());
    assert_eq!(events.get(project, stored.id).await.unwrap(), None);

    let later = event_at(project, "a", now().plus(Duration::from_millis(1)));
    assert_eq!(accept(&store, std::slice::from_ref(&later)).await, [Some(3)]);
    assert!(events.get(project, later.id).await.unwrap().is_some(), "events after the erasure are kept");
}

#[tokio::test]
async fn the_first_event_of_a_submission_that_gets_its_number_after_an_erasure_is_erased() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let stored = event_at(project, "a", now());
    store.events.put(&stored, &[]).await.unwrap();
    let erased = store.events.erase_submission(project, &submission("a"), 10, now()).await.unwrap();
    assert_eq!(erased.events, 0);
    let events = &store.events;
    assert!(!events.complete(project, &submission("a"), stored.id, &clock(), &SystemRandom).await.unwrap());
    assert_eq!(events.get(project, stored.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_batch_of_old_events_of_one_submission_is_numbered() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let hour_ago = now().minus(Duration::from_hours(1));
    let events: Vec<Event> = (0..100).map(|_| event_at(project, "a", hour_ago)).collect();
    for event in &events {
        store.events.put(event, &[]).await.unwrap();
    }
    let expected: Vec<Option<u64>> = (1..=100).map(Some).collect();
    assert_eq!(accept(&store, &events).await, expected);
    assert_eq!(accept(&store, &events).await, expected);
}

/// What a process does with some of the events.
#[derive(Debug, Clone)]
enum Action {
    /// Accepts them.
    Accept,
    /// Dies after it stored them.
    Die,
    /// Reconciles them.
    Complete,
}

fn steps() -> impl Strategy<Value = Vec<(Action, Vec<usize>)>> {
    let action = prop_oneof![4 => Just(Action::Accept), 1 => Just(Action::Die), 1 => Just(Action::Complete)];
    proptest::collection::vec((action, proptest::collection::vec(0..EVENTS, 1..12)), 1..24)
}

/// Number of events in a run. Half of them are of each submission, and a third are an hour old.
const EVENTS: usize = 90;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn numbers_have_no_gaps_and_never_change_whatever_runs_at_the_same_time_or_dies(steps in steps(), together in 1..5_usize) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Database::start().await;
            let project = ProjectId::new(now(), &SystemRandom);
            let age = |index: usize| Duration::from_secs(if index.is_multiple_of(3) { 3600 } else { 0 });
            let name = |index: usize| if index.is_multiple_of(2) { "a" } else { "b" };
            let events: Vec<Event> =
                (0..EVENTS).map(|index| event_at(project, name(index), now().minus(age(index)))).collect();
            let mut returned: BTreeMap<EventId, u64> = BTreeMap::new();
            for concurrent in steps.chunks(together) {
                let runs = concurrent.iter().map(|(action, indexes)| run(&store, action, indexes, &events));
                let before: usize = returned.len();
                let mut latest: Vec<(EventId, u64)> = join_all(runs).await.concat();
                latest.sort_unstable();
                for (id, number) in latest {
                    assert_eq!(*returned.entry(id).or_insert(number), number, "{before} were numbered before");
                }
            }
            let all: BTreeMap<EventId, u64> =
                [numbers(&store, project, "a").await, numbers(&store, project, "b").await].concat().into_iter().collect();
            for name in ["a", "b"] {
                let found = numbers(&store, project, name).await;
                let counted: Vec<u64> = found.iter().map(|(_, number)| *number).collect();
                assert_eq!(counted, (1..=found.len() as u64).collect::<Vec<_>>());
            }
            assert!(returned.iter().all(|(id, number)| all.get(id) == Some(number)));
        });
    }
}

/// Returns the numbers that the process got.
async fn run(store: &Store, action: &Action, indexes: &[usize], events: &[Event]) -> Vec<(EventId, u64)> {
    let chosen: BTreeMap<EventId, Event> =
        indexes.iter().map(|index| (events[*index].id, events[*index].clone())).collect();
    let chosen: Vec<Event> = chosen.into_values().collect();
    match action {
        Action::Accept => {
            let numbers = accept(store, &chosen).await;
            chosen.iter().zip(numbers).filter_map(|(event, number)| Some((event.id, number?))).collect()
        }
        Action::Die => {
            for event in &chosen {
                store.events.put(event, &[]).await.unwrap();
            }
            Vec::new()
        }
        Action::Complete => {
            for event in &chosen {
                let submission = event.submission_id.as_ref().unwrap();
                let events = &store.events;
                if events.get(event.project_id, event.id).await.unwrap().is_some() {
                    events.complete(event.project_id, submission, event.id, &clock(), &SystemRandom).await.unwrap();
                }
            }
            Vec::new()
        }
    }
}
