//! Endpoints as they are shown.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use shared::delivery::HoldReason;
use shared::endpoint::{Description, Endpoint, EndpointState, EndpointUrl, HeaderName};
use shared::event::EventType;
use shared::health::{DisableReason, Health, LastFailure};
use shared::id::EndpointId;
use shared::return_url::Encryption;
use shared::signature::{SignatureSchemes, SigningSecret};
use shared::time::Timestamp;
use shared::webhook::Format;

/// An endpoint as it is shown: its headers by name only, its signing secret only when it was just created.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Endpoint))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointView {
    /// Its id.
    id: EndpointId,
    /// Where it is.
    url: EndpointUrl,
    /// What it is for.
    #[cfg_attr(test, schema(required = true))]
    description: Option<Description>,
    #[serde(skip)]
    wish: EndpointState,
    /// Whether webhooks are sent: `active` if they are, or will be as soon as the receiver answers again; `paused` if the
    /// customer paused them; `disabled` if the receiver is gone or failed for long.
    state: ShownState,
    /// How the receiver does.
    health: HealthView,
    /// Which events it gets; all of them, present and future, if `null`.
    #[cfg_attr(test, schema(required = true))]
    event_types: Option<BTreeSet<EventType>>,
    /// The names of its static headers. Their values are never shown.
    header_names: Vec<HeaderName>,
    /// How its webhooks' bodies are laid out.
    format: Format,
    /// How the bodies are hidden.
    encryption: Encryption,
    /// Which signatures its webhooks carry.
    signatures: SignatureSchemes,
    /// Until when older signing secrets sign too; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secrets_until: Option<Timestamp>,
    /// What webhooks are signed with; only in the answer that the endpoint was created by.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    /// The addresses that webhooks come from, for the receiver's firewall.
    #[cfg_attr(test, schema(value_type = Vec<String>, example = json!(["198.51.100.1"])))]
    source_ips: Vec<IpAddr>,
    /// When it was created.
    created_at: Timestamp,
}

/// Whether webhooks are sent.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = EndpointState))]
#[serde(rename_all = "lowercase")]
enum ShownState {
    /// They are, or will be as soon as the receiver answers again.
    Active,
    /// The customer paused them.
    Paused,
    /// The receiver is gone or failed for long; resuming enables the endpoint.
    Disabled,
}

/// How the receiver does.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Health))]
#[serde(rename_all = "camelCase")]
struct HealthView {
    /// How many attempts failed since the last that succeeded.
    failures: u32,
    /// When the first of them was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    /// Why the last of them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<LastFailure>,
    /// When the endpoint will be disabled if that goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    disables_at: Option<Timestamp>,
    /// Set while the receiver is left alone: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_alone_until: Option<Timestamp>,
    /// Why it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_alone_because: Option<HoldReason>,
    /// When the endpoint was disabled, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<DisableReason>,
}

impl EndpointView {
    pub(crate) fn of(endpoint: Endpoint, health: &Health, now: Timestamp, source_ips: &[IpAddr]) -> Self {
        Self {
            previous_secrets_until: endpoint.previous_secrets_until(now),
            id: endpoint.id,
            url: endpoint.url,
            description: endpoint.description,
            wish: endpoint.state,
            state: ShownState::of(endpoint.state, health),
            health: HealthView::of(health),
            event_types: endpoint.event_types,
            header_names: endpoint.headers.into_keys().collect(),
            format: endpoint.format,
            encryption: endpoint.encryption,
            signatures: endpoint.signatures,
            signing_secret: None,
            source_ips: source_ips.to_vec(),
            created_at: endpoint.created_at,
        }
    }

    /// The same with its receiver's health.
    pub(crate) fn with_health(self, health: &Health) -> Self {
        Self { state: ShownState::of(self.wish, health), health: HealthView::of(health), ..self }
    }

    /// The same with the signing secret, to be shown this once.
    pub(crate) fn with_secret(self, secret: &SigningSecret) -> Self {
        Self { signing_secret: Some(secret.expose()), ..self }
    }
}

impl ShownState {
    fn of(wish: EndpointState, health: &Health) -> Self {
        match (wish, health.disabled) {
            (EndpointState::Paused, _) => Self::Paused,
            (EndpointState::Active, Some(_)) => Self::Disabled,
            (EndpointState::Active, None) => Self::Active,
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
            left_alone_because: health.pause.map(|pause| pause.because),
            disabled_at: health.disabled.map(|disabled| disabled.at),
            disabled_because: health.disabled.map(|disabled| disabled.because),
        }
    }
}
