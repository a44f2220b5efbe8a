//! Return links, which lead one person to the return URL after a verification.
//!
//! A link is `/r/{token}`, where the token is a [`project_token`]. Links are not stored, and they cannot be read, changed or
//! guessed. Only the use of a single-use link is recorded.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::from_value;
use thiserror::Error;

use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{ProjectId, ReturnLinkId};
use crate::foundation::key_ring::{KeyRing, Sealed, SealedKind};
use crate::foundation::project_token;
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;
use crate::return_urls::{Outcome, PersonFields, Verification};

/// A link that leads one person to the return URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnLink {
    /// The project whose return URL the link leads to.
    pub project_id: ProjectId,
    /// The verification, whose values the return URL carries.
    pub verification: Verification,
    /// When the link expires.
    pub expires_at: Timestamp,
    /// Id of the link, if it works only once.
    pub single_use: Option<ReturnLinkId>,
    /// The project's revision when the link was minted. The link uses settings of this revision or a later one. 0 in links of
    /// earlier versions.
    pub revision: u64,
}

/// The sealed content of a token.
#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    verification: Verification,
    /// When the link expires, in milliseconds since the Unix epoch.
    exp: i64,
    /// Id of the link, if it works only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    once: Option<ReturnLinkId>,
    /// The project's revision when the link was minted.
    #[serde(default)]
    rev: u64,
}

/// Why a token is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadReturnLink {
    /// The key ring did not seal the token, or it was changed.
    #[error("return link is not a link of this deployment")]
    Foreign,
    /// The link has expired.
    #[error("return link has expired")]
    Expired,
}

impl ReturnLink {
    /// Returns a token for this link. It is URL-safe and different on each call.
    pub fn seal(&self, ring: &KeyRing, random: &dyn Random) -> String {
        let verification = self.verification.clone();
        let exp = self.expires_at.as_millis();
        let content = Content { verification, exp, once: self.single_use, rev: self.revision };
        let plaintext = serde_json::to_vec(&content).expect("strings and numbers can be serialized");
        project_token::seal(ring, SealedKind::ReturnLink, self.project_id, &plaintext, random)
    }

    /// Returns the sealed part of `token`, if it has one.
    pub fn sealed_in(token: &str) -> Option<Sealed> {
        project_token::sealed_in(token)
    }

    /// Opens the link in `token`. Fails if the link has expired at `now`.
    pub fn open(token: &str, ring: &KeyRing, now: Timestamp) -> Result<Self, BadReturnLink> {
        let opened = project_token::open(ring, SealedKind::ReturnLink, token);
        let (project_id, plaintext) = opened.map_err(|_| BadReturnLink::Foreign)?;
        let content: Content = serde_json::from_slice(&plaintext).map_err(|_| BadReturnLink::Foreign)?;
        let expires_at = Timestamp::from_millis(content.exp).ok_or(BadReturnLink::Foreign)?;
        if expires_at <= now {
            return Err(BadReturnLink::Expired);
        }
        let Content { verification, once: single_use, rev: revision, .. } = content;
        Ok(Self { project_id, verification, expires_at, single_use, revision })
    }
}

/// Lifetime of a return link in seconds: 1 minute to 1 day. The default is 1 hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 60, maximum = 86400, default = 3600))]
#[serde(try_from = "u64")]
pub struct LinkLifetime(u64);

/// A number of seconds outside the range of a [`LinkLifetime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 60 to 86400")]
pub struct BadLinkLifetime;

impl TryFrom<u64> for LinkLifetime {
    type Error = BadLinkLifetime;

    fn try_from(seconds: u64) -> Result<Self, BadLinkLifetime> {
        if (60..=86_400).contains(&seconds) { Ok(Self(seconds)) } else { Err(BadLinkLifetime) }
    }
}

impl Default for LinkLifetime {
    fn default() -> Self {
        Self(3600)
    }
}

/// A request for a return link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReturnLink {
    /// The verification, whose values the return URL carries.
    pub verification: Verification,
    /// How long the link works.
    pub lifetime: LinkLifetime,
    /// Whether the link works only once.
    pub single_use: bool,
}

impl TryFrom<Draft> for NewReturnLink {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let outcome = take_outcome(&mut draft);
        let person = PersonFields::take(&mut draft);
        let lifetime = draft.optional("expiresInSeconds").unwrap_or_default();
        let single_use = draft.optional("singleUse").unwrap_or_default();
        draft.check(|| {
            let verification = Verification { outcome: outcome?, person };
            Some(Self { verification, lifetime, single_use })
        })
    }
}

fn take_outcome(draft: &mut Draft) -> Option<Outcome> {
    let fields: (Option<Value>, Option<Value>) = (draft.optional("kycStatus"), draft.optional("errorCode"));
    let (pointer, outcome) = match fields {
        (Some(status), None) => ("/kycStatus", from_value(status).map(Outcome::Result)),
        (None, Some(code)) => ("/errorCode", from_value(code).map(Outcome::Error)),
        (None, None) => return draft.refuse("/kycStatus", "is required unless errorCode is present"),
        (Some(_), Some(_)) => {
            return draft.refuse("/errorCode", "must not be present together with kycStatus");
        }
    };
    match outcome {
        Ok(outcome) => Some(outcome),
        Err(error) => draft.refuse(pointer, &error.to_string()),
    }
}

impl NewReturnLink {
    /// Creates the requested link of a project with this revision.
    pub fn create(self, project_id: ProjectId, revision: u64, now: Timestamp, random: &dyn Random) -> ReturnLink {
        let expires_at = now.plus(Duration::from_secs(self.lifetime.0));
        let single_use = self.single_use.then(|| ReturnLinkId::new(now, random));
        ReturnLink { project_id, verification: self.verification, expires_at, single_use, revision }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    const ONE_HOUR: Duration = Duration::from_hours(1);

    fn ring(key: &str) -> KeyRing {
        KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, key.repeat(32))).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T08:30:00.123Z".parse().unwrap()
    }

    fn new(body: &str) -> Result<NewReturnLink, BadFields> {
        Draft::parse(body.as_bytes()).unwrap().try_into()
    }

    fn link(body: &str) -> ReturnLink {
        new(body).unwrap().create(ProjectId::new(now(), &SystemRandom), 7, now(), &SystemRandom)
    }

    #[test]
    fn a_link_opens_until_it_expires() {
        let link = link(r#"{"kycStatus":"approved","userid":"user123","email":"user@example.com","cf3":"한"}"#);
        let token = link.seal(&ring("a"), &SystemRandom);
        let before_expiry = now().plus(ONE_HOUR).minus(Duration::from_millis(1));
        assert_eq!(ReturnLink::open(&token, &ring("a"), before_expiry), Ok(link));
        assert_eq!(ReturnLink::open(&token, &ring("a"), now().plus(ONE_HOUR)), Err(BadReturnLink::Expired));
    }

    #[test]
    fn a_link_from_before_revisions_still_opens() {
        let link = link(r#"{"kycStatus":"approved"}"#);
        let old = format!(r#"{{"kycStatus":"approved","exp":{}}}"#, link.expires_at.as_millis());
        let sealed = ring("a").seal(SealedKind::ReturnLink, link.project_id, old.as_bytes(), &SystemRandom);
        let token = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(link.project_id.as_bytes()), sealed.as_str());
        assert_eq!(ReturnLink::open(&token, &ring("a"), now()), Ok(ReturnLink { revision: 0, ..link }));
    }

    #[test]
    fn a_link_has_the_requested_lifetime() {
        let lifetime = |body: &str| link(body).expires_at.since(now()).as_secs();
        assert_eq!(lifetime(r#"{"errorCode":"TK-10001"}"#), 3600);
        assert_eq!(lifetime(r#"{"errorCode":"TK-10001","expiresInSeconds":60}"#), 60);
        assert_eq!(lifetime(r#"{"errorCode":"TK-10001","expiresInSeconds":86400}"#), 86_400);
    }

    #[test]
    fn only_a_single_use_link_has_an_id() {
        let body = r#"{"kycStatus":"approved","singleUse":true}"#;
        let (first, second, usual) = (link(body), link(body), link(r#"{"kycStatus":"approved"}"#));
        assert!(first.single_use.is_some() && first.single_use != second.single_use);
        assert_eq!(usual.single_use, None);
        let token = first.seal(&ring("a"), &SystemRandom);
        assert_eq!(ReturnLink::open(&token, &ring("a"), now()), Ok(first));
    }

    #[test]
    fn a_link_of_another_ring_or_project_is_rejected() {
        let (ours, theirs) = (link(r#"{"kycStatus":"approved"}"#), link(r#"{"kycStatus":"rejected"}"#));
        let token = ours.seal(&ring("a"), &SystemRandom);
        let (_, sealed) = token.split_once('.').unwrap();
        let moved = format!("{}.{sealed}", BASE64_URL_SAFE_NO_PAD.encode(theirs.project_id.as_bytes()));
        assert_eq!(ReturnLink::open(&token, &ring("b"), now()), Err(BadReturnLink::Foreign));
        assert_eq!(ReturnLink::open(&moved, &ring("a"), now()), Err(BadReturnLink::Foreign));
    }

    #[test]
    fn a_link_with_a_changed_character_is_rejected() {
        let token = link(r#"{"kycStatus":"rejected"}"#).seal(&ring("a"), &SystemRandom);
        for position in 0..token.len() {
            let mut bytes = token.as_bytes().to_vec();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(ReturnLink::open(&changed, &ring("a"), now()), Err(BadReturnLink::Foreign), "{position}");
        }
    }

    #[test]
    fn a_token_is_url_safe_and_reveals_nothing() {
        let token = link(r#"{"kycStatus":"approved","userid":"user123"}"#).seal(&ring("a"), &SystemRandom);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{token}");
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap();
        assert!(!String::from_utf8_lossy(&decoded).contains("user123"));
    }

    #[test]
    fn the_longest_link_fits_in_a_request_line() {
        let value = "x".repeat(512);
        let fields =
            ["userid", "email", "submissionId", "cf1", "cf2", "cf3"].map(|name| format!(r#""{name}":"{value}""#));
        let token =
            link(&format!(r#"{{"kycStatus":"approved",{}}}"#, fields.join(","))).seal(&ring("a"), &SystemRandom);
        assert!(token.len() < 6000, "{}", token.len());
    }

    #[test]
    fn all_bad_fields_of_a_request_are_reported_together() {
        for (body, pointers) in [
            ("{}", vec!["/kycStatus"]),
            (r#"{"kycStatus":"approved","errorCode":"DE-20000"}"#, vec!["/errorCode"]),
            (r#"{"kycStatus":7}"#, vec!["/kycStatus"]),
            (r#"{"kycStatus":"Approved","userId":"u"}"#, vec!["/kycStatus", "/userId"]),
            (
                r#"{"errorCode":"a b","email":"\n","expiresInSeconds":59}"#,
                vec!["/errorCode", "/email", "/expiresInSeconds"],
            ),
            (
                r#"{"errorCode":"DE-20000","expiresInSeconds":86401,"singleUse":"yes"}"#,
                vec!["/expiresInSeconds", "/singleUse"],
            ),
        ] {
            let BadFields(bad) = new(body).unwrap_err();
            assert_eq!(bad.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), pointers, "{body}");
        }
    }

    proptest! {
        #[test]
        fn an_arbitrary_token_never_opens(token in "\\PC{0,80}", project in "[A-Za-z0-9_-]{22}", sealed in "[A-Za-z0-9_-]{0,80}") {
            for token in [token, format!("{project}.k1.{sealed}")] {
                prop_assert_eq!(ReturnLink::open(&token, &ring("a"), now()), Err(BadReturnLink::Foreign));
            }
        }
    }
}
