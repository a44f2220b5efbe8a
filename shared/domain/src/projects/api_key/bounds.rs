//! Limits of the API keys that a caller creates or rotates: never more than the caller's own key.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::network;
use super::{ProjectKey, Scope};
use crate::foundation::draft::{BadField, pointer};
use crate::foundation::time::Timestamp;

/// Maximum scopes, lifetime and networks of a key that a caller creates or rotates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBounds {
    /// The caller's scopes.
    pub(super) scopes: BTreeSet<Scope>,
    /// When the caller's own key expires; never, if absent.
    pub(super) expires_at: Option<Timestamp>,
    /// Networks of the caller's own key; all, if empty.
    pub(super) allowed_cidrs: Vec<IpNet>,
}

impl KeyBounds {
    /// The bounds of the operator, who may create any key.
    pub fn operator() -> Self {
        Self { scopes: Scope::ALL.into(), expires_at: None, allowed_cidrs: Vec::new() }
    }

    /// The bounds of a caller with this key.
    pub fn of(key: &ProjectKey) -> Self {
        Self { scopes: key.scopes.clone(), expires_at: key.expires_at, allowed_cidrs: key.allowed_cidrs.clone() }
    }

    /// The bounds of a caller that has only these scopes, such as the user of a console session. A session ends within hours and
    /// follows its user between networks, so neither limits the keys that it creates.
    pub fn of_scopes(scopes: &[Scope]) -> Self {
        Self { scopes: scopes.iter().copied().collect(), expires_at: None, allowed_cidrs: Vec::new() }
    }

    /// Returns the earlier of `expires_at` and the expiry of the caller's key.
    pub(super) fn earlier(&self, expires_at: Option<Timestamp>) -> Option<Timestamp> {
        expires_at.into_iter().chain(self.expires_at).min()
    }

    /// Fails if `scopes` contains a scope that the caller lacks.
    pub(super) fn check_scopes(&self, scopes: &BTreeSet<Scope>) -> Result<(), BadField> {
        let missing: Vec<&str> = scopes.difference(&self.scopes).map(|scope| scope.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(bad(&["scopes"], format!("the caller lacks {}", missing.join(", "))))
    }

    /// Fails if a key would outlive the caller's key.
    pub(super) fn check_expiry(&self, expires_at: Option<Timestamp>) -> Result<(), BadField> {
        let Some(latest) = self.expires_at else { return Ok(()) };
        if expires_at.is_some_and(|expires_at| expires_at <= latest) {
            return Ok(());
        }
        Err(bad(&["expiresAt"], format!("must be no later than {latest}, when the API key of this request expires")))
    }

    /// Fails for each network that is not inside one of the caller's networks. An empty list stands for all networks.
    pub(super) fn check_networks(&self, networks: &[IpNet]) -> Vec<BadField> {
        if self.allowed_cidrs.is_empty() {
            return Vec::new();
        }
        if networks.is_empty() {
            let detail = "must not be empty, because the API key of this request is limited to certain networks";
            return vec![bad(&["allowedCidrs"], detail.to_owned())];
        }
        let is_outside =
            |network: &IpNet| !self.allowed_cidrs.iter().any(|own| network::canonical(*own).contains(network));
        let outside = networks.iter().enumerate().filter(|(_, network)| is_outside(network));
        let detail = "must be inside a network of the API key of this request";
        outside.map(|(index, _)| bad(&["allowedCidrs", &index.to_string()], detail.to_owned())).collect()
    }
}

fn bad(steps: &[&str], detail: String) -> BadField {
    BadField { pointer: pointer(steps), detail }
}
