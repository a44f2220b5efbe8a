//! Long outages on our side: each delivery has one message at a time, and is sent after the outage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws::Aws;
use aws::queue::testing::FakeQueue;
use aws::secrets::KeyRingSecret;
use aws::store::{Due, DueSelection, SHARDS, WriteOutcome};
use domain::foundation::clock::{Clock as _, ManualClock, SystemClock};
use domain::foundation::id::DeliveryId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{self, Delivery, DeliveryState, SWEEP_AHEAD, SendMessage};
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::health::HoldReason;
use webhook_sender::Sender;

use crate::scene::{self, FAST, Scene, config, ring, send_at};

/// Duration of the outage. Messages that return to the queue are in the dead-letter queue after an hour.
const OUTAGE: Duration = Duration::from_hours(3);

/// The template's visibility timeout of the queue, and its maximum number of receives.
const VISIBILITY_TIMEOUT: Duration = Duration::from_mins(3);
const MAX_RECEIVES: u32 = 20;

const MINUTE: Duration = Duration::from_mins(1);

/// A message in the queue.
#[derive(Debug)]
struct Queued {
    message: SendMessage,
    visible_after: Duration,
    receives: u32,
}

/// A sender with its queue and the sweep. One step is a minute.
struct World {
    scene: Scene,
    queue: FakeQueue,
    clock: Arc<ManualClock>,
    elapsed: Duration,
    messages: Vec<Queued>,
    dead_letters: Vec<SendMessage>,
    deliveries: Vec<Delivery>,
}

impl World {
    /// A world with a delivery in each state in which a message can be about it.
    async fn new(scene: Scene) -> Self {
        let queue = FakeQueue::in_front_of(&scene.store).await;
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let mut world = Self {
            scene,
            queue,
            clock,
            elapsed: Duration::ZERO,
            messages: Vec::new(),
            dead_letters: Vec::new(),
            deliveries: Vec::new(),
        };
        let first = world.store_event().await;
        let first_message = world.scene.task(&first.1).into();
        world.push(first_message, Duration::ZERO);
        let (retried, released) = (world.store_event().await.0, world.store_event().await.0);
        world.store_waiting(retried).await;
        world.store_released(released).await;
        world
    }

    async fn store_event(&mut self) -> (Delivery, domain::webhooks::event::Event) {
        let event = self.scene.event();
        self.scene.store.events.put(&event, &[self.scene.endpoint.id]).await.unwrap();
        let delivery = Delivery::queued(&event, self.scene.endpoint.id);
        self.deliveries.push(delivery.clone());
        (delivery, event)
    }

    /// Stores a delivery that waits for its second attempt, whose message is in the queue.
    async fn store_waiting(&mut self, delivery: Delivery) {
        let (at, phases) = (self.clock.now(), Phases::default());
        let reason = Some(FailureReason::Refused);
        let attempt = Attempt { number: 1, at, duration_ms: 1, phases, status: None, reason, response: None };
        let waiting = delivery.after(attempt, Some(Duration::ZERO));
        let reminder = delivery::remind(waiting.next_attempt_at.unwrap(), at);
        self.scene.store.deliveries.record(&waiting, Some(reminder.sweep_at)).await.unwrap();
        self.push(waiting.next_task().into(), Duration::ZERO);
    }

    /// Stores a delivery that was held before its first attempt, and is released.
    async fn store_released(&mut self, delivery: Delivery) {
        let now = self.clock.now();
        let (deliveries, endpoint) = (&self.scene.store.deliveries, self.scene.endpoint.id);
        deliveries.record_held(&delivery.held(HoldReason::Paused), now).await.unwrap();
        let [held] = deliveries.held_for(endpoint, 1).await.unwrap().0.try_into().unwrap();
        deliveries.release(&held, now, delivery::remind(now, now).sweep_at).await.unwrap();
        self.push(held.task().into(), Duration::ZERO);
    }

    fn push(&mut self, message: SendMessage, delay: Duration) {
        self.messages.push(Queued { message, visible_after: self.elapsed + delay, receives: 0 });
    }

    /// Runs for `duration`, and returns the largest number of messages that a delivery had at one time.
    async fn run(&mut self, sender: &Sender, duration: Duration, is_store_up: bool) -> usize {
        let (end, mut most) = (self.elapsed + duration, 0);
        while self.elapsed < end {
            if is_store_up {
                self.sweep().await;
            }
            most = most.max(self.most_messages());
            self.send_visible(sender).await;
            most = most.max(self.most_messages());
            self.elapsed += MINUTE;
            self.clock.advance(MINUTE);
        }
        most
    }

    /// Number of messages of the delivery that has most.
    fn most_messages(&self) -> usize {
        let mut counts: BTreeMap<DeliveryId, usize> = BTreeMap::new();
        for queued in &self.messages {
            *counts.entry(queued.message.delivery_id().unwrap()).or_default() += 1;
        }
        counts.into_values().max().unwrap_or_default()
    }

    /// Does what webhook-retry does every minute with deliveries that are due.
    async fn sweep(&mut self) {
        let now = self.clock.now();
        for shard in 0..SHARDS {
            let page = self
                .scene
                .store
                .sweep
                .due_in_shard(shard, now.plus(SWEEP_AHEAD), None, DueSelection::ALL)
                .await
                .unwrap();
            for due in page.due {
                let Due::Delivery(due) = due else { continue };
                let reminder = delivery::remind(due.next_attempt_at, now);
                let claimed = self.scene.store.sweep.postpone(&due, reminder.sweep_at).await.unwrap();
                assert_eq!(claimed, WriteOutcome::Applied);
                if let Some(delay) = reminder.message_delay {
                    self.push(due.task().into(), delay);
                }
            }
        }
    }

    /// Delivers all visible messages as one batch.
    async fn send_visible(&mut self, sender: &Sender) {
        let elapsed = self.elapsed;
        let (mut batch, waiting): (Vec<Queued>, Vec<Queued>) =
            self.messages.drain(..).partition(|queued| queued.visible_after <= elapsed);
        self.messages = waiting;
        let bodies: Vec<String> = batch.iter().map(|queued| serde_json::to_string(&queued.message).unwrap()).collect();
        let redelivered = send_at(self.clock.now(), FAST, sender, &bodies).await;
        for index in redelivered.into_iter().rev() {
            let mut queued = batch.swap_remove(index);
            queued.receives += 1;
            queued.visible_after = elapsed + VISIBILITY_TIMEOUT;
            match queued.receives {
                MAX_RECEIVES => self.dead_letters.push(queued.message),
                _ => self.messages.push(queued),
            }
        }
        for (message, delay) in self.queue.take() {
            self.push(message, delay);
        }
    }

    fn sender(&self, key_ring: KeyRingSecret) -> Sender {
        Sender::new(config(), self.queue.aws(), key_ring, self.clock.clone(), Arc::new(SystemRandom)).unwrap()
    }

    /// Runs through an outage and the time after it. Asserts that each delivery has at most one message at any time, and that
    /// all are delivered in the end, with one request each.
    async fn survive(mut self, broken: &Sender, is_store_up: bool, repair: impl AsyncFnOnce(&Scene)) {
        assert_eq!(self.run(broken, OUTAGE, is_store_up).await, 1, "a delivery has one message during the outage");
        assert_eq!(self.scene.request_count(), 0);
        let ids: Vec<_> = self.dead_letters.iter().map(SendMessage::delivery_id).collect();
        assert!(ids.len() <= self.deliveries.len() && ids.contains(&Some(self.deliveries[0].id)), "{ids:?}");

        repair(&self.scene).await;
        for message in std::mem::take(&mut self.dead_letters) {
            self.push(message, Duration::ZERO);
        }
        let working = self.sender(KeyRingSecret::known(ring()));
        self.run(&working, Duration::from_mins(25), true).await;
        for delivery in &self.deliveries {
            let stored = self.scene.store.deliveries.recorded_now(delivery.project_id, delivery.id).await.unwrap();
            assert_eq!(stored.map(|stored| stored.state), Some(DeliveryState::Delivered));
        }
        assert_eq!((self.scene.request_count(), self.messages.len()), (self.deliveries.len(), 0));
    }
}

#[tokio::test]
async fn an_unreadable_endpoint_leaves_one_message_of_each_delivery() {
    let world = World::new(Scene::with_receiver_responding(200).await).await;
    world.scene.store.spoil_endpoint(&world.scene.endpoint).await;
    let sender = world.sender(KeyRingSecret::known(ring()));
    let endpoint = world.scene.endpoint.clone();
    world.survive(&sender, true, async |scene: &Scene| scene.store.endpoints.put(&endpoint).await.unwrap()).await;
}

#[tokio::test]
async fn a_key_ring_that_cannot_be_read_leaves_one_message_of_each_delivery() {
    let world = World::new(Scene::with_receiver_responding(200).await).await;
    let key_ring = KeyRingSecret::new(&scene::refusing_service().await, "key-ring", world.clock.clone());
    let sender = world.sender(key_ring);
    world.survive(&sender, true, async |_: &Scene| {}).await;
}

#[tokio::test]
async fn a_store_that_refuses_every_call_leaves_one_message_of_each_delivery() {
    let world = World::new(Scene::with_receiver_responding(200).await).await;
    let refusing: Aws = scene::refusing_service().await;
    let key_ring = KeyRingSecret::known(ring());
    let sender = Sender::new(config(), &refusing, key_ring, world.clock.clone(), Arc::new(SystemRandom)).unwrap();
    world.survive(&sender, false, async |_: &Scene| {}).await;
}

#[tokio::test]
async fn a_network_without_internet_access_leaves_one_message_of_each_delivery() {
    let scene = Scene::with_receiver_responding(200).await;
    let reachable = scene.endpoint.clone();
    // The system reports that the network is unreachable, because a broadcast address accepts no connections.
    let url = scene::endpoint("http://127.255.255.255:9/hook").url;
    scene.store.endpoints.put(&Endpoint { url, ..reachable.clone() }).await.unwrap();
    let world = World::new(scene).await;
    let sender = world.sender(KeyRingSecret::known(ring()));
    world.survive(&sender, true, async |scene: &Scene| scene.store.endpoints.put(&reachable).await.unwrap()).await;
}
