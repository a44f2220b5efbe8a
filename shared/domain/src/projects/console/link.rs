//! Console links, which open the console for one user, once.
//!
//! A link is `/in/{token}`, where the token is a [`project_token`]. Links are not stored, and they cannot be read, changed or
//! guessed. Only the session that a link opens is stored, under the id in the link.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::session::MAX_SESSION;
use super::{ConsolePath, ConsoleSession, ConsoleUser, ReturnTo, Role};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{ConsoleSessionId, ProjectId};
use crate::foundation::key_ring::{KeyRing, Sealed, SealedKind};
use crate::foundation::language::Language;
use crate::foundation::project_token;
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;

const MIN_SECONDS: u64 = 60;
const MAX_SECONDS: u64 = 3600;

/// Maximum lifetime of a console link.
pub const MAX_CONSOLE_LINK_LIFETIME: Duration = Duration::from_secs(MAX_SECONDS);

/// A link that opens the console for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleLink {
    /// The project whose console the link opens.
    pub project_id: ProjectId,
    /// Id of the session that the link opens.
    pub session_id: ConsoleSessionId,
    /// Who uses the session.
    pub user: ConsoleUser,
    /// What the user may do.
    pub role: Role,
    /// Language of the pages. Absent: the browser's.
    pub language: Option<Language>,
    /// The first page. Absent: the overview.
    pub next: Option<ConsolePath>,
    /// Where the console leads back to.
    pub return_to: Option<ReturnTo>,
    /// The project's revision when the link was minted.
    pub revision: u64,
    /// When the link expires.
    pub expires_at: Timestamp,
}

/// The sealed content of a token. Names are short to keep links short.
#[derive(Serialize, Deserialize)]
struct Content {
    sid: ConsoleSessionId,
    user: ConsoleUser,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lang: Option<Language>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<ConsolePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<ReturnTo>,
    rev: u64,
    /// When the link expires, in milliseconds since the Unix epoch.
    exp: i64,
}

/// Why a token is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadConsoleLink {
    /// The key ring did not seal the token, or it was changed.
    #[error("console link is not a link of this deployment")]
    Foreign,
    /// The link has expired.
    #[error("console link has expired")]
    Expired,
}

impl ConsoleLink {
    /// Returns a token for this link. It is URL-safe and different on each call.
    pub fn seal(&self, ring: &KeyRing, random: &dyn Random) -> String {
        let link = self.clone();
        let content = Content {
            sid: link.session_id,
            user: link.user,
            role: link.role,
            lang: link.language,
            next: link.next,
            back: link.return_to,
            rev: link.revision,
            exp: link.expires_at.as_millis(),
        };
        let content = serde_json::to_vec(&content).expect("strings and numbers can be serialized");
        project_token::seal(ring, SealedKind::ConsoleLink, self.project_id, &content, random)
    }

    /// Returns the sealed part of `token`, if it has one.
    pub fn sealed_in(token: &str) -> Option<Sealed> {
        project_token::sealed_in(token)
    }

    /// Opens the link in `token`. Fails if the link has expired at `now`.
    pub fn open(token: &str, ring: &KeyRing, now: Timestamp) -> Result<Self, BadConsoleLink> {
        let opened = project_token::open(ring, SealedKind::ConsoleLink, token);
        let (project_id, content) = opened.map_err(|_| BadConsoleLink::Foreign)?;
        let content: Content = serde_json::from_slice(&content).map_err(|_| BadConsoleLink::Foreign)?;
        let expires_at = Timestamp::from_millis(content.exp).ok_or(BadConsoleLink::Foreign)?;
        if expires_at <= now {
            return Err(BadConsoleLink::Expired);
        }
        Ok(Self {
            project_id,
            session_id: content.sid,
            user: content.user,
            role: content.role,
            language: content.lang,
            next: content.next,
            return_to: content.back,
            revision: content.rev,
            expires_at,
        })
    }

    /// Returns the session that begins if the link is opened at `now`.
    pub fn session(&self, now: Timestamp) -> ConsoleSession {
        ConsoleSession {
            id: self.session_id,
            project_id: self.project_id,
            user: self.user.clone(),
            role: self.role,
            language: self.language,
            return_to: self.return_to.clone(),
            revision: self.revision,
            created_at: now,
            expires_at: now.plus(MAX_SESSION),
        }
    }
}

/// Lifetime of a console link in seconds: 1 minute to 1 hour. The default is 5 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 60, maximum = 3600, default = 300))]
#[serde(try_from = "u64")]
pub struct ConsoleLinkLifetime(u64);

/// A number of seconds outside the range of a [`ConsoleLinkLifetime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from {MIN_SECONDS} to {MAX_SECONDS}")]
pub struct BadConsoleLinkLifetime;

impl TryFrom<u64> for ConsoleLinkLifetime {
    type Error = BadConsoleLinkLifetime;

    fn try_from(seconds: u64) -> Result<Self, BadConsoleLinkLifetime> {
        if (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) { Ok(Self(seconds)) } else { Err(BadConsoleLinkLifetime) }
    }
}

impl Default for ConsoleLinkLifetime {
    fn default() -> Self {
        Self(300)
    }
}

/// A request for a console link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsoleLink {
    user: ConsoleUser,
    role: Role,
    language: Option<Language>,
    next: Option<ConsolePath>,
    return_to: Option<ReturnTo>,
    lifetime: ConsoleLinkLifetime,
}

impl TryFrom<Draft> for NewConsoleLink {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let user = ConsoleUser::take(&mut draft);
        let role = draft.required("role");
        let language = draft.optional("language");
        let next = draft.optional("next");
        let return_to = draft.optional("returnTo");
        let lifetime = draft.optional("expiresInSeconds").unwrap_or_default();
        draft.check(|| Some(Self { user: user?, role: role?, language, next, return_to, lifetime }))
    }
}

impl NewConsoleLink {
    /// Creates the requested link of a project with this revision.
    pub fn create(
        self,
        project_id: ProjectId,
        revision: u64,
        session_id: ConsoleSessionId,
        now: Timestamp,
    ) -> ConsoleLink {
        let Self { user, role, language, next, return_to, lifetime: ConsoleLinkLifetime(seconds) } = self;
        let expires_at = now.plus(Duration::from_secs(seconds));
        ConsoleLink { project_id, session_id, user, role, language, next, return_to, revision, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::projects::console::testing::{MINIMAL, link, new, now, ring};

    const FULL: &str = r#"{"user":{"id":"u1","name":"에이다"},"role":"admin","language":"ko","next":"/deliveries?state=failed",
        "returnTo":"https://dashboard.example/#settings","expiresInSeconds":60}"#;

    #[test]
    fn a_link_opens_until_it_expires() {
        for (body, seconds) in [(MINIMAL, 300), (FULL, 60)] {
            let link = link(body);
            let token = link.seal(&ring("a"), &SystemRandom);
            let expiry = now().plus(Duration::from_secs(seconds));
            let before_expiry = expiry.minus(Duration::from_millis(1));
            assert_eq!(ConsoleLink::open(&token, &ring("a"), before_expiry), Ok(link));
            assert_eq!(ConsoleLink::open(&token, &ring("a"), expiry), Err(BadConsoleLink::Expired));
        }
    }

    #[test]
    fn a_session_has_what_its_link_says_and_lasts_eight_hours() {
        let link = link(FULL);
        let session = link.session(now());
        assert_eq!((session.id, session.project_id, session.revision), (link.session_id, link.project_id, 7));
        assert_eq!((&session.user, session.role, session.language), (&link.user, Role::Admin, Some(Language::Korean)));
        assert_eq!(session.return_to, link.return_to);
        let end = now().plus(Duration::from_hours(8));
        assert!(!session.is_over(end.minus(Duration::from_millis(1))) && session.is_over(end));
    }

    #[test]
    fn a_link_of_another_ring_or_project_is_rejected() {
        let (ours, theirs) = (link(MINIMAL), link(MINIMAL));
        let token = ours.seal(&ring("a"), &SystemRandom);
        let (_, sealed) = token.split_once('.').unwrap();
        let other = theirs.seal(&ring("a"), &SystemRandom);
        let moved = format!("{}.{sealed}", other.split_once('.').unwrap().0);
        assert_eq!(ConsoleLink::open(&token, &ring("b"), now()), Err(BadConsoleLink::Foreign));
        assert_eq!(ConsoleLink::open(&moved, &ring("a"), now()), Err(BadConsoleLink::Foreign));
    }

    #[test]
    fn only_a_console_link_opens_as_one() {
        let link = link(MINIMAL);
        let content = br#"{"sid":"019ab5e0-0000-7000-8000-000000000001","user":{"id":"u1","name":"Ada"},"role":"admin","rev":1,"exp":9999999999999}"#;
        for kind in [SealedKind::ReturnLink, SealedKind::ConsoleCookie, SealedKind::Confirmation] {
            let token = project_token::seal(&ring("a"), kind, link.project_id, content, &SystemRandom);
            assert_eq!(ConsoleLink::open(&token, &ring("a"), now()), Err(BadConsoleLink::Foreign), "{kind:?}");
        }
        let token = project_token::seal(&ring("a"), SealedKind::ConsoleLink, link.project_id, content, &SystemRandom);
        assert!(ConsoleLink::open(&token, &ring("a"), now()).is_ok());
    }

    #[test]
    fn a_token_is_url_safe_and_reveals_nothing() {
        let token = link(FULL).seal(&ring("a"), &SystemRandom);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{token}");
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap();
        assert!(!String::from_utf8_lossy(&decoded).contains("dashboard"));
    }

    #[test]
    fn the_longest_link_fits_in_a_request_line() {
        let (name, path) = ("\u{1f600}".repeat(100), "x".repeat(511));
        let back = format!("https://dashboard.example/{}", "x".repeat(998));
        let body = format!(
            r#"{{"user":{{"id":"{name}","name":"{name}"}},"role":"developer","language":"en","next":"/{path}","returnTo":"{back}"}}"#
        );
        let token = link(&body).seal(&ring("a"), &SystemRandom);
        assert!((3000..4096).contains(&token.len()), "{}", token.len());
    }

    #[test]
    fn all_bad_fields_of_a_request_are_reported_together() {
        for (body, pointers) in [
            ("{}", vec!["/user", "/role"]),
            (r#"{"user":"u1","role":"viewer"}"#, vec!["/user"]),
            (r#"{"user":{},"role":"viewer"}"#, vec!["/user/id", "/user/name"]),
            (
                r#"{"user":{"id":"","name":"a\u202eb","email":"x"},"role":"root"}"#,
                vec!["/user/id", "/user/name", "/user/email", "/role"],
            ),
            (
                r#"{"user":{"id":"u","name":"n"},"role":"viewer","language":"fr","next":"//evil.example","returnTo":"http://evil.example",
                "expiresInSeconds":3601,"scopes":[]}"#,
                vec!["/language", "/next", "/returnTo", "/expiresInSeconds", "/scopes"],
            ),
        ] {
            let BadFields(bad) = new(body).unwrap_err();
            assert_eq!(bad.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), pointers, "{body}");
        }
    }

    proptest! {
        #[test]
        fn a_link_with_a_changed_character_is_rejected(position in any::<prop::sample::Index>(), replacement in "[A-Za-z0-9_.-]") {
            let token = link(FULL).seal(&ring("a"), &SystemRandom);
            let position = position.index(token.len());
            let changed = format!("{}{replacement}{}", &token[..position], &token[position + 1..]);
            prop_assume!(changed != token);
            prop_assert_eq!(ConsoleLink::open(&changed, &ring("a"), now()), Err(BadConsoleLink::Foreign));
        }

        #[test]
        fn an_arbitrary_token_never_opens(token in "\\PC{0,80}", project in "[A-Za-z0-9_-]{22}", sealed in "[A-Za-z0-9_-]{0,80}") {
            for token in [token, format!("{project}.k1.{sealed}")] {
                prop_assert_eq!(ConsoleLink::open(&token, &ring("a"), now()), Err(BadConsoleLink::Foreign));
            }
        }
    }
}
