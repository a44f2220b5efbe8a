//! Rotation of an endpoint's signing secrets. During an overlap, the old and the new secret both sign every webhook, so
//! receivers can switch without losing any.

use thiserror::Error;

use super::fields::take_signing_secret;
use super::{Endpoint, HeaderName, RetiringSecret};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::key_ring::{KeyRing, Sealed, SealedKind};
use crate::foundation::overlap::Overlap;
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;
use crate::webhooks::signature::SigningSecret;

/// Maximum number of earlier secrets that sign beside the current one. Each one lengthens the signature header.
pub const MAX_RETIRING_SECRETS: usize = 4;

/// A request to rotate the signing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRotation {
    /// How long the current secret keeps signing after the rotation.
    pub overlap: Overlap,
    /// A new secret that the customer brings along; generated, if absent.
    pub signing_secret: Option<SigningSecret>,
}

impl TryFrom<Draft> for SecretRotation {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let overlap = draft.optional("overlapDays").unwrap_or_default();
        let signing_secret = take_signing_secret(&mut draft);
        draft.check(|| Some(Self { overlap, signing_secret }))
    }
}

/// The maximum number of earlier secrets still sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("four earlier signing secrets still sign, which is the maximum")]
pub struct TooManyRetiring;

impl Endpoint {
    /// Names of the secrets that differ in `changed`, as they appear in the audit log: `signingSecret`, `headers/{name}`,
    /// `oauth2/clientSecret`, `clientCertificate/privateKey`. Secrets that were added or removed are not listed.
    pub fn changed_secrets(&self, changed: &Self) -> Vec<String> {
        let is_replaced =
            |name: &HeaderName, value: &Sealed| self.headers.get(name).is_some_and(|before| before != value);
        let replaced = changed.headers.iter().filter(|(name, value)| is_replaced(name, value));
        let headers = replaced.map(|(name, _)| format!("headers/{}", String::from(name.clone())));
        let signing_secret = (self.signing_secret != changed.signing_secret).then(|| "signingSecret".to_owned());
        let client_secret = is_changed(self.oauth2.as_ref(), changed.oauth2.as_ref(), |oauth2| &oauth2.client_secret);
        let certificates = (self.client_certificate.as_ref(), changed.client_certificate.as_ref());
        let client_key = is_changed(certificates.0, certificates.1, |certificate| &certificate.private_key);
        let client_secret = client_secret.then(|| "oauth2/clientSecret".to_owned());
        let client_key = client_key.then(|| "clientCertificate/privateKey".to_owned());
        signing_secret.into_iter().chain(headers).chain(client_secret).chain(client_key).collect()
    }

    /// Replaces the signing secret with `secret`, which must be the requested one, if there is one. The replaced secret keeps
    /// signing until the overlap ends. Fails if [`MAX_RETIRING_SECRETS`] earlier secrets still sign.
    pub fn rotate_secret(
        &mut self,
        secret: &SigningSecret,
        rotation: &SecretRotation,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<(), TooManyRetiring> {
        self.drop_expired_secrets(now);
        let until = now.plus(rotation.overlap.duration());
        if until > now && self.retiring_secrets.len() >= MAX_RETIRING_SECRETS {
            return Err(TooManyRetiring);
        }
        let sealed = ring.seal(SealedKind::SigningSecret, self.project_id, secret.expose().as_bytes(), random);
        let replaced = std::mem::replace(&mut self.signing_secret, sealed);
        self.secret_brought_along = rotation.signing_secret.is_some();
        if until > now {
            self.retiring_secrets.insert(0, RetiringSecret { secret: replaced, until });
        }
        Ok(())
    }

    /// Whether `secret` signs for the endpoint at `now`.
    pub fn signs_with(&self, secret: &SigningSecret, now: Timestamp, ring: &KeyRing) -> bool {
        let retiring = self.retiring_secrets.iter().filter(|retiring| retiring.until > now);
        let mut signing = std::iter::once(&self.signing_secret).chain(retiring.map(|retiring| &retiring.secret));
        signing.any(|sealed| {
            let opened = ring.open(SealedKind::SigningSecret, self.project_id, sealed);
            opened.is_ok_and(|opened| *opened == *secret.expose().as_bytes())
        })
    }

    /// Ends all overlaps: from now on only the current secret signs.
    pub fn end_previous_secrets(&mut self) {
        self.retiring_secrets.clear();
    }

    /// When the last overlap ends, or `None` if no earlier secret signs at `now`.
    pub fn previous_secrets_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.retiring_secrets.iter().map(|retiring| retiring.until).filter(|until| *until > now).max()
    }

    pub(super) fn drop_expired_secrets(&mut self, now: Timestamp) {
        self.retiring_secrets.retain(|retiring| retiring.until > now);
    }
}

/// Whether a setting was present before and after, and its secret differs.
fn is_changed<T>(before: Option<&T>, after: Option<&T>, secret: impl Fn(&T) -> &Sealed) -> bool {
    before.zip(after).is_some_and(|(before, after)| secret(before) != secret(after))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::foundation::id::{EndpointId, ProjectId};
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::address::AddressGuard;
    use crate::webhooks::endpoint::NewEndpoint;

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
        let rotation = SecretRotation::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let secret = rotation.signing_secret.clone().unwrap_or_else(|| SigningSecret::generate(&SystemRandom));
        endpoint.rotate_secret(&secret, &rotation, now, &ring(), &SystemRandom)
    }

    #[test]
    fn the_replaced_secret_signs_for_one_more_day_by_default() {
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
    fn a_secret_that_is_brought_along_signs_and_is_marked() {
        let (mut endpoint, secret) = (endpoint(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert!(!endpoint.secret_brought_along);
        rotate(&mut endpoint, &format!(r#"{{"signingSecret":"{secret}"}}"#), now()).unwrap();
        let opened = ring().open(SealedKind::SigningSecret, endpoint.project_id, &endpoint.signing_secret).unwrap();
        assert_eq!((opened.as_slice(), endpoint.secret_brought_along), (secret.as_bytes(), true));
        assert!(endpoint.signs_with(&secret.parse().unwrap(), now(), &ring()));
        assert!(!endpoint.signs_with(&SigningSecret::generate(&SystemRandom), now(), &ring()));
        rotate(&mut endpoint, "{}", now()).unwrap();
        assert!(!endpoint.secret_brought_along);
    }

    #[test]
    fn without_an_overlap_the_replaced_secret_stops_at_once_and_earlier_ones_keep_signing() {
        let mut endpoint = endpoint();
        rotate(&mut endpoint, "{}", now()).unwrap();
        let retiring = endpoint.retiring_secrets.clone();
        rotate(&mut endpoint, r#"{"overlapDays":0}"#, now()).unwrap();
        assert_eq!(endpoint.retiring_secrets, retiring);
    }

    #[test]
    fn at_most_four_earlier_secrets_sign_and_expired_ones_do_not_count() {
        let mut endpoint = endpoint();
        for _ in 0..MAX_RETIRING_SECRETS {
            rotate(&mut endpoint, "{}", now()).unwrap();
        }
        assert_eq!(rotate(&mut endpoint, "{}", now()), Err(TooManyRetiring));
        assert_eq!(rotate(&mut endpoint, r#"{"overlapDays":0}"#, now()), Ok(()));
        assert_eq!(rotate(&mut endpoint, "{}", now().plus(Duration::from_hours(24))), Ok(()));
        assert_eq!(endpoint.retiring_secrets.len(), 1);
    }
}
