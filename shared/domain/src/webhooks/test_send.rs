//! Test sends: one webhook with sample data, so that a customer can see how their receiver handles it.
//!
//! A test is sent like a delivery, with the additional header `webhook-test`. It is sent once, never retried, and kept
//! for 24 hours. It creates no event and no delivery and does not change the endpoint's health.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{EndpointId, EventId};
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::event::EventType;

/// How long a test and its result are stored.
pub const RETENTION: Duration = Duration::from_hours(24);

/// Maximum time between the request for a test and its sending. After that, the caller is no longer waiting.
pub const MAX_WAIT: Duration = Duration::from_mins(1);

/// Maximum number of tests of a project in one minute. Enough for all event types to two endpoints, too few to load a
/// server.
pub const MAX_TESTS_PER_MINUTE: u32 = 30;

/// A request for a test send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTestSend {
    /// Type of the sample event to send.
    pub event_type: EventType,
}

impl TryFrom<Draft> for NewTestSend {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let event_type = draft.required("type");
        draft.check(|| Some(Self { event_type: event_type? }))
    }
}

impl NewTestSend {
    /// Creates the test, still to be sent.
    pub fn start(self, id: EventId, endpoint_id: EndpointId) -> TestSend {
        TestSend { id, endpoint_id, event_type: self.event_type, state: TestState::Pending }
    }
}

/// A test send and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TestSend {
    /// Id of the test, sent as `webhook-id`. No event is stored under it.
    pub id: EventId,
    /// Endpoint that the test is sent to.
    pub endpoint_id: EndpointId,
    /// Type of the sample event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// State of the test, with its result.
    #[serde(flatten)]
    pub state: TestState,
}

/// State of a test send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TestState {
    /// The test has not been sent yet.
    Pending,
    /// The test was sent. The attempt shows whether the receiver accepted it.
    Done {
        /// The attempt with the receiver's response.
        attempt: Attempt,
        /// The request that was sent.
        request: SentRequest,
    },
    /// The test was not sent and will not be.
    NotSent {
        /// Why the test was not sent.
        #[serde(rename = "notSentBecause")]
        not_sent_reason: NotSentReason,
    },
}

public_names! {
    /// Why a test was not sent.
    pub enum NotSentReason {
        /// Signpost could not send the test within a minute, or crashed before it recorded the response. The receiver
        /// is not at fault.
        OurFault = "our-fault",
        /// The endpoint was deleted before the test was sent.
        EndpointDeleted = "endpoint-deleted",
        /// The receiver has not granted webhooks in a handshake.
        EndpointUnverified = "endpoint-unverified",
    }
}

impl TestSend {
    /// Whether the test is still to be sent.
    pub fn is_pending(&self) -> bool {
        self.state == TestState::Pending
    }

    /// Whether it is too late to send the test at `now`.
    pub fn is_late(&self, now: Timestamp) -> bool {
        now.since(self.id.created_at()) > MAX_WAIT
    }

    /// Whether the test is still shown at `now`. The store may keep an expired row for longer.
    pub fn is_kept(&self, now: Timestamp) -> bool {
        now.since(self.id.created_at()) < RETENTION
    }

    /// Sets the result of the test.
    #[must_use]
    pub fn ended(self, state: TestState) -> Self {
        Self { state, ..self }
    }
}

/// The request of a test send, to compare with what the receiver logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SentRequest {
    /// Headers set by Signpost. The endpoint's static headers are left out, because their values may be secret.
    headers: BTreeMap<String, String>,
    /// Body as sent.
    body: String,
}

impl SentRequest {
    /// Headers set by Signpost.
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// Body as sent.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Copies the body and the headers, without the endpoint's static headers, which are marked as sensitive.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let shown = headers.iter().filter(|(_, value)| !value.is_sensitive());
        let string = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Self {
            headers: shown.map(|(name, value)| (name.to_string(), string(value))).collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::attempt::{FailureReason, Phases};

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn pending() -> TestSend {
        let new = NewTestSend { event_type: EventType::AmlOngoing };
        new.start(EventId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom))
    }

    fn done() -> TestState {
        let phases =
            Phases { token_ms: None, dns_ms: Some(1), connect_ms: Some(2), answer_ms: Some(3), body_ms: Some(4) };
        let reason = Some(FailureReason::Status);
        let response = Some("no".to_owned());
        let attempt = Attempt { number: 1, at: now(), duration_ms: 10, phases, status: Some(500), reason, response };
        let mut secret = HeaderValue::from_static("Bearer 1");
        secret.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (http::header::AUTHORIZATION, secret),
            (crate::webhooks::request::WEBHOOK_TEST, "true".parse().unwrap()),
        ]);
        TestState::Done { attempt, request: SentRequest::of(&headers, b"{}") }
    }

    #[test]
    fn a_test_survives_a_round_trip_through_json_and_shows_no_secret_header() {
        let not_sent = |not_sent_reason| TestState::NotSent { not_sent_reason };
        let attempt = json!({
            "number": 1, "at": "2026-11-22T08:30:00.000Z", "durationMs": 10, "status": 500, "reason": "status",
            "phases": { "dnsMs": 1, "connectMs": 2, "answerMs": 3, "bodyMs": 4 }, "response": "no",
        });
        let request = json!({ "headers": { "webhook-test": "true" }, "body": "{}" });
        for (state, shown) in [
            (TestState::Pending, json!({ "state": "pending" })),
            (done(), json!({ "state": "done", "attempt": attempt, "request": request })),
            (not_sent(NotSentReason::OurFault), json!({ "state": "not-sent", "notSentBecause": "our-fault" })),
            (
                not_sent(NotSentReason::EndpointDeleted),
                json!({ "state": "not-sent", "notSentBecause": NotSentReason::EndpointDeleted.as_str() }),
            ),
        ] {
            let test = pending().ended(state);
            let mut expected = json!({ "id": test.id, "endpointId": test.endpoint_id, "type": "aml-ongoing" });
            expected.as_object_mut().unwrap().extend(shown.as_object().unwrap().clone());
            let json = serde_json::to_value(&test).unwrap();
            assert_eq!(json, expected);
            assert_eq!(serde_json::from_value::<TestSend>(json).unwrap(), test);
        }
    }

    #[test]
    fn a_test_can_be_sent_for_one_minute_and_is_shown_for_one_day() {
        let (test, instant) = (pending(), Duration::from_millis(1));
        let after = |time: Duration| now().plus(time);
        assert!(!test.is_late(after(MAX_WAIT)) && test.is_late(after(MAX_WAIT + instant)));
        assert!(test.is_kept(after(RETENTION.saturating_sub(instant))) && !test.is_kept(after(RETENTION)));
    }
}
