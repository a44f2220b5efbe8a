//! Endpoints with a pace: attempts and replays wait for their slots, or are held if no slot is free soon.

use std::slice::from_ref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::queue::testing::{FakeQueue, Verdict};
use aws::secrets::KeyRingSecret;
use aws::store::StoredHealth;
use domain::foundation::clock::{Clock as _, ManualClock, SystemClock};
use domain::foundation::id::{EventId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::slots::SlotClaim;
use domain::webhooks::delivery::{
    Delivery, DeliveryHoldReason, DeliveryState, ReplayOutcome, ReplayTask, Replayed, SendMessage, SkipReason, Slot,
    TestTask,
};
use domain::webhooks::endpoint::{Endpoint, Pace};
use domain::webhooks::event::{Event, EventType};
use domain::webhooks::replay::Progress;
use domain::webhooks::test_send::{NewTestSend, TestState};
use webhook_sender::Sender;

use crate::replay::{progress, start_replay};
use crate::scene::{FAST, Scene, config, json, ring, send_at};

/// A project with an endpoint, and a sender whose clock the test sets.
struct Site {
    scene: Scene,
    queue: FakeQueue,
    start: Timestamp,
    clock: Arc<ManualClock>,
    /// Messages that the queue delays, each with the time at which it arrives.
    delayed: Mutex<Vec<(Timestamp, SendMessage)>>,
}

impl Site {
    async fn with_pace(per_minute: u32) -> Self {
        let mut site = Self::without_pace().await;
        site.change(|endpoint| endpoint.pace = Some(pace(per_minute))).await;
        site
    }

    async fn without_pace() -> Self {
        let scene = Scene::with_receiver_responding(200).await;
        let queue = FakeQueue::in_front_of(&scene.store).await;
        let start = SystemClock.now();
        let clock = Arc::new(ManualClock::new(start));
        let mut site = Self { scene, queue, start, clock, delayed: Mutex::default() };
        site.replace_sender();
        site
    }

    /// Replaces the sender by one whose caches are empty.
    fn replace_sender(&mut self) {
        let (clock, random) = (Arc::<ManualClock>::clone(&self.clock), Arc::new(SystemRandom));
        let key_ring = KeyRingSecret::known(ring());
        let sender = Sender::new(config(), self.queue.aws(), key_ring, clock, random).unwrap();
        *self.scene.sender = sender;
    }

    /// Changes the endpoint. The new sender knows it at once.
    async fn change(&mut self, change: impl Fn(&mut Endpoint)) {
        change(&mut self.scene.endpoint);
        self.scene.store.endpoints.put(&self.scene.endpoint).await.unwrap();
        self.replace_sender();
    }

    async fn events(&self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..count {
            let event = self.scene.event();
            self.scene.store.events.put(&event, &[self.scene.endpoint.id]).await.unwrap();
            events.push(event);
        }
        events
    }

    /// Sends the first messages of this many new events as one batch.
    async fn publish(&self, count: usize) -> Vec<Event> {
        let events = self.events(count).await;
        let messages: Vec<String> = events.iter().map(|event| json(&self.scene.task(event))).collect();
        self.send(&messages).await;
        events
    }

    /// Sends the messages as one batch, and delays those that the sender sends.
    async fn send(&self, messages: &[String]) {
        assert_eq!(send_at(self.clock.now(), FAST, &self.scene.sender, messages).await, Vec::<usize>::new());
        let sent = self.queue.take().into_iter().map(|(message, delay)| (self.clock.now().plus(delay), message));
        self.delayed.lock().unwrap().extend(sent);
    }

    /// Lets time pass, and delivers the messages that arrive meanwhile.
    async fn pass(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        while let Some(at) = self.next_arrival().filter(|at| *at <= until) {
            let at = at.max(self.clock.now());
            self.clock.set(at);
            let arrived: Vec<String> = {
                let mut delayed = self.delayed.lock().unwrap();
                let arrived = delayed.extract_if(.., |(due, _)| *due <= at).collect::<Vec<_>>();
                arrived.iter().map(|(_, message)| text(message)).collect()
            };
            self.send(&arrived).await;
        }
        self.clock.set(until);
    }

    fn next_arrival(&self) -> Option<Timestamp> {
        self.delayed.lock().unwrap().iter().map(|(at, _)| *at).min()
    }

    /// Seconds after which the delayed messages arrive, in order.
    fn delays(&self) -> Vec<u64> {
        let delayed = self.delayed.lock().unwrap();
        let mut delays: Vec<u64> = delayed.iter().map(|(at, _)| at.since(self.clock.now()).as_secs()).collect();
        delays.sort_unstable();
        delays
    }

    async fn delivery(&self, event: &Event) -> Delivery {
        self.scene.stored_delivery(event).await.unwrap()
    }

    async fn states(&self, events: &[Event]) -> Vec<DeliveryState> {
        let mut states = Vec::new();
        for event in events {
            states.push(self.delivery(event).await.state);
        }
        states
    }

    /// Seconds after the start at which the slots of the waiting deliveries lie, in order.
    async fn slots(&self, events: &[Event]) -> Vec<u64> {
        let mut slots = Vec::new();
        for event in events {
            let delivery = self.delivery(event).await;
            assert_eq!(delivery.slot.map(|slot| slot.at), delivery.next_attempt_at.filter(|_| delivery.slot.is_some()));
            slots.extend(delivery.slot.map(|slot| slot.at.since(self.start).as_secs()));
        }
        slots.sort_unstable();
        slots
    }

    /// Takes all slots of the next 15 minutes, as other webhooks do.
    async fn take_all_slots(&self) {
        let Endpoint { project_id, id, .. } = self.scene.endpoint;
        let claim = SlotClaim { pace: self.scene.endpoint.pace.unwrap(), count: 60_000, now: self.clock.now() };
        while self.scene.store.pace.claim(project_id, id, claim, None).await.unwrap().count > 0 {}
    }

    async fn health(&self) -> StoredHealth {
        self.scene.store.health.get_now(self.scene.endpoint.project_id, self.scene.endpoint.id).await.unwrap()
    }
}

fn pace(per_minute: u32) -> Pace {
    Pace::try_from(per_minute).unwrap()
}

fn text(message: &SendMessage) -> String {
    serde_json::to_string(message).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn webhooks_within_the_pace_are_sent_at_once() {
    let site = Site::with_pace(60).await;
    for _ in 0..3 {
        let events = site.publish(1).await;
        assert_eq!(site.states(&events).await, [DeliveryState::Delivered]);
        site.pass(SECOND).await;
    }
    assert_eq!((site.scene.request_count(), site.delays()), (3, vec![]));
}

#[tokio::test]
async fn webhooks_over_the_pace_wait_for_their_slots_and_are_sent_when_their_messages_arrive() {
    let site = Site::with_pace(60).await;
    let events = site.publish(6).await;

    assert_eq!(site.scene.request_count(), 2, "a slot may be used a second early");
    assert_eq!((site.slots(&events).await, site.delays()), (vec![2, 3, 4, 5], vec![2, 3, 4, 5]));
    site.pass(SECOND * 3).await;
    assert_eq!(site.scene.request_count(), 4);
    site.pass(SECOND * 2).await;
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered; 6]);
    assert_eq!((site.scene.request_count(), site.slots(&events).await, site.delays()), (6, vec![], vec![]));
}

#[tokio::test]
async fn a_failed_attempt_is_retried_in_a_slot_of_its_own() {
    let site = Site::with_pace(2).await;
    site.scene.respond_with(400);
    let failing = site.publish(1).await;
    site.scene.respond_with(200);
    // The retry comes after five seconds, and up to 20 % earlier or later.
    site.pass(SECOND * 6).await;
    assert_eq!((site.slots(&failing).await, site.scene.request_count()), (vec![30], 1));
    site.pass(SECOND * 24).await;
    assert_eq!(site.states(&failing).await, [DeliveryState::Delivered]);
}

#[tokio::test]
async fn a_message_that_is_delivered_twice_is_not_sent_before_its_slot() {
    let site = Site::with_pace(2).await;
    let events = site.publish(2).await;
    let waiting = site.delivery(&events[1]).await;
    site.send(&[json(&site.scene.task(&events[1]))]).await;
    assert_eq!((site.delivery(&events[1]).await, site.scene.request_count()), (waiting, 1));
    assert_eq!(site.delays(), [30]);
}

#[tokio::test]
async fn webhooks_whose_messages_arrive_more_than_a_minute_late_take_other_slots() {
    let site = Site::with_pace(60).await;
    let events = site.publish(7).await;
    site.clock.advance(SECOND * 64);
    site.publish(2).await;
    site.pass(Duration::ZERO).await;
    assert_eq!(site.scene.request_count(), 2 + 2 + 3, "the slots of 62 and 61 seconds ago are lost");
    assert_eq!(site.slots(&events).await, [66, 67]);
}

#[tokio::test]
async fn a_webhook_that_is_late_for_its_second_slot_too_is_sent() {
    let site = Site::with_pace(2).await;
    let events = site.publish(2).await;
    for (slots, requests) in [(vec![180], 2), (vec![], 4)] {
        site.clock.advance(SECOND * 150);
        // Takes the slot that is free now.
        site.publish(1).await;
        site.pass(Duration::ZERO).await;
        assert_eq!((site.slots(&events).await, site.scene.request_count()), (slots, requests));
    }
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered; 2]);
}

#[tokio::test]
async fn a_message_that_arrives_shortly_before_the_slot_is_sent_again_for_the_rest_of_the_time() {
    let site = Site::with_pace(2).await;
    let events = site.publish(2).await;
    let arrived_early: Vec<String> =
        site.delayed.lock().unwrap().drain(..).map(|(_, message)| text(&message)).collect();
    site.clock.advance(SECOND * 26);
    site.send(&arrived_early).await;
    assert_eq!((site.delays(), site.scene.request_count()), (vec![4], 1));
    site.pass(SECOND * 4).await;
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered; 2]);
}

#[tokio::test]
async fn a_lower_pace_applies_to_webhooks_that_wait() {
    let mut site = Site::with_pace(60).await;
    let events = site.publish(5).await;
    site.change(|endpoint| endpoint.pace = Some(pace(1))).await;
    site.pass(SECOND * 10).await;
    assert_eq!((site.scene.request_count(), site.slots(&events).await), (3, vec![62, 122]));
}

#[tokio::test]
async fn a_raised_pace_applies_to_new_webhooks_at_once_and_a_removed_one_to_those_that_wait() {
    let mut site = Site::with_pace(1).await;
    let waiting = site.publish(3).await;
    site.change(|endpoint| endpoint.pace = Some(pace(6000))).await;
    let new = site.publish(2).await;
    assert_eq!(site.states(&new).await, [DeliveryState::Delivered; 2]);
    site.change(|endpoint| endpoint.pace = None).await;
    site.pass(SECOND * 120).await;
    assert_eq!(site.states(&waiting).await, [DeliveryState::Delivered; 3]);
}

#[tokio::test]
async fn webhooks_without_a_free_slot_in_the_next_15_minutes_are_held_and_take_slots_when_they_are_released() {
    let site = Site::with_pace(1).await;
    let mut events = site.publish(10).await;
    events.extend(site.publish(8).await);

    assert_eq!(site.slots(&events).await, (1..=15).map(|minute| minute * 60).collect::<Vec<_>>());
    let (held, _) = site.scene.store.deliveries.held_for(site.scene.endpoint.id, 10).await.unwrap();
    assert_eq!(held.len(), 2);
    let held_events: Vec<Event> =
        events.iter().filter(|event| held.iter().any(|held| held.id.event == event.id)).cloned().collect();
    assert_eq!(site.delivery(&held_events[0]).await.hold_reason, Some(DeliveryHoldReason::Pace));
    let check_at = site.health().await.sweep_at.unwrap();
    assert!(check_at <= site.clock.now().plus(Duration::from_mins(1)), "{check_at}");

    site.pass(Duration::from_mins(1)).await;
    for held in &held {
        let now = site.clock.now();
        site.scene.store.deliveries.release(held, now, now).await.unwrap();
        site.send(&[json(&held.task())]).await;
    }
    assert_eq!(site.slots(&held_events).await, [960], "one slot has become free");
    let (held, _) = site.scene.store.deliveries.held_for(site.scene.endpoint.id, 10).await.unwrap();
    assert_eq!(held.len(), 1);
}

/// Number of calls to the database that a batch with this many webhooks makes.
async fn calls_of_batch(site: &Site, count: usize) -> usize {
    // The settings and the health of the endpoint are read first.
    site.publish(1).await;
    let events = site.events(count).await;
    let messages: Vec<String> = events.iter().map(|event| json(&site.scene.task(event))).collect();
    let before = site.queue.database_calls();
    site.send(&messages).await;
    assert_eq!(site.states(&events).await, vec![DeliveryState::Delivered; count]);
    site.queue.database_calls() - before
}

#[tokio::test]
async fn a_webhook_costs_no_call_more_without_a_pace_and_one_with_it() {
    let (without, with) = (Site::without_pace().await, Site::with_pace(60_000).await);
    with.publish(1).await;
    with.pass(SECOND).await;
    // Without a pace, the delivery is read and written.
    assert_eq!((calls_of_batch(&without, 1).await, calls_of_batch(&with, 1).await), (2, 3));
}

#[tokio::test]
async fn the_webhooks_of_a_batch_share_writes() {
    let (without, with) = (Site::without_pace().await, Site::with_pace(60_000).await);
    let more = calls_of_batch(&with, 10).await - calls_of_batch(&without, 10).await;
    assert!((1..=3).contains(&more), "{more}");
}

#[tokio::test]
async fn a_webhook_that_waits_for_its_slot_holds_the_later_ones_of_its_submission_at_an_ordered_endpoint() {
    let mut site = Site::with_pace(2).await;
    site.change(|endpoint| endpoint.ordered = true).await;
    site.publish(1).await;
    let mut events = Vec::new();
    for event in [site.scene.event(), site.scene.event()] {
        events.push(site.scene.store.accept(&event, &[site.scene.endpoint.id]).await);
    }
    let messages: Vec<String> = events.iter().map(|event| json(&site.scene.task(event))).collect();
    site.send(&messages[..1]).await;
    site.send(&messages[1..]).await;

    assert_eq!(site.slots(&events).await, [30]);
    assert_eq!(site.delivery(&events[1]).await.hold_reason, Some(DeliveryHoldReason::Order));
    site.pass(SECOND * 30).await;
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered, DeliveryState::Waiting]);
    site.pass(SECOND * 30).await;
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered; 2]);
}

#[tokio::test]
async fn a_probe_does_not_take_a_slot() {
    let mut site = Site::with_pace(1).await;
    site.scene.respond_with(503);
    site.publish(1).await;
    let stored = site.health().await;
    let until = stored.health.pause.unwrap().until;
    site.scene.respond_with(200);
    site.clock.set(until.plus(SECOND));
    site.replace_sender();
    let probe = site.publish(1).await;
    assert_eq!(site.states(&probe).await, [DeliveryState::Delivered]);
}

#[tokio::test]
async fn a_failure_to_take_a_slot_is_our_fault_and_counts_no_attempt() {
    let site = Site::with_pace(60).await;
    let events = site.events(1).await;
    let message = json(&site.scene.task(&events[0]));
    site.queue.catch("nextFree").end(Verdict::Refuse);
    assert_eq!(send_at(site.clock.now(), FAST, &site.scene.sender, from_ref(&message)).await, [0]);
    assert_eq!((site.scene.stored_delivery(&events[0]).await, site.scene.request_count()), (None, 0));
    site.send(&[message]).await;
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered]);
}

#[tokio::test]
async fn webhooks_that_wait_for_the_same_write_share_its_failure() {
    let site = Site::with_pace(60).await;
    let events = site.events(4).await;
    let messages: Vec<String> = events.iter().map(|event| json(&site.scene.task(event))).collect();
    site.queue.catch("nextFree").end(Verdict::Refuse);
    let mut redelivered = send_at(site.clock.now(), FAST, &site.scene.sender, &messages).await;
    redelivered.sort_unstable();
    assert_eq!((redelivered, site.scene.request_count()), (vec![0, 1, 2, 3], 0));
    site.send(&messages).await;
    assert_eq!((site.scene.request_count(), site.delays()), (2, vec![2, 3]));
}

/// Sends messages to a sender whose write of slots takes 30 seconds.
async fn send_slowly(site: &Site, messages: &[String]) {
    let mut caught = site.queue.catch("nextFree");
    tokio::join!(site.send(messages), async {
        caught.is_there().await;
        site.clock.advance(SECOND * 30);
        caught.end(Verdict::Pass);
    });
}

#[tokio::test]
async fn a_webhook_that_gets_its_slot_too_late_for_an_attempt_is_left_to_another_sender() {
    let site = Site::with_pace(60).await;
    let events = site.events(1).await;
    send_slowly(&site, &[json(&site.scene.task(&events[0]))]).await;
    assert_eq!((site.scene.stored_delivery(&events[0]).await, site.scene.request_count()), (None, 0));
    assert_eq!(site.delays(), [5]);
    site.pass(SECOND * 5).await;
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered]);
}

#[tokio::test]
async fn a_replay_that_gets_its_slot_too_late_is_left_to_another_sender() {
    let mut site = Site::without_pace().await;
    let events = site.publish(1).await;
    site.change(|endpoint| endpoint.pace = Some(pace(60))).await;
    send_slowly(&site, &[replay_of(&site, &events[0])]).await;
    assert_eq!((site.scene.request_count(), site.delays()), (1, vec![5]));
    site.pass(SECOND * 5).await;
    assert_eq!(site.delivery(&events[0]).await.replays.len(), 1);
}

#[tokio::test]
async fn first_attempts_after_a_wait_cost_one_write_each() {
    let site = Site::with_pace(60).await;
    let events = site.publish(5).await;
    let waiting: Vec<String> = site.delayed.lock().unwrap().drain(..).map(|(_, message)| text(&message)).collect();
    site.clock.advance(SECOND * 5);
    let before = site.queue.database_calls();
    site.send(&waiting).await;
    // The deliveries are read together. For each, its event and the number of the event are read, and the attempt is written.
    assert_eq!((waiting.len(), site.queue.database_calls() - before), (3, 1 + 3 * 3));
    assert_eq!(site.states(&events).await, [DeliveryState::Delivered; 5]);
}

/// Sends replays of finished deliveries as one batch.
async fn replay(site: &Site, events: &[Event]) {
    let messages: Vec<String> = events.iter().map(|event| replay_of(site, event)).collect();
    site.send(&messages).await;
}

/// The message of a replay that is not one by filter.
fn replay_of(site: &Site, event: &Event) -> String {
    let (id, replay_id) = (site.scene.task(event).delivery_id, ReplayId::new(SystemClock.now(), &SystemRandom));
    text(&ReplayTask::new(event.project_id, id, replay_id, false).into())
}

#[tokio::test]
async fn replays_wait_for_their_slots() {
    let mut site = Site::without_pace().await;
    let events = site.publish(3).await;
    site.change(|endpoint| endpoint.pace = Some(pace(2))).await;
    replay(&site, &events).await;

    assert_eq!((site.scene.request_count(), site.delays()), (3 + 1, vec![30, 60]));
    let sent = |message: &SendMessage| match message {
        SendMessage::Replay(task) => task.slot,
        _ => None,
    };
    let mut slots: Vec<Slot> = site.delayed.lock().unwrap().iter().filter_map(|(_, message)| sent(message)).collect();
    slots.sort_by_key(|slot| slot.at);
    let at = |seconds| Slot { at: site.start.plus(SECOND * seconds), pace: pace(2), is_second: false };
    assert_eq!(slots, [at(30), at(60)]);
    site.pass(SECOND * 60).await;
    assert_eq!((site.scene.request_count(), site.delays()), (3 + 3, vec![]));
}

#[tokio::test]
async fn replays_without_a_free_slot_in_the_next_15_minutes_look_for_one_some_minutes_later() {
    let mut site = Site::without_pace().await;
    let events = site.publish(1).await;
    site.change(|endpoint| endpoint.pace = Some(pace(1))).await;
    let waiting = site.publish(16).await;
    assert_eq!(site.slots(&waiting).await.len(), 15);
    site.delayed.lock().unwrap().clear();
    replay(&site, &events).await;

    let delays = site.delays();
    assert!(matches!(delays[..], [300..=900]), "{delays:?}");
    site.pass(Duration::from_mins(15) + SECOND).await;
    site.pass(Duration::from_mins(15)).await;
    assert_eq!(site.delivery(&events[0]).await.replays.len(), 1);
}

#[tokio::test]
async fn a_replay_that_finds_no_free_slot_six_times_is_skipped_and_counted_once() {
    let mut site = Site::without_pace().await;
    let events = site.publish(1).await;
    site.change(|endpoint| endpoint.pace = Some(pace(1))).await;
    let replay = start_replay(&site.scene).await;
    site.take_all_slots().await;
    site.send(&[text(&replay.task(site.scene.task(&events[0]).delivery_id).into())]).await;
    for delays in 1..=5 {
        let delayed = site.delayed.lock().unwrap().clone();
        assert!(matches!(&delayed[..], [(_, SendMessage::Replay(task))] if task.delays == delays), "{delayed:?}");
        assert_eq!(progress(&site.scene, &replay).await, Progress::default());
        let (arrival, _) = delayed[0];
        site.clock.set(arrival);
        site.take_all_slots().await;
        site.pass(Duration::ZERO).await;
    }
    assert!(site.clock.now() <= site.start.plus(Duration::from_mins(75)));
    assert_eq!((site.delays(), site.scene.request_count()), (vec![], 1));
    let replays = site.delivery(&events[0]).await.replays;
    let reason = SkipReason::EndpointPace;
    assert!(
        matches!(replays[..], [Replayed { outcome: ReplayOutcome::Skipped { reason: known, .. }, .. }] if known == reason)
    );
    assert_eq!(progress(&site.scene, &replay).await, Progress { skipped: 1, ..Progress::default() });
}

#[tokio::test]
async fn a_test_does_not_take_a_slot() {
    let site = Site::with_pace(1).await;
    site.publish(1).await;
    let project_id = site.scene.endpoint.project_id;
    let id = EventId::new(site.clock.now(), &SystemRandom);
    let test = NewTestSend { event_type: EventType::Approved }.start(id, site.scene.endpoint.id);
    site.scene.store.test_sends.put(project_id, &test).await.unwrap();
    let task = TestTask { project_id, endpoint_id: test.endpoint_id, test_id: test.id };
    site.send(&[text(&task.into())]).await;
    let sent = site.scene.store.test_sends.get(project_id, test.id).await.unwrap().unwrap();
    assert!(matches!(sent.state, TestState::Done { .. }), "{sent:?}");
}
