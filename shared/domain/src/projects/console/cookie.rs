//! The cookie that identifies a console session to the browser.
//!
//! Its value is a [`project_token`]. The time of the last use is in the cookie and not in the store, so that page views write
//! nothing. A thief of the cookie can keep it alive, but not beyond the end of the session.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ConsoleSession, ReturnTo};
use crate::foundation::id::{ConsoleSessionId, ProjectId};
use crate::foundation::key_ring::{KeyRing, Sealed, SealedKind};
use crate::foundation::language::Language;
use crate::foundation::project_token;
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;

/// A session ends if the console was not used for this time.
pub const MAX_IDLE: Duration = Duration::from_hours(1);

/// The time of the last use is updated at most this often.
const RENEWAL_INTERVAL: Duration = Duration::from_mins(5);

/// A session as the browser keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie {
    /// The project that the session gives access to.
    pub project_id: ProjectId,
    /// Id of the session.
    pub session_id: ConsoleSessionId,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// When the console was last used, up to five minutes too early.
    pub seen_at: Timestamp,
    /// What remains known after the session.
    pub after_session: AfterSession,
}

/// What the console shows when the session is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterSession {
    /// Language of the pages. Absent: the browser's.
    #[serde(default, rename = "lang", skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Where the console leads back to.
    #[serde(default, rename = "back", skip_serializing_if = "Option::is_none")]
    pub return_to: Option<ReturnTo>,
}

/// The sealed content. Times are in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct Content {
    sid: ConsoleSessionId,
    exp: i64,
    seen: i64,
    #[serde(flatten)]
    after: AfterSession,
}

/// Why a cookie is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadSessionCookie {
    /// The key ring did not seal the cookie, or it was changed.
    #[error("cookie is not one of this deployment")]
    Foreign,
    /// The session has reached its maximum duration, or was not used for too long.
    #[error("console session is over")]
    Over(AfterSession),
}

impl SessionCookie {
    /// The cookie of a session that is used at `now`.
    pub fn new(session: &ConsoleSession, now: Timestamp) -> Self {
        Self {
            project_id: session.project_id,
            session_id: session.id,
            expires_at: session.expires_at,
            seen_at: now,
            after_session: AfterSession { language: session.language, return_to: session.return_to.clone() },
        }
    }

    /// Returns the value of the cookie. It is different on each call.
    pub fn seal(&self, ring: &KeyRing, random: &dyn Random) -> String {
        let content = Content {
            sid: self.session_id,
            exp: self.expires_at.as_millis(),
            seen: self.seen_at.as_millis(),
            after: self.after_session.clone(),
        };
        let content = serde_json::to_vec(&content).expect("strings and numbers can be serialized");
        project_token::seal(ring, SealedKind::ConsoleCookie, self.project_id, &content, random)
    }

    /// Returns the sealed part of `value`, if it has one.
    pub fn sealed_in(value: &str) -> Option<Sealed> {
        project_token::sealed_in(value)
    }

    /// Opens the value of a cookie. Fails if the session is over at `now`, by its maximum duration or because it was idle. The
    /// session may have been ended earlier, which only the store knows.
    pub fn open(value: &str, ring: &KeyRing, now: Timestamp) -> Result<Self, BadSessionCookie> {
        let opened = project_token::open(ring, SealedKind::ConsoleCookie, value);
        let (project_id, content) = opened.map_err(|_| BadSessionCookie::Foreign)?;
        let content: Content = serde_json::from_slice(&content).map_err(|_| BadSessionCookie::Foreign)?;
        let time = |millis| Timestamp::from_millis(millis).ok_or(BadSessionCookie::Foreign);
        let (expires_at, seen_at) = (time(content.exp)?, time(content.seen)?);
        if expires_at <= now || now.since(seen_at) >= MAX_IDLE {
            return Err(BadSessionCookie::Over(content.after));
        }
        Ok(Self { project_id, session_id: content.sid, expires_at, seen_at, after_session: content.after })
    }

    /// Returns the cookie to set after a use at `now`; `None` if the present one is recent enough.
    pub fn renewed(&self, now: Timestamp) -> Option<Self> {
        (now.since(self.seen_at) >= RENEWAL_INTERVAL).then(|| Self { seen_at: now, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::projects::console::testing::{MINIMAL, link, now, ring};

    const WITH_RETURN: &str =
        r#"{"user":{"id":"u1","name":"Ada"},"role":"viewer","language":"es","returnTo":"https://dashboard.example/"}"#;

    fn session() -> ConsoleSession {
        link(WITH_RETURN).session(now())
    }

    fn after(minutes: u64) -> Timestamp {
        now().plus(Duration::from_mins(minutes))
    }

    #[test]
    fn a_cookie_opens_as_it_was_sealed() {
        for session in [session(), link(MINIMAL).session(now())] {
            let cookie = SessionCookie::new(&session, now());
            let value = cookie.seal(&ring("a"), &SystemRandom);
            assert_eq!(SessionCookie::open(&value, &ring("a"), now()), Ok(cookie));
            assert_eq!(SessionCookie::open(&value, &ring("b"), now()), Err(BadSessionCookie::Foreign));
        }
    }

    #[test]
    fn an_idle_session_is_over_and_leads_back() {
        let session = session();
        let value = SessionCookie::new(&session, now()).seal(&ring("a"), &SystemRandom);
        let just_before = after(60).minus(Duration::from_millis(1));
        assert!(SessionCookie::open(&value, &ring("a"), just_before).is_ok());
        let way_back = AfterSession { language: Some(Language::Spanish), return_to: session.return_to };
        assert_eq!(SessionCookie::open(&value, &ring("a"), after(60)), Err(BadSessionCookie::Over(way_back)));
    }

    #[test]
    fn a_cookie_is_renewed_every_five_minutes() {
        let cookie = SessionCookie::new(&session(), now());
        assert_eq!(cookie.renewed(after(5).minus(Duration::from_millis(1))), None);
        assert_eq!(cookie.renewed(after(5)), Some(SessionCookie { seen_at: after(5), ..cookie.clone() }));
    }

    #[test]
    fn a_value_of_another_kind_is_no_cookie() {
        let token = link(MINIMAL).seal(&ring("a"), &SystemRandom);
        assert_eq!(SessionCookie::open(&token, &ring("a"), now()), Err(BadSessionCookie::Foreign));
    }

    #[test]
    fn the_longest_cookie_is_accepted_by_browsers() {
        let back = format!("https://dashboard.example/{}", "x".repeat(998));
        let session = ConsoleSession { return_to: Some(back.parse().unwrap()), ..session() };
        let value = SessionCookie::new(&session, now()).seal(&ring("a"), &SystemRandom);
        assert!((1024..2048).contains(&value.len()), "{}", value.len());
    }

    proptest! {
        #[test]
        fn no_use_extends_a_session_beyond_its_end(pauses in prop::collection::vec(0_u64..90, 1..40)) {
            let (session, mut value, mut minute, mut used_at) = (session(), None, 0, 0);
            for pause in pauses {
                let cookie = value.get_or_insert_with(|| SessionCookie::new(&session, now()).seal(&ring("a"), &SystemRandom));
                minute += pause;
                match SessionCookie::open(cookie, &ring("a"), after(minute)) {
                    Ok(opened) => {
                        prop_assert!(minute < 8 * 60 && minute - used_at < 60, "{minute} minutes, {used_at}");
                        used_at = minute;
                        if let Some(renewed) = opened.renewed(after(minute)) {
                            prop_assert_eq!(renewed.expires_at, session.expires_at);
                            value = Some(renewed.seal(&ring("a"), &SystemRandom));
                        }
                    }
                    // The time of the last use is up to five minutes too early.
                    Err(_) => prop_assert!(minute >= 8 * 60 || minute - used_at >= 55, "{minute} minutes, {used_at}"),
                }
            }
        }

        #[test]
        fn a_cookie_with_a_changed_character_is_rejected(position in any::<prop::sample::Index>(), replacement in "[A-Za-z0-9_.-]") {
            let value = SessionCookie::new(&session(), now()).seal(&ring("a"), &SystemRandom);
            let position = position.index(value.len());
            let changed = format!("{}{replacement}{}", &value[..position], &value[position + 1..]);
            prop_assume!(changed != value);
            prop_assert_eq!(SessionCookie::open(&changed, &ring("a"), now()), Err(BadSessionCookie::Foreign));
        }

        #[test]
        fn an_arbitrary_value_never_opens(value in "\\PC{0,120}") {
            prop_assert_eq!(SessionCookie::open(&value, &ring("a"), now()), Err(BadSessionCookie::Foreign));
        }
    }
}
