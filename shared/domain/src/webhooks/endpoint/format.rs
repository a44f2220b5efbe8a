//! The layout of webhook bodies: their format, and whether they carry the data.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::public_names;
use crate::return_urls::Encryption;

public_names! {
    /// Format of a webhook's body.
    #[derive(Default)]
    pub enum Format {
        /// The layout that Standard Webhooks recommends:
        /// `{"type","timestamp","id","projectId","submissionId"?,"sequence"?,"data"}`.
        #[default]
        Standard = "standard",
        /// The layout of the ARGOS product, for receivers written for it: the members of `data` at top level, and
        /// `webhook_trigger`.
        Argos = "argos",
        /// A CloudEvent 1.0 in structured mode, with the media type `application/cloudevents+json`.
        CloudEvents = "cloudevents",
    }
}

public_names! {
    /// Whether the body of a webhook contains the event's data.
    #[derive(Default)]
    pub enum Payload {
        /// The body contains the data.
        #[default]
        Full = "full",
        /// The body leaves out the data. The receiver reads it with `GET …/events/{id}`.
        Thin = "thin",
    }
}

impl Format {
    /// Whether bodies in this format can have this payload. Those in the format `argos` consist of the data.
    pub const fn allows(self, payload: Payload) -> bool {
        !matches!((self, payload), (Self::Argos, Payload::Thin))
    }
}

/// Settings that cannot be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Bodies in the format `argos` consist of the data, so they cannot be thin.
    ThinArgos,
    /// An encrypted body is not a CloudEvent.
    EncryptedCloudEvents,
}

impl Conflict {
    /// The conflict between these settings, if there is one.
    pub(super) const fn between(format: Format, payload: Payload, encryption: Encryption) -> Option<Self> {
        if !format.allows(payload) {
            return Some(Self::ThinArgos);
        }
        match (format, encryption) {
            (Format::CloudEvents, Encryption::Aes256Ecb | Encryption::Aes256Gcm) => Some(Self::EncryptedCloudEvents),
            _ => None,
        }
    }

    /// JSON pointer of the field that cannot be combined with the format.
    pub(super) const fn pointer(self) -> &'static str {
        match self {
            Self::ThinArgos => "/payload",
            Self::EncryptedCloudEvents => "/encryption",
        }
    }

    /// What is wrong.
    pub(super) const fn detail(self) -> &'static str {
        match self {
            Self::ThinArgos => "the format argos and the payload thin cannot be combined",
            Self::EncryptedCloudEvents => "the format cloudevents and encryption cannot be combined",
        }
    }
}

/// The format as rows store it. Versions before `cloudevents` cannot read an endpoint with an unknown format, so they find `standard`
/// and ignore `newerFormat`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredFormat {
    format: Format,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newer_format: Option<Format>,
}

/// Writes and reads the format of a row. For `serde(with)`.
pub(super) mod stored {
    use super::{Deserialize, Deserializer, Format, Serialize, Serializer, StoredFormat};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(format: &Format, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = match format {
            Format::Standard | Format::Argos => StoredFormat { format: *format, newer_format: None },
            Format::CloudEvents => StoredFormat { format: Format::Standard, newer_format: Some(*format) },
        };
        stored.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Format, D::Error> {
        let stored = StoredFormat::deserialize(deserializer)?;
        Ok(stored.newer_format.unwrap_or(stored.format))
    }
}
