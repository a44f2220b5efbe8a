//! Tests of the store against a real database.

use std::time::Duration;

use super::testing::Database;
use super::{Due, DueSelection, PageToken, SHARDS, WriteOutcome};
use domain::foundation::draft::Draft;
use domain::foundation::id::{ApiKeyId, DeliveryId, EndpointId, EventId, KeyPairId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, KeyRecord, NewApiKey, ProjectKey};
use domain::projects::project::{NewProject, Project};
use domain::webhooks::address::AddressGuard;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, DeliveryState, remind};
use domain::webhooks::endpoint::{Endpoint, EndpointState, NewEndpoint};
use domain::webhooks::event::{Event, NewEvent};
use domain::webhooks::health::HoldReason;
use domain::webhooks::key_pair::KeyPairs;
use domain::webhooks::signature::SigningSecret;

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

fn event(project: ProjectId, created_at: Timestamp) -> Event {
    let body = r#"{"type":"aml","submissionId":"sub_1","data":{"z":1.10,"a":12345678901234567890123}}"#;
    NewEvent::try_from(draft(body)).unwrap().accept(EventId::new(created_at, &SystemRandom), project)
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
    store.projects.put(&project).await.unwrap();
    store.endpoints.put(&endpoint).await.unwrap();

    let found = store.projects.with_endpoints(project.id).await.unwrap();
    assert_eq!(found, Some((project.clone(), vec![endpoint.clone()])));
    assert_eq!(store.endpoints.get(project.id, endpoint.id).await.unwrap(), Some(endpoint));
    assert_eq!(store.projects.with_endpoints(ProjectId::new(now(), &SystemRandom)).await.unwrap(), None);
}

#[tokio::test]
async fn an_endpoint_replaces_only_the_version_that_was_read() {
    let store = Database::start().await;
    let endpoint = endpoint(project().id);
    store.endpoints.put(&endpoint).await.unwrap();

    let (mine, theirs) = (Endpoint { event_types: None, ..endpoint.clone() }, endpoint.clone());
    assert_eq!(store.endpoints.replace(&mine).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(store.endpoints.replace(&theirs).await.unwrap(), WriteOutcome::Conflict);
    let stored = store.endpoints.get(endpoint.project_id, endpoint.id).await.unwrap().unwrap();
    assert_eq!(stored, Endpoint { version: 2, ..mine });

    store.endpoints.delete(endpoint.project_id, endpoint.id).await.unwrap();
    assert_eq!(store.endpoints.replace(&stored).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(store.endpoints.get(endpoint.project_id, endpoint.id).await.unwrap(), None);
}

#[tokio::test]
async fn key_pairs_replace_only_the_version_that_was_read_and_are_not_read_with_other_settings() {
    let store = Database::start().await;
    let project = project();
    store.projects.put(&project).await.unwrap();
    let [ours, theirs] = [(); 2].map(|()| key_pairs(project.id));
    store.endpoints.put_key_pairs(&ours).await.unwrap();
    assert_eq!(store.endpoints.key_pairs(project.id).await.unwrap(), Some(ours.clone()));

    assert_eq!(store.endpoints.replace_key_pairs(&ours).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(
        store.endpoints.replace_key_pairs(&ours).await.unwrap(),
        WriteOutcome::Applied,
        "the same call once more"
    );
    assert_eq!(store.endpoints.replace_key_pairs(&theirs).await.unwrap(), WriteOutcome::Conflict);
    let found = store.projects.with_endpoints(project.id).await.unwrap();
    assert_eq!(found, Some((project.clone(), Vec::new())));
    assert_eq!(store.return_urls.get(project.id).await.unwrap().unwrap().project, project);
}

#[tokio::test]
async fn projects_are_listed_page_by_page() {
    let store = Database::start().await;
    let projects: Vec<Project> = (0..5).map(|_| project()).collect();
    for project in &projects {
        store.projects.put(project).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut after: Option<PageToken> = None;
    loop {
        let page = store.projects.list(2, after.as_ref()).await.unwrap();
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
    let stored = new.create(ApiKeyId::new(now(), &SystemRandom), project().id, &key, &KeyBounds::operator()).unwrap();
    store.api_keys.put(&stored).await.unwrap();

    let found = Some(KeyRecord::Key(Box::new(stored.clone())));
    assert_eq!(store.api_keys.by_hash(&key.hash()).await.unwrap(), found);
    assert_eq!(store.api_keys.note_use(&stored, now().day()).await.unwrap(), WriteOutcome::Applied);
    let used = ProjectKey { last_used_on: Some(now().day()), ..stored.clone() };
    assert_eq!(store.api_keys.get(stored.project_id, stored.id).await.unwrap(), Some(used));
    store.api_keys.delete(&stored).await.unwrap();
    assert_eq!(store.api_keys.by_hash(&key.hash()).await.unwrap(), None);
    // A later use does not restore a revoked key.
    assert_eq!(store.api_keys.note_use(&stored, now().day()).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(store.api_keys.get(stored.project_id, stored.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_reads_back_byte_for_byte() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let endpoint = EndpointId::new(now(), &SystemRandom);
    store.events.put(&event, &[endpoint]).await.unwrap();

    let stored = store.events.get(event.project_id, event.id).await.unwrap().unwrap();
    assert_eq!((stored.event, stored.endpoints), (event, vec![endpoint]));
}

#[tokio::test]
async fn an_event_that_is_stored_again_keeps_its_endpoints() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let [first, second] = [0, 1].map(|_| EndpointId::new(now(), &SystemRandom));
    assert_eq!(store.events.put(&event, &[first]).await.unwrap(), (WriteOutcome::Applied, vec![first]));
    assert_eq!(store.events.put(&event, &[second]).await.unwrap(), (WriteOutcome::Conflict, vec![first]));
    assert_eq!(store.events.get(event.project_id, event.id).await.unwrap().unwrap().endpoints, [first]);
}

#[tokio::test]
async fn a_repeated_endpoint_write_whose_response_was_lost_is_applied_once() {
    let store = Database::start().await;
    let endpoint = endpoint(project().id);
    store.endpoints.put(&endpoint).await.unwrap();
    let (ours, theirs) = (endpoint.clone(), Endpoint { state: EndpointState::Paused, ..endpoint });
    assert_eq!(store.endpoints.replace(&ours).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(store.endpoints.replace(&ours).await.unwrap(), WriteOutcome::Applied, "the same call once more");
    assert_eq!(store.endpoints.replace(&theirs).await.unwrap(), WriteOutcome::Conflict);
}

#[tokio::test]
async fn an_attempt_made_by_several_messages_is_recorded_once() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let first = failed_once(&event, endpoint, Duration::from_secs(5));
    let second = first.clone().after(attempt(2, None), None);

    let made_by_another = Delivery::queued(&event, endpoint).after(attempt(1, None), None);

    assert_eq!(store.deliveries.record(&first, Some(now())).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(store.deliveries.record(&made_by_another, None).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(
        store.deliveries.record(&first, Some(now())).await.unwrap(),
        WriteOutcome::Applied,
        "its answer was lost"
    );
    assert_eq!(store.deliveries.record(&second, None).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(store.deliveries.record(&first, Some(now())).await.unwrap(), WriteOutcome::Conflict);
    let wanted = (event.project_id, second.id);
    let recorded = store.deliveries.recorded(&[wanted, wanted]).await;
    assert_eq!(recorded.into_values().map(Result::unwrap).collect::<Vec<_>>(), [second]);
}

#[tokio::test]
async fn first_attempts_are_recorded_together_each_on_its_own_condition() {
    let store = Database::start().await;
    let project = project().id;
    let queued = || Delivery::queued(&event(project, now()), EndpointId::new(now(), &SystemRandom));
    let delivered = |delivery: &Delivery| delivery.clone().after(attempt(1, None), None);
    let [new, recorded, held, failed, cancelled, other_new] = std::array::from_fn(|_| queued());
    store.deliveries.record(&delivered(&recorded), None).await.unwrap();
    store.deliveries.record_held(&held.clone().held(HoldReason::Paused), now()).await.unwrap();
    let failed_first = failed.clone().after(attempt(1, Some(FailureReason::Status)), Some(Duration::from_secs(5)));
    store.deliveries.record(&failed_first, Some(now())).await.unwrap();
    store.deliveries.record_closed(&cancelled.clone().cancelled(now())).await.unwrap();

    let all = [new, recorded, held, failed, cancelled, other_new].map(|delivery| (delivered(&delivery), None));
    let answers = store.deliveries.record_first_attempts(&all).await.into_iter().map(Result::unwrap);

    let (now, before) = (WriteOutcome::Applied, WriteOutcome::Conflict);
    assert_eq!(answers.collect::<Vec<_>>(), [now, now, now, before, before, now], "the second found itself");
    for ((delivery, _), is_stored) in all.iter().zip([true, true, true, false, false, true]) {
        let stored = store.deliveries.recorded_now(project, delivery.id).await.unwrap();
        assert_eq!(stored.as_ref() == Some(delivery), is_stored);
    }
}

#[tokio::test]
async fn the_sweep_finds_a_first_attempt_that_was_recorded_with_others() {
    let store = Database::start().await;
    let project = project().id;
    let all: [_; 30] = std::array::from_fn(|_| {
        let failed = failed_once(&event(project, now()), EndpointId::new(now(), &SystemRandom), Duration::from_secs(5));
        (failed, Some(now()))
    });

    let answers = store.deliveries.record_first_attempts(&all).await;

    assert!(answers.iter().all(|answer| matches!(answer, Ok(WriteOutcome::Applied))));
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(
            store
                .sweep
                .due_in_shard(shard, now().plus(Duration::from_secs(1)), None, DueSelection::ALL)
                .await
                .unwrap()
                .due,
        );
    }
    assert_eq!(due.len(), all.len());
}

#[tokio::test]
async fn a_delivery_is_cancelled_only_if_no_attempt_was_recorded_meanwhile() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let queued = Delivery::queued(&event, EndpointId::new(now(), &SystemRandom));
    let failed = queued.clone().after(attempt(1, Some(FailureReason::Status)), Some(Duration::from_secs(5)));
    store.deliveries.record(&failed, Some(now())).await.unwrap();

    assert_eq!(store.deliveries.record_closed(&queued.cancelled(now())).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(store.deliveries.record_closed(&failed.clone().cancelled(now())).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(store.deliveries.record_closed(&failed.cancelled(now())).await.unwrap(), WriteOutcome::Conflict);
}

#[tokio::test]
async fn deliveries_without_an_attempt_are_listed_as_queued() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let [attempted, untried] = [(); 2].map(|()| EndpointId::new(now(), &SystemRandom));
    store.events.put(&event, &[attempted, untried]).await.unwrap();
    let delivered = Delivery::queued(&event, attempted).after(attempt(1, None), None);
    store.deliveries.record(&delivered, None).await.unwrap();

    let deliveries = store.events.deliveries_of(event.project_id, event.id).await.unwrap().unwrap();
    let mut expected = [delivered, Delivery::queued(&event, untried)];
    expected.sort_by_key(|delivery| delivery.id);
    assert_eq!(deliveries, expected);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_is_left_out_of_lists_and_does_not_withhold_the_others() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let [intact, spoiled, untried] = [(); 3].map(|()| EndpointId::new(now(), &SystemRandom));
    store.events.put(&event, &[intact, spoiled, untried]).await.unwrap();
    for endpoint in [intact, spoiled] {
        store.deliveries.record(&Delivery::queued(&event, endpoint).after(attempt(1, None), None), None).await.unwrap();
    }
    store.spoil_delivery(event.project_id, DeliveryId { event: event.id, endpoint: spoiled }).await;

    let deliveries = store.events.deliveries_of(event.project_id, event.id).await.unwrap().unwrap();
    let mut listed: Vec<_> = deliveries.iter().map(|delivery| (delivery.id.endpoint, delivery.state)).collect();
    listed.sort_by_key(|(endpoint, _)| *endpoint);
    let mut expected = [(intact, DeliveryState::Delivered), (untried, DeliveryState::Queued)];
    expected.sort_by_key(|(endpoint, _)| *endpoint);
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn the_deliveries_of_a_day_have_pages_without_gaps() {
    let store = Database::start().await;
    let project = project().id;
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let mut events: Vec<Event> = (0..7).map(|second| event(project, now().plus(Duration::from_secs(second)))).collect();
    events.push(event(project, now().plus(Duration::from_hours(24))));
    for event in &events {
        store.events.put(event, &[endpoint]).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let page = store.events.deliveries_on(project, now().day(), before, 3).await.unwrap();
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
    store.deliveries.record(&delivery, Some(reminder.sweep_at)).await.unwrap();

    let shard = event.id.as_bytes()[15] % super::SHARDS;
    let too_early = store.sweep.due_in_shard(shard, now(), None, DueSelection::ALL).await.unwrap().due;
    let due = store.sweep.due_in_shard(shard, reminder.sweep_at, None, DueSelection::ALL).await.unwrap().due;
    assert_eq!(too_early, []);
    let [Due::Delivery(due)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(due.task(), delivery.next_task());
    let later = next_attempt_at.plus(Duration::from_mins(5));
    assert_eq!(store.sweep.postpone(due, later).await.unwrap(), WriteOutcome::Applied);
    assert_eq!(store.sweep.postpone(due, later).await.unwrap(), WriteOutcome::Conflict);
}

#[tokio::test]
async fn a_finished_delivery_is_no_longer_due() {
    let store = Database::start().await;
    let event = event(project().id, now());
    let waiting = failed_once(&event, EndpointId::new(now(), &SystemRandom), Duration::from_secs(5));
    store.deliveries.record(&waiting, Some(now())).await.unwrap();
    let delivered = waiting.after(attempt(2, None), None);
    assert_eq!(delivered.state, DeliveryState::Delivered);
    store.deliveries.record(&delivered, None).await.unwrap();

    let shard = event.id.as_bytes()[15] % super::SHARDS;
    assert_eq!(
        store
            .sweep
            .due_in_shard(shard, now().plus(Duration::from_hours(1)), None, DueSelection::ALL)
            .await
            .unwrap()
            .due,
        []
    );
}

#[tokio::test]
async fn the_health_of_an_endpoint_is_deleted_only_in_the_version_that_was_read() {
    let store = Database::start().await;
    let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
    let unknown = store.health.get_now(project, endpoint).await.unwrap();
    let seen = unknown.next(unknown.health.clone(), Some(now()));
    store.health.put(&seen).await.unwrap();
    let noted = seen.next(seen.health.clone().holding(now()), Some(now()));
    store.health.put(&noted).await.unwrap();

    assert_eq!(store.health.delete(&seen).await.unwrap(), WriteOutcome::Conflict);
    assert_eq!(store.health.get_now(project, endpoint).await.unwrap(), noted);
    assert_eq!(store.health.delete(&noted).await.unwrap(), WriteOutcome::Applied);
    assert!(!store.health.get_now(project, endpoint).await.unwrap().is_stored());
}
