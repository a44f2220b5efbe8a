//! A realistic, fictitious event of each type, sent by test sends.
//!
//! Each file in `samples/` is a request to publish such an event, with the members that the ARGOS product is known to
//! send. The data of its `pending` and the records of its `aml-ongoing` are not documented, so those samples are our
//! own design.

use crate::foundation::draft::Draft;
use crate::foundation::id::{EventId, ProjectId};
use crate::webhooks::event::{Event, EventType, NewEvent};

/// The request to publish the sample event of this type, as JSON.
pub const fn request(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Approved => include_str!("samples/approved.json"),
        EventType::Rejected => include_str!("samples/rejected.json"),
        EventType::Pending => include_str!("samples/pending.json"),
        EventType::Retry => include_str!("samples/retry.json"),
        EventType::Updated => include_str!("samples/updated.json"),
        EventType::Delete => include_str!("samples/delete.json"),
        EventType::Submit => include_str!("samples/submit.json"),
        EventType::Token => include_str!("samples/token.json"),
        EventType::Injection => include_str!("samples/injection.json"),
        EventType::Aml => include_str!("samples/aml.json"),
        EventType::AmlOngoing => include_str!("samples/aml-ongoing.json"),
    }
}

/// The sample event of this type, as if it had been accepted under `id`. Its data is compact JSON, as back ends send
/// it.
pub fn event(event_type: EventType, id: EventId, project_id: ProjectId) -> Event {
    let draft = Draft::parse(compact(request(event_type)).as_bytes()).expect("a sample is a JSON object");
    NewEvent::try_from(draft).expect("a sample can be published").accept(id, project_id)
}

/// Removes white space outside of strings.
fn compact(json: &str) -> String {
    let (mut is_in_string, mut is_escaped) = (false, false);
    let is_kept = |character: &char| {
        let is_kept = is_in_string || !character.is_ascii_whitespace();
        if *character == '"' && !is_escaped {
            is_in_string = !is_in_string;
        }
        is_escaped = is_in_string && *character == '\\' && !is_escaped;
        is_kept
    };
    json.chars().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::foundation::random::SystemRandom;
    use crate::foundation::time::Timestamp;

    fn sample(event_type: EventType) -> Event {
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        event(event_type, EventId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom))
    }

    #[test]
    fn every_event_type_has_a_sample_with_its_own_data() {
        for event_type in EventType::ALL {
            let (sample, request) = (sample(event_type), request(event_type));
            let request: Value = serde_json::from_str(request).unwrap();
            assert_eq!(sample.event_type, event_type);
            assert_eq!(serde_json::from_str::<Value>(sample.data.get()).unwrap(), request["data"], "{event_type}");
            assert!(!sample.data.get().contains('\n'), "{event_type}");
        }
    }

    #[test]
    fn mail_addresses_in_samples_are_under_example_com() {
        for event_type in EventType::ALL {
            let addresses = request(event_type).split('"').filter(|string| string.contains('@'));
            assert!(addresses.into_iter().all(|address| address.ends_with("@example.com")), "{event_type}");
        }
    }

    #[test]
    fn compacting_keeps_white_space_inside_strings() {
        assert_eq!(compact("{ \"a b\" : [ \"\\\" \\\\\" ,\n 1 ] }"), r#"{"a b":["\" \\",1]}"#);
    }
}
