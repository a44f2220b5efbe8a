//! Where the host of a new URL leads, asked when the URL is saved.
//!
//! What counts is the check at every attempt; this one tells a customer of a mistake at once. So a host that cannot be
//! resolved, or not yet, is let pass.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use shared::address::AddressGuard;
use shared::draft::BadField;
use shared::endpoint::EndpointUrl;

/// How long a caller is kept waiting for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The addresses of a host, on their way; none, if it cannot be resolved.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = Vec<IpAddr>> + Send + 'a>>;

/// Finds the addresses of hosts.
pub trait HostNames: Send + Sync {
    /// The addresses that `host` resolves to now.
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// The machine's own resolver.
pub(crate) struct SystemHostNames;

impl HostNames for SystemHostNames {
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, 0))).await {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                Ok(Err(_)) | Err(_) => Vec::new(),
            }
        })
    }
}

/// What is wrong with the place that `url` leads to, if anything is.
pub(crate) async fn check(url: &EndpointUrl, guard: &AddressGuard, names: &dyn HostNames) -> Option<BadField> {
    let host = url.as_url().host_str()?;
    // Exceptions may be IP addresses; URLs have those of version 6 in brackets.
    let addresses = match host.trim_matches(['[', ']']).parse() {
        Ok(address) => vec![address],
        Err(_) => names.addresses(host).await,
    };
    let blocked = addresses.into_iter().find_map(|address| guard.check_address(host, address).err())?;
    Some(BadField { pointer: "/url".to_owned(), detail: blocked.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every host leads to these addresses.
    struct Always(&'static [&'static str]);

    impl HostNames for Always {
        fn addresses<'a>(&'a self, _: &'a str) -> Addresses<'a> {
            Box::pin(async { self.0.iter().map(|address| address.parse().unwrap()).collect() })
        }
    }

    async fn is_refused(url: &str, guard: &str, addresses: &'static [&'static str]) -> bool {
        let guard: AddressGuard = guard.parse().unwrap();
        check(&EndpointUrl::parse(url, &guard).unwrap(), &guard, &Always(addresses)).await.is_some()
    }

    #[tokio::test]
    async fn one_private_address_spoils_a_host() {
        assert!(is_refused("https://a.example/", "", &["1.1.1.1", "10.0.0.1"]).await);
        assert!(is_refused("https://a.example/", "", &["fd00::1"]).await);
        assert!(!is_refused("https://a.example/", "", &["1.1.1.1", "2606:4700::1111"]).await);
    }

    #[tokio::test]
    async fn a_host_that_does_not_resolve_yet_is_let_pass() {
        assert!(!is_refused("https://a.example/", "", &[]).await);
    }

    #[tokio::test]
    async fn exceptions_hold_here_too() {
        let guard = "localhost=127.0.0.0/8,127.0.0.1=127.0.0.0/8,[::1]=::1/128";
        assert!(!is_refused("http://localhost:9000/", guard, &["127.0.0.1"]).await);
        assert!(!is_refused("http://127.0.0.1:9000/", guard, &[]).await);
        assert!(!is_refused("http://[::1]:9000/", guard, &[]).await);
        assert!(is_refused("http://localhost:9000/", guard, &["127.0.0.1", "::1"]).await);
    }

    #[tokio::test]
    async fn the_machines_resolver_knows_this_machine() {
        let addresses = SystemHostNames.addresses("localhost").await;
        assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }
}
