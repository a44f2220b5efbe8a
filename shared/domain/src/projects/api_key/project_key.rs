//! API keys of projects and their restrictions.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::stored::KeyRow;
use super::{KeyHash, KeyScope, ProductScope, Scope, network, scope};
use crate::foundation::id::{ApiKeyId, ProjectId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::name::Name;

/// A project's API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "KeyRow", into = "KeyRow")]
pub struct ProjectKey {
    /// Id of the key.
    pub id: ApiKeyId,
    /// The project that the key gives access to.
    pub project_id: ProjectId,
    /// Name that the customer gave the key.
    pub name: Name,
    /// Hash of the key.
    pub key_hash: KeyHash,
    /// Prefix and first four characters of the key.
    pub hint: String,
    /// Permissions of the key.
    pub scopes: BTreeSet<Scope>,
    /// Permissions of the key in the product's API.
    pub product_scopes: BTreeSet<ProductScope>,
    /// When the key expires; never, if absent.
    pub expires_at: Option<Timestamp>,
    /// Networks that the key may be used from; all, if empty.
    pub allowed_cidrs: Vec<IpNet>,
    /// When the key was created.
    pub created_at: Timestamp,
    /// The last day on which the key was used; absent if it was never used.
    pub last_used_on: Option<UtcDay>,
    /// Number of the audit log entry that changed the key last; 0 if unknown. The store sets it.
    pub changed_in: u64,
}

/// Why a call with a known key is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The key has expired.
    #[error("API key has expired")]
    Expired,
    /// The key must not be used from the caller's address.
    #[error("API key is not allowed from this address")]
    Address,
    /// The key lacks a scope.
    #[error("API key lacks the scope {0}")]
    Scope(Scope),
}

impl ProjectKey {
    /// Checks expiry and network: fails if a caller at `source` must not use the key at `now`.
    pub fn admit(&self, now: Timestamp, source: Option<IpAddr>) -> Result<(), Refusal> {
        if !self.is_valid(now) {
            return Err(Refusal::Expired);
        }
        let is_allowed = |address| network::any_contains(&self.allowed_cidrs, address);
        if !self.allowed_cidrs.is_empty() && !source.is_some_and(is_allowed) {
            return Err(Refusal::Address);
        }
        Ok(())
    }

    /// Whether the key has this scope.
    pub fn has(&self, scope: &KeyScope) -> bool {
        match scope {
            KeyScope::Own(scope) => self.scopes.contains(scope),
            KeyScope::Product(scope) => self.product_scopes.contains(scope),
        }
    }

    /// All scopes of the key.
    pub fn all_scopes(&self) -> BTreeSet<KeyScope> {
        let own = self.scopes.iter().copied().map(KeyScope::Own);
        own.chain(self.product_scopes.iter().cloned().map(KeyScope::Product)).collect()
    }

    /// Fails if the key lacks `scope`.
    pub fn permit(&self, scope: Scope) -> Result<(), Refusal> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Refusal::Scope(scope)) }
    }
}

impl From<KeyRow> for ProjectKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            key_hash: row.key_hash,
            hint: row.hint,
            scopes: row.granted_scopes.unwrap_or_else(|| scope::from_undivided(&row.scopes)),
            product_scopes: row.product_scopes,
            expires_at: row.expires_at,
            allowed_cidrs: row.allowed_cidrs,
            created_at: row.created_at,
            last_used_on: row.last_used_on,
            changed_in: row.changed_in,
        }
    }
}

impl From<ProjectKey> for KeyRow {
    fn from(key: ProjectKey) -> Self {
        Self {
            id: key.id,
            project_id: key.project_id,
            name: key.name,
            key_hash: key.key_hash,
            hint: key.hint,
            scopes: scope::to_undivided(&key.scopes),
            granted_scopes: Some(key.scopes),
            product_scopes: key.product_scopes,
            expires_at: key.expires_at,
            allowed_cidrs: key.allowed_cidrs,
            created_at: key.created_at,
            last_used_on: key.last_used_on,
            changed_in: key.changed_in,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::projects::api_key::testing::{now, project_key};

    #[test]
    fn scopes_expiry_and_networks_are_enforced() {
        let key = project_key(
            r#"{"name":"s","scopes":["events:write"],"expiresAt":"2026-11-22T09:00:00Z","allowedCidrs":["203.0.113.0/24","2001:db8::/32"]}"#,
        );
        let inside: Option<IpAddr> = Some("203.0.113.9".parse().unwrap());
        let outside: Option<IpAddr> = Some("198.51.100.1".parse().unwrap());
        let later = now().plus(Duration::from_mins(30));
        assert_eq!(key.admit(now(), inside), Ok(()));
        assert_eq!(key.admit(now(), Some("2001:db8::1".parse().unwrap())), Ok(()));
        assert_eq!(key.admit(now(), outside), Err(Refusal::Address));
        assert_eq!(key.admit(now(), None), Err(Refusal::Address));
        assert_eq!(key.admit(later, inside), Err(Refusal::Expired));
        assert_eq!(key.permit(Scope::SettingsRead), Err(Refusal::Scope(Scope::SettingsRead)));
    }

    proptest! {
        #[test]
        fn exactly_the_addresses_of_an_allowed_network_are_admitted(network in any::<u32>(), length in 0_u32..=32, address in any::<u32>(), near in 0_u32..=32) {
            // Half of the addresses share a prefix of random length with the network, so both results are tested.
            let mask = |length: u32| u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let address = if near % 2 == 0 { address } else { (network & mask(near)) | (address & !mask(near)) };
            let cidr = format!("{}/{length}", std::net::Ipv4Addr::from(network));
            let key = project_key(&format!(r#"{{"name":"s","allowedCidrs":["{cidr}"]}}"#));
            let is_inside = network & mask(length) == address & mask(length);
            let source = Some(IpAddr::from(std::net::Ipv4Addr::from(address)));
            prop_assert_eq!(key.admit(now(), source).is_ok(), is_inside, "{} in {}", address, cidr);
        }
    }
}
