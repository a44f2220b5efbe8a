//! Attempts: one POST to a receiver each, with its timing, its response and the reason if it failed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::time::Timestamp;
use crate::public_names;

/// One POST of a webhook to its endpoint, and the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Number of the attempt, from 1. Sent in the header `webhook-attempt`.
    pub number: u8,
    /// When the attempt started.
    pub at: Timestamp,
    /// Duration of the whole attempt, in milliseconds.
    pub duration_ms: u32,
    /// Duration of each phase of the attempt.
    #[serde(default, skip_serializing_if = "Phases::is_empty")]
    pub phases: Phases,
    /// HTTP status of the response. Absent if there was no response. With the reason `token-refused` or `token-invalid`, the status of
    /// the token server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the attempt failed. Absent if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// First 1 KiB of the response body, as a string without control characters. With the reason `token-refused`, the error code of the
    /// token server, such as `invalid_client`. With the reason `token-unreachable`, why it was not reached, such as `dns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

impl Attempt {
    /// Whether the receiver accepted the webhook with a status of 200–299.
    pub fn succeeded(&self) -> bool {
        self.reason.is_none()
    }

    /// When the attempt ended.
    pub fn ended_at(&self) -> Timestamp {
        self.at.plus(Duration::from_millis(u64::from(self.duration_ms)))
    }
}

/// Duration of each phase of an attempt, in milliseconds. A phase is absent if the attempt did not reach it, or did not
/// need it because it reused an open connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// Getting an access token from the token server, if none was cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ms: Option<u32>,
    /// Resolving the host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<u32>,
    /// Connecting, including the TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u32>,
    /// From the connection to the response's status line and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<u32>,
    /// Reading the response body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_ms: Option<u32>,
}

impl Phases {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

public_names! {
    /// Why an attempt failed. The names are public and stable.
    pub enum FailureReason {
        /// The response had a status other than 200–299 and was not a redirect.
        Status = "status",
        /// The response was a redirect. Redirects are not followed.
        Redirect = "redirect",
        /// The host name has no address.
        Dns = "dns",
        /// The URL is not allowed, or the host resolves to an address that is not on the public internet.
        BlockedAddress = "blocked-address",
        /// The receiver's address refused the connection: no server listens on the port.
        Refused = "refused",
        /// The connection was not established within 5 seconds.
        ConnectTimeout = "connect-timeout",
        /// The TLS handshake failed for a reason other than those of the certificate below.
        Tls = "tls",
        /// The certificate of the receiver has expired.
        CertificateExpired = "certificate-expired",
        /// The certificate of the receiver is not valid yet.
        CertificateNotYetValid = "certificate-not-yet-valid",
        /// The certificate of the receiver is for another host.
        CertificateWrongHost = "certificate-wrong-host",
        /// The certificate of the receiver is self-signed. It is not from a certificate authority.
        CertificateSelfSigned = "certificate-self-signed",
        /// The certificate of the receiver does not lead to a certificate authority that browsers trust. Often the receiver does not
        /// send the intermediate certificates.
        CertificateUnknownIssuer = "certificate-unknown-issuer",
        /// The receiver did not respond within 15 seconds.
        Timeout = "timeout",
        /// The connection closed before the receiver responded.
        ConnectionLost = "connection-lost",
        /// The receiver sent something that is not a valid HTTP/1.1 response.
        InvalidResponse = "invalid-response",
        /// The response headers exceed the size limit.
        TooLarge = "too-large",
        /// The receiver demands a client certificate, and the endpoint has none.
        ClientCertificateRequired = "client-certificate-required",
        /// The receiver rejected the client certificate of the endpoint.
        ClientCertificateRejected = "client-certificate-rejected",
        /// The token server of the endpoint could not be reached.
        TokenUnreachable = "token-unreachable",
        /// The token server refused to issue an access token.
        TokenRefused = "token-refused",
        /// The token server answered without a usable access token.
        TokenInvalid = "token-invalid",
    }
}
