//! What is published about each event type: the answer of `GET /v1/event-types`, the section `webhooks` of the OpenAPI document and the
//! page `docs/event-types.md`. All come from the samples and schemas of [`domain::webhooks`].

use domain::foundation::id::{EventId, ProjectId};
use domain::webhooks::endpoint::{Format, Payload};
use domain::webhooks::event::{Event, EventType, Sequence};
use domain::webhooks::{request, sample, schema};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::schemas::members;

/// The event types.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventTypeList {
    /// All event types. The list is fixed.
    pub(super) items: Vec<EventTypeInfo>,
}

/// An event type, with a sample and JSON Schemas (2020-12). The schemas inform about the usual data; published events are not checked
/// against them, and can have more members.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventTypeInfo {
    #[serde(rename = "type")]
    pub(super) event_type: EventType,
    /// What happened.
    pub(super) meaning: String,
    /// Whether the verification has ended with this event: it has a result, or its submission is gone. A person can still change the
    /// result later, which is another event.
    #[serde(rename = "final")]
    pub(super) is_final: bool,
    /// Data of a fictitious event. Test sends use it.
    #[schema(value_type = Object)]
    pub(super) sample: Box<RawValue>,
    /// Schema of the data.
    #[schema(value_type = Object)]
    pub(super) schema: Value,
    /// The body of a webhook in each format, before encryption.
    formats: Formats,
}

/// The body of a webhook in each format. Bodies in the format `argos` consist of the data, so they are never thin.
#[derive(Serialize, ToSchema)]
struct Formats {
    standard: Bodies,
    argos: Body,
    cloudevents: Bodies,
}

/// The bodies of a webhook in one format: the one with the payload `full`, and `thin`.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookBodies)]
struct Bodies {
    #[serde(flatten)]
    full: Body,
    /// The body with the payload `thin`.
    thin: ThinBody,
}

/// The body of a webhook in one format.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookBody)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// The header `content-type` of the webhook.
    content_type: &'static str,
    /// Body with the sample.
    #[schema(value_type = Object)]
    sample: Box<RawValue>,
    /// Schema of the body.
    #[schema(value_type = Object)]
    schema: Value,
}

/// The body of a webhook with the payload `thin`.
#[derive(Serialize, ToSchema)]
#[schema(as = ThinWebhookBody)]
struct ThinBody {
    /// Body for the sample.
    #[schema(value_type = Object)]
    sample: Box<RawValue>,
    /// Schema of the body.
    #[schema(value_type = Object)]
    schema: Value,
}

/// Everything that is published about the event types.
pub(super) fn list() -> EventTypeList {
    EventTypeList { items: EventType::ALL.into_iter().map(info).collect() }
}

/// The list as the committed file: one event type a line.
pub(super) fn document() -> String {
    let items = list().items;
    let lines: Vec<String> = items.iter().map(|item| serde_json::to_string(item).expect("it is JSON")).collect();
    format!("{{\"items\":[\n{}\n]}}\n", lines.join(",\n"))
}

fn info(event_type: EventType) -> EventTypeInfo {
    let event = sample_event(event_type);
    let sample = |format, payload| raw(plain_body(format, payload, &event));
    let schema = |format, payload| with_dialect(body_schema(format, payload, event_type));
    let body = |format| Body {
        content_type: request::content_type(format),
        sample: sample(format, Payload::Full),
        schema: schema(format, Payload::Full),
    };
    let bodies = |format| Bodies {
        full: body(format),
        thin: ThinBody { sample: sample(format, Payload::Thin), schema: schema(format, Payload::Thin) },
    };
    EventTypeInfo {
        event_type,
        meaning: meaning(event_type),
        is_final: event_type.is_final(),
        sample: to_raw_value(&event.data).expect("the data is JSON"),
        schema: with_dialect(data_schema(event_type)),
        formats: Formats {
            standard: bodies(Format::Standard),
            argos: body(Format::Argos),
            cloudevents: bodies(Format::CloudEvents),
        },
    }
}

/// A fictitious accepted event with the sample data of this type.
fn sample_event(event_type: EventType) -> Event {
    let id: EventId = "019ab5e0-7c40-7000-8000-000000000004".parse().expect("it is an id");
    let project: ProjectId = "019ab5e0-0000-7000-8000-000000000001".parse().expect("it is an id");
    let event = sample::event(event_type, id, project);
    let sequence = event.submission_id.as_ref().map(|_| Sequence::after(2));
    let occurred_at = "2026-11-22T08:30:00Z".parse().expect("it is a time");
    Event { sequence, occurred_at, ..event }
}

fn plain_body(format: Format, payload: Payload, event: &Event) -> String {
    String::from_utf8(request::plain_body(format, payload, event)).expect("JSON is UTF-8")
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("a body is JSON")
}

/// The doc comment of the type.
fn meaning(event_type: EventType) -> String {
    let schema = serde_json::to_value(EventType::schema()).expect("a schema is JSON");
    let beginning = format!("- `{event_type}`: ");
    let mut lines = schema["description"].as_str().unwrap_or_default().lines();
    lines.find_map(|line| line.strip_prefix(&beginning)).expect("the schema describes every type").to_owned()
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).expect("the file is JSON")
}

fn with_dialect(mut schema: Value) -> Value {
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

/// The schema of the data of this type, without references.
fn data_schema(event_type: EventType) -> Value {
    resolved(parse(schema::data(event_type)), &parse(schema::COMMON))
}

/// Replaces references to `common` by the schemas that they name.
fn resolved(schema: Value, common: &Value) -> Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    if let Some(pointer) = target {
        return resolved(common.pointer(pointer).expect("the schema exists").clone(), common);
    }
    match schema {
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, part)| (name, resolved(part, common))).collect())
        }
        Value::Array(items) => items.into_iter().map(|item| resolved(item, common)).collect(),
        other => other,
    }
}

/// The schema of the body with this format and payload for an event of this type.
fn body_schema(format: Format, payload: Payload, event_type: EventType) -> Value {
    let (mut body, data) = (parse(schema::body(format)), data_schema(event_type));
    match format {
        Format::Standard | Format::CloudEvents => {
            body["properties"]["type"]["const"] = json!(event_type);
            members(&mut body["properties"]["data"]).extend(data.as_object().cloned().unwrap_or_default());
        }
        Format::Argos => {
            body["properties"]["webhook_trigger"]["enum"] = triggers(event_type).into();
            members(&mut body["properties"]).extend(data["properties"].as_object().cloned().unwrap_or_default());
            let required = data["required"].as_array().cloned().unwrap_or_default();
            names(&mut body["required"]).extend(required);
        }
    }
    for absent in schema::absent_members(format, payload) {
        // Without this, any body would be a thin one.
        body["properties"][absent] = json!(false);
        names(&mut body["required"]).retain(|name| name != absent);
    }
    body
}

fn names(required: &mut Value) -> &mut Vec<Value> {
    required.as_array_mut().expect("every body has required members")
}

/// The values of `webhook_trigger` for this type. A failed injection has a value of its own.
pub(super) fn triggers(event_type: EventType) -> Vec<Value> {
    let trigger = |event: &Event| parse(&plain_body(Format::Argos, Payload::Full, event))["webhook_trigger"].clone();
    let event = sample_event(event_type);
    let data = r#"{"action":{"failCode":"distanceChecks_ipGeo"}}"#.to_owned().try_into().expect("it is an object");
    let mut triggers = vec![trigger(&event), trigger(&Event { data, ..event })];
    triggers.dedup();
    triggers
}

/// The section `webhooks` of the OpenAPI document.
pub(super) fn webhooks() -> Value {
    let webhooks: Map<String, Value> =
        EventType::ALL.into_iter().map(|event_type| (event_type.to_string(), webhook(event_type))).collect();
    Value::Object(webhooks)
}

fn webhook(event_type: EventType) -> Value {
    let encrypted = json!({
        "title": "encrypted", "type": "object", "required": ["data"],
        "description": "Webhook of an endpoint with encryption.",
        "properties": {"data": {"type": "string", "description": "The encrypted body in base64."}},
    });
    let json = [
        ("standard", Format::Standard, Payload::Full),
        ("standard-thin", Format::Standard, Payload::Thin),
        ("argos", Format::Argos, Payload::Full),
    ];
    let cloud_event =
        [("cloudevents", Format::CloudEvents, Payload::Full), ("cloudevents-thin", Format::CloudEvents, Payload::Thin)];
    json!({"post": {
        "operationId": format!("{event_type}-webhook"), "summary": format!("Event {event_type}"),
        "description": format!(
            "{}\n\nSignpost sends this request to your endpoints. Verify its signature, and answer with a status from 200 to 299.",
            meaning(event_type)
        ),
        "parameters": HEADERS.map(|header| json!({"$ref": format!("#/components/parameters/{}", header.name)})),
        "requestBody": {"required": true, "content": {
            "application/json": content(event_type, &json, Some(encrypted)),
            "application/cloudevents+json": content(event_type, &cloud_event, None),
        }},
        "responses": {"2XX": {"description": "Your server accepted the webhook."}},
        "security": [],
    }})
}

/// The schemas and examples of the bodies with these names, and the schema of encrypted ones.
fn content(event_type: EventType, bodies: &[(&str, Format, Payload)], encrypted: Option<Value>) -> Value {
    let event = sample_event(event_type);
    let schema = |(name, format, payload): &(&str, Format, Payload)| {
        let mut schema = body_schema(*format, *payload, event_type);
        schema["title"] = json!(name);
        schema
    };
    let schemas: Vec<Value> = bodies.iter().map(schema).chain(encrypted).collect();
    let examples = bodies.iter().map(|(name, format, payload)| {
        ((*name).to_owned(), json!({"value": parse(&plain_body(*format, *payload, &event))}))
    });
    json!({"schema": {"oneOf": schemas}, "examples": examples.collect::<Map<String, Value>>()})
}

/// A header of webhooks.
struct WebhookHeader {
    name: &'static str,
    is_required: bool,
    description: &'static str,
}

const HEADERS: [WebhookHeader; 8] = [
    WebhookHeader {
        name: "webhook-id",
        is_required: true,
        description: "Id of the event, the same for all attempts. Drop ids that you have already processed.",
    },
    WebhookHeader {
        name: "webhook-timestamp",
        is_required: true,
        description: "Time of this attempt, in seconds since 1970.",
    },
    WebhookHeader {
        name: "webhook-signature",
        is_required: true,
        description: "Signatures over `id.timestamp.body`, separated by spaces.",
    },
    WebhookHeader { name: "webhook-attempt", is_required: true, description: "Number of the attempt, from 1." },
    WebhookHeader {
        name: "webhook-sequence",
        is_required: false,
        description: "Number of the event within its submission. Absent without a submission.",
    },
    WebhookHeader { name: "content-digest", is_required: true, description: "SHA-256 of the body (RFC 9530)." },
    WebhookHeader { name: "webhook-replay", is_required: false, description: "`true` for a replay, otherwise absent." },
    WebhookHeader { name: "webhook-test", is_required: false, description: "`true` for a test, otherwise absent." },
];

/// The parameters that the section `webhooks` names.
pub(super) fn parameters() -> Value {
    let parameter = |header: &WebhookHeader| {
        let parameter = json!({
            "name": header.name, "in": "header", "required": header.is_required, "description": header.description,
            "schema": {"type": "string"},
        });
        (header.name.to_owned(), parameter)
    };
    Value::Object(HEADERS.iter().map(parameter).collect())
}

#[cfg(test)]
mod tests {
    use domain::webhooks::request::{
        CONTENT_DIGEST, WEBHOOK_ATTEMPT, WEBHOOK_ID, WEBHOOK_REPLAY, WEBHOOK_SEQUENCE, WEBHOOK_SIGNATURE, WEBHOOK_TEST,
        WEBHOOK_TIMESTAMP,
    };

    use super::*;

    fn errors(schema: &Value, instance: &Value) -> Vec<String> {
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap();
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// JSON pointers of all members that the schema does not describe.
    fn undescribed(schema: &Value, instance: &Value, at: &str) -> Vec<String> {
        let of_member = |(name, value): (&String, &Value)| match schema["properties"].get(name) {
            Some(part) => undescribed(part, value, &format!("{at}/{name}")),
            None => vec![format!("{at}/{name}")],
        };
        match instance {
            Value::Object(members) => members.iter().flat_map(of_member).collect(),
            Value::Array(items) => items.iter().flat_map(|item| undescribed(&schema["items"], item, at)).collect(),
            _ => Vec::new(),
        }
    }

    /// JSON pointers of all members of `schema` without a description.
    fn unexplained(schema: &Value, at: &str) -> Vec<String> {
        let own = schema["properties"].as_object().into_iter().flatten().flat_map(|(name, part)| {
            let at = format!("{at}/{name}");
            let missing = (part["description"].is_null() && *part != json!(false)).then(|| at.clone());
            missing.into_iter().chain(unexplained(part, &at))
        });
        own.chain(schema.get("items").map(|items| unexplained(items, at)).unwrap_or_default()).collect()
    }

    /// The sample and schema of each body.
    fn bodies(item: &EventTypeInfo) -> Vec<(&'static str, Value, &Value)> {
        let Formats { standard, argos, cloudevents } = &item.formats;
        let full = [("standard", &standard.full), ("argos", argos), ("cloudevents", &cloudevents.full)];
        let thin = [("thin standard", &standard.thin), ("thin cloudevents", &cloudevents.thin)];
        let full = full.into_iter().map(|(name, body)| (name, &body.sample, &body.schema));
        let thin = thin.into_iter().map(|(name, body)| (name, &body.sample, &body.schema));
        full.chain(thin).map(|(name, sample, schema)| (name, parse(sample.get()), schema)).collect()
    }

    #[test]
    fn a_body_has_one_schema_among_those_of_its_media_type() {
        for event_type in EventType::ALL {
            for (media_type, content) in webhook(event_type)["post"]["requestBody"]["content"].as_object().unwrap() {
                let schema = &content["schema"];
                for (name, example) in content["examples"].as_object().unwrap() {
                    let mut body = example["value"].clone();
                    assert_eq!(errors(schema, &body), Vec::<String>::new(), "{event_type} {media_type} {name}");
                    if body["data"].is_object() {
                        body["data"] = json!(1);
                        assert!(!errors(schema, &body).is_empty(), "{event_type} {media_type} {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_samples_match_the_schemas_and_have_only_described_members() {
        for item in list().items {
            let data = ("data", parse(item.sample.get()), &item.schema);
            for (name, sample, schema) in bodies(&item).into_iter().chain([data]) {
                assert!(jsonschema::meta::is_valid(schema), "{} {name}", item.event_type);
                assert_eq!(errors(schema, &sample), Vec::<String>::new(), "{} {name} {sample}", item.event_type);
                assert_eq!(undescribed(schema, &sample, ""), Vec::<String>::new(), "{} {name}", item.event_type);
                assert_eq!(unexplained(schema, ""), Vec::<String>::new(), "{} {name}", item.event_type);
            }
        }
    }

    #[test]
    fn a_sample_without_a_required_member_or_of_another_type_does_not_match() {
        let items = list().items;
        for item in &items {
            for (format, sample, schema) in bodies(item) {
                for name in schema["required"].as_array().unwrap() {
                    let mut without = sample.clone();
                    members(&mut without).remove(name.as_str().unwrap());
                    assert!(!errors(schema, &without).is_empty(), "{} {format} without {name}", item.event_type);
                }
                for other in items.iter().filter(|other| other.event_type != item.event_type) {
                    let (_, _, other) = bodies(other).into_iter().find(|(named, ..)| *named == format).unwrap();
                    assert!(!errors(other, &sample).is_empty(), "{} {format}", item.event_type);
                }
            }
        }
    }

    #[test]
    fn a_failed_injection_matches_the_schemas_too() {
        let data = r#"{"submission_id":"s","action":{"type":"address","failCode":"distanceChecks_ipGeo"}}"#;
        let event = Event { data: data.to_owned().try_into().unwrap(), ..sample_event(EventType::Injection) };
        for format in Format::ALL {
            let body = parse(&plain_body(format, Payload::Full, &event));
            let schema = body_schema(format, Payload::Full, EventType::Injection);
            assert_eq!(errors(&schema, &body), Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn the_documented_headers_are_those_of_webhooks() {
        let sent = [
            WEBHOOK_ID,
            WEBHOOK_TIMESTAMP,
            WEBHOOK_SIGNATURE,
            WEBHOOK_ATTEMPT,
            WEBHOOK_SEQUENCE,
            CONTENT_DIGEST,
            WEBHOOK_REPLAY,
            WEBHOOK_TEST,
        ];
        assert_eq!(HEADERS.map(|header| header.name), sent.each_ref().map(axum::http::HeaderName::as_str));
    }
}
