//! A sweep with a real store and a fake queue, at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shared::address::AddressGuard;
use shared::aws::Aws;
use shared::aws::queue::testing::FakeQueue;
use shared::aws::store::SHARDS;
use shared::aws::store::testing::{ACTIVITY, Database, SETTINGS};
use shared::clock::{Clock, FixedClock};
use shared::delivery::{Attempt, Delivery, FailureReason, Phases, SendMessage};
use shared::draft::Draft;
use shared::endpoint::{Endpoint, NewEndpoint};
use shared::event::{Event, NewEvent};
use shared::id::{EndpointId, EventId, ProjectId};
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::signature::SigningSecret;
use shared::time::Timestamp;
use webhook_retry::{Config, SweepError, Sweeper, Swept};

/// A project without endpoints, and the queue.
pub(crate) struct Scene {
    pub(crate) store: Database,
    pub(crate) queue: FakeQueue,
    pub(crate) project: ProjectId,
}

/// When the scene begins.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

/// A clock on which a tenth of a second passes whenever somebody looks.
struct RunningClock {
    start: Timestamp,
    looks: AtomicU32,
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        self.start.plus(Duration::from_millis(100) * self.looks.fetch_add(1, Ordering::Relaxed))
    }
}

/// The shard of the index `due` that what has this id is in.
pub(crate) fn shard(id: &[u8; 16]) -> u8 {
    id[15] % SHARDS
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let store = Database::start().await;
        let queue = FakeQueue::in_front_of(&store).await;
        Self { store, queue, project: ProjectId::new(now(), &SystemRandom) }
    }

    /// An endpoint that takes webhooks.
    pub(crate) async fn endpoint(&self) -> Endpoint {
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let draft = Draft::parse(br#"{"url":"https://hooks.example.com/"}"#).unwrap();
        let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
        let (id, secret) = (EndpointId::new(now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
        let endpoint = new.create(id, self.project, &secret, &ring, &SystemRandom);
        self.store.settings.put_endpoint(&endpoint).await.unwrap();
        endpoint
    }

    /// An event that was accepted so long before the scene begins.
    pub(crate) async fn event(&self, ago: Duration, endpoints: &[EndpointId]) -> Event {
        let draft = Draft::parse(br#"{"type":"approved","data":{}}"#).unwrap();
        let id = EventId::new(now().minus(ago), &SystemRandom);
        let event = NewEvent::try_from(draft).unwrap().accept(id, self.project);
        self.store.activity.put_event(&event, endpoints).await.unwrap();
        event
    }

    /// Its delivery, recorded after one attempt. When that failed, another follows after `wait`; `None` if it was the last.
    pub(crate) async fn attempted(
        &self,
        event: &Event,
        endpoint: EndpointId,
        reason: Option<FailureReason>,
        wait: Option<Duration>,
    ) -> Delivery {
        let (at, phases) = (event.id.made_at(), Phases::default());
        let attempt = Attempt { number: 1, at, duration_ms: 0, phases, status: None, reason, response: None };
        let delivery = Delivery::queued(event, endpoint).after(attempt, wait);
        self.store.activity.record(&delivery, delivery.next_attempt_at).await.unwrap();
        delivery
    }

    /// The sweep that runs at `at`; answers what it did, and what it put onto the queue, in the order of delays.
    pub(crate) async fn sweep(&self, at: Timestamp) -> (Swept, Vec<(SendMessage, Duration)>) {
        let swept = self.try_sweep(at).await.unwrap();
        let mut sent = self.queue.take();
        sent.sort_by_key(|(_, delay)| *delay);
        (swept, sent)
    }

    /// The same, where it may fail.
    pub(crate) async fn try_sweep(&self, at: Timestamp) -> Result<Swept, SweepError> {
        self.sweep_for(at, Duration::from_secs(55)).await
    }

    /// The sweep that runs at `at` and is ended after `time`.
    pub(crate) async fn sweep_for(&self, at: Timestamp, time: Duration) -> Result<Swept, SweepError> {
        sweep_with(self.queue.aws(), Arc::new(FixedClock(at)), at.plus(time)).await
    }

    /// The sweep that begins at `at` and takes its time.
    pub(crate) async fn sweep_in_time(&self, at: Timestamp) -> Result<Swept, SweepError> {
        let clock = RunningClock { start: at, looks: AtomicU32::new(0) };
        sweep_with(self.queue.aws(), Arc::new(clock), at.plus(Duration::from_secs(55))).await
    }

    /// Due deliveries in the shard that `endpoint` is in.
    pub(crate) async fn backlog(&self, endpoint: &Endpoint, deliveries: usize) {
        let mut made = 0;
        while made < deliveries {
            let event = self.event(Duration::from_hours(1), &[endpoint.id]).await;
            if shard(event.id.as_bytes()) == shard(endpoint.id.as_bytes()) {
                let wait = Some(Duration::from_mins(30));
                self.attempted(&event, endpoint.id, Some(FailureReason::Tls), wait).await;
                made += 1;
            }
        }
    }

    /// The sweep that runs at `at` while the queue is away.
    pub(crate) async fn sweep_without_queue(&self, at: Timestamp) -> Result<Swept, SweepError> {
        sweep_with(self.store.aws(), Arc::new(FixedClock(at)), at.plus(Duration::from_secs(55))).await
    }
}

async fn sweep_with(aws: &Aws, clock: Arc<dyn Clock>, deadline: Timestamp) -> Result<Swept, SweepError> {
    let config = Config {
        settings_table: SETTINGS.to_owned(),
        activity_table: ACTIVITY.to_owned(),
        retention: "30".parse().unwrap(),
        send_queue_url: "http://127.0.0.1:1/000000000000/send".to_owned(),
        report_queue_url: "http://127.0.0.1:1/000000000000/report".to_owned(),
    };
    Sweeper::new(&config, aws, clock).sweep(u64::try_from(deadline.as_millis()).unwrap()).await
}
