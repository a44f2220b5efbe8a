//! Endpoints: where a project's webhooks go, and how they are made there.
//!
//! | module | holds |
//! | --- | --- |
//! | [`url`](EndpointUrl) | where an endpoint may be |
//! | [`header`](HeaderName) | the static headers of its webhooks |
//! | [`change`](EndpointChange) | what may be changed of it |
//! | [`secrets`](RetiringSecret) | its signing secrets, and how they take turns |

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::address::AddressGuard;
use crate::draft::{BadFields, Draft};
use crate::event::EventType;
use crate::id::{EndpointId, ProjectId};
use crate::key_ring::{KeyRing, Sealed, SealedKind};
use crate::random::Random;
use crate::return_url::Encryption;
use crate::signature::{SignatureScheme, SignatureSchemes, SigningSecret};
use crate::time::Timestamp;
use crate::webhook::Format;

mod change;
mod header;
mod secrets;
mod url;

pub use change::EndpointChange;
pub use header::{BadHeaderName, BadHeaderValue, HeaderName, HeaderValue};
pub use secrets::{MOST_RETIRING_SECRETS, RetiringSecret, SecretRotation, TooManyRetiring};
pub use url::{BadEndpointUrl, EndpointUrl};

/// How many endpoints a project may have.
pub const MOST_ENDPOINTS: usize = 10;

const MOST_HEADERS: usize = 20;

/// What an endpoint is for, in words for people: 1 to 200 characters, none of them a control character, no space around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 200, pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$", example = "The CRM"))]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

/// A text that is no [`Description`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 200 characters, no control characters, and no space around it")]
pub struct BadDescription;

impl TryFrom<String> for Description {
    type Error = BadDescription;

    fn try_from(text: String) -> Result<Self, BadDescription> {
        let has_good_length = (1..=200).contains(&text.chars().count());
        let is_clean = text.trim() == text && !text.chars().any(char::is_control);
        if has_good_length && is_clean { Ok(Self(text)) } else { Err(BadDescription) }
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

/// Where a project's webhooks go, and what is sent there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose events it gets.
    pub project_id: ProjectId,
    /// Counts its writes from 1, so that nobody writes over what they have not seen.
    pub version: u32,
    /// Where it is.
    pub url: EndpointUrl,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Which events it gets; all of them, present and future, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<BTreeSet<EventType>>,
    /// Headers that every webhook to it carries.
    pub headers: BTreeMap<HeaderName, Sealed>,
    /// How its webhooks' bodies are laid out.
    pub format: Format,
    /// How the bodies are hidden, under the project's `secretKey`.
    pub encryption: Encryption,
    /// Which signatures its webhooks carry.
    pub signatures: SignatureSchemes,
    /// What its webhooks are signed with.
    pub signing_secret: Sealed,
    /// What they were signed with before, and still are for a while beside that; newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retiring_secrets: Vec<RetiringSecret>,
    /// Whether the customer wishes webhooks to be sent.
    pub state: EndpointState,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Whether the customer wishes webhooks to be sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointState {
    /// Yes.
    Active,
    /// Not now: they are held.
    Paused,
}

impl Endpoint {
    /// The host of its URL, which may be told to more people than the rest: a path may hold secrets.
    pub fn host(&self) -> &str {
        self.url.as_url().host_str().unwrap_or_default()
    }

    /// Whether it gets events of this type.
    pub fn wants(&self, event_type: EventType) -> bool {
        self.event_types.as_ref().is_none_or(|wanted| wanted.contains(&event_type))
    }

    /// All that it keeps sealed.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        let secrets = self.retiring_secrets.iter().map(|retiring| &retiring.secret);
        self.headers.values().chain([&self.signing_secret]).chain(secrets)
    }

    /// All that it keeps sealed, each with its kind, to be sealed anew.
    pub fn sealed_mut(&mut self) -> impl Iterator<Item = (SealedKind, &mut Sealed)> {
        let headers = self.headers.values_mut().map(|value| (SealedKind::HeaderValue, value));
        let retiring = self.retiring_secrets.iter_mut().map(|retiring| &mut retiring.secret);
        let secrets = [&mut self.signing_secret].into_iter().chain(retiring);
        headers.chain(secrets.map(|secret| (SealedKind::SigningSecret, secret)))
    }
}

/// A request for a new endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where it is.
    pub url: EndpointUrl,
    /// What it is for.
    pub description: Option<Description>,
    /// Which events it gets; all, if `None`.
    pub event_types: Option<BTreeSet<EventType>>,
    /// Headers that every webhook to it carries.
    pub headers: BTreeMap<HeaderName, HeaderValue>,
    /// How its webhooks' bodies are laid out.
    pub format: Format,
    /// How the bodies are hidden.
    pub encryption: Encryption,
    /// Which signatures its webhooks carry.
    pub signatures: SignatureSchemes,
}

impl NewEndpoint {
    /// Checks a request against the places that `guard` lets webhooks go to.
    pub fn check(mut draft: Draft, guard: &AddressGuard) -> Result<Self, BadFields> {
        let url_text = draft.required("url");
        let url = read_url(&mut draft, url_text, guard);
        let description = draft.optional("description");
        let event_types = take_event_types(&mut draft);
        let headers: BTreeMap<_, _> = draft.optional_map("headers").into_iter().collect();
        if headers.len() > MOST_HEADERS {
            draft.refuse::<()>("/headers", TOO_MANY_HEADERS);
        }
        let format = draft.optional("format").unwrap_or_default();
        let encryption = draft.optional("encryption").unwrap_or_default();
        let signatures = take_signatures(&mut draft).unwrap_or_default();
        draft.check(|| Some(Self { url: url?, description, event_types, headers, format, encryption, signatures }))
    }

    /// The endpoint it asks for, its secrets sealed.
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
            encryption: self.encryption,
            signatures: self.signatures,
            signing_secret: seal(SealedKind::SigningSecret, &signing_secret.expose()),
            retiring_secrets: Vec::new(),
            state: EndpointState::Active,
            created_at: id.made_at(),
        }
    }
}

const TOO_MANY_HEADERS: &str = "must have at most 20 members";

fn read_url(draft: &mut Draft, text: Option<String>, guard: &AddressGuard) -> Option<EndpointUrl> {
    match EndpointUrl::parse(&text?, guard) {
        Ok(url) => Some(url),
        Err(error) => draft.refuse("/url", &error.to_string()),
    }
}

fn take_event_types(draft: &mut Draft) -> Option<BTreeSet<EventType>> {
    let types: Vec<EventType> = draft.optional_list("eventTypes")?;
    if types.is_empty() {
        return draft.refuse("/eventTypes", "must name at least one event type; leave it out for all");
    }
    Some(types.into_iter().collect())
}

fn take_signatures(draft: &mut Draft) -> Option<SignatureSchemes> {
    let schemes: Vec<SignatureScheme> = draft.optional_list("signatures")?;
    match SignatureSchemes::try_from(schemes) {
        Ok(schemes) => Some(schemes),
        Err(error) => draft.refuse("/signatures", &error.to_string()),
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
    fn all_that_is_wrong_with_an_endpoint_is_said_at_once() {
        let body = r#"{"url":"http://example.com/","description":" ","eventTypes":["approved","created"],
            "headers":{"Webhook-Id":"x","x-a":"two\r\nlines","x-b":1,"x-c":"fine"},"format":"xml",
            "encryption":"aes-128-ecb","signatures":["v1","v2"],"colour":"red"}"#;
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
                "/colour"
            ]
        );
    }

    #[test]
    fn an_endpoint_for_no_events_or_without_signatures_is_refused() {
        assert!(check(r#"{"url":"https://hooks.example.com/","eventTypes":[]}"#).is_err());
        assert!(check(r#"{"url":"https://hooks.example.com/","signatures":[]}"#).is_err());
    }
}
