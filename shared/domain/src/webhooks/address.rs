//! The address guard: webhooks go only to the public internet.
//!
//! A URL is checked when it is saved and again on every attempt. Every address that its host resolves to is checked
//! just before connecting, by the same resolver that the connection uses, so the answer cannot change in between.
//! Deployments without internet access, such as the local stack, configure exceptions by exact host and network.
//! Signpost's own hosts are refused, because such a webhook would call us from our own address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

/// Ports that webhooks may go to.
const PORTS: [u16; 2] = [443, 8443];

/// Why webhooks may not go to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockedUrl {
    /// Its scheme is not `https`.
    #[error("must begin with https://")]
    Scheme,
    /// It has a user name or password.
    #[error("must not contain a user name or password")]
    Credentials,
    /// Its host is an IP address.
    #[error("must name a host, not an IP address")]
    IpAddress,
    /// Its host has no dot or ends in a name that is never public.
    #[error("must name a public host")]
    LocalName,
    /// Its host is one of Signpost's own.
    #[error("must not name a host of this service")]
    OwnHost,
    /// Its port is neither 443 nor 8443.
    #[error("must use port 443 or 8443")]
    Port,
}

/// A host resolves to an address that webhooks may not go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("host has an address that is not on the public internet")]
pub struct BlockedAddress;

/// Decides which URLs and addresses webhooks may go to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressGuard {
    exceptions: Vec<(String, IpNet)>,
    own_hosts: Vec<String>,
}

/// A string that is not a list of exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not `host=network`, such as localhost=127.0.0.0/8")]
pub struct BadExceptions(String);

impl AddressGuard {
    /// Adds the hosts of Signpost's own `urls`, which the guard then refuses. Exceptions take precedence.
    #[must_use]
    pub fn with_own_hosts<'a>(mut self, urls: impl IntoIterator<Item = &'a Url>) -> Self {
        self.own_hosts.extend(urls.into_iter().filter_map(Url::host_str).map(plain_host));
        self
    }

    /// Checks the URL itself. Call [`Self::check_address`] as well for each address that its host resolves to.
    pub fn check_url(&self, url: &Url) -> Result<(), BlockedUrl> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BlockedUrl::Credentials);
        }
        let is_http = matches!(url.scheme(), "http" | "https");
        if is_http && url.host_str().is_some_and(|host| self.is_exception(host)) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(BlockedUrl::Scheme);
        }
        match url.host() {
            Some(Host::Domain(host)) if self.own_hosts.contains(&plain_host(host)) => return Err(BlockedUrl::OwnHost),
            Some(Host::Domain(host)) if is_public_name(host) => {}
            Some(Host::Domain(_)) | None => return Err(BlockedUrl::LocalName),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(BlockedUrl::IpAddress),
        }
        let has_good_port = url.port_or_known_default().is_some_and(|port| PORTS.contains(&port));
        if has_good_port { Ok(()) } else { Err(BlockedUrl::Port) }
    }

    /// Checks an `address` that `host` resolved to.
    pub fn check_address(&self, host: &str, address: IpAddr) -> Result<(), BlockedAddress> {
        let host = plain_host(host);
        let is_allowed = |(name, network): &(String, IpNet)| *name == host && network.contains(&address);
        if is_public(address) || self.exceptions.iter().any(is_allowed) { Ok(()) } else { Err(BlockedAddress) }
    }

    fn is_exception(&self, host: &str) -> bool {
        let host = plain_host(host);
        self.exceptions.iter().any(|(name, _)| *name == host)
    }
}

impl FromStr for AddressGuard {
    type Err = BadExceptions;

    /// Reads exceptions, written `host=network` and separated by commas. An empty string has none.
    fn from_str(text: &str) -> Result<Self, BadExceptions> {
        let exception = |entry: &str| {
            let (host, network) = entry.split_once('=').ok_or_else(|| BadExceptions(entry.to_owned()))?;
            let network = network.trim().parse().map_err(|_| BadExceptions(entry.to_owned()))?;
            Ok((plain_host(host.trim()), network))
        };
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        Ok(Self { exceptions: entries.map(exception).collect::<Result<_, _>>()?, own_hosts: Vec::new() })
    }
}

/// Normalises a host for comparison: lower case, without a trailing dot.
fn plain_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether a host name can be public: it has a dot, no empty label, and its last label is not a special-use name (RFC 6761, 6762,
/// 8375) or a name that many systems resolve locally.
fn is_public_name(host: &str) -> bool {
    const NEVER_PUBLIC: [&str; 10] =
        ["localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion"];
    let host = host.strip_suffix('.').unwrap_or(host);
    let has_empty_label = host.split('.').any(str::is_empty);
    !has_empty_label && host.rsplit_once('.').is_some_and(|(_, last)| !NEVER_PUBLIC.contains(&last))
}

/// Whether an address is on the public internet: globally reachable unicast, and not a tunnel to an address that may
/// not be.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Refuses IANA's IPv4 special-purpose registry (RFC 6890 and its successors), multicast and the future-use block.
fn is_public_v4(address: Ipv4Addr) -> bool {
    const NOT_PUBLIC: [(Ipv4Addr, u32); 16] = [
        (Ipv4Addr::UNSPECIFIED, 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 31, 196, 0), 24),
        (Ipv4Addr::new(192, 52, 193, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 3),
    ];
    let bits = address.to_bits();
    !NOT_PUBLIC.iter().any(|(network, length)| (bits ^ network.to_bits()) >> (32 - length) == 0)
}

/// Accepts `2000::/3` (global unicast) without the ranges in IANA's IPv6 special-purpose registry. Addresses that embed
/// an IPv4 address are all refused, because they lead through an unknown gateway.
fn is_public_v6(address: Ipv6Addr) -> bool {
    const GLOBAL_UNICAST: (u128, u32) = (0x2000 << 112, 3);
    const NOT_PUBLIC: [(u128, u32); 5] = [
        (0x2001 << 112, 23),
        (0x2001_0db8 << 96, 32),
        (0x2002 << 112, 16),
        (0x2620_004f_8000 << 80, 48),
        (0x3fff << 112, 20),
    ];
    let bits = address.to_bits();
    let is_in = |&(network, length): &(u128, u32)| (bits ^ network) >> (128 - length) == 0;
    is_in(&GLOBAL_UNICAST) && !NOT_PUBLIC.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(), BlockedUrl> {
        AddressGuard::default().check_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn globally_reachable_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn special_purpose_addresses_are_not_public() {
        let kinds: [(&str, &[&str]); 26] = [
            ("this host", &["0.0.0.0", "0.1.2.3", "0.255.255.255"]),
            ("private", &["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"]),
            ("shared, CGNAT", &["100.64.0.1", "100.100.100.200", "100.127.255.255"]),
            ("loopback", &["127.0.0.1", "127.0.0.53", "127.255.0.1"]),
            ("link-local, metadata", &["169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.169.253"]),
            ("protocol assignments", &["192.0.0.8", "192.0.0.192"]),
            ("documentation", &["192.0.2.1", "198.51.100.7", "203.0.113.1"]),
            ("AS112, AMT, 6to4 relays", &["192.31.196.1", "192.52.193.1", "192.88.99.1"]),
            ("benchmark", &["198.18.0.1", "198.19.255.255"]),
            ("multicast", &["224.0.0.1", "239.255.255.250"]),
            ("reserved", &["240.0.0.1", "254.1.2.3"]),
            ("broadcast", &["255.255.255.255"]),
            ("unspecified, loopback", &["::", "::1"]),
            ("v4-mapped", &["::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:7f00:1"]),
            ("v4-compatible", &["::127.0.0.1", "::8.8.8.8"]),
            ("NAT64", &["64:ff9b::808:808", "64:ff9b::7f00:1", "64:ff9b:1::1", "64:ff9b:1:ffff::1"]),
            ("discard, dummy", &["100::1", "100:0:0:1::1"]),
            ("Teredo", &["2001::1", "2001:0:4136:e378::1"]),
            ("ORCHID, ORCHIDv2, drone ids", &["2001:10::1", "2001:1f::1", "2001:20::1", "2001:2f::1", "2001:30::1"]),
            ("other protocol assignments", &["2001:2::1", "2001:1ff::1", "2620:4f:8000::1"]),
            ("documentation", &["2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff::1"]),
            ("6to4", &["2002:7f00:1::", "2002:808:808::1"]),
            ("unique local, metadata", &["fc00::1", "fd00:ec2::254", "fdff::1"]),
            ("link-local, site-local", &["fe80::1", "febf::1", "fec0::1", "feff::1"]),
            ("multicast", &["ff02::1", "ff0e::1"]),
            ("not global unicast", &["1::1", "200::1", "4000::1", "5f00::1", "e000::1"]),
        ];
        for (kind, addresses) in kinds {
            for address in addresses {
                assert!(!is_public(address.parse().unwrap()), "{kind}: {address}");
            }
        }
    }

    #[test]
    fn public_https_urls_are_accepted() {
        for url in [
            "https://hooks.example.com/a?b=c",
            "https://HOOKS.Example.COM/",
            "https://example.com./",
            "https://example.com:443/",
            "https://example.com:8443/",
            "https://bücher.example/",
            "https://xn--bcher-kva.example/",
            "https://ｅｘａｍｐｌｅ．ｃｏｍ/",
            "https://127.0.0.1.example.com/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        let refused: [(BlockedUrl, &[&str]); 5] = [
            (
                BlockedUrl::Scheme,
                &["http://example.com/", "ftp://example.com/", "http://127.0.0.1/", "file:///etc/passwd"],
            ),
            (
                BlockedUrl::Credentials,
                &[
                    "https://user@example.com/",
                    "https://:secret@example.com/",
                    "https://user:secret@example.com/",
                    "https://example.com@127.0.0.1/",
                    "https://example.com:443@169.254.169.254/",
                ],
            ),
            (
                BlockedUrl::IpAddress,
                &[
                    "https://127.0.0.1/",
                    "https://127.0.0.1./",
                    "https://127.1/",
                    "https://127.0.1/",
                    "https://0/",
                    "https://0177.0.0.1/",
                    "https://017700000001/",
                    "https://0x7f.1/",
                    "https://0x7F.0x0.0x0.0x1/",
                    "https://0x7f000001/",
                    "https://2130706433/",
                    "https://%31%32%37.0.0.1/",
                    "https://１２７.０.０.１/",
                    "https://127。0。0。1/",
                    "https:127.0.0.1",
                    "https:\\\\127.0.0.1\\",
                    "https://8.8.8.8/",
                    "https://8.8.8.8:8443/",
                    "https://[::1]/",
                    "https://[::]/",
                    "https://[::ffff:127.0.0.1]/",
                    "https://[::ffff:7f00:1]/",
                    "https://[64:ff9b::7f00:1]/",
                    "https://[2606:4700::1111]/",
                ],
            ),
            (
                BlockedUrl::LocalName,
                &[
                    "https://localhost/",
                    "https://localhost./",
                    "https://localhost../",
                    "https://LOCALHOST/",
                    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
                    "https://loc%61lhost/",
                    "https://api.localhost/",
                    "https://API.LocalHost./",
                    "https://printer.local/",
                    "https://localhost.localdomain/",
                    "https://db.LocalDomain./",
                    "https://nas.home.arpa/",
                    "https://metadata.google.internal/",
                    "https://metadata.google.internal./",
                    "https://intranet/",
                    "https://a..example.com/",
                ],
            ),
            (
                BlockedUrl::Port,
                &[
                    "https://example.com:80/",
                    "https://example.com:22/",
                    "https://example.com:0/",
                    "https://example.com:8444/",
                ],
            ),
        ];
        for (reason, urls) in refused {
            for url in urls {
                assert_eq!(check(url), Err(reason), "{url}");
            }
        }
    }

    #[test]
    fn malformed_addresses_do_not_parse_as_urls() {
        for url in [
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://[::1/",
            "https://::1/",
            "https://256.0.0.1/",
            "https://127.0.0.09/",
            "https://1.2.3.4.5/",
            "https://4294967296/",
            "https://exa mple.com/",
            "https:///",
        ] {
            assert!(Url::parse(url).is_err(), "{url}");
        }
        assert!("fe80::1%eth0".parse::<IpAddr>().is_err());
        assert!("0177.0.0.1".parse::<IpAddr>().is_err());
    }

    #[test]
    fn an_exception_applies_only_to_its_exact_host_and_network() {
        let guard: AddressGuard = "localhost=127.0.0.0/8, [::1]=::1/128".parse().unwrap();
        assert_eq!(guard.check_url(&Url::parse("http://localhost:9000/hook").unwrap()), Ok(()));
        assert_eq!(guard.check_url(&Url::parse("http://[::1]:9000/hook").unwrap()), Ok(()));
        assert_eq!(guard.check_url(&Url::parse("http://other:9000/hook").unwrap()), Err(BlockedUrl::Scheme));
        assert_eq!(guard.check_url(&Url::parse("http://LOCALHOST.:9000/hook").unwrap()), Ok(()), "the same name");
        assert_eq!(guard.check_url(&Url::parse("http://a@localhost:9000/").unwrap()), Err(BlockedUrl::Credentials));
        assert_eq!(guard.check_url(&Url::parse("ftp://localhost:9000/").unwrap()), Err(BlockedUrl::Scheme));
        assert_eq!(guard.check_address("localhost", "127.0.0.1".parse().unwrap()), Ok(()));
        assert_eq!(guard.check_address("localhost", "10.0.0.1".parse().unwrap()), Err(BlockedAddress));
        assert_eq!(guard.check_address("localhost", "::ffff:127.0.0.1".parse().unwrap()), Err(BlockedAddress));
        assert_eq!(guard.check_address("evil.example", "127.0.0.1".parse().unwrap()), Err(BlockedAddress));
    }

    #[test]
    fn our_own_hosts_are_refused_in_every_spelling() {
        let own = ["https://API.example.com", "https://go.example.com/"].map(|url| Url::parse(url).unwrap());
        let guard = AddressGuard::default().with_own_hosts(&own);
        let check = |url: &str| guard.check_url(&Url::parse(url).unwrap());
        for url in ["https://api.example.com/x", "https://Api.Example.com./", "https://go.example.com:8443/r/x"] {
            assert_eq!(check(url), Err(BlockedUrl::OwnHost), "{url}");
        }
        assert_eq!(check("https://www.example.com/"), Ok(()));
    }

    #[test]
    fn exceptions_take_precedence_over_our_own_hosts() {
        let own = Url::parse("http://127.0.0.1:9000").unwrap();
        let guard: AddressGuard = "LOCALHOST.=127.0.0.0/8,127.0.0.1=127.0.0.0/8".parse().unwrap();
        let guard = guard.with_own_hosts([&own, &Url::parse("http://localhost:9001").unwrap()]);
        for url in ["http://127.0.0.1:9002/", "http://localhost:9002/", "http://localhost.:9002/"] {
            assert_eq!(guard.check_url(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
        assert_eq!(guard.check_address("localhost.", "127.0.0.1".parse().unwrap()), Ok(()));
    }

    #[test]
    fn malformed_exceptions_are_refused() {
        assert!("localhost".parse::<AddressGuard>().is_err());
        assert!("localhost=127.0.0.1/99".parse::<AddressGuard>().is_err());
    }
}
