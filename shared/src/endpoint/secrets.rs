//! The signing secrets of an endpoint, and how they take turns.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Endpoint, HeaderName};
use crate::draft::{BadFields, Draft};
use crate::key_ring::{KeyRing, Sealed, SealedKind};
use crate::overlap::Overlap;
use crate::random::Random;
use crate::signature::SigningSecret;
use crate::time::Timestamp;

/// How many older secrets may still sign beside the newest. Every one of them lengthens a header.
pub const MOST_RETIRING_SECRETS: usize = 4;

/// A signing secret that a newer one has replaced, and that still signs for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiringSecret {
    /// The secret, sealed.
    pub secret: Sealed,
    /// The moment from which it signs no more.
    pub until: Timestamp,
}

/// A request for a new signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretRotation {
    /// For how long the present one still signs.
    pub overlap: Overlap,
}

impl TryFrom<Draft> for SecretRotation {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let overlap = draft.optional("overlapDays").unwrap_or_default();
        draft.check(|| Some(Self { overlap }))
    }
}

/// As many older secrets still sign as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("four older signing secrets still sign, the most there may be")]
pub struct TooManyRetiring;

impl Endpoint {
    /// The names of the secrets that `changed` has otherwise.
    pub fn secrets_unlike(&self, changed: &Self) -> Vec<String> {
        let is_replaced =
            |name: &HeaderName, value: &Sealed| self.headers.get(name).is_some_and(|before| before != value);
        let replaced = changed.headers.iter().filter(|(name, value)| is_replaced(name, value));
        let headers = replaced.map(|(name, _)| format!("headers/{}", String::from(name.clone())));
        let signing_secret = (self.signing_secret != changed.signing_secret).then(|| "signingSecret".to_owned());
        signing_secret.into_iter().chain(headers).collect()
    }

    /// Signs with `secret` from now on, and for the overlap with the present one too.
    pub fn rotate_secret(
        &mut self,
        secret: &SigningSecret,
        rotation: SecretRotation,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<(), TooManyRetiring> {
        self.drop_expired_secrets(now);
        let until = now.plus(rotation.overlap.duration());
        if until > now && self.retiring_secrets.len() >= MOST_RETIRING_SECRETS {
            return Err(TooManyRetiring);
        }
        let sealed = ring.seal(SealedKind::SigningSecret, self.project_id, secret.expose().as_bytes(), random);
        let present = std::mem::replace(&mut self.signing_secret, sealed);
        if until > now {
            self.retiring_secrets.insert(0, RetiringSecret { secret: present, until });
        }
        Ok(())
    }

    /// Signs with the newest secret only.
    pub fn end_previous_secrets(&mut self) {
        self.retiring_secrets.clear();
    }

    /// Until when older secrets sign beside the newest, the longest of them; `None` if none does.
    pub fn previous_secrets_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.retiring_secrets.iter().map(|retiring| retiring.until).filter(|until| *until > now).max()
    }

    pub(super) fn drop_expired_secrets(&mut self, now: Timestamp) {
        self.retiring_secrets.retain(|retiring| retiring.until > now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::address::AddressGuard;
    use crate::endpoint::NewEndpoint;
    use crate::id::{EndpointId, ProjectId};
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn ring() -> KeyRing {
        KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
    }

    fn endpoint() -> Endpoint {
        let draft = Draft::parse(br#"{"url":"https://example.com/"}"#).unwrap();
        let (id, project) = (EndpointId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        let secret = SigningSecret::generate(&SystemRandom);
        NewEndpoint::check(draft, &AddressGuard::default()).unwrap().create(
            id,
            project,
            &secret,
            &ring(),
            &SystemRandom,
        )
    }

    fn rotate(endpoint: &mut Endpoint, body: &str, now: Timestamp) -> Result<(), TooManyRetiring> {
        let rotation = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        endpoint.rotate_secret(&SigningSecret::generate(&SystemRandom), rotation, now, &ring(), &SystemRandom)
    }

    #[test]
    fn the_present_secret_signs_for_a_day_more_unless_asked_otherwise() {
        let mut endpoint = endpoint();
        let first = endpoint.signing_secret.clone();
        rotate(&mut endpoint, "{}", now()).unwrap();
        assert_ne!(endpoint.signing_secret, first);
        let tomorrow = now().plus(Duration::from_hours(24));
        assert_eq!(endpoint.retiring_secrets, [RetiringSecret { secret: first, until: tomorrow }]);
        assert_eq!(endpoint.previous_secrets_until(now()), Some(tomorrow));
        assert_eq!(endpoint.previous_secrets_until(tomorrow), None);
    }

    #[test]
    fn without_an_overlap_the_present_secret_ends_at_once_and_older_ones_run_on() {
        let mut endpoint = endpoint();
        rotate(&mut endpoint, "{}", now()).unwrap();
        let retiring = endpoint.retiring_secrets.clone();
        rotate(&mut endpoint, r#"{"overlapDays":0}"#, now()).unwrap();
        assert_eq!(endpoint.retiring_secrets, retiring);
    }

    #[test]
    fn four_older_secrets_sign_at_most_and_expired_ones_make_room() {
        let mut endpoint = endpoint();
        for _ in 0..MOST_RETIRING_SECRETS {
            rotate(&mut endpoint, "{}", now()).unwrap();
        }
        assert_eq!(rotate(&mut endpoint, "{}", now()), Err(TooManyRetiring));
        assert_eq!(rotate(&mut endpoint, r#"{"overlapDays":0}"#, now()), Ok(()));
        assert_eq!(rotate(&mut endpoint, "{}", now().plus(Duration::from_hours(24))), Ok(()));
        assert_eq!(endpoint.retiring_secrets.len(), 1);
    }
}
