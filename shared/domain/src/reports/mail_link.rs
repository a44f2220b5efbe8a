//! Links in mails, with which a person confirms an address for a project's daily report or unsubscribes it.
//!
//! A link has a token that only this deployment can create. Links are not stored: the token contains, sealed, the purpose, the
//! notification user and the expiry. A link can be used more than once with the same result.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::foundation::id::{NotificationUserId, ProjectId};
use crate::foundation::key_ring::{KeyRing, Sealed, SealedKind};
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;

/// The purpose of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Confirms the address.
    Confirm,
    /// Stops mails to the address.
    Unsubscribe,
}

impl LinkPurpose {
    /// Lifetime of a link. Unsubscribing works for 400 days, because people keep mails.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Confirm => Duration::from_hours(7 * 24),
            Self::Unsubscribe => Duration::from_hours(400 * 24),
        }
    }

    /// The first segment of the link's path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    const fn sealed_kind(self) -> SealedKind {
        match self {
            Self::Confirm => SealedKind::Confirmation,
            Self::Unsubscribe => SealedKind::Unsubscription,
        }
    }
}

/// A link in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailLink {
    /// The purpose of the link.
    pub purpose: LinkPurpose,
    /// The project whose reports are mailed.
    pub project_id: ProjectId,
    /// The notification user.
    pub user_id: NotificationUserId,
    /// When the link expires.
    pub expires_at: Timestamp,
}

/// A string that is not a token of this deployment, or a token that has expired. The error does not distinguish the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("link does not work")]
pub struct BadToken;

/// The sealed content of a token. The project is bound into the sealed value.
#[derive(Serialize, Deserialize)]
struct Content {
    user: NotificationUserId,
    expires: Timestamp,
}

impl MailLink {
    /// Creates a link at `now`.
    pub fn new(purpose: LinkPurpose, project_id: ProjectId, user_id: NotificationUserId, now: Timestamp) -> Self {
        Self { purpose, project_id, user_id, expires_at: now.plus(purpose.lifetime()) }
    }

    /// Returns the URL of the link under the API's `base_url`.
    pub fn url(&self, base_url: &str, key_ring: &KeyRing, random: &dyn Random) -> String {
        format!("{base_url}/{}/{}", self.purpose.path(), self.token(key_ring, random))
    }

    /// Returns a token for the link, `<project id>.<sealed content>`, that is safe in the path of a URL. The project id is not
    /// encrypted, because it is required to open the content.
    pub fn token(&self, key_ring: &KeyRing, random: &dyn Random) -> String {
        let content = Content { user: self.user_id, expires: self.expires_at };
        let json = serde_json::to_vec(&content).expect("ids and times can be serialized");
        let sealed = key_ring.seal(self.purpose.sealed_kind(), self.project_id, &json, random);
        format!("{}.{}", self.project_id, sealed.as_str())
    }

    /// Returns the sealed part of `token`, if it has one.
    pub fn sealed_in(token: &str) -> Option<Sealed> {
        token.split_once('.').map(|(_, sealed)| Sealed::from_text(sealed))
    }

    /// Opens a token. Fails unless it was created for `purpose` and is valid at `now`.
    pub fn open(purpose: LinkPurpose, token: &str, key_ring: &KeyRing, now: Timestamp) -> Result<Self, BadToken> {
        let (project, sealed) = token.split_once('.').ok_or(BadToken)?;
        let project_id = project.parse().map_err(|_| BadToken)?;
        let sealed = Sealed::from_text(sealed);
        let json = key_ring.open(purpose.sealed_kind(), project_id, &sealed).map_err(|_| BadToken)?;
        let content: Content = serde_json::from_slice(&json).map_err(|_| BadToken)?;
        if content.expires <= now {
            return Err(BadToken);
        }
        Ok(Self { purpose, project_id, user_id: content.user, expires_at: content.expires })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn key_ring() -> KeyRing {
        KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn link(purpose: LinkPurpose) -> MailLink {
        let (project, user) = (ProjectId::new(now(), &SystemRandom), NotificationUserId::new(now(), &SystemRandom));
        MailLink::new(purpose, project, user, now())
    }

    #[test]
    fn a_link_works_until_it_expires_and_only_for_its_purpose() {
        for (purpose, other, days) in
            [(LinkPurpose::Confirm, LinkPurpose::Unsubscribe, 7), (LinkPurpose::Unsubscribe, LinkPurpose::Confirm, 400)]
        {
            let link = link(purpose);
            let token = link.token(&key_ring(), &SystemRandom);
            let end = now().plus(Duration::from_hours(24) * days);
            let before_end = end.minus(Duration::from_millis(1));
            assert_eq!(MailLink::open(purpose, &token, &key_ring(), before_end), Ok(link));
            assert_eq!(MailLink::open(purpose, &token, &key_ring(), end), Err(BadToken));
            assert_eq!(MailLink::open(other, &token, &key_ring(), now()), Err(BadToken));
        }
    }

    #[test]
    fn a_token_does_not_work_for_another_project() {
        let token = link(LinkPurpose::Confirm).token(&key_ring(), &SystemRandom);
        let (_, sealed) = token.split_once('.').unwrap();
        let stolen = format!("{}.{sealed}", ProjectId::new(now(), &SystemRandom));
        assert_eq!(MailLink::open(LinkPurpose::Confirm, &stolen, &key_ring(), now()), Err(BadToken));
    }

    #[test]
    fn a_link_has_only_url_safe_characters() {
        let url = link(LinkPurpose::Unsubscribe).url("https://api.example", &key_ring(), &SystemRandom);
        let token = url.strip_prefix("https://api.example/unsubscribe/").unwrap();
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)), "{token}");
    }

    proptest! {
        #[test]
        fn an_arbitrary_token_never_opens(text in "\\PC{0,120}") {
            prop_assert_eq!(MailLink::open(LinkPurpose::Confirm, &text, &key_ring(), now()), Err(BadToken));
        }
    }
}
