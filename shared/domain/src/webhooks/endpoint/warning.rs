//! Warnings about valid but risky settings of an endpoint.

use super::Endpoint;
use crate::public_names;
use crate::return_urls::Encryption;

public_names! {
    /// A valid but risky setting of an endpoint.
    pub enum EndpointWarning {
        /// Bodies are encrypted with AES-256-ECB, which reveals equal blocks and does not protect against changes.
        WeakEncryption = "weak-encryption",
    }
}

impl Endpoint {
    /// Returns the warnings about the settings.
    pub fn warnings(&self) -> Vec<EndpointWarning> {
        match self.encryption {
            Encryption::Aes256Ecb => vec![EndpointWarning::WeakEncryption],
            Encryption::None | Encryption::Aes256Gcm => Vec::new(),
        }
    }
}
