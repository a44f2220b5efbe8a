//! Schemas of the request bodies for endpoints, events, replays, test sends and checks of webhooks. See [`super::requests`].

use std::collections::BTreeMap;

use domain::foundation::id::EndpointId;
use domain::foundation::overlap::Overlap;
use domain::foundation::time::Timestamp;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::{
    ClientAuthentication, Description, Format, Oauth2Parameter, Ownership, Pace, Payload,
};
use domain::webhooks::event::{EventType, SubmissionId};
use domain::webhooks::replay::{ReplayRate, ReplayScope, ReplayableState};
use domain::webhooks::signature::SignatureScheme;
use serde_json::Value;
use utoipa::ToSchema;

/// A request to create an endpoint.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://hooks.example.com/kyc", "description": "The CRM", "eventTypes": ["approved", "rejected"],
    "headers": {"x-tenant": "hunter2"}, "format": "standard", "payload": "full", "encryption": "none",
    "signatures": ["v1"], "ordered": false, "pace": 600, "ownership": "none",
    "oauth2": {
        "tokenUrl": "https://login.example.com/oauth2/token", "clientId": "signpost", "clientSecret": "hunter2",
        "scope": "webhooks.write", "audience": "https://hooks.example.com", "clientAuthentication": "basic",
    },
    "clientCertificate": {"certificate": EXAMPLE_CERTIFICATE, "privateKey": EXAMPLE_KEY},
    "signingSecret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEndpoint {
    url: NewEndpointUrl,
    /// Purpose of the endpoint in your words.
    description: Option<Description>,
    /// Event types that the endpoint receives. Default: all, including types added later.
    #[schema(min_items = 1)]
    event_types: Option<Vec<EventType>>,
    /// Static headers sent with every webhook. Headers that HTTP or Signpost sets are rejected. Values are never returned.
    headers: Option<BTreeMap<String, HeaderValue>>,
    /// Format of the webhook bodies. Default: `standard`.
    format: Option<Format>,
    /// Whether the webhook bodies contain the data of the event. Default: `full`. `thin` cannot be combined with the format `argos`.
    payload: Option<Payload>,
    /// Encryption of the webhook bodies. Default: `none`. Other values require that the project has a `secretKey`, and cannot be
    /// combined with the format `cloudevents`.
    encryption: Option<Encryption>,
    /// Kinds of signatures that webhooks carry. Default: `["v1"]`.
    #[schema(min_items = 1)]
    signatures: Option<Vec<SignatureScheme>>,
    /// Whether the webhooks of a submission are sent one at a time, in the order of their `sequence`: each one waits until the
    /// delivery of the one before has ended. Default: `false`.
    ordered: Option<bool>,
    /// Maximum number of webhooks per minute. Default: no limit.
    pace: Option<Pace>,
    /// Whether the owner of the URL must grant webhooks. With `handshake`, webhooks are held until a handshake succeeds. Default: `none`.
    ownership: Option<Ownership>,
    /// Client credentials for a token server of the receiver. Webhooks then carry an access token in the header `authorization`, which
    /// cannot be a static header too. Default: none.
    oauth2: Option<NewOauth2>,
    /// Certificate that Signpost shows to the receiver (mutual TLS). Default: none.
    client_certificate: Option<NewClientCertificate>,
    /// Your own secret to sign webhooks. Use the secret of another system to keep its receivers unchanged. Default: a generated
    /// secret.
    signing_secret: Option<BroughtSigningSecret>,
}

/// Client credentials (OAuth 2.0, RFC 6749, section 4.4).
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOauth2 {
    /// URL of the token server. The rules are those of the URL of an endpoint.
    token_url: NewEndpointUrl,
    /// Id of the client at the token server.
    client_id: Oauth2Parameter,
    /// Secret of the client. It is never returned.
    client_secret: ClientSecret,
    /// Scopes that Signpost asks for, separated by spaces.
    scope: Option<Oauth2Parameter>,
    /// API that the token is for. Some token servers require it.
    audience: Option<Oauth2Parameter>,
    /// How Signpost authenticates to the token server. Default: `basic`.
    client_authentication: Option<ClientAuthentication>,
}

/// A change of client credentials. Members left out keep their values. Without credentials before, the token URL, the client id and the
/// client secret are required. A new host of the token server requires the client secret again.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub(crate) struct Oauth2Change {
    /// URL of the token server.
    #[schema(nullable = false)]
    token_url: Option<NewEndpointUrl>,
    /// Id of the client at the token server.
    #[schema(nullable = false)]
    client_id: Option<Oauth2Parameter>,
    /// Secret of the client.
    #[schema(nullable = false)]
    client_secret: Option<ClientSecret>,
    /// Scopes that Signpost asks for, separated by spaces.
    scope: Option<Oauth2Parameter>,
    /// API that the token is for.
    audience: Option<Oauth2Parameter>,
    /// How Signpost authenticates to the token server.
    client_authentication: Option<ClientAuthentication>,
}

/// Secret of a client: visible ASCII characters. Spaces are allowed between them.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 4096, pattern = "^[!-~]([ -~]*[!-~])?$", example = "hunter2")]
pub(crate) struct ClientSecret(String);

/// A client certificate with its private key.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClientCertificate {
    /// The certificate in PEM, followed by up to four certificates between it and its authority.
    #[schema(max_length = 16384)]
    certificate: String,
    /// The private key in PEM (PKCS #8, PKCS #1 or SEC 1), without a password: RSA with 2048 to 4096 bits, ECDSA with P-256 or P-384, or
    /// Ed25519. It is never returned.
    #[schema(max_length = 16384)]
    private_key: String,
}

/// A certificate for examples. Its key is below, so it protects nothing.
const EXAMPLE_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIBOjCB7aADAgECAhRTJczSCpJ22bJwSBWDR+Rajw6z0TAFBgMrZXAwEzERMA8G\nA1UEAwwIc2lnbnBvc3QwHhcNMjYxMTI4MTk0NzI0WhcNMzYxMTI1MTk0NzI0WjAT\nMREwDwYDVQQDDAhzaWducG9zdDAqMAUGAytlcAMhADoMd2leE659CIkaAZ2XAxis\n1AwRaaBchbZdjLoOQr1zo1MwUTAdBgNVHQ4EFgQU6OakW+SSNtsrRMYDOWUq3ftQ\nTI4wHwYDVR0jBBgwFoAU6OakW+SSNtsrRMYDOWUq3ftQTI4wDwYDVR0TAQH/BAUw\nAwEB/zAFBgMrZXADQQBgZHjLDSgwKQQYvjl6CaG6ZVBpIMcX7z9XLNEppB482FwG\nkYb4S1FlGxKhEUYAo029gfr4TRkIm1OTBykJPysN\n-----END CERTIFICATE-----\n";
const EXAMPLE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEQgLGPYo+d3T20+sjhdHKJPaABoezlon4KG72pAsYUE\n-----END PRIVATE KEY-----\n";

/// A signing secret: `whsec_` and the base64 of 24 to 64 random bytes.
#[derive(ToSchema)]
#[schema(
    value_type = String, example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    pattern = "^whsec_(?!A*=*$)([A-Za-z0-9+/]{4}){8,20}([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
)]
pub(crate) struct BroughtSigningSecret(String);

/// URL that webhooks are sent to: `https`, a host name on the public internet, port 443 or 8443, without credentials and fragment.
#[derive(ToSchema)]
#[schema(
    value_type = String, max_length = 2048, format = "uri", example = "https://hooks.example.com/kyc",
    pattern = r"^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,3}[a-z]{2,24}(:(443|8443))?(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?$",
)]
pub(crate) struct NewEndpointUrl(String);

/// Value of a static header: visible ASCII characters. Spaces are allowed between them.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 4096, pattern = "^[!-~]([ -~]*[!-~])?$", example = "Bearer hunter2")]
pub(crate) struct HeaderValue(String);

/// A change of an endpoint (JSON merge patch, RFC 7396). A field left out keeps its value, and `null` resets it to its default.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "url": "https://hooks.example.com/v2", "description": "The new CRM", "eventTypes": null,
    "headers": {"authorization": null}, "format": "argos", "payload": null, "encryption": null,
    "signatures": ["v1", "v1a"], "ordered": true, "pace": null, "ownership": "handshake",
    "oauth2": {"scope": "webhooks.write"}, "clientCertificate": null,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointChange {
    #[schema(nullable = false)]
    url: Option<NewEndpointUrl>,
    /// Purpose of the endpoint in your words.
    description: Option<Description>,
    /// Event types that the endpoint receives.
    #[schema(min_items = 1)]
    event_types: Option<Vec<EventType>>,
    /// Static headers to set or, with `null`, to remove. Other headers keep their values.
    headers: Option<BTreeMap<String, HeaderValue>>,
    /// Format of the webhook bodies.
    format: Option<Format>,
    /// Whether the webhook bodies contain the data of the event. `thin` cannot be combined with the format `argos`.
    payload: Option<Payload>,
    /// Encryption of the webhook bodies. It cannot be combined with the format `cloudevents`.
    encryption: Option<Encryption>,
    /// Kinds of signatures that webhooks carry.
    #[schema(min_items = 1)]
    signatures: Option<Vec<SignatureScheme>>,
    /// Whether the webhooks of a submission are sent one at a time, in the order of their `sequence`.
    ordered: Option<bool>,
    /// Maximum number of webhooks per minute.
    pace: Option<Pace>,
    /// Whether the owner of the URL must grant webhooks. With `handshake`, webhooks are held until a handshake succeeds.
    ownership: Option<Ownership>,
    /// Client credentials for a token server of the receiver. `null` removes them.
    oauth2: Option<Oauth2Change>,
    /// Certificate that Signpost shows to the receiver. `null` removes it.
    client_certificate: Option<NewClientCertificate>,
}

/// A request to replace a signing secret.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "overlapDays": 7, "signingSecret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretRotation {
    /// How long the current secret also signs webhooks, in days. Default: 1.
    overlap_days: Option<Overlap>,
    /// Your own secret to replace the current one. Default: a generated secret.
    signing_secret: Option<BroughtSigningSecret>,
}

/// A request to erase the data of a submission.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"submissionId": "sub_1"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewErasure {
    /// Submission whose data is erased.
    submission_id: SubmissionId,
}

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
    /// Submission that the event is about.
    submission_id: Option<SubmissionId>,
    /// When the event happened. Default: the time at which Signpost accepts it.
    occurred_at: Option<Timestamp>,
    /// Data for the receivers. They get it byte for byte: the order of members and the digits of numbers do not change. JSON that common
    /// parsers reject or change is refused: members that repeat, NUL, halves of surrogate pairs, more than 63 levels of objects and
    /// lists, and numbers beyond the range of a 64-bit floating-point number.
    #[schema(value_type = Object)]
    data: Value,
}

/// A request to publish several events. If one event is invalid, none is published.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"events": [
    {"type": "submit", "submissionId": "sub_1", "data": {}}, {"type": "approved", "submissionId": "sub_1", "data": {}},
]}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvents {
    /// The events, each at most 256 KiB.
    #[schema(min_items = 1, max_items = 100)]
    events: Vec<NewEvent>,
}

/// A request to replay all deliveries that match a filter.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "from": "2026-11-22T00:00:00.000Z", "to": "2026-11-22T08:00:00.000Z",
    "endpointId": "019ab5e0-0000-7000-8000-000000000003", "type": "approved", "scope": "ended", "state": "failed",
    "ratePerMinute": 300, "dryRun": true,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReplay {
    /// Only events accepted at or after this time. It must be within the retention of deliveries, and with the scope `missing` at
    /// least a day after its start.
    from: Timestamp,
    /// Only events accepted at or before this time. It must be after `from` and not in the future.
    to: Timestamp,
    /// Only deliveries to this endpoint. Default: to all endpoints. Required with the scope `missing`.
    endpoint_id: Option<EndpointId>,
    /// Only events of this type. Default: of all types.
    #[schema(rename = "type")]
    event_type: Option<EventType>,
    /// Which deliveries are sent. Default: `ended`.
    scope: Option<ReplayScope>,
    /// Only deliveries in this state. Default: `failed`. Not with the scope `missing`.
    state: Option<ReplayableState>,
    /// Maximum number of deliveries to send per minute. Default: 300. An endpoint with a lower `pace` gets no more than its pace.
    rate_per_minute: Option<ReplayRate>,
    /// Whether to only count the deliveries and send nothing. Default: `false`.
    dry_run: Option<bool>,
}

/// A request to send a test.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"type": "approved"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTestSend {
    /// Event type of the test. The webhook contains sample data of this type.
    #[schema(rename = "type")]
    event_type: EventType,
}

/// A webhook as your server received it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "headers": "webhook-id: 019ab5e0-0000-7000-8000-000000000004\nwebhook-timestamp: 1795336200\nwebhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    "body": "{\"type\":\"approved\",\"data\":{}}",
    "computedSignature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct CapturedWebhook {
    /// The headers: a line each, as `name: value`, or a JSON object as a string. Other headers are ignored. At most 32 KiB.
    headers: String,
    /// The body, at most 512 KiB.
    body: String,
    /// The signature that your code computed, in base64 or in hexadecimal digits. At most 1,024 bytes.
    computed_signature: Option<String>,
}
