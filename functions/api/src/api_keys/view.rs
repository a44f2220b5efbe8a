//! What the API returns about an API key.

use std::collections::BTreeSet;

use domain::foundation::id::ApiKeyId;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::api_key::{ApiKey, KeyScope, ProjectKey};
use domain::projects::name::Name;
use serde::Serialize;

use crate::http::etag::{SettingsView, Tag};
use crate::http::warnings::Warning;

const NO_EXPIRY: Warning =
    Warning::new("no-expiry", "The key never expires. Set expiresAt, so that a lost key stops working.");
const ANY_NETWORK: Warning = Warning::new(
    "any-network",
    "The key works from all networks. Set allowedCidrs, so that a stolen key is useless elsewhere.",
);

/// An API key. The key itself is returned only once, when it is created.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ApiKey))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    /// Id of the API key. It is not a secret.
    id: ApiKeyId,
    /// Name of the API key.
    name: Name,
    /// The key itself. Only the response that creates the key contains it. Absent for an imported key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The first characters of the key, to recognize it. `imported` if the key was imported without them.
    hint: String,
    /// Scopes of the key: the operations that it allows, in this API and in the operator's product.
    scopes: BTreeSet<KeyScope>,
    /// When the key expires. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Networks from which the key can be used. Empty: all networks.
    allowed_cidrs: Vec<String>,
    /// When the key was created.
    created_at: Timestamp,
    /// Last UTC day on which the key was used. Absent: the key was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_on: Option<UtcDay>,
    /// Risks of the key: `no-expiry` if it never expires, `any-network` if it can be used from all networks.
    warnings: Vec<Warning>,
}

impl SettingsView for ApiKeyView {
    const NOT_SETTINGS: &[&str] = &["key", "lastUsedOn", "warnings"];
}

impl From<ProjectKey> for ApiKeyView {
    fn from(key: ProjectKey) -> Self {
        let scopes = key.all_scopes();
        let no_expiry = key.expires_at.is_none().then_some(NO_EXPIRY);
        let any_network = key.allowed_cidrs.is_empty().then_some(ANY_NETWORK);
        Self {
            id: key.id,
            name: key.name,
            key: None,
            hint: key.hint,
            scopes,
            expires_at: key.expires_at,
            allowed_cidrs: key.allowed_cidrs.iter().map(ToString::to_string).collect(),
            created_at: key.created_at,
            last_used_on: key.last_used_on,
            warnings: no_expiry.into_iter().chain(any_network).collect(),
        }
    }
}

impl ApiKeyView {
    /// The view with the key itself, if it was generated, for the response that creates the key.
    pub(super) fn with_key(stored: ProjectKey, key: Option<&ApiKey>) -> Self {
        Self { key: key.map(|key| key.expose().to_owned()), ..stored.into() }
    }
}

/// The `ETag` of a key.
pub(super) fn tag_of(key: &ProjectKey) -> Tag {
    Tag::of(&ApiKeyView::from(key.clone()).settings(), key.changed_in)
}
