#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use super::super::{Store, testing};
use super::*;
use crate::queue::testing::{FakeQueue, Verdict};
use domain::foundation::random::SystemRandom;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn project() -> ProjectId {
    ProjectId::new(now(), &SystemRandom)
}

fn event(project_id: ProjectId) -> Event {
    let data = EventData::try_from(r#"{"z":1.10,"a":12345678901234567890123}"#.to_owned()).unwrap();
    let (id, submission_id) = (EventId::new(now(), &SystemRandom), Some("sub_1".to_owned().try_into().unwrap()));
    Event { id, project_id, event_type: EventType::Aml, submission_id, sequence: None, occurred_at: now(), data }
}

#[tokio::test]
async fn events_are_stored_together_once_and_keep_the_endpoints_of_the_first_time() {
    let database = testing::Database::start().await;
    let queue = FakeQueue::in_front_of(&database).await;
    let store = Store::new(queue.aws(), &testing::config());
    let (project, endpoints) = (project(), [(); 2].map(|()| EndpointId::new(now(), &SystemRandom)));
    let events: Vec<(Event, Vec<EndpointId>)> = (0..60).map(|_| (event(project), vec![endpoints[0]])).collect();
    let before = queue.database_calls();
    let none = HashMap::new();
    let stored = store.events.put_all(&events[..55], &none).await.unwrap();
    assert_eq!(stored, vec![(WriteOutcome::Applied, vec![endpoints[0]]); 55]);
    assert_eq!(queue.database_calls() - before, 3);

    let again: Vec<(Event, Vec<EndpointId>)> =
        events.iter().map(|(event, _)| (event.clone(), vec![endpoints[1]])).collect();
    let stored = store.events.put_all(&again, &none).await.unwrap();
    assert_eq!(stored[..55], vec![(WriteOutcome::Conflict, vec![endpoints[0]]); 55]);
    assert_eq!(stored[55..], vec![(WriteOutcome::Applied, vec![endpoints[1]]); 5]);
    let (first, _) = &events[0];
    assert_eq!(store.events.get(project, first.id).await.unwrap().unwrap().event, *first);
}

#[tokio::test]
async fn an_event_is_stored_with_one_call_and_by_the_sdk_if_that_fails() {
    let database = testing::Database::start().await;
    let queue = FakeQueue::in_front_of(&database).await;
    let store = Store::new(queue.aws(), &testing::config());
    let endpoints = [EndpointId::new(now(), &SystemRandom)];
    for (verdict, calls) in [(Verdict::Pass, 1), (Verdict::Refuse, 2)] {
        let (event, before) = (event(project()), queue.database_calls());
        queue.catch(&event.id.to_string()).end(verdict);
        let stored = store.events.put(&event, &endpoints).await.unwrap();
        assert_eq!((stored.0, queue.database_calls() - before), (WriteOutcome::Applied, calls));
        assert_eq!(store.events.get(event.project_id, event.id).await.unwrap().unwrap().event, event);
    }
}
