//! How a webhook's body is laid out, before it is encrypted.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::event::{Event, EventData, EventType, SubmissionId};
use crate::id::{EventId, ProjectId};
use crate::time::Timestamp;

/// How a webhook's body is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
#[serde(try_from = "String", into = "&'static str")]
pub enum Format {
    /// Ours, as Standard Webhooks recommends: `{"type","timestamp","id","projectId","submissionId"?,"data"}`.
    #[default]
    Standard,
    /// That of the ARGOS product, for receivers written against it: the data's own members, and `webhook_trigger`.
    Argos,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Argos];

    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Argos => "argos",
        }
    }

    /// The body that `event` is sent as: compact JSON around the data as it was published.
    pub(super) fn write(self, event: &Event) -> Vec<u8> {
        match self {
            Self::Standard => standard(event),
            Self::Argos => argos(event),
        }
    }
}

/// A text that names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of standard, argos")]
pub struct UnknownFormat;

impl TryFrom<String> for Format {
    type Error = UnknownFormat;

    fn try_from(text: String) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownFormat)
    }
}

impl From<Format> for &'static str {
    fn from(format: Format) -> Self {
        format.as_str()
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

fn standard(event: &Event) -> Vec<u8> {
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

/// The member that tells what happened.
const TRIGGER: &str = "webhook_trigger";

/// `webhook_trigger` first, then the data's members in their order, names and values byte for byte as they were published.
/// A `webhook_trigger` among them is left out: there is one, and it is ours.
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

/// The product's own name for what happened.
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

/// An injection failed if its data has `action.failCode`. Where there is nothing to say the product leaves members out, so
/// `null` counts as left out.
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

/// Names can be written in more than one way: `webhook\u005ftrigger` is the same one.
fn is_trigger(name: &RawValue) -> bool {
    serde_json::from_str::<String>(name.get()).is_ok_and(|name| name == TRIGGER)
}

/// The members of an object as they were written, those that come twice included.
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
    use crate::random::SystemRandom;

    fn event(event_type: EventType, data: &str) -> Event {
        let at = "2026-11-22T08:30:00Z".parse().unwrap();
        Event {
            id: EventId::new(at, &SystemRandom),
            project_id: ProjectId::new(at, &SystemRandom),
            event_type,
            submission_id: Some("sub_1".to_owned().try_into().unwrap()),
            occurred_at: at,
            data: data.to_owned().try_into().unwrap(),
        }
    }

    fn argos(event_type: EventType, data: &str) -> String {
        String::from_utf8(Format::Argos.write(&event(event_type, data))).unwrap()
    }

    #[test]
    fn the_standard_body_carries_the_data_untouched() {
        let event = event(EventType::AmlOngoing, r#"{"b":1.0, "a":[]}"#);
        assert_eq!(
            String::from_utf8(Format::Standard.write(&event)).unwrap(),
            format!(
                r#"{{"type":"aml-ongoing","timestamp":"{}","id":"{}","projectId":"{}","submissionId":"sub_1","data":{{"b":1.0, "a":[]}}}}"#,
                event.occurred_at, event.id, event.project_id
            )
        );
    }

    #[test]
    fn the_argos_body_carries_the_members_in_their_order_and_digits() {
        let data =
            "{ \"z\" : 1.10,\n\"a\":12345678901234567890123, \"n\\u0061me\":\"\\u00e9\", \"nested\":{\"x\" : [1e2]} }";
        assert_eq!(
            argos(EventType::Approved, data),
            r#"{"webhook_trigger":"approved","z":1.10,"a":12345678901234567890123,"n\u0061me":"\u00e9","nested":{"x" : [1e2]}}"#
        );
        assert_eq!(argos(EventType::Aml, " {} ".trim()), r#"{"webhook_trigger":"aml"}"#);
    }

    #[test]
    fn each_type_has_the_products_name() {
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
    fn an_injection_with_a_fail_code_is_a_failed_one() {
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
    fn there_is_one_trigger_and_it_is_ours() {
        for data in [
            r#"{"webhook_trigger":"approved","a":1}"#,
            r#"{"a":1,"webhook\u005ftrigger":{"b":2}}"#,
            r#"{"webhook_trigger":1,"a":1,"webhook_trigger":2}"#,
        ] {
            assert_eq!(argos(EventType::Token, data), r#"{"webhook_trigger":"token_expired","a":1}"#, "{data}");
        }
    }

    #[test]
    fn names_that_no_text_can_hold_stay_as_they_are() {
        assert_eq!(argos(EventType::Aml, r#"{"\ud800":1}"#), r#"{"webhook_trigger":"aml","\ud800":1}"#);
    }

    proptest! {
        #[test]
        fn whatever_the_members_are_they_all_come_through(
            members in proptest::collection::btree_map("\\PC{0,12}", "\\PC{0,12}", 0..8)
        ) {
            let data = serde_json::to_string(&members).unwrap();
            let mut body: serde_json::Map<String, Value> =
                serde_json::from_str(&argos(EventType::Updated, &data)).unwrap();
            prop_assert_eq!(body.remove(TRIGGER), Some(Value::from("updated")));
            let expected: serde_json::Map<String, Value> = members
                .into_iter()
                .filter(|(name, _)| name != TRIGGER)
                .map(|(name, value)| (name, Value::from(value)))
                .collect();
            prop_assert_eq!(body, expected);
        }
    }
}
