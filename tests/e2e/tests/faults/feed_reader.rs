//! A reader of the feed that reads small pages and repeats a failed call with the same cursor.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use e2e::Customer;
use serde_json::Value;
use stack::Stack;
use stack::api_client::{ApiClient, ApiError};
use tokio::task::JoinHandle;

/// Maximum time until the feed has all events: a busy project gets them up to 150 seconds late.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Time that the reader waits after a failed call.
const PAUSE: Duration = Duration::from_millis(200);

/// Limits of the pages, one after the other.
const LIMITS: [usize; 4] = [3, 10, 1, 40];

/// A running reader. Dropping it ends it.
pub(crate) struct FeedReader {
    read: Arc<Mutex<Read>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Read {
    events: Vec<Value>,
    pages: usize,
    /// Number of empty pages since the last event.
    empty: usize,
}

impl FeedReader {
    /// Starts to read the feed of a customer from its oldest event.
    pub(crate) fn start(stack: &Stack, customer: &Customer) -> Self {
        let read = Arc::new(Mutex::new(Read::default()));
        let api = ApiClient::new(&stack.api_url, customer.key());
        let path = format!("/v1/projects/{}/feed", customer.project());
        let task = tokio::spawn(read_all(api, path, Arc::clone(&read)));
        Self { read, task }
    }

    /// Waits until the reader has as many events as there are `ids`, and several empty pages after them. Returns the number of pages and
    /// the events.
    ///
    /// # Panics
    ///
    /// If the events are not exactly those with these ids, each once.
    pub(crate) async fn finish(self, ids: &BTreeSet<&str>) -> (usize, Vec<Value>) {
        let started_at = Instant::now();
        let is_complete = |read: &Read| read.events.len() >= ids.len() && read.empty >= 3;
        while !is_complete(&self.read.lock().unwrap()) && started_at.elapsed() < TIMEOUT {
            tokio::time::sleep(PAUSE).await;
        }
        let read = std::mem::take(&mut *self.read.lock().unwrap());
        let found: Vec<&str> = read.events.iter().map(|event| event["id"].as_str().unwrap()).collect();
        let missing: Vec<_> = ids.iter().filter(|id| !found.contains(*id)).collect();
        assert_eq!((missing, found.len()), (Vec::new(), ids.len()), "the feed has every accepted event once");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), *ids);
        (read.pages, read.events)
    }
}

impl Drop for FeedReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_all(api: ApiClient, path: String, read: Arc<Mutex<Read>>) {
    let mut after = String::new();
    for limit in LIMITS.into_iter().cycle() {
        let page = loop {
            match api.get(&format!("{path}?limit={limit}&wait=1{after}")).await {
                Ok(page) => break page,
                Err(ApiError::Http { .. } | ApiError::Refused { status: 429 | 500.., .. }) => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        after = format!("&after={}", page["cursor"].as_str().unwrap());
        let events = page["items"].as_array().unwrap();
        let mut read = read.lock().unwrap();
        read.pages += 1;
        read.empty = if events.is_empty() { read.empty + 1 } else { 0 };
        read.events.extend(events.iter().cloned());
    }
}
