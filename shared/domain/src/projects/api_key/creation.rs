//! Requests to create API keys of projects.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::network::Network;
use super::{ApiKey, KeyBounds, KeyHash, KeyScope, ProjectKey};
use crate::foundation::draft::{BadField, BadFields, Draft};
use crate::foundation::id::{ApiKeyId, ProjectId};
use crate::foundation::time::Timestamp;
use crate::projects::name::{Name, NewName};

const MAX_CIDRS: usize = 50;

/// A request for a new API key of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Name of the key.
    pub name: Name,
    /// Permissions of the key. If absent: the creator's; for an imported key, only the creator's product scopes.
    pub scopes: Option<BTreeSet<KeyScope>>,
    /// The key of another system that this one takes over. Only the operator may import keys.
    pub imported: Option<ImportedKey>,
    /// When the key expires; with its creator's key, if absent.
    pub expires_at: Option<Timestamp>,
    /// Networks that the key may be used from; the creator's, if empty.
    pub allowed_cidrs: Vec<IpNet>,
}

/// What is stored of a key to recognize it: its hash, and the characters that lists show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedKey {
    /// Hash of the key.
    pub hash: KeyHash,
    /// First characters of the key, for its owner.
    pub hint: String,
}

impl From<&ApiKey> for ImportedKey {
    fn from(key: &ApiKey) -> Self {
        Self { hash: key.hash(), hint: key.hint() }
    }
}

/// The hint of an imported key for which the request has none.
const NO_HINT: &str = "imported";

/// Maximum length of the hint of an imported key: enough to recognize a key, too little to help guessing it.
const MAX_HINT_LENGTH: usize = 12;

impl ImportedKey {
    fn take(draft: &mut Draft) -> Option<Self> {
        let hash: Option<KeyHash> = draft.optional("hash");
        let hint: Option<String> = draft.optional("hint");
        let is_good = |hint: &String| {
            (1..=MAX_HINT_LENGTH).contains(&hint.len()) && hint.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if hint.as_ref().is_some_and(|hint| !is_good(hint)) {
            return draft.refuse("/hint", "must be the first 1 to 12 characters of the key, visible ASCII");
        }
        if hint.is_some() && hash.is_none() {
            return draft.refuse("/hint", "is for an imported key and needs hash");
        }
        Some(Self { hash: hash?, hint: hint.unwrap_or_else(|| NO_HINT.to_owned()) })
    }
}

impl TryFrom<Draft> for NewApiKey {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name: Option<NewName> = draft.required("name");
        let scopes: Option<Vec<KeyScope>> = draft.optional_list("scopes");
        let expires_at = draft.optional("expiresAt");
        let networks: Vec<Network> = draft.optional_list("allowedCidrs").unwrap_or_default();
        if networks.len() > MAX_CIDRS {
            draft.refuse::<()>("/allowedCidrs", "must have at most 50 items");
        }
        let imported = ImportedKey::take(&mut draft);
        let scopes = scopes.map(BTreeSet::from_iter);
        let allowed_cidrs = networks.into_iter().map(|Network(network)| network).collect();
        draft.check(|| Some(Self { name: name?.into(), scopes, imported, expires_at, allowed_cidrs }))
    }
}

impl NewApiKey {
    /// Creates the stored form of `key`. Omitted fields default to `bounds`. Fails if the request exceeds the bounds or the expiry
    /// is in the past.
    pub fn create(
        self,
        id: ApiKeyId,
        project_id: ProjectId,
        key: impl Into<ImportedKey>,
        bounds: &KeyBounds,
    ) -> Result<ProjectKey, BadFields> {
        let ImportedKey { hash: key_hash, hint } = key.into();
        let is_imported = self.imported.is_some();
        // A key of another system opens Signpost's own API only if the request names scopes of it.
        let is_default = |scope: &KeyScope| !is_imported || matches!(scope, KeyScope::Product(_));
        let scopes = self.scopes.unwrap_or_else(|| bounds.all_scopes().into_iter().filter(is_default).collect());
        let expires_at = self.expires_at.or(bounds.expires_at);
        let allowed_cidrs =
            if self.allowed_cidrs.is_empty() { bounds.allowed_cidrs.clone() } else { self.allowed_cidrs };
        let mut bad = bounds.check_networks(&allowed_cidrs);
        bad.extend(bounds.check_scopes(&scopes).err());
        bad.extend(check_expiry(expires_at, bounds, id.created_at()).err());
        if !bad.is_empty() {
            return Err(BadFields(bad));
        }
        let (scopes, product_scopes) = KeyScope::divide(scopes);
        Ok(ProjectKey {
            id,
            project_id,
            name: self.name,
            key_hash,
            hint,
            scopes,
            product_scopes,
            expires_at,
            allowed_cidrs,
            created_at: id.created_at(),
            last_used_on: None,
            changed_in: 0,
        })
    }
}

/// Fails if the expiry is in the past or later than that of the creator's key.
pub(super) fn check_expiry(expires_at: Option<Timestamp>, bounds: &KeyBounds, now: Timestamp) -> Result<(), BadField> {
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(BadField { pointer: "/expiresAt".to_owned(), detail: "must be in the future".to_owned() });
    }
    bounds.check_expiry(expires_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::projects::api_key::Scope;
    use crate::projects::api_key::testing::{created, now, pointers, product_scopes, project_key, project_key_in};

    fn limited() -> KeyBounds {
        KeyBounds::of(&project_key(
            r#"{"name":"s","scopes":["settings:read","keys:write"],"expiresAt":"2026-11-23T00:00:00Z","allowedCidrs":["10.0.0.0/8","2001:db8::/32"]}"#,
        ))
    }

    #[test]
    fn a_key_without_restrictions_has_all_scopes() {
        let key = project_key(r#"{"name":"server"}"#);
        for scope in Scope::ALL {
            assert_eq!(key.permit(scope), Ok(()));
        }
    }

    #[test]
    fn a_new_key_has_the_limits_of_its_creator_unless_the_request_sets_narrower_ones() {
        let bounds = limited();
        for body in [r#"{"name":"s"}"#, r#"{"name":"s","allowedCidrs":[],"expiresAt":null}"#] {
            assert_eq!(KeyBounds::of(&created(body, &bounds).unwrap()), bounds, "{body}");
        }
        let narrower = r#"{"name":"s","scopes":["settings:read"],"expiresAt":"2026-11-22T12:00:00Z","allowedCidrs":["10.1.0.0/16","2001:db8::1"]}"#;
        let key = created(narrower, &bounds).unwrap();
        assert_eq!(key.scopes, [Scope::SettingsRead].into());
        assert_eq!(key.allowed_cidrs, ["10.1.0.0/16", "2001:db8::1/128"].map(|cidr| cidr.parse::<IpNet>().unwrap()));
    }

    #[test]
    fn a_key_never_creates_a_key_with_more_than_its_own_scopes_life_and_networks() {
        for (fields, pointer) in [
            (r#""scopes":["settings:read","links:write"]"#, "/scopes"),
            (r#""scopes":["settings:write"]"#, "/scopes"),
            (r#""expiresAt":"2026-11-23T00:00:00.001Z""#, "/expiresAt"),
            (r#""allowedCidrs":["10.0.0.0/8","10.0.0.0/7"]"#, "/allowedCidrs/1"),
            (r#""allowedCidrs":["0.0.0.0/0"]"#, "/allowedCidrs/0"),
            (r#""allowedCidrs":["::/0"]"#, "/allowedCidrs/0"),
            (r#""allowedCidrs":["::ffff:11.0.0.0/104"]"#, "/allowedCidrs/0"),
        ] {
            let refused = created(&format!(r#"{{"name":"s",{fields}}}"#), &limited()).unwrap_err();
            assert_eq!(pointers(&refused), [pointer], "{fields}");
        }
        let all =
            r#"{"name":"s","scopes":["links:write"],"expiresAt":"2027-01-01T00:00:00Z","allowedCidrs":["11.0.0.1"]}"#;
        assert_eq!(pointers(&created(all, &limited()).unwrap_err()), ["/allowedCidrs/0", "/scopes", "/expiresAt"]);
    }

    #[test]
    fn a_key_never_creates_a_key_with_a_product_scope_that_it_lacks() {
        let all = KeyBounds::operator().with_product_scopes(&product_scopes());
        let names = |key: &ProjectKey| key.product_scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&created(r#"{"name":"s"}"#, &all).unwrap()), ["submissions:read", "submissions:review"]);

        let reader = project_key_in(r#"{"name":"s","scopes":["submissions:read","keys:write"]}"#, &product_scopes());
        let bounds = KeyBounds::of(&reader);
        assert_eq!(names(&created(r#"{"name":"s"}"#, &bounds).unwrap()), ["submissions:read"]);
        let wide = r#"{"name":"s","scopes":["submissions:read","submissions:review"]}"#;
        assert_eq!(pointers(&created(wide, &bounds).unwrap_err()), ["/scopes"]);
        // The operator cannot give a scope that the deployment does not have.
        assert_eq!(pointers(&created(r#"{"name":"s","scopes":["payments:read"]}"#, &all).unwrap_err()), ["/scopes"]);
    }

    #[test]
    fn an_imported_key_is_a_hash_with_a_short_hint() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let parse = |fields: String| {
            NewApiKey::try_from(Draft::parse(format!(r#"{{"name":"s"{fields}}}"#).as_bytes()).unwrap())
        };
        let hint = |fields: String| parse(fields).map(|new| new.imported.map(|imported| imported.hint));
        assert_eq!(hint(String::new()), Ok(None));
        assert_eq!(hint(format!(r#","hash":"{hash}""#)), Ok(Some("imported".to_owned())));
        assert_eq!(hint(format!(r#","hash":"{hash}","hint":"ak_9f""#)), Ok(Some("ak_9f".to_owned())));
        for (fields, pointer) in [
            (format!(r#","hash":"{}""#, hash.to_uppercase()), "/hash"),
            (format!(r#","hash":"{hash}","hint":"0123456789abc""#), "/hint"),
            (format!(r#","hash":"{hash}","hint":"a b""#), "/hint"),
            (r#","hint":"ak_9f""#.to_owned(), "/hint"),
        ] {
            assert_eq!(pointers(&parse(fields).unwrap_err()), [pointer]);
        }
    }

    #[test]
    fn an_imported_key_without_scopes_opens_only_the_product() {
        let hash = r#""hash":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#;
        let bounds = KeyBounds::operator().with_product_scopes(&product_scopes());
        let key = created(&format!(r#"{{"name":"s",{hash}}}"#), &bounds).unwrap();
        assert_eq!((key.scopes, &key.product_scopes), ([].into(), product_scopes().all()));
        let key = created(&format!(r#"{{"name":"s",{hash},"scopes":["events:read"]}}"#), &bounds).unwrap();
        assert_eq!((key.scopes, key.product_scopes), ([Scope::EventsRead].into(), [].into()));
    }

    #[test]
    fn an_expiry_in_the_past_is_rejected() {
        for expires_at in ["2020-01-01T00:00:00Z", "2026-11-22T08:30:00Z"] {
            let body = format!(r#"{{"name":"s","expiresAt":"{expires_at}"}}"#);
            assert_eq!(pointers(&created(&body, &KeyBounds::operator()).unwrap_err()), ["/expiresAt"]);
        }
        assert!(created(r#"{"name":"s","expiresAt":"2026-11-22T08:30:00.001Z"}"#, &KeyBounds::operator()).is_ok());
    }

    proptest! {
        #[test]
        fn parsing_networks_never_panics(text in "[0-9a-f.:/ ]{0,24}") {
            let body = serde_json::json!({"name": "s", "allowedCidrs": [text]}).to_string();
            let _ = NewApiKey::try_from(Draft::parse(body.as_bytes()).unwrap());
        }

        #[test]
        fn a_created_key_is_admitted_only_where_and_when_its_creator_is(
            own in any::<(u32, u32)>(), wanted in any::<(u32, u32)>(), near in any::<bool>(), minutes in (1_u64..99, 1_u64..99), address in any::<u32>(),
        ) {
            let cidr = |(address, length): (u32, u32)| format!("{}/{}", std::net::Ipv4Addr::from(address), length % 33);
            let at = |minutes: u64| now().plus(std::time::Duration::from_mins(minutes));
            let wanted = if near { (own.0 ^ (wanted.0 >> (own.1 % 32)), wanted.1) } else { wanted };
            let creator = project_key(&format!(r#"{{"name":"s","allowedCidrs":["{}"],"expiresAt":"{}"}}"#, cidr(own), at(minutes.0)));
            let body = format!(r#"{{"name":"s","allowedCidrs":["{}"],"expiresAt":"{}"}}"#, cidr(wanted), at(minutes.1));
            if let Ok(key) = created(&body, &KeyBounds::of(&creator)) {
                for address in [address, own.0, wanted.0] {
                    let source = Some(std::net::Ipv4Addr::from(address).into());
                    for minute in 0..100 {
                        prop_assert!(key.admit(at(minute), source).is_err() || creator.admit(at(minute), source).is_ok());
                    }
                }
            }
        }
    }
}
