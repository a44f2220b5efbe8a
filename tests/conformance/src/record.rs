//! What arrived at the receiver of one case.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// One request of the sender.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// When the whole request had arrived.
    pub at: Instant,
    /// The same by the clock, in seconds since 1970.
    pub unix_seconds: i64,
    /// The method.
    pub method: String,
    /// The headers: names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// When the answer was sent, or the sender closed the connection. `None` while it is open.
    pub ended_at: Option<Instant>,
    /// How long the sender waited before it closed the connection without the whole answer.
    pub given_up_after: Option<Duration>,
    /// Bytes of the answer's body that the network took.
    pub body_taken: usize,
}

impl Arrival {
    /// The value of a header, if it comes exactly once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }
}

/// All that arrived at one receiver.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The secrets of the endpoint, oldest first.
    pub secrets: Vec<String>,
    /// Requests to the URL of the case.
    pub arrivals: Vec<Arrival>,
    /// Requests to the URL that redirects name.
    pub followed_redirects: usize,
    /// TLS handshakes that the sender broke off.
    pub refused_handshakes: usize,
}

impl Record {
    /// The number of requests that are not yet answered.
    pub fn open(&self) -> usize {
        self.arrivals.iter().filter(|arrival| arrival.ended_at.is_none()).count()
    }
}

/// A record that receivers write and others wait for.
#[derive(Debug)]
pub struct SharedRecord {
    record: Mutex<(Record, Instant)>,
    changed: watch::Sender<()>,
}

impl Default for SharedRecord {
    fn default() -> Self {
        Self { record: Mutex::new((Record::default(), Instant::now())), changed: watch::Sender::default() }
    }
}

impl SharedRecord {
    /// A copy of the record so far.
    pub fn get(&self) -> Record {
        self.lock().0.clone()
    }

    /// Changes the record.
    pub fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let result = {
            let mut guard = self.lock();
            guard.1 = Instant::now();
            change(&mut guard.0)
        };
        self.changed.send_replace(());
        result
    }

    /// Waits until `is_over` holds for the record and the time since its last change.
    pub async fn wait(&self, is_over: impl Fn(&Record, Duration) -> bool) {
        let mut changes = self.changed.subscribe();
        loop {
            {
                let guard = self.lock();
                if is_over(&guard.0, guard.1.elapsed()) {
                    return;
                }
            }
            // Time passes without a change too.
            let _ = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Record, Instant)> {
        self.record.lock().expect("nobody panics while holding it")
    }
}
