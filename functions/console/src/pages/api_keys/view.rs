//! What the api returns about an API key.

use std::collections::BTreeSet;

use domain::foundation::id::ApiKeyId;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::api_key::KeyScope;
use serde::Deserialize;

use crate::pages::api_keys::path_of;

/// An API key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    pub(crate) id: ApiKeyId,
    pub(crate) name: String,
    /// The key itself. Only the response that creates it contains it.
    #[serde(default, rename = "key")]
    pub(crate) secret: Option<String>,
    pub(crate) hint: String,
    pub(crate) scopes: BTreeSet<KeyScope>,
    #[serde(default)]
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) allowed_cidrs: Vec<String>,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) last_used_on: Option<UtcDay>,
}

impl Key {
    /// The path of the key's page.
    pub(crate) fn path(&self) -> String {
        path_of(self.id)
    }

    /// The names of the scopes.
    pub(crate) fn scope_names(&self) -> String {
        self.scopes.iter().map(KeyScope::as_str).collect::<Vec<_>>().join(", ")
    }
}
