//! One `secretKey` as it is stored.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::SecretKey;
use crate::foundation::id::{ProjectId, SecretKeyId};
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::time::Timestamp;
use crate::public_names;

/// A `secretKey` as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSecretKey {
    /// Id of the key, which is the parameter `kid` of return URLs that it encrypts.
    pub id: SecretKeyId,
    /// The project that owns the key.
    pub project_id: ProjectId,
    /// The sealed key.
    pub secret_key: Sealed,
    /// When the key was issued.
    pub created_at: Timestamp,
    /// When the key becomes current. It stays current until a newer key becomes current.
    pub active_from: Timestamp,
    /// When the key stops verifying; `None` while no other key replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Whether the customer brought the key along. Otherwise Signpost generated it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brought_along: bool,
}

impl StoredSecretKey {
    /// Opens the sealed key.
    pub fn open(&self, ring: &KeyRing) -> Result<NamedKey, CannotOpen> {
        let mut characters = ring.open(SealedKind::SecretKey, self.project_id, &self.secret_key)?;
        let key = SecretKey::from_text(&characters).ok_or(CannotOpen);
        characters.zeroize();
        Ok(NamedKey { id: self.id, key: key? })
    }
}

/// A key with its id. Receivers select the key by this id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// Id of the key.
    pub id: SecretKeyId,
    /// The secret key.
    pub key: SecretKey,
}

public_names! {
    /// The state of a `secretKey` in the rotation.
    pub enum KeyState {
        /// The key was issued and becomes current later.
        Next = "next",
        /// The key encrypts and signs.
        Current = "current",
        /// The key was replaced. It still verifies for a day.
        Previous = "previous",
    }
}
