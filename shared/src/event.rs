//! Events: what happened to a verification, as the operator published it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::draft::{BadFields, Draft};
use crate::id::{EventId, ProjectId};
use crate::time::Timestamp;

/// The largest request body that carries an event, in bytes.
pub const LARGEST_EVENT_BODY: usize = 256 * 1024;

/// What happened. The list is closed: receivers are written against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "kebab-case"))]
#[serde(try_from = "String", into = "&'static str")]
pub enum EventType {
    /// Approved, by itself or after review.
    Approved,
    /// Rejected, by itself or from pending.
    Rejected,
    /// Waits for manual review.
    Pending,
    /// The person starts over.
    Retry,
    /// Submission data changed.
    Updated,
    /// The submission was deleted.
    Delete,
    /// The submission was completed.
    Submit,
    /// A token expired.
    Token,
    /// Data injection succeeded or failed.
    Injection,
    /// The AML screening result is there.
    Aml,
    /// The ongoing AML monitoring found something.
    AmlOngoing,
}

impl EventType {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Approved,
        Self::Rejected,
        Self::Pending,
        Self::Retry,
        Self::Updated,
        Self::Delete,
        Self::Submit,
        Self::Token,
        Self::Injection,
        Self::Aml,
        Self::AmlOngoing,
    ];

    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Pending => "pending",
            Self::Retry => "retry",
            Self::Updated => "updated",
            Self::Delete => "delete",
            Self::Submit => "submit",
            Self::Token => "token",
            Self::Injection => "injection",
            Self::Aml => "aml",
            Self::AmlOngoing => "aml-ongoing",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be one of approved, rejected, pending, retry, updated, delete, submit, token, injection, aml, aml-ongoing"
)]
pub struct UnknownEventType;

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownEventType)
    }
}

impl TryFrom<String> for EventType {
    type Error = UnknownEventType;

    fn try_from(text: String) -> Result<Self, UnknownEventType> {
        text.parse()
    }
}

impl From<EventType> for &'static str {
    fn from(event_type: EventType) -> Self {
        event_type.as_str()
    }
}

/// The operator's own id of a submission: opaque, 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "sub_1"))]
#[serde(try_from = "String", into = "String")]
pub struct SubmissionId(String);

/// A text that is no [`SubmissionId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 128 visible ASCII characters")]
pub struct BadSubmissionId;

impl SubmissionId {
    /// The id.
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

/// An event's own JSON object, byte for byte as it was published: members keep their order and numbers their digits.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct EventData(Box<RawValue>);

/// JSON that is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a JSON object")]
pub struct NotAnObject;

impl EventData {
    /// The JSON text.
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
    /// Its id, the `webhook-id` of its webhooks.
    pub id: EventId,
    /// Whose event it is.
    pub project_id: ProjectId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Which submission it happened to, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// When it happened, by the operator's word.
    pub occurred_at: Timestamp,
    /// What the receivers are told.
    pub data: EventData,
}

/// A request to publish an event.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub event_type: EventType,
    /// Which submission it happened to.
    pub submission_id: Option<SubmissionId>,
    /// When it happened; when it was accepted, if left out.
    pub occurred_at: Option<Timestamp>,
    /// What the receivers are told.
    pub data: EventData,
}

impl TryFrom<Draft> for NewEvent {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let event_type = draft.required("type");
        let submission_id = draft.optional("submissionId");
        let occurred_at = draft.optional("occurredAt");
        let data = draft.required_raw("data").and_then(|raw| match EventData::try_from(raw) {
            Ok(data) => Some(data),
            Err(error) => draft.refuse("/data", &error.to_string()),
        });
        draft.check(|| Some(Self { event_type: event_type?, submission_id, occurred_at, data: data? }))
    }
}

impl NewEvent {
    /// The event it asks for.
    pub fn accept(self, id: EventId, project_id: ProjectId) -> Event {
        Event {
            id,
            project_id,
            event_type: self.event_type,
            submission_id: self.submission_id,
            occurred_at: self.occurred_at.unwrap_or(id.made_at()),
            data: self.data,
        }
    }
}

/// Which events are asked for; what is absent does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this type.
    pub event_type: Option<EventType>,
    /// Accepted then or later.
    pub from: Option<Timestamp>,
    /// Accepted then or earlier.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    /// Whether an event is among those asked for.
    pub fn fits(&self, id: EventId, event_type: EventType) -> bool {
        self.event_type.is_none_or(|wanted| wanted == event_type)
            && self.from.is_none_or(|from| from <= id.made_at())
            && self.to.is_none_or(|to| id.made_at() <= to)
    }
}

/// How many events a batch may have.
pub const MOST_EVENTS: usize = 100;

/// A request to publish several events at once: all of them, or none if one is bad.
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
        Ok(items) if (1..=MOST_EVENTS).contains(&items.len()) => Some(items),
        Ok(_) => draft.refuse("/events", "must have 1 to 100 items"),
        Err(_) => draft.refuse("/events", "must be a list"),
    }
}

/// One event of a batch. What is bad about it is noted with its place.
fn read_item(draft: &mut Draft, index: usize, item: &RawValue) -> Option<NewEvent> {
    let at = format!("/events/{index}");
    if item.get().len() > LARGEST_EVENT_BODY {
        return draft.refuse(at, "is larger than 262144 bytes");
    }
    let Ok(fields) = Draft::parse(item.get().as_bytes()) else {
        return draft.refuse(at, "must be a JSON object without doubled members");
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
    use crate::draft::BadField;

    fn new_events(body: &str) -> Result<NewEvents, Vec<String>> {
        let read = NewEvents::try_from(Draft::parse(body.as_bytes()).unwrap());
        read.map_err(|BadFields(bad)| bad.into_iter().map(|field| field.pointer).collect())
    }

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_readers_of_events(value in "\\PC{0,60}", key in "(type|data|events|submissionId|x)") {
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
    fn a_batch_keeps_order_and_bytes() {
        let NewEvents(events) =
            new_events(r#"{"events":[{"type":"aml","data":{"n":1.10}},{"type":"token","data":{}}]}"#).unwrap();
        let told: Vec<(&str, &str)> =
            events.iter().map(|event| (event.event_type.as_str(), event.data.get())).collect();
        assert_eq!(told, [("aml", r#"{"n":1.10}"#), ("token", "{}")]);
    }

    #[test]
    fn every_bad_event_of_a_batch_is_named_by_its_place() {
        let bad = new_events(r#"{"events":[{"type":"aml","data":{}},{"type":"x","data":{},"extra":1},7],"more":1}"#);
        assert_eq!(bad.unwrap_err(), ["/events/1/type", "/events/1/extra", "/events/2", "/more"]);
        let many = format!(r#"{{"events":[{}]}}"#, vec![r#"{"type":"aml","data":{}}"#; MOST_EVENTS + 1].join(","));
        for body in ["{}", r#"{"events":[]}"#, r#"{"events":{}}"#, many.as_str()] {
            assert_eq!(new_events(body).unwrap_err(), ["/events"]);
        }
        let large = format!(r#"{{"events":[{{"type":"aml","data":{{"x":"{}"}}}}]}}"#, "x".repeat(LARGEST_EVENT_BODY));
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
    fn all_that_is_wrong_with_an_event_is_said_at_once() {
        let BadFields(bad) = new_event(r#"{"type":"created","submissionId":"a b","data":[],"extra":1}"#).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|BadField { pointer, .. }| pointer.as_str()).collect();
        assert_eq!(pointers, ["/type", "/submissionId", "/data", "/extra"]);
    }
}
