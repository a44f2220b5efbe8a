//! Endpoints with OAuth 2.0 client credentials: webhooks carry an access token of the receiver's token server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws::secrets::KeyRingSecret;
use domain::foundation::clock::{Clock as _, ManualClock, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::key_ring::SealedKind;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{SendMessage, TestTask};
use domain::webhooks::endpoint::{Endpoint, EndpointState, Oauth2};
use domain::webhooks::event::{Event, EventType};
use domain::webhooks::test_send::{NewTestSend, TestState};
use serde_json::{Value, json};
use webhook_sender::Sender;

use crate::http_server::{HttpServer, Request};
use crate::scene::{FAST, Scene, config, json as message, ring, send_at};

const SECRET: &str = "client-secret-peppercorn";

/// A token server that issues `t-1`, `t-2` … for `expires_in` seconds each.
async fn token_server(expires_in: u64) -> HttpServer {
    slow_token_server(expires_in, |_| Duration::ZERO).await
}

/// A token server that answers its first, second, … request after these delays.
async fn slow_token_server(expires_in: u64, delay: impl Fn(usize) -> Duration + Send + 'static) -> HttpServer {
    let issued = AtomicUsize::new(0);
    let answer = move |_: &Request| {
        let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
        let token = json!({"access_token": format!("t-{number}"), "token_type": "Bearer", "expires_in": expires_in});
        (200, token.to_string())
    };
    HttpServer::with_delay(answer, delay).await
}

/// A receiver that accepts these access tokens and answers 401 to others.
async fn receiver(accepted: &'static [&'static str]) -> HttpServer {
    HttpServer::start(move |request| {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        (if token.is_some_and(|token| accepted.contains(&token)) { 200 } else { 401 }, String::new())
    })
    .await
}

/// The tokens that arrived at a receiver.
fn tokens(receiver: &HttpServer) -> Vec<String> {
    let requests = receiver.requests().into_iter();
    requests.map(|request| request.header("authorization").unwrap_or_default().to_owned()).collect()
}

fn oauth2(endpoint: &Endpoint, token_url: &str, secret: &str) -> Oauth2 {
    let sealed = ring().seal(SealedKind::ClientSecret, endpoint.project_id, secret.as_bytes(), &SystemRandom);
    let fields =
        json!({"tokenUrl": token_url, "clientId": "signpost", "clientSecret": sealed, "clientAuthentication": "post"});
    serde_json::from_value(fields).unwrap()
}

/// A scene whose endpoint gets its tokens from `token_url`.
async fn scene(receiver: &HttpServer, token_url: &str) -> Scene {
    let scene = Scene::with_endpoint_at(&format!("{}/hook", receiver.origin)).await;
    scene.with_changed_endpoint(|endpoint| endpoint.oauth2 = Some(oauth2(endpoint, token_url, SECRET))).await
}

/// Sends an event. Returns its only attempt.
async fn send_event(scene: &Scene) -> Attempt {
    let event = scene.event();
    scene.send_all(&[message(&scene.task(&event))]).await;
    only_attempt(scene, &event).await
}

async fn only_attempt(scene: &Scene, event: &Event) -> Attempt {
    let delivery = scene.stored_delivery(event).await.unwrap();
    assert!(!serde_json::to_string(&delivery).unwrap().contains(SECRET));
    let [attempt] = delivery.attempts.try_into().unwrap();
    attempt
}

/// The same scene with a sender that uses the returned clock.
fn with_clock(scene: Scene) -> (Scene, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let key_ring = KeyRingSecret::known(ring());
    let sender = Sender::new(config(), scene.store.aws(), key_ring, clock.clone(), Arc::new(SystemRandom)).unwrap();
    (scene.with_sender(sender), clock)
}

async fn send_by(clock: &ManualClock, scene: &Scene) -> Attempt {
    let event = scene.event();
    let failed = send_at(clock.now(), FAST, &scene.sender, &[message(&scene.task(&event))]).await;
    assert_eq!(failed, Vec::<usize>::new());
    only_attempt(scene, &event).await
}

#[tokio::test]
async fn the_webhooks_of_a_batch_and_later_ones_share_a_token() {
    let (token_server, receiver) = (token_server(3600).await, receiver(&["t-1"]).await);
    let scene = scene(&receiver, &token_server.origin).await;
    let events: Vec<Event> = (0..10).map(|_| scene.event()).collect();
    let messages: Vec<String> = events.iter().map(|event| message(&scene.task(event))).collect();

    scene.send_all(&messages).await;

    let mut waited = 0;
    for event in &events {
        let attempt = only_attempt(&scene, event).await;
        assert_eq!((attempt.status, attempt.reason), (Some(200), None));
        waited += usize::from(attempt.phases.token_ms.is_some());
    }
    // Those that had no slot at first found the token.
    assert!(waited > 0);
    assert_eq!(send_event(&scene).await.phases.token_ms, None);
    assert_eq!(tokens(&receiver), vec!["Bearer t-1"; 11]);
    let [request] = token_server.requests().try_into().unwrap();
    let expected = format!("grant_type=client_credentials&client_id=signpost&client_secret={SECRET}");
    assert_eq!(request.body, expected);
    assert!(!request.head.contains("webhook-"), "{}", request.head);
}

#[tokio::test]
async fn a_token_that_is_a_minute_old_and_that_the_receiver_rejects_is_replaced_within_the_attempt() {
    let token_server = token_server(3600).await;
    let posts = AtomicUsize::new(0);
    // The receiver accepts each token once.
    let receiver = HttpServer::start(move |request| {
        let expected = format!("Bearer t-{}", posts.fetch_add(1, Ordering::SeqCst).div_ceil(2) + 1);
        (if request.header("authorization") == Some(&expected) { 200 } else { 401 }, String::new())
    })
    .await;
    let (scene, clock) = with_clock(scene(&receiver, &token_server.origin).await);

    assert_eq!(send_by(&clock, &scene).await.status, Some(200));
    clock.advance(Duration::from_mins(1));
    let second = send_by(&clock, &scene).await;

    assert_eq!((second.number, second.status, second.reason), (1, Some(200), None));
    assert!(second.phases.token_ms.is_some());
    assert_eq!(tokens(&receiver), ["Bearer t-1", "Bearer t-1", "Bearer t-2"]);
}

#[tokio::test]
async fn a_receiver_that_rejects_every_token_causes_at_most_one_token_request_a_minute() {
    let (token_server, receiver) = (token_server(3600).await, receiver(&[]).await);
    let (scene, clock) = with_clock(scene(&receiver, &token_server.origin).await);
    for wait in [0, 59, 1] {
        clock.advance(Duration::from_secs(wait));
        let attempt = send_by(&clock, &scene).await;
        assert_eq!((attempt.status, attempt.reason), (Some(401), Some(FailureReason::Status)));
    }
    // The third webhook is sent twice.
    assert_eq!(tokens(&receiver), ["Bearer t-1", "Bearer t-1", "Bearer t-1", "Bearer t-2"]);
    assert_eq!(token_server.requests().len(), 2);
}

#[tokio::test]
async fn a_slow_token_request_counts_as_one_slow_request_however_many_webhooks_wait_for_it() {
    // Two slow requests would close the slots of the endpoint, and its other messages would be passed on to the slow lane.
    const DELAY: Duration = Duration::from_millis(3300);
    let token_server = slow_token_server(1, |number| if number == 1 { Duration::ZERO } else { DELAY }).await;
    let receiver = HttpServer::start(|_| (200, String::new())).await;
    let (scene, clock) = with_clock(scene(&receiver, &token_server.origin).await);
    // The endpoint has many recent attempts, so one slow request does not move it to the slow lane.
    send_batch(&clock, &scene).await;
    clock.advance(Duration::from_secs(1));

    let events = send_batch(&clock, &scene).await;

    for event in &events {
        assert_eq!(only_attempt(&scene, event).await.status, Some(200));
    }
    assert_eq!(token_server.requests().len(), 2);
}

/// Sends ten events as one batch.
async fn send_batch(clock: &ManualClock, scene: &Scene) -> Vec<Event> {
    let events: Vec<Event> = (0..10).map(|_| scene.event()).collect();
    let messages: Vec<String> = events.iter().map(|event| message(&scene.task(event))).collect();
    assert_eq!(send_at(clock.now(), FAST, &scene.sender, &messages).await, Vec::<usize>::new());
    events
}

#[tokio::test]
async fn webhooks_share_a_token_that_expires_while_they_wait_for_it() {
    let token_server = slow_token_server(0, |_| Duration::from_secs(1)).await;
    let receiver = receiver(&["t-1"]).await;
    let scene = scene(&receiver, &token_server.origin).await;
    // As many as are sent at the same time.
    let events: Vec<Event> = (0..5).map(|_| scene.event()).collect();
    let messages: Vec<String> = events.iter().map(|event| message(&scene.task(event))).collect();

    scene.send_all(&messages).await;

    for event in &events {
        assert_eq!(only_attempt(&scene, event).await.status, Some(200));
    }
    assert_eq!(token_server.requests().len(), 1);
}

#[tokio::test]
async fn without_a_token_no_webhook_is_sent_and_the_attempt_says_why() {
    let refusal = json!({"error": "invalid_client", "error_description": SECRET}).to_string();
    for (status, body, expected) in [
        (401, refusal.as_str(), (Some(401), FailureReason::TokenRefused, Some("invalid_client"))),
        (500, SECRET, (Some(500), FailureReason::TokenRefused, None)),
        (200, SECRET, (Some(200), FailureReason::TokenInvalid, None)),
        (200, r#"{"access_token":"t","token_type":"mac"}"#, (Some(200), FailureReason::TokenInvalid, None)),
    ] {
        let body = body.to_owned();
        let token_server = HttpServer::start(move |_| (status, body.clone())).await;
        let receiver = receiver(&[]).await;
        let attempt = send_event(&scene(&receiver, &token_server.origin).await).await;
        assert_eq!((attempt.status, attempt.reason.unwrap(), attempt.response.as_deref()), expected);
        assert!(attempt.phases.token_ms.is_some() && attempt.phases.answer_ms.is_none(), "{:?}", attempt.phases);
        assert_eq!((receiver.requests().len(), token_server.requests().len()), (0, 1));
    }
}

#[tokio::test]
async fn a_token_server_that_cannot_be_reached_or_is_private_fails_the_attempt() {
    for (token_url, expected) in
        [("http://localhost:1/token", "refused"), ("https://10.0.0.1/token", "blocked-address")]
    {
        let receiver = receiver(&[]).await;
        let attempt = send_event(&scene(&receiver, token_url).await).await;
        let expected = (None, Some(FailureReason::TokenUnreachable), Some(expected));
        assert_eq!((attempt.status, attempt.reason, attempt.response.as_deref()), expected);
        assert_eq!(receiver.requests().len(), 0);
    }
}

#[tokio::test]
async fn a_fault_on_our_side_that_prevents_a_token_request_does_not_count() {
    let receiver = receiver(&[]).await;
    // This system cannot route to the broadcast address.
    let scene = scene(&receiver, "http://127.255.255.255:9/token").await;
    let event = scene.event();
    assert_eq!(scene.send(&[message(&scene.task(&event))]).await, [0]);
    assert!(scene.stored_delivery(&event).await.is_none_or(|delivery| delivery.attempts.is_empty()));
}

#[tokio::test]
async fn a_token_is_replaced_shortly_before_it_expires() {
    let (token_server, receiver) = (token_server(600).await, receiver(&["t-1", "t-2"]).await);
    let (scene, clock) = with_clock(scene(&receiver, &token_server.origin).await);
    for wait in [Duration::ZERO, Duration::from_secs(569), Duration::from_secs(1)] {
        clock.advance(wait);
        assert_eq!(send_by(&clock, &scene).await.status, Some(200));
    }
    assert_eq!(tokens(&receiver), ["Bearer t-1", "Bearer t-1", "Bearer t-2"]);
}

#[tokio::test]
async fn a_changed_secret_is_used_at_once_for_a_new_token() {
    let (token_server, receiver) = (token_server(3600).await, receiver(&["t-1", "t-2"]).await);
    let (scene, clock) = with_clock(scene(&receiver, &token_server.origin).await);
    send_by(&clock, &scene).await;
    let token_url = &token_server.origin;
    let scene =
        scene.with_changed_endpoint(|endpoint| endpoint.oauth2 = Some(oauth2(endpoint, token_url, "new-secret"))).await;
    // The settings are cached for 30 s.
    clock.advance(Duration::from_secs(31));
    send_by(&clock, &scene).await;
    assert_eq!(tokens(&receiver), ["Bearer t-1", "Bearer t-2"]);
    assert!(token_server.requests()[1].body.ends_with("client_secret=new-secret"));
}

#[tokio::test]
async fn a_held_delivery_needs_no_token() {
    let (token_server, receiver) = (token_server(3600).await, receiver(&["t-1"]).await);
    let scene = scene(&receiver, &token_server.origin).await;
    let scene = scene.with_changed_endpoint(|endpoint| endpoint.state = EndpointState::Paused).await;
    scene.send_all(&[message(&scene.task(&scene.event()))]).await;
    assert_eq!((token_server.requests().len(), receiver.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_test_carries_a_token_that_its_result_does_not_show() {
    let (token_server, receiver) = (token_server(3600).await, receiver(&["t-1"]).await);
    let scene = scene(&receiver, &token_server.origin).await;
    let id = EventId::new(SystemClock.now(), &SystemRandom);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, scene.endpoint.id);
    let (project_id, endpoint_id) = (scene.endpoint.project_id, scene.endpoint.id);
    scene.store.test_sends.put(project_id, &test).await.unwrap();
    let task = SendMessage::from(TestTask { project_id, endpoint_id, test_id: test.id });

    scene.send_all(&[serde_json::to_string(&task).unwrap()]).await;

    assert_eq!(tokens(&receiver), ["Bearer t-1"]);
    let state = scene.store.test_sends.get(project_id, test.id).await.unwrap().unwrap().state;
    assert!(matches!(&state, TestState::Done { attempt, .. } if attempt.succeeded()));
    let shown: Value = serde_json::to_value(&state).unwrap();
    assert!(!shown.to_string().contains("t-1\""), "{shown}");
}
