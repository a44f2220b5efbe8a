//! The parsers of the documented requests, and rules of requests that a type cannot express.

use domain::foundation::draft::{BadFields, Draft};
use domain::webhooks::address::AddressGuard;
use serde_json::{Value, json};

/// Names of static headers, without those that HTTP or Signpost sets.
const HEADER_NAME: &str = "^(?!(accept-encoding|connection|cookie|date|expect|forwarded|host|keep-alive|te|trailer|\
    transfer-encoding|upgrade|user-agent|via)$)(?!(content-|proxy-|sec-|webhook-))[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Adds the rules that types cannot express.
pub(super) fn refine(schemas: &mut Value) {
    // Programs that generate clients ignore `not`, but fail on `oneOf` with rules.
    let (absent, string) = (json!({"type": "null"}), json!({"type": "string"}));
    let both = |schema: &Value| json!({"kycStatus": schema, "errorCode": schema});
    schemas["NewReturnLink"]["not"] = json!({"anyOf": [
        {"title": "Neither a result nor an error", "properties": both(&absent)},
        {"title": "A result and an error", "properties": both(&string), "required": ["kycStatus", "errorCode"]},
    ]});
    schemas["NewApiKey"]["not"] = json!({
        "title": "A hint without the hash of an imported key", "properties": {"hash": absent, "hint": string}, "required": ["hint"],
    });
    schemas["NewReplay"]["not"] = json!({
        "title": "Missing deliveries without an endpoint, or with a state",
        "properties": {"scope": {"enum": ["missing"]}}, "required": ["scope"],
        "anyOf": [{"properties": {"endpointId": absent}}, {"properties": {"state": string}, "required": ["state"]}],
    });
    for name in ["NewEndpoint", "EndpointChange"] {
        schemas[name]["not"] = json!({"anyOf": [
            {
                "title": "A thin payload in the format argos", "required": ["format", "payload"],
                "properties": {"format": {"enum": ["argos"]}, "payload": {"enum": ["thin"]}},
            },
            {
                "title": "Encrypted CloudEvents", "required": ["format", "encryption"],
                "properties": {
                    "format": {"enum": ["cloudevents"]}, "encryption": {"enum": ["aes-256-ecb", "aes-256-gcm"]},
                },
            },
        ]});
        let headers = &mut schemas[name]["properties"]["headers"];
        headers["maxProperties"] = 20.into();
        headers["propertyNames"] = json!({"pattern": HEADER_NAME});
    }
    let mut value_or_null = schemas["HeaderValue"].clone();
    value_or_null["type"] = json!(["string", "null"]);
    schemas["EndpointChange"]["properties"]["headers"]["additionalProperties"] = value_or_null;
}

/// Parses a request and returns its errors.
pub(super) type Parser = fn(Draft) -> Result<(), BadFields>;

fn parse<T: TryFrom<Draft, Error = BadFields>>(draft: Draft) -> Result<(), BadFields> {
    T::try_from(draft).map(drop)
}

/// The schema names of all requests, with their parsers.
pub(super) const KNOWN: [(&str, Parser); 25] = [
    ("NewProject", parse::<domain::projects::project::NewProject>),
    ("ProjectChange", parse::<domain::projects::project::ProjectChange>),
    ("NewApiKey", parse::<domain::projects::api_key::NewApiKey>),
    ("KeyVerification", parse::<crate::api_keys::verification::KeyVerification>),
    ("LeakedKey", parse::<crate::api_keys::leaks::LeakedKey>),
    ("KeyRotation", parse::<domain::projects::api_key::KeyRotation>),
    ("NewEndpoint", |draft| domain::webhooks::endpoint::NewEndpoint::check(draft, &AddressGuard::default()).map(drop)),
    ("EndpointChange", |draft| {
        domain::webhooks::endpoint::EndpointChange::check(draft, &AddressGuard::default()).map(drop)
    }),
    ("SecretRotation", parse::<domain::webhooks::endpoint::SecretRotation>),
    ("Nothing", parse::<crate::http::body::NoFields>),
    ("NewEvent", parse::<domain::webhooks::event::NewEvent>),
    ("NewEvents", parse::<domain::webhooks::event::NewEvents>),
    ("NewErasure", parse::<domain::webhooks::event::NewErasure>),
    ("NewReplay", check_replay),
    ("NewTestSend", parse::<domain::webhooks::test_send::NewTestSend>),
    ("CapturedWebhook", parse::<domain::webhooks::verification::CapturedWebhook>),
    ("KeyIssue", parse::<domain::return_urls::KeyIssue>),
    ("NewReturnUrlSettings", parse::<domain::return_urls::NewReturnUrlSettings>),
    ("BroughtUrl", parse::<domain::return_urls::BroughtUrl>),
    ("NewReturnLink", parse::<domain::return_urls::return_link::NewReturnLink>),
    ("NewConsoleLink", parse::<domain::projects::console::NewConsoleLink>),
    ("NewNotificationUser", parse::<domain::reports::notification_user::NewNotificationUser>),
    ("NotificationUserChange", parse::<domain::reports::notification_user::NotificationUserChange>),
    ("SuppressedAddress", parse::<crate::notifications::suppressions::SuppressedAddress>),
    ("ResealWalk", |mut draft| {
        let _: Option<String> = draft.optional("cursor");
        draft.check(|| Some(()))
    }),
];

/// Parses a replay on the day after that of its example, when all of its deliveries are still kept.
fn check_replay(draft: Draft) -> Result<(), BadFields> {
    let time = |value: &str| value.parse().expect("the value is a time");
    let (now, oldest_kept) = (time("2026-11-23T00:00:00Z"), time("2026-10-23T00:00:00Z"));
    domain::webhooks::replay::NewReplay::check(draft, now, oldest_kept).map(drop)
}
