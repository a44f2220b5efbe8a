//! Bodies in the format `cloudevents`: an event of [CloudEvents 1.0](https://github.com/cloudevents/spec) in structured mode.

use serde::Serialize;

use crate::foundation::id::EventId;
use crate::foundation::time::Timestamp;
use crate::webhooks::event::{Event, EventData, EventType, SubmissionId};

/// Media type of the bodies.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Attribute names are those of the specification: lower case, without separators.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: EventId,
    source: String,
    #[serde(rename = "type")]
    event_type: EventType,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a SubmissionId>,
    /// The extension [`sequence`](https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md) compares values as
    /// strings, so the number has leading zeros.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    /// Where a thin event's data is.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a EventData>,
}

/// Returns the event with `data`, or with a reference to it if the payload is thin. `source` and `dataref` are paths of the API.
pub(super) fn write(event: &Event, data: Option<&EventData>) -> Vec<u8> {
    let source = format!("/v1/projects/{}", event.project_id);
    let cloud_event = CloudEvent {
        specversion: "1.0",
        id: event.id,
        event_type: event.event_type,
        time: event.occurred_at,
        subject: event.submission_id.as_ref(),
        sequence: event.sequence.map(|sequence| format!("{:010}", sequence.get())),
        dataref: data.is_none().then(|| format!("{source}/events/{}", event.id)),
        datacontenttype: data.map(|_| "application/json"),
        source,
        data,
    };
    serde_json::to_vec(&cloud_event).expect("an event is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::id::ProjectId;
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::event::Sequence;
    use crate::webhooks::sample;

    fn written(event: &Event, data: Option<&EventData>) -> String {
        String::from_utf8(write(event, data)).unwrap()
    }

    #[test]
    fn the_body_is_a_cloud_event_with_the_data_unchanged() {
        let at: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let (id, project) = (EventId::new(at, &SystemRandom), ProjectId::new(at, &SystemRandom));
        let event = Event {
            data: r#"{"b":1.0, "a":[]}"#.to_owned().try_into().unwrap(),
            sequence: Some(Sequence::after(11)),
            ..sample::event(EventType::Aml, id, project)
        };
        let beginning = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/v1/projects/{project}","type":"aml","time":"2026-11-22T08:30:00.000Z","subject":"7ab31kq204917","sequence":"0000000012","#
        );
        assert_eq!(
            written(&event, Some(&event.data)),
            format!(r#"{beginning}"datacontenttype":"application/json","data":{{"b":1.0, "a":[]}}}}"#)
        );
        assert_eq!(written(&event, None), format!(r#"{beginning}"dataref":"/v1/projects/{project}/events/{id}"}}"#));
    }

    #[test]
    fn an_event_without_a_submission_has_neither_a_subject_nor_a_sequence() {
        let at: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let (id, project) = (EventId::new(at, &SystemRandom), ProjectId::new(at, &SystemRandom));
        let body = written(&sample::event(EventType::Token, id, project), None);
        assert!(!body.contains("subject") && !body.contains("sequence"), "{body}");
    }
}
