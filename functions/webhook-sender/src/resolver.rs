//! Name resolution with the address guard built in: the addresses that are checked are those that are connected to.
//!
//! Names are asked of the system's name servers directly rather than through the C library, whose answers do not tell a
//! name without addresses from a name server that is away. The first is the receiver's fault, the second ours.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join};
use hickory_resolver::config::{ResolveHosts, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use reqwest::dns::{Addrs, Name as HostName, Resolve, Resolving};
use shared::address::{AddressGuard, BlockedAddress};
use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::connect::Trace;
use crate::failure::OwnFault;

/// How long the name servers have for one answer, and how often they are asked again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
const REPEATS: usize = 1;
/// How long finding addresses may take in all, whatever the name servers do. It leaves half of the time for connecting.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(2500);
/// How many answers are kept, and for how long at most: receivers that move, and names that come up, are found soon.
const MOST_CACHED: u64 = 256;
const LONGEST_CACHED: Duration = Duration::from_mins(1);
const LONGEST_CACHED_ABSENCE: Duration = Duration::from_secs(5);

/// Why a host name gave no address to connect to.
#[derive(Debug, Error)]
pub(crate) enum ResolveError {
    #[error("host name has no address")]
    NoAddress,
    /// The name server is away or refuses, or those of the host's domain do.
    #[error("name server gives no answer")]
    NoAnswer,
    #[error(transparent)]
    Blocked(BlockedAddress),
    #[error(transparent)]
    Ours(OwnFault),
}

/// Finds the addresses of hosts.
pub(crate) trait HostLookup: Send + Sync {
    /// The addresses of `host`, at least one. Asked again, it may find others.
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>>;
}

/// Resolves host names for the HTTP client.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    guard: AddressGuard,
    lookup: Arc<dyn HostLookup>,
}

impl GuardedResolver {
    pub(crate) fn new(guard: AddressGuard, lookup: Arc<dyn HostLookup>) -> Self {
        Self { guard, lookup }
    }

    async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        let found = self.lookup.addresses(host).await?;
        self.check(host, found)
    }

    /// One address that is not allowed spoils them all: which one is connected to is not ours to choose.
    ///
    /// Where there are IPv4 addresses, only they are used: receivers know our fixed address, which is one of IPv4, and a
    /// failure to connect then is of the address that matters.
    fn check(&self, host: &str, found: Vec<IpAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
        for address in &found {
            self.guard.check_address(host, *address).map_err(ResolveError::Blocked)?;
        }
        let has_v4 = found.iter().any(IpAddr::is_ipv4);
        let usable = found.into_iter().filter(|address| address.is_ipv4() == has_v4);
        // The port is not known here; the HTTP client puts in the URL's.
        let usable: Vec<SocketAddr> = usable.map(|address| SocketAddr::new(address, 0)).collect();
        if usable.is_empty() { Err(ResolveError::NoAddress) } else { Ok(usable) }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: HostName) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let trace = Trace::current();
            trace.resolving();
            let addresses = resolver.addresses(name.as_str()).await;
            trace.resolved(addresses.as_ref().is_ok_and(|found| found.iter().all(SocketAddr::is_ipv6)));
            Ok::<Addrs, _>(Box::new(addresses?.into_iter()))
        })
    }
}

/// Looks hosts up as the system is configured to: first in its hosts file, then with its name servers. The configuration
/// is read when it is first needed.
pub(crate) struct SystemLookup {
    system: OnceCell<System>,
    most_cached: u64,
}

struct System {
    hosts: Hosts,
    resolver: TokioResolver,
}

impl SystemLookup {
    /// A look-up that asks about each host once a minute at most.
    pub(crate) fn new() -> Self {
        Self { system: OnceCell::new(), most_cached: MOST_CACHED }
    }

    /// A look-up that always asks.
    pub(crate) fn uncached() -> Self {
        Self { system: OnceCell::new(), most_cached: 0 }
    }
}

impl HostLookup for SystemLookup {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        Box::pin(async move {
            let system = self
                .system
                .get_or_try_init(async || System::read(self.most_cached))
                .await
                .map_err(ResolveError::Ours)?;
            // Search domains are for names that people type. A webhook goes to the whole name or nowhere.
            let mut name = Name::from_str_relaxed(host).map_err(|_| ResolveError::NoAddress)?;
            name.set_fqdn(true);
            system.addresses(name).await
        })
    }
}

impl System {
    fn read(most_cached: u64) -> Result<Self, OwnFault> {
        let mut builder = TokioResolver::builder_tokio().map_err(OwnFault::Configuration)?;
        limit(builder.options_mut(), most_cached);
        let resolver = builder.build().map_err(OwnFault::Configuration)?;
        // A hosts file that is not there names no hosts.
        Ok(Self { hosts: Hosts::from_system().unwrap_or_default(), resolver })
    }

    async fn addresses(&self, name: Name) -> Result<Vec<IpAddr>, ResolveError> {
        // A host that the file has one kind of address for is not asked about elsewhere, not for the other kind either.
        let from_file = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)));
        let from_file: Vec<IpAddr> = from_file.flat_map(|lookup| addresses_in(&lookup)).collect();
        if !from_file.is_empty() {
            return Ok(from_file);
        }
        let (v4, v6) = join(
            timeout(LOOKUP_TIMEOUT, self.resolver.ipv4_lookup(name.clone())),
            timeout(LOOKUP_TIMEOUT, self.resolver.ipv6_lookup(name)),
        )
        .await;
        let answer = |lookup: Result<Result<Lookup, NetError>, _>| lookup.unwrap_or(Err(NetError::Timeout));
        both(found(answer(v4)), found(answer(v6)))
    }
}

fn limit(options: &mut ResolverOpts, most_cached: u64) {
    options.timeout = ANSWER_TIMEOUT;
    options.attempts = REPEATS;
    options.cache_size = most_cached;
    options.positive_max_ttl = Some(LONGEST_CACHED);
    options.negative_max_ttl = Some(LONGEST_CACHED_ABSENCE);
    // It would ask the name servers for the kind of address that the file does not have.
    options.use_hosts_file = ResolveHosts::Never;
}

fn addresses_in(lookup: &Lookup) -> Vec<IpAddr> {
    lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect()
}

/// Whose fault a failed look-up is. When our name server works but finds no server of the host's domain that does, it says so
/// with the code `SERVFAIL`: that is the domain's fault. Of time-outs and other codes it cannot be told from here.
fn found(lookup: Result<Lookup, NetError>) -> Result<Vec<IpAddr>, ResolveError> {
    match lookup {
        Ok(lookup) => Ok(addresses_in(&lookup)),
        Err(error @ (NetError::Io(_) | NetError::NoConnections | NetError::Busy)) => {
            Err(ResolveError::Ours(OwnFault::NameServer(error)))
        }
        Err(NetError::Timeout) => Err(ResolveError::NoAnswer),
        Err(NetError::Dns(DnsError::ResponseCode(code))) if code != ResponseCode::ServFail => {
            Err(ResolveError::NoAnswer)
        }
        Err(_) => Err(ResolveError::NoAddress),
    }
}

/// The addresses of both kinds. One kind that cannot be had does no harm where there is the other; where there is not, it
/// leaves open whether the host has addresses.
fn both(
    v4: Result<Vec<IpAddr>, ResolveError>,
    v6: Result<Vec<IpAddr>, ResolveError>,
) -> Result<Vec<IpAddr>, ResolveError> {
    let found: Vec<IpAddr> = [&v4, &v6].into_iter().flatten().flatten().copied().collect();
    match (v4, v6) {
        _ if !found.is_empty() => Ok(found),
        (Err(ours @ ResolveError::Ours(_)), _) | (_, Err(ours @ ResolveError::Ours(_))) => Err(ours),
        (Err(ResolveError::NoAnswer), _) | (_, Err(ResolveError::NoAnswer)) => Err(ResolveError::NoAnswer),
        _ => Err(ResolveError::NoAddress),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use tokio::net::UdpSocket;

    use super::*;

    fn ips(addresses: &[&str]) -> Vec<IpAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn check(guard: &str, host: &str, addresses: &[&str]) -> Result<Vec<SocketAddr>, ResolveError> {
        let lookup = Arc::new(SystemLookup::new());
        GuardedResolver::new(guard.parse().unwrap(), lookup).check(host, ips(addresses))
    }

    /// A look-up that asks a name server which answers every question with this code, and those for IPv4 addresses with
    /// these; `None`: never. And how many questions it was asked.
    async fn name_server(
        answer: Option<(u8, &'static [[u8; 4]])>,
        most_cached: u64,
    ) -> (SystemLookup, Arc<AtomicUsize>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let asked = Arc::<AtomicUsize>::default();
        let questions = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                questions.fetch_add(1, Ordering::SeqCst);
                if let Some((code, addresses)) = answer {
                    socket.send_to(&dns_answer(&buffer[..length], code, addresses), client).await.unwrap();
                }
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let mut server = NameServerConfig::udp("127.0.0.1".parse().unwrap());
        server.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        limit(builder.options_mut(), most_cached);
        if answer.is_none() {
            builder.options_mut().timeout = Duration::from_millis(20);
        }
        let system = System { hosts: Hosts::default(), resolver: builder.build().unwrap() };
        (SystemLookup { system: OnceCell::from(system), most_cached }, asked)
    }

    fn dns_answer(question: &[u8], code: u8, addresses: &[[u8; 4]]) -> Vec<u8> {
        let end_of_name = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap();
        let asks_for_v4 = question[end_of_name + 1..=end_of_name + 2] == [0, 1];
        let addresses = if asks_for_v4 { addresses } else { &[] };
        let count = u8::try_from(addresses.len()).unwrap();
        let mut answer = vec![question[0], question[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
        answer.extend(&question[12..=end_of_name + 4]);
        for address in addresses {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            answer.extend(address);
        }
        answer
    }

    async fn look_up(answer: Option<(u8, &'static [[u8; 4]])>) -> Result<Vec<IpAddr>, ResolveError> {
        name_server(answer, MOST_CACHED).await.0.addresses("hooks.example").await
    }

    #[test]
    fn one_private_address_spoils_them_all() {
        assert!(matches!(check("", "a.example", &["1.1.1.1", "10.0.0.1"]), Err(ResolveError::Blocked(_))));
        assert!(matches!(check("", "a.example", &["1.1.1.1", "fd00::1"]), Err(ResolveError::Blocked(_))));
        assert!(check("", "a.example", &["1.1.1.1", "1.0.0.1"]).is_ok());
    }

    #[test]
    fn an_exception_holds_for_its_host_only() {
        assert!(check("localhost=127.0.0.0/8", "localhost", &["127.0.0.1"]).is_ok());
        assert!(check("localhost=127.0.0.0/8", "a.example", &["127.0.0.1"]).is_err());
    }

    #[test]
    fn webhooks_go_to_ipv4_addresses_where_there_are_any() {
        let used = |addresses: &[&str]| {
            let checked = check("", "a.example", addresses).unwrap();
            checked.into_iter().map(|address| address.ip()).collect::<Vec<_>>()
        };
        assert_eq!(used(&["2606:4700::1111", "1.1.1.1"]), ips(&["1.1.1.1"]));
        assert_eq!(used(&["2606:4700::1111"]), ips(&["2606:4700::1111"]));
    }

    #[tokio::test]
    async fn the_hosts_file_is_honoured() {
        let found = SystemLookup::new().addresses("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_blocked() {
        let resolver = GuardedResolver::new(AddressGuard::default(), Arc::new(SystemLookup::new()));
        assert!(matches!(resolver.addresses("localhost").await, Err(ResolveError::Blocked(_))));
    }

    #[tokio::test]
    async fn a_host_has_the_addresses_that_its_name_server_tells() {
        let found = look_up(Some((0, &[[192, 0, 2, 1], [192, 0, 2, 2]]))).await.unwrap();
        assert_eq!(found, ips(&["192.0.2.1", "192.0.2.2"]));
    }

    #[tokio::test]
    async fn what_must_not_be_remembered_is_asked_each_time() {
        for (most_cached, asks_all_again) in [(MOST_CACHED, false), (0, true)] {
            let (lookup, asked) = name_server(Some((0, &[[192, 0, 2, 1]])), most_cached).await;
            lookup.addresses("queue.example").await.unwrap();
            let at_first = asked.swap(0, Ordering::SeqCst);
            lookup.addresses("queue.example").await.unwrap();
            assert_eq!(asked.load(Ordering::SeqCst) == at_first, asks_all_again, "{most_cached}");
        }
    }

    #[tokio::test]
    async fn a_host_without_addresses_is_the_receivers_fault() {
        // No error but no address, SERVFAIL and NXDOMAIN.
        for code in [0, 2, 3] {
            assert!(matches!(look_up(Some((code, &[]))).await, Err(ResolveError::NoAddress)), "{code}");
        }
        let too_long = format!("{}.example", "a".repeat(64));
        let (lookup, _) = name_server(Some((0, &[])), MOST_CACHED).await;
        assert!(matches!(lookup.addresses(&too_long).await, Err(ResolveError::NoAddress)));
    }

    #[tokio::test]
    async fn whose_fault_a_name_server_is_that_refuses_or_is_silent_is_left_open() {
        for answer in [Some((5, &[] as &[[u8; 4]])), None] {
            let found = look_up(answer).await;
            assert!(matches!(found, Err(ResolveError::NoAnswer)), "{found:?}");
        }
    }

    #[test]
    fn one_kind_of_address_is_enough() {
        let ours = || Err(ResolveError::Ours(OwnFault::NameServer(NetError::Busy)));
        assert_eq!(both(Ok(ips(&["1.1.1.1"])), ours()).unwrap(), ips(&["1.1.1.1"]));
        assert!(matches!(both(Err(ResolveError::NoAddress), ours()), Err(ResolveError::Ours(_))));
        assert!(matches!(both(Ok(Vec::new()), Err(ResolveError::NoAnswer)), Err(ResolveError::NoAnswer)));
        assert!(matches!(both(Err(ResolveError::NoAnswer), ours()), Err(ResolveError::Ours(_))));
        assert!(matches!(both(Ok(Vec::new()), Err(ResolveError::NoAddress)), Err(ResolveError::NoAddress)));
    }
}
