//! Links in mails, with which a person confirms an address for a project's daily report or unsubscribes it.
//!
//! A link has a token that only this deployment can create. Links are not stored: the token contains, sealed, the purpose, the
//! notification user, hashes of the address, and the expiry. A link can be used more than once with the same result.
//!
//! Links outlive the keys of the key ring, so each project has a link key that seals its links. The link key is sealed under the
//! key ring and resealed when the ring is rotated. Links of earlier versions are sealed under the key ring itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::foundation::id::{NotificationUserId, ProjectId};
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::random::{self, Random};
use crate::foundation::time::Timestamp;
use crate::reports::email_address::AddressHashes;
use crate::reports::notification_user::NotificationUser;

/// The name of a project's key in a token.
const KEY_NAME: &str = "link";

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

/// The key that seals a project's links, as it is stored: sealed under the key ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredLinkKey {
    /// The project.
    pub project_id: ProjectId,
    /// The sealed key.
    pub sealed: Sealed,
}

/// The key that seals a project's links.
#[derive(Debug, Clone)]
pub struct LinkKey(KeyRing);

impl StoredLinkKey {
    /// Generates a key for a project.
    pub fn generate(project_id: ProjectId, key_ring: &KeyRing, random: &dyn Random) -> Self {
        let key = Zeroizing::new(random::letters_and_digits(43, random));
        Self { project_id, sealed: key_ring.seal(SealedKind::MailLinkKey, project_id, key.as_bytes(), random) }
    }

    /// Opens the key.
    pub fn open(&self, key_ring: &KeyRing) -> Result<LinkKey, CannotOpen> {
        let key = key_ring.open(SealedKind::MailLinkKey, self.project_id, &self.sealed)?;
        let key = String::from_utf8(key).map_err(|_| CannotOpen)?;
        Ok(LinkKey(KeyRing::of_one(KEY_NAME, key)))
    }

    /// The sealed values, to reseal them after a rotation of the key ring.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        std::iter::once((SealedKind::MailLinkKey, &mut self.sealed))
    }
}

/// A link in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLink {
    /// The purpose of the link.
    pub purpose: LinkPurpose,
    /// The project whose reports are mailed.
    pub project_id: ProjectId,
    /// The notification user.
    pub user_id: NotificationUserId,
    /// Hashes of the address that the mail was sent to. They are needed after the notification user is removed. `None` in links of
    /// earlier versions.
    pub address: Option<AddressHashes>,
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
    #[serde(flatten)]
    address: Option<AddressHashes>,
    expires: Timestamp,
}

impl MailLink {
    /// Creates a link for a notification user at `now`.
    pub fn new(purpose: LinkPurpose, user: &NotificationUser, now: Timestamp) -> Self {
        Self {
            purpose,
            project_id: user.project_id,
            user_id: user.id,
            address: Some(user.email.hashes()),
            expires_at: now.plus(purpose.lifetime()),
        }
    }

    /// Returns the URL of the link under the API's `base_url`.
    pub fn url(&self, base_url: &str, key: &LinkKey, random: &dyn Random) -> String {
        format!("{base_url}{}", self.path(key, random))
    }

    /// Returns the path of the link.
    pub fn path(&self, key: &LinkKey, random: &dyn Random) -> String {
        format!("/{}/{}", self.purpose.path(), self.token(&key.0, random))
    }

    /// Returns a token for the link, `<project id>.<sealed content>`, that is safe in the path of a URL. The project id is not
    /// encrypted, because it is required to open the content.
    fn token(&self, keys: &KeyRing, random: &dyn Random) -> String {
        let content = Content { user: self.user_id, address: self.address.clone(), expires: self.expires_at };
        let json = serde_json::to_vec(&content).expect("ids, hashes and times can be serialized");
        let sealed = keys.seal(self.purpose.sealed_kind(), self.project_id, &json, random);
        format!("{}.{}", self.project_id, sealed.as_str())
    }

    /// Returns the project in `token`, if the token is well-formed. The project is unverified until the token is opened.
    pub fn project_in(token: &str) -> Option<ProjectId> {
        token.split_once('.').and_then(|(project, _)| project.parse().ok())
    }

    /// Returns the sealed part of `token`, unless it names the project's link key.
    pub fn sealed_in(token: &str) -> Option<Sealed> {
        let sealed = token.split_once('.').map(|(_, sealed)| Sealed::from_text(sealed));
        sealed.filter(|sealed| sealed.key_name() != Some(KEY_NAME))
    }

    /// Opens a token. Fails unless the token is for `purpose`, valid at `now`, and sealed under its project's link key or the key
    /// ring.
    pub fn open(
        purpose: LinkPurpose,
        token: &str,
        key: Option<&LinkKey>,
        key_ring: &KeyRing,
        now: Timestamp,
    ) -> Result<Self, BadToken> {
        let (project, sealed) = token.split_once('.').ok_or(BadToken)?;
        let project_id = project.parse().map_err(|_| BadToken)?;
        let sealed = Sealed::from_text(sealed);
        let open = |keys: &KeyRing| keys.open(purpose.sealed_kind(), project_id, &sealed).ok();
        let json = key.and_then(|key| open(&key.0)).or_else(|| open(key_ring)).ok_or(BadToken)?;
        let content: Content = serde_json::from_slice(&json).map_err(|_| BadToken)?;
        if content.expires <= now {
            return Err(BadToken);
        }
        let Content { user, address, expires } = content;
        Ok(Self { purpose, project_id, user_id: user, address, expires_at: expires })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::draft::Draft;
    use crate::foundation::random::SystemRandom;
    use crate::reports::notification_user::NewNotificationUser;

    const FIRST: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;
    const BOTH: &str =
        r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;
    const SECOND: &str = r#"{"current":"k2","k2":"fedcba9876543210fedcba9876543210"}"#;

    fn ring(json: &str) -> KeyRing {
        KeyRing::from_json(json).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn user() -> NotificationUser {
        let draft = Draft::parse(br#"{"name":"Ada","email":"ada+1@acme.example"}"#).unwrap();
        let (id, project) = (NotificationUserId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        NewNotificationUser::try_from(draft).unwrap().create(id, project)
    }

    fn stored_key(user: &NotificationUser) -> StoredLinkKey {
        StoredLinkKey::generate(user.project_id, &ring(FIRST), &SystemRandom)
    }

    fn token(link: &MailLink, key: &LinkKey) -> String {
        let path = link.path(key, &SystemRandom);
        path.rsplit_once('/').unwrap().1.to_owned()
    }

    /// A token of an earlier version.
    fn earlier_token(link: &MailLink) -> String {
        MailLink { address: None, ..link.clone() }.token(&ring(FIRST), &SystemRandom)
    }

    #[test]
    fn a_link_works_until_it_expires_and_only_for_its_purpose() {
        for (purpose, other, days) in
            [(LinkPurpose::Confirm, LinkPurpose::Unsubscribe, 7), (LinkPurpose::Unsubscribe, LinkPurpose::Confirm, 400)]
        {
            let user = user();
            let key = stored_key(&user).open(&ring(FIRST)).unwrap();
            let link = MailLink::new(purpose, &user, now());
            let open = |purpose, token: &str, at| MailLink::open(purpose, token, Some(&key), &ring(FIRST), at);
            let end = now().plus(Duration::from_hours(24) * days);
            let before_end = end.minus(Duration::from_millis(1));
            let earlier = MailLink { address: None, ..link.clone() };
            for (token, link) in [(token(&link, &key), link.clone()), (earlier_token(&link), earlier)] {
                assert_eq!(open(purpose, &token, before_end), Ok(link));
                assert_eq!(open(purpose, &token, end), Err(BadToken));
                assert_eq!(open(other, &token, now()), Err(BadToken));
            }
        }
    }

    #[test]
    fn a_link_works_after_the_key_ring_was_rotated_and_the_old_key_was_removed() {
        let user = user();
        let mut stored = stored_key(&user);
        let link = MailLink::new(LinkPurpose::Unsubscribe, &user, now());
        let token = token(&link, &stored.open(&ring(FIRST)).unwrap());
        assert_eq!(MailLink::sealed_in(&token), None, "an unknown key name would reload the key ring");

        assert_eq!(ring(BOTH).reseal(user.project_id, stored.sealed_mut(), &SystemRandom).resealed, 1);
        let key = stored.open(&ring(SECOND)).unwrap();
        assert_eq!(MailLink::open(LinkPurpose::Unsubscribe, &token, Some(&key), &ring(SECOND), now()), Ok(link));
    }

    #[test]
    fn a_link_of_an_earlier_version_works_while_the_ring_has_its_key() {
        let user = user();
        let token = earlier_token(&MailLink::new(LinkPurpose::Unsubscribe, &user, now()));
        let key = stored_key(&user).open(&ring(FIRST)).unwrap();
        let open = |key: Option<&LinkKey>, ring| MailLink::open(LinkPurpose::Unsubscribe, &token, key, &ring, now());
        assert!(MailLink::sealed_in(&token).is_some());
        assert!(open(None, ring(BOTH)).is_ok() && open(Some(&key), ring(BOTH)).is_ok());
        assert_eq!(open(Some(&key), ring(SECOND)), Err(BadToken));
    }

    #[test]
    fn a_token_does_not_work_for_another_project() {
        let user = user();
        let key = stored_key(&user).open(&ring(FIRST)).unwrap();
        let token = token(&MailLink::new(LinkPurpose::Confirm, &user, now()), &key);
        let (_, sealed) = token.split_once('.').unwrap();
        let stolen = format!("{}.{sealed}", ProjectId::new(now(), &SystemRandom));
        assert_eq!(MailLink::open(LinkPurpose::Confirm, &stolen, Some(&key), &ring(FIRST), now()), Err(BadToken));
    }

    #[test]
    fn a_link_has_only_url_safe_characters_and_does_not_show_the_address() {
        let user = user();
        let key = stored_key(&user).open(&ring(FIRST)).unwrap();
        let link = MailLink::new(LinkPurpose::Unsubscribe, &user, now());
        let url = link.url("https://api.example", &key, &SystemRandom);
        let token = url.strip_prefix("https://api.example/unsubscribe/").unwrap();
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)), "{token}");
        assert!(!token.contains(user.email.hashes().person.as_str()) && token.len() < 400, "{token}");
    }

    proptest! {
        #[test]
        fn an_arbitrary_token_never_opens(text in "\\PC{0,120}") {
            let user = user();
            let key = stored_key(&user).open(&ring(FIRST)).unwrap();
            prop_assert_eq!(MailLink::open(LinkPurpose::Confirm, &text, Some(&key), &ring(FIRST), now()), Err(BadToken));
        }
    }
}
