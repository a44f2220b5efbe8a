//! Test sends: webhooks with sample data that a customer requested.

use std::time::Duration;

use aws::queue::testing::FakeQueue;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::key_ring::SealedKind;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{SendMessage, TestTask};
use domain::webhooks::endpoint::{Endpoint, EndpointState};
use domain::webhooks::event::EventType;
use domain::webhooks::health::{DisableReason, Disabled, Health};
use domain::webhooks::signature::SigningSecret;
use domain::webhooks::test_send::{MAX_WAIT, NewTestSend, NotSentReason, TestSend, TestState};
use serde_json::Value;

use crate::endpoint_settings::{Received, receiver};
use crate::scene::{self, Scene, ring};

/// Stores a test that was requested `age` ago.
async fn request_test(scene: &Scene, age: Duration) -> TestSend {
    let id = EventId::new(SystemClock.now().minus(age), &SystemRandom);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, scene.endpoint.id);
    scene.store.test_sends.put(scene.endpoint.project_id, &test).await.unwrap();
    test
}

fn task(scene: &Scene, test: &TestSend) -> TestTask {
    TestTask { project_id: scene.endpoint.project_id, endpoint_id: test.endpoint_id, test_id: test.id }
}

fn json(scene: &Scene, test: &TestSend) -> String {
    serde_json::to_string(&SendMessage::from(task(scene, test))).unwrap()
}

async fn state(scene: &Scene, test: &TestSend) -> TestState {
    scene.store.test_sends.get(scene.endpoint.project_id, test.id).await.unwrap().unwrap().state
}

/// Requests and sends a test. Returns its state afterwards.
async fn run_test(scene: &Scene) -> TestState {
    let test = request_test(scene, Duration::ZERO).await;
    scene.send_all(&[json(scene, &test)]).await;
    state(scene, &test).await
}

fn not_sent(reason: NotSentReason) -> TestState {
    TestState::NotSent { not_sent_reason: reason }
}

#[tokio::test]
async fn a_test_is_marked_and_signed_and_its_result_contains_the_request_and_every_phase() {
    let (port, received) = receiver().await;
    let scene = Scene::with_endpoint_at(&format!("http://localhost:{port}/")).await;
    let requested = request_test(&scene, Duration::ZERO).await;

    scene.send_all(&[json(&scene, &requested)]).await;

    let Received { headers, body } = received.await.unwrap();
    let (project, sealed) = (scene.endpoint.project_id, &scene.endpoint.signing_secret);
    let secret = String::from_utf8(ring().open(SealedKind::SigningSecret, project, sealed).unwrap());
    let secret: SigningSecret = secret.unwrap().parse().unwrap();
    let at = Timestamp::from_millis(headers["webhook-timestamp"].parse::<i64>().unwrap() * 1000).unwrap();
    assert_eq!(headers["webhook-signature"], secret.sign(requested.id, at, &body));
    let identifying = ["webhook-id", "webhook-attempt", "webhook-test"].map(|name| headers[name].as_str());
    assert_eq!(identifying, [requested.id.to_string().as_str(), "1", "true"]);
    let content: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&content["type"], &content["data"]["kyc_result"]["status"]), (&"approved".into(), &"approved".into()));

    let TestState::Done { attempt, request } = state(&scene, &requested).await else { panic!("the test was not sent") };
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
async fn a_paused_and_disabled_endpoint_can_be_tested_and_its_health_does_not_change() {
    let scene = Scene::with_receiver_responding(410).await;
    let (project, endpoint) = (scene.endpoint.project_id, scene.endpoint.id);
    let paused = Endpoint { state: EndpointState::Paused, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&paused).await.unwrap();
    let stored = scene.store.health.get_now(project, endpoint).await.unwrap();
    let disabled = Disabled { at: SystemClock.now(), reason: DisableReason::Failing };
    let disabled = stored.next(Health { disabled: Some(disabled), ..stored.health.clone() }, None);
    scene.store.health.put(&disabled).await.unwrap();

    let TestState::Done { attempt, .. } = run_test(&scene).await else { panic!("the test was not sent") };
    assert_eq!((attempt.status, attempt.reason), (Some(410), Some(FailureReason::Status)));
    scene.respond_with(200);
    let TestState::Done { attempt, .. } = run_test(&scene).await else { panic!("the test was not sent") };
    assert_eq!((attempt.status, attempt.reason), (Some(200), None));

    assert_eq!(scene.store.health.get_now(project, endpoint).await.unwrap(), disabled);
    let day = scene.store.events.deliveries_on(project, SystemClock.now().day(), None, 10).await.unwrap();
    assert_eq!(day.deliveries, []);
}

#[tokio::test]
async fn a_test_with_duplicated_messages_is_sent_once_and_never_retried() {
    let scene = Scene::with_receiver_responding(500).await;
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let scene = scene.with_sender(scene::sender_with(queue.aws()));
    let requested = request_test(&scene, Duration::ZERO).await;
    let message = json(&scene, &requested);

    scene.send_all(&[message.clone(), message.clone()]).await;
    let result = state(&scene, &requested).await;
    scene.send_all(&[message]).await;

    assert_eq!((scene.request_count(), state(&scene, &requested).await, queue.take()), (1, result, Vec::new()));
}

#[tokio::test]
async fn a_test_uses_the_current_settings_not_the_cached_ones() {
    let scene = Scene::with_receiver_responding(200).await;
    let unreachable = Endpoint { url: scene::endpoint("http://localhost:1/").url, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&unreachable).await.unwrap();
    let event = scene.event();
    scene.send(&[scene::json(&scene.task(&event))]).await;

    scene.store.endpoints.put(&scene.endpoint).await.unwrap();
    assert!(matches!(run_test(&scene).await, TestState::Done { attempt, .. } if attempt.succeeded()));
}

#[tokio::test]
async fn a_test_of_a_deleted_endpoint_is_not_sent() {
    let scene = Scene::with_receiver_responding(200).await;
    scene.store.endpoints.delete(scene.endpoint.project_id, scene.endpoint.id).await.unwrap();
    assert_eq!(run_test(&scene).await, not_sent(NotSentReason::EndpointDeleted));
    assert_eq!(scene.request_count(), 0);
}

#[tokio::test]
async fn a_test_is_deferred_by_seconds_after_a_fault_on_our_side() {
    let scene = Scene::with_endpoint_at("http://127.255.255.255:9/hook").await;
    let requested = request_test(&scene, Duration::ZERO).await;
    assert_eq!(scene.send(&[json(&scene, &requested)]).await, [0], "without a queue, the message is redelivered");
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let scene = scene.with_sender(scene::sender_with(queue.aws()));

    scene.send_all(&[json(&scene, &requested)]).await;

    assert_eq!(queue.take(), [(SendMessage::Test(task(&scene, &requested)), Duration::from_secs(5))]);
    assert_eq!(state(&scene, &requested).await, TestState::Pending);
}

#[tokio::test]
async fn a_test_that_could_not_be_sent_within_a_minute_ends_unsent() {
    let scene = Scene::with_receiver_responding(200).await;
    let requested = request_test(&scene, MAX_WAIT + Duration::from_secs(1)).await;
    scene.send_all(&[json(&scene, &requested)]).await;
    assert_eq!((state(&scene, &requested).await, scene.request_count()), (not_sent(NotSentReason::OurFault), 0));
}
