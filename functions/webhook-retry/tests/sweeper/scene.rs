//! Fixtures: runs a sweep at a given time, with an in-memory database and a fake queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws::queue::testing::{FakeQueue, INVOCATIONS};
use aws::store::SHARDS;
use aws::store::StoreConfig;
use aws::store::testing::{ACTIVITY, Database, SETTINGS};
use aws::{Aws, ServiceError};
use domain::foundation::clock::{Clock, FixedClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, SendMessage};
use domain::webhooks::endpoint::{Endpoint, NewEndpoint};
use domain::webhooks::event::{Event as WebhookEvent, NewEvent};
use domain::webhooks::signature::SigningSecret;
use webhook_retry::{Config, Event, SweepSummary, Sweeper, Task};

/// A project in an empty database, and the queue.
pub(crate) struct Scene {
    pub(crate) store: Database,
    pub(crate) queue: FakeQueue,
    pub(crate) project: ProjectId,
}

/// Time of most sweeps in the tests.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

/// A clock that advances by 100 ms each time it is read.
struct TickingClock {
    start: Timestamp,
    reads: AtomicU32,
}

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        self.start.plus(Duration::from_millis(100) * self.reads.fetch_add(1, Ordering::Relaxed))
    }
}

/// Shard of the index `due` that contains the row with this id.
pub(crate) fn shard(id: &[u8; 16]) -> u8 {
    id[15] % SHARDS
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let store = Database::start().await;
        let queue = FakeQueue::in_front_of(&store).await;
        Self { store, queue, project: ProjectId::new(now(), &SystemRandom) }
    }

    /// Stores an active endpoint.
    pub(crate) async fn endpoint(&self) -> Endpoint {
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let draft = Draft::parse(br#"{"url":"https://hooks.example.com/"}"#).unwrap();
        let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
        let (id, secret) = (EndpointId::new(now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
        let endpoint = new.create(id, self.project, &secret, &ring, &SystemRandom);
        self.store.endpoints.put(&endpoint).await.unwrap();
        endpoint
    }

    /// Stores an event that was accepted `ago` before [`now`].
    pub(crate) async fn event(&self, ago: Duration, endpoints: &[EndpointId]) -> WebhookEvent {
        self.store_event(r#"{"type":"approved","data":{}}"#, ago, endpoints).await
    }

    /// Stores an event of this type.
    pub(crate) async fn event_of(&self, event_type: &str, ago: Duration, endpoints: &[EndpointId]) -> WebhookEvent {
        self.store_event(&format!(r#"{{"type":"{event_type}","data":{{}}}}"#), ago, endpoints).await
    }

    /// Stores an event of this submission.
    pub(crate) async fn event_of_submission(&self, id: &str, ago: Duration, endpoints: &[EndpointId]) -> WebhookEvent {
        let body = format!(r#"{{"type":"approved","submissionId":"{id}","data":{{}}}}"#);
        self.store_event(&body, ago, endpoints).await
    }

    /// Stores an overdue delivery of `project` in a shard. Its attempt was due `overdue` before [`now`].
    pub(crate) async fn overdue(&self, project: ProjectId, in_shard: u8, overdue: Duration) -> Delivery {
        let id = std::iter::repeat_with(|| EventId::new(now().minus(Duration::from_hours(4)), &SystemRandom))
            .find(|id| shard(id.as_bytes()) == in_shard);
        let draft = Draft::parse(br#"{"type":"approved","data":{}}"#).unwrap();
        let event = NewEvent::try_from(draft).unwrap().accept(id.unwrap(), project);
        let endpoint = EndpointId::new(now(), &SystemRandom);
        self.attempted(
            &event,
            endpoint,
            Some(FailureReason::Status),
            Some(Duration::from_hours(4).saturating_sub(overdue)),
        )
        .await
    }

    async fn store_event(&self, body: &str, ago: Duration, endpoints: &[EndpointId]) -> WebhookEvent {
        let draft = Draft::parse(body.as_bytes()).unwrap();
        let id = EventId::new(now().minus(ago), &SystemRandom);
        let event = NewEvent::try_from(draft).unwrap().accept(id, self.project);
        self.store.accept(&event, endpoints).await
    }

    /// Records a delivery with one attempt. `reason` is why it failed, `None` if it succeeded. `wait` is the delay of the next
    /// attempt, `None` if it was the last.
    pub(crate) async fn attempted(
        &self,
        event: &WebhookEvent,
        endpoint: EndpointId,
        reason: Option<FailureReason>,
        wait: Option<Duration>,
    ) -> Delivery {
        let (at, phases) = (event.id.created_at(), Phases::default());
        let attempt = Attempt { number: 1, at, duration_ms: 0, phases, status: None, reason, response: None };
        let delivery = Delivery::queued(event, endpoint).after(attempt, wait);
        self.store.deliveries.record(&delivery, delivery.next_attempt_at).await.unwrap();
        delivery
    }

    /// Runs a sweep at `at`. Returns its summary and the messages sent, in the order of their delays.
    pub(crate) async fn sweep(&self, at: Timestamp) -> (SweepSummary, Vec<(SendMessage, Duration)>) {
        let summary = self.try_sweep(at).await.unwrap();
        let mut sent = self.queue.take();
        sent.sort_by_key(|(_, delay)| *delay);
        (summary, sent)
    }

    /// Runs a sweep at `at` that may fail.
    pub(crate) async fn try_sweep(&self, at: Timestamp) -> Result<SweepSummary, ServiceError> {
        self.sweep_for(at, Duration::from_secs(55)).await
    }

    /// Runs a task at `at`. Returns its summary and the messages sent, in this order.
    pub(crate) async fn run(&self, task: Task, at: Timestamp) -> (SweepSummary, Vec<SendMessage>) {
        let summary = self.try_run(task, at).await.unwrap();
        (summary, self.queue.take().into_iter().map(|(message, _)| message).collect())
    }

    /// Runs a task at `at` that may fail.
    pub(crate) async fn try_run(&self, task: Task, at: Timestamp) -> Result<SweepSummary, ServiceError> {
        let deadline = at.plus(Duration::from_secs(55));
        run_with(task.into(), self.queue.aws(), Arc::new(FixedClock(at)), deadline).await
    }

    /// Runs a task at [`now`] with a clock that advances, and with time for a few steps only.
    pub(crate) async fn run_with_ticking_clock(&self, task: Task) -> Result<SweepSummary, ServiceError> {
        let clock = TickingClock { start: now(), reads: AtomicU32::new(0) };
        run_with(task.into(), self.queue.aws(), Arc::new(clock), now().plus(Duration::from_millis(11_250))).await
    }

    /// Returns and removes the tasks of started invocations.
    pub(crate) fn started(&self) -> Vec<Task> {
        let events: Vec<(Event, Duration)> = self.queue.take_from(INVOCATIONS);
        events.into_iter().filter_map(|(event, _)| event.task).collect()
    }

    /// Runs a sweep at `at` whose deadline is `time` later.
    pub(crate) async fn sweep_for(&self, at: Timestamp, time: Duration) -> Result<SweepSummary, ServiceError> {
        sweep_with(self.queue.aws(), Arc::new(FixedClock(at)), at.plus(time)).await
    }

    /// Runs a sweep at `at` with a clock that advances while the sweep runs.
    pub(crate) async fn sweep_with_ticking_clock(&self, at: Timestamp) -> Result<SweepSummary, ServiceError> {
        let clock = TickingClock { start: at, reads: AtomicU32::new(0) };
        sweep_with(self.queue.aws(), Arc::new(clock), at.plus(Duration::from_secs(55))).await
    }

    /// Stores due deliveries in the same shard as `endpoint`.
    pub(crate) async fn backlog(&self, endpoint: &Endpoint, deliveries: usize) {
        let mut stored = 0;
        while stored < deliveries {
            let event = self.event(Duration::from_hours(1), &[endpoint.id]).await;
            if shard(event.id.as_bytes()) == shard(endpoint.id.as_bytes()) {
                let wait = Some(Duration::from_mins(30));
                self.attempted(&event, endpoint.id, Some(FailureReason::Tls), wait).await;
                stored += 1;
            }
        }
    }

    /// Runs a sweep at `at` while the queue is unavailable.
    pub(crate) async fn sweep_without_queue(&self, at: Timestamp) -> Result<SweepSummary, ServiceError> {
        sweep_with(self.store.aws(), Arc::new(FixedClock(at)), at.plus(Duration::from_secs(55))).await
    }
}

async fn sweep_with(aws: &Aws, clock: Arc<dyn Clock>, deadline: Timestamp) -> Result<SweepSummary, ServiceError> {
    run_with(Event { task: None }, aws, clock, deadline).await
}

async fn run_with(
    event: Event,
    aws: &Aws,
    clock: Arc<dyn Clock>,
    deadline: Timestamp,
) -> Result<SweepSummary, ServiceError> {
    let config = Config {
        store: StoreConfig {
            settings_table: SETTINGS.to_owned(),
            activity_table: ACTIVITY.to_owned(),
            retention: "30".parse().unwrap(),
        },
        send_queue_url: "http://127.0.0.1:1/000000000000/send".to_owned(),
        report_queue_url: "http://127.0.0.1:1/000000000000/report".to_owned(),
        function_name: "webhook-retry".to_owned(),
    };
    Sweeper::new(&config, aws, clock).run(event, u64::try_from(deadline.as_millis()).unwrap()).await
}
