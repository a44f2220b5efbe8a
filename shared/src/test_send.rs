//! Test sends: one webhook with invented content, because somebody wants to see what their receiver makes of it.
//!
//! A test is made just as a delivery is, but marked with the header `webhook-test`. It is sent once and kept for a day. Nothing
//! else knows of it: there is no event and no delivery, and it says nothing about the endpoint's health.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::delivery::Attempt;
use crate::draft::{BadFields, Draft};
use crate::event::EventType;
use crate::id::{EndpointId, EventId};
use crate::time::Timestamp;

/// How long a test and its result are kept.
pub const KEPT: Duration = Duration::from_hours(24);

/// How long after it was asked for a test may still be sent. By then, whoever asked has given up.
pub const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How many tests a project may make in a minute: all types to more than one endpoint, but no load on anybody's server.
pub const MOST_A_MINUTE: u32 = 30;

/// A request for a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTestSend {
    /// What the test tells the receiver of.
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
    /// The test it asks for, still to be sent.
    pub fn start(self, id: EventId, endpoint_id: EndpointId) -> TestSend {
        TestSend { id, endpoint_id, event_type: self.event_type, state: TestState::Pending }
    }
}

/// A test, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TestSend {
    /// The id that its webhook carries. No event is ever stored under it.
    pub id: EventId,
    /// Where it goes.
    pub endpoint_id: EndpointId,
    /// What it tells the receiver of.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// How far it has come.
    #[serde(flatten)]
    pub state: TestState,
}

/// How far a test has come. The names are public and stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TestState {
    /// It is still to be sent.
    Pending,
    /// It was sent, whatever the receiver made of it.
    Done {
        /// The POST and its answer.
        attempt: Attempt,
        /// What was posted.
        request: SentRequest,
    },
    /// Nothing is known of the receiver, and nothing more will be sent.
    NotSent {
        /// Why.
        not_sent_because: NotSentReason,
    },
}

/// Why a test was not sent. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NotSentReason {
    /// Signpost could not send it within a minute, or died before it could record the answer. The receiver has nothing to do
    /// with it.
    OurFault,
    /// The endpoint was deleted meanwhile.
    EndpointDeleted,
}

impl NotSentReason {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OurFault => "our-fault",
            Self::EndpointDeleted => "endpoint-deleted",
        }
    }
}

impl TestSend {
    /// Whether it is still to be sent.
    pub fn is_pending(&self) -> bool {
        self.state == TestState::Pending
    }

    /// Whether it is too late at `now` to send it.
    pub fn is_late(&self, now: Timestamp) -> bool {
        now.since(self.id.made_at()) > LONGEST_WAIT
    }

    /// Whether it is still shown at `now`.
    pub fn is_kept(&self, now: Timestamp) -> bool {
        now.since(self.id.made_at()) < KEPT
    }

    /// The test after it came to `state`.
    #[must_use]
    pub fn ended(self, state: TestState) -> Self {
        Self { state, ..self }
    }
}

/// What was posted, to be compared with what the receiver saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SentRequest {
    /// Signpost's own headers; the endpoint's static ones are left out.
    headers: BTreeMap<String, String>,
    /// The body as it was sent.
    body: String,
}

impl SentRequest {
    /// The body, and the headers without the endpoint's own: their values are never shown.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let shown = headers.iter().filter(|(_, value)| !value.is_sensitive());
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Self {
            headers: shown.map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::delivery::{FailureReason, Phases};
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn pending() -> TestSend {
        let new = NewTestSend { event_type: EventType::AmlOngoing };
        new.start(EventId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom))
    }

    fn done() -> TestState {
        let phases = Phases { dns_ms: Some(1), connect_ms: Some(2), answer_ms: Some(3), body_ms: Some(4) };
        let reason = Some(FailureReason::Status);
        let response = Some("no".to_owned());
        let attempt = Attempt { number: 1, at: now(), duration_ms: 10, phases, status: Some(500), reason, response };
        let mut secret = HeaderValue::from_static("Bearer 1");
        secret.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (http::header::AUTHORIZATION, secret),
            (crate::webhook::WEBHOOK_TEST, "true".parse().unwrap()),
        ]);
        TestState::Done { attempt, request: SentRequest::of(&headers, b"{}") }
    }

    #[test]
    fn a_test_reads_back_and_shows_neither_secrets_nor_more_than_there_is() {
        let not_sent = |not_sent_because| TestState::NotSent { not_sent_because };
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
    fn a_test_may_be_sent_for_a_minute_and_is_shown_for_a_day() {
        let (test, instant) = (pending(), Duration::from_millis(1));
        let after = |time: Duration| now().plus(time);
        assert!(!test.is_late(after(LONGEST_WAIT)) && test.is_late(after(LONGEST_WAIT + instant)));
        assert!(test.is_kept(after(KEPT.saturating_sub(instant))) && !test.is_kept(after(KEPT)));
    }
}
