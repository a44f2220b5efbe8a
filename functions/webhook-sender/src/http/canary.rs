//! Checks our own network against a host known to be up. After a failure without an answer, this tells whether the receiver is
//! down or our NAT or name server is.
//!
//! The sender reaches the host as it reaches receivers: through the same name server and the same NAT. By default it is the host
//! of the send queue.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::webhooks::address::AddressGuard;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::warn;
use url::Url;

use crate::http::failure::OwnFault;
use crate::http::resolver::{GuardedResolver, HostLookup, ResolveError};

/// Maximum time to resolve the host, and to connect to it. The host is near and takes milliseconds.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1500);

/// Number of lookups that must all be answered, and the time for each. An overloaded name server drops some queries only, and
/// the library repeats a query after a third of a second, so an answer that takes longer stands for a dropped one.
const LOOKUPS: usize = 4;
const ANSWER_TIMEOUT: Duration = Duration::from_millis(300);

/// How long a check that found no fault is reused. Much shorter than the timeouts that it judges (2.5 s for DNS, 5 s to connect,
/// 15 s for an attempt), because a check from before such a timeout says nothing about it.
const MAX_RESULT_AGE: Duration = Duration::from_secs(1);

/// Checks whether one host can be resolved and connected to.
pub(crate) struct Canary {
    host: String,
    port: u16,
    guard: AddressGuard,
    /// Must not cache: a cached address would hide that the name server is down.
    resolver: GuardedResolver,
    name_server: LatestCheck,
    connection: LatestCheck,
    has_warned: AtomicBool,
}

/// The latest results of one kind of check. Concurrent callers share a check.
#[derive(Default)]
struct LatestCheck(Mutex<Results>);

#[derive(Default)]
struct Results {
    /// When the last check started that found no fault.
    passed: Option<Instant>,
    /// When the last check started that found a fault, and the fault.
    failed: Option<(Instant, OwnFault)>,
}

impl Canary {
    /// Creates a canary that checks the host of `url`, at an address that `guard` allows.
    pub(crate) fn new(url: &Url, guard: AddressGuard, lookup: Arc<dyn HostLookup>) -> Self {
        Self {
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            resolver: GuardedResolver::new(guard.clone(), lookup),
            guard,
            name_server: LatestCheck::default(),
            connection: LatestCheck::default(),
            has_warned: AtomicBool::default(),
        }
    }

    /// The fault of our name server, if it had one at some time since `since`, when the failed request began.
    pub(crate) async fn name_server_fault(&self, since: Instant) -> Option<OwnFault> {
        self.name_server.fault(since, Instant::now(), self.check_name_server()).await
    }

    /// The fault of our internet access, if it had one at some time since `since`, when the failed request began. `None` also if
    /// the host cannot show it.
    pub(crate) async fn internet_fault(&self, since: Instant) -> Option<OwnFault> {
        self.connection.fault(since, Instant::now(), self.check_connection()).await
    }

    async fn check_name_server(&self) -> Option<OwnFault> {
        for _ in 0..LOOKUPS {
            if let Some(fault) = lookup_fault(&self.addresses(ANSWER_TIMEOUT).await) {
                return Some(fault);
            }
        }
        None
    }

    async fn check_connection(&self) -> Option<OwnFault> {
        let addresses = self.addresses(LOOKUP_TIMEOUT).await;
        match (lookup_fault(&addresses), addresses) {
            (Some(fault), _) => Some(fault),
            (None, Ok(addresses)) => self.connect(&addresses).await,
            (None, Err(error)) => {
                self.warn_once(&error);
                None
            }
        }
    }

    async fn addresses(&self, limit: Duration) -> Result<Vec<IpAddr>, ResolveError> {
        let Ok(address) = self.host.trim_matches(['[', ']']).parse() else {
            return timeout(limit, self.resolver.addresses(&self.host)).await.unwrap_or(Err(ResolveError::NoAnswer));
        };
        self.guard.check_address(&self.host, address).map_err(ResolveError::Blocked)?;
        Ok(vec![address])
    }

    async fn connect(&self, addresses: &[IpAddr]) -> Option<OwnFault> {
        let targets: Vec<SocketAddr> = addresses.iter().map(|address| SocketAddr::new(*address, self.port)).collect();
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(targets.as_slice())).await {
            Ok(Ok(_)) => None,
            Ok(Err(_)) | Err(_) => Some(OwnFault::Egress),
        }
    }

    /// A host at a private address is reached without the NAT, and a host without an address is not reached. Neither shows whether
    /// the NAT works. Receivers then count as at fault: a receiver that hangs would otherwise never be held back.
    fn warn_once(&self, error: &ResolveError) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let host = &self.host;
            warn!(host, "canary host {host} cannot show whether our internet access works: {error}");
        }
    }
}

/// The fault that a lookup of the canary's host shows. A name that does not exist, or has a blocked address, was answered.
fn lookup_fault(lookup: &Result<Vec<IpAddr>, ResolveError>) -> Option<OwnFault> {
    match lookup {
        Ok(_) | Err(ResolveError::NoAddress | ResolveError::Blocked(_)) => None,
        Err(ResolveError::NoAnswer) => Some(OwnFault::SilentNameServer),
        Err(ResolveError::Unreachable(error)) => Some(OwnFault::NameServer(error.clone())),
        Err(ResolveError::Configuration(error)) => Some(OwnFault::DnsConfiguration(error.clone())),
    }
}

impl LatestCheck {
    /// Returns the fault that a check since `since` found. If there is none, and no recent check passed, runs `check` at `now`.
    async fn fault(
        &self,
        since: Instant,
        now: Instant,
        check: impl Future<Output = Option<OwnFault>>,
    ) -> Option<OwnFault> {
        let mut results = self.0.lock().await;
        if let Some((_, fault)) = results.failed.as_ref().filter(|(at, _)| *at >= since) {
            return Some(fault.clone());
        }
        if results.passed.is_some_and(|at| now.saturating_duration_since(at) < MAX_RESULT_AGE) {
            return None;
        }
        let fault = check.await;
        match fault.clone() {
            Some(fault) => results.failed = Some((now, fault)),
            None => results.passed = Some(now),
        }
        fault
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use futures::future::join;
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::testing::FakeLookup;

    const ANSWER: Result<&str, ResolveError> = Ok("127.0.0.1");

    fn silence() -> Result<&'static str, ResolveError> {
        Err(ResolveError::NoAnswer)
    }

    /// A canary at `canary.example`, which may be on this machine.
    fn canary(port: u16, lookup: Arc<FakeLookup>) -> Canary {
        let url = Url::parse(&format!("https://canary.example:{port}/")).unwrap();
        Canary::new(&url, "canary.example=127.0.0.1/32".parse().unwrap(), lookup)
    }

    /// The listener has a port that accepts connections as long as it exists.
    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_host_that_accepts_a_connection_shows_that_the_internet_can_be_reached() {
        let (listener, port) = listener().await;
        let (before, now) = (Instant::now(), Instant::now());
        assert!(canary(port, FakeLookup::returning([ANSWER])).internet_fault(now).await.is_none());
        drop(listener);
        let refused = canary(port, FakeLookup::returning([ANSWER])).internet_fault(before).await;
        assert!(matches!(refused, Some(OwnFault::Egress)), "{refused:?}");
        let unresolved = canary(port, FakeLookup::returning([silence()])).internet_fault(before).await;
        assert!(matches!(unresolved, Some(OwnFault::SilentNameServer)), "{unresolved:?}");
    }

    #[tokio::test]
    async fn concurrent_callers_share_a_check() {
        let (_listener, port) = listener().await;
        let lookup = FakeLookup::returning([ANSWER, ANSWER]);
        let canary = canary(port, lookup.clone());
        let since = Instant::now();
        let faults = join(canary.internet_fault(since), canary.internet_fault(since)).await;
        assert!(faults.0.is_none() && faults.1.is_none());
        assert_eq!(lookup.left(), 1);
    }

    #[tokio::test]
    async fn a_check_that_passed_is_reused_for_less_than_any_timeout_that_it_judges() {
        let (check, started) = (LatestCheck::default(), Instant::now());
        let at = |millis| started + Duration::from_millis(millis);
        assert!(check.fault(at(0), at(0), ready(None)).await.is_none());
        assert!(check.fault(at(0), at(999), ready(Some(OwnFault::Egress))).await.is_none());
        assert!(check.fault(at(0), at(1_000), ready(Some(OwnFault::Egress))).await.is_some());
    }

    #[tokio::test]
    async fn a_fault_counts_for_all_requests_that_began_before_it_was_found() {
        let (check, started) = (LatestCheck::default(), Instant::now());
        let at = |seconds| started + Duration::from_secs(seconds);
        assert!(check.fault(at(0), at(5), ready(Some(OwnFault::Egress))).await.is_some());
        // Our network works again, but did not in the middle of the second request. The third began later.
        assert!(check.fault(at(6), at(7), ready(None)).await.is_none());
        assert!(check.fault(at(4), at(19), ready(None)).await.is_some());
        assert!(check.fault(at(6), at(21), ready(None)).await.is_none());
    }

    #[tokio::test]
    async fn a_name_server_that_drops_one_of_four_queries_is_at_fault() {
        let since = Instant::now();
        let lossy = canary(1, FakeLookup::returning([ANSWER, ANSWER, ANSWER, silence()]));
        let fault = lossy.name_server_fault(since).await;
        assert!(matches!(fault, Some(OwnFault::SilentNameServer)), "{fault:?}");
        let sound = canary(1, FakeLookup::returning([ANSWER, ANSWER, ANSWER, ANSWER, silence()]));
        assert!(sound.name_server_fault(since).await.is_none());
    }

    #[tokio::test]
    async fn a_host_at_a_private_address_proves_nothing_and_is_logged_once() {
        // Nothing listens there: if the canary connected, it would find a fault.
        for result in [Ok("10.0.0.1"), Err(ResolveError::NoAddress)] {
            let canary = canary(1, FakeLookup::returning([result]));
            assert!(canary.internet_fault(Instant::now()).await.is_none());
            assert!(canary.has_warned.load(Ordering::Relaxed));
        }
        let literal = Canary::new(
            &Url::parse("https://127.0.0.1:1/").unwrap(),
            AddressGuard::default(),
            FakeLookup::returning([]),
        );
        assert!(literal.internet_fault(Instant::now()).await.is_none());
    }
}
