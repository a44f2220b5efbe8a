//! The parsers of the documented requests, and rules of requests that a type cannot express.

use domain::foundation::draft::{BadFields, Draft};
use domain::webhooks::address::AddressGuard;
use serde_json::{Value, json};

/// Names of static headers, without those that HTTP or Signpost sets.
const HEADER_NAME: &str = "^(?!(accept-encoding|connection|cookie|date|expect|forwarded|host|keep-alive|te|trailer|\
    transfer-encoding|upgrade|user-agent|via)$)(?!(content-|proxy-|sec-|webhook-))[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Adds the rules that types cannot express.
pub(super) fn refine(schemas: &mut Value) {
    // Exactly one of the two is required.
    schemas["NewReturnLink"]["oneOf"] = json!([
        {"title": "After a result", "required": ["kycStatus"],
         "properties": {"kycStatus": {"type": "string"}, "errorCode": {"type": "null"}}},
        {"title": "After an error", "required": ["errorCode"],
         "properties": {"errorCode": {"type": "string"}, "kycStatus": {"type": "null"}}},
    ]);
    schemas["NewReplay"]["oneOf"] = json!([
        {"title": "Deliveries that have ended",
         "properties": {"scope": {"type": ["string", "null"], "enum": ["ended", null]}}},
        {"title": "Missing deliveries", "required": ["scope", "endpointId"],
         "properties": {"scope": {"type": "string", "enum": ["missing"]}, "endpointId": {"type": "string"}, "state": {"type": "null"}}},
    ]);
    for name in ["NewEndpoint", "EndpointChange"] {
        let headers = &mut schemas[name]["properties"]["headers"];
        headers["maxProperties"] = 20.into();
        headers["propertyNames"] = json!({"pattern": HEADER_NAME});
    }
    let changes = &mut schemas["EndpointChange"]["properties"]["headers"]["additionalProperties"];
    *changes = json!({"oneOf": [{"type": "null"}, changes.take()]});
}

/// Parses a request and returns its errors.
pub(super) type Parser = fn(Draft) -> Result<(), BadFields>;

fn parse<T: TryFrom<Draft, Error = BadFields>>(draft: Draft) -> Result<(), BadFields> {
    T::try_from(draft).map(drop)
}

/// The schema names of all requests, with their parsers.
pub(super) const KNOWN: [(&str, Parser); 23] = [
    ("NewProject", parse::<domain::projects::project::NewProject>),
    ("ProjectChange", parse::<domain::projects::project::ProjectChange>),
    ("NewApiKey", parse::<domain::projects::api_key::NewApiKey>),
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
