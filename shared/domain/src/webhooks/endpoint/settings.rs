//! The stored endpoint with all its settings.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    ClientCertificate, Description, EndpointState, EndpointUrl, Format, HeaderName, Oauth2, Ownership, OwnershipProof,
    Pace, Payload, format,
};
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::key_ring::{Sealed, SealedKind};
use crate::foundation::time::Timestamp;
use crate::return_urls::Encryption;
use crate::webhooks::event::EventType;
use crate::webhooks::signature::SignatureSchemes;

/// Maximum number of endpoints of a project.
pub const MAX_ENDPOINTS: usize = 10;

/// A URL that a project's webhooks go to, with its settings. Secrets are sealed under the key ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Id of the endpoint.
    pub id: EndpointId,
    /// The project that owns the endpoint.
    pub project_id: ProjectId,
    /// Number of writes, from 1. A write succeeds only if it is based on the current version.
    pub version: u32,
    /// URL that webhooks are sent to.
    pub url: EndpointUrl,
    /// Purpose in the customer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Event types that the endpoint receives. Absent: all, including types added later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<BTreeSet<EventType>>,
    /// Static headers sent with every webhook. The values are sealed.
    pub headers: BTreeMap<HeaderName, Sealed>,
    /// Format of the body.
    #[serde(flatten, with = "format::stored")]
    pub format: Format,
    /// Whether the body contains the event's data.
    #[serde(default)]
    pub payload: Payload,
    /// Encryption of the body under the project's `secretKey`.
    pub encryption: Encryption,
    /// Kinds of signatures that webhooks carry.
    pub signatures: SignatureSchemes,
    /// Whether the webhooks of a submission are sent one at a time, in the order of their events' numbers.
    #[serde(default)]
    pub ordered: bool,
    /// Maximum number of webhooks per minute. `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// Whether the owner of the URL must grant webhooks.
    #[serde(default)]
    pub ownership: Ownership,
    /// The last grant of a receiver. It counts only for its URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership_proof: Option<OwnershipProof>,
    /// Client credentials for the receiver's token server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<Oauth2>,
    /// Certificate that Signpost shows to the receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// Current signing secret, sealed.
    pub signing_secret: Sealed,
    /// Whether the customer brought the current signing secret along. Otherwise Signpost generated it.
    #[serde(default)]
    pub secret_brought_along: bool,
    /// Earlier signing secrets that still sign during their overlap, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retiring_secrets: Vec<RetiringSecret>,
    /// State set by the customer.
    pub state: EndpointState,
    /// When the endpoint was created.
    pub created_at: Timestamp,
    /// Number of the audit log entry that changed the endpoint last. Part of the `ETag`. 0 in rows of older versions.
    #[serde(default)]
    pub changed_in: u64,
}

/// A signing secret that was replaced and still signs until its overlap ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiringSecret {
    /// The secret, sealed.
    pub secret: Sealed,
    /// When the secret stops signing.
    pub until: Timestamp,
}

impl Endpoint {
    /// Host of the URL. Use it where the full URL must not appear, because the path may contain secrets.
    pub fn host(&self) -> &str {
        self.url.as_url().host_str().unwrap_or_default()
    }

    /// Whether the endpoint receives events of this type.
    pub fn wants(&self, event_type: EventType) -> bool {
        self.event_types.as_ref().is_none_or(|wanted| wanted.contains(&event_type))
    }

    /// All sealed values of the endpoint.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        let secrets = self.retiring_secrets.iter().map(|retiring| &retiring.secret);
        let client_secret = self.oauth2.iter().map(|oauth2| &oauth2.client_secret);
        let client_key = self.client_certificate.iter().map(|certificate| &certificate.private_key);
        self.headers.values().chain([&self.signing_secret]).chain(secrets).chain(client_secret).chain(client_key)
    }

    /// All sealed values with their kinds, to be sealed again under the current master key.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        let headers = self.headers.values_mut().map(|value| (SealedKind::HeaderValue, value));
        let retiring = self.retiring_secrets.iter_mut().map(|retiring| &mut retiring.secret);
        let secrets = [&mut self.signing_secret].into_iter().chain(retiring);
        let oauth2 = self.oauth2.iter_mut().map(|oauth2| (SealedKind::ClientSecret, &mut oauth2.client_secret));
        let certificate = self.client_certificate.iter_mut();
        let client_key = certificate.map(|certificate| (SealedKind::ClientKey, &mut certificate.private_key));
        headers.chain(secrets.map(|secret| (SealedKind::SigningSecret, secret))).chain(oauth2).chain(client_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::draft::Draft;
    use crate::foundation::key_ring::KeyRing;
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::address::AddressGuard;
    use crate::webhooks::endpoint::NewEndpoint;
    use crate::webhooks::signature::SigningSecret;

    fn endpoint(settings: &str) -> Endpoint {
        let now = "2026-11-22T08:30:00Z".parse().unwrap();
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let draft = Draft::parse(format!(r#"{{"url":"https://example.com/"{settings}}}"#).as_bytes()).unwrap();
        let (id, project) = (EndpointId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom));
        let secret = SigningSecret::generate(&SystemRandom);
        NewEndpoint::check(draft, &AddressGuard::default()).unwrap().create(id, project, &secret, &ring, &SystemRandom)
    }

    #[test]
    fn an_endpoint_that_an_earlier_version_stored_can_be_read() {
        let endpoint = endpoint("");
        let mut stored = serde_json::to_value(&endpoint).unwrap();
        for added in ["changedIn", "secretBroughtAlong", "payload", "ordered", "ownership"] {
            assert!(stored.as_object_mut().unwrap().remove(added).is_some(), "{added}");
        }
        assert_eq!(serde_json::from_value::<Endpoint>(stored).unwrap(), endpoint);
    }

    #[test]
    fn earlier_versions_read_a_format_that_they_know() {
        for (format, stored_as) in [("standard", "standard"), ("argos", "argos"), ("cloudevents", "standard")] {
            let endpoint = endpoint(&format!(r#","format":"{format}""#));
            let stored = serde_json::to_value(&endpoint).unwrap();
            assert_eq!(stored["format"], stored_as);
            assert_eq!(serde_json::from_value::<Endpoint>(stored).unwrap(), endpoint);
        }
    }
}
