//! Endpoints as the API returns them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::return_urls::Encryption;
use domain::webhooks::egress::DeployedIps;
use domain::webhooks::endpoint::{
    CertificateFacts, ClientAuthentication, Description, Endpoint, EndpointUrl, EndpointWarning, Format, HeaderName,
    Oauth2, Oauth2Parameter, Ownership, OwnershipProof, Pace, Payload, SendingState,
};
use domain::webhooks::event::EventType;
use domain::webhooks::health::{DisableReason, Health, HoldReason, LastFailure};
use domain::webhooks::signature::{SignatureSchemes, SigningSecret};
use serde::Serialize;

use crate::http::etag::SettingsView;
use crate::http::warnings::Warning;

/// An endpoint: a URL that receives webhooks, with its settings and its health.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Endpoint))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointView {
    /// Id of the endpoint.
    id: EndpointId,
    /// URL that webhooks are sent to.
    url: EndpointUrl,
    /// Purpose of the endpoint in your words.
    #[cfg_attr(test, schema(required = true))]
    description: Option<Description>,
    #[serde(skip)]
    sending_state: SendingState,
    /// State of the endpoint: `active` if webhooks are sent now, or as soon as the receiver recovers; `unverified` if the receiver has
    /// not granted webhooks in a handshake; else `paused` if you paused the endpoint; `disabled` if the receiver answered 410 or failed
    /// for days.
    state: ShownState,
    /// Health of the receiver.
    health: HealthView,
    /// Number of held deliveries: they are sent when the endpoint is active and its receiver recovers. 100 means 100 or more.
    /// Deliveries that are held for `order` do not count.
    held_deliveries: u16,
    /// Event types that the endpoint receives. `null`: all, including types added later.
    #[cfg_attr(test, schema(required = true))]
    event_types: Option<BTreeSet<EventType>>,
    /// Names of the static headers. Their values are never returned.
    header_names: Vec<HeaderName>,
    /// Format of the webhook bodies.
    format: Format,
    /// Whether the webhook bodies contain the data of the event.
    payload: Payload,
    /// Encryption of the webhook bodies.
    encryption: Encryption,
    /// Kinds of signatures that webhooks carry.
    signatures: SignatureSchemes,
    /// Whether the webhooks of a submission are sent one at a time, in the order of their `sequence`.
    ordered: bool,
    /// Maximum number of webhooks per minute. `null`: no limit.
    #[cfg_attr(test, schema(required = true))]
    pace: Option<Pace>,
    /// Whether the owner of the URL must grant webhooks.
    ownership: Ownership,
    /// The grant of the receiver. `null`: there is none.
    #[cfg_attr(test, schema(required = true))]
    ownership_proof: Option<OwnershipProofView>,
    /// Client credentials for the token server of the receiver, without the secret. `null`: webhooks carry no access token.
    #[cfg_attr(test, schema(required = true))]
    oauth2: Option<Oauth2View>,
    /// Certificate that Signpost shows to the receiver. `null`: none.
    #[cfg_attr(test, schema(required = true))]
    client_certificate: Option<CertificateFacts>,
    /// Whether you supplied the current signing secret. If `false`, Signpost generated it.
    secret_brought_along: bool,
    /// Until when replaced signing secrets also sign webhooks. Absent: only the current secret signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secrets_until: Option<Timestamp>,
    /// Secret that signs webhooks. Only the response that creates the endpoint contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    /// IP addresses that webhooks come from, for the receiver's firewall.
    #[cfg_attr(test, schema(value_type = Vec<String>, example = json!(["198.51.100.1"])))]
    source_ips: Vec<IpAddr>,
    /// When the endpoint was created.
    created_at: Timestamp,
    /// Risks of the settings: `weak-encryption`, `client-certificate-expires`.
    warnings: Vec<Warning>,
}

domain::public_names! {
    /// State of an endpoint.
    enum ShownState as "EndpointState" {
        /// Webhooks are sent. After failures, sending continues as soon as the receiver recovers.
        Active = "active",
        /// You paused the endpoint.
        Paused = "paused",
        /// The receiver has not granted webhooks in a handshake. Webhooks are held.
        Unverified = "unverified",
        /// The receiver answered 410 or failed for days. Resuming the endpoint enables it.
        Disabled = "disabled",
    }
}

/// Grant of a receiver in a handshake.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = OwnershipProof))]
#[serde(rename_all = "camelCase")]
struct OwnershipProofView {
    /// When the receiver granted webhooks.
    at: Timestamp,
    /// Number of webhooks per minute that the receiver allows. `null`: any number.
    #[cfg_attr(test, schema(required = true))]
    allowed_rate: Option<Pace>,
}

/// Client credentials (OAuth 2.0) without the secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Oauth2))]
#[serde(rename_all = "camelCase")]
struct Oauth2View {
    /// URL of the token server.
    token_url: EndpointUrl,
    /// Id of the client at the token server.
    client_id: Oauth2Parameter,
    /// Scopes that Signpost asks for. `null`: none.
    #[cfg_attr(test, schema(required = true))]
    scope: Option<Oauth2Parameter>,
    /// API that the token is for. `null`: none.
    #[cfg_attr(test, schema(required = true))]
    audience: Option<Oauth2Parameter>,
    /// How Signpost authenticates to the token server.
    client_authentication: ClientAuthentication,
}

/// Health of an endpoint's receiver.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Health))]
#[serde(rename_all = "camelCase")]
struct HealthView {
    /// Number of failed attempts since the last success.
    failures: u32,
    /// Time of the first failed attempt since the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<LastFailure>,
    /// When the endpoint is disabled, if it keeps failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    disables_at: Option<Timestamp>,
    /// End of the current pause, in which the receiver gets time to recover. Absent: webhooks are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_alone_until: Option<Timestamp>,
    /// Reason of the pause until `leftAloneUntil`.
    #[serde(rename = "leftAloneBecause", skip_serializing_if = "Option::is_none")]
    pause_reason: Option<HoldReason>,
    /// When the endpoint was disabled. Absent: it is not disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    /// Why the endpoint was disabled.
    #[serde(rename = "disabledBecause", skip_serializing_if = "Option::is_none")]
    disable_reason: Option<DisableReason>,
}

/// Name of the field with the grant of a receiver.
pub(crate) const OWNERSHIP_PROOF: &str = "ownershipProof";

impl SettingsView for EndpointView {
    const NOT_SETTINGS: &[&str] = &["health", "heldDeliveries", "signingSecret", "sourceIps", "warnings"];
}

impl EndpointView {
    /// The view of an endpoint without its signing secret. `held_deliveries` is the number of its held deliveries.
    pub(crate) fn of(
        endpoint: Endpoint,
        health: &Health,
        held_deliveries: u16,
        now: Timestamp,
        egress_ips: &DeployedIps,
    ) -> Self {
        Self {
            previous_secrets_until: endpoint.previous_secrets_until(now),
            warnings: endpoint.warnings(now).into_iter().map(warning).collect(),
            sending_state: endpoint.sending_state(),
            state: ShownState::of(endpoint.sending_state(), health),
            id: endpoint.id,
            url: endpoint.url,
            description: endpoint.description,
            health: HealthView::of(health),
            held_deliveries,
            event_types: endpoint.event_types,
            header_names: endpoint.headers.into_keys().collect(),
            format: endpoint.format,
            payload: endpoint.payload,
            encryption: endpoint.encryption,
            signatures: endpoint.signatures,
            ordered: endpoint.ordered,
            pace: endpoint.pace,
            ownership: endpoint.ownership,
            ownership_proof: endpoint.ownership_proof.map(OwnershipProofView::from),
            oauth2: endpoint.oauth2.map(Oauth2View::from),
            client_certificate: endpoint.client_certificate.map(|certificate| certificate.facts),
            secret_brought_along: endpoint.secret_brought_along,
            signing_secret: None,
            source_ips: egress_ips.addresses().collect(),
            created_at: endpoint.created_at,
        }
    }

    /// The view with another health.
    pub(crate) fn with_health(self, health: &Health) -> Self {
        Self { state: ShownState::of(self.sending_state, health), health: HealthView::of(health), ..self }
    }

    /// The view with the signing secret, for the response that creates the endpoint.
    pub(crate) fn with_secret(self, secret: &SigningSecret) -> Self {
        Self { signing_secret: Some(secret.expose()), ..self }
    }
}

impl From<OwnershipProof> for OwnershipProofView {
    fn from(proof: OwnershipProof) -> Self {
        Self { at: proof.at, allowed_rate: proof.allowed_rate }
    }
}

impl From<Oauth2> for Oauth2View {
    fn from(stored: Oauth2) -> Self {
        let Oauth2 { token_url, client_id, client_secret: _, scope, audience, client_authentication } = stored;
        Self { token_url, client_id, scope, audience, client_authentication }
    }
}

const fn warning(warning: EndpointWarning) -> Warning {
    let detail = match warning {
        EndpointWarning::WeakEncryption => {
            "AES-256-ECB encrypts equal blocks equally and does not detect changes. Verify the signature before you decrypt a body, or use aes-256-gcm."
        }
        EndpointWarning::ClientCertificateExpires => {
            "The client certificate has expired or expires within 30 days. Receivers reject an expired certificate. Replace it."
        }
    };
    Warning::new(warning.as_str(), detail)
}

impl ShownState {
    fn of(sending_state: SendingState, health: &Health) -> Self {
        match (sending_state, health.disabled) {
            (SendingState::Paused, _) => Self::Paused,
            (SendingState::Unverified, _) => Self::Unverified,
            (SendingState::Active, Some(_)) => Self::Disabled,
            (SendingState::Active, None) => Self::Active,
        }
    }
}

impl HealthView {
    fn of(health: &Health) -> Self {
        Self {
            failures: health.failures,
            failing_since: health.failing_since,
            last_failure: health.last_failure,
            disables_at: health.disables_at,
            left_alone_until: health.pause.map(|pause| pause.until),
            pause_reason: health.pause.map(|pause| pause.reason),
            disabled_at: health.disabled.map(|disabled| disabled.at),
            disable_reason: health.disabled.map(|disabled| disabled.reason),
        }
    }
}
