//! Name resolution with the address guard built in: the addresses that are checked are those that are connected to.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use shared::address::{AddressGuard, BlockedAddress};
use thiserror::Error;

/// Resolves host names for the HTTP client.
#[derive(Debug, Clone)]
pub(crate) struct GuardedResolver {
    guard: AddressGuard,
}

/// Why a host name gave no address to connect to.
#[derive(Debug, Error)]
pub(crate) enum ResolveError {
    #[error("host name cannot be resolved")]
    Dns(#[source] std::io::Error),
    #[error("host name has no address")]
    NoAddress,
    #[error(transparent)]
    Blocked(BlockedAddress),
}

impl GuardedResolver {
    pub(crate) fn new(guard: AddressGuard) -> Self {
        Self { guard }
    }

    async fn addresses(self, host: String) -> Result<Vec<SocketAddr>, ResolveError> {
        // The port is not known here; the HTTP client puts in the URL's.
        let found = tokio::net::lookup_host((host.as_str(), 0)).await.map_err(ResolveError::Dns)?;
        self.check(&host, found.collect())
    }

    /// One address that is not allowed spoils them all: which one is connected to is not ours to choose.
    fn check(&self, host: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
        if addresses.is_empty() {
            return Err(ResolveError::NoAddress);
        }
        for address in &addresses {
            self.guard.check_address(host, address.ip()).map_err(ResolveError::Blocked)?;
        }
        Ok(addresses)
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let addresses = resolver.addresses(host).await?;
            Ok::<Addrs, _>(Box::new(addresses.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &str, host: &str, addresses: &[&str]) -> Result<Vec<SocketAddr>, ResolveError> {
        let addresses = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        GuardedResolver::new(guard.parse().unwrap()).check(host, addresses)
    }

    #[test]
    fn one_private_address_spoils_them_all() {
        assert!(matches!(check("", "a.example", &["1.1.1.1", "10.0.0.1"]), Err(ResolveError::Blocked(_))));
        assert!(check("", "a.example", &["1.1.1.1", "2606:4700::1111"]).is_ok());
    }

    #[test]
    fn an_exception_holds_for_its_host_only() {
        assert!(check("localhost=127.0.0.0/8", "localhost", &["127.0.0.1"]).is_ok());
        assert!(check("localhost=127.0.0.0/8", "a.example", &["127.0.0.1"]).is_err());
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_blocked() {
        let resolver = GuardedResolver::new(AddressGuard::default());
        assert!(matches!(resolver.addresses("localhost".to_owned()).await, Err(ResolveError::Blocked(_))));
    }
}
