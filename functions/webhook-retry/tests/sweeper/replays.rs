//! Replays by filter.

use std::collections::BTreeSet;
use std::time::Duration;

use aws::store::ReplayStart;
use domain::foundation::draft::Draft;
use domain::foundation::id::{DeliveryId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{Delivery, SendMessage};
use domain::webhooks::endpoint::{Endpoint, Pace};
use domain::webhooks::replay::{NewReplay, Replay, ReplayState};

use crate::scene::{Scene, now};

const MINUTE: Duration = Duration::from_mins(1);
const FAILED: Option<FailureReason> = Some(FailureReason::Status);

/// Starts a replay of failed deliveries whose events were accepted 48 hours to 10 minutes ago.
async fn running(scene: &Scene, rate: u32) -> Replay {
    running_with(scene, &format!(r#""ratePerMinute":{rate}"#)).await
}

/// Does the same with these members in the request.
async fn running_with(scene: &Scene, members: &str) -> Replay {
    let (from, to) = (now().minus(MINUTE * 60 * 48), now().minus(MINUTE * 10));
    let body = format!(r#"{{"from":"{from}","to":"{to}",{members}}}"#);
    let new = NewReplay::check(Draft::parse(body.as_bytes()).unwrap(), now(), from).unwrap();
    let replay = new.start(ReplayId::new(now(), &SystemRandom), scene.project);
    assert_eq!(scene.store.replays.start(&replay, now()).await.unwrap(), ReplayStart::Started);
    replay
}

async fn stored(scene: &Scene, replay: &Replay) -> Replay {
    scene.store.replays.get(replay.project_id, replay.replay_id).await.unwrap().unwrap()
}

/// Stores failed deliveries of `events` events, each to two endpoints, and returns their ids.
async fn failed(scene: &Scene, events: u32) -> BTreeSet<DeliveryId> {
    let (one, other) = (scene.endpoint().await.id, scene.endpoint().await.id);
    let mut failed = BTreeSet::new();
    for number in 0..events {
        let event = scene.event(MINUTE * (20 + number * 300), &[one, other]).await;
        for endpoint in [one, other] {
            failed.insert(scene.attempted(&event, endpoint, FAILED, None).await.id);
        }
    }
    failed
}

fn ids(sent: &[(SendMessage, Duration)]) -> Vec<DeliveryId> {
    sent.iter().filter_map(|(message, _)| message.delivery_id()).collect()
}

fn delays(sent: &[(SendMessage, Duration)]) -> Vec<u64> {
    sent.iter().map(|(_, delay)| delay.as_secs()).collect()
}

#[tokio::test]
async fn deliveries_are_spread_over_each_minute_and_queued_once() {
    let scene = Scene::new().await;
    let expected = failed(&scene, 4).await;
    let replay = running(&scene, 3).await;

    let mut queued = Vec::new();
    for (minute, expected_delays) in [[0, 20, 40].as_slice(), &[0, 20, 40], &[0, 20]].into_iter().enumerate() {
        let (_, sent) = scene.sweep(now().plus(MINUTE * u32::try_from(minute).unwrap())).await;
        assert_eq!(delays(&sent), expected_delays);
        queued.extend(ids(&sent));
        assert!(sent.iter().all(|(message, _)| *message == replay.task(message.delivery_id().unwrap()).into()));
    }
    assert_eq!((queued.len(), queued.into_iter().collect()), (8, expected));
    assert_eq!(stored(&scene, &replay).await.progress.queued, 8);
}

#[tokio::test]
async fn a_replay_to_an_endpoint_with_a_pace_is_no_faster_than_that() {
    let scene = Scene::new().await;
    let paced = Endpoint { pace: Some(Pace::try_from(3).unwrap()), ..scene.endpoint().await };
    scene.store.endpoints.put(&paced).await.unwrap();
    for _ in 0..5 {
        let event = scene.event(MINUTE * 20, &[paced.id]).await;
        scene.attempted(&event, paced.id, FAILED, None).await;
    }
    running_with(&scene, &format!(r#""ratePerMinute":60,"endpointId":"{}""#, paced.id)).await;
    assert_eq!(delays(&scene.sweep(now()).await.1), [0, 20, 40]);
    assert_eq!(delays(&scene.sweep(now().plus(MINUTE)).await.1), [0, 20]);
}

#[tokio::test]
async fn runs_more_often_than_once_a_minute_do_not_exceed_the_rate() {
    let scene = Scene::new().await;
    failed(&scene, 4).await;
    running(&scene, 2).await;
    assert_eq!(delays(&scene.sweep(now()).await.1), [0, 30]);
    assert_eq!(delays(&scene.sweep(now()).await.1), [0; 0]);
    // A sweep looks one minute ahead.
    let half_a_minute_later = now().plus(MINUTE / 2);
    assert_eq!(delays(&scene.sweep(half_a_minute_later).await.1), [30, 60]);
    assert_eq!(delays(&scene.sweep(half_a_minute_later).await.1), [0; 0]);
}

#[tokio::test]
async fn only_deliveries_that_match_the_filter_are_replayed() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint().await.id;
    let event = scene.event(MINUTE * 30, &[endpoint]).await;
    scene.attempted(&event, endpoint, None, None).await;
    let still_retried = scene.event(MINUTE * 30, &[endpoint]).await;
    scene.attempted(&still_retried, endpoint, FAILED, Some(MINUTE * 120)).await;
    for minutes in [5, 60 * 49] {
        let outside = scene.event(MINUTE * minutes, &[endpoint]).await;
        scene.attempted(&outside, endpoint, FAILED, None).await;
    }
    let matching = scene.event(MINUTE * 30, &[endpoint]).await;
    let matching: Delivery = scene.attempted(&matching, endpoint, FAILED, None).await;
    running(&scene, 300).await;

    let (summary, sent) = scene.sweep(now()).await;
    assert_eq!((summary.replayed, ids(&sent)), (1, vec![matching.id]));
}

#[tokio::test]
async fn a_replay_is_done_when_every_queued_delivery_has_a_result() {
    let scene = Scene::new().await;
    failed(&scene, 1).await;
    let replay = running(&scene, 300).await;
    scene.sweep(now()).await;
    scene.sweep(now().plus(MINUTE)).await;
    assert_eq!(stored(&scene, &replay).await.state, ReplayState::Running);

    for _ in 0..2 {
        scene.store.replays.count_lost(replay.project_id, replay.replay_id).await.unwrap();
    }
    scene.sweep(now().plus(MINUTE * 2)).await;
    assert_eq!(stored(&scene, &replay).await.state, ReplayState::Done);
}

#[tokio::test]
async fn a_replay_continues_at_its_position_after_the_queue_was_unavailable() {
    let scene = Scene::new().await;
    let expected = failed(&scene, 2).await;
    let replay = running(&scene, 300).await;

    scene.sweep_without_queue(now()).await.unwrap_err();
    assert_eq!(stored(&scene, &replay).await.progress.queued, 0);

    let (_, sent) = scene.sweep(now().plus(MINUTE)).await;
    assert_eq!(ids(&sent).into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn a_cancelled_replay_queues_no_deliveries_until_it_is_resumed() {
    let scene = Scene::new().await;
    let expected = failed(&scene, 2).await;
    let replay = running(&scene, 3).await;
    let (_, mut sent) = scene.sweep(now()).await;
    scene.store.replays.end(&replay, ReplayState::Cancelled).await.unwrap();
    let later = |minutes: u32| -> Timestamp { now().plus(MINUTE * minutes) };
    assert_eq!(scene.sweep(later(5)).await.1, []);

    scene.store.replays.resume(&replay, later(10)).await.unwrap();
    let (_, rest) = scene.sweep(later(10)).await;
    assert_eq!((sent.len(), rest.len()), (3, 1));
    sent.extend(rest);
    assert_eq!(ids(&sent).into_iter().collect::<BTreeSet<_>>(), expected);
}
