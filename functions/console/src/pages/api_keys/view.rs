//! What the api returns about an API key.

use std::collections::BTreeSet;

use domain::foundation::id::ApiKeyId;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::api_key::Scope;
use serde::Deserialize;

use crate::pages::api_keys::path_of;

/// An API key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::pages) struct Key {
    pub(in crate::pages) id: ApiKeyId,
    pub(in crate::pages) name: String,
    /// The key itself. Only the response that creates it contains it.
    #[serde(default, rename = "key")]
    pub(in crate::pages) secret: Option<String>,
    pub(in crate::pages) hint: String,
    pub(in crate::pages) scopes: BTreeSet<Scope>,
    #[serde(default)]
    pub(in crate::pages) expires_at: Option<Timestamp>,
    pub(in crate::pages) allowed_cidrs: Vec<String>,
    pub(in crate::pages) created_at: Timestamp,
    #[serde(default)]
    pub(in crate::pages) last_used_on: Option<UtcDay>,
}

impl Key {
    /// The path of the key's page.
    pub(in crate::pages) fn path(&self) -> String {
        path_of(self.id)
    }

    /// The names of the scopes.
    pub(in crate::pages) fn scope_names(&self) -> String {
        self.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
    }
}
