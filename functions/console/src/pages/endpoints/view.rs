//! What the api returns about an endpoint.

use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::{CertificateFacts, ClientAuthentication, Format, Ownership, Pace, Payload};
use domain::webhooks::event::EventType;
use domain::webhooks::health::{DisableReason, HoldReason, LastFailure};
use domain::webhooks::signature::SignatureScheme;
use serde::Deserialize;

use crate::layout::endpoint_names::{State, name_of, path_of};

/// Held deliveries are counted up to this number.
const MAX_COUNTED_HELD: u16 = 100;

/// An endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) url: String,
    pub(crate) description: Option<String>,
    pub(crate) state: State,
    pub(crate) health: Health,
    pub(crate) held_deliveries: u16,
    /// `None`: all types.
    pub(crate) event_types: Option<Vec<EventType>>,
    pub(crate) header_names: Vec<String>,
    pub(crate) format: Format,
    pub(crate) payload: Payload,
    pub(crate) encryption: Encryption,
    pub(crate) signatures: Vec<SignatureScheme>,
    pub(crate) ordered: bool,
    pub(crate) pace: Option<Pace>,
    pub(crate) ownership: Ownership,
    pub(crate) ownership_proof: Option<OwnershipProof>,
    pub(crate) oauth2: Option<Oauth2>,
    pub(crate) client_certificate: Option<CertificateFacts>,
    pub(crate) secret_brought_along: bool,
    #[serde(default)]
    pub(crate) previous_secrets_until: Option<Timestamp>,
    /// Only the response that creates the endpoint has it.
    #[serde(default)]
    pub(crate) signing_secret: Option<String>,
    pub(crate) source_ips: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) warnings: Vec<Warning>,
}

/// The grant of a receiver in a handshake.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnershipProof {
    pub(crate) at: Timestamp,
    /// Webhooks per minute that the receiver allows. `None`: any number.
    pub(crate) allowed_rate: Option<Pace>,
}

/// Client credentials for the receiver's token server, without the secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Oauth2 {
    pub(crate) token_url: String,
    pub(crate) client_id: String,
    pub(crate) scope: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) client_authentication: ClientAuthentication,
}

/// The health of an endpoint's receiver.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Health {
    pub(crate) failures: u32,
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) last_failure: Option<LastFailure>,
    pub(crate) disables_at: Option<Timestamp>,
    pub(crate) left_alone_until: Option<Timestamp>,
    pub(crate) left_alone_because: Option<HoldReason>,
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) disabled_because: Option<DisableReason>,
}

/// A risk of the settings.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Warning {
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Endpoint {
    /// The path of the endpoint's page.
    pub(crate) fn path(&self) -> String {
        path_of(self.id)
    }

    /// What people call the endpoint.
    pub(crate) fn name(&self) -> &str {
        name_of(self.description.as_deref(), &self.url)
    }

    /// The names of the event types, or `None` for all.
    pub(crate) fn types(&self) -> Option<String> {
        let types = self.event_types.as_ref()?;
        Some(types.iter().map(|event_type| event_type.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// The number of held deliveries, such as `7` or `100+`.
    pub(crate) fn held(&self) -> String {
        let more = if self.held_deliveries >= MAX_COUNTED_HELD { "+" } else { "" };
        format!("{}{more}", self.held_deliveries)
    }

    /// The list of the held deliveries.
    pub(crate) fn held_path(&self) -> String {
        format!("/deliveries?state=held&endpoint={}", self.id)
    }

    /// Whether webhooks carry signatures of this kind.
    pub(crate) fn signs(&self, scheme: SignatureScheme) -> bool {
        self.signatures.contains(&scheme)
    }

    /// Whether webhooks carry signatures that the public key verifies.
    pub(crate) fn signs_with_key_pair(&self) -> bool {
        self.signs(SignatureScheme::V1a)
    }

    /// Whether the receiver must grant webhooks in a handshake.
    pub(crate) fn needs_handshake(&self) -> bool {
        self.ownership == Ownership::Handshake
    }

    /// Whether the receiver has not granted webhooks yet.
    pub(crate) fn lacks_grant(&self) -> bool {
        self.needs_handshake() && self.ownership_proof.is_none()
    }

    /// Whether bodies are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.encryption != Encryption::None
    }
}

#[cfg(test)]
pub(super) mod testing {
    use serde_json::{Value, json};

    use super::Endpoint;

    /// An endpoint as the api returns it, with these settings.
    pub(in crate::pages::endpoints) fn endpoint(settings: &Value) -> Endpoint {
        let mut endpoint = json!({
            "id": "019ab5e0-0000-7000-8000-0000000000bb", "url": "https://a.example/", "description": null,
            "state": "active", "health": {}, "heldDeliveries": 0, "eventTypes": null, "headerNames": [],
            "format": "standard", "payload": "full", "encryption": "none", "signatures": ["v1"], "ordered": false,
            "pace": null, "ownership": "none", "ownershipProof": null, "oauth2": null, "clientCertificate": null,
            "secretBroughtAlong": false, "sourceIps": [], "createdAt": "2026-11-22T08:30:00.000Z", "warnings": [],
        });
        endpoint.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        serde_json::from_value(endpoint).unwrap()
    }
}
