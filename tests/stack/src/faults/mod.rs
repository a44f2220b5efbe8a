//! A proxy between the functions and the emulated AWS services that injects faults.
//!
//! The proxy reads the operation of a call from `x-amz-target`. It passes calls and responses on byte for byte unless a test
//! injected a fault. Each connection of a function has its own connection to the emulator, open for the same time, so that
//! the functions pool connections as they do without the proxy.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

mod connection;

/// A running proxy. Dropping it ends the proxy and closes its connections.
#[derive(Debug)]
pub struct Faults {
    address: SocketAddr,
    control: Arc<Control>,
    task: JoinHandle<()>,
}

/// A service whose calls can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// `DynamoDB`.
    DynamoDb,
    /// SQS. Faults hit only the functions' own calls: the emulator polls the queues itself, without the proxy.
    Sqs,
}

/// What happens to a call instead of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The call is not carried out, and the connection closes.
    Refuse,
    /// The call is not carried out. The response is the service's own throttling error.
    Throttle,
    /// The call is carried out, but the connection closes before the response.
    LoseAnswer,
}

impl Service {
    const ALL: [Self; 2] = [Self::DynamoDb, Self::Sqs];

    /// What its values of `x-amz-target` begin with; the name of the operation follows.
    const fn target_prefix(self) -> &'static str {
        match self {
            Self::DynamoDb => "DynamoDB_20120810.",
            Self::Sqs => "AmazonSQS.",
        }
    }

    /// The service and the operation in a value of `x-amz-target`.
    fn of(target: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|service| Some((service, target.strip_prefix(service.target_prefix())?)))
    }

    /// The service's throttling error, as a whole HTTP response.
    fn throttled(self) -> Vec<u8> {
        let (error, header) = match self {
            Self::DynamoDb => ("com.amazonaws.dynamodb.v20120810#ThrottlingException", ""),
            // SDKs read the error's name from this header, which SQS keeps from its older query protocol.
            Self::Sqs => ("com.amazonaws.sqs#RequestThrottled", "x-amzn-query-error: RequestThrottled;Sender\r\n"),
        };
        let body = format!(r#"{{"__type":"{error}","message":"Rate exceeded"}}"#);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\n{header}content-length: {length}\r\n\r\n"
        );
        (head + &body).into_bytes()
    }
}

/// The faults that tests injected, and counts of calls.
#[derive(Debug, Default)]
struct Control(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rules: BTreeMap<u64, Rule>,
    rules_made: u64,
    holds: Vec<Wanted>,
    passed: BTreeMap<Service, u64>,
}

#[derive(Debug)]
struct Rule {
    service: Service,
    fault: Fault,
    every: u64,
    seen: u64,
    injected: u64,
}

/// An operation whose next call the proxy holds.
#[derive(Debug)]
struct Wanted {
    service: Service,
    operation: &'static str,
    arrived: oneshot::Sender<Held>,
}

/// What the proxy does with a call.
enum Verdict {
    PassOn,
    Inject(Service, Fault),
    /// Pass it on when this channel receives a value. Refuse it when the channel closes.
    Hold(oneshot::Receiver<()>),
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding it")
    }

    fn judge(&self, target: &str) -> Verdict {
        let Some((service, operation)) = Service::of(target) else { return Verdict::PassOn };
        let mut state = self.lock();
        let is_wanted = |wanted: &Wanted| wanted.service == service && wanted.operation == operation;
        while let Some(position) = state.holds.iter().position(is_wanted) {
            let (decide, decision) = oneshot::channel();
            // If the test has dropped its `Hold`, ignore it and let the call pass.
            if state.holds.remove(position).arrived.send(Held(decide)).is_ok() {
                return Verdict::Hold(decision);
            }
        }
        for rule in state.rules.values_mut().filter(|rule| rule.service == service) {
            rule.seen += 1;
            if rule.seen % rule.every == 0 {
                rule.injected += 1;
                return Verdict::Inject(service, rule.fault);
            }
        }
        *state.passed.entry(service).or_default() += 1;
        Verdict::PassOn
    }
}

/// An injected fault. It ends when this value is dropped.
#[derive(Debug)]
#[must_use = "the fault ends when this is dropped"]
pub struct Injection {
    control: Arc<Control>,
    rule: u64,
}

impl Injection {
    /// Ends the fault and returns the number of calls it hit.
    pub fn end(self) -> u64 {
        self.control.lock().rules.get(&self.rule).map_or(0, |rule| rule.injected)
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        self.control.lock().rules.remove(&self.rule);
    }
}

/// The next call of an operation, which the proxy will hold. Dropping this lets the call pass.
#[derive(Debug)]
#[must_use = "dropping this lets the call pass"]
pub struct Hold(oneshot::Receiver<Held>);

/// A held call. Dropping this closes its connection, and the call is never carried out.
#[derive(Debug)]
#[must_use = "the call is refused when this is dropped"]
pub struct Held(oneshot::Sender<()>);

impl Hold {
    /// Waits until the call has arrived.
    ///
    /// # Panics
    ///
    /// Panics if the proxy has ended.
    pub async fn arrived(self) -> Held {
        self.0.await.expect("the proxy runs")
    }
}

impl Held {
    /// Passes the call on, even if its caller has gone.
    pub fn let_go(self) {
        // This fails only if the proxy has ended. Then the call has ended too.
        let _ = self.0.send(());
    }
}

impl Faults {
    /// Starts a proxy in front of the emulator at `emulator`.
    pub(crate) async fn start(emulator: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let control = Arc::new(Control::default());
        let task = tokio::spawn(connection::take(listener, emulator, Arc::clone(&control)));
        Ok(Self { address, control, task })
    }

    /// The proxy's URL, without a trailing slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Injects a fault into all calls of `service` until the returned value is dropped.
    pub fn inject(&self, service: Service, fault: Fault) -> Injection {
        self.inject_every(1, service, fault)
    }

    /// Injects a fault into every `nth` call of `service` until the returned value is dropped. If several faults fit a call,
    /// the one injected first applies.
    ///
    /// # Panics
    ///
    /// Panics if `nth` is 0.
    pub fn inject_every(&self, nth: u64, service: Service, fault: Fault) -> Injection {
        assert!(nth > 0, "nth counts from 1");
        let mut state = self.control.lock();
        let rule = state.rules_made;
        state.rules_made += 1;
        state.rules.insert(rule, Rule { service, fault, every: nth, seen: 0, injected: 0 });
        Injection { control: Arc::clone(&self.control), rule }
    }

    /// Holds the next call of an operation, such as `SendMessageBatch`.
    pub fn hold(&self, service: Service, operation: &'static str) -> Hold {
        let (arrived, hold) = oneshot::channel();
        self.control.lock().holds.push(Wanted { service, operation, arrived });
        Hold(hold)
    }

    /// The number of calls of `service` that passed without a fault.
    pub fn passed(&self, service: Service) -> u64 {
        self.control.lock().passed.get(&service).copied().unwrap_or_default()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;

    use super::*;
    use crate::server::{self, Server};

    /// A server behind the proxy. It answers each call with the number of calls carried out so far.
    struct Emulator {
        faults: Faults,
        carried_out: Arc<AtomicUsize>,
        _server: Server,
    }

    impl Emulator {
        async fn start() -> Self {
            let carried_out = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&carried_out);
            let answer = move || async move { (count.fetch_add(1, Ordering::SeqCst) + 1).to_string() };
            let server = Server::start(Router::new().fallback(answer)).await.unwrap();
            let faults = Faults::start((Ipv4Addr::LOCALHOST, server.port()).into()).await.unwrap();
            Self { faults, carried_out, _server: server }
        }

        /// Makes a call on its own connection.
        async fn call(&self, target: &str) -> reqwest::Result<(u16, String)> {
            let request = server::client().post(self.faults.url()).header("x-amz-target", target).body("{}");
            let answer = request.send().await?;
            Ok((answer.status().as_u16(), answer.text().await?))
        }

        async fn put(&self) -> reqwest::Result<(u16, String)> {
            self.call("DynamoDB_20120810.PutItem").await
        }

        async fn send(&self) -> reqwest::Result<(u16, String)> {
            self.call("AmazonSQS.SendMessageBatch").await
        }

        fn carried_out(&self) -> usize {
            self.carried_out.load(Ordering::SeqCst)
        }
    }

    fn ok(number: usize) -> (u16, String) {
        (200, number.to_string())
    }

    #[tokio::test]
    async fn a_refused_call_is_not_carried_out_and_gets_no_response() {
        let emulator = Emulator::start().await;
        let outage = emulator.faults.inject(Service::DynamoDb, Fault::Refuse);
        assert!(emulator.put().await.is_err());
        assert_eq!(emulator.carried_out(), 0);
        assert_eq!(emulator.send().await.unwrap(), ok(1), "the other service is not affected");

        assert_eq!(outage.end(), 1);
        assert_eq!(emulator.put().await.unwrap(), ok(2), "the fault has ended");
    }

    #[tokio::test]
    async fn a_throttled_call_gets_its_services_own_error() {
        let emulator = Emulator::start().await;
        let _store = emulator.faults.inject(Service::DynamoDb, Fault::Throttle);
        let _queue = emulator.faults.inject(Service::Sqs, Fault::Throttle);
        let (put, sent) = (emulator.put().await.unwrap(), emulator.send().await.unwrap());
        let body = |error: &str| (400, format!(r#"{{"__type":"{error}","message":"Rate exceeded"}}"#));
        assert_eq!(put, body("com.amazonaws.dynamodb.v20120810#ThrottlingException"));
        assert_eq!(sent, body("com.amazonaws.sqs#RequestThrottled"));
        assert_eq!(emulator.carried_out(), 0);
    }

    #[tokio::test]
    async fn every_nth_call_is_hit_and_the_others_pass() {
        let emulator = Emulator::start().await;
        let throttling = emulator.faults.inject_every(3, Service::Sqs, Fault::Throttle);
        let mut statuses = Vec::new();
        for _ in 0..7 {
            statuses.push(emulator.send().await.unwrap().0);
        }
        assert_eq!(statuses, [200, 200, 400, 200, 200, 400, 200]);
        assert_eq!((throttling.end(), emulator.faults.passed(Service::Sqs)), (2, 5));
    }

    #[tokio::test]
    async fn a_call_whose_response_is_lost_is_carried_out() {
        let emulator = Emulator::start().await;
        let _lost = emulator.faults.inject(Service::Sqs, Fault::LoseAnswer);
        assert!(emulator.send().await.is_err());
        assert_eq!(emulator.carried_out(), 1);
    }

    #[tokio::test]
    async fn a_held_call_passes_only_after_let_go() {
        let emulator = Emulator::start().await;
        let hold = emulator.faults.hold(Service::Sqs, "SendMessageBatch");
        let meanwhile = async {
            let call = hold.arrived().await;
            let (other, carried_out) = (emulator.send().await.unwrap(), emulator.carried_out());
            call.let_go();
            (other, carried_out)
        };
        let (answer, (other, carried_out)) = tokio::join!(emulator.send(), meanwhile);
        assert_eq!((other, carried_out), (ok(1), 1), "only the next call is held");
        assert_eq!(answer.unwrap(), ok(2));
    }

    #[tokio::test]
    async fn a_held_call_that_is_dropped_is_never_carried_out() {
        let emulator = Emulator::start().await;
        let hold = emulator.faults.hold(Service::DynamoDb, "PutItem");
        let (answer, ()) = tokio::join!(emulator.put(), async { drop(hold.arrived().await) });
        assert!(answer.is_err());
        assert_eq!(emulator.carried_out(), 0);
    }

    #[tokio::test]
    async fn a_dropped_hold_lets_the_call_pass() {
        let emulator = Emulator::start().await;
        drop(emulator.faults.hold(Service::DynamoDb, "PutItem"));
        assert_eq!(emulator.put().await.unwrap(), ok(1));
    }
}
