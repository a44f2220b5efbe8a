//! The number of API keys of a project. Expired keys never prevent a new one.

use std::cmp::Reverse;
use std::time::Duration;

use thiserror::Error;

use super::ProjectKey;
use crate::foundation::id::ApiKeyId;
use crate::foundation::time::Timestamp;

/// Maximum number of valid API keys of a project. At most this many rows are stored, expired keys included, so that one
/// transaction can delete a project.
pub const MAX_API_KEYS: usize = 20;

/// How long an expired key stays listed, unless a new key replaces it.
const LISTED_AFTER_EXPIRY: Duration = Duration::from_hours(30 * 24);

/// The project has the maximum number of valid keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("project has the maximum number of API keys")]
pub struct TooManyApiKeys;

impl ProjectKey {
    /// Whether the key has not expired at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > now)
    }

    /// Whether the key expired so long ago that it is no longer shown.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at.plus(LISTED_AFTER_EXPIRY) <= now)
    }
}

/// Checks a change of a project's keys and returns the expired keys to delete with it: keys that are no longer listed and, above
/// [`MAX_API_KEYS`], the keys that expired first. Fails if the change raises the number of valid keys above the limit.
pub fn make_room(before: &[ProjectKey], after: &[ProjectKey], now: Timestamp) -> Result<Vec<ApiKeyId>, TooManyApiKeys> {
    let count_valid = |keys: &[ProjectKey]| keys.iter().filter(|key| key.is_valid(now)).count();
    let valid = count_valid(after);
    if valid > MAX_API_KEYS && valid > count_valid(before) {
        return Err(TooManyApiKeys);
    }
    let mut expired: Vec<&ProjectKey> = after.iter().filter(|key| !key.is_valid(now)).collect();
    expired.sort_by_key(|key| (Reverse(key.expires_at), Reverse(key.id)));
    let places = MAX_API_KEYS.saturating_sub(valid);
    let is_deleted = |(index, key): &(usize, &ProjectKey)| *index >= places || key.is_gone(now);
    Ok(expired.into_iter().enumerate().filter(is_deleted).map(|(_, key)| key.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projects::api_key::testing::{key_that_expires, now};

    const DAY: Duration = Duration::from_hours(24);

    fn valid(count: usize) -> Vec<ProjectKey> {
        (0..count).map(|_| key_that_expires(None)).collect()
    }

    fn expired(count: u32) -> Vec<ProjectKey> {
        (0..count).map(|days| key_that_expires(Some(now().minus(DAY * days)))).collect()
    }

    #[test]
    fn expired_keys_do_not_count_and_make_room_for_new_ones() {
        let keys = [valid(1), expired(19)].concat();
        let after = [keys.clone(), valid(1)].concat();
        let longest_expired = keys.last().unwrap();
        assert_eq!(make_room(&keys, &after, now()), Ok(vec![longest_expired.id]));
    }

    #[test]
    fn a_project_never_gets_more_than_twenty_valid_keys() {
        let keys = valid(20);
        assert_eq!(make_room(&keys, &[keys.clone(), valid(1)].concat(), now()), Err(TooManyApiKeys));
        let other_key_instead = [keys[1..].to_vec(), valid(1)].concat();
        assert_eq!(make_room(&keys, &other_key_instead, now()), Ok(vec![]));
        let more_by_an_older_version = valid(21);
        let rotated = [more_by_an_older_version[1..].to_vec(), valid(1)].concat();
        assert_eq!(make_room(&more_by_an_older_version, &rotated, now()), Ok(vec![]));
    }

    #[test]
    fn an_expired_key_is_gone_after_thirty_days() {
        let keys = expired(32);
        assert!(!keys[29].is_gone(now()) && keys[30].is_gone(now()));
        assert!(!key_that_expires(None).is_gone(now()));
        let few = [valid(1), keys[25..32].to_vec()].concat();
        assert_eq!(make_room(&few, &few, now()), Ok(vec![keys[30].id, keys[31].id]));
    }
}
