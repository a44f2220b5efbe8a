//! Events: changes of a verification, as published by the operator.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::foundation::draft::{self, BadFields, Draft};
use crate::foundation::id::{EventId, ProjectId};
use crate::foundation::time::Timestamp;
use crate::public_names;

/// Maximum number of levels of objects and lists in an event's data, including the data itself. The webhook adds one, and parsers
/// with the lowest limit (.NET) accept 64.
pub const MAX_DATA_DEPTH: usize = 63;

/// Maximum size of an event's request body, in bytes.
pub const MAX_EVENT_BODY_BYTES: usize = 256 * 1024;

public_names! {
    /// Type of an event. The list is fixed, because receivers are written for it.
    pub enum EventType {
        /// The submission was approved, automatically or after review.
        Approved = "approved",
        /// The submission was rejected, automatically or after review.
        Rejected = "rejected",
        /// The submission waits for manual review.
        Pending = "pending",
        /// The person starts the verification again.
        Retry = "retry",
        /// The data of the submission changed.
        Updated = "updated",
        /// The submission was deleted.
        Delete = "delete",
        /// The submission was completed.
        Submit = "submit",
        /// A token expired.
        Token = "token",
        /// Data injection succeeded or failed.
        Injection = "injection",
        /// The result of the AML screening is available.
        Aml = "aml",
        /// The ongoing AML monitoring found a match.
        AmlOngoing = "aml-ongoing",
    }
}

impl EventType {
    /// Whether the verification has ended with this event: it has a result, or its submission is gone. A person can still change the
    /// result later, which is another event.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Approved | Self::Rejected | Self::Delete => true,
            Self::Pending
            | Self::Retry
            | Self::Updated
            | Self::Submit
            | Self::Token
            | Self::Injection
            | Self::Aml
            | Self::AmlOngoing => false,
        }
    }
}

/// The operator's id of a submission: opaque, 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "sub_1"))]
#[serde(try_from = "String", into = "String")]
pub struct SubmissionId(String);

/// A string that is not a [`SubmissionId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 128 visible ASCII characters")]
pub struct BadSubmissionId;

impl SubmissionId {
    /// The id as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SubmissionId {
    type Error = BadSubmissionId;

    fn try_from(text: String) -> Result<Self, BadSubmissionId> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=128).contains(&text.len()) && is_visible { Ok(Self(text)) } else { Err(BadSubmissionId) }
    }
}

impl From<SubmissionId> for String {
    fn from(id: SubmissionId) -> Self {
        id.0
    }
}

/// Number of an event within its submission: 1, 2, 3 … in the order of acceptance, without gaps. It is the same for all endpoints and
/// attempts. Receivers drop an event whose number is lower than the last one that they applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u64, minimum = 1, example = 3))]
#[serde(transparent)]
pub struct Sequence(NonZeroU64);

impl Sequence {
    /// The number of the event that has `earlier` events before it.
    pub fn after(earlier: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(earlier))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The JSON object that an event carries, byte for byte as published: members keep their order and numbers their
/// digits.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct EventData(Box<RawValue>);

/// JSON that is not an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a JSON object")]
pub struct NotAnObject;

impl EventData {
    /// The JSON as a string.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl TryFrom<Box<RawValue>> for EventData {
    type Error = NotAnObject;

    fn try_from(json: Box<RawValue>) -> Result<Self, NotAnObject> {
        if json.get().starts_with('{') { Ok(Self(json)) } else { Err(NotAnObject) }
    }
}

impl TryFrom<String> for EventData {
    type Error = NotAnObject;

    fn try_from(json: String) -> Result<Self, NotAnObject> {
        RawValue::from_string(json).map_err(|_| NotAnObject)?.try_into()
    }
}

impl<'de> Deserialize<'de> for EventData {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

impl PartialEq for EventData {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// An accepted event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Id of the event, sent as `webhook-id`.
    pub id: EventId,
    /// The project that owns the event.
    pub project_id: ProjectId,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Submission that the event is about, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// Its number within the submission. `None` without a submission, before it is accepted, and if an earlier version accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
    /// When it happened, according to the operator.
    pub occurred_at: Timestamp,
    /// Data sent to the receivers.
    pub data: EventData,
}

/// A request to publish an event.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Type of the event.
    pub event_type: EventType,
    /// Submission that the event is about, if any.
    pub submission_id: Option<SubmissionId>,
    /// When it happened. Default: when the event is accepted.
    pub occurred_at: Option<Timestamp>,
    /// Data sent to the receivers.
    pub data: EventData,
}

impl TryFrom<Draft> for NewEvent {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let event_type = draft.required("type");
        let submission_id = draft.optional("submissionId");
        let occurred_at = draft.optional("occurredAt");
        let data = draft.required_raw("data").and_then(|raw| read_data(&mut draft, raw));
        draft.check(|| Some(Self { event_type: event_type?, submission_id, occurred_at, data: data? }))
    }
}

/// Reads the data of a new event. Data that the parsers of receivers reject would fail every attempt, so it is rejected here. Data of
/// stored events is not checked again.
fn read_data(draft: &mut Draft, raw: Box<RawValue>) -> Option<EventData> {
    let is_portable = draft.check_portable("/data", &raw, MAX_DATA_DEPTH);
    match EventData::try_from(raw) {
        Ok(data) => Some(data).filter(|_| is_portable),
        Err(error) => draft.refuse("/data", &error.to_string()),
    }
}

impl NewEvent {
    /// Creates the event. The time in `id` is the time of acceptance.
    pub fn accept(self, id: EventId, project_id: ProjectId) -> Event {
        Event {
            id,
            project_id,
            event_type: self.event_type,
            submission_id: self.submission_id,
            sequence: None,
            occurred_at: self.occurred_at.unwrap_or(id.created_at()),
            data: self.data,
        }
    }
}

/// A request to erase the data of a submission. The id is in the body, because a path cannot contain every id that publishing
/// accepts: clients and proxies normalise `/`, `..` and percent-encoded characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErasure {
    /// The submission.
    pub submission_id: SubmissionId,
}

impl TryFrom<Draft> for NewErasure {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let submission_id = draft.required("submissionId");
        draft.check(|| Some(Self { submission_id: submission_id? }))
    }
}

/// Filter for events. An absent field matches every event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Type of the event.
    pub event_type: Option<EventType>,
    /// Earliest time of acceptance, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time of acceptance, inclusive.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    /// Whether an event matches every field of the filter.
    pub fn matches(&self, id: EventId, event_type: EventType) -> bool {
        self.event_type.is_none_or(|wanted| wanted == event_type) && self.is_within(id)
    }

    /// Whether the event was accepted within the filter's times.
    pub fn is_within(&self, id: EventId) -> bool {
        self.from.is_none_or(|from| from <= id.created_at()) && self.to.is_none_or(|to| id.created_at() <= to)
    }
}

/// Maximum number of events in a batch.
pub const MAX_EVENTS: usize = 100;

/// A request to publish a batch of events. If one is invalid, none is published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvents(pub Vec<NewEvent>);

impl TryFrom<Draft> for NewEvents {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let items = draft.required_raw("events").and_then(|raw| read_items(&mut draft, &raw));
        let items = items.unwrap_or_default();
        let events: Vec<NewEvent> =
            items.iter().enumerate().filter_map(|(index, item)| read_item(&mut draft, index, item)).collect();
        draft.check(|| Some(Self(events)))
    }
}

fn read_items(draft: &mut Draft, raw: &RawValue) -> Option<Vec<Box<RawValue>>> {
    match serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()) {
        Ok(items) if (1..=MAX_EVENTS).contains(&items.len()) => Some(items),
        Ok(_) => draft.refuse("/events", "must have 1 to 100 items"),
        Err(_) => draft.refuse("/events", "must be a list"),
    }
}

/// Reads one event of a batch. Bad fields are added to `draft` with a pointer that contains the event's index.
fn read_item(draft: &mut Draft, index: usize, item: &RawValue) -> Option<NewEvent> {
    let at = format!("/events/{index}");
    if item.get().len() > MAX_EVENT_BODY_BYTES {
        return draft.refuse(at, "is larger than 262144 bytes");
    }
    let fields = match Draft::parse(item.get().as_bytes()) {
        Ok(fields) => fields,
        Err(draft::NotAnObject::OtherKind) => return draft.refuse(at, "must be a JSON object"),
        Err(draft::NotAnObject::Malformed(error)) => return draft.refuse(at, &error),
    };
    match NewEvent::try_from(fields) {
        Ok(event) => Some(event),
        Err(BadFields(bad)) => {
            for field in bad {
                draft.refuse::<()>(format!("{at}{}", field.pointer), &field.detail);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::draft::BadField;

    fn new_events(body: &str) -> Result<NewEvents, Vec<String>> {
        let read = NewEvents::try_from(Draft::parse(body.as_bytes()).unwrap());
        read.map_err(|BadFields(bad)| bad.into_iter().map(|field| field.pointer).collect())
    }

    proptest! {
        #[test]
        fn reading_untrusted_events_never_panics(value in "\\PC{0,60}", key in "(type|data|events|submissionId|x)") {
            for body in [value.clone(), format!(r#"{{"{key}":{value}}}"#), format!(r#"{{"events":[{{"{key}":{value}}}]}}"#)] {
                if let Ok(draft) = Draft::parse(body.as_bytes()) {
                    let _ = NewEvent::try_from(draft);
                }
                if let Ok(draft) = Draft::parse(body.as_bytes()) {
                    let _ = NewEvents::try_from(draft);
                }
            }
        }
    }

    #[test]
    fn a_batch_keeps_the_order_of_events_and_the_bytes_of_their_data() {
        let NewEvents(events) =
            new_events(r#"{"events":[{"type":"aml","data":{"n":1.10}},{"type":"token","data":{}}]}"#).unwrap();
        let read: Vec<(&str, &str)> =
            events.iter().map(|event| (event.event_type.as_str(), event.data.get())).collect();
        assert_eq!(read, [("aml", r#"{"n":1.10}"#), ("token", "{}")]);
    }

    #[test]
    fn every_bad_event_of_a_batch_is_named_by_its_index() {
        let bad = new_events(r#"{"events":[{"type":"aml","data":{}},{"type":"x","data":{},"extra":1},7],"more":1}"#);
        assert_eq!(bad.unwrap_err(), ["/events/1/type", "/events/1/extra", "/events/2", "/more"]);
        let many = format!(r#"{{"events":[{}]}}"#, vec![r#"{"type":"aml","data":{}}"#; MAX_EVENTS + 1].join(","));
        for body in ["{}", r#"{"events":[]}"#, r#"{"events":{}}"#, many.as_str()] {
            assert_eq!(new_events(body).unwrap_err(), ["/events"]);
        }
        let large = format!(r#"{{"events":[{{"type":"aml","data":{{"x":"{}"}}}}]}}"#, "x".repeat(MAX_EVENT_BODY_BYTES));
        assert_eq!(new_events(&large).unwrap_err(), ["/events/0"]);
    }

    fn new_event(body: &str) -> Result<NewEvent, BadFields> {
        Draft::parse(body.as_bytes()).unwrap().try_into()
    }

    #[test]
    fn every_type_reads_back_from_its_name() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.as_str().parse(), Ok(event_type));
        }
    }

    #[test]
    fn data_keeps_its_bytes() {
        let event = new_event(r#"{"type":"aml","data":{"z":1.10,"a":12345678901234567890123, "n":null}}"#).unwrap();
        assert_eq!(event.data.get(), r#"{"z":1.10,"a":12345678901234567890123, "n":null}"#);
    }

    #[test]
    fn data_that_parsers_of_receivers_reject_is_refused_with_a_pointer() {
        let levels = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        let (deepest, too_deep) = (levels(MAX_DATA_DEPTH), levels(3000));
        for (data, expected) in [
            (r#"{"name":"\ud800"}"#, vec!["/data/name"]),
            (r#"{"name":["\u0000"]}"#, vec!["/data/name/0"]),
            (r#"{"a":{"b":1,"b":2},"a":3}"#, vec!["/data/a/b", "/data/a"]),
            (r#"{"amount":1e400}"#, vec!["/data/amount"]),
            (r#"{"a":"\ud83d\ude00 \\u0000","A":1,"n":1.10e-5}"#, vec![]),
            (&deepest, vec![]),
            (r#"["\u0000"]"#, vec!["/data/0", "/data"]),
        ] {
            let body = format!(r#"{{"type":"aml","data":{data}}}"#);
            let pointers = |result: Result<(), BadFields>| match result {
                Ok(()) => Vec::new(),
                Err(BadFields(bad)) => bad.into_iter().map(|field| field.pointer).collect(),
            };
            assert_eq!(pointers(new_event(&body).map(drop)), expected, "{data}");
            let in_batch: Vec<String> = expected.iter().map(|pointer| format!("/events/0{pointer}")).collect();
            let batch = new_events(&format!(r#"{{"events":[{body}]}}"#)).map(drop).err().unwrap_or_default();
            assert_eq!(batch, in_batch, "{data}");
        }
        let BadFields(bad) = new_event(&format!(r#"{{"type":"aml","data":{too_deep}}}"#)).unwrap_err();
        assert_eq!((bad.len(), bad[0].pointer.matches('/').count()), (1, 1 + MAX_DATA_DEPTH));
    }

    #[test]
    fn every_bad_field_of_an_event_is_named_at_once() {
        let BadFields(bad) = new_event(r#"{"type":"created","submissionId":"a b","data":[],"extra":1}"#).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|BadField { pointer, .. }| pointer.as_str()).collect();
        assert_eq!(pointers, ["/type", "/submissionId", "/data", "/extra"]);
    }
}
