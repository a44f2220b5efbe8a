//! The store against a real database: what rules alone cannot show.

use std::time::Duration;

use super::testing::Database;
use super::{Count, Due, PageToken, SHARDS, Written};
use crate::address::AddressGuard;
use crate::api_key::{ApiKey, ApiKeyKind, NewApiKey, ProjectKey, Scope};
use crate::delivery::{
    Attempt, Delivery, DeliveryFilter, DeliveryState, FailureReason, HoldReason, Phases, Position, remind,
};
use crate::draft::Draft;
use crate::endpoint::{Endpoint, EndpointState, NewEndpoint};
use crate::event::{Event, NewEvent};
use crate::id::{ApiKeyId, DeliveryId, EndpointId, EventId, KeyPairId, ProjectId};
use crate::key_pair::KeyPairs;
use crate::key_ring::KeyRing;
use crate::project::{NewProject, Project};
use crate::random::SystemRandom;
use crate::signature::SigningSecret;
use crate::time::Timestamp;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn draft(body: &str) -> Draft {
    Draft::parse(body.as_bytes()).unwrap()
}

fn project() -> Project {
    NewProject::try_from(draft(r#"{"name":"Acme"}"#)).unwrap().create(ProjectId::new(now(), &SystemRandom))
}

fn endpoint(project: ProjectId) -> Endpoint {
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
    let body = r#"{"url":"https://hooks.example.com/","eventTypes":["aml-ongoing"],"headers":{"x-a":"b"}}"#;
    let new = NewEndpoint::check(draft(body), &AddressGuard::default()).unwrap();
    let (id, secret) = (EndpointId::new(now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
    new.create(id, project, &secret, &ring, &SystemRandom)
}

fn key_pairs(project: ProjectId) -> KeyPairs {
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
    KeyPairs::first(KeyPairId::new(now(), &SystemRandom), project, &ring, &SystemRandom)
}

fn event(project: ProjectId, made_at: Timestamp) -> Event {
    let body = r#"{"type":"aml","submissionId":"sub_1","data":{"z":1.10,"a":12345678901234567890123}}"#;
    NewEvent::try_from(draft(body)).unwrap().accept(EventId::new(made_at, &SystemRandom), project)
}

fn attempt(number: u8, reason: Option<FailureReason>) -> Attempt {
    Attempt {
        number,
        at: now(),
        duration_ms: 12,
        phases: Phases::default(),
        status: Some(500),
        reason,
        response: Some("no".to_owned()),
    }
}

fn failed_once(event: &Event, endpoint: EndpointId, wait: Duration) -> Delivery {
    Delivery::queued(event, endpoint).after(attempt(1, Some(FailureReason::Status)), Some(wait))
}

#[tokio::test]
async fn settings_read_back_as_they_were_stored() {
    let store = Database::start().await;
    let project = project();
    let endpoint = endpoint(project.id);
    store.settings.put_project(&project).await.unwrap();
    store.settings.put_endpoint(&endpoint).await.unwrap();

    let found = store.settings.project_and_endpoints(project.id).await.unwrap();
    assert_eq!(found, Some((project.clone(), vec![endpoint.clone()])));
    assert_eq!(store.settings.endpoint(project.id, endpoint.id).await.unwrap(), Some(endpoint));
    assert_eq!(store.settings.project_and_endpoints(ProjectId::new(now(), &SystemRandom)).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_writes_over_an_endpoint_that_they_have_not_seen() {
    let store = Database::start().await;
    let endpoint = endpoint(project().id);
    store.settings.put_endpoint(&endpoint).await.unwrap();

    let (mine, theirs) = (Endpoint { event_types: None, ..endpoint.clone() }, endpoint.clone());
    assert_eq!(store.settings.replace_endpoint(&mine).await.unwrap(), Written::Now);
    assert_eq!(store.settings.replace_endpoint(&theirs).await.unwrap(), Written::Before);
    let stored = store.settings.endpoint(endpoint.project_id, endpoint.id).await.unwrap().unwrap();
    assert_eq!(stored, Endpoint { version: 2, ..mine });

    store.settings.delete_endpoint(endpoint.project_id, endpoint.id).await.unwrap();
    assert_eq!(store.settings.replace_endpoint(&stored).await.unwrap(), Written::Before);
    assert_eq!(store.settings.endpoint(endpoint.project_id, endpoint.id).await.unwrap(), None);
}

#[tokio::test]
async fn key_pairs_are_replaced_by_who_read_them_and_read_with_nothing_else() {
    let store = Database::start().await;
    let project = project();
    store.settings.put_project(&project).await.unwrap();
    let [ours, theirs] = [(); 2].map(|()| key_pairs(project.id));
    store.settings.put_key_pairs(&ours).await.unwrap();
    assert_eq!(store.settings.key_pairs(project.id).await.unwrap(), Some(ours.clone()));

    assert_eq!(store.settings.replace_key_pairs(&ours).await.unwrap(), Written::Now);
    assert_eq!(store.settings.replace_key_pairs(&ours).await.unwrap(), Written::Now, "the same call once more");
    assert_eq!(store.settings.replace_key_pairs(&theirs).await.unwrap(), Written::Before);
    let found = store.settings.project_and_endpoints(project.id).await.unwrap();
    assert_eq!(found, Some((project.clone(), Vec::new())));
    assert_eq!(store.settings.return_url(project.id).await.unwrap().unwrap().project, project);
}

#[tokio::test]
async fn projects_are_listed_page_by_page() {
    let store = Database::start().await;
    let projects: Vec<Project> = (0..5).map(|_| project()).collect();
    for project in &projects {
        store.settings.put_project(project).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut after: Option<PageToken> = None;
    loop {
        let page = store.settings.projects(2, after.as_ref()).await.unwrap();
        listed.extend(page.items.into_iter().map(|project| project.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
    expected.sort_unstable();
    expected.reverse();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn an_api_key_is_found_by_its_hash_until_it_is_deleted() {
    let store = Database::start().await;
    let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    let new = NewApiKey::try_from(draft(r#"{"name":"server","allowedCidrs":["10.0.0.0/8"]}"#)).unwrap();
    let stored = new.create(ApiKeyId::new(now(), &SystemRandom), project().id, &key, &Scope::ALL.into()).unwrap();
    store.settings.put_api_key(&stored).await.unwrap();

    assert_eq!(store.settings.api_key_by_hash(&key.hash()).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.settings.note_api_key_use(&stored, now().day()).await.unwrap(), Written::Now);
    let used = ProjectKey { last_used_on: Some(now().day()), ..stored.clone() };
    assert_eq!(store.settings.api_key(stored.project_id, stored.id).await.unwrap(), Some(used));
    store.settings.delete_api_key(&stored).await.unwrap();
    assert_eq!(store.settings.api_key_by_hash(&key.hash()).await.unwrap(), None);
    // Nothing brings a revoked key back.
    assert_eq!(store.settings.note_api_key_use(&stored, now().day()).await.unwrap(), Written::Before);
    assert_eq!(store.settings.api_key(stored.project_id, stored.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_reads_back_byte_for_byte() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let endpoint = EndpointId::new(now(), &SystemRandom);
    store.activity.put_event(&event, &[endpoint]).await.unwrap();

    let stored = store.activity.event(event.project_id, event.id).await.unwrap().unwrap();
    assert_eq!((stored.event, stored.endpoints), (event, vec![endpoint]));
}

#[tokio::test]
async fn an_event_that_is_stored_again_goes_where_it_went_the_first_time() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let [first, second] = [0, 1].map(|_| EndpointId::new(now(), &SystemRandom));
    assert_eq!(store.activity.put_event(&event, &[first]).await.unwrap(), (Written::Now, vec![first]));
    assert_eq!(store.activity.put_event(&event, &[second]).await.unwrap(), (Written::Before, vec![first]));
    assert_eq!(store.activity.event(event.project_id, event.id).await.unwrap().unwrap().endpoints, [first]);
}

#[tokio::test]
async fn a_changed_endpoint_whose_answer_was_lost_finds_itself() {
    let store = Database::start().await;
    let endpoint = endpoint(project().id);
    store.settings.put_endpoint(&endpoint).await.unwrap();
    let (ours, theirs) = (endpoint.clone(), Endpoint { state: EndpointState::Paused, ..endpoint });
    assert_eq!(store.settings.replace_endpoint(&ours).await.unwrap(), Written::Now);
    assert_eq!(store.settings.replace_endpoint(&ours).await.unwrap(), Written::Now, "the same call once more");
    assert_eq!(store.settings.replace_endpoint(&theirs).await.unwrap(), Written::Before);
}

#[tokio::test]
async fn an_attempt_is_recorded_once_however_many_messages_made_it() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let first = failed_once(&event, endpoint, Duration::from_secs(5));
    let second = first.clone().after(attempt(2, None), None);

    let made_by_another = Delivery::queued(&event, endpoint).after(attempt(1, None), None);

    assert_eq!(store.activity.record(&first, Some(now())).await.unwrap(), Written::Now);
    assert_eq!(store.activity.record(&made_by_another, None).await.unwrap(), Written::Before);
    assert_eq!(store.activity.record(&first, Some(now())).await.unwrap(), Written::Now, "its answer was lost");
    assert_eq!(store.activity.record(&second, None).await.unwrap(), Written::Now);
    assert_eq!(store.activity.record(&first, Some(now())).await.unwrap(), Written::Before);
    let recorded =
        store.activity.recorded(&[(event.project_id, second.id), (event.project_id, second.id)]).await.unwrap();
    assert_eq!(recorded.into_values().collect::<Vec<_>>(), [second]);
}

#[tokio::test]
async fn first_attempts_are_recorded_together_on_the_conditions_that_hold_for_each() {
    let store = Database::start().await;
    let project = project().id;
    let queued = || Delivery::queued(&event(project, now()), EndpointId::new(now(), &SystemRandom));
    let delivered = |delivery: &Delivery| delivery.clone().after(attempt(1, None), None);
    let [new, recorded, held, failed, cancelled, other_new] = std::array::from_fn(|_| queued());
    store.activity.record(&delivered(&recorded), None).await.unwrap();
    store.activity.record_held(&held.clone().held(HoldReason::Paused), now()).await.unwrap();
    let failed_first = failed.clone().after(attempt(1, Some(FailureReason::Status)), Some(Duration::from_secs(5)));
    store.activity.record(&failed_first, Some(now())).await.unwrap();
    store.activity.record_cancelled(&cancelled.clone().cancelled()).await.unwrap();

    let all = [new, recorded, held, failed, cancelled, other_new].map(|delivery| (delivered(&delivery), None));
    let answers = store.activity.record_first_attempts(&all).await.into_iter().map(Result::unwrap);

    let (now, before) = (Written::Now, Written::Before);
    assert_eq!(answers.collect::<Vec<_>>(), [now, now, now, before, before, now], "the second found itself");
    for ((delivery, _), is_stored) in all.iter().zip([true, true, true, false, false, true]) {
        let stored = store.activity.recorded_now(project, delivery.id).await.unwrap();
        assert_eq!(stored.as_ref() == Some(delivery), is_stored);
    }
}

#[tokio::test]
async fn a_first_attempt_that_is_recorded_with_others_is_found_by_the_sweep() {
    let store = Database::start().await;
    let project = project().id;
    let all: [_; 30] = std::array::from_fn(|_| {
        let failed = failed_once(&event(project, now()), EndpointId::new(now(), &SystemRandom), Duration::from_secs(5));
        (failed, Some(now()))
    });

    let answers = store.activity.record_first_attempts(&all).await;

    assert!(answers.iter().all(|answer| matches!(answer, Ok(Written::Now))));
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(store.activity.due_in_shard(shard, now().plus(Duration::from_secs(1)), 100).await.unwrap());
    }
    assert_eq!(due.len(), all.len());
}

#[tokio::test]
async fn a_delivery_is_cancelled_only_where_it_stood() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let queued = Delivery::queued(&event, EndpointId::new(now(), &SystemRandom));
    let failed = queued.clone().after(attempt(1, Some(FailureReason::Status)), Some(Duration::from_secs(5)));
    store.activity.record(&failed, Some(now())).await.unwrap();

    assert_eq!(store.activity.record_cancelled(&queued.cancelled()).await.unwrap(), Written::Before);
    assert_eq!(store.activity.record_cancelled(&failed.clone().cancelled()).await.unwrap(), Written::Now);
    assert_eq!(store.activity.record_cancelled(&failed.cancelled()).await.unwrap(), Written::Before);
}

#[tokio::test]
async fn deliveries_without_an_attempt_are_listed_as_queued() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let [attempted, untried] = [(); 2].map(|()| EndpointId::new(now(), &SystemRandom));
    store.activity.put_event(&event, &[attempted, untried]).await.unwrap();
    let delivered = Delivery::queued(&event, attempted).after(attempt(1, None), None);
    store.activity.record(&delivered, None).await.unwrap();

    let deliveries = store.activity.deliveries_of(event.project_id, event.id).await.unwrap().unwrap();
    assert_eq!(deliveries, [delivered, Delivery::queued(&event, untried)]);
}

#[tokio::test]
async fn a_days_deliveries_come_in_pages_without_gaps() {
    let store = Database::start().await;
    let project = project().id;
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let mut events: Vec<Event> = (0..7).map(|second| event(project, now().plus(Duration::from_secs(second)))).collect();
    events.push(event(project, now().plus(Duration::from_hours(24))));
    for event in &events {
        store.activity.put_event(event, &[endpoint]).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let page = store.activity.deliveries_on(project, now().day(), before, 3).await.unwrap();
        listed.extend(page.deliveries.into_iter().map(|delivery| delivery.id));
        before = page.next_before;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<DeliveryId> =
        events[..7].iter().rev().map(|event| DeliveryId { event: event.id, endpoint }).collect();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn a_due_delivery_is_claimed_by_one_sweep() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let delivery = failed_once(&event, EndpointId::new(now(), &SystemRandom), Duration::from_hours(2));
    let next_attempt_at = delivery.next_attempt_at.unwrap();
    let reminder = remind(next_attempt_at, now());
    store.activity.record(&delivery, Some(reminder.sweep_at)).await.unwrap();

    let shard = event.id.as_bytes()[15] % super::SHARDS;
    let too_early = store.activity.due_in_shard(shard, now(), 10).await.unwrap();
    let due = store.activity.due_in_shard(shard, reminder.sweep_at, 10).await.unwrap();
    assert_eq!(too_early, []);
    let [Due::Delivery(due)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(due.nudge(), delivery.next_nudge());
    let later = next_attempt_at.plus(Duration::from_mins(5));
    assert_eq!(store.activity.put_off(due, later).await.unwrap(), Written::Now);
    assert_eq!(store.activity.put_off(due, later).await.unwrap(), Written::Before);
}

#[tokio::test]
async fn a_finished_delivery_is_no_longer_due() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let waiting = failed_once(&event, EndpointId::new(now(), &SystemRandom), Duration::from_secs(5));
    store.activity.record(&waiting, Some(now())).await.unwrap();
    let delivered = waiting.after(attempt(2, None), None);
    assert_eq!(delivered.state, DeliveryState::Delivered);
    store.activity.record(&delivered, None).await.unwrap();

    let shard = event.id.as_bytes()[15] % super::SHARDS;
    assert_eq!(store.activity.due_in_shard(shard, now().plus(Duration::from_hours(1)), 10).await.unwrap(), []);
}

#[tokio::test]
async fn deliveries_are_found_and_counted_across_days_and_a_count_without_time_says_so() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let endpoints = [EndpointId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom)];
    let mut expected = Vec::new();
    for number in 0..60 {
        let event = event(project, now().minus(Duration::from_mins(number * 40)));
        store.activity.put_event(&event, &endpoints).await.unwrap();
        expected.push(DeliveryId { event: event.id, endpoint: endpoints[1] });
    }
    let from = Some(now().minus(Duration::from_mins(40 * 40)));
    let filter = DeliveryFilter { endpoint: Some(endpoints[1]), from, ..DeliveryFilter::default() };
    expected.truncate(41);

    let (mut found, mut position) = (Vec::new(), Some(Position::first(&filter, now())));
    while let Some(at) = position {
        let page = store.activity.find_deliveries(project, &filter, at, 7, now()).await.unwrap();
        found.extend(page.deliveries.into_iter().map(|delivery| delivery.id));
        position = page.next;
    }
    assert_eq!(found, expected);
    let count = |has_time: bool| store.activity.count_deliveries(project, &filter, now(), move || has_time);
    assert_eq!(count(true).await.unwrap(), Count::Exactly(41));
    assert_eq!(count(false).await.unwrap(), Count::AtLeast(0));
}

#[tokio::test]
async fn the_health_of_an_endpoint_is_forgotten_only_as_it_was_last_seen() {
    let store = Database::start().await;
    let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
    let unknown = store.activity.health_now(project, endpoint).await.unwrap();
    let seen = unknown.next(unknown.health.clone(), Some(now()));
    store.activity.put_health(&seen).await.unwrap();
    let noted = seen.next(seen.health.clone().holding(now()), Some(now()));
    store.activity.put_health(&noted).await.unwrap();

    assert_eq!(store.activity.delete_health(&seen).await.unwrap(), Written::Before);
    assert_eq!(store.activity.health_now(project, endpoint).await.unwrap(), noted);
    assert_eq!(store.activity.delete_health(&noted).await.unwrap(), Written::Now);
    assert!(!store.activity.health_now(project, endpoint).await.unwrap().is_stored());
}
