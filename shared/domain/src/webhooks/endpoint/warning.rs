//! Warnings about valid but risky settings of an endpoint.

use super::Endpoint;
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::return_urls::Encryption;

public_names! {
    /// A valid but risky setting of an endpoint.
    pub enum EndpointWarning {
        /// Bodies are encrypted with AES-256-ECB, which reveals equal blocks and does not protect against changes.
        WeakEncryption = "weak-encryption",
        /// The client certificate has expired or expires within 30 days.
        ClientCertificateExpires = "client-certificate-expires",
    }
}

impl Endpoint {
    /// Returns the warnings about the settings at `now`.
    pub fn warnings(&self, now: Timestamp) -> Vec<EndpointWarning> {
        let is_weak = self.encryption == Encryption::Aes256Ecb;
        let expires = self.client_certificate.as_ref().is_some_and(|certificate| certificate.expires_soon(now));
        let weak = is_weak.then_some(EndpointWarning::WeakEncryption);
        weak.into_iter().chain(expires.then_some(EndpointWarning::ClientCertificateExpires)).collect()
    }
}
