//! API keys for the tests of this module.

use super::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey, ProductScopes, ProjectKey, Scope};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{ApiKeyId, ProjectId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;

pub(super) fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

/// Creates a key as a caller with these bounds.
pub(super) fn created(body: &str, bounds: &KeyBounds) -> Result<ProjectKey, BadFields> {
    let new: NewApiKey = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
    let key = ApiKey::generate(ApiKeyKind::Live, &SystemRandom);
    new.create(ApiKeyId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom), &key, bounds)
}

/// Creates a key as the operator.
pub(super) fn project_key(body: &str) -> ProjectKey {
    created(body, &KeyBounds::operator()).unwrap()
}

/// Product scopes of a deployment.
pub(super) fn product_scopes() -> ProductScopes {
    "submissions:read,submissions:review".parse().unwrap()
}

/// Creates a key as the operator of a deployment with these product scopes.
pub(super) fn project_key_in(body: &str, scopes: &ProductScopes) -> ProjectKey {
    created(body, &KeyBounds::operator().with_product_scopes(scopes)).unwrap()
}

pub(super) fn key_that_expires(expires_at: Option<Timestamp>) -> ProjectKey {
    ProjectKey { expires_at, ..project_key(r#"{"name":"s"}"#) }
}

pub(super) fn key_with_scopes(scopes: &[Scope]) -> ProjectKey {
    ProjectKey { scopes: scopes.iter().copied().collect(), ..project_key(r#"{"name":"s"}"#) }
}

pub(super) fn pointers(BadFields(bad): &BadFields) -> Vec<&str> {
    bad.iter().map(|field| field.pointer.as_str()).collect()
}
