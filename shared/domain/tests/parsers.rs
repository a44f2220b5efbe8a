//! Tests every parser of external input with arbitrary strings and changed samples. A parser never panics, and a parsed value is
//! written in a form that parses to the same value.
//!
//! `PROPTEST_CASES` sets the number of cases of each test.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

use std::fmt::Display;
use std::str::FromStr;

use domain::foundation::draft::Draft;
use domain::foundation::id::{DeliveryId, EventId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::language::Language;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::api_key::{ApiKey, KeyHash, KeyRotation, NewApiKey, OperatorKeys, Scope};
use domain::projects::color::Color;
use domain::projects::console::{ConsoleLink, ConsolePath, NewConsoleLink, ReturnTo, Role, SessionCookie};
use domain::projects::name::{Name, NewName, NewPublicName};
use domain::projects::project::{NewProject, ProjectChange};
use domain::projects::rate_limit::RateLimit;
use domain::reports::digest::DigestJob;
use domain::reports::email_address::EmailAddress;
use domain::reports::mail_feedback::MailFeedback;
use domain::reports::notification_user::{NewNotificationUser, NotificationUserChange};
use domain::return_urls::return_link::{NewReturnLink, ReturnLink};
use domain::return_urls::{AppSchemes, BroughtUrl, ErrorCode, KeyIssue, NewReturnUrlSettings, PersonValue, ReturnUrl};
use domain::webhooks::address::AddressGuard;
use domain::webhooks::delivery::SendMessage;
use domain::webhooks::endpoint::{Description, EndpointChange, EndpointUrl, HeaderName, NewEndpoint, SecretRotation};
use domain::webhooks::event::{EventType, NewErasure, NewEvent, NewEvents, SubmissionId};
use domain::webhooks::health::HealthPolicy;
use domain::webhooks::key_pair::PublicKey;
use domain::webhooks::replay::NewReplay;
use domain::webhooks::retry::{RetrySchedule, retry_after};
use domain::webhooks::signature::SigningSecret;
use domain::webhooks::test_send::NewTestSend;
use domain::webhooks::verification::CapturedWebhook;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Strings that parsers accept or nearly accept.
const SAMPLES: &[&str] = &[
    "",
    "Acme",
    "https://hooks.example.com/kyc?source=signpost",
    "https://example.com:8443/",
    "https://localhost.localdomain/",
    "https://example.com\\@10.0.0.1/",
    "https://xn--bcher-kva.example./",
    "http://localhost:3000/done?own=1",
    "com.example.app://done",
    "com.example.app",
    "ada@example.com",
    "ada+tag@example.com",
    "sp_live_abcdefghijklmnopqrstuvwxyz0123450gIiGq",
    "sp_op_00000000000000000000000000000000000000",
    "019ab5e0-0000-7000-8000-000000000000",
    "019ab5e0-0000-7000-8000-000000000000_019ab5e0-0000-7000-8000-000000000001",
    "2026-11-22T08:30:00.000Z",
    "2026-11-22T08:30:00.123456789+09:00",
    "-009999-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2026-11-22",
    "198.51.100.0/24",
    "2001:db8::/32",
    "::ffff:10.0.0.1/128",
    "localhost=127.0.0.0/8,receiver.internal=10.0.0.0/8",
    "5s,5m,30m,2h,5h,10h,14h,20h,24h",
    "failures=10,over=30s,pause=30s,longest=15m,warn=24h,disable=120h",
    "#1f3fbf",
    "DE-20000",
    "service-blocked",
    "submission/7?x#y",
    "authorization",
    "x-api-key",
    "Bearer abc",
    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "approved",
    "aml-ongoing",
    "settings:read",
    "ko-KR, en;q=0.5, *;q=0.1",
    "120",
    "Sun, 22 Nov 2026 08:30:00 GMT",
    "AZqp13sAcACAAAAAAACqAQ.k1.c2VhbGVk",
    "/deliveries?state=failed&cursor=abc",
    "https://dashboard.example/#/settings?tab=webhooks",
    "developer",
    "https://yourapp.com/done?kycStatus=approved&ts=1&nonce=x&sig=v1,abc",
];

/// Strings to insert into a sample.
const PIECES: &[&str] = &[
    "\0",
    "\n",
    "\r\nset-cookie: a=b",
    "\t",
    " ",
    "%00",
    "%2f",
    "%",
    "..",
    "/",
    "//",
    "\\",
    "@",
    ":",
    "::",
    ":99999",
    "#",
    "?",
    "&",
    "=",
    ",",
    ";",
    ";q=",
    "+",
    "-",
    "_",
    ".",
    "'",
    "\"",
    "<script>",
    "[",
    "]",
    "{",
    "}",
    "0",
    "-1",
    "007",
    "1e9",
    "99999999999999999999",
    "NaN",
    "\u{7f}",
    "\u{85}",
    "\u{ad}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "한",
    "İ",
    "ß",
    "ｅ",
    "。",
    "🎉",
    "xn--",
    "https://",
    "javascript:",
    "localhost",
    "127.0.0.1",
    "/129",
    "ms",
    "h",
    "T24:00:00",
    "Z",
    "null",
];

/// Field names of request bodies and messages.
const FIELDS: &[&str] = &[
    "name",
    "mode",
    "logoColor",
    "quietDays",
    "reportHour",
    "url",
    "eventTypes",
    "format",
    "payload",
    "encryption",
    "headers",
    "description",
    "ordered",
    "signingSecret",
    "secretKey",
    "type",
    "data",
    "events",
    "submissionId",
    "occurredAt",
    "kycStatus",
    "errorCode",
    "userid",
    "email",
    "cf1",
    "cf2",
    "cf3",
    "singleUse",
    "expiresInSeconds",
    "fields",
    "skipResultPage",
    "signed",
    "allowAppScheme",
    "language",
    "user",
    "role",
    "next",
    "returnTo",
    "scopes",
    "expiresAt",
    "allowedCidrs",
    "overlapDays",
    "from",
    "to",
    "endpointId",
    "types",
    "states",
    "state",
    "dryRun",
    "rate",
    "perMinute",
    "maxAgeSeconds",
    "reportHour",
    "attempt",
    "replay",
    "test",
    "projectId",
    "deliveryId",
    "id",
    "unknown",
    "",
];

/// Kinds of messages of both queues.
const KINDS: &[&str] = &["attempt", "replay", "test", "report", "notice", "reconcile"];

/// A change of a string: the inserted string, its position, and the number of characters that it replaces.
type Edit = (&'static str, Index, usize);

/// Arbitrary strings, samples, and samples with a few changes.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => any::<String>(),
        1 => select(SAMPLES).prop_map(str::to_owned),
        1 => vec(select(PIECES), 0..8).prop_map(|pieces| pieces.concat()),
        1 => (select(SAMPLES), 0..300_usize).prop_map(|(sample, times)| sample.repeat(times)),
        6 => (select(SAMPLES), edits()).prop_map(|(sample, edits)| changed(sample, &edits)),
    ]
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec((select(PIECES), any::<Index>(), 0..4_usize), 1..4)
}

fn changed(sample: &str, edits: &[Edit]) -> String {
    let mut characters: Vec<char> = sample.chars().collect();
    for (piece, index, replaced) in edits {
        let at = index.index(characters.len() + 1);
        let end = characters.len().min(at + replaced);
        characters.splice(at..end, piece.chars());
    }
    characters.into_iter().collect()
}

/// JSON that a request or message may contain.
fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((select(FIELDS), inner), 0..6).prop_map(|members| Value::Object(object(members))),
        ]
    })
}

fn object(members: Vec<(&'static str, Value)>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Bodies of requests: objects with known and unknown fields.
fn bodies() -> impl Strategy<Value = String> {
    vec((select(FIELDS), json_values()), 0..10).prop_map(|members| Value::Object(object(members)).to_string())
}

/// Checks that the value of a JSON string, if it parses, is written as a string that parses to the same value.
fn is_stable_in_json<T: DeserializeOwned + Serialize + PartialEq>(text: &str) -> bool {
    let Ok(value) = serde_json::from_value::<T>(Value::from(text)) else { return true };
    let written = serde_json::to_value(&value).unwrap();
    serde_json::from_value::<T>(written).is_ok_and(|again| again == value)
}

/// Checks that the value of a string, if it parses, is written as a string that parses to the same value.
fn is_stable<T: FromStr + Display + PartialEq>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return true };
    value.to_string().parse::<T>().is_ok_and(|again| again == value)
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

/// The token of a return link.
fn token() -> String {
    let body = br#"{"kycStatus":"approved","userid":"user123"}"#;
    let new = NewReturnLink::try_from(Draft::parse(body).unwrap()).unwrap();
    let project: ProjectId = "019ab5e0-0000-7000-8000-000000000000".parse().unwrap();
    new.create(project, 0, now(), &SystemRandom).seal(&ring(), &SystemRandom)
}

fn console_link() -> ConsoleLink {
    let body = br#"{"user":{"id":"u1","name":"Ada"},"role":"viewer"}"#;
    let new = NewConsoleLink::try_from(Draft::parse(body).unwrap()).unwrap();
    let project: ProjectId = "019ab5e0-0000-7000-8000-000000000000".parse().unwrap();
    new.create(project, 0, "019ab5e0-0000-7000-8000-000000000001".parse().unwrap(), now())
}

proptest! {
    #[test]
    fn a_parsed_value_is_written_in_a_form_that_parses_to_it(text in texts()) {
        prop_assert!(is_stable_in_json::<ReturnUrl>(&text), "return URL");
        prop_assert!(is_stable_in_json::<EmailAddress>(&text), "address");
        prop_assert!(is_stable_in_json::<ErrorCode>(&text), "error code");
        prop_assert!(is_stable_in_json::<PersonValue>(&text), "value of a person");
        prop_assert!(is_stable_in_json::<Name>(&text), "name");
        prop_assert!(is_stable_in_json::<Color>(&text), "colour");
        prop_assert!(is_stable_in_json::<KeyHash>(&text), "hash");
        prop_assert!(is_stable_in_json::<EventId>(&text), "event id");
        prop_assert!(is_stable_in_json::<DeliveryId>(&text), "delivery id");
        prop_assert!(is_stable_in_json::<Timestamp>(&text), "time");
        prop_assert!(is_stable_in_json::<UtcDay>(&text), "day");
        prop_assert!(is_stable_in_json::<SubmissionId>(&text), "submission id");
        prop_assert!(is_stable_in_json::<HeaderName>(&text), "name of a header");
        prop_assert!(is_stable_in_json::<Description>(&text), "description");
        prop_assert!(is_stable_in_json::<PublicKey>(&text), "public key");
        prop_assert!(is_stable_in_json::<Scope>(&text), "scope");
        prop_assert!(is_stable_in_json::<EventType>(&text), "event type");
        prop_assert!(is_stable_in_json::<Language>(&text), "language");
        prop_assert!(is_stable_in_json::<ConsolePath>(&text), "path of the console");
        prop_assert!(is_stable_in_json::<ReturnTo>(&text), "way back from the console");
        prop_assert!(is_stable_in_json::<Role>(&text), "role");
        prop_assert!(is_stable::<KeyHash>(&text), "printed hash");
        prop_assert!(is_stable::<ProjectId>(&text), "printed id");
        prop_assert!(is_stable::<Timestamp>(&text), "printed time");
        prop_assert!(is_stable::<UtcDay>(&text), "printed day");
    }

    #[test]
    fn a_new_name_is_kept_as_it_was_sent(text in texts()) {
        let names = [
            NewName::try_from(text.clone()).map(Name::from),
            NewPublicName::try_from(text.clone()).map(Name::from),
        ];
        for name in names.iter().flatten() {
            prop_assert_eq!(name.as_str(), &text);
        }
    }

    #[test]
    fn the_stored_form_of_an_endpoint_url_is_accepted(text in texts()) {
        let guard = AddressGuard::default();
        if let Ok(url) = EndpointUrl::parse(&text, &guard) {
            let stored = serde_json::to_value(&url).unwrap();
            prop_assert_eq!(EndpointUrl::parse(stored.as_str().unwrap(), &guard), Ok(url));
        }
    }

    #[test]
    fn parsers_without_a_written_form_never_panic(text in texts()) {
        let _ = text.parse::<ApiKey>();
        let _ = text.parse::<OperatorKeys>();
        let _ = text.parse::<SigningSecret>();
        let _ = text.parse::<RateLimit>();
        let _ = text.parse::<RetrySchedule>();
        let _ = text.parse::<HealthPolicy>();
        let _ = text.parse::<AddressGuard>();
        let _ = text.parse::<AppSchemes>();
        let _ = KeyRing::from_json(&text);
        let _ = Language::preferred(&text);
        let _ = retry_after(&text, now());
        let _ = MailFeedback::read(&text);
        let _ = Draft::parse(text.as_bytes());
        let _ = serde_json::from_str::<SendMessage>(&text);
        prop_assert!(ReturnLink::open(&text, &ring(), now()).is_err());
        prop_assert!(ConsoleLink::open(&text, &ring(), now()).is_err());
        prop_assert!(SessionCookie::open(&text, &ring(), now()).is_err());
    }

    #[test]
    fn reading_the_body_of_a_request_never_panics(body in bodies()) {
        let draft = || Draft::parse(body.as_bytes()).unwrap();
        let guard = AddressGuard::default();
        let _ = NewProject::try_from(draft());
        let _ = ProjectChange::try_from(draft());
        let _ = NewApiKey::try_from(draft());
        let _ = KeyRotation::try_from(draft());
        let _ = NewEndpoint::check(draft(), &guard);
        let _ = EndpointChange::check(draft(), &guard);
        let _ = SecretRotation::try_from(draft());
        let _ = NewTestSend::try_from(draft());
        let _ = CapturedWebhook::try_from(draft());
        let _ = NewEvent::try_from(draft());
        let _ = NewEvents::try_from(draft());
        let _ = NewErasure::try_from(draft());
        let _ = NewReplay::check(draft(), now(), now());
        let _ = NewReturnUrlSettings::try_from(draft());
        let _ = NewReturnLink::try_from(draft());
        let _ = NewConsoleLink::try_from(draft());
        let _ = BroughtUrl::try_from(draft());
        let _ = KeyIssue::try_from(draft());
        let _ = NewNotificationUser::try_from(draft());
        let _ = NotificationUserChange::try_from(draft());
    }

    #[test]
    fn reading_a_message_never_panics(message in json_values(), kind in select(KINDS)) {
        let _ = serde_json::from_value::<SendMessage>(message.clone());
        let _ = serde_json::from_value::<DigestJob>(message.clone());
        let _ = serde_json::from_value::<DigestJob>(json!({kind: message.clone()}));
        let _ = serde_json::from_value::<SendMessage>(json!({kind: message.clone()}));
        let _ = MailFeedback::read(&message.to_string());
        let _ = MailFeedback::read(&json!({"eventType": "Bounce", "bounce": message.clone(), "mail": message}).to_string());
    }

    #[test]
    fn a_changed_return_link_does_not_open(edits in edits()) {
        let token = token();
        let changed = changed(&token, &edits);
        prop_assert_eq!(ReturnLink::open(&changed, &ring(), now()).is_ok(), changed == token, "{}", changed);
    }

    #[test]
    fn a_changed_console_link_or_cookie_does_not_open(edits in edits()) {
        let link = console_link();
        let (token, cookie) = (link.seal(&ring(), &SystemRandom), SessionCookie::new(&link.session(now()), now()));
        let cookie = cookie.seal(&ring(), &SystemRandom);
        let (changed_token, changed_cookie) = (changed(&token, &edits), changed(&cookie, &edits));
        prop_assert_eq!(ConsoleLink::open(&changed_token, &ring(), now()).is_ok(), changed_token == token);
        prop_assert_eq!(SessionCookie::open(&changed_cookie, &ring(), now()).is_ok(), changed_cookie == cookie);
    }
}
