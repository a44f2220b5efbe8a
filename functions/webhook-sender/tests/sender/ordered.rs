//! Ordered endpoints: the webhooks of a submission are sent one at a time, in the order of their numbers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::queue::testing::{Caught, FakeQueue, Verdict};
use aws::store::{Due, DueSelection, SHARDS};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{DeliveryId, EventId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::delivery::{AttemptTask, Delivery, DeliveryHoldReason, DeliveryState, SendMessage};
use domain::webhooks::endpoint::{Endpoint, EndpointState};
use domain::webhooks::event::{Event, NewEvent};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use webhook_sender::Sender;

use crate::scene::{Scene, json, send_all_with, send_with, sender_with};

/// The webhooks that a receiver got: `<submission>/<sequence>`, in order.
type Arrivals = Arc<Mutex<Vec<String>>>;

/// A project with an ordered endpoint, and the queue that its sender writes to.
struct Site {
    scene: Scene,
    queue: FakeQueue,
    arrivals: Arrivals,
    /// Number of webhooks of `sub-1/1` that the receiver still refuses.
    refusals: Arc<Mutex<usize>>,
}

impl Site {
    async fn new() -> Self {
        let (arrivals, refusals) = (Arrivals::default(), Arc::default());
        let url = receiver(Arc::clone(&arrivals), Arc::clone(&refusals)).await;
        let scene = Scene::with_endpoint_at(&url).await;
        let queue = FakeQueue::in_front_of(&scene.store).await;
        let mut site = Self { scene, queue, arrivals, refusals };
        site.change(|endpoint| endpoint.ordered = true).await;
        site
    }

    /// Changes the endpoint. The new sender knows it at once.
    async fn change(&mut self, change: impl Fn(&mut Endpoint)) {
        change(&mut self.scene.endpoint);
        self.scene.store.endpoints.put(&self.scene.endpoint).await.unwrap();
        *self.scene.sender = sender_with(self.queue.aws());
    }

    fn refuse(&self, times: usize) {
        *self.refusals.lock().unwrap() = times;
    }

    /// Accepts an event for the endpoint.
    async fn accept(&self, submission: &str) -> Event {
        let body = format!(r#"{{"type":"approved","submissionId":"{submission}","data":{{}}}}"#);
        let new = NewEvent::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let event = new.accept(EventId::new(SystemClock.now(), &SystemRandom), self.scene.endpoint.project_id);
        self.scene.store.accept(&event, &[self.scene.endpoint.id]).await
    }

    async fn accept_two(&self) -> [Event; 2] {
        [self.accept("sub-1").await, self.accept("sub-1").await]
    }

    /// The first message of an event, as the api sends it.
    fn message(&self, event: &Event) -> String {
        json(&AttemptTask { is_new: true, ..self.scene.task(event) })
    }

    async fn send(&self, events: &[&Event]) {
        let messages: Vec<String> = events.iter().map(|event| self.message(event)).collect();
        self.scene.send_all(&messages).await;
    }

    /// Sends the message that the sweep sends for a delivery with a row.
    async fn sweep(&self, event: &Event) {
        let task = self.delivery(event).await.next_task();
        self.scene.send_all(&[json(&task)]).await;
    }

    /// Processes the messages of the queue until it is empty.
    async fn pump(&self) {
        loop {
            let messages: Vec<String> = self.queue.take().iter().map(|(message, _)| text(message)).collect();
            if messages.is_empty() {
                return;
            }
            self.scene.send_all(&messages).await;
        }
    }

    async fn delivery(&self, event: &Event) -> Delivery {
        self.scene.stored_delivery(event).await.unwrap()
    }

    async fn state(&self, event: &Event) -> (DeliveryState, Option<DeliveryHoldReason>) {
        let delivery = self.delivery(event).await;
        (delivery.state, delivery.hold_reason)
    }

    fn id(&self, event: &Event) -> DeliveryId {
        DeliveryId { event: event.id, endpoint: self.scene.endpoint.id }
    }

    fn arrived(&self) -> Vec<String> {
        self.arrivals.lock().unwrap().clone()
    }

    fn arrived_of(&self, submission: &str) -> Vec<String> {
        self.arrived().into_iter().filter(|arrival| arrival.starts_with(submission)).collect()
    }
}

const HELD: (DeliveryState, Option<DeliveryHoldReason>) = (DeliveryState::Held, Some(DeliveryHoldReason::Order));
const DELIVERED: (DeliveryState, Option<DeliveryHoldReason>) = (DeliveryState::Delivered, None);

fn text(message: &SendMessage) -> String {
    serde_json::to_string(message).unwrap()
}

/// A receiver that notes the webhooks it gets, and refuses the first one of `sub-1` as often as `refusals` says.
async fn receiver(arrivals: Arrivals, refusals: Arc<Mutex<usize>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/hook", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = String::new();
            while !request.ends_with("}}") {
                let mut bytes = [0; 4096];
                let read = connection.read(&mut bytes).await.unwrap();
                request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            let after = |start: &str| request.split_once(start).map_or("", |(_, rest)| rest);
            let sequence = after("webhook-sequence: ").lines().next().unwrap_or_default();
            let submission = after(r#""submissionId":""#).split('"').next().unwrap_or_default();
            let webhook = format!("{submission}/{sequence}");
            let is_refused = webhook == "sub-1/1" && {
                let mut refusals = refusals.lock().unwrap();
                let is_refused = *refusals > 0;
                *refusals = refusals.saturating_sub(1);
                is_refused
            };
            arrivals.lock().unwrap().push(webhook);
            let status = if is_refused { 400 } else { 200 };
            let response = format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = connection.write_all(response.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn webhooks_of_a_submission_are_sent_one_at_a_time_and_those_of_others_do_not_wait() {
    let site = Site::new().await;
    site.refuse(2);
    let [first, second] = site.accept_two().await;
    let third = site.accept("sub-1").await;
    let (other, next_other) = (site.accept("sub-2").await, site.accept("sub-2").await);

    site.send(&[&third, &second, &next_other]).await;
    site.send(&[&first]).await;
    site.send(&[&other]).await;
    assert_eq!(site.arrived(), ["sub-1/1", "sub-2/1"]);
    let retry = site.queue.take();
    for held in [&second, &third] {
        assert_eq!(site.state(held).await, HELD);
    }
    // The delivery of the other submission released the next one, before the first one of this submission is retried.
    assert_eq!(retry.len(), 2);
    for (message, _) in retry.iter().rev() {
        site.scene.send_all(&[text(message)]).await;
    }
    assert_eq!(site.arrived(), ["sub-1/1", "sub-2/1", "sub-2/2", "sub-1/1"]);
    site.pump().await;
    assert_eq!(site.arrived_of("sub-1"), ["sub-1/1", "sub-1/1", "sub-1/1", "sub-1/2", "sub-1/3"]);
    for event in [&first, &second, &third, &other, &next_other] {
        assert_eq!(site.state(event).await, DELIVERED);
    }
}

#[tokio::test]
async fn a_delivery_that_fails_for_good_releases_the_next_one() {
    let site = Site::new().await;
    site.refuse(10);
    let [first, second] = site.accept_two().await;
    site.send(&[&first, &second]).await;
    // A success in between, so that the breaker does not open.
    site.send(&[&site.accept("sub-2").await]).await;
    site.pump().await;
    assert_eq!(site.state(&first).await, (DeliveryState::Failed, None));
    assert_eq!(site.arrived_of("sub-1"), ["sub-1/1", "sub-1/1", "sub-1/1", "sub-1/2"]);
}

#[tokio::test]
async fn an_endpoint_that_is_not_ordered_costs_no_call_more() {
    let mut site = Site::new().await;
    let calls_for = async |site: &Site, event: &Event| {
        let before = site.queue.database_calls();
        site.send(&[event]).await;
        site.queue.database_calls() - before
    };
    let [first, second] = site.accept_two().await;
    // The sender loads the endpoint and its health with the first message.
    calls_for(&site, &first).await;
    let ordered = calls_for(&site, &second).await;
    let draft = Draft::parse(br#"{"type":"approved","data":{}}"#).unwrap();
    let id = EventId::new(SystemClock.now(), &SystemRandom);
    let unnumbered = NewEvent::try_from(draft).unwrap().accept(id, site.scene.endpoint.project_id);
    let unnumbered = calls_for(&site, &unnumbered).await;

    site.change(|endpoint| endpoint.ordered = false).await;
    let [third, fourth] = site.accept_two().await;
    calls_for(&site, &third).await;
    let unordered = calls_for(&site, &fourth).await;
    // All record the attempt. The submission is read before and after it, the rows of its deliveries before it.
    assert_eq!((unordered, unnumbered, ordered), (1, 1, 4));
}

#[tokio::test]
async fn of_an_end_and_a_hold_at_the_same_time_one_sees_the_other() {
    // The order in which the two senders write (1) and read (2): `e` ends the first delivery, `h` holds the second.
    for schedule in ["eehh", "eheh", "ehhe", "heeh", "hehe", "hhee"] {
        let site = Site::new().await;
        let [first, second] = site.accept_two().await;
        let (ending, holding) =
            (FakeQueue::in_front_of(&site.scene.store).await, FakeQueue::in_front_of(&site.scene.store).await);
        let mut end = Actor::start(&ending, site.message(&first), "delivered").await;
        let mut hold = Actor::start(&holding, site.message(&second), "isHeldForOrder").await;
        for step in schedule.chars() {
            if step == 'e' { end.step(&ending).await } else { hold.step(&holding).await }
        }
        for queue in [&ending, &holding] {
            let messages: Vec<String> = queue.take().iter().map(|(message, _)| text(message)).collect();
            site.scene.send_all(&messages).await;
        }
        assert_eq!(site.arrived(), ["sub-1/1", "sub-1/2"], "{schedule}");
    }
}

/// A sender that is stopped before it writes, and before it reads the submission afterwards.
struct Actor {
    running: tokio::task::JoinHandle<()>,
    caught: Option<Caught>,
    has_written: bool,
}

impl Actor {
    /// Starts a sender, and returns when it is about to make a call whose body contains `write`.
    async fn start(queue: &FakeQueue, message: String, write: &str) -> Self {
        let (sender, mut caught): (Sender, Caught) = (sender_with(queue.aws()), queue.catch(write));
        let running = tokio::spawn(async move { send_all_with(&sender, &[message]).await });
        caught.is_there().await;
        Self { running, caught: Some(caught), has_written: false }
    }

    async fn step(&mut self, queue: &FakeQueue) {
        let caught = self.caught.take().unwrap();
        if self.has_written {
            caught.end(Verdict::Pass);
            return (&mut self.running).await.unwrap();
        }
        let mut next = queue.catch("numbering");
        caught.end(Verdict::Pass);
        next.is_there().await;
        (self.caught, self.has_written) = (Some(next), true);
    }
}

#[tokio::test]
async fn the_sweep_finds_a_delivery_that_was_not_released() {
    let site = Site::new().await;
    let [first, second] = site.accept_two().await;
    site.send(&[&second]).await;
    site.queue.catch("numbering").end(Verdict::Refuse);
    site.send(&[&first]).await;
    assert_eq!((site.state(&first).await, site.state(&second).await), (DELIVERED, HELD));
    assert_eq!(site.queue.take(), []);

    let until = SystemClock.now().plus(Duration::from_mins(6));
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(site.scene.store.sweep.due_in_shard(shard, until, None, DueSelection::ALL).await.unwrap().due);
    }
    let [Due::Delivery(due)] = &due[..] else { panic!("{due:?}") };
    assert_eq!(due.id, site.id(&second));
    site.scene.send_all(&[json(&due.task())]).await;
    assert_eq!((site.state(&second).await, site.arrived().len()), (DELIVERED, 2));
}

#[tokio::test]
async fn a_held_delivery_whose_second_check_fails_is_left_to_the_sweep() {
    let site = Site::new().await;
    let [_, second] = site.accept_two().await;
    let mut hold = site.queue.catch("isHeldForOrder");
    let message = site.message(&second);
    let control = async {
        hold.is_there().await;
        let check = site.queue.catch("numbering");
        hold.end(Verdict::Pass);
        check.end(Verdict::Refuse);
    };
    let (redelivered, ()) = tokio::join!(send_with(&site.scene.sender, std::slice::from_ref(&message)), control);
    assert_eq!((redelivered, site.state(&second).await), (vec![], HELD));
}

#[tokio::test]
async fn a_first_message_that_was_lost_is_sent_again_when_it_blocks_another_delivery() {
    let site = Site::new().await;
    let [_, second] = site.accept_two().await;
    site.send(&[&second]).await;
    assert_eq!(site.queue.take(), [], "the first message may only be late");
    site.sweep(&second).await;
    site.pump().await;
    assert_eq!(site.arrived(), ["sub-1/1", "sub-1/2"]);
}

#[tokio::test]
async fn a_first_message_that_was_lost_is_sent_again_once_although_several_deliveries_wait() {
    let site = Site::new().await;
    let [first, second] = site.accept_two().await;
    let third = site.accept("sub-1").await;
    site.send(&[&second]).await;
    for _ in 0..3 {
        site.sweep(&second).await;
    }
    let sent = site.queue.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    // The sweep repeats the message from now on.
    let until = SystemClock.now().plus(Duration::from_mins(6));
    let mut due = Vec::new();
    for shard in 0..SHARDS {
        due.extend(site.scene.store.sweep.due_in_shard(shard, until, None, DueSelection::ALL).await.unwrap().due);
    }
    let is_first = |due: &Due| matches!(due, Due::Delivery(due) if due.id == site.id(&first));
    assert!(due.iter().any(is_first), "{due:?}");
    site.send(&[&third]).await;
    site.scene.send_all(&[text(&sent[0].0)]).await;
    site.pump().await;
    assert_eq!(site.arrived(), ["sub-1/1", "sub-1/2", "sub-1/3"]);
}

#[tokio::test]
async fn events_that_do_not_go_to_the_endpoint_and_erased_events_do_not_block() {
    let site = Site::new().await;
    let [erased, before] = site.accept_two().await;
    let submission = erased.submission_id.clone().unwrap();
    let (project, now) = (erased.project_id, SystemClock.now());
    site.scene.store.events.erase_submission(project, &submission, 10, now).await.unwrap();
    let other = NewEvent::try_from(Draft::parse(br#"{"type":"aml","submissionId":"sub-1","data":{}}"#).unwrap());
    let other = other.unwrap().accept(EventId::new(SystemClock.now(), &SystemRandom), project);
    site.scene.store.accept(&other, &[]).await;
    let last = site.accept("sub-1").await;
    site.send(&[&last]).await;
    assert_eq!((site.state(&last).await, site.arrived()), (DELIVERED, vec!["sub-1/4".to_owned()]));
    assert_eq!(site.state(&before).await, (DeliveryState::Cancelled, None));
}

#[tokio::test]
async fn an_earlier_delivery_that_cannot_be_read_blocks() {
    let site = Site::new().await;
    site.refuse(1);
    let [first, second] = site.accept_two().await;
    site.send(&[&first]).await;
    site.scene.store.spoil_delivery(first.project_id, site.id(&first)).await;
    site.send(&[&second]).await;
    assert_eq!(site.state(&second).await, HELD);
}

#[tokio::test]
async fn a_duplicate_of_a_first_message_is_not_sent_after_the_next_webhook() {
    let site = Site::new().await;
    let [first, second] = site.accept_two().await;
    site.send(&[&first]).await;
    site.send(&[&second]).await;
    site.send(&[&first]).await;
    assert_eq!(site.arrived(), ["sub-1/1", "sub-1/2"]);
}

#[tokio::test]
async fn a_pause_takes_over_a_delivery_that_is_held_for_order_and_gives_it_back() {
    let mut site = Site::new().await;
    site.refuse(1);
    let [first, second] = site.accept_two().await;
    site.send(&[&first, &second]).await;
    let retry = site.queue.take();
    site.change(|endpoint| endpoint.state = EndpointState::Paused).await;
    site.sweep(&second).await;
    assert_eq!(site.state(&second).await, (DeliveryState::Held, Some(DeliveryHoldReason::Paused)));
    let [held] = site.scene.store.deliveries.held_for(site.scene.endpoint.id, 5).await.unwrap().0.try_into().unwrap();

    site.change(|endpoint| endpoint.state = EndpointState::Active).await;
    site.scene.send_all(&[json(&held.task())]).await;
    assert_eq!(site.state(&second).await, HELD);
    assert_eq!(site.scene.store.deliveries.held_for(site.scene.endpoint.id, 5).await.unwrap().0, []);
    site.scene.send_all(&[text(&retry[0].0)]).await;
    site.pump().await;
    assert_eq!(site.arrived(), ["sub-1/1", "sub-1/1", "sub-1/2"]);
}

#[tokio::test]
async fn a_delivery_that_is_held_for_order_is_cancelled_when_its_endpoint_is_deleted() {
    let site = Site::new().await;
    let [_, second] = site.accept_two().await;
    site.send(&[&second]).await;
    site.scene.store.endpoints.delete(second.project_id, site.scene.endpoint.id).await.unwrap();
    let site = Site { scene: site.scene.with_new_sender(), ..site };
    site.sweep(&second).await;
    assert_eq!(site.state(&second).await, (DeliveryState::Cancelled, None));
}

#[tokio::test]
async fn the_order_begins_and_ends_with_the_setting() {
    let mut site = Site::new().await;
    site.change(|endpoint| endpoint.ordered = false).await;
    site.refuse(1);
    let [first, second] = site.accept_two().await;
    site.send(&[&first]).await;
    site.queue.take();
    site.change(|endpoint| endpoint.ordered = true).await;
    site.send(&[&second]).await;
    assert_eq!(site.state(&second).await, HELD);
    site.change(|endpoint| endpoint.ordered = false).await;
    site.sweep(&second).await;
    assert_eq!((site.state(&second).await, site.state(&first).await.0), (DELIVERED, DeliveryState::Waiting));
}
