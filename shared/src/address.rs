//! The address guard: webhooks go to the public internet and nowhere else.
//!
//! A URL is checked when it is saved and again at every attempt, and every address its host resolves to is checked just
//! before the connection, by the resolver that the connection uses. Deployments without the internet, such as the local
//! stack, name exceptions by exact host and network. The hosts of Signpost itself are refused: a webhook to them would come
//! back from our own address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

/// Ports that webhooks may go to.
const PORTS: [u16; 2] = [443, 8443];

/// A URL that webhooks may not go to.
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
    /// Its host has no dot, or is a name that is never public.
    #[error("must name a public host")]
    LocalName,
    /// Its host is one of Signpost's own.
    #[error("must not name a host of this service")]
    OwnHost,
    /// Its port is another than 443 or 8443.
    #[error("must use port 443 or 8443")]
    Port,
}

/// An address that webhooks may not go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("host has an address that is not on the public internet")]
pub struct BlockedAddress;

/// Decides where webhooks may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressGuard {
    exceptions: Vec<(String, IpNet)>,
    own_hosts: Vec<String>,
}

/// A text that lists no exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not `host=network`, such as localhost=127.0.0.0/8")]
pub struct BadExceptions(String);

impl AddressGuard {
    /// The same guard, which also refuses the hosts of these URLs of ours. Exceptions go before them.
    #[must_use]
    pub fn with_own<'a>(mut self, urls: impl IntoIterator<Item = &'a Url>) -> Self {
        self.own_hosts.extend(urls.into_iter().filter_map(Url::host_str).map(plain_host));
        self
    }

    /// Whether webhooks may go to `url`, as far as the URL itself tells.
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

    /// Whether a webhook for `host` may go to `address`, one of those it resolved to.
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

    /// Reads the exceptions: `host=network`, separated by commas. The empty text has none.
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

/// A host as it is compared: in lower case, without the dot that may end it.
fn plain_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether a host name can be a public one: it has a dot, and its last label is no special-use name (RFC 6761, 6762, 8375).
fn is_public_name(host: &str) -> bool {
    const NEVER_PUBLIC: [&str; 9] =
        ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion"];
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit_once('.').is_some_and(|(_, last)| !NEVER_PUBLIC.contains(&last))
}

/// Whether an address is on the public internet: globally reachable unicast, and no tunnel into something that is not.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// IANA's IPv4 special-purpose registry (RFC 6890 and its successors), with multicast and the future-use block.
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

/// Global unicast is `2000::/3`, less what IANA's IPv6 special-purpose registry takes out of it. Forms that carry an IPv4
/// address lead to that address through a gateway we do not know, so they are refused whatever they carry.
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
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn public_https_urls_pass() {
        for url in ["https://hooks.example.com/a?b=c", "https://example.com:8443/", "https://bücher.example/"] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn every_other_url_is_refused_for_its_reason() {
        for (url, reason) in [
            ("http://example.com/", BlockedUrl::Scheme),
            ("ftp://example.com/", BlockedUrl::Scheme),
            ("https://user@example.com/", BlockedUrl::Credentials),
            ("https://:secret@example.com/", BlockedUrl::Credentials),
            ("https://127.0.0.1/", BlockedUrl::IpAddress),
            ("https://0x7f.1/", BlockedUrl::IpAddress),
            ("https://2130706433/", BlockedUrl::IpAddress),
            ("https://017700000001/", BlockedUrl::IpAddress),
            ("https://8.8.8.8/", BlockedUrl::IpAddress),
            ("https://[::1]/", BlockedUrl::IpAddress),
            ("https://localhost/", BlockedUrl::LocalName),
            ("https://localhost./", BlockedUrl::LocalName),
            ("https://api.localhost/", BlockedUrl::LocalName),
            ("https://metadata.google.internal/", BlockedUrl::LocalName),
            ("https://intranet/", BlockedUrl::LocalName),
            ("https://example.com:80/", BlockedUrl::Port),
            ("https://example.com:22/", BlockedUrl::Port),
        ] {
            assert_eq!(check(url), Err(reason), "{url}");
        }
    }

    #[test]
    fn exceptions_hold_for_the_exact_host_and_network() {
        let guard: AddressGuard = "localhost=127.0.0.0/8, [::1]=::1/128".parse().unwrap();
        assert_eq!(guard.check_url(&Url::parse("http://localhost:9000/hook").unwrap()), Ok(()));
        assert_eq!(guard.check_url(&Url::parse("http://[::1]:9000/hook").unwrap()), Ok(()));
        assert_eq!(guard.check_url(&Url::parse("http://other:9000/hook").unwrap()), Err(BlockedUrl::Scheme));
        assert_eq!(guard.check_address("localhost", "127.0.0.1".parse().unwrap()), Ok(()));
        assert_eq!(guard.check_address("localhost", "10.0.0.1".parse().unwrap()), Err(BlockedAddress));
        assert_eq!(guard.check_address("evil.example", "127.0.0.1".parse().unwrap()), Err(BlockedAddress));
    }

    #[test]
    fn our_own_hosts_are_refused_however_they_are_written() {
        let own = ["https://API.example.com", "https://go.example.com/"].map(|url| Url::parse(url).unwrap());
        let guard = AddressGuard::default().with_own(&own);
        let check = |url: &str| guard.check_url(&Url::parse(url).unwrap());
        for url in ["https://api.example.com/x", "https://Api.Example.com./", "https://go.example.com:8443/r/x"] {
            assert_eq!(check(url), Err(BlockedUrl::OwnHost), "{url}");
        }
        assert_eq!(check("https://www.example.com/"), Ok(()));
    }

    #[test]
    fn exceptions_go_before_our_own_hosts() {
        let own = Url::parse("http://127.0.0.1:9000").unwrap();
        let guard: AddressGuard = "LOCALHOST.=127.0.0.0/8,127.0.0.1=127.0.0.0/8".parse().unwrap();
        let guard = guard.with_own([&own, &Url::parse("http://localhost:9001").unwrap()]);
        for url in ["http://127.0.0.1:9002/", "http://localhost:9002/", "http://localhost.:9002/"] {
            assert_eq!(guard.check_url(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
        assert_eq!(guard.check_address("localhost.", "127.0.0.1".parse().unwrap()), Ok(()));
    }

    #[test]
    fn exceptions_that_cannot_be_meant_are_refused() {
        assert!("localhost".parse::<AddressGuard>().is_err());
        assert!("localhost=127.0.0.1/99".parse::<AddressGuard>().is_err());
    }
}
