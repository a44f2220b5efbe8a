//! What is kept of revoked keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{KeyHash, ProjectKey};
use crate::foundation::id::{ApiKeyId, ProjectId};
use crate::foundation::time::Timestamp;

/// How long a revoked key is remembered, so that its holder learns that it was revoked.
pub const REVOKED_KEYS_KEPT: Duration = Duration::from_hours(90 * 24);

/// What is kept of a revoked key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedKey {
    /// Id of the key.
    pub id: ApiKeyId,
    /// The project that the key gave access to.
    pub project_id: ProjectId,
    /// Hash of the key.
    pub key_hash: KeyHash,
    /// When the key was revoked.
    pub revoked_at: Timestamp,
}

impl RevokedKey {
    /// What is kept of `key` after its revocation at `now`.
    pub fn of(key: &ProjectKey, now: Timestamp) -> Self {
        Self { id: key.id, project_id: key.project_id, key_hash: key.key_hash, revoked_at: now }
    }

    /// When the key is forgotten.
    pub fn forgotten_at(&self) -> Timestamp {
        self.revoked_at.plus(REVOKED_KEYS_KEPT)
    }
}

/// What the store knows about the hash of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum KeyRecord {
    /// A key that was not revoked. It may have expired.
    Key(Box<ProjectKey>),
    /// A revoked key.
    Revoked(RevokedKey),
}

impl KeyRecord {
    /// Id of the key.
    pub fn id(&self) -> ApiKeyId {
        match self {
            Self::Key(key) => key.id,
            Self::Revoked(key) => key.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::projects::api_key::Scope;
    use crate::projects::api_key::testing::{key_with_scopes, now};

    #[test]
    fn a_record_is_a_key_or_what_is_kept_of_a_revoked_one() {
        let key = key_with_scopes(&[Scope::KeysWrite]);
        let revoked = RevokedKey::of(&key, now());
        let read = |row: Value| serde_json::from_value::<KeyRecord>(row).unwrap();
        assert_eq!(read(serde_json::to_value(&key).unwrap()), KeyRecord::Key(Box::new(key)));
        assert_eq!(read(serde_json::to_value(&revoked).unwrap()), KeyRecord::Revoked(revoked));
    }
}
