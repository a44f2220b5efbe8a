//! Tests: webhooks with invented content, sent because somebody asked.

use std::time::Duration;

use serde_json::Value;
use shared::aws::queue::testing::FakeQueue;
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{FailureReason, SendMessage, TestNudge};
use shared::endpoint::{Endpoint, EndpointState};
use shared::event::EventType;
use shared::health::{DisableReason, Disabled, Health};
use shared::id::EventId;
use shared::key_ring::SealedKind;
use shared::random::SystemRandom;
use shared::signature::SigningSecret;
use shared::test_send::{LONGEST_WAIT, NewTestSend, NotSentReason, TestSend, TestState};
use shared::time::Timestamp;

use crate::endpoint_settings::{Received, receiver};
use crate::scene::{self, Scene, ring};

/// A test that was asked for so long ago.
async fn asked(scene: &Scene, ago: Duration) -> TestSend {
    let id = EventId::new(SystemClock.now().minus(ago), &SystemRandom);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, scene.endpoint.id);
    scene.store.activity.put_test_send(scene.endpoint.project_id, &test).await.unwrap();
    test
}

fn nudge(scene: &Scene, test: &TestSend) -> TestNudge {
    TestNudge { project_id: scene.endpoint.project_id, endpoint_id: test.endpoint_id, test_id: test.id }
}

fn json(scene: &Scene, test: &TestSend) -> String {
    serde_json::to_string(&SendMessage::from(nudge(scene, test))).unwrap()
}

async fn state(scene: &Scene, test: &TestSend) -> TestState {
    scene.store.activity.test_send(scene.endpoint.project_id, test.id).await.unwrap().unwrap().state
}

/// Sends a test, and answers what came of it.
async fn test(scene: &Scene) -> TestState {
    let test = asked(scene, Duration::ZERO).await;
    assert_eq!(scene.send(&[json(scene, &test)]).await, [0_usize; 0]);
    state(scene, &test).await
}

fn not_sent(because: NotSentReason) -> TestState {
    TestState::NotSent { not_sent_because: because }
}

#[tokio::test]
async fn a_test_is_marked_and_signed_and_its_result_tells_each_phase_and_what_was_sent() {
    let (port, received) = receiver().await;
    let scene = Scene::with_endpoint_at(&format!("http://localhost:{port}/")).await;
    let asked = asked(&scene, Duration::ZERO).await;

    assert_eq!(scene.send(&[json(&scene, &asked)]).await, [0_usize; 0]);

    let Received { headers, body } = received.await.unwrap();
    let (project, sealed) = (scene.endpoint.project_id, &scene.endpoint.signing_secret);
    let secret = String::from_utf8(ring().open(SealedKind::SigningSecret, project, sealed).unwrap());
    let secret: SigningSecret = secret.unwrap().parse().unwrap();
    let at = Timestamp::from_millis(headers["webhook-timestamp"].parse::<i64>().unwrap() * 1000).unwrap();
    assert_eq!(headers["webhook-signature"], secret.sign(asked.id, at, &body));
    let marks = ["webhook-id", "webhook-attempt", "webhook-test"].map(|name| headers[name].as_str());
    assert_eq!(marks, [asked.id.to_string().as_str(), "1", "true"]);
    let content: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&content["type"], &content["data"]["kyc_result"]["status"]), (&"approved".into(), &"approved".into()));

    let TestState::Done { attempt, request } = state(&scene, &asked).await else { panic!("it was sent") };
    assert_eq!((attempt.status, attempt.reason), (Some(204), None));
    let phases = attempt.phases;
    assert!([phases.dns_ms, phases.connect_ms, phases.answer_ms, phases.body_ms].iter().all(Option::is_some));
    let request = serde_json::to_value(request).unwrap();
    assert_eq!(request["body"].as_str().map(str::as_bytes), Some(body.as_slice()));
    for (name, value) in request["headers"].as_object().unwrap() {
        assert_eq!(value, &headers[name]);
    }
}

#[tokio::test]
async fn an_endpoint_that_takes_no_webhooks_can_be_tested_and_stays_as_it_is() {
    let scene = Scene::with_receiver_that_answers(410).await;
    let (project, endpoint) = (scene.endpoint.project_id, scene.endpoint.id);
    let paused = Endpoint { state: EndpointState::Paused, ..scene.endpoint.clone() };
    scene.store.settings.put_endpoint(&paused).await.unwrap();
    let stored = scene.store.activity.health_now(project, endpoint).await.unwrap();
    let disabled = Disabled { at: SystemClock.now(), because: DisableReason::Failing };
    let disabled = stored.next(Health { disabled: Some(disabled), ..stored.health.clone() }, None);
    scene.store.activity.put_health(&disabled).await.unwrap();

    let TestState::Done { attempt, .. } = test(&scene).await else { panic!("it was sent") };
    assert_eq!((attempt.status, attempt.reason), (Some(410), Some(FailureReason::Status)));
    scene.answer(200);
    let TestState::Done { attempt, .. } = test(&scene).await else { panic!("it was sent") };
    assert_eq!((attempt.status, attempt.reason), (Some(200), None));

    assert_eq!(scene.store.activity.health_now(project, endpoint).await.unwrap(), disabled);
    let day = scene.store.activity.deliveries_on(project, SystemClock.now().day(), None, 10).await.unwrap();
    assert_eq!(day.deliveries, []);
}

#[tokio::test]
async fn a_test_is_sent_once_however_often_its_message_comes_and_whatever_is_answered() {
    let scene = Scene::with_receiver_that_answers(500).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let scene = scene.sent_by(scene::sender_with(queue.aws()));
    let asked = asked(&scene, Duration::ZERO).await;
    let message = json(&scene, &asked);

    assert_eq!(scene.send(&[message.clone(), message.clone()]).await, [0_usize; 0]);
    let ended = state(&scene, &asked).await;
    assert_eq!(scene.send(&[message]).await, [0_usize; 0]);

    assert_eq!((scene.received(), state(&scene, &asked).await, queue.take()), (1, ended, Vec::new()));
}

#[tokio::test]
async fn a_test_is_sent_as_the_endpoint_is_set_now() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let nowhere = Endpoint { url: scene::endpoint("http://localhost:1/").url, ..scene.endpoint.clone() };
    scene.store.settings.put_endpoint(&nowhere).await.unwrap();
    let event = scene.event();
    scene.send(&[scene::json(&scene.nudge(&event))]).await;

    scene.store.settings.put_endpoint(&scene.endpoint).await.unwrap();
    assert!(matches!(test(&scene).await, TestState::Done { attempt, .. } if attempt.succeeded()));
}

#[tokio::test]
async fn a_test_of_an_endpoint_that_is_gone_is_not_sent() {
    let scene = Scene::with_receiver_that_answers(200).await;
    scene.store.settings.delete_endpoint(scene.endpoint.project_id, scene.endpoint.id).await.unwrap();
    assert_eq!(test(&scene).await, not_sent(NotSentReason::EndpointDeleted));
    assert_eq!(scene.received(), 0);
}

#[tokio::test]
async fn a_fault_of_our_own_puts_a_test_off_by_seconds() {
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let asked = asked(&scene, Duration::ZERO).await;
    assert_eq!(scene.send(&[json(&scene, &asked)]).await, [0], "without a queue its message comes again");
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let scene = scene.sent_by(scene::sender_with(queue.aws()));

    assert_eq!(scene.send(&[json(&scene, &asked)]).await, [0_usize; 0]);

    assert_eq!(queue.take(), [(SendMessage::Test(nudge(&scene, &asked)), Duration::from_secs(5))]);
    assert_eq!(state(&scene, &asked).await, TestState::Pending);
}

#[tokio::test]
async fn a_test_that_could_not_be_sent_within_a_minute_is_over() {
    let scene = Scene::with_receiver_that_answers(200).await;
    let asked = asked(&scene, LONGEST_WAIT + Duration::from_secs(1)).await;
    assert_eq!(scene.send(&[json(&scene, &asked)]).await, [0_usize; 0]);
    assert_eq!((state(&scene, &asked).await, scene.received()), (not_sent(NotSentReason::OurFault), 0));
}
