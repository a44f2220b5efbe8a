//! Links in mails: how an address agrees to get a project's daily report, and how it gets rid of it.
//!
//! A link carries a token that only this deployment can make. Nothing is stored for it: the token itself tells, sealed, what it
//! is for, whom it is about and until when it works. It may be used again; using it twice changes nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{NotificationUserId, ProjectId};
use crate::key_ring::{KeyRing, Sealed, SealedKind};
use crate::random::Random;
use crate::time::Timestamp;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Its address agrees to get mails.
    Confirm,
    /// Its address gets no more mails.
    Unsubscribe,
}

impl LinkPurpose {
    /// How long such a link works. Mails are kept, and whoever opens an old one must be able to unsubscribe.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Confirm => Duration::from_hours(7 * 24),
            Self::Unsubscribe => Duration::from_hours(400 * 24),
        }
    }

    /// The first part of the link's path.
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

/// What a link is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailLink {
    /// What it does.
    pub purpose: LinkPurpose,
    /// Whose reports.
    pub project_id: ProjectId,
    /// Whose address.
    pub user_id: NotificationUserId,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// A text that is no token of ours, or no longer works. Which of the two is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("link does not work")]
pub struct BadToken;

/// What is sealed; the project is bound into the seal.
#[derive(Serialize, Deserialize)]
struct Content {
    user: NotificationUserId,
    expires: Timestamp,
}

impl MailLink {
    /// A link that works from `now` on.
    pub fn new(purpose: LinkPurpose, project_id: ProjectId, user_id: NotificationUserId, now: Timestamp) -> Self {
        Self { purpose, project_id, user_id, expires_at: now.plus(purpose.lifetime()) }
    }

    /// The link, below the API's `base_url`.
    pub fn url(&self, base_url: &str, key_ring: &KeyRing, random: &dyn Random) -> String {
        format!("{base_url}/{}/{}", self.purpose.path(), self.token(key_ring, random))
    }

    /// The token: `<project id>.<sealed content>`, fit for a URL's path. The project stands in front in clear,
    /// because it is needed to open the rest.
    pub fn token(&self, key_ring: &KeyRing, random: &dyn Random) -> String {
        let content = Content { user: self.user_id, expires: self.expires_at };
        let json = serde_json::to_vec(&content).expect("ids and times are JSON");
        let sealed = key_ring.seal(self.purpose.sealed_kind(), self.project_id, &json, random);
        format!("{}.{}", self.project_id, sealed.as_str())
    }

    /// The sealed part of `token`, if it has one.
    pub fn sealed_in(token: &str) -> Option<Sealed> {
        token.split_once('.').map(|(_, sealed)| Sealed::from_text(sealed))
    }

    /// Reads a token that was made for `purpose` and works at `now`.
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
    use crate::random::SystemRandom;

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
    fn a_link_works_until_its_time_is_over_and_for_its_purpose_alone() {
        for (purpose, other, days) in
            [(LinkPurpose::Confirm, LinkPurpose::Unsubscribe, 7), (LinkPurpose::Unsubscribe, LinkPurpose::Confirm, 400)]
        {
            let link = link(purpose);
            let token = link.token(&key_ring(), &SystemRandom);
            let end = now().plus(Duration::from_hours(24) * days);
            let last_moment = end.minus(Duration::from_millis(1));
            assert_eq!(MailLink::open(purpose, &token, &key_ring(), last_moment), Ok(link));
            assert_eq!(MailLink::open(purpose, &token, &key_ring(), end), Err(BadToken));
            assert_eq!(MailLink::open(other, &token, &key_ring(), now()), Err(BadToken));
        }
    }

    #[test]
    fn a_token_of_one_project_is_none_of_another() {
        let token = link(LinkPurpose::Confirm).token(&key_ring(), &SystemRandom);
        let (_, sealed) = token.split_once('.').unwrap();
        let stolen = format!("{}.{sealed}", ProjectId::new(now(), &SystemRandom));
        assert_eq!(MailLink::open(LinkPurpose::Confirm, &stolen, &key_ring(), now()), Err(BadToken));
    }

    #[test]
    fn a_link_needs_no_encoding() {
        let url = link(LinkPurpose::Unsubscribe).url("https://api.example", &key_ring(), &SystemRandom);
        let token = url.strip_prefix("https://api.example/unsubscribe/").unwrap();
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)), "{token}");
    }

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_reader(text in "\\PC{0,120}") {
            prop_assert_eq!(MailLink::open(LinkPurpose::Confirm, &text, &key_ring(), now()), Err(BadToken));
        }
    }
}
