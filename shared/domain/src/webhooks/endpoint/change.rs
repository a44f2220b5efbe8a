//! Requests to change an endpoint.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{
    AUTHORIZATION_TWICE, MAX_HEADERS, TOO_MANY_HEADERS, check_header_bytes, is_authorization, read_url,
    take_event_types, take_signatures,
};
use super::format::Conflict;
use super::oauth2::Oauth2Change;
use super::{
    ClientCertificate, ClientSecret, Description, Endpoint, EndpointUrl, Format, HeaderName, HeaderValue,
    NewClientCertificate, Oauth2, Ownership, Pace, Payload,
};
use crate::foundation::draft::{BadField, BadFields, Change, Draft, pointer};
use crate::foundation::key_ring::{KeyRing, Sealed, SealedKind};
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
    pace: Change<Option<Pace>>,
    ownership: Change<Ownership>,
    oauth2: Change<Oauth2Change>,
    client_certificate: Change<NewClientCertificate>,
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
        /// Maximum number of webhooks per minute.
        Pace = "pace",
        /// Whether the owner of the URL must grant webhooks.
        Ownership = "ownership",
        /// Client credentials for the receiver's token server.
        Oauth2 = "oauth2",
        /// Certificate that Signpost shows to the receiver.
        ClientCertificate = "clientCertificate",
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
            | Self::Ordered
            | Self::Pace
            | Self::Ownership
            | Self::Oauth2
            | Self::ClientCertificate => self.as_str(),
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
            read_url(draft, "url", url, guard)
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
        let pace = draft.change("pace", |draft| draft.optional("pace").map(Some));
        let ownership = draft.change("ownership", |draft| draft.optional("ownership"));
        let oauth2 = draft.change("oauth2", |draft| {
            draft.optional_object("oauth2", |object| Some(Oauth2Change::read(object, guard)))
        });
        let client_certificate = draft.change("clientCertificate", |draft| {
            draft.optional_object("clientCertificate", NewClientCertificate::read)
        });
        draft.check(|| {
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
            })
        })
    }

    /// The new URL, if it changes.
    pub fn url(&self) -> Option<&EndpointUrl> {
        self.url.as_ref()
    }

    /// The new URL of the token server, if it changes.
    pub fn token_url(&self) -> Option<&EndpointUrl> {
        self.oauth2.new_value().and_then(Oauth2Change::token_url)
    }

    /// Whether the endpoint needs no handshake after the change.
    pub fn ends_handshake(&self) -> bool {
        match &self.ownership {
            Change::Keep => false,
            Change::Reset => true,
            Change::Set(ownership) => *ownership == Ownership::None,
        }
    }

    /// The new encryption of bodies, if it changes.
    pub fn encryption(&self) -> Option<Encryption> {
        self.encryption.new_value().copied()
    }

    /// Whether the change sets a secret, or what a secret gives access to: the value of a header, client credentials, or a client
    /// certificate. Another scope or audience would get other tokens. This requires the permission to write secrets; removing a secret
    /// does not.
    pub fn sets_secrets(&self) -> bool {
        let sets_headers = self.headers.new_value().is_some_and(|headers| headers.values().any(Option::is_some));
        sets_headers || self.oauth2.new_value().is_some() || self.client_certificate.new_value().is_some()
    }
}

impl Endpoint {
    /// Applies `change`. Fails without a change if the endpoint would have more than 20 headers or settings that exclude each other,
    /// if the URL moves to another origin and a header value, a client secret or a client certificate is kept, or if client credentials
    /// are incomplete.
    pub fn apply(
        &mut self,
        change: EndpointChange,
        now: Timestamp,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<(), BadFields> {
        self.check_moved_secrets(&change)?;
        self.check_layout(&change)?;
        let oauth2 = self.changed_oauth2(&change, ring, random)?;
        let client_certificate = self.changed_certificate(&change, ring, random);
        let headers = self.changed_headers(&change, ring, random)?;
        if oauth2.is_some() && headers.keys().any(is_authorization) {
            let is_changed = oauth2 != self.oauth2;
            return Err(if is_changed {
                BadFields::one("/oauth2", AUTHORIZATION_TWICE)
            } else {
                BadFields::one("/headers/authorization", "cannot be combined with oauth2")
            });
        }
        (self.headers, self.oauth2, self.client_certificate) = (headers, oauth2, client_certificate);
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
        change.pace.apply(&mut self.pace);
        change.ownership.apply(&mut self.ownership);
        if !self.has_valid_proof() {
            self.ownership_proof = None;
        }
        self.drop_expired_secrets(now);
        Ok(())
    }

    /// The static headers after `change`.
    fn changed_headers(
        &self,
        change: &EndpointChange,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<BTreeMap<HeaderName, Sealed>, BadFields> {
        let mut headers = self.headers.clone();
        match &change.headers {
            Change::Keep => {}
            Change::Reset => headers.clear(),
            Change::Set(changes) => {
                let seal = |value: &HeaderValue| {
                    ring.seal(SealedKind::HeaderValue, self.project_id, value.expose().as_bytes(), random)
                };
                for (name, value) in changes {
                    match value {
                        Some(value) => drop(headers.insert(name.clone(), seal(value))),
                        None => drop(headers.remove(name)),
                    }
                }
            }
        }
        if headers.len() > MAX_HEADERS { Err(BadFields::one("/headers", TOO_MANY_HEADERS)) } else { Ok(headers) }
    }

    /// The client credentials after `change`.
    fn changed_oauth2(
        &self,
        change: &EndpointChange,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Result<Option<Oauth2>, BadFields> {
        match &change.oauth2 {
            Change::Keep => Ok(self.oauth2.clone()),
            Change::Reset => Ok(None),
            Change::Set(change) => {
                let seal = |secret: &ClientSecret| {
                    ring.seal(SealedKind::ClientSecret, self.project_id, secret.expose().as_bytes(), random)
                };
                change.clone().applied_to(self.oauth2.as_ref(), seal).map(Some)
            }
        }
    }

    /// The client certificate after `change`.
    fn changed_certificate(
        &self,
        change: &EndpointChange,
        ring: &KeyRing,
        random: &dyn Random,
    ) -> Option<ClientCertificate> {
        match &change.client_certificate {
            Change::Keep => self.client_certificate.clone(),
            Change::Reset => None,
            Change::Set(new) => {
                let seal = |key: &str| ring.seal(SealedKind::ClientKey, self.project_id, key.as_bytes(), random);
                Some(new.clone().sealed(seal))
            }
        }
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

    /// Fails if `change` moves the URL to another origin (scheme, host, port) and keeps the value of a header, a client secret or a client
    /// certificate. They are the receiver's secrets: a caller who does not know them must not redirect them, or the tokens that they buy,
    /// to another host, or act there with the certificate.
    fn check_moved_secrets(&self, change: &EndpointChange) -> Result<(), BadFields> {
        let moves = change.url.as_ref().is_some_and(|url| !url.is_same_origin(&self.url));
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
        let keeps_client_secret = match &change.oauth2 {
            Change::Keep => self.oauth2.is_some(),
            Change::Reset => false,
            Change::Set(change) => self.oauth2.is_some() && !change.sets_secret(),
        };
        let bad_oauth2 = (moves && keeps_client_secret).then(|| BadField {
            pointer: "/oauth2".to_owned(),
            detail:
                "belongs to the current host; to change the host, send clientSecret again, or null to remove oauth2"
                    .to_owned(),
        });
        let keeps_certificate = self.client_certificate.is_some() && change.client_certificate == Change::Keep;
        let bad_certificate = (moves && keeps_certificate).then(|| BadField {
            pointer: "/clientCertificate".to_owned(),
            detail: "belongs to the current host; to change the host, send it again, or null to remove it".to_owned(),
        });
        let bad: Vec<BadField> = bad.chain(bad_oauth2).chain(bad_certificate).collect();
        if bad.is_empty() { Ok(()) } else { Err(BadFields(bad)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::id::{EndpointId, ProjectId};
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::endpoint::{
        CertificateFacts, ClientAuthentication, EndpointState, NewEndpoint, Oauth2Parameter, OwnershipProof,
        SendingState,
    };
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

    const OAUTH2: &str =
        r#"{"tokenUrl":"https://login.example.com/token","clientId":"signpost","clientSecret":"hunter2"}"#;

    fn endpoint_with(settings: &str) -> Endpoint {
        let body = format!(r#"{{"url":"https://example.com/",{settings}}}"#);
        let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &AddressGuard::default()).unwrap();
        let (id, project) = (EndpointId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring(), &SystemRandom)
    }

    /// The endpoint after a change, or the pointers of the errors of a change that changed nothing.
    fn changing(endpoint: &Endpoint, body: &str) -> Result<Endpoint, Vec<String>> {
        let mut changed = endpoint.clone();
        let applied = changed.apply(change(body).map_err(pointers)?, now(), &ring(), &SystemRandom);
        assert!(applied.is_ok() || changed == *endpoint, "a rejected change changes nothing");
        applied.map(|()| changed).map_err(pointers)
    }

    fn client_secret(endpoint: &Endpoint) -> String {
        let opened = endpoint.oauth2.as_ref().unwrap().open(endpoint.project_id, &ring()).unwrap();
        opened.client_secret.expose().to_owned()
    }

    #[test]
    fn members_of_client_credentials_change_on_their_own() {
        let endpoint = endpoint_with(&format!(r#""oauth2":{OAUTH2}"#));
        let changed = changing(&endpoint, r#"{"oauth2":{"scope":"a b","clientAuthentication":"post"}}"#).unwrap();
        let oauth2 = changed.oauth2.clone().unwrap();
        assert_eq!(
            (oauth2.scope.as_ref().map(Oauth2Parameter::as_str), client_secret(&changed)),
            (Some("a b"), "hunter2".into())
        );
        let reset =
            changing(&changed, r#"{"oauth2":{"scope":null,"clientAuthentication":null,"clientSecret":"hunter3"}}"#)
                .unwrap();
        assert_eq!((reset.oauth2.as_ref().unwrap().scope.as_ref(), client_secret(&reset)), (None, "hunter3".into()));
        assert_eq!(reset.oauth2.as_ref().unwrap().client_authentication, ClientAuthentication::Basic);
        assert_eq!(changing(&reset, r#"{"oauth2":null}"#).unwrap().oauth2, None);
    }

    #[test]
    fn new_client_credentials_need_a_token_server_a_client_and_a_secret() {
        let endpoint = endpoint_with(r#""ordered":false"#);
        let missing = ["/oauth2/tokenUrl", "/oauth2/clientId", "/oauth2/clientSecret"].map(str::to_owned);
        assert_eq!(changing(&endpoint, r#"{"oauth2":{}}"#), Err(missing.to_vec()));
        assert!(changing(&endpoint, &format!(r#"{{"oauth2":{OAUTH2}}}"#)).is_ok());
        for (bad, pointer) in [
            (r#"{"oauth2":[]}"#, "/oauth2"),
            (r#"{"oauth2":{"tokenUrl":"http://10.0.0.1/"}}"#, "/oauth2/tokenUrl"),
            (r#"{"oauth2":{"clientSecret":null}}"#, "/oauth2/clientSecret"),
            (r#"{"oauth2":{"clientId":""}}"#, "/oauth2/clientId"),
            (r#"{"oauth2":{"grantType":"password"}}"#, "/oauth2/grantType"),
        ] {
            assert_eq!(changing(&endpoint, bad), Err(vec![pointer.to_owned()]), "{bad}");
        }
    }

    #[test]
    fn a_client_secret_is_not_sent_to_another_token_server_and_its_tokens_not_to_another_receiver() {
        let endpoint = endpoint_with(&format!(r#""oauth2":{OAUTH2}"#));
        let (moved_server, moved_receiver) =
            (r#"{"oauth2":{"tokenUrl":"https://evil.example/token"}}"#, r#"{"url":"https://evil.example/"}"#);
        assert_eq!(changing(&endpoint, moved_server), Err(vec!["/oauth2/clientSecret".to_owned()]));
        assert_eq!(changing(&endpoint, moved_receiver), Err(vec!["/oauth2".to_owned()]));
        for allowed in [
            r#"{"oauth2":{"tokenUrl":"https://login.example.com/other"}}"#,
            r#"{"oauth2":{"tokenUrl":"https://new.example/","clientSecret":"x"}}"#,
            r#"{"url":"https://new.example/","oauth2":{"clientSecret":"x"}}"#,
            r#"{"url":"https://new.example/","oauth2":null}"#,
        ] {
            assert!(changing(&endpoint, allowed).is_ok(), "{allowed}");
        }
    }

    #[test]
    fn a_client_certificate_is_not_shown_to_another_host() {
        let mut endpoint = endpoint_with(r#""ordered":false"#);
        let facts = CertificateFacts { subject: String::new(), sha256: String::new(), expires_at: now() };
        let private_key = endpoint.signing_secret.clone();
        endpoint.client_certificate = Some(ClientCertificate { certificate: String::new(), private_key, facts });
        let refused = changing(&endpoint, r#"{"url":"https://evil.example/"}"#);
        assert_eq!(refused, Err(vec!["/clientCertificate".to_owned()]));
        assert!(changing(&endpoint, r#"{"url":"https://example.com/other"}"#).is_ok());
        assert!(changing(&endpoint, r#"{"url":"https://new.example/","clientCertificate":null}"#).is_ok());
    }

    #[test]
    fn an_access_token_and_a_static_header_cannot_share_a_header() {
        let with_token = endpoint_with(&format!(r#""oauth2":{OAUTH2}"#));
        let with_header = endpoint_with(r#""headers":{"authorization":"x"}"#);
        let added = changing(&with_token, r#"{"headers":{"Authorization":"x"}}"#);
        assert_eq!(added, Err(vec!["/headers/authorization".to_owned()]));
        let added = changing(&with_header, &format!(r#"{{"oauth2":{OAUTH2}}}"#));
        assert_eq!(added, Err(vec!["/oauth2".to_owned()]));
        let replaced = changing(&with_header, &format!(r#"{{"oauth2":{OAUTH2},"headers":{{"authorization":null}}}}"#));
        assert!(replaced.is_ok());
    }

    #[test]
    fn a_grant_ends_with_the_url_or_with_the_handshake() {
        let mut endpoint = endpoint_with(r#""ownership":"handshake","pace":100"#);
        assert_eq!((endpoint.sending_state(), endpoint.effective_pace()), (SendingState::Unverified, endpoint.pace));
        let allowed_rate = Pace::try_from(60).ok();
        endpoint.ownership_proof = Some(OwnershipProof { url: endpoint.url.clone(), at: now(), allowed_rate });
        assert_eq!((endpoint.sending_state(), endpoint.effective_pace()), (SendingState::Active, allowed_rate));
        assert_eq!(changing(&endpoint, r#"{"pace":30}"#).unwrap().effective_pace(), Pace::try_from(30).ok());
        assert_eq!(changing(&endpoint, r#"{"pace":null}"#).unwrap().effective_pace(), allowed_rate);
        let moved = changing(&endpoint, r#"{"url":"https://example.com/other"}"#).unwrap();
        assert_eq!((moved.sending_state(), moved.ownership_proof.as_ref()), (SendingState::Unverified, None));
        let free = changing(&endpoint, r#"{"ownership":null}"#).unwrap();
        assert_eq!((free.sending_state(), free.ownership_proof.as_ref()), (SendingState::Active, None));
        assert_eq!(free.effective_pace(), endpoint.pace, "the rate that the receiver allowed ends too");
        let paused = |endpoint| Endpoint { state: EndpointState::Paused, ..endpoint }.sending_state();
        assert_eq!((paused(moved), paused(free)), (SendingState::Unverified, SendingState::Paused));
    }

    #[test]
    fn a_secret_in_a_change_needs_a_permission() {
        for (body, sets) in [
            (r#"{"oauth2":{"clientSecret":"x"}}"#, true),
            (r#"{"oauth2":{"scope":"x"}}"#, true),
            (r#"{"oauth2":null,"clientCertificate":null,"headers":{"x-a":null}}"#, false),
        ] {
            assert_eq!(change(body).unwrap().sets_secrets(), sets, "{body}");
        }
    }

    #[test]
    fn changed_secrets_are_named_and_sealed_values_are_listed() {
        let endpoint = endpoint_with(&format!(r#""oauth2":{OAUTH2}"#));
        let changed = changing(&endpoint, r#"{"oauth2":{"clientSecret":"hunter3"}}"#).unwrap();
        assert_eq!(endpoint.changed_secrets(&changed), ["oauth2/clientSecret"]);
        assert_eq!(endpoint.changed_secrets(&changing(&endpoint, r#"{"oauth2":null}"#).unwrap()), [""; 0]);
        let (listed, mut copy) = (endpoint.sealed().count(), endpoint.clone());
        assert_eq!((listed, copy.sealed_mut().count()), (2, 2));
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
