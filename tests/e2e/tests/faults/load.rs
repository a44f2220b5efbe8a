//! Callers that publish events with an `Idempotency-Key`, and repeat each request until the event is accepted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use e2e::{Customer, WAIT_TIMEOUT};
use serde_json::json;
use stack::api_client::ApiError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Time that a caller waits after a rejected request.
const PAUSE: Duration = Duration::from_millis(200);

/// Number of submissions that the events are about.
const SUBMISSIONS: usize = 40;

/// Events of a customer, numbered from 0, that are being published.
pub(crate) struct Load {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
    events: usize,
}

struct Shared {
    customer: Customer,
    left: Mutex<VecDeque<usize>>,
    accepted: watch::Sender<BTreeMap<usize, String>>,
    /// When each event was accepted, by its id.
    accepted_at: Mutex<BTreeMap<String, Instant>>,
    rejections: Mutex<BTreeMap<String, usize>>,
}

impl Load {
    /// Starts `callers` concurrent callers that together publish `events` events.
    pub(crate) fn start(customer: Customer, events: usize, callers: usize) -> Self {
        let shared = Arc::new(Shared {
            customer,
            left: Mutex::new((0..events).collect()),
            accepted: watch::Sender::default(),
            accepted_at: Mutex::default(),
            rejections: Mutex::default(),
        });
        let callers = (0..callers).map(|_| Arc::clone(&shared).publish()).collect();
        Self { shared, callers, events }
    }

    /// The customer who publishes the events.
    pub(crate) fn customer(&self) -> &Customer {
        &self.shared.customer
    }

    /// Waits until at least `events` events were accepted.
    pub(crate) async fn reach(&self, events: usize) {
        let mut accepted = self.shared.accepted.subscribe();
        let reached = timeout(WAIT_TIMEOUT, accepted.wait_for(|accepted| accepted.len() >= events)).await;
        assert!(reached.is_ok(), "waited for {events} accepted events; rejected: {:?}", self.rejections());
    }

    /// Waits until all events are accepted, and returns their ids by number.
    pub(crate) async fn finish(&mut self) -> BTreeMap<usize, String> {
        self.reach(self.events).await;
        while let Some(caller) = self.callers.join_next().await {
            caller.unwrap();
        }
        self.shared.accepted.borrow().clone()
    }

    /// When each event was accepted, by its id.
    pub(crate) fn accepted_at(&self) -> BTreeMap<String, Instant> {
        self.shared.accepted_at.lock().unwrap().clone()
    }

    /// Number of rejected requests by response.
    pub(crate) fn rejections(&self) -> BTreeMap<String, usize> {
        self.shared.rejections.lock().unwrap().clone()
    }
}

impl Shared {
    /// Publishes the remaining events. A rejected event goes to the end of the queue, so that it does not delay the others.
    async fn publish(self: Arc<Self>) {
        loop {
            let next = self.left.lock().unwrap().pop_front();
            let Some(number) = next else { return };
            let mut event = json!({"type": "updated", "data": {"number": number}});
            // Every fourth event has no submission.
            if number % 4 != 0 {
                event["submissionId"] = format!("sub_{}", number % SUBMISSIONS).into();
            }
            match self.customer.try_publish_as(&format!("event-{number}"), &event).await {
                Ok(id) => {
                    self.accepted_at.lock().unwrap().insert(id.clone(), Instant::now());
                    self.accepted.send_modify(|accepted| {
                        accepted.insert(number, id);
                    });
                }
                Err(error) => {
                    *self.rejections.lock().unwrap().entry(name_of(&error)).or_default() += 1;
                    self.left.lock().unwrap().push_back(number);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Short name of a failure after which a caller repeats its request.
fn name_of(error: &ApiError) -> String {
    match error {
        ApiError::Http { .. } => "no response".to_owned(),
        ApiError::Refused { status: status @ (409 | 429 | 500..), .. } => status.to_string(),
        ApiError::Malformed { .. } | ApiError::Refused { .. } => panic!("failure that is not worth repeating: {error}"),
    }
}
