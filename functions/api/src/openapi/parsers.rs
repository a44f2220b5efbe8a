//! What reads the requests of [`super::requests`], and what types cannot say of them.

use serde_json::{Value, json};
use shared::address::AddressGuard;
use shared::draft::{BadFields, Draft};

/// Names of static headers: none that HTTP or Signpost sets.
const HEADER_NAME: &str = "^(?!(accept-encoding|connection|cookie|date|expect|forwarded|host|keep-alive|te|trailer|\
    transfer-encoding|upgrade|user-agent|via)$)(?!(content-|proxy-|sec-|webhook-))[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Adds what the types cannot say.
pub(super) fn refine(schemas: &mut Value) {
    // One of the two must be there, and not both.
    schemas["NewReturnLink"]["oneOf"] = json!([
        {"title": "After a result", "required": ["kycStatus"],
         "properties": {"kycStatus": {"type": "string"}, "errorCode": {"type": "null"}}},
        {"title": "After an error", "required": ["errorCode"],
         "properties": {"errorCode": {"type": "string"}, "kycStatus": {"type": "null"}}},
    ]);
    for name in ["NewEndpoint", "EndpointChange"] {
        let headers = &mut schemas[name]["properties"]["headers"];
        headers["maxProperties"] = 20.into();
        headers["propertyNames"] = json!({"pattern": HEADER_NAME});
    }
    let changes = &mut schemas["EndpointChange"]["properties"]["headers"]["additionalProperties"];
    *changes = json!({"oneOf": [{"type": "null"}, changes.take()]});
}

/// Reads a request, for what it refuses.
pub(super) type Parser = fn(Draft) -> Result<(), BadFields>;

fn parse<T: TryFrom<Draft, Error = BadFields>>(draft: Draft) -> Result<(), BadFields> {
    T::try_from(draft).map(drop)
}

/// The name of each schema here that a request has, with the parser of such requests.
pub(super) const KNOWN: [(&str, Parser); 19] = [
    ("NewProject", parse::<shared::project::NewProject>),
    ("ProjectChange", parse::<shared::project::ProjectChange>),
    ("NewApiKey", parse::<shared::api_key::NewApiKey>),
    ("KeyRotation", parse::<shared::api_key::KeyRotation>),
    ("NewEndpoint", |draft| shared::endpoint::NewEndpoint::check(draft, &AddressGuard::default()).map(drop)),
    ("EndpointChange", |draft| shared::endpoint::EndpointChange::check(draft, &AddressGuard::default()).map(drop)),
    ("SecretRotation", parse::<shared::endpoint::SecretRotation>),
    ("Nothing", parse::<crate::body::Nothing>),
    ("NewEvent", parse::<shared::event::NewEvent>),
    ("NewEvents", parse::<shared::event::NewEvents>),
    ("NewReplay", check_replay),
    ("NewTestSend", parse::<shared::test_send::NewTestSend>),
    ("KeyIssue", parse::<shared::return_url::KeyIssue>),
    ("NewReturnUrlSettings", parse::<shared::return_url::NewReturnUrlSettings>),
    ("BroughtUrl", parse::<shared::return_url::BroughtUrl>),
    ("NewReturnLink", parse::<shared::return_link::NewReturnLink>),
    ("NewNotificationUser", parse::<shared::notification_user::NewNotificationUser>),
    ("NotificationUserChange", parse::<shared::notification_user::NotificationUserChange>),
    ("ResealWalk", |mut draft| {
        let _: Option<String> = draft.optional("cursor");
        draft.check(|| Some(()))
    }),
];

/// The day after that of the example, when all of it is kept.
fn check_replay(draft: Draft) -> Result<(), BadFields> {
    let moment = |text: &str| text.parse().expect("this is a moment");
    let (now, oldest_kept) = (moment("2026-11-23T00:00:00Z"), moment("2026-10-23T00:00:00Z"));
    shared::replay::NewReplay::check(draft, now, oldest_kept).map(drop)
}
