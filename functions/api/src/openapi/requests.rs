//! The bodies of requests, as the document shows them.
//!
//! Requests are read as drafts, so that one answer names every bad field, and a draft has no schema. These types are the
//! schemas; [`super::parsers::KNOWN`] holds each of them against the parser of the same name. A field that is `null` counts as left out to the
//! parsers, and so it may be `null` here wherever it may be left out.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::api_key::Scope;
use shared::color::Color;
use shared::endpoint::Description;
use shared::event::{EventType, SubmissionId};
use shared::id::EndpointId;
use shared::notification_user::{EmailAddress, Language};
use shared::overlap::Overlap;
use shared::project::{Mode, Name, QuietDays};
use shared::replay::{ReplayRate, ReplayableState};
use shared::return_link::LinkLifetime;
use shared::return_url::{Encryption, ErrorCode, KycStatus, MaxAge, PersonValue, ReturnField, ReturnUrl};
use shared::signature::SignatureScheme;
use shared::time::Timestamp;
use shared::webhook::Format;
use utoipa::ToSchema;

/// A request for a new project.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "Acme", "mode": "live", "logoColor": "#1f3fbf", "quietDays": "mail",
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    name: Name,
    /// `live`, if left out.
    mode: Option<Mode>,
    /// The accent of the pages for its people.
    logo_color: Option<Color>,
    /// `mail`, if left out.
    quiet_days: Option<QuietDays>,
}

/// A change of a project (JSON merge patch, RFC 7396): what is left out stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"name": "Acme", "logoColor": null, "quietDays": "none"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectChange {
    #[schema(nullable = false)]
    name: Option<Name>,
    /// `null` removes it.
    logo_color: Option<Color>,
    /// `null` brings back `mail`.
    quiet_days: Option<QuietDays>,
}

/// A request for a new API key.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "server", "scopes": ["events:write", "deliveries:read"], "expiresAt": "2099-01-01T00:00:00.000Z",
    "allowedCidrs": ["198.51.100.0/24", "2001:db8::/32"],
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    name: Name,
    /// All that its creator may do, if left out. Nobody can give a key more than they have themselves.
    scopes: Option<Vec<Scope>>,
    /// From when on it is refused; never, if left out.
    expires_at: Option<Timestamp>,
    /// The networks that it may be used from, IPv4 and IPv6; any, if left out or empty.
    #[schema(value_type = Option<Vec<Cidr>>, max_items = 50)]
    allowed_cidrs: Option<Vec<String>>,
}

/// A network in CIDR notation.
#[derive(ToSchema)]
#[schema(
    value_type = String, example = "198.51.100.0/24",
    pattern = r"^(((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])/(3[0-2]|[12]?[0-9])|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}/(12[0-8]|1[01][0-9]|[1-9]?[0-9])|([0-9a-f]{1,4}:){1,6}:/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$",
)]
pub(crate) struct Cidr(String);

/// How a key is to be replaced.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"overlapDays": 7, "expiresAt": null}))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRotation {
    /// For how long the present key still works; a day, if left out.
    overlap_days: Option<Overlap>,
    /// From when on the new key is refused: when the present one would have been, if left out; never, if `null`.
    expires_at: Option<Timestamp>,
}

/// A request for a new endpoint.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://hooks.example.com/kyc", "description": "The CRM", "eventTypes": ["approved", "rejected"],
    "headers": {"authorization": "Bearer hunter2"}, "format": "standard", "encryption": "none", "signatures": ["v1"],
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEndpoint {
    url: NewEndpointUrl,
    /// What it is for, in words for people.
    description: Option<Description>,
    /// Which events it gets; all of them, present and future, if left out.
    #[schema(min_items = 1)]
    event_types: Option<Vec<EventType>>,
    /// Static headers that every webhook carries; none that HTTP or Signpost sets. Values are never shown again.
    headers: Option<BTreeMap<String, HeaderValue>>,
    /// `standard`, if left out.
    format: Option<Format>,
    /// `none`, if left out. Anything else wants a `secretKey`.
    encryption: Option<Encryption>,
    /// `["v1"]`, if left out.
    #[schema(min_items = 1)]
    signatures: Option<Vec<SignatureScheme>>,
}

/// Where webhooks are to go: `https`, a host name on the public internet, port 443 or 8443, no credentials, no fragment.
#[derive(ToSchema)]
#[schema(
    value_type = String, max_length = 2048, format = "uri", example = "https://hooks.example.com/kyc",
    pattern = r"^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,3}[a-z]{2,24}(:(443|8443))?(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?$",
)]
pub(crate) struct NewEndpointUrl(String);

/// The value of a static header: visible ASCII characters, with spaces only inside.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 1024, pattern = "^[!-~]([ -~]*[!-~])?$", example = "Bearer hunter2")]
pub(crate) struct HeaderValue(String);

/// A change of an endpoint (JSON merge patch, RFC 7396): what is left out stays, and `null` brings back the default.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://hooks.example.com/v2", "description": "The new CRM", "eventTypes": null,
    "headers": {"authorization": null}, "format": "argos", "encryption": null, "signatures": ["v1", "v1a"],
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointChange {
    #[schema(nullable = false)]
    url: Option<NewEndpointUrl>,
    /// What it is for, in words for people.
    description: Option<Description>,
    /// Which events it gets.
    #[schema(min_items = 1)]
    event_types: Option<Vec<EventType>>,
    /// Headers are changed one by one; one that is `null` is removed.
    headers: Option<BTreeMap<String, HeaderValue>>,
    /// How its webhooks' bodies are laid out.
    format: Option<Format>,
    /// How its webhooks' bodies are hidden.
    encryption: Option<Encryption>,
    /// Which signatures its webhooks carry.
    #[schema(min_items = 1)]
    signatures: Option<Vec<SignatureScheme>>,
}

/// How a signing secret is to be replaced.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"overlapDays": 7}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretRotation {
    /// For how long the present secret signs too; a day, if left out.
    overlap_days: Option<Overlap>,
}

/// An object without fields.
#[derive(ToSchema)]
#[schema(example = json!({}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A request to publish an event.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "type": "approved", "submissionId": "sub_1", "occurredAt": "2026-11-22T08:30:00.000Z",
    "data": {"kycStatus": "approved"},
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvent {
    #[schema(rename = "type")]
    event_type: EventType,
    /// Which submission it happened to.
    submission_id: Option<SubmissionId>,
    /// When it happened; when it was accepted, if left out.
    occurred_at: Option<Timestamp>,
    /// What receivers are told. It reaches them byte for byte: members keep their order, and numbers their digits.
    #[schema(value_type = Object)]
    data: Value,
}

/// A request to publish several events at once: all of them, or none if one is bad.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"events": [
    {"type": "submit", "submissionId": "sub_1", "data": {}}, {"type": "approved", "submissionId": "sub_1", "data": {}},
]}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvents {
    /// Each of at most 256 KiB.
    #[schema(min_items = 1, max_items = 100)]
    events: Vec<NewEvent>,
}

/// A request to replay all deliveries that fit a filter.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "from": "2026-11-22T00:00:00.000Z", "to": "2026-11-22T08:00:00.000Z",
    "endpointId": "019ab5e0-0000-7000-8000-000000000003", "type": "approved", "state": "failed", "ratePerMinute": 300,
    "dryRun": true,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReplay {
    /// Events that were accepted then or later. Must be a day whose deliveries are still kept.
    from: Timestamp,
    /// Events that were accepted then or earlier. Must be after `from`, and not in the future.
    to: Timestamp,
    /// To this endpoint; to all, if left out.
    endpoint_id: Option<EndpointId>,
    /// Of events of this type; of all, if left out.
    #[schema(rename = "type")]
    event_type: Option<EventType>,
    /// How the deliveries ended: `failed`, if left out.
    state: Option<ReplayableState>,
    /// How many are sent in a minute; 300, if left out.
    rate_per_minute: Option<ReplayRate>,
    /// Only counts what would be sent.
    dry_run: Option<bool>,
}

/// A request for a test.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"type": "approved"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTestSend {
    /// What the test tells the receiver of.
    #[schema(rename = "type")]
    event_type: EventType,
}

/// How a new `secretKey` takes over.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"overlapDays": 7}))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyIssue {
    /// For how long the present key goes on before the new one takes over. With 0, or if left out, the new one takes over at
    /// once and all others are gone: that is for a key that somebody else has seen.
    overlap_days: Option<Overlap>,
}

/// Where people go back to, and with what; the whole of it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://app.example/done", "fields": ["kycStatus", "errorCode"], "skipResultPage": false, "encryption": "none",
    "signed": false, "allowAppScheme": false,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReturnUrlSettings {
    url: ReturnUrl,
    /// What the URL says. Each field at most once; none is fine.
    fields: Vec<ReturnField>,
    /// Whether people go back at once instead of seeing their result; `false`, if left out.
    skip_result_page: Option<bool>,
    /// How the fields are hidden: `none`, if left out. Anything else wants a `secretKey`.
    encryption: Option<Encryption>,
    /// Whether a signature makes the URL unforgeable; `false`, if left out. `true` wants a `secretKey`.
    signed: Option<bool>,
    /// Whether `url` may have the scheme of an app; `false`, if left out.
    allow_app_scheme: Option<bool>,
}

/// A question whether a URL is one of ours.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://app.example/done?kycStatus=approved&ts=1764000000&nonce=abc&sig=v1,def", "maxAgeSeconds": 3600,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct BroughtUrl {
    /// The URL just as the browser brought it, with its whole query.
    url: String,
    /// How old it may be, in seconds. Given, a URL must be signed; else an hour for those that are.
    max_age_seconds: Option<MaxAge>,
}

/// How a verification ended, and whose it was: the result, or why it ended on an error page.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "kycStatus": "approved", "errorCode": null, "userid": "user123", "email": "ada@example.com", "submissionId": "sub_1",
    "cf1": "campaign_summer", "cf2": "", "cf3": "", "expiresInSeconds": 3600, "singleUse": false,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReturnLink {
    /// The result. Either this or `errorCode` is required.
    kyc_status: Option<KycStatus>,
    /// Why there is no result.
    error_code: Option<ErrorCode>,
    /// The customer's own id of the person.
    userid: Option<PersonValue>,
    /// The person's e-mail address.
    email: Option<PersonValue>,
    /// The submission.
    submission_id: Option<PersonValue>,
    /// First custom field.
    cf1: Option<PersonValue>,
    /// Second custom field.
    cf2: Option<PersonValue>,
    /// Third custom field.
    cf3: Option<PersonValue>,
    /// For how long the link leads somewhere; an hour, if left out.
    expires_in_seconds: Option<LinkLifetime>,
    /// Whether it works for the first who opens it only; `false`, if left out.
    single_use: Option<bool>,
}

/// A request to add a notification user.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"name": "Ada", "email": "ada@example.com", "language": "en"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNotificationUser {
    name: Name,
    /// Where the report goes, once the address was confirmed.
    email: EmailAddress,
    /// `en`, if left out.
    language: Option<Language>,
}

/// A change of a notification user (JSON merge patch, RFC 7396): what is left out stays. The address stays: another one is another
/// user, who has to agree.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"name": "Ada", "language": "ko"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationUserChange {
    #[schema(nullable = false)]
    name: Option<Name>,
    /// `null` brings back `en`.
    language: Option<Language>,
}

/// Where to go on.
#[derive(ToSchema)]
#[schema(example = json!({"cursor": null}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ResealWalk {
    /// The `cursor` of the answer before; none, to begin.
    cursor: Option<String>,
}
