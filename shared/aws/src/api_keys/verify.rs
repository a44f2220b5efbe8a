//! Verifies a key for a call to the product's own API.

use domain::foundation::time::Timestamp;
use domain::projects::api_key::{InvalidKeyReason, KeyRecord, KeyUse, PresentedKey, ProjectKey};

use super::{ApiKeyCache, CallLimiter};
use crate::store::StoreError;

/// Why a key is not valid for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidKey {
    /// The first reason that applies.
    pub reason: InvalidKeyReason,
    /// Seconds until the key has calls left again, if it has used up its rate limit.
    pub retry_after: Option<u64>,
}

impl From<InvalidKeyReason> for InvalidKey {
    fn from(reason: InvalidKeyReason) -> Self {
        Self { reason, retry_after: None }
    }
}

/// Returns the key if it is valid for this call, and the first reason if it is not. `presented` is what the caller sent. A valid
/// call counts towards the key's rate limit and its last use.
///
/// A string that cannot be a key costs no read, any other one read on a cold cache. Fails if the store does not respond.
pub async fn verify(
    keys: &ApiKeyCache,
    calls: &CallLimiter,
    presented: &str,
    call: &KeyUse,
    now: Timestamp,
) -> Result<Result<ProjectKey, InvalidKey>, StoreError> {
    // An operator key opens all projects, so it is never the key of one.
    let presented = presented.parse::<PresentedKey>().ok().filter(|presented| !presented.is_operator_kind());
    let Some(presented) = presented else { return Ok(Err(InvalidKeyReason::Unknown.into())) };
    let key = match keys.get(presented.hash(), now).await? {
        Some(KeyRecord::Key(key)) => *key,
        Some(KeyRecord::Revoked(_)) => return Ok(Err(InvalidKeyReason::Revoked.into())),
        None => return Ok(Err(InvalidKeyReason::Unknown.into())),
    };
    if let Err(reason) = key.verify(call, now) {
        return Ok(Err(reason.into()));
    }
    if let Err(status) = calls.count(&key.id.to_string(), now).await {
        let retry_after = Some(status.retry_after());
        return Ok(Err(InvalidKey { reason: InvalidKeyReason::RateLimited, retry_after }));
    }
    keys.note_use(&key, now).await;
    Ok(Ok(key))
}
