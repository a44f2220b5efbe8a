//! Replays with the scope `missing`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws::store::{ReplayStart, WriteOutcome};
use domain::foundation::draft::Draft;
use domain::foundation::id::{DeliveryId, EndpointId, EventId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{AttemptTask, Delivery, DeliveryState, SendMessage};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::event::{Event, EventType, NewEvent};
use domain::webhooks::replay::{NewReplay, Progress, Replay, ReplayState};

use crate::scene::{Scene, now};

const MINUTE: Duration = Duration::from_mins(1);

/// Starts a replay of the events of the last 48 hours that `endpoint` misses.
async fn running(scene: &Scene, endpoint: EndpointId, rate: u32) -> Replay {
    let (from, to) = (now().minus(MINUTE * 60 * 48), now());
    let body = format!(
        r#"{{"scope":"missing","endpointId":"{endpoint}","from":"{from}","to":"{to}","ratePerMinute":{rate}}}"#
    );
    let new = NewReplay::check(Draft::parse(body.as_bytes()).unwrap(), now(), from.minus(MINUTE * 60 * 24)).unwrap();
    let replay = new.start(ReplayId::new(now(), &SystemRandom), scene.project);
    assert_eq!(scene.store.replays.start(&replay, now()).await.unwrap(), ReplayStart::Started);
    replay
}

async fn stored(scene: &Scene, replay: &Replay) -> Replay {
    scene.store.replays.get(replay.project_id, replay.replay_id).await.unwrap().unwrap()
}

/// The first attempts to send these events to an endpoint, each with its delay.
fn first_attempts(scene: &Scene, endpoint: EndpointId, events: &[(&Event, u64)]) -> Vec<(SendMessage, Duration)> {
    let task = |event: EventId| AttemptTask::again(scene.project, DeliveryId { event, endpoint }, 1);
    events.iter().map(|(event, delay)| (task(event.id).into(), Duration::from_secs(*delay))).collect()
}

async fn deliveries(scene: &Scene, event: &Event) -> Vec<Delivery> {
    scene.store.events.deliveries_of(scene.project, event.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_new_endpoint_gets_every_earlier_event_once_and_oldest_first() {
    let scene = Scene::new().await;
    let known = scene.endpoint().await.id;
    let mut events = Vec::new();
    for hours in [30, 20, 3, 2, 1] {
        events.push(scene.event(MINUTE * 60 * hours, &[known]).await);
    }
    let new = scene.endpoint().await.id;
    let replay = running(&scene, new, 3).await;

    let (summary, sent) = scene.sweep(now()).await;
    let expected = [(&events[0], 0), (&events[1], 20), (&events[2], 40)];
    assert_eq!((summary.replayed, sent), (3, first_attempts(&scene, new, &expected)));
    let (_, sent) = scene.sweep(now().plus(MINUTE)).await;
    assert_eq!(sent, first_attempts(&scene, new, &[(&events[3], 0), (&events[4], 20)]));
    assert_eq!(scene.sweep(now().plus(MINUTE * 2)).await.1, []);
    assert_eq!(stored(&scene, &replay).await.progress.queued, 5);

    for event in &events {
        let deliveries = deliveries(&scene, event).await;
        let to = |endpoint| deliveries.iter().find(|delivery| delivery.id.endpoint == endpoint).unwrap();
        let (old, added) = (to(known), to(new));
        assert_eq!((deliveries.len(), old.state, added.state), (2, DeliveryState::Queued, DeliveryState::Waiting));
        assert_eq!((added.added_by, added.next_attempt_at.is_some()), (Some(replay.replay_id), true));
    }
    assert_eq!(running_after(&scene, &replay, new).await, Vec::new(), "a second replay finds nothing");
}

#[tokio::test]
async fn an_event_that_is_still_being_accepted_gets_no_delivery() {
    let scene = Scene::new().await;
    let known = scene.endpoint().await.id;
    let without_number = async |ago: Duration| {
        let draft = Draft::parse(br#"{"type":"approved","submissionId":"sub_1","data":{}}"#).unwrap();
        let event =
            NewEvent::try_from(draft).unwrap().accept(EventId::new(now().minus(ago), &SystemRandom), scene.project);
        scene.store.events.put(&event, &[known]).await.unwrap();
        event
    };
    // An earlier version accepted the first one.
    let (old, unfinished) = (without_number(MINUTE * 3).await, without_number(MINUTE * 2).await);
    let later = scene.event(MINUTE, &[known]).await;
    let new = scene.endpoint().await.id;
    running(&scene, new, 300).await;
    assert_eq!(scene.sweep(now()).await.1, first_attempts(&scene, new, &[(&old, 0)]));
    assert_eq!(deliveries(&scene, &unfinished).await.len(), 1);
    // A minute later, it must have its number, or have come from an earlier version.
    let in_a_minute = now().plus(MINUTE);
    assert_eq!(scene.sweep(in_a_minute).await.1, first_attempts(&scene, new, &[(&unfinished, 0), (&later, 1)]));
}

/// Ends `replay`, starts another one, and returns the messages of its first minute that differ from repairs of lost messages.
async fn running_after(scene: &Scene, replay: &Replay, endpoint: EndpointId) -> Vec<(SendMessage, Duration)> {
    scene.store.replays.end(replay, ReplayState::Cancelled).await.unwrap();
    running(scene, endpoint, 300).await;
    scene.sweep(now()).await.1
}

#[tokio::test]
async fn only_events_that_the_endpoint_receives_and_misses_get_a_delivery() {
    let scene = Scene::new().await;
    let known = scene.endpoint().await.id;
    let new = scene.endpoint().await;
    let new = Endpoint { event_types: Some(BTreeSet::from([EventType::Approved])), ..new };
    scene.store.endpoints.put(&new).await.unwrap();
    let has_it = scene.event(MINUTE * 50, &[known, new.id]).await;
    let too_old = scene.event(MINUTE * 60 * 49, &[known]).await;
    let other_type = scene.event_of("aml-ongoing", MINUTE * 40, &[known]).await;
    let erased = scene.event_of_submission("sub-1", MINUTE * 30, &[known]).await;
    let submission = "sub-1".to_owned().try_into().unwrap();
    scene.store.events.erase_submission(scene.project, &submission, 10, now()).await.unwrap();
    let without_endpoints = scene.event(MINUTE * 20, &[]).await;
    running(&scene, new.id, 300).await;

    let (_, sent) = scene.sweep(now()).await;
    assert_eq!(sent, first_attempts(&scene, new.id, &[(&without_endpoints, 0)]));
    for event in [has_it, too_old, other_type, erased] {
        assert!(deliveries(&scene, &event).await.iter().all(|delivery| delivery.added_by.is_none()));
    }
}

#[tokio::test]
async fn deliveries_whose_messages_were_lost_are_sent_by_the_sweep() {
    let scene = Scene::new().await;
    let event = scene.event(MINUTE * 90, &[]).await;
    let new = scene.endpoint().await.id;
    let replay = running(&scene, new, 300).await;
    scene.sweep_without_queue(now()).await.unwrap_err();
    assert_eq!(deliveries(&scene, &event).await[0].state, DeliveryState::Waiting);

    assert_eq!(scene.sweep(now().plus(MINUTE * 2)).await.1, [], "the replay adds no second delivery");
    assert!(stored(&scene, &replay).await.position.is_end());
    let (_, sent) = scene.sweep(now().plus(MINUTE * 5)).await;
    assert_eq!(sent, first_attempts(&scene, new, &[(&event, 0)]));
}

#[tokio::test]
async fn a_replay_is_done_when_the_first_attempt_of_each_delivery_has_a_result() {
    let scene = Scene::new().await;
    let mut events = Vec::new();
    for minutes in [40, 30, 20] {
        events.push(scene.event(MINUTE * minutes, &[]).await);
    }
    let new = scene.endpoint().await.id;
    let replay = running(&scene, new, 300).await;
    scene.sweep(now()).await;

    let attempt = |number, reason| {
        let (at, phases) = (now(), Phases::default());
        Attempt { number, at, duration_ms: 9, phases, status: None, reason, response: None }
    };
    let added = async |event: &Event| deliveries(&scene, event).await.remove(0);
    let (accepted, refused, cancelled) = (added(&events[0]).await, added(&events[1]).await, added(&events[2]).await);
    let store = &scene.store.deliveries;
    let refused = refused.after(attempt(1, Some(FailureReason::Status)), Some(MINUTE));
    for delivery in [accepted.after(attempt(1, None), None), refused.clone(), refused.after(attempt(2, None), None)] {
        assert_eq!(store.record(&delivery, delivery.next_attempt_at).await.unwrap(), WriteOutcome::Applied);
    }
    scene.sweep(now().plus(MINUTE)).await;
    assert_eq!(stored(&scene, &replay).await.state, ReplayState::Running);
    store.record_closed(&cancelled.cancelled(now())).await.unwrap();
    scene.sweep(now().plus(MINUTE * 2)).await;
    let done = stored(&scene, &replay).await;
    assert_eq!(done.progress, Progress { queued: 3, delivered: 1, failed: 1, skipped: 1 });
    assert_eq!(done.state, ReplayState::Done);
}

#[tokio::test]
async fn a_cancelled_replay_adds_no_deliveries_until_it_is_resumed() {
    let scene = Scene::new().await;
    let mut events = Vec::new();
    for minutes in [40, 30, 20] {
        events.push(scene.event(MINUTE * minutes, &[]).await);
    }
    let new = scene.endpoint().await.id;
    let replay = running(&scene, new, 2).await;
    assert_eq!(scene.sweep(now()).await.1.len(), 2);
    scene.store.replays.end(&replay, ReplayState::Cancelled).await.unwrap();
    assert_eq!(scene.sweep(now().plus(MINUTE * 2)).await.1, []);
    assert_eq!(deliveries(&scene, &events[2]).await, []);

    scene.store.replays.resume(&replay, now().plus(MINUTE * 3)).await.unwrap();
    let (_, sent) = scene.sweep(now().plus(MINUTE * 3)).await;
    assert_eq!(sent, first_attempts(&scene, new, &[(&events[2], 0)]));
}

#[tokio::test]
async fn a_replay_to_a_deleted_endpoint_ends_without_deliveries() {
    let scene = Scene::new().await;
    let event = scene.event(MINUTE * 30, &[]).await;
    let new = scene.endpoint().await.id;
    let replay = running(&scene, new, 300).await;
    scene.store.endpoints.delete(scene.project, new).await.unwrap();
    scene.sweep(now()).await;
    scene.sweep(now().plus(MINUTE)).await;
    assert_eq!(stored(&scene, &replay).await.state, ReplayState::Done);
    assert_eq!(deliveries(&scene, &event).await, []);
}
