//! API keys of projects: their restrictions and their rotation.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ApiKey, KeyHash, Scope};
use crate::foundation::draft::{BadField, BadFields, Change, Draft};
use crate::foundation::id::{ApiKeyId, ProjectId};
use crate::foundation::overlap::Overlap;
use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::project::Name;

const MAX_CIDRS: usize = 50;

/// A project's API key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    /// When the key expires; never, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Networks that the key may be used from; all, if empty.
    pub allowed_cidrs: Vec<IpNet>,
    /// When the key was created.
    pub created_at: Timestamp,
    /// The last day on which the key was used; absent if it was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_on: Option<UtcDay>,
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
        if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Refusal::Expired);
        }
        let is_from = |address: IpAddr| self.allowed_cidrs.iter().any(|cidr| cidr.contains(&address));
        if !self.allowed_cidrs.is_empty() && !source.is_some_and(is_from) {
            return Err(Refusal::Address);
        }
        Ok(())
    }

    /// Fails if the key lacks `scope`.
    pub fn permit(&self, scope: Scope) -> Result<(), Refusal> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Refusal::Scope(scope)) }
    }
}

/// A request for a new API key of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Name of the key.
    pub name: Name,
    /// Permissions of the key; those of its creator, if absent.
    pub scopes: Option<BTreeSet<Scope>>,
    /// When the key expires; never, if absent.
    pub expires_at: Option<Timestamp>,
    /// Networks that the key may be used from; all, if empty.
    pub allowed_cidrs: Vec<IpNet>,
}

impl TryFrom<Draft> for NewApiKey {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required("name");
        let scopes: Option<Vec<Scope>> = draft.optional_list("scopes");
        let expires_at = draft.optional("expiresAt");
        let allowed_cidrs = draft.optional_list("allowedCidrs").unwrap_or_default();
        if allowed_cidrs.len() > MAX_CIDRS {
            draft.refuse::<()>("/allowedCidrs", "must have at most 50 items");
        }
        let scopes = scopes.map(BTreeSet::from_iter);
        draft.check(|| Some(Self { name: name?, scopes, expires_at, allowed_cidrs }))
    }
}

impl NewApiKey {
    /// Creates the stored form of `key`. `own` are the scopes of the caller: fails if the request asks for a scope that the
    /// caller lacks.
    pub fn create(
        self,
        id: ApiKeyId,
        project_id: ProjectId,
        key: &ApiKey,
        own: &BTreeSet<Scope>,
    ) -> Result<ProjectKey, BadFields> {
        let scopes = self.scopes.unwrap_or_else(|| own.clone());
        check_scopes(&scopes, own, "/scopes")?;
        Ok(ProjectKey {
            id,
            project_id,
            name: self.name,
            key_hash: key.hash(),
            hint: key.hint(),
            scopes,
            expires_at: self.expires_at,
            allowed_cidrs: self.allowed_cidrs,
            created_at: id.created_at(),
            last_used_on: None,
        })
    }
}

/// A request to replace a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    overlap: Overlap,
    expires_at: Change<Option<Timestamp>>,
}

impl TryFrom<Draft> for KeyRotation {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let overlap = draft.optional("overlapDays").unwrap_or_default();
        let expires_at = draft.change("expiresAt", |draft| draft.optional("expiresAt").map(Some));
        draft.check(|| Some(Self { overlap, expires_at }))
    }
}

/// The result of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The new key.
    pub successor: ProjectKey,
    /// The replaced key, which expires after the overlap; `None` if it becomes invalid at once.
    pub predecessor: Option<ProjectKey>,
}

impl ProjectKey {
    /// Replaces this key by `key`, which has the same scopes, networks and, unless the request sets another, expiry. Fails if
    /// the caller, whose scopes are `own`, lacks one of the key's scopes, or if the new key would be expired already.
    pub fn rotate(
        mut self,
        rotation: KeyRotation,
        id: ApiKeyId,
        key: &ApiKey,
        own: &BTreeSet<Scope>,
    ) -> Result<Rotated, BadFields> {
        check_scopes(&self.scopes, own, "")?;
        let now = id.created_at();
        let mut expires_at = self.expires_at;
        rotation.expires_at.apply(&mut expires_at);
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(bad("/expiresAt", "must be set to a time in the future, because the replaced key has expired"));
        }
        let (key_hash, hint) = (key.hash(), key.hint());
        let successor = Self { id, key_hash, hint, expires_at, created_at: now, last_used_on: None, ..self.clone() };
        let ends_at = now.plus(rotation.overlap.duration());
        self.expires_at = Some(self.expires_at.map_or(ends_at, |expires_at| expires_at.min(ends_at)));
        Ok(Rotated { successor, predecessor: (ends_at > now).then_some(self) })
    }
}

/// Fails if `scopes` contains a scope that the caller, whose scopes are `own`, lacks: a key never creates a stronger key.
fn check_scopes(scopes: &BTreeSet<Scope>, own: &BTreeSet<Scope>, pointer: &str) -> Result<(), BadFields> {
    let missing: Vec<&str> = scopes.difference(own).map(|scope| scope.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!("the API key of this request lacks {}", missing.join(", "));
    Err(bad(pointer, &detail))
}

fn bad(pointer: &str, detail: &str) -> BadFields {
    BadFields(vec![BadField { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::projects::api_key::ApiKeyKind;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn all_scopes() -> BTreeSet<Scope> {
        Scope::ALL.into()
    }

    fn created(body: &str, own: &BTreeSet<Scope>) -> Result<ProjectKey, BadFields> {
        let new: NewApiKey = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
        new.create(ApiKeyId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom), &key, own)
    }

    fn project_key(body: &str) -> ProjectKey {
        created(body, &all_scopes()).unwrap()
    }

    fn rotated(key: &ProjectKey, body: &str, now: Timestamp) -> Result<Rotated, BadFields> {
        let rotation = KeyRotation::try_from(Draft::parse(body.as_bytes()).unwrap())?;
        let successor = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
        key.clone().rotate(rotation, ApiKeyId::new(now, &SystemRandom), &successor, &all_scopes())
    }

    #[test]
    fn a_key_without_restrictions_has_all_scopes() {
        let key = project_key(r#"{"name":"server"}"#);
        for scope in Scope::ALL {
            assert_eq!(key.permit(scope), Ok(()));
        }
    }

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

        #[test]
        fn parsing_networks_never_panics(text in "[0-9a-f.:/ ]{0,24}") {
            let body = serde_json::json!({"name": "s", "allowedCidrs": [text]}).to_string();
            let _ = NewApiKey::try_from(Draft::parse(body.as_bytes()).unwrap());
        }
    }

    #[test]
    fn a_key_never_creates_or_rotates_a_key_with_more_scopes() {
        let own = BTreeSet::from([Scope::SettingsRead, Scope::SettingsWrite]);
        assert_eq!(created(r#"{"name":"s"}"#, &own).unwrap().scopes, own);
        assert!(created(r#"{"name":"s","scopes":["settings:read"]}"#, &own).is_ok());
        let BadFields(bad) = created(r#"{"name":"s","scopes":["settings:read","links:write"]}"#, &own).unwrap_err();
        assert_eq!((bad[0].pointer.as_str(), bad[0].detail.contains("links:write")), ("/scopes", true));

        let rotation = KeyRotation::try_from(Draft::parse(b"{}").unwrap()).unwrap();
        let (id, key) = (ApiKeyId::new(now(), &SystemRandom), ApiKey::generate(ApiKeyKind::Live, &SystemRandom));
        assert!(project_key(r#"{"name":"s"}"#).rotate(rotation, id, &key, &own).is_err());
    }

    #[test]
    fn a_replaced_key_and_its_successor_both_work_until_the_overlap_ends() {
        let key = project_key(r#"{"name":"s","scopes":["events:write"]}"#);
        let Rotated { successor, predecessor } = rotated(&key, r#"{"overlapDays":7}"#, now()).unwrap();
        let predecessor = predecessor.unwrap();
        let week = Duration::from_hours(7 * 24);
        let end_of_overlap = now().plus(week).minus(Duration::from_millis(1));
        assert_eq!(predecessor.admit(end_of_overlap, None), Ok(()));
        assert_eq!(predecessor.admit(now().plus(week), None), Err(Refusal::Expired));
        assert_eq!(successor.admit(now().plus(week), None), Ok(()));
        assert_eq!((successor.name, successor.scopes), (key.name.clone(), key.scopes.clone()));
        assert!(successor.key_hash != key.key_hash && predecessor.key_hash == key.key_hash);
    }

    #[test]
    fn without_an_overlap_the_replaced_key_is_invalid_at_once() {
        let key = project_key(r#"{"name":"s"}"#);
        assert_eq!(rotated(&key, r#"{"overlapDays":0}"#, now()).unwrap().predecessor, None);
    }

    #[test]
    fn a_successor_keeps_the_expiry_unless_the_request_sets_another() {
        let key = project_key(r#"{"name":"s","expiresAt":"2026-11-22T09:00:00Z"}"#);
        let rotate = |body| rotated(&key, body, now());
        let expires_at = |body| rotate(body).unwrap().successor.expires_at.map(|at| at.to_string());
        assert_eq!(expires_at("{}").as_deref(), Some("2026-11-22T09:00:00.000Z"));
        assert_eq!(expires_at(r#"{"expiresAt":null}"#), None);
        assert_eq!(expires_at(r#"{"expiresAt":"2027-01-01T00:00:00Z"}"#).as_deref(), Some("2027-01-01T00:00:00.000Z"));
        // An overlap never extends the life of the replaced key.
        assert_eq!(rotate("{}").unwrap().predecessor.unwrap().expires_at, key.expires_at);
        let after = now().plus(Duration::from_hours(1));
        let BadFields(bad) = rotated(&key, "{}", after).unwrap_err();
        assert_eq!(bad[0].pointer, "/expiresAt");
        assert!(rotated(&key, r#"{"expiresAt":null}"#, after).is_ok());
    }
}
