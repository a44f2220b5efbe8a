//! Rotation of a project's API keys: a new key with the same permissions replaces the old one.

use super::creation::check_expiry;
use super::{ApiKey, KeyBounds, ProjectKey};
use crate::foundation::draft::{BadField, BadFields, Change, Draft};
use crate::foundation::id::ApiKeyId;
use crate::foundation::overlap::Overlap;
use crate::foundation::time::Timestamp;

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
    /// Replaces this key with `key`, which has the same scopes and networks. Its expiry is the requested one or, by default, the
    /// earlier of this key's and the caller's. Fails if the new key exceeds the caller's `bounds` or would already be expired.
    pub fn rotate(
        mut self,
        rotation: &KeyRotation,
        id: ApiKeyId,
        key: &ApiKey,
        bounds: &KeyBounds,
    ) -> Result<Rotated, BadFields> {
        let now = id.created_at();
        let expires_at = self.successor_expiry(&rotation.expires_at, bounds, now);
        let mut bad = self.check_within(bounds);
        bad.extend(expires_at.clone().err());
        let expires_at = match expires_at {
            Ok(expires_at) if bad.is_empty() => expires_at,
            _ => return Err(BadFields(bad)),
        };
        let (key_hash, hint) = (key.hash(), key.hint());
        let successor = Self { id, key_hash, hint, expires_at, created_at: now, last_used_on: None, ..self.clone() };
        let ends_at = now.plus(rotation.overlap.duration());
        self.expires_at = Some(self.expires_at.map_or(ends_at, |expires_at| expires_at.min(ends_at)));
        Ok(Rotated { successor, predecessor: self.is_valid(now).then_some(self) })
    }

    fn successor_expiry(
        &self,
        requested: &Change<Option<Timestamp>>,
        bounds: &KeyBounds,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, BadField> {
        let expires_at = match requested {
            Change::Keep => bounds.earlier(self.expires_at),
            Change::Reset => None,
            Change::Set(expires_at) => *expires_at,
        };
        if *requested == Change::Keep && !self.is_valid(now) {
            let detail = "must be set to a time in the future, because the replaced key has expired".to_owned();
            return Err(BadField { pointer: "/expiresAt".to_owned(), detail });
        }
        check_expiry(expires_at, bounds, now).map(|()| expires_at)
    }

    /// Returns the fields in which the successor exceeds `bounds`. It has the scopes and networks of this key.
    fn check_within(&self, bounds: &KeyBounds) -> Vec<BadField> {
        // A rotation request contains no networks, so the pointer names no item.
        let outside = bounds.check_networks(&self.allowed_cidrs).into_iter().take(1).map(|_| BadField {
            pointer: "/allowedCidrs".to_owned(),
            detail: "the API key of this request may not be used from all networks of the replaced key".to_owned(),
        });
        outside.chain(bounds.check_kept_scopes(self).err()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::projects::api_key::testing::{now, pointers, product_scopes, project_key, project_key_in};
    use crate::projects::api_key::{ApiKeyKind, ProductScopes, Refusal};

    fn rotated_by(bounds: &KeyBounds, key: &ProjectKey, body: &str, now: Timestamp) -> Result<Rotated, BadFields> {
        let rotation = KeyRotation::try_from(Draft::parse(body.as_bytes()).unwrap())?;
        let successor = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
        key.clone().rotate(&rotation, ApiKeyId::new(now, &SystemRandom), &successor, bounds)
    }

    fn rotated(key: &ProjectKey, body: &str, now: Timestamp) -> Result<Rotated, BadFields> {
        rotated_by(&KeyBounds::operator(), key, body, now)
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
    fn a_successor_keeps_the_product_scopes_which_its_creator_must_have() {
        let key = project_key_in(r#"{"name":"s","scopes":["submissions:read"]}"#, &product_scopes());
        let all = KeyBounds::operator().with_product_scopes(&product_scopes());
        let successor = rotated_by(&all, &key, "{}", now()).unwrap().successor;
        assert_eq!(successor.product_scopes, key.product_scopes);
        // The deployment may have dropped the scope since.
        assert!(
            rotated_by(&KeyBounds::operator().with_product_scopes(&ProductScopes::default()), &key, "{}", now())
                .is_ok()
        );
        let without = KeyBounds::of(&project_key(r#"{"name":"s"}"#));
        assert_eq!(pointers(&rotated_by(&without, &key, "{}", now()).unwrap_err()), ["/scopes"]);
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
        assert_eq!(pointers(&rotate(r#"{"expiresAt":"2026-11-22T08:30:00Z"}"#).unwrap_err()), ["/expiresAt"]);
        // An overlap never extends the life of the replaced key.
        assert_eq!(rotate("{}").unwrap().predecessor.unwrap().expires_at, key.expires_at);
    }

    #[test]
    fn an_expired_key_is_replaced_by_one_with_a_new_expiry() {
        let key = project_key(r#"{"name":"s","expiresAt":"2026-11-22T09:00:00Z"}"#);
        let after = now().plus(Duration::from_hours(1));
        assert_eq!(pointers(&rotated(&key, "{}", after).unwrap_err()), ["/expiresAt"]);
        assert_eq!(rotated(&key, r#"{"expiresAt":null}"#, after).unwrap().predecessor, None);
    }

    #[test]
    fn a_key_cannot_extend_its_own_life_by_rotation() {
        let key = project_key(r#"{"name":"s","expiresAt":"2026-11-22T09:00:00Z"}"#);
        let own = KeyBounds::of(&key);
        for body in [r#"{"expiresAt":null}"#, r#"{"expiresAt":"2026-11-22T09:00:00.001Z"}"#] {
            assert_eq!(pointers(&rotated_by(&own, &key, body, now()).unwrap_err()), ["/expiresAt"], "{body}");
        }
        assert_eq!(rotated_by(&own, &key, "{}", now()).unwrap().successor.expires_at, key.expires_at);
        assert!(rotated_by(&own, &key, r#"{"expiresAt":"2026-11-22T08:59:00Z"}"#, now()).is_ok());

        let longer = project_key(r#"{"name":"s"}"#);
        assert_eq!(rotated_by(&own, &longer, "{}", now()).unwrap().successor.expires_at, key.expires_at);
    }

    #[test]
    fn a_key_never_rotates_a_key_with_more_scopes_or_other_networks() {
        let own = KeyBounds::of(&project_key(r#"{"name":"s","scopes":["keys:write"],"allowedCidrs":["10.0.0.0/8"]}"#));
        for (other, expected) in [
            (r#"{"name":"s","scopes":["keys:write"],"allowedCidrs":["10.0.0.1"]}"#, &[][..]),
            (r#"{"name":"s","scopes":["links:write"],"allowedCidrs":["10.0.0.1"]}"#, &["/scopes"]),
            (r#"{"name":"s","scopes":["keys:write"]}"#, &["/allowedCidrs"]),
            (r#"{"name":"s","scopes":["keys:write"],"allowedCidrs":["10.0.0.1","11.0.0.1"]}"#, &["/allowedCidrs"]),
            (r#"{"name":"s"}"#, &["/allowedCidrs", "/scopes"]),
        ] {
            let refused = rotated_by(&own, &project_key(other), "{}", now()).err();
            assert_eq!(refused.as_ref().map(pointers).unwrap_or_default(), expected, "{other}");
        }
    }
}
