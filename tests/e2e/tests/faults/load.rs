//! Callers that publish events with an `Idempotency-Key`, and repeat what was not accepted until it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::{Customer, PATIENCE};
use serde_json::json;
use stack::api_client::ApiError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a caller waits after it was refused.
const PAUSE: Duration = Duration::from_millis(200);

/// A customer's events, numbered from 0, while they are published.
pub(crate) struct Load {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
    events: usize,
}

struct Shared {
    customer: Customer,
    left: Mutex<VecDeque<usize>>,
    accepted: watch::Sender<BTreeMap<usize, String>>,
    refusals: Mutex<BTreeMap<String, usize>>,
}

impl Load {
    /// Lets `callers` side by side publish `events` events.
    pub(crate) fn begin(customer: Customer, events: usize, callers: usize) -> Self {
        let shared = Arc::new(Shared {
            customer,
            left: Mutex::new((0..events).collect()),
            accepted: watch::Sender::default(),
            refusals: Mutex::default(),
        });
        let callers = (0..callers).map(|_| Arc::clone(&shared).publish()).collect();
        Self { shared, callers, events }
    }

    /// Whose events they are.
    pub(crate) fn customer(&self) -> &Customer {
        &self.shared.customer
    }

    /// Waits until so many events have been accepted.
    pub(crate) async fn reach(&self, events: usize) {
        let mut accepted = self.shared.accepted.subscribe();
        let reached = timeout(PATIENCE, accepted.wait_for(|accepted| accepted.len() >= events)).await;
        assert!(reached.is_ok(), "waited for {events} accepted events; refused: {:?}", self.refusals());
    }

    /// Waits until all events are accepted; gives their ids, by their numbers.
    pub(crate) async fn finish(&mut self) -> BTreeMap<usize, String> {
        self.reach(self.events).await;
        while let Some(caller) = self.callers.join_next().await {
            caller.unwrap();
        }
        self.shared.accepted.borrow().clone()
    }

    /// How often events were not accepted, by what was answered.
    pub(crate) fn refusals(&self) -> BTreeMap<String, usize> {
        self.shared.refusals.lock().unwrap().clone()
    }
}

impl Shared {
    /// Publishes what is left, until nothing is. What is refused goes to the end of the line, so that it does not hold up the
    /// rest.
    async fn publish(self: Arc<Self>) {
        loop {
            let next = self.left.lock().unwrap().pop_front();
            let Some(number) = next else { return };
            let event = json!({"type": "updated", "data": {"number": number}});
            match self.customer.try_publish_as(&format!("event-{number}"), &event).await {
                Ok(id) => self.accepted.send_modify(|accepted| {
                    accepted.insert(number, id);
                }),
                Err(error) => {
                    *self.refusals.lock().unwrap().entry(name_of(&error)).or_default() += 1;
                    self.left.lock().unwrap().push_back(number);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// A short name for a refusal that a caller should answer by repeating its call.
fn name_of(error: &ApiError) -> String {
    match error {
        ApiError::Http { .. } => "no answer".to_owned(),
        ApiError::Refused { status: status @ (409 | 429 | 500..), .. } => status.to_string(),
        ApiError::Refused { .. } => panic!("no reason to repeat: {error}"),
    }
}
