//! The two lanes: messages for slow receivers are passed on to the slow lane, before their webhooks are posted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws::queue::testing::{DELETED, FakeQueue};
use aws::store::WriteOutcome;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{EndpointId, EventId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::delivery::{AttemptTask, DeliveryState, ReplayTask, SendMessage, TestTask};
use domain::webhooks::endpoint::{Endpoint, EndpointState};
use domain::webhooks::health::{Health, HoldReason, Lane, Pause};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::scene::{self, SLOW, Scene, json, send_from};

/// A scene whose messages go to a fake queue.
async fn scene_with_queue(scene: Scene) -> (Scene, FakeQueue) {
    let queue = FakeQueue::in_front_of(&scene.store).await;
    let scene = scene.with_sender(scene::sender_with(queue.aws()));
    (scene, queue)
}

/// Stores that the receiver of `endpoint` is slow.
async fn mark_slow(scene: &Scene, endpoint: &Endpoint) {
    let stored = scene.store.health.get_now(endpoint.project_id, endpoint.id).await.unwrap();
    let slow = Health::unknown(endpoint.project_id, endpoint.id).with_slow_request(SystemClock.now());
    assert_eq!(slow.lane(SystemClock.now()), Lane::Slow);
    assert_eq!(scene.store.health.put(&stored.next(slow, None)).await.unwrap(), WriteOutcome::Applied);
}

async fn lane(scene: &Scene) -> Lane {
    let (project, endpoint) = (scene.endpoint.project_id, scene.endpoint.id);
    scene.store.health.get_now(project, endpoint).await.unwrap().health.lane(SystemClock.now())
}

/// An endpoint of the same project with the same receiver, which is slow.
async fn slow_endpoint(scene: &Scene) -> Endpoint {
    let endpoint = Endpoint { id: EndpointId::new(SystemClock.now(), &SystemRandom), ..scene.endpoint.clone() };
    scene.store.endpoints.put(&endpoint).await.unwrap();
    mark_slow(scene, &endpoint).await;
    endpoint
}

fn sent(queue: &FakeQueue) -> Vec<(SendMessage, Duration)> {
    queue.take_from(SLOW)
}

/// A receiver that answers after `delay`. Returns its URL and the number of requests it got.
async fn slow_receiver(delay: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/hook", listener.local_addr().unwrap().port());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let _ = connection.read(&mut [0; 4096]).await;
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(delay).await;
                let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
            });
        }
    });
    (url, requests)
}

#[tokio::test]
async fn the_fast_lane_passes_messages_for_slow_receivers_on_and_sends_the_others() {
    let (scene, queue) = scene_with_queue(Scene::with_receiver_responding(200).await).await;
    let slow = slow_endpoint(&scene).await;
    let event = scene.event();
    let [to_slow, to_fast] = AttemptTask::first(&event, &[slow.id, scene.endpoint.id]).try_into().unwrap();
    let replay_id = ReplayId::new(SystemClock.now(), &SystemRandom);
    let replay = ReplayTask::new(event.project_id, to_slow.delivery_id, replay_id, false);
    let test_id = EventId::new(SystemClock.now(), &SystemRandom);
    let test = TestTask { project_id: event.project_id, endpoint_id: slow.id, test_id };
    let new = AttemptTask { is_new: true, ..to_slow.clone() };
    let messages = [new.into(), SendMessage::from(replay), test.into(), to_fast.into()];
    let bodies = messages.each_ref().map(|message| serde_json::to_string(message).unwrap());

    scene.send_all(&bodies).await;

    let [_, replay, test, _] = messages;
    // The slow lane reads the delivery before it sends, because the message may have been passed on twice.
    let expected = [to_slow.into(), replay, test].map(|message: SendMessage| (message, Duration::ZERO));
    assert_eq!(sent(&queue), expected);
    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
    assert_eq!(scene.request_count(), 1);
}

#[tokio::test]
async fn the_slow_lane_sends_every_message_and_passes_none_on() {
    let (scene, queue) = scene_with_queue(Scene::with_receiver_responding(200).await).await;
    mark_slow(&scene, &scene.endpoint).await;
    let event = scene.event();

    assert_eq!(send_from(SLOW, &scene.sender, &[json(&scene.task(&event))]).await, Vec::<usize>::new());

    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
    assert_eq!((sent(&queue), queue.take()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_message_that_leads_to_no_request_is_not_passed_on() {
    let (scene, queue) = scene_with_queue(Scene::with_receiver_responding(200).await).await;
    mark_slow(&scene, &scene.endpoint).await;
    let paused = Endpoint { state: EndpointState::Paused, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&paused).await.unwrap();
    let event = scene.event();

    scene.send_all(&[json(&scene.task(&event))]).await;

    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Held);
    assert_eq!(sent(&queue), []);
}

#[tokio::test]
async fn the_next_attempt_at_a_slow_receiver_goes_to_the_slow_lane() {
    let (scene, queue) = scene_with_queue(Scene::with_receiver_responding(500).await).await;
    mark_slow(&scene, &scene.endpoint).await;
    let event = scene.event();

    send_from(SLOW, &scene.sender, &[json(&scene.task(&event))]).await;

    let waiting = scene.stored_delivery(&event).await.unwrap();
    let [(message, delay)] = sent(&queue).try_into().unwrap();
    assert_eq!(message, waiting.next_task().into());
    assert!(delay > Duration::ZERO && queue.take().is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_passed_on_returns_to_the_queue() {
    let scene = Scene::with_receiver_responding(200).await;
    mark_slow(&scene, &scene.endpoint).await;
    assert_eq!(scene.send(&[json(&scene.task(&scene.event()))]).await, [0]);
    assert_eq!(scene.request_count(), 0);
}

#[tokio::test]
async fn a_receiver_that_takes_long_is_slow_from_then_on_and_its_webhooks_are_posted_once() {
    const DELAY: Duration = Duration::from_secs(4);
    const MESSAGES: usize = 8;
    /// Requests of a batch that run at the same time.
    const SLOTS: usize = 5;
    let (url, requests) = slow_receiver(DELAY).await;
    let (scene, queue) = scene_with_queue(Scene::with_endpoint_at(&url).await).await;
    let tasks: Vec<AttemptTask> = (0..MESSAGES).map(|_| scene.task(&scene.event())).collect();

    scene.send_all(&tasks.iter().map(json).collect::<Vec<_>>()).await;

    let passed_on = sent(&queue);
    assert_eq!((requests.load(Ordering::SeqCst), passed_on.len()), (SLOTS, MESSAGES - SLOTS));
    assert_eq!(lane(&scene).await, Lane::Slow);
    for task in &tasks {
        let stored = scene.store.deliveries.recorded_now(task.project_id, task.delivery_id).await.unwrap();
        let was_passed_on = passed_on.iter().any(|(message, _)| message.delivery_id() == Some(task.delivery_id));
        assert_eq!(stored.is_none(), was_passed_on, "a posted webhook is not passed on");
    }
}

/// A scene with a second endpoint, whose receiver hangs for a few seconds. Returns its URL and the number of requests it got.
async fn scene_with_hanging_endpoint() -> (Scene, FakeQueue, Endpoint) {
    let (url, _) = slow_receiver(Duration::from_secs(3)).await;
    let (scene, queue) = scene_with_queue(Scene::with_receiver_responding(200).await).await;
    let id = EndpointId::new(SystemClock.now(), &SystemRandom);
    let hanging = Endpoint { id, url: scene::endpoint(&url).url, ..scene.endpoint.clone() };
    scene.store.endpoints.put(&hanging).await.unwrap();
    (scene, queue, hanging)
}

#[tokio::test]
async fn a_sender_that_is_held_up_takes_more_messages_from_its_queue_and_deletes_those_that_are_done() {
    let (scene, queue, hanging) = scene_with_hanging_endpoint().await;
    let event = scene.event();
    let [to_hanging] = AttemptTask::first(&event, &[hanging.id]).try_into().unwrap();
    let waiting: Vec<AttemptTask> = (0..12).map(|_| scene.task(&scene.event())).collect();
    let broken = "\"not a task\"".to_owned();
    queue.offer("send", waiting.iter().map(json).chain([broken]));
    queue.offer(SLOW, [json(&scene.task(&scene.event()))]);

    scene.send_all(&[json(&to_hanging)]).await;

    for task in &waiting {
        let stored = scene.store.deliveries.recorded_now(task.project_id, task.delivery_id).await.unwrap();
        assert_eq!(stored.unwrap().state, DeliveryState::Delivered);
    }
    let deleted: Vec<SendMessage> = queue.take_from(DELETED).into_iter().map(|(message, _)| message).collect();
    assert_eq!(deleted, waiting.into_iter().map(SendMessage::from).collect::<Vec<_>>());
    assert_eq!(scene.request_count(), 12, "no message of the other queue is taken");
}

/// A sender that is held up takes messages for many seconds. In this time a delivery that it put on hold may be released.
#[tokio::test]
async fn a_delivery_that_was_held_and_released_while_the_sender_is_held_up_is_sent() {
    let (scene, queue, hanging) = scene_with_hanging_endpoint().await;
    let [to_hanging] = AttemptTask::first(&scene.event(), &[hanging.id]).try_into().unwrap();
    let until = SystemClock.now().plus(Duration::from_millis(800));
    let pause = Pause { until, reason: HoldReason::Busy, in_a_row: 1, probe_until: None };
    let stored = scene.store.health.get_now(scene.endpoint.project_id, scene.endpoint.id).await.unwrap();
    let busy = stored.next(Health { pause: Some(pause), ..stored.health.clone() }, stored.sweep_at);
    assert_eq!(scene.store.health.put(&busy).await.unwrap(), WriteOutcome::Applied);
    let event = scene.event();
    scene.store.events.put(&event, &[scene.endpoint.id]).await.unwrap();
    let released = async {
        loop {
            match scene.stored_delivery(&event).await {
                Some(held) if held.state == DeliveryState::Held => break held.next_task(),
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let release = async { queue.offer("send", [json(&released.await)]) };

    let messages = [json(&to_hanging), json(&scene.task(&event))];
    tokio::join!(scene.send_all(&messages), release);

    assert_eq!(scene.stored_delivery(&event).await.unwrap().state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_sender_that_is_not_held_up_takes_no_more_messages() {
    let (scene, queue) = scene_with_queue(Scene::with_receiver_responding(200).await).await;
    queue.offer("send", [json(&scene.task(&scene.event()))]);
    scene.send_all(&[json(&scene.task(&scene.event()))]).await;
    assert_eq!(scene.request_count(), 1);
}
