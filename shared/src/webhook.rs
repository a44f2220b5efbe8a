//! The webhook itself: the body and the headers of one attempt.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use thiserror::Error;

use crate::endpoint::{Endpoint, HeaderName as StaticHeaderName};
use crate::event::{Event, EventData, EventType, SubmissionId};
use crate::id::{EventId, ProjectId};
use crate::key_ring::{CannotOpen, KeyRing, SealedKind};
use crate::signature::{BadSigningSecret, SigningSecret};
use crate::time::Timestamp;

/// Names the event; the same on every attempt.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this attempt was made, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures, separated by spaces.
pub const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Which attempt this is, from 1.
pub const WEBHOOK_ATTEMPT: HeaderName = HeaderName::from_static("webhook-attempt");

const OUR_USER_AGENT: &str = concat!("Signpost/", env!("CARGO_PKG_VERSION"));

/// What an endpoint's webhooks need beyond the event, opened.
#[derive(Debug, Clone)]
pub struct Opened {
    signing_secret: SigningSecret,
    headers: BTreeMap<StaticHeaderName, HeaderValue>,
}

/// Why an endpoint's sealed values cannot be used: our fault, never the receiver's.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The key ring does not open one of them.
    #[error("endpoint's secrets cannot be opened")]
    Sealed(#[from] CannotOpen),
    /// The signing secret was opened, but is none.
    #[error("endpoint's signing secret cannot be read")]
    SigningSecret(#[from] BadSigningSecret),
    /// A header value was opened, but is none.
    #[error("endpoint's header value cannot be sent")]
    HeaderValue(#[from] http::header::InvalidHeaderValue),
    /// A value was opened, but is no text.
    #[error("endpoint's sealed value is not text")]
    Text(#[from] std::string::FromUtf8Error),
}

impl Opened {
    /// Opens what `endpoint` keeps sealed.
    pub fn of(endpoint: &Endpoint, ring: &KeyRing) -> Result<Self, OpenError> {
        let project = endpoint.project_id;
        let secret = ring.open(SealedKind::SigningSecret, project, &endpoint.signing_secret)?;
        let mut headers = BTreeMap::new();
        for (name, sealed) in &endpoint.headers {
            let value = ring.open(SealedKind::HeaderValue, project, sealed)?;
            let mut value = HeaderValue::from_bytes(&value)?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        Ok(Self { signing_secret: String::from_utf8(secret)?.parse()?, headers })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StandardBody<'a> {
    #[serde(rename = "type")]
    event_type: EventType,
    timestamp: Timestamp,
    id: EventId,
    project_id: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<&'a SubmissionId>,
    data: &'a EventData,
}

/// The body that `event` is sent as: compact JSON around the data as it was published.
pub fn body(event: &Event) -> Vec<u8> {
    let body = StandardBody {
        event_type: event.event_type,
        timestamp: event.occurred_at,
        id: event.id,
        project_id: event.project_id,
        submission_id: event.submission_id.as_ref(),
        data: &event.data,
    };
    serde_json::to_vec(&body).expect("an event is always JSON")
}

/// The headers of the attempt `number` to send `body` at `at`, its signature among them.
pub fn headers(opened: &Opened, id: EventId, number: u8, at: Timestamp, body: &[u8]) -> HeaderMap {
    let own = |text: String| HeaderValue::try_from(text).expect("ids, numbers and base64 are header values");
    let mut headers: HeaderMap = opened.headers.iter().map(|(name, value)| (name.to_http(), value.clone())).collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
    headers.insert(WEBHOOK_ID, own(id.to_string()));
    headers.insert(WEBHOOK_TIMESTAMP, own(at.as_seconds().to_string()));
    headers.insert(WEBHOOK_SIGNATURE, own(opened.signing_secret.sign(id, at, body)));
    headers.insert(WEBHOOK_ATTEMPT, own(number.to_string()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::AddressGuard;
    use crate::draft::Draft;
    use crate::endpoint::NewEndpoint;
    use crate::id::EndpointId;
    use crate::random::SystemRandom;

    fn event(at: Timestamp) -> Event {
        Event {
            id: EventId::new(at, &SystemRandom),
            project_id: ProjectId::new(at, &SystemRandom),
            event_type: EventType::AmlOngoing,
            submission_id: Some("sub_1".to_owned().try_into().unwrap()),
            occurred_at: at,
            data: r#"{"b":1.0, "a":[]}"#.to_owned().try_into().unwrap(),
        }
    }

    fn now() -> Timestamp {
        // The independent verifier compares with the machine's clock.
        use crate::clock::{Clock, SystemClock};
        SystemClock.now()
    }

    #[test]
    fn the_body_carries_the_data_untouched() {
        let event = event(now());
        assert_eq!(
            String::from_utf8(body(&event)).unwrap(),
            format!(
                r#"{{"type":"aml-ongoing","timestamp":"{}","id":"{}","projectId":"{}","submissionId":"sub_1","data":{{"b":1.0, "a":[]}}}}"#,
                event.occurred_at, event.id, event.project_id
            )
        );
    }

    #[test]
    fn another_library_verifies_our_webhooks() {
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let event = event(now());
        let secret = SigningSecret::generate(&SystemRandom);
        let draft = Draft::parse(br#"{"url":"https://example.com/","headers":{"Authorization":"Bearer 1"}}"#).unwrap();
        let endpoint = NewEndpoint::check(draft, &AddressGuard::default()).unwrap().create(
            EndpointId::new(now(), &SystemRandom),
            event.project_id,
            &secret,
            &ring,
            &SystemRandom,
        );

        let body = body(&event);
        let headers = headers(&Opened::of(&endpoint, &ring).unwrap(), event.id, 3, now(), &body);

        let verifier = standardwebhooks::Webhook::new(&secret.expose()).unwrap();
        verifier.verify(&body, &headers).unwrap();
        assert_eq!(headers[WEBHOOK_ATTEMPT], "3");
        assert_eq!(headers["authorization"], "Bearer 1");
    }
}
