//! Checks the addresses of an endpoint's host when its URL is saved.
//!
//! This check reports a mistake early. The binding check happens at every attempt, because the addresses of a host can change. A
//! host that does not resolve yet is therefore accepted.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use domain::foundation::draft::BadField;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::endpoint::EndpointUrl;

/// Maximum time that a caller waits for the resolver.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// A future with the addresses of a host. The list is empty if the host does not resolve.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = Vec<IpAddr>> + Send + 'a>>;

/// Resolves host names.
pub trait HostNames: Send + Sync {
    /// Resolves `host`.
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// The resolver of the operating system.
pub(crate) struct SystemHostNames;

impl HostNames for SystemHostNames {
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            match tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, 0))).await {
                Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
                Ok(Err(_)) | Err(_) => Vec::new(),
            }
        })
    }
}

/// Returns why the URL in the field at `pointer` is rejected, if one of its host's addresses is blocked.
pub(crate) async fn check(
    pointer: &str,
    url: &EndpointUrl,
    guard: &AddressGuard,
    names: &dyn HostNames,
) -> Option<BadField> {
    let host = url.as_url().host_str()?;
    // The guard's exceptions may be IP addresses. In a URL, an IPv6 address is in brackets.
    let addresses = match host.trim_matches(['[', ']']).parse() {
        Ok(address) => vec![address],
        Err(_) => names.addresses(host).await,
    };
    let blocked = addresses.into_iter().find_map(|address| guard.check_address(host, address).err())?;
    Some(BadField { pointer: pointer.to_owned(), detail: blocked.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resolves every host to these addresses.
    struct Always(&'static [&'static str]);

    impl HostNames for Always {
        fn addresses<'a>(&'a self, _: &'a str) -> Addresses<'a> {
            Box::pin(async { self.0.iter().map(|address| address.parse().unwrap()).collect() })
        }
    }

    async fn is_rejected(url: &str, guard: &str, addresses: &'static [&'static str]) -> bool {
        let guard: AddressGuard = guard.parse().unwrap();
        check("/url", &EndpointUrl::parse(url, &guard).unwrap(), &guard, &Always(addresses)).await.is_some()
    }

    #[tokio::test]
    async fn a_host_with_one_private_address_is_rejected() {
        assert!(is_rejected("https://a.example/", "", &["1.1.1.1", "10.0.0.1"]).await);
        assert!(is_rejected("https://a.example/", "", &["fd00::1"]).await);
        assert!(!is_rejected("https://a.example/", "", &["1.1.1.1", "2606:4700::1111"]).await);
    }

    #[tokio::test]
    async fn a_host_that_does_not_resolve_is_accepted() {
        assert!(!is_rejected("https://a.example/", "", &[]).await);
    }

    #[tokio::test]
    async fn exceptions_of_the_guard_are_accepted() {
        let guard = "localhost=127.0.0.0/8,127.0.0.1=127.0.0.0/8,[::1]=::1/128";
        assert!(!is_rejected("http://localhost:9000/", guard, &["127.0.0.1"]).await);
        assert!(!is_rejected("http://127.0.0.1:9000/", guard, &[]).await);
        assert!(!is_rejected("http://[::1]:9000/", guard, &[]).await);
        assert!(is_rejected("http://localhost:9000/", guard, &["127.0.0.1", "::1"]).await);
    }

    #[tokio::test]
    async fn the_system_resolver_resolves_localhost() {
        let addresses = SystemHostNames.addresses("localhost").await;
        assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }
}
