//! Confirmation links: how an address agrees to get a project's daily report.
//!
//! The link carries a token that only this deployment can make. Nothing is stored for it: the token itself tells,
//! sealed, whom it is about and until when it works. It may be used again; confirming twice changes nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{NotificationUserId, ProjectId};
use crate::key_ring::{KeyRing, Sealed, SealedKind};
use crate::random::Random;
use crate::time::Timestamp;

/// How long a confirmation link works.
pub const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// What a confirmation link is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// Whose reports.
    pub project_id: ProjectId,
    /// Who is to get them.
    pub user_id: NotificationUserId,
    /// Until when the link works.
    pub expires_at: Timestamp,
}

/// A text that is no token of ours, or no longer works. Which of the two is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("confirmation link does not work")]
pub struct BadToken;

/// What is sealed; the project is bound into the seal.
#[derive(Serialize, Deserialize)]
struct Content {
    user: NotificationUserId,
    expires: Timestamp,
}

impl Confirmation {
    /// A confirmation that works from `now` on.
    pub fn new(project_id: ProjectId, user_id: NotificationUserId, now: Timestamp) -> Self {
        Self { project_id, user_id, expires_at: now.plus(LIFETIME) }
    }

    /// The token: `<project id>.<sealed content>`, fit for a URL's path. The project stands in front in clear,
    /// because it is needed to open the rest.
    pub fn token(&self, key_ring: &KeyRing, random: &dyn Random) -> String {
        let content = Content { user: self.user_id, expires: self.expires_at };
        let json = serde_json::to_vec(&content).expect("ids and times are JSON");
        let sealed = key_ring.seal(SealedKind::Confirmation, self.project_id, &json, random);
        format!("{}.{}", self.project_id, sealed.as_str())
    }

    /// The sealed part of `token`, if it has one.
    pub fn sealed_in(token: &str) -> Option<Sealed> {
        token.split_once('.').map(|(_, sealed)| Sealed::from_text(sealed))
    }

    /// Reads a token that works at `now`.
    pub fn open(token: &str, key_ring: &KeyRing, now: Timestamp) -> Result<Self, BadToken> {
        let (project, sealed) = token.split_once('.').ok_or(BadToken)?;
        let project_id = project.parse().map_err(|_| BadToken)?;
        let json =
            key_ring.open(SealedKind::Confirmation, project_id, &Sealed::from_text(sealed)).map_err(|_| BadToken)?;
        let content: Content = serde_json::from_slice(&json).map_err(|_| BadToken)?;
        if content.expires <= now {
            return Err(BadToken);
        }
        Ok(Self { project_id, user_id: content.user, expires_at: content.expires })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    fn key_ring() -> KeyRing {
        KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn confirmation() -> Confirmation {
        Confirmation::new(ProjectId::new(now(), &SystemRandom), NotificationUserId::new(now(), &SystemRandom), now())
    }

    #[test]
    fn a_token_works_for_seven_days() {
        let confirmation = confirmation();
        let token = confirmation.token(&key_ring(), &SystemRandom);
        let last_moment = now().plus(LIFETIME).minus(Duration::from_millis(1));
        assert_eq!(Confirmation::open(&token, &key_ring(), last_moment), Ok(confirmation));
        assert_eq!(Confirmation::open(&token, &key_ring(), now().plus(LIFETIME)), Err(BadToken));
    }

    #[test]
    fn a_token_of_one_project_is_none_of_another() {
        let token = confirmation().token(&key_ring(), &SystemRandom);
        let (_, sealed) = token.split_once('.').unwrap();
        let stolen = format!("{}.{sealed}", ProjectId::new(now(), &SystemRandom));
        assert_eq!(Confirmation::open(&stolen, &key_ring(), now()), Err(BadToken));
    }

    #[test]
    fn a_token_needs_no_encoding_in_a_path() {
        let token = confirmation().token(&key_ring(), &SystemRandom);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)), "{token}");
    }

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_reader(text in "\\PC{0,120}") {
            prop_assert_eq!(Confirmation::open(&text, &key_ring(), now()), Err(BadToken));
        }
    }
}
