//! What the api returns about an endpoint.

use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::Format;
use domain::webhooks::event::EventType;
use domain::webhooks::health::{DisableReason, HoldReason, LastFailure};
use domain::webhooks::signature::SignatureScheme;
use serde::Deserialize;

use crate::pages::endpoints::path_of;

/// Held deliveries are counted up to this number.
const MAX_COUNTED_HELD: u16 = 100;

/// An endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::pages) struct Endpoint {
    pub(in crate::pages) id: EndpointId,
    pub(in crate::pages) url: String,
    pub(in crate::pages) description: Option<String>,
    pub(in crate::pages) state: State,
    pub(in crate::pages) health: Health,
    pub(in crate::pages) held_deliveries: u16,
    /// `None`: all types.
    pub(in crate::pages) event_types: Option<Vec<EventType>>,
    pub(in crate::pages) header_names: Vec<String>,
    pub(in crate::pages) format: Format,
    pub(in crate::pages) encryption: Encryption,
    pub(in crate::pages) signatures: Vec<SignatureScheme>,
    pub(in crate::pages) secret_brought_along: bool,
    #[serde(default)]
    pub(in crate::pages) previous_secrets_until: Option<Timestamp>,
    /// Only the response that creates the endpoint has it.
    #[serde(default)]
    pub(in crate::pages) signing_secret: Option<String>,
    pub(in crate::pages) source_ips: Vec<String>,
    pub(in crate::pages) created_at: Timestamp,
    pub(in crate::pages) warnings: Vec<Warning>,
}

/// The state of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::pages) enum State {
    Active,
    Paused,
    Disabled,
}

/// The health of an endpoint's receiver.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::pages) struct Health {
    pub(in crate::pages) failures: u32,
    pub(in crate::pages) failing_since: Option<Timestamp>,
    pub(in crate::pages) last_failure: Option<LastFailure>,
    pub(in crate::pages) disables_at: Option<Timestamp>,
    pub(in crate::pages) left_alone_until: Option<Timestamp>,
    pub(in crate::pages) left_alone_because: Option<HoldReason>,
    pub(in crate::pages) disabled_at: Option<Timestamp>,
    pub(in crate::pages) disabled_because: Option<DisableReason>,
}

/// A risk of the settings.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::pages) struct Warning {
    pub(in crate::pages) code: String,
    pub(in crate::pages) detail: String,
}

impl Endpoint {
    /// The path of the endpoint's page.
    pub(in crate::pages) fn path(&self) -> String {
        path_of(self.id)
    }

    /// What people call the endpoint: its description, or else its URL without the scheme.
    pub(in crate::pages) fn name(&self) -> &str {
        self.description.as_deref().unwrap_or(self.url.strip_prefix("https://").unwrap_or(&self.url))
    }

    /// The names of the event types, or `None` for all.
    pub(in crate::pages) fn types(&self) -> Option<String> {
        let types = self.event_types.as_ref()?;
        Some(types.iter().map(|event_type| event_type.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// The number of held deliveries, such as `7` or `100+`.
    pub(in crate::pages) fn held(&self) -> String {
        let more = if self.held_deliveries >= MAX_COUNTED_HELD { "+" } else { "" };
        format!("{}{more}", self.held_deliveries)
    }

    /// The list of the held deliveries.
    pub(in crate::pages) fn held_path(&self) -> String {
        format!("/deliveries?state=held&endpoint={}", self.id)
    }

    /// Whether webhooks carry signatures of this kind.
    pub(in crate::pages) fn signs(&self, scheme: SignatureScheme) -> bool {
        self.signatures.contains(&scheme)
    }

    /// Whether webhooks carry signatures that the public key verifies.
    pub(in crate::pages) fn signs_with_key_pair(&self) -> bool {
        self.signs(SignatureScheme::V1a)
    }

    /// Whether bodies are encrypted.
    pub(in crate::pages) fn is_encrypted(&self) -> bool {
        self.encryption != Encryption::None
    }
}
