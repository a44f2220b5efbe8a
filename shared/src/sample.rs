//! A realistic event of each type, all of it invented: what test sends carry.
//!
//! The files in `samples/` are requests to publish such events, with the members that the ARGOS product is known to send. What its
//! `pending` and a record of `aml-ongoing` hold is not documented, so there they are made up.

use crate::draft::Draft;
use crate::event::{Event, EventType, NewEvent};
use crate::id::{EventId, ProjectId};

/// A request to publish an event of this type, as JSON.
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

/// The event of this type, as if it had been published and accepted under `id`. Its data is compact, as back ends send it.
pub fn event(event_type: EventType, id: EventId, project_id: ProjectId) -> Event {
    let draft = Draft::parse(compact(request(event_type)).as_bytes()).expect("a sample is a JSON object");
    NewEvent::try_from(draft).expect("a sample can be published").accept(id, project_id)
}

/// The same JSON without the space between its parts.
fn compact(json: &str) -> String {
    let (mut is_in_text, mut is_escaped) = (false, false);
    let is_kept = |character: &char| {
        let is_kept = is_in_text || !character.is_ascii_whitespace();
        if *character == '"' && !is_escaped {
            is_in_text = !is_in_text;
        }
        is_escaped = is_in_text && *character == '\\' && !is_escaped;
        is_kept
    };
    json.chars().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::random::SystemRandom;
    use crate::time::Timestamp;

    fn sample(event_type: EventType) -> Event {
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        event(event_type, EventId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom))
    }

    #[test]
    fn every_type_has_a_sample_of_its_own() {
        for event_type in EventType::ALL {
            let (sample, request) = (sample(event_type), request(event_type));
            let request: Value = serde_json::from_str(request).unwrap();
            assert_eq!(sample.event_type, event_type);
            assert_eq!(serde_json::from_str::<Value>(sample.data.get()).unwrap(), request["data"], "{event_type}");
            assert!(!sample.data.get().contains('\n'), "{event_type}");
        }
    }

    #[test]
    fn samples_name_nobody_who_could_be_reached() {
        for event_type in EventType::ALL {
            let addresses = request(event_type).split('"').filter(|text| text.contains('@'));
            assert!(addresses.into_iter().all(|address| address.ends_with("@example.com")), "{event_type}");
        }
    }

    #[test]
    fn space_inside_texts_stays() {
        assert_eq!(compact("{ \"a b\" : [ \"\\\" \\\\\" ,\n 1 ] }"), r#"{"a b":["\" \\",1]}"#);
    }
}
