//! Requests to create an endpoint.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{
    AUTHORIZATION_TWICE, MAX_HEADERS, TOO_MANY_HEADERS, check_header_bytes, is_authorization, read_url,
    take_event_types, take_signatures, take_signing_secret,
};
use super::format::Conflict;
use super::{
    Description, Endpoint, EndpointState, EndpointUrl, Format, HeaderName, HeaderValue, NewClientCertificate,
    NewOauth2, Ownership, Pace, Payload,
};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::key_ring::{KeyRing, SealedKind};
use crate::foundation::random::Random;
use crate::return_urls::Encryption;
use crate::webhooks::address::AddressGuard;
use crate::webhooks::event::EventType;
use crate::webhooks::signature::{SignatureSchemes, SigningSecret};

/// A request to create an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// URL that webhooks are sent to.
    pub url: EndpointUrl,
    /// Purpose in the customer's words.
    pub description: Option<Description>,
    /// Event types that the endpoint receives; all if `None`.
    pub event_types: Option<BTreeSet<EventType>>,
    /// Static headers sent with every webhook.
    pub headers: BTreeMap<HeaderName, HeaderValue>,
    /// Format of the body.
    pub format: Format,
    /// Whether the body contains the event's data.
    pub payload: Payload,
    /// Encryption of the body.
    pub encryption: Encryption,
    /// Kinds of signatures that webhooks carry.
    pub signatures: SignatureSchemes,
    /// Whether the webhooks of a submission are sent one at a time.
    pub ordered: bool,
    /// Maximum number of webhooks per minute.
    pub pace: Option<Pace>,
    /// Whether the owner of the URL must grant webhooks.
    pub ownership: Ownership,
    /// Client credentials for the receiver's token server.
    pub oauth2: Option<NewOauth2>,
    /// Certificate that Signpost shows to the receiver.
    pub client_certificate: Option<NewClientCertificate>,
    /// A signing secret that the customer brings along; generated, if absent.
    pub signing_secret: Option<SigningSecret>,
}

impl NewEndpoint {
    /// Reads a request. Fails with every bad field at once, including a URL that `guard` blocks.
    pub fn check(mut draft: Draft, guard: &AddressGuard) -> Result<Self, BadFields> {
        let url_text = draft.required("url");
        let url = read_url(&mut draft, "url", url_text, guard);
        let description = draft.optional("description");
        let event_types = take_event_types(&mut draft);
        let headers: BTreeMap<_, _> = draft.optional_map("headers").into_iter().collect();
        if headers.len() > MAX_HEADERS {
            draft.refuse::<()>("/headers", TOO_MANY_HEADERS);
        }
        check_header_bytes(&mut draft, headers.iter());
        let format = draft.optional("format").unwrap_or_default();
        let payload = draft.optional("payload").unwrap_or_default();
        let encryption = draft.optional("encryption").unwrap_or_default();
        if let Some(conflict) = Conflict::between(format, payload, encryption) {
            draft.refuse::<()>(conflict.pointer(), conflict.detail());
        }
        let signatures = take_signatures(&mut draft).unwrap_or_default();
        let ordered = draft.optional("ordered").unwrap_or_default();
        let pace = draft.optional("pace");
        let ownership = draft.optional("ownership").unwrap_or_default();
        let oauth2 = draft.optional_object("oauth2", |object| NewOauth2::read(object, guard));
        if oauth2.is_some() && headers.keys().any(is_authorization) {
            draft.refuse::<()>("/oauth2", AUTHORIZATION_TWICE);
        }
        let client_certificate = draft.optional_object("clientCertificate", NewClientCertificate::read);
        let signing_secret = take_signing_secret(&mut draft);
        draft.check(|| {
            let url = url?;
            Some(Self {
                url,
                description,
                event_types,
                headers,
                format,
                payload,
                encryption,
                signatures,
                ordered,
                pace,
                ownership,
                oauth2,
                client_certificate,
                signing_secret,
            })
        })
    }

    /// URL of the token server, if the endpoint has one.
    pub fn token_url(&self) -> Option<&EndpointUrl> {
        self.oauth2.as_ref().map(|oauth2| &oauth2.token_url)
    }

    /// Whether the request contains secrets, such as header values or a signing secret. This requires the permission to write secrets.
    pub fn brings_secrets(&self) -> bool {
        let authenticates = self.oauth2.is_some() || self.client_certificate.is_some();
        !self.headers.is_empty() || self.signing_secret.is_some() || authenticates
    }

    /// Creates the endpoint, active and with its secrets sealed. `signing_secret` must be the requested one, if there is one.
    pub fn create(
        self,
        id: EndpointId,
        project_id: ProjectId,
        signing_secret: &SigningSecret,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Endpoint {
        let seal = |kind, text: &str| ring.seal(kind, project_id, text.as_bytes(), random);
        let seal_header = |(name, value): (_, HeaderValue)| (name, seal(SealedKind::HeaderValue, value.expose()));
        Endpoint {
            id,
            project_id,
            version: 1,
            url: self.url,
            description: self.description,
            event_types: self.event_types,
            headers: self.headers.into_iter().map(seal_header).collect(),
            format: self.format,
            payload: self.payload,
            encryption: self.encryption,
            signatures: self.signatures,
            ordered: self.ordered,
            pace: self.pace,
            ownership: self.ownership,
            ownership_proof: None,
            oauth2: self.oauth2.map(|new| new.sealed(|secret| seal(SealedKind::ClientSecret, secret.expose()))),
            client_certificate: self.client_certificate.map(|new| new.sealed(|key| seal(SealedKind::ClientKey, key))),
            signing_secret: seal(SealedKind::SigningSecret, &signing_secret.expose()),
            secret_brought_along: self.signing_secret.is_some(),
            retiring_secrets: Vec::new(),
            state: EndpointState::Active,
            created_at: id.created_at(),
            changed_in: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> Result<NewEndpoint, BadFields> {
        NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &AddressGuard::default())
    }

    #[test]
    fn an_endpoint_needs_only_a_url() {
        let endpoint = check(r#"{"url":"https://hooks.example.com/kyc"}"#).unwrap();
        assert_eq!(endpoint.url.as_url().as_str(), "https://hooks.example.com/kyc");
        assert_eq!((endpoint.event_types, endpoint.headers.len(), endpoint.description), (None, 0, None));
        assert_eq!((endpoint.format, endpoint.encryption), (Format::Standard, Encryption::None));
        assert_eq!(endpoint.signatures, SignatureSchemes::default());
    }

    #[test]
    fn all_headers_together_fit_into_a_request() {
        let check = |bytes: usize| {
            let value = "x".repeat(bytes);
            check(&format!(r#"{{"url":"https://example.com/","headers":{{"a":"{value}","b":"{value}"}}}}"#))
        };
        assert!(check(3583).is_ok());
        let BadFields(bad) = check(3584).unwrap_err();
        assert_eq!((bad.len(), bad[0].pointer.as_str()), (1, "/headers"));
    }

    #[test]
    fn every_bad_field_of_a_new_endpoint_is_named_at_once() {
        let body = r#"{"url":"http://example.com/","description":" ","eventTypes":["approved","created"],
            "headers":{"Webhook-Id":"x","x-a":"two\r\nlines","x-b":1,"x-c":"fine"},"format":"xml",
            "encryption":"aes-128-ecb","signatures":["v1","v2"],"signingSecret":"hunter2","colour":"red"}"#;
        let BadFields(bad) = check(body).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/url",
                "/description",
                "/eventTypes/1",
                "/headers/Webhook-Id",
                "/headers/x-a",
                "/headers/x-b",
                "/format",
                "/encryption",
                "/signatures/1",
                "/signingSecret",
                "/colour"
            ]
        );
    }

    #[test]
    fn a_signing_secret_can_be_brought_along_and_is_never_shown_in_an_error() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let new = check(&format!(r#"{{"url":"https://hooks.example.com/","signingSecret":"{secret}"}}"#)).unwrap();
        assert_eq!(new.signing_secret.as_ref().map(SigningSecret::expose).as_deref(), Some(secret));
        assert!(new.brings_secrets() && !format!("{new:?}").contains("MfKQ"), "{new:?}");
        for bad in [r#""whsec_hunter2""#, r#"["whsec_hunter2"]"#, r#"{"whsec_hunter2":1}"#] {
            let refused =
                check(&format!(r#"{{"url":"https://hooks.example.com/","signingSecret":{bad}}}"#)).unwrap_err();
            assert_eq!(refused.0[0].pointer, "/signingSecret");
            assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
        }
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused_when_an_endpoint_is_created() {
        for (settings, expected) in [
            (r#""format":"argos","payload":"thin""#, "/payload"),
            (r#""format":"cloudevents","encryption":"aes-256-gcm""#, "/encryption"),
        ] {
            let BadFields(bad) = check(&format!(r#"{{"url":"https://hooks.example.com/",{settings}}}"#)).unwrap_err();
            assert_eq!((bad.len(), bad[0].pointer.as_str()), (1, expected));
        }
        let thin = r#"{"url":"https://hooks.example.com/","format":"cloudevents","payload":"thin"}"#;
        assert_eq!(check(thin).unwrap().payload, Payload::Thin);
        let thin = r#"{"url":"https://hooks.example.com/","encryption":"aes-256-gcm","payload":"thin"}"#;
        assert_eq!(check(thin).unwrap().payload, Payload::Thin);
    }

    #[test]
    fn an_endpoint_without_event_types_or_without_signatures_is_refused() {
        assert!(check(r#"{"url":"https://hooks.example.com/","eventTypes":[]}"#).is_err());
        assert!(check(r#"{"url":"https://hooks.example.com/","signatures":[]}"#).is_err());
    }
}
