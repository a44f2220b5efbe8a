//! Schemas of the request bodies.
//!
//! Handlers read a request as a `Draft`, which has no schema, so that one response names every invalid field. A test compares each
//! type here and in [`super::webhook_requests`] with the parser of the same name in [`super::parsers::KNOWN`]. Parsers treat `null`
//! like an absent field, so every optional field may be `null` here.

use domain::foundation::language::Language;
use domain::foundation::overlap::Overlap;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::KeyScope;
use domain::projects::color::Color;
use domain::projects::console::{ConsoleLinkLifetime, ConsolePath, ReturnTo, Role};
use domain::projects::name::{NewName, NewPublicName};
use domain::projects::project::{Mode, QuietDays};
use domain::projects::report_hour::ReportHour;
use domain::reports::email_address::EmailAddress;
use domain::return_urls::return_link::LinkLifetime;
use domain::return_urls::{Encryption, ErrorCode, KycStatus, MaxAge, PersonValue, ReturnField, ReturnUrl};
use utoipa::ToSchema;

/// A request to create a project.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "Acme", "mode": "live", "logoColor": "#1f3fbf", "quietDays": "mail", "reportHour": 7,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    name: NewPublicName,
    /// Whether the project's API keys are live keys or test keys. Default: `live`.
    mode: Option<Mode>,
    /// Color of the project's logo, used on its result pages.
    logo_color: Option<Color>,
    /// What notification users get after a day without events. Default: `mail`.
    quiet_days: Option<QuietDays>,
    /// UTC hour, 0 to 23, at which the report of the previous day is sent. Default: it is sent with the first run of the day,
    /// shortly after midnight.
    report_hour: Option<ReportHour>,
}

/// A change of a project (JSON merge patch, RFC 7396). A field left out keeps its value.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"name": "Acme", "logoColor": null, "quietDays": "none", "reportHour": 7}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectChange {
    #[schema(nullable = false)]
    name: Option<NewPublicName>,
    /// Color of the project's logo. `null` removes it.
    logo_color: Option<Color>,
    /// What notification users get after a day without events. `null` resets it to `mail`.
    quiet_days: Option<QuietDays>,
    /// UTC hour, 0 to 23, at which the report of the previous day is sent. `null` resets it to the first run of the day.
    report_hour: Option<ReportHour>,
}

/// A request to create an API key.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "server", "scopes": ["events:write", "deliveries:read"], "expiresAt": "2099-01-01T00:00:00.000Z",
    "allowedCidrs": ["198.51.100.0/24", "2001:db8::/32"], "hash": null, "hint": null,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    name: NewName,
    /// Scopes of the key, in this API and in the operator's product. Default: all scopes of the caller; for an imported key,
    /// all scopes of the product. The caller must have all of them.
    scopes: Option<Vec<KeyScope>>,
    /// For the operator only: SHA-256 hash of a key of another system, which is imported instead of generating one. The key may
    /// have any format of 16 to 256 visible ASCII characters that does not begin with `sp_`. It must be random: anyone who knows
    /// the hash can try short keys.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    hash: Option<String>,
    /// First characters of an imported key, so that its owner can recognize it. Requires `hash`. Default: `imported`.
    #[schema(min_length = 1, max_length = 12, pattern = "^[!-~]+$")]
    hint: Option<String>,
    /// When the key expires. Must be in the future, and not later than the expiry of the caller's key. Default: the expiry of the
    /// caller's key.
    expires_at: Option<Timestamp>,
    /// IPv4 and IPv6 networks, or single addresses, from which the key can be used. Each must be inside a network of the caller's
    /// key. If absent or empty: the networks of the caller's key.
    #[schema(value_type = Option<Vec<Cidr>>, max_items = 50)]
    allowed_cidrs: Option<Vec<String>>,
}

/// A request to verify an API key for a call to the operator's product.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "key": "sp_live_4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe27xI2m", "sourceIp": "198.51.100.4", "scope": "submissions:read",
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyVerification {
    /// The key that your caller sent.
    key: String,
    /// IPv4 or IPv6 address of your caller. Without it, a key that is limited to networks is not valid.
    #[schema(value_type = Option<IpAddress>)]
    source_ip: Option<String>,
    /// Scope that the call needs. If absent, scopes are not checked.
    scope: Option<KeyScope>,
}

/// An IPv4 or IPv6 address.
#[derive(ToSchema)]
#[schema(
    value_type = String, example = "198.51.100.4",
    pattern = r"^(((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}|([0-9a-f]{1,4}:){1,6}:)$",
)]
pub(crate) struct IpAddress(String);

/// A request to revoke a key that was found in the open.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"key": "sp_live_4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe27xI2m"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct LeakedKey {
    /// The key, as it was found.
    key: String,
}

/// A network in CIDR notation, or a single address. IPv4 networks in IPv6 notation are stored as IPv4 networks.
#[derive(ToSchema)]
#[schema(
    value_type = String, example = "198.51.100.0/24",
    pattern = r"^(((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(/(3[0-2]|[12]?[0-9]))?|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?|([0-9a-f]{1,4}:){1,6}:(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$",
)]
pub(crate) struct Cidr(String);

/// A request to replace an API key.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"overlapDays": 7, "expiresAt": null}))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRotation {
    /// How long the current key remains valid, in days. Default: 1.
    overlap_days: Option<Overlap>,
    /// When the new key expires. Must be in the future, and not later than the expiry of the caller's key. Default: the expiry of
    /// the current key or of the caller's key, whichever is earlier. `null`: never.
    expires_at: Option<Timestamp>,
}

/// An object without fields.
#[derive(ToSchema)]
#[schema(example = json!({}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A request to issue a `secretKey`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"overlapDays": 7, "secretKey": "4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyIssue {
    /// How long the current key remains current before the new one replaces it, in days. With 0, the default, the new key becomes
    /// current at once and all other keys end within a minute. Use 0 after a key was disclosed.
    overlap_days: Option<Overlap>,
    /// Your own key: 32 random ASCII letters and digits. Default: a generated key. Use the key of another system to keep your
    /// receivers unchanged. Keys that are easy to guess are rejected.
    #[schema(
        min_length = 32,
        max_length = 32,
        pattern = "^[A-Za-z0-9]{32}$",
        example = "4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe"
    )]
    secret_key: Option<String>,
}

/// All settings of the return URL.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://app.example/done", "fields": ["kycStatus", "errorCode"], "skipResultPage": false, "encryption": "none",
    "signed": false, "allowAppScheme": false,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReturnUrlSettings {
    /// URL that people return to.
    url: ReturnUrl,
    /// Fields in the URL, each at most once. The list may be empty.
    fields: Vec<ReturnField>,
    /// Whether people return at once, without a result page. Default: `false`.
    skip_result_page: Option<bool>,
    /// Encryption of the fields. Default: `none`. Other values require that the project has a `secretKey`.
    encryption: Option<Encryption>,
    /// Whether the URL is signed, so that it cannot be forged. Default: `false`. `true` requires that the project has a `secretKey`.
    signed: Option<bool>,
    /// Whether `url` may have the scheme of an app. Default: `false`.
    allow_app_scheme: Option<bool>,
}

/// A request to verify a URL.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://app.example/done?kycStatus=approved&ts=1764000000&nonce=abc&sig=v1,def", "maxAgeSeconds": 3600,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct BroughtUrl {
    /// The URL exactly as the browser requested it, with its complete query string.
    url: String,
    /// Maximum age of the URL in seconds. If present, the URL must be signed. Default: 3600 for signed URLs.
    max_age_seconds: Option<MaxAge>,
}

/// A request to create a return link: the result of a verification, or the error that ended it, and data about the person.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "kycStatus": "approved", "errorCode": null, "userid": "user123", "email": "ada@example.com", "submissionId": "sub_1",
    "cf1": "campaign_summer", "cf2": "", "cf3": "", "expiresInSeconds": 3600, "singleUse": false,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReturnLink {
    /// Result of the verification. Either `kycStatus` or `errorCode` is required.
    kyc_status: Option<KycStatus>,
    /// Error that ended the verification.
    error_code: Option<ErrorCode>,
    /// Your id of the person.
    userid: Option<PersonValue>,
    /// E-mail address of the person.
    email: Option<PersonValue>,
    /// Id of the submission.
    submission_id: Option<PersonValue>,
    /// First custom field.
    cf1: Option<PersonValue>,
    /// Second custom field.
    cf2: Option<PersonValue>,
    /// Third custom field.
    cf3: Option<PersonValue>,
    /// Lifetime of the link in seconds. Default: 3600.
    expires_in_seconds: Option<LinkLifetime>,
    /// Whether the link can be opened only once. Default: `false`.
    single_use: Option<bool>,
}

/// A request to create a console link.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "user": {"id": "user-17", "name": "Ada"}, "role": "developer", "language": "en", "next": "/deliveries?state=failed",
    "returnTo": "https://dashboard.example/settings", "expiresInSeconds": 300,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConsoleLink {
    /// The user, as your back end has identified them. Signpost trusts both values.
    user: NewConsoleUser,
    role: Role,
    /// Language of the pages. Default: the language that the browser prefers.
    language: Option<Language>,
    /// The first page. Default: the overview.
    next: Option<ConsolePath>,
    /// Your page that the console leads back to. Default: no way back is shown.
    return_to: Option<ReturnTo>,
    /// Lifetime of the link in seconds. Default: 300.
    expires_in_seconds: Option<ConsoleLinkLifetime>,
}

/// The user of a console link.
#[derive(ToSchema)]
#[schema(example = json!({"id": "user-17", "name": "Ada"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConsoleUser {
    /// Id of the user in your system. The audit log stores it.
    id: NewName,
    /// Name of the user, shown in the console. The audit log stores it.
    name: NewName,
}

/// A request to add a notification user.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"name": "Ada", "email": "ada@example.com", "language": "en"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNotificationUser {
    name: NewPublicName,
    /// Address that gets the reports after it was confirmed.
    email: EmailAddress,
    /// Language of the mails. Default: `en`.
    language: Option<Language>,
}

/// A change of a notification user (JSON merge patch, RFC 7396). A field left out keeps its value. The address cannot be changed: add
/// a new user, who then confirms the new address.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"name": "Ada", "language": "ko"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationUserChange {
    #[schema(nullable = false)]
    name: Option<NewPublicName>,
    /// Language of the mails. `null` resets it to `en`.
    language: Option<Language>,
}

/// A request to remove an address from the suppression list.
#[derive(ToSchema)]
#[schema(example = json!({"email": "ada@example.com"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SuppressedAddress {
    email: EmailAddress,
}

/// The position from which to continue.
#[derive(ToSchema)]
#[schema(example = json!({"cursor": null}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ResealWalk {
    /// The `cursor` of the previous response. Leave it out to begin.
    cursor: Option<String>,
}
