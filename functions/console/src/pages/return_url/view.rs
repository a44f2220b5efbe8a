//! What the api returns about the return URL.

use std::collections::BTreeMap;

use domain::foundation::id::SecretKeyId;
use domain::foundation::time::Timestamp;
use domain::return_urls::{Encryption, KeyState, NotOurs, ReturnField, ReturnUrlWarning};
use serde::Deserialize;

/// The settings of the return URL.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) fields: Vec<ReturnField>,
    pub(super) skip_result_page: bool,
    pub(super) encryption: Encryption,
    pub(super) signed: bool,
    pub(super) allow_app_scheme: bool,
}

/// A preview of the final URL, with placeholders in braces.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Preview {
    pub(super) result_url: String,
    #[serde(default)]
    pub(super) error_url: Option<String>,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Warning {
    pub(super) code: ReturnUrlWarning,
}

/// A `secretKey`, without the key itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    pub(super) id: SecretKeyId,
    pub(super) state: KeyState,
    pub(super) active_from: Timestamp,
    #[serde(default)]
    pub(super) valid_until: Option<Timestamp>,
}

impl Key {
    /// The path of the page that asks before `action`.
    pub(super) fn path(&self, action: &str) -> String {
        format!("{}/{action}", super::key_path(self.id))
    }

    /// The tone of the state's chip.
    pub(super) const fn tone(&self) -> &'static str {
        match self.state {
            KeyState::Next => "held",
            KeyState::Current => "ok",
            KeyState::Previous => "idle",
        }
    }

    pub(super) fn is_next(&self) -> bool {
        self.state == KeyState::Next
    }

    pub(super) fn is_current(&self) -> bool {
        self.state == KeyState::Current
    }
}

/// A new `secretKey`, with the key itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewKey {
    pub(super) secret_key: String,
    pub(super) active_from: Timestamp,
}

/// The result of a check of a URL.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    #[serde(default)]
    pub(super) reason: Option<NotOurs>,
    #[serde(default)]
    pub(super) fields: BTreeMap<ReturnField, String>,
    #[serde(default)]
    pub(super) signed_at: Option<Timestamp>,
}
