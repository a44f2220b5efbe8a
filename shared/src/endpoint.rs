//! Endpoints: where a project's webhooks go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::address::{AddressGuard, BlockedUrl};
use crate::draft::{BadFields, Draft};
use crate::event::EventType;
use crate::id::{EndpointId, ProjectId};
use crate::key_ring::{KeyRing, Sealed, SealedKind};
use crate::random::Random;
use crate::signature::SigningSecret;
use crate::time::Timestamp;

/// How many endpoints a project may have.
pub const MOST_ENDPOINTS: usize = 10;

const MOST_HEADERS: usize = 20;

/// Where an endpoint takes its webhooks: `https`, a host name, port 443 or 8443, at most 2,048 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointUrl(Url);

/// A text that is no [`EndpointUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEndpointUrl {
    /// It is no absolute URL.
    #[error("must be an absolute URL")]
    Malformed,
    /// It is too long.
    #[error("must have at most 2048 characters")]
    TooLong,
    /// It has a fragment, which would never be sent.
    #[error("must not have a fragment")]
    Fragment,
    /// Webhooks may not go there.
    #[error(transparent)]
    Blocked(#[from] BlockedUrl),
}

impl EndpointUrl {
    /// Reads a URL that `guard` lets webhooks go to.
    pub fn parse(text: &str, guard: &AddressGuard) -> Result<Self, BadEndpointUrl> {
        if text.len() > 2048 {
            return Err(BadEndpointUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| BadEndpointUrl::Malformed)?;
        if url.fragment().is_some() {
            return Err(BadEndpointUrl::Fragment);
        }
        guard.check_url(&url)?;
        Ok(Self(url))
    }

    /// The URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

/// The name of a static header, in lower case; not one that Signpost or HTTP itself sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderName(String);

/// A text that is no [`HeaderName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadHeaderName {
    /// HTTP has no such names.
    #[error("is not a header name")]
    Malformed,
    /// The header is set by Signpost or by HTTP.
    #[error("is a reserved header")]
    Reserved,
}

impl HeaderName {
    /// The name, to be sent.
    pub fn to_http(&self) -> http::HeaderName {
        http::HeaderName::from_str(&self.0).expect("the name was read as one")
    }
}

impl FromStr for HeaderName {
    type Err = BadHeaderName;

    fn from_str(text: &str) -> Result<Self, BadHeaderName> {
        const RESERVED: [&str; 14] = [
            "accept-encoding",
            "connection",
            "cookie",
            "date",
            "expect",
            "forwarded",
            "host",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "user-agent",
            "via",
        ];
        const RESERVED_PREFIXES: [&str; 4] = ["content-", "proxy-", "sec-", "webhook-"];
        let name = http::HeaderName::from_str(text).map_err(|_| BadHeaderName::Malformed)?;
        let has_reserved_prefix = RESERVED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
        if RESERVED.contains(&name.as_str()) || has_reserved_prefix {
            return Err(BadHeaderName::Reserved);
        }
        Ok(Self(name.as_str().to_owned()))
    }
}

impl TryFrom<String> for HeaderName {
    type Error = BadHeaderName;

    fn try_from(text: String) -> Result<Self, BadHeaderName> {
        text.parse()
    }
}

impl From<HeaderName> for String {
    fn from(name: HeaderName) -> Self {
        name.0
    }
}

/// The value of a static header: 1 to 1,024 visible ASCII characters and inner spaces. It may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(String);

/// A text that is no [`HeaderValue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 1024 visible ASCII characters, with spaces only inside")]
pub struct BadHeaderValue;

impl HeaderValue {
    /// The value, to be sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HeaderValue {
    type Error = BadHeaderValue;

    fn try_from(text: String) -> Result<Self, BadHeaderValue> {
        let is_clean = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && text.trim() == text;
        if (1..=1024).contains(&text.len()) && is_clean { Ok(Self(text)) } else { Err(BadHeaderValue) }
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderValue(…)")
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
    /// Where it is.
    pub url: EndpointUrl,
    /// Which events it gets; all of them, present and future, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<BTreeSet<EventType>>,
    /// Headers that every webhook to it carries.
    pub headers: BTreeMap<HeaderName, Sealed>,
    /// What its webhooks are signed with.
    pub signing_secret: Sealed,
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
    /// Whether it gets events of this type.
    pub fn wants(&self, event_type: EventType) -> bool {
        self.event_types.as_ref().is_none_or(|wanted| wanted.contains(&event_type))
    }
}

/// A request for a new endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where it is.
    pub url: EndpointUrl,
    /// Which events it gets; all, if `None`.
    pub event_types: Option<BTreeSet<EventType>>,
    /// Headers that every webhook to it carries.
    pub headers: BTreeMap<HeaderName, HeaderValue>,
}

impl NewEndpoint {
    /// Checks a request against the places that `guard` lets webhooks go to.
    pub fn check(mut draft: Draft, guard: &AddressGuard) -> Result<Self, BadFields> {
        let url_text: Option<String> = draft.required("url");
        let url = url_text.and_then(|text| match EndpointUrl::parse(&text, guard) {
            Ok(url) => Some(url),
            Err(error) => draft.refuse("/url", &error.to_string()),
        });
        let event_types: Option<BTreeSet<EventType>> =
            draft.optional_list("eventTypes").map(|types| types.into_iter().collect());
        if event_types.as_ref().is_some_and(BTreeSet::is_empty) {
            draft.refuse::<()>("/eventTypes", "must name at least one event type; leave it out for all");
        }
        let headers: BTreeMap<_, _> = draft.optional_map("headers").into_iter().collect();
        if headers.len() > MOST_HEADERS {
            draft.refuse::<()>("/headers", "must have at most 20 members");
        }
        draft.check(|| Some(Self { url: url?, event_types, headers }))
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
            url: self.url,
            event_types: self.event_types,
            headers: self.headers.into_iter().map(seal_header).collect(),
            signing_secret: seal(SealedKind::SigningSecret, &signing_secret.expose()),
            state: EndpointState::Active,
            created_at: id.made_at(),
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
        assert_eq!((endpoint.event_types, endpoint.headers.len()), (None, 0));
    }

    #[test]
    fn all_that_is_wrong_with_an_endpoint_is_said_at_once() {
        let body = r#"{"url":"http://example.com/","eventTypes":["approved","created"],
            "headers":{"Webhook-Id":"x","x-a":"two\r\nlines","x-b":1,"x-c":"fine"},"colour":"red"}"#;
        let BadFields(bad) = check(body).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/url", "/eventTypes/1", "/headers/Webhook-Id", "/headers/x-a", "/headers/x-b", "/colour"]
        );
    }

    #[test]
    fn an_endpoint_for_no_events_is_refused() {
        assert!(check(r#"{"url":"https://hooks.example.com/","eventTypes":[]}"#).is_err());
    }

    #[test]
    fn reserved_headers_cannot_be_set() {
        for name in ["Host", "content-type", "Webhook-Signature", "user-agent", "Connection", "proxy-authorization"] {
            assert_eq!(name.parse::<HeaderName>(), Err(BadHeaderName::Reserved), "{name}");
        }
        assert!("Authorization".parse::<HeaderName>().is_ok());
    }

    #[test]
    fn urls_that_cannot_be_meant_are_refused() {
        for url in ["", "example.com", "https://", "https://example.com/#top", "javascript:alert(1)", "//example.com"] {
            assert!(EndpointUrl::parse(url, &AddressGuard::default()).is_err(), "{url}");
        }
    }
}
