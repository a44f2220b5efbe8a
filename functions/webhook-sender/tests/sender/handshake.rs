//! Handshakes: a receiver is asked whether it wants webhooks.

use std::time::Duration;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::{DeliveryHoldReason, DeliveryState, HandshakeTask, SendMessage, TestTask};
use domain::webhooks::endpoint::{Endpoint, EndpointState, Ownership, OwnershipProof, Pace};
use domain::webhooks::event::EventType;
use domain::webhooks::handshake::{Handshake, HandshakeAnswer, MAX_WAIT, RefusalReason};
use domain::webhooks::test_send::{NewTestSend, NotSentReason, TestState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::scene::{Scene, json};

/// A receiver that answers one request with `answer` and returns the head of the request.
async fn receiver(answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0, "the request ended early");
        }
        connection.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap().to_ascii_lowercase()
    });
    (port, received)
}

/// Stores a handshake that was asked for `age` ago.
async fn ask(scene: &Scene, age: Duration) -> Handshake {
    let (id, endpoint_id) = (EventId::new(SystemClock.now().minus(age), &SystemRandom), scene.endpoint.id);
    let (url, requested_rate) = (scene.endpoint.url.clone(), Pace::try_from(90).ok());
    let handshake = Handshake { id, endpoint_id, url, requested_rate, state: HandshakeAnswer::Pending };
    scene.store.handshakes.put(scene.endpoint.project_id, &handshake).await.unwrap();
    handshake
}

fn message(scene: &Scene, handshake: &Handshake) -> String {
    let (project_id, endpoint_id) = (scene.endpoint.project_id, handshake.endpoint_id);
    serde_json::to_string(&SendMessage::from(HandshakeTask { project_id, endpoint_id, handshake_id: handshake.id }))
        .unwrap()
}

/// Makes a handshake. Returns it with its result.
async fn make(scene: &Scene) -> Handshake {
    let asked = ask(scene, Duration::ZERO).await;
    scene.send_all(&[message(scene, &asked)]).await;
    stored(scene, &asked).await
}

async fn stored(scene: &Scene, handshake: &Handshake) -> Handshake {
    scene.store.handshakes.get(scene.endpoint.project_id, handshake.id).await.unwrap().unwrap()
}

/// A scene whose endpoint asks for a handshake.
async fn unverified(scene: Scene) -> Scene {
    scene.with_changed_endpoint(|endpoint| endpoint.ownership = Ownership::Handshake).await
}

#[tokio::test]
async fn a_receiver_is_asked_in_our_name_and_its_grant_is_recorded() {
    let answer = "HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: api.signpost.example\r\nWebHook-Allowed-Rate: 60\r\n\
                  content-length: 0\r\n\r\n";
    let (port, received) = receiver(answer).await;
    let scene = unverified(Scene::with_endpoint_at(&format!("http://localhost:{port}/hook?a=1")).await).await;
    let granted = make(&scene).await;
    let proof = granted.proof().unwrap();
    assert_eq!((proof.url, proof.allowed_rate), (scene.endpoint.url.clone(), Pace::try_from(60).ok()));
    let request = received.await.unwrap();
    assert!(request.starts_with("options /hook?a=1 http/1.1\r\n"), "{request}");
    for header in ["webhook-request-origin: api.signpost.example", "webhook-request-rate: 90", "user-agent: signpost/"]
    {
        assert!(request.contains(&format!("\r\n{header}")), "{request}");
    }
    for header in ["webhook-signature", "webhook-id", "content-type"] {
        assert!(!request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn an_answer_without_our_name_is_recorded_as_a_refusal() {
    for (answer, reason) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", RefusalReason::NotAllowed),
        (
            "HTTP/1.1 200 OK\r\nwebhook-allowed-origin: evil.example\r\ncontent-length: 0\r\n\r\n",
            RefusalReason::NotAllowed,
        ),
        ("HTTP/1.1 405 No\r\nwebhook-allowed-origin: *\r\ncontent-length: 0\r\n\r\n", RefusalReason::RequestFailed),
        ("HTTP/1.1 302 Found\r\nlocation: /\r\nwebhook-allowed-origin: *\r\n\r\n", RefusalReason::RequestFailed),
    ] {
        let (port, _received) = receiver(answer).await;
        let scene = unverified(Scene::with_endpoint_at(&format!("http://localhost:{port}/")).await).await;
        let HandshakeAnswer::Refused { reason: actual, .. } = make(&scene).await.state else { panic!("{answer}") };
        assert_eq!(actual, reason, "{answer}");
    }
}

#[tokio::test]
async fn a_receiver_that_cannot_be_reached_has_the_reason_in_the_result() {
    let scene = unverified(Scene::with_endpoint_at("http://localhost:1/").await).await;
    let HandshakeAnswer::Refused { attempt, .. } = make(&scene).await.state else { panic!("nothing listens there") };
    assert_eq!(attempt.reason, Some(FailureReason::Refused));
}

#[tokio::test]
async fn a_late_repeated_or_outdated_handshake_is_not_made() {
    let scene = unverified(Scene::with_receiver_responding(200).await).await;
    let answered = make(&scene).await;
    scene.send_all(&[message(&scene, &answered)]).await;
    assert_eq!((stored(&scene, &answered).await, scene.request_count()), (answered, 1));
    let late = ask(&scene, MAX_WAIT + Duration::from_secs(1)).await;
    scene.send_all(&[message(&scene, &late)]).await;
    assert!(stored(&scene, &late).await.is_pending());
    let other = ask(&scene, Duration::ZERO).await;
    let moved = Endpoint { url: serde_json::from_str("\"http://localhost:1/\"").unwrap(), ..scene.endpoint.clone() };
    scene.store.endpoints.put(&moved).await.unwrap();
    scene.send_all(&[message(&scene, &other)]).await;
    assert_eq!((stored(&scene, &other).await.is_pending(), scene.request_count()), (true, 1));
}

/// Sends a test. Returns its state afterwards.
async fn test(scene: &Scene) -> TestState {
    let (id, project_id) = (EventId::new(SystemClock.now(), &SystemRandom), scene.endpoint.project_id);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, scene.endpoint.id);
    scene.store.test_sends.put(project_id, &test).await.unwrap();
    let task = TestTask { project_id, endpoint_id: scene.endpoint.id, test_id: id };
    scene.send_all(&[serde_json::to_string(&SendMessage::from(task)).unwrap()]).await;
    scene.store.test_sends.get(project_id, id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn deliveries_and_tests_wait_for_the_grant_of_the_current_url() {
    let scene = unverified(Scene::with_receiver_responding(200).await).await;
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    scene.send_all(&[json(&scene.task(&event))]).await;
    let held = scene.stored_delivery(&event).await.unwrap();
    assert_eq!((held.state, held.hold_reason), (DeliveryState::Held, Some(DeliveryHoldReason::Unverified)));

    let not_sent = TestState::NotSent { not_sent_reason: NotSentReason::EndpointUnverified };
    assert_eq!(test(&scene).await, not_sent);
    // A paused endpoint gets tests, but not before the grant.
    let scene = scene.with_changed_endpoint(|endpoint| endpoint.state = EndpointState::Paused).await;
    assert_eq!(test(&scene).await, not_sent);
    let scene = scene.with_changed_endpoint(|endpoint| endpoint.state = EndpointState::Active).await;
    assert_eq!(scene.request_count(), 0);

    let (url, at) = (scene.endpoint.url.clone(), SystemClock.now());
    let ownership_proof = Some(OwnershipProof { url, at, allowed_rate: None });
    scene.store.endpoints.put(&Endpoint { ownership_proof, ..scene.endpoint.clone() }).await.unwrap();
    let scene = scene.with_new_sender();
    scene.send_all(&[json(&held.next_task())]).await;
    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
}
