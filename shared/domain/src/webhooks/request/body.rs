//! Webhook bodies in each format, before encryption. The event's data is copied byte for byte.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::cloud_event;
use crate::foundation::id::{EventId, ProjectId};
use crate::foundation::time::Timestamp;
use crate::webhooks::endpoint::{Format, Payload};
use crate::webhooks::event::{Event, EventData, EventType, Sequence, SubmissionId};

/// Returns the body for `event` in `format`: compact JSON that contains the data as it was published, unless the payload is thin.
/// Bodies in the format `argos` consist of the data, so they always contain it.
pub(super) fn write(format: Format, payload: Payload, event: &Event) -> Vec<u8> {
    let data = match payload {
        Payload::Full => Some(&event.data),
        Payload::Thin => None,
    };
    match format {
        Format::Standard => standard(event, data),
        Format::Argos => argos(event),
        Format::CloudEvents => cloud_event::write(event, data),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a EventData>,
}

fn standard(event: &Event, data: Option<&EventData>) -> Vec<u8> {
    let body = StandardBody {
        event_type: event.event_type,
        timestamp: event.occurred_at,
        id: event.id,
        project_id: event.project_id,
        submission_id: event.submission_id.as_ref(),
        sequence: event.sequence,
        data,
    };
    serde_json::to_vec(&body).expect("an event is always JSON")
}

/// Member of the ARGOS format that names what happened.
const TRIGGER: &str = "webhook_trigger";

/// Writes `webhook_trigger` first and then the members of the data in their order, with names and values byte for byte
/// as published. A `webhook_trigger` in the data is left out, so that receivers see only ours.
fn argos(event: &Event) -> Vec<u8> {
    let members: RawMembers = serde_json::from_str(event.data.get()).expect("an event's data is a JSON object");
    let mut body = format!(r#"{{"{TRIGGER}":"{}""#, trigger(event));
    for (name, value) in members.0.into_iter().filter(|(name, _)| !is_trigger(name)) {
        body.push(',');
        body.push_str(name.get());
        body.push(':');
        body.push_str(value.get());
    }
    body.push('}');
    body.into_bytes()
}

/// The ARGOS product's name for the event type.
fn trigger(event: &Event) -> &'static str {
    match event.event_type {
        EventType::Approved => "approved",
        EventType::Rejected => "rejected",
        EventType::Pending => "pending",
        EventType::Retry => "retry",
        EventType::Updated => "updated",
        EventType::Delete => "delete",
        EventType::Submit => "submit",
        EventType::Token => "token_expired",
        EventType::Injection if is_failed_injection(&event.data) => "injectionFail",
        EventType::Injection => "injection",
        EventType::Aml => "aml",
        EventType::AmlOngoing => "aml_monitor",
    }
}

/// An injection failed if its data has `action.failCode`. The product omits members without a value, so `null` counts
/// as absent.
fn is_failed_injection(data: &EventData) -> bool {
    #[derive(Deserialize)]
    struct Injection {
        action: Action,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Action {
        fail_code: Option<IgnoredAny>,
    }
    serde_json::from_str::<Injection>(data.get()).is_ok_and(|injection| injection.action.fail_code.is_some())
}

/// Compares the decoded name, because JSON has several spellings of one: `webhook\u005ftrigger` is the same member. The case does not
/// matter, because some parsers ignore it and keep the last member (Go's `encoding/json`, which also reads the Kelvin sign as a `k`).
fn is_trigger(name: &RawValue) -> bool {
    let is_same = |name: String| name.chars().flat_map(char::to_lowercase).eq(TRIGGER.chars());
    serde_json::from_str::<String>(name.get()).is_ok_and(is_same)
}

/// The raw names and values of an object's members, including duplicate members.
struct RawMembers<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawMembers<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(RawMembers(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn event(event_type: EventType, data: &str) -> Event {
        let at = "2026-11-22T08:30:00Z".parse().unwrap();
        Event {
            id: EventId::new(at, &SystemRandom),
            project_id: ProjectId::new(at, &SystemRandom),
            event_type,
            submission_id: Some("sub_1".to_owned().try_into().unwrap()),
            sequence: None,
            occurred_at: at,
            data: data.to_owned().try_into().unwrap(),
        }
    }

    fn argos(event_type: EventType, data: &str) -> String {
        String::from_utf8(write(Format::Argos, Payload::Full, &event(event_type, data))).unwrap()
    }

    #[test]
    fn the_standard_body_contains_the_data_unchanged() {
        let event = event(EventType::AmlOngoing, r#"{"b":1.0, "a":[]}"#);
        assert_eq!(
            String::from_utf8(write(Format::Standard, Payload::Full, &event)).unwrap(),
            format!(
                r#"{{"type":"aml-ongoing","timestamp":"{}","id":"{}","projectId":"{}","submissionId":"sub_1","data":{{"b":1.0, "a":[]}}}}"#,
                event.occurred_at, event.id, event.project_id
            )
        );
    }

    #[test]
    fn a_thin_body_has_all_members_but_the_data() {
        let event = event(EventType::Aml, r#"{"secret":1}"#);
        assert_eq!(
            String::from_utf8(write(Format::Standard, Payload::Thin, &event)).unwrap(),
            format!(
                r#"{{"type":"aml","timestamp":"{}","id":"{}","projectId":"{}","submissionId":"sub_1"}}"#,
                event.occurred_at, event.id, event.project_id
            )
        );
        assert!(!String::from_utf8(write(Format::CloudEvents, Payload::Thin, &event)).unwrap().contains("secret"));
    }

    #[test]
    fn the_argos_body_keeps_the_order_names_and_digits_of_the_members() {
        let data =
            "{ \"z\" : 1.10,\n\"a\":12345678901234567890123, \"n\\u0061me\":\"\\u00e9\", \"nested\":{\"x\" : [1e2]} }";
        assert_eq!(
            argos(EventType::Approved, data),
            r#"{"webhook_trigger":"approved","z":1.10,"a":12345678901234567890123,"n\u0061me":"\u00e9","nested":{"x" : [1e2]}}"#
        );
        assert_eq!(argos(EventType::Aml, " {} ".trim()), r#"{"webhook_trigger":"aml"}"#);
    }

    #[test]
    fn the_argos_body_names_each_event_type_as_the_product_does() {
        let names: Vec<String> = EventType::ALL
            .into_iter()
            .map(|event_type| {
                let body: Value = serde_json::from_str(&argos(event_type, "{}")).unwrap();
                body["webhook_trigger"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(
            names,
            [
                "approved",
                "rejected",
                "pending",
                "retry",
                "updated",
                "delete",
                "submit",
                "token_expired",
                "injection",
                "aml",
                "aml_monitor"
            ]
        );
    }

    #[test]
    fn an_injection_with_a_fail_code_is_sent_as_a_failed_injection() {
        let trigger_of = |data| {
            let body: Value = serde_json::from_str(&argos(EventType::Injection, data)).unwrap();
            body["webhook_trigger"].as_str().unwrap().to_owned()
        };
        let failed = r#"{"action":{"type":"address","failCode":"distanceChecks_ipGeo"},"cf1":"x"}"#;
        assert_eq!(trigger_of(failed), "injectionFail");
        for succeeded in [
            "{}",
            r#"{"action":{"type":"address"}}"#,
            r#"{"action":{"failCode":null}}"#,
            r#"{"action":"failCode"}"#,
            r#"{"failCode":"distanceChecks_ipGeo"}"#,
        ] {
            assert_eq!(trigger_of(succeeded), "injection", "{succeeded}");
        }
        let other_type = argos(EventType::Approved, failed);
        assert!(other_type.starts_with(r#"{"webhook_trigger":"approved""#), "{other_type}");
    }

    #[test]
    fn a_trigger_in_the_data_is_replaced_by_ours() {
        for data in [
            r#"{"webhook_trigger":"approved","a":1}"#,
            r#"{"a":1,"webhook\u005ftrigger":{"b":2}}"#,
            r#"{"webhook_trigger":1,"a":1,"webhook_trigger":2}"#,
            r#"{"Webhook_Trigger":"rejected","a":1}"#,
            r#"{"WEBHOOK_TRIGGER":"rejected","a":1,"webHook_trigger":{}}"#,
            r#"{"a":1,"\u0057ebhook_Trigger":1}"#,
            "{\"a\":1,\"webhoo\u{212a}_trigger\":1}",
            r#"{"a":1,"webhoo\u212a_TRIGGER":1}"#,
        ] {
            assert_eq!(argos(EventType::Token, data), r#"{"webhook_trigger":"token_expired","a":1}"#, "{data}");
        }
    }

    #[test]
    fn member_names_that_are_not_valid_unicode_stay_unchanged() {
        assert_eq!(argos(EventType::Aml, r#"{"\ud800":1}"#), r#"{"webhook_trigger":"aml","\ud800":1}"#);
    }

    proptest! {
        #[test]
        fn all_members_of_any_data_appear_in_the_body(
            members in proptest::collection::btree_map("\\PC{0,12}", "\\PC{0,12}", 0..8)
        ) {
            let data = serde_json::to_string(&members).unwrap();
            let mut body: serde_json::Map<String, Value> =
                serde_json::from_str(&argos(EventType::Updated, &data)).unwrap();
            prop_assert_eq!(body.remove(TRIGGER), Some(Value::from("updated")));
            let expected: serde_json::Map<String, Value> = members
                .into_iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case(TRIGGER))
                .map(|(name, value)| (name, Value::from(value)))
                .collect();
            prop_assert_eq!(body, expected);
        }
    }
}
