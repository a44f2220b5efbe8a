//! DNS resolution with the address guard built in: the HTTP client connects only to addresses that were checked.
//!
//! Queries go directly to the system's name servers, not through the C library, which does not distinguish a name without
//! addresses from a name server that is down. The difference decides whose fault a failed lookup is.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::webhooks::address::{AddressGuard, BlockedAddress};
use futures::future::BoxFuture;
use hickory_resolver::config::{ResolveHosts, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// Timeout of one DNS query. The library sends up to three packets in that time, a third of a second apart.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);
/// A query that failed is not repeated. If the name server is overloaded, repetitions would keep it so.
const MAX_RETRIES: usize = 0;
/// Timeout of a lookup with all its queries. Half of the connect timeout, so that the other half remains for connecting.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(2500);
/// Maximum number of cached answers. Enough for thousands of receivers: a name server in a VPC drops queries above 1,024 a
/// second, which all senders together must stay below.
const MAX_CACHED: u64 = 5_000;
/// Maximum age of a cached answer, even if its TTL is longer, so that a receiver that moves to another address is found soon.
const MAX_CACHE_AGE: Duration = Duration::from_mins(5);
/// Maximum age of a cached answer without addresses. Short, so that a newly created name is found soon.
const MAX_NEGATIVE_CACHE_AGE: Duration = Duration::from_secs(5);

/// Why a host name could not be resolved to an address that may be connected to.
#[derive(Debug, Error)]
pub(crate) enum ResolveError {
    /// The name does not exist or has no address.
    #[error("host name has no address")]
    NoAddress,
    /// The name server timed out, failed or refused. The cause may be the name servers of the host's domain.
    #[error("name server gave no answer")]
    NoAnswer,
    #[error(transparent)]
    Blocked(BlockedAddress),
    /// The DNS configuration of the system cannot be used.
    #[error("DNS configuration cannot be used")]
    Configuration(#[source] NetError),
    /// No query could be sent to a name server.
    #[error("name server cannot be reached")]
    Unreachable(#[source] NetError),
}

/// Looks up the addresses of hosts.
pub(crate) trait HostLookup: Send + Sync {
    /// Returns at least one address of `host`. Another call may return other addresses.
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>>;
}

/// Resolves host names to addresses that may be connected to.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    guard: AddressGuard,
    lookup: Arc<dyn HostLookup>,
}

impl GuardedResolver {
    pub(crate) fn new(guard: AddressGuard, lookup: Arc<dyn HostLookup>) -> Self {
        Self { guard, lookup }
    }

    /// Returns at least one address of `host`. All were checked.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let addresses = self.lookup.addresses(host).await?;
        self.check(host, addresses)
    }

    /// Checks all addresses and returns the usable ones. Fails if any address is not allowed, even one that is not used: such a
    /// host is not a public receiver.
    ///
    /// If there are IPv4 addresses, only those are usable: our fixed source address, which receivers allow-list, is IPv4, and a
    /// connection failure should be that of the address that matters.
    fn check(&self, host: &str, mut addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, ResolveError> {
        for address in &addresses {
            self.guard.check_address(host, *address).map_err(ResolveError::Blocked)?;
        }
        let has_v4 = addresses.iter().any(IpAddr::is_ipv4);
        addresses.retain(|address| address.is_ipv4() == has_v4);
        if addresses.is_empty() { Err(ResolveError::NoAddress) } else { Ok(addresses) }
    }
}

/// Looks up hosts with the system's DNS configuration: first in the hosts file, then with the name servers. The configuration is
/// read at the first lookup.
pub(crate) struct SystemLookup {
    system: OnceCell<System>,
    max_cached: u64,
}

struct System {
    hosts: Hosts,
    resolver: TokioResolver,
}

impl SystemLookup {
    /// A lookup that caches answers for as long as they allow, up to five minutes.
    pub(crate) fn new() -> Self {
        Self { system: OnceCell::new(), max_cached: MAX_CACHED }
    }

    /// A lookup that always queries the name servers.
    pub(crate) fn uncached() -> Self {
        Self { system: OnceCell::new(), max_cached: 0 }
    }
}

impl HostLookup for SystemLookup {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        Box::pin(async move {
            let system = self.system.get_or_try_init(async || System::read(self.max_cached)).await?;
            // A fully qualified name is not completed with search domains, which could lead to another host.
            let mut name = Name::from_str_relaxed(host).map_err(|_| ResolveError::NoAddress)?;
            name.set_fqdn(true);
            system.addresses(name).await
        })
    }
}

impl System {
    fn read(max_cached: u64) -> Result<Self, ResolveError> {
        let mut builder = TokioResolver::builder_tokio().map_err(ResolveError::Configuration)?;
        set_options(builder.options_mut(), max_cached);
        let resolver = builder.build().map_err(ResolveError::Configuration)?;
        // Without a hosts file, all names are looked up with the name servers.
        Ok(Self { hosts: Hosts::from_system().unwrap_or_default(), resolver })
    }

    async fn addresses(&self, name: Name) -> Result<Vec<IpAddr>, ResolveError> {
        // If the file has an address of either kind, the name servers are not queried, not even for the other kind.
        let from_file = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)));
        let from_file: Vec<IpAddr> = from_file.flat_map(|lookup| addresses_in(&lookup)).collect();
        if !from_file.is_empty() {
            return Ok(from_file);
        }
        // IPv6 addresses are used only if there are no others, so most hosts cost one query.
        let lookup = async {
            let v4 = addresses_or_error(self.resolver.ipv4_lookup(name.clone()).await)?;
            if v4.is_empty() { addresses_or_error(self.resolver.ipv6_lookup(name).await) } else { Ok(v4) }
        };
        let addresses = timeout(LOOKUP_TIMEOUT, lookup).await.unwrap_or(Err(ResolveError::NoAnswer))?;
        if addresses.is_empty() { Err(ResolveError::NoAddress) } else { Ok(addresses) }
    }
}

fn set_options(options: &mut ResolverOpts, max_cached: u64) {
    options.timeout = QUERY_TIMEOUT;
    options.attempts = MAX_RETRIES;
    options.cache_size = max_cached;
    options.positive_max_ttl = Some(MAX_CACHE_AGE);
    options.negative_max_ttl = Some(MAX_NEGATIVE_CACHE_AGE);
    // The resolver would query the name servers for the kind of address that the file lacks. `System` reads the file itself.
    options.use_hosts_file = ResolveHosts::Never;
}

fn addresses_in(lookup: &Lookup) -> Vec<IpAddr> {
    lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect()
}

/// Returns the addresses of one lookup, which may be none, or why they are unknown. Neither `SERVFAIL` nor a timeout shows
/// whether our name server or those of the host's domain are at fault.
fn addresses_or_error(lookup: Result<Lookup, NetError>) -> Result<Vec<IpAddr>, ResolveError> {
    match lookup {
        Ok(lookup) => Ok(addresses_in(&lookup)),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) if none.response_code == ResponseCode::NXDomain => {
            Err(ResolveError::NoAddress)
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
        Err(error @ (NetError::Io(_) | NetError::NoConnections | NetError::Busy)) => {
            Err(ResolveError::Unreachable(error))
        }
        Err(_) => Err(ResolveError::NoAnswer),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use tokio::net::UdpSocket;

    use super::*;

    fn ips(addresses: &[&str]) -> Vec<IpAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn check(guard: &str, host: &str, addresses: &[&str]) -> Result<Vec<IpAddr>, ResolveError> {
        let lookup = Arc::new(SystemLookup::new());
        GuardedResolver::new(guard.parse().unwrap(), lookup).check(host, ips(addresses))
    }

    /// A lookup with a name server that answers each query with the given response code and IPv4 addresses, or never with `None`.
    /// Also returns the number of queries that the name server received.
    async fn name_server(
        answer: Option<(u8, &'static [[u8; 4]])>,
        max_cached: u64,
    ) -> (SystemLookup, Arc<AtomicUsize>) {
        name_server_with_ttl(60, answer, max_cached).await
    }

    async fn name_server_with_ttl(
        ttl: u8,
        answer: Option<(u8, &'static [[u8; 4]])>,
        max_cached: u64,
    ) -> (SystemLookup, Arc<AtomicUsize>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let queries = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&queries);
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                counter.fetch_add(1, Ordering::SeqCst);
                if let Some((code, addresses)) = answer {
                    socket.send_to(&dns_answer(&buffer[..length], code, ttl, addresses), client).await.unwrap();
                }
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let mut server = NameServerConfig::udp("127.0.0.1".parse().unwrap());
        server.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(builder.options_mut(), max_cached);
        if answer.is_none() {
            builder.options_mut().timeout = Duration::from_millis(20);
        }
        let system = System { hosts: Hosts::default(), resolver: builder.build().unwrap() };
        (SystemLookup { system: OnceCell::from(system), max_cached }, queries)
    }

    fn dns_answer(query: &[u8], code: u8, ttl: u8, addresses: &[[u8; 4]]) -> Vec<u8> {
        let end_of_name = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap();
        let is_for_v4 = query[end_of_name + 1..=end_of_name + 2] == [0, 1];
        let addresses = if is_for_v4 { addresses } else { &[] };
        let count = u8::try_from(addresses.len()).unwrap();
        let mut answer = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
        answer.extend(&query[12..=end_of_name + 4]);
        for address in addresses {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4]);
            answer.extend(address);
        }
        answer
    }

    async fn lookup(answer: Option<(u8, &'static [[u8; 4]])>) -> Result<Vec<IpAddr>, ResolveError> {
        name_server(answer, MAX_CACHED).await.0.addresses("hooks.example").await
    }

    #[test]
    fn a_host_with_one_private_address_is_blocked() {
        assert!(matches!(check("", "a.example", &["1.1.1.1", "10.0.0.1"]), Err(ResolveError::Blocked(_))));
        assert!(matches!(check("", "a.example", &["1.1.1.1", "fd00::1"]), Err(ResolveError::Blocked(_))));
        assert!(check("", "a.example", &["1.1.1.1", "1.0.0.1"]).is_ok());
    }

    #[test]
    fn an_exception_applies_only_to_its_host() {
        assert!(check("localhost=127.0.0.0/8", "localhost", &["127.0.0.1"]).is_ok());
        assert!(check("localhost=127.0.0.0/8", "a.example", &["127.0.0.1"]).is_err());
    }

    #[test]
    fn ipv4_addresses_are_used_if_there_are_any() {
        let usable = |addresses: &[&str]| check("", "a.example", addresses).unwrap();
        assert_eq!(usable(&["2606:4700::1111", "1.1.1.1"]), ips(&["1.1.1.1"]));
        assert_eq!(usable(&["2606:4700::1111"]), ips(&["2606:4700::1111"]));
    }

    #[tokio::test]
    async fn the_hosts_file_is_used() {
        let addresses = SystemLookup::new().addresses("localhost").await.unwrap();
        assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_blocked() {
        let resolver = GuardedResolver::new(AddressGuard::default(), Arc::new(SystemLookup::new()));
        assert!(matches!(resolver.addresses("localhost").await, Err(ResolveError::Blocked(_))));
    }

    #[tokio::test]
    async fn a_lookup_returns_the_addresses_from_the_name_server() {
        let addresses = lookup(Some((0, &[[192, 0, 2, 1], [192, 0, 2, 2]]))).await.unwrap();
        assert_eq!(addresses, ips(&["192.0.2.1", "192.0.2.2"]));
    }

    #[tokio::test]
    async fn an_uncached_lookup_queries_the_name_server_each_time() {
        for (max_cached, repeats_queries) in [(MAX_CACHED, false), (0, true)] {
            let (lookup, queries) = name_server(Some((0, &[[192, 0, 2, 1]])), max_cached).await;
            lookup.addresses("queue.example").await.unwrap();
            let first = queries.swap(0, Ordering::SeqCst);
            lookup.addresses("queue.example").await.unwrap();
            assert_eq!(queries.load(Ordering::SeqCst) == first, repeats_queries, "{max_cached}");
        }
    }

    #[tokio::test]
    async fn concurrent_lookups_of_one_host_share_a_query() {
        let (lookup, queries) = name_server(Some((0, &[[192, 0, 2, 1]])), MAX_CACHED).await;
        let results = join_all((0..10).map(|_| lookup.addresses("hooks.example"))).await;
        assert!(results.iter().all(|result| result.as_ref().is_ok_and(|found| *found == ips(&["192.0.2.1"]))));
        assert_eq!(queries.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn answers_for_thousands_of_hosts_are_cached() {
        let (lookup, queries) = name_server(Some((0, &[[192, 0, 2, 1]])), MAX_CACHED).await;
        for _ in 0..2 {
            for host in 0..2_000 {
                lookup.addresses(&format!("h{host}.example")).await.unwrap();
            }
        }
        assert_eq!(queries.load(Ordering::SeqCst), 2_000);
    }

    #[tokio::test]
    async fn an_answer_is_cached_no_longer_than_its_ttl() {
        let (lookup, queries) = name_server_with_ttl(0, Some((0, &[[192, 0, 2, 1]])), MAX_CACHED).await;
        for _ in 0..2 {
            lookup.addresses("hooks.example").await.unwrap();
        }
        assert_eq!(queries.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_host_without_addresses_is_reported_as_such() {
        // NOERROR without an address, and NXDOMAIN, which holds for both kinds of addresses.
        for (code, expected_queries) in [(0, 2), (3, 1)] {
            let (lookup, queries) = name_server(Some((code, &[])), MAX_CACHED).await;
            assert!(matches!(lookup.addresses("hooks.example").await, Err(ResolveError::NoAddress)), "{code}");
            assert_eq!(queries.load(Ordering::SeqCst), expected_queries, "{code}");
        }
        let too_long = format!("{}.example", "a".repeat(64));
        let (lookup, _) = name_server(Some((0, &[])), MAX_CACHED).await;
        assert!(matches!(lookup.addresses(&too_long).await, Err(ResolveError::NoAddress)));
    }

    #[tokio::test]
    async fn a_name_server_that_fails_or_refuses_or_times_out_gave_no_answer() {
        for answer in [Some((2, &[] as &[[u8; 4]])), Some((5, &[])), None] {
            let result = lookup(answer).await;
            assert!(matches!(result, Err(ResolveError::NoAnswer)), "{result:?}");
        }
    }
}
