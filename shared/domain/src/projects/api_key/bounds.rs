//! Limits of the API keys that a caller creates or rotates: never more than the caller's own key.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::network;
use super::{KeyScope, ProductScope, ProductScopes, ProjectKey, Scope};
use crate::foundation::draft::{BadField, pointer};
use crate::foundation::time::Timestamp;

/// Maximum scopes, lifetime and networks of a key that a caller creates or rotates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBounds {
    /// The caller's scopes.
    pub(super) scopes: BTreeSet<Scope>,
    /// The caller's scopes in the product.
    pub(super) product_scopes: BTreeSet<ProductScope>,
    /// Whether the caller has every product scope, also those that the deployment had earlier and that keys still carry.
    pub(super) has_former_product_scopes: bool,
    /// When the caller's own key expires; never, if absent.
    pub(super) expires_at: Option<Timestamp>,
    /// Networks of the caller's own key; all, if empty.
    pub(super) allowed_cidrs: Vec<IpNet>,
}

impl KeyBounds {
    /// The bounds of the operator, who may create any key.
    pub fn operator() -> Self {
        Self::of_scopes(&Scope::ALL)
    }

    /// The bounds of a caller with this key.
    pub fn of(key: &ProjectKey) -> Self {
        Self {
            scopes: key.scopes.clone(),
            product_scopes: key.product_scopes.clone(),
            has_former_product_scopes: false,
            expires_at: key.expires_at,
            allowed_cidrs: key.allowed_cidrs.clone(),
        }
    }

    /// The bounds of a caller that has only these scopes, such as the user of a console session. A session ends within hours and
    /// follows its user between networks, so neither limits the keys that it creates.
    pub fn of_scopes(scopes: &[Scope]) -> Self {
        let scopes = scopes.iter().copied().collect();
        Self {
            scopes,
            product_scopes: BTreeSet::new(),
            has_former_product_scopes: false,
            expires_at: None,
            allowed_cidrs: Vec::new(),
        }
    }

    /// Adds all product scopes of the deployment, for a caller who is not a key.
    #[must_use]
    pub fn with_product_scopes(self, scopes: &ProductScopes) -> Self {
        Self { product_scopes: scopes.all().clone(), has_former_product_scopes: true, ..self }
    }

    /// All scopes that the caller may give to a key.
    pub(super) fn all_scopes(&self) -> BTreeSet<KeyScope> {
        let own = self.scopes.iter().copied().map(KeyScope::Own);
        own.chain(self.product_scopes.iter().cloned().map(KeyScope::Product)).collect()
    }

    /// Returns the earlier of `expires_at` and the expiry of the caller's key.
    pub(super) fn earlier(&self, expires_at: Option<Timestamp>) -> Option<Timestamp> {
        expires_at.into_iter().chain(self.expires_at).min()
    }

    /// Fails if `scopes` contains a scope that the caller lacks.
    pub(super) fn check_scopes(&self, scopes: &BTreeSet<KeyScope>) -> Result<(), BadField> {
        let own = self.all_scopes();
        let missing: Vec<&KeyScope> = scopes.difference(&own).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.iter().map(|scope| scope.as_str()).collect();
        // The operator has all scopes of the deployment, so for the operator a missing one is most often misspelled.
        let is_of_product = missing.iter().any(|scope| matches!(scope, KeyScope::Product(_)));
        let hint = if is_of_product { ", or the deployment's ProductScopes do not have it" } else { "" };
        Err(bad(&["scopes"], format!("the caller lacks {}{hint}", names.join(", "))))
    }

    /// Fails if a rotated key has a scope that the caller lacks.
    pub(super) fn check_kept_scopes(&self, key: &ProjectKey) -> Result<(), BadField> {
        let is_checked = |scope: &KeyScope| !self.has_former_product_scopes || matches!(scope, KeyScope::Own(_));
        self.check_scopes(&key.all_scopes().into_iter().filter(is_checked).collect())
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
