//! Requests to change an endpoint.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{MAX_HEADERS, TOO_MANY_HEADERS, check_header_bytes, read_url, take_event_types, take_signatures};
use super::format::Conflict;
use super::{Description, Endpoint, EndpointUrl, Format, HeaderName, HeaderValue, Payload};
use crate::foundation::draft::{BadField, BadFields, Change, Draft, pointer};
use crate::foundation::key_ring::{KeyRing, SealedKind};
use crate::foundation::random::Random;
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::return_urls::Encryption;
use crate::webhooks::address::AddressGuard;
use crate::webhooks::event::EventType;
use crate::webhooks::signature::SignatureSchemes;

/// A request to change an endpoint, read as JSON merge patch (RFC 7396): a field left out stays as it is, and `null`
/// resets it to its default. Each header is set or removed on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointChange {
    url: Option<EndpointUrl>,
    description: Change<Option<Description>>,
    event_types: Change<Option<BTreeSet<EventType>>>,
    headers: Change<BTreeMap<HeaderName, Option<HeaderValue>>>,
    format: Change<Format>,
    payload: Change<Payload>,
    encryption: Change<Encryption>,
    signatures: Change<SignatureSchemes>,
    ordered: Change<bool>,
}

public_names! {
    /// A field of an endpoint that a request can change, by its name in requests.
    pub enum EndpointField {
        /// URL that webhooks are sent to.
        Url = "url",
        /// Purpose in the customer's words.
        Description = "description",
        /// Event types that the endpoint receives.
        EventTypes = "eventTypes",
        /// Static headers sent with every webhook.
        Headers = "headers",
        /// Format of the body.
        Format = "format",
        /// Whether the body contains the event's data.
        Payload = "payload",
        /// Encryption of the body.
        Encryption = "encryption",
        /// Kinds of signatures that webhooks carry.
        Signatures = "signatures",
        /// Whether the webhooks of a submission are sent one at a time.
        Ordered = "ordered",
    }
}

impl EndpointField {
    /// Name of the field in responses and in the audit log. Headers appear there by name only, because their values are secret.
    pub const fn audit_name(self) -> &'static str {
        match self {
            Self::Headers => "headerNames",
            Self::Url
            | Self::Description
            | Self::EventTypes
            | Self::Format
            | Self::Payload
            | Self::Encryption
            | Self::Signatures
            | Self::Ordered => self.as_str(),
        }
    }

    /// The field with this name in the audit log.
    pub fn of_audit_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.audit_name() == name)
    }
}

impl EndpointChange {
    /// Reads a request. Fails with every bad field at once, including a URL that `guard` blocks.
    pub fn check(mut draft: Draft, guard: &AddressGuard) -> Result<Self, BadFields> {
        let url = draft.change_of_required("url", "an endpoint", |draft| {
            let url = draft.optional("url");
            read_url(draft, url, guard)
        });
        let description = draft.change("description", |draft| draft.optional("description").map(Some));
        let event_types = draft.change("eventTypes", |draft| take_event_types(draft).map(Some));
        let headers = draft.change("headers", |draft| {
            let changes: BTreeMap<HeaderName, Option<HeaderValue>> =
                draft.optional_map_of_changes("headers").into_iter().collect();
            check_header_bytes(draft, changes.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
            Some(changes)
        });
        let format = draft.change("format", |draft| draft.optional("format"));
        let payload = draft.change("payload", |draft| draft.optional("payload"));
        let encryption = draft.change("encryption", |draft| draft.optional("encryption"));
        let signatures = draft.change("signatures", take_signatures);
        let ordered = draft.change("ordered", |draft| draft.optional("ordered"));
        draft.check(|| {
            Some(Self { url, description, event_types, headers, format, payload, encryption, signatures, ordered })
        })
    }

    /// The new URL, if it changes.
    pub fn url(&self) -> Option<&EndpointUrl> {
        self.url.as_ref()
    }

    /// The new encryption of bodies, if it changes.
    pub fn encryption(&self) -> Option<Encryption> {
        self.encryption.new_value().copied()
    }

    /// Whether the change sets the value of a header. This requires the permission to write secrets; removing a header does not.
    pub fn sets_secrets(&self) -> bool {
        self.headers.new_value().is_some_and(|headers| headers.values().any(Option::is_some))
    }
}

impl Endpoint {
    /// Applies `change`. Fails without a change if the endpoint would have more than 20 headers or settings that exclude each other,
    /// or if the URL moves to another origin and a header value is kept.
    pub fn apply(
        &mut self,
        change: EndpointChange,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<(), BadFields> {
        self.check_moved_headers(&change)?;
        self.check_layout(&change)?;
        let mut headers = self.headers.clone();
        match change.headers {
            Change::Keep => {}
            Change::Reset => headers.clear(),
            Change::Set(changes) => {
                let seal = |value: &HeaderValue| {
                    ring.seal(SealedKind::HeaderValue, self.project_id, value.expose().as_bytes(), random)
                };
                for (name, value) in changes {
                    match value {
                        Some(value) => drop(headers.insert(name, seal(&value))),
                        None => drop(headers.remove(&name)),
                    }
                }
            }
        }
        if headers.len() > MAX_HEADERS {
            return Err(BadFields::one("/headers", TOO_MANY_HEADERS));
        }
        self.headers = headers;
        if let Some(url) = change.url {
            self.url = url;
        }
        change.description.apply(&mut self.description);
        change.event_types.apply(&mut self.event_types);
        change.format.apply(&mut self.format);
        change.payload.apply(&mut self.payload);
        change.encryption.apply(&mut self.encryption);
        change.signatures.apply(&mut self.signatures);
        change.ordered.apply(&mut self.ordered);
        self.drop_expired_secrets(now);
        Ok(())
    }

    /// Fails if the format, payload and encryption exclude each other after `change`.
    fn check_layout(&self, change: &EndpointChange) -> Result<(), BadFields> {
        let (mut format, mut payload, mut encryption) = (self.format, self.payload, self.encryption);
        change.format.clone().apply(&mut format);
        change.payload.clone().apply(&mut payload);
        change.encryption.clone().apply(&mut encryption);
        let Some(conflict) = Conflict::between(format, payload, encryption) else { return Ok(()) };
        let is_changed = match conflict {
            Conflict::ThinArgos => payload != self.payload,
            Conflict::EncryptedCloudEvents => encryption != self.encryption,
        };
        Err(BadFields::one(if is_changed { conflict.pointer() } else { "/format" }, conflict.detail()))
    }

    /// Fails if `change` moves the URL to another origin (scheme, host, port) and keeps the value of a header. The values are the
    /// receiver's secrets: a caller who does not know them must not redirect them to another host.
    fn check_moved_headers(&self, change: &EndpointChange) -> Result<(), BadFields> {
        let moves = change.url.as_ref().is_some_and(|url| url.as_url().origin() != self.url.as_url().origin());
        let is_kept = |name: &HeaderName| match &change.headers {
            Change::Keep => true,
            Change::Reset => false,
            Change::Set(changes) => !changes.contains_key(name),
        };
        let kept = self.headers.keys().filter(|name| moves && is_kept(name));
        let bad = kept.map(|name| BadField {
            pointer: pointer(&["headers", &String::from(name.clone())]),
            detail:
                "belongs to the current host; to change the host, send the value again, or null to remove the header"
                    .to_owned(),
        });
        let bad: Vec<BadField> = bad.collect();
        if bad.is_empty() { Ok(()) } else { Err(BadFields(bad)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::id::{EndpointId, ProjectId};
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::endpoint::NewEndpoint;
    use crate::webhooks::signature::SigningSecret;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn ring() -> KeyRing {
        KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
    }

    fn endpoint() -> Endpoint {
        let body = r#"{"url":"https://example.com/","description":"CRM","eventTypes":["aml"],"format":"argos",
            "encryption":"aes-256-gcm","signatures":["v1a"],"ordered":true,
            "headers":{"x-a":"1","x-b":"2"}}"#;
        let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &AddressGuard::default()).unwrap();
        let (id, project) = (EndpointId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring(), &SystemRandom)
    }

    fn change(body: &str) -> Result<EndpointChange, BadFields> {
        EndpointChange::check(Draft::parse(body.as_bytes()).unwrap(), &AddressGuard::default())
    }

    fn changed(body: &str) -> Endpoint {
        let mut endpoint = endpoint();
        endpoint.apply(change(body).unwrap(), now(), &ring(), &SystemRandom).unwrap();
        endpoint
    }

    fn header_names(endpoint: &Endpoint) -> Vec<String> {
        endpoint.headers.keys().cloned().map(String::from).collect()
    }

    fn pointers(refused: BadFields) -> Vec<String> {
        refused.0.into_iter().map(|field| field.pointer).collect()
    }

    #[test]
    fn fields_left_out_stay_unchanged() {
        let mut endpoint = endpoint();
        let before = endpoint.clone();
        endpoint.apply(change("{}").unwrap(), now(), &ring(), &SystemRandom).unwrap();
        assert_eq!(endpoint, before);
    }

    #[test]
    fn null_resets_a_field_to_its_default() {
        let body = r#"{"description":null,"eventTypes":null,"headers":null,"format":null,"payload":null,"encryption":null,"signatures":null,
            "ordered":null}"#;
        let endpoint = changed(body);
        assert_eq!((endpoint.description, endpoint.event_types, endpoint.headers.len()), (None, None, 0));
        assert_eq!((endpoint.format, endpoint.encryption), (Format::Standard, Encryption::None));
        assert_eq!((endpoint.signatures, endpoint.ordered), (SignatureSchemes::default(), false));
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused_at_the_field_that_the_request_changes() {
        for (before, body, expected) in [
            ("{}", r#"{"payload":"thin"}"#, "/payload"),
            (r#"{"format":"standard","payload":"thin"}"#, r#"{"format":"argos","description":"x"}"#, "/format"),
            (r#"{"format":"standard","payload":"thin"}"#, r#"{"format":"argos","payload":"thin"}"#, "/format"),
            ("{}", r#"{"format":"cloudevents"}"#, "/format"),
            (r#"{"format":"cloudevents","encryption":null}"#, r#"{"encryption":"aes-256-ecb"}"#, "/encryption"),
            (r#"{"format":null}"#, r#"{"format":"argos","payload":"thin","encryption":null}"#, "/payload"),
        ] {
            let mut endpoint = changed(before);
            let stored = endpoint.clone();
            let refused = endpoint.apply(change(body).unwrap(), now(), &ring(), &SystemRandom).unwrap_err();
            assert_eq!((pointers(refused), endpoint), (vec![expected.to_owned()], stored), "{before} {body}");
        }
        assert_eq!(changed(r#"{"format":"standard","payload":"thin"}"#).payload, Payload::Thin);
        assert_eq!(
            changed(r#"{"format":"cloudevents","payload":"thin","encryption":null}"#).format,
            Format::CloudEvents
        );
    }

    #[test]
    fn each_header_is_set_or_removed_on_its_own() {
        let endpoint = changed(r#"{"headers":{"X-A":null,"x-c":"3","x-never":null}}"#);
        assert_eq!(header_names(&endpoint), ["x-b", "x-c"]);
        let opened =
            ring().open(SealedKind::HeaderValue, endpoint.project_id, &endpoint.headers[&"x-c".parse().unwrap()]);
        assert_eq!(opened.as_deref(), Ok(b"3".as_slice()));
    }

    #[test]
    fn a_change_cannot_raise_the_number_of_headers_above_20() {
        let many: Vec<String> = (0..19).map(|number| format!(r#""x-{number}":"v""#)).collect();
        let body = format!(r#"{{"headers":{{{}}}}}"#, many.join(","));
        let mut endpoint = endpoint();
        let before = endpoint.clone();
        let refused = endpoint.apply(change(&body).unwrap(), now(), &ring(), &SystemRandom).unwrap_err();
        assert_eq!((pointers(refused), endpoint), (vec!["/headers".to_owned()], before));
    }

    #[test]
    fn stored_header_values_are_not_sent_to_another_origin() {
        for url in
            ["https://example.org/", "https://example.com:8443/", "https://www.example.com/", "https://example.com./"]
        {
            let refused = |headers: &str| {
                let (mut endpoint, body) = (endpoint(), format!(r#"{{"url":"{url}"{headers}}}"#));
                let before = endpoint.clone();
                let refused = endpoint.apply(change(&body).unwrap(), now(), &ring(), &SystemRandom);
                assert!(refused.is_ok() || endpoint == before, "a rejected change changes nothing");
                refused.map_err(pointers).err().unwrap_or_default()
            };
            assert_eq!(refused(""), ["/headers/x-a", "/headers/x-b"], "{url}");
            assert_eq!(refused(r#","headers":{"x-c":"3"}"#), ["/headers/x-a", "/headers/x-b"], "{url}");
            assert_eq!(refused(r#","headers":{"X-A":"1"}"#), ["/headers/x-b"], "{url}");
            assert_eq!(refused(r#","headers":{"x-a":"1","x-b":null}"#), [""; 0], "{url}");
            assert_eq!(refused(r#","headers":null"#), [""; 0], "{url}");
        }
    }

    #[test]
    fn header_values_stay_when_the_url_changes_within_its_origin() {
        let endpoint = changed(r#"{"url":"https://EXAMPLE.com:443/other?x=1"}"#);
        assert_eq!(
            (header_names(&endpoint), endpoint.url.as_url().path()),
            (vec!["x-a".into(), "x-b".into()], "/other")
        );
    }

    #[test]
    fn every_bad_field_of_a_change_is_named_at_once() {
        let body = r#"{"url":null,"description":1,"eventTypes":[],"headers":{"host":null,"x-a":2},"format":"xml",
            "payload":"slim","encryption":"rot13","signatures":["v2"],"ordered":"yes","state":"paused",
            "signingSecret":null}"#;
        let expected = [
            "/url",
            "/description",
            "/eventTypes",
            "/headers/host",
            "/headers/x-a",
            "/format",
            "/payload",
            "/encryption",
            "/signatures/0",
            "/ordered",
            "/signingSecret",
            "/state",
        ];
        assert_eq!(pointers(change(body).unwrap_err()), expected);
    }
}
