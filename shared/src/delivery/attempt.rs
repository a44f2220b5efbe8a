//! Attempts: one POST each, and why it failed if it did.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One POST and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Counted from 1; sent as `webhook-attempt`.
    pub number: u8,
    /// When the POST began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// Where that time went.
    #[serde(default, skip_serializing_if = "Phases::is_empty")]
    pub phases: Phases,
    /// The HTTP status that was answered, if any was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The beginning of the answer's body, as text without control characters: at most 1 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

impl Attempt {
    /// Whether the receiver took the webhook.
    pub fn succeeded(&self) -> bool {
        self.reason.is_none()
    }

    /// When it was over.
    pub fn ended_at(&self) -> Timestamp {
        self.at.plus(Duration::from_millis(u64::from(self.duration_ms)))
    }
}

/// Where an attempt's time went, in milliseconds. A phase that was not reached, or not needed because a connection was
/// still open, is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// Resolving the host's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<u32>,
    /// Connecting, the TLS handshake included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u32>,
    /// From the connection to the answer's status line and headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<u32>,
    /// Reading the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_ms: Option<u32>,
}

impl Phases {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why an attempt failed. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// The answer's status is not 200–299, nor a redirect.
    Status,
    /// The answer was a redirect; they are not followed.
    Redirect,
    /// The host name has no address.
    Dns,
    /// The URL or one of the host's addresses is not allowed: it is not on the public internet.
    BlockedAddress,
    /// Nothing listens at the address.
    Refused,
    /// No connection within 5 seconds.
    ConnectTimeout,
    /// No TLS session could be agreed, or the certificate is not trusted.
    Tls,
    /// No answer within 15 seconds.
    Timeout,
    /// The connection broke before an answer came.
    ConnectionLost,
    /// The answer's headers are larger than any server should send.
    TooLarge,
}

impl FailureReason {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::Dns => "dns",
            Self::BlockedAddress => "blocked-address",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection-lost",
            Self::TooLarge => "too-large",
        }
    }
}
