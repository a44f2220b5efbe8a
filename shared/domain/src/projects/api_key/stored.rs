//! The row of an API key.
//!
//! Versions before the division of `settings:write` and `deliveries:read` read only the attribute `scopes`. It contains the scopes
//! that these versions may grant. Their rows have no `grantedScopes`, and their keys keep all permissions.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{KeyHash, ProductScope, Scope};
use crate::foundation::id::{ApiKeyId, ProjectId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::name::Name;

/// The stored form of a project's key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyRow {
    pub(super) id: ApiKeyId,
    pub(super) project_id: ProjectId,
    pub(super) name: Name,
    pub(super) key_hash: KeyHash,
    pub(super) hint: String,
    /// The scopes for versions before the division.
    pub(super) scopes: BTreeSet<Scope>,
    /// The scopes. Absent in rows of versions before the division.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) granted_scopes: Option<BTreeSet<Scope>>,
    /// Scopes in the product. Absent in rows of versions before product scopes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) product_scopes: BTreeSet<ProductScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    pub(super) allowed_cidrs: Vec<IpNet>,
    pub(super) created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_used_on: Option<UtcDay>,
    /// The store writes it with the row. Absent in older rows.
    #[serde(default)]
    pub(super) changed_in: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::projects::api_key::ProjectKey;
    use crate::projects::api_key::testing::key_with_scopes;

    fn read(row: Value) -> BTreeSet<Scope> {
        serde_json::from_value::<ProjectKey>(row).unwrap().scopes
    }

    #[test]
    fn a_stored_key_is_read_as_it_was_written() {
        let key = key_with_scopes(&[Scope::KeysWrite, Scope::DeliveriesRead]);
        let row = serde_json::to_value(&key).unwrap();
        assert_eq!(serde_json::from_value::<ProjectKey>(row).unwrap(), key);
    }

    #[test]
    fn a_key_of_an_older_row_keeps_all_that_its_scopes_allowed() {
        let mut row = serde_json::to_value(key_with_scopes(&[])).unwrap();
        row.as_object_mut().unwrap().remove("grantedScopes");
        row["scopes"] = json!(["settings:write", "links:write"]);
        let expected = [Scope::SettingsWrite, Scope::KeysWrite, Scope::SecretsWrite, Scope::LinksWrite];
        assert_eq!(read(row.clone()), expected.into());
        row["scopes"] = json!(["deliveries:read"]);
        assert_eq!(read(row), [Scope::DeliveriesRead, Scope::EventsRead, Scope::ReturnVerify].into());
    }

    #[test]
    fn an_older_version_reads_no_more_from_a_new_row_than_the_key_may_do() {
        let row = serde_json::to_value(key_with_scopes(&[Scope::SettingsWrite, Scope::KeysWrite, Scope::EventsWrite]));
        assert_eq!(row.unwrap()["scopes"], json!(["events:write"]));
    }
}
