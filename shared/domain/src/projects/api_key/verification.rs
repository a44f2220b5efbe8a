//! Verification of API keys for the product's own API: `POST /v1/api-keys/verify` and the Lambda authorizer decide by this rule.

use std::net::IpAddr;

use super::{KeyScope, ProjectKey, Refusal};
use crate::foundation::time::Timestamp;
use crate::public_names;

public_names! {
    /// Why an API key is not valid for a call. If several reasons apply, the first in this list is given.
    pub enum InvalidKeyReason {
        /// No project has this key. Operator keys and keys that were revoked more than 90 days ago are unknown too.
        Unknown = "unknown",
        /// The key was revoked within the last 90 days, or replaced without an overlap.
        Revoked = "revoked",
        /// The key has expired.
        Expired = "expired",
        /// The key is limited to networks, and the source address is in none of them or was not given.
        Network = "network",
        /// The key lacks the scope.
        Scope = "scope",
        /// The key has used up its rate limit. The call was otherwise allowed.
        RateLimited = "rate-limited",
    }
}

/// A call to the product's API that an API key is to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// Where the call comes from, if that is known.
    pub source: Option<IpAddr>,
    /// The scope that the call needs. `None`: any key of a project will do.
    pub scope: Option<KeyScope>,
}

impl ProjectKey {
    /// Checks everything about a stored key except its rate limit, which counts only calls that pass this check.
    pub fn verify(&self, call: &KeyUse, now: Timestamp) -> Result<(), InvalidKeyReason> {
        self.admit(now, call.source).map_err(|refusal| match refusal {
            Refusal::Expired => InvalidKeyReason::Expired,
            Refusal::Address => InvalidKeyReason::Network,
            Refusal::Scope(_) => InvalidKeyReason::Scope,
        })?;
        if call.scope.as_ref().is_some_and(|scope| !self.has(scope)) {
            return Err(InvalidKeyReason::Scope);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::projects::api_key::testing::{now, product_scopes, project_key_in};

    fn limited() -> ProjectKey {
        let body = r#"{"name":"s","scopes":["submissions:read","events:read"],"expiresAt":"2026-11-22T09:00:00Z","allowedCidrs":["203.0.113.0/24"]}"#;
        project_key_in(body, &product_scopes())
    }

    fn call(source: Option<&str>, scope: Option<&str>) -> KeyUse {
        KeyUse {
            source: source.map(|address| address.parse().unwrap()),
            scope: scope.map(|scope| scope.parse().unwrap()),
        }
    }

    #[test]
    fn a_key_is_valid_in_its_networks_for_its_scopes_until_it_expires() {
        let inside = Some("203.0.113.9");
        for scope in [None, Some("submissions:read"), Some("events:read")] {
            assert_eq!(limited().verify(&call(inside, scope), now()), Ok(()), "{scope:?}");
        }
        for scope in ["submissions:review", "events:write", "payments:read"] {
            assert_eq!(limited().verify(&call(inside, Some(scope)), now()), Err(InvalidKeyReason::Scope), "{scope}");
        }
    }

    #[test]
    fn the_first_reason_in_the_documented_order_is_given() {
        let (inside, outside, lacking) = (Some("203.0.113.9"), Some("198.51.100.1"), Some("submissions:review"));
        let later = now().plus(Duration::from_mins(30));
        for (source, scope, at, reason) in [
            (outside, lacking, later, InvalidKeyReason::Expired),
            (inside, Some("submissions:read"), later, InvalidKeyReason::Expired),
            (outside, lacking, now(), InvalidKeyReason::Network),
            (None, Some("submissions:read"), now(), InvalidKeyReason::Network),
            (inside, lacking, now(), InvalidKeyReason::Scope),
        ] {
            assert_eq!(limited().verify(&call(source, scope), at), Err(reason));
        }
    }

    #[test]
    fn a_key_that_was_made_before_product_scopes_has_none() {
        let mut row = serde_json::to_value(limited()).unwrap();
        row.as_object_mut().unwrap().remove("productScopes");
        let old: ProjectKey = serde_json::from_value(row).unwrap();
        let read = call(Some("203.0.113.9"), Some("submissions:read"));
        assert_eq!(old.verify(&read, now()), Err(InvalidKeyReason::Scope));
    }
}
