//! Client certificates (mutual TLS): the answer to a receiver that asks for one, and what its alerts say about it.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use domain::webhooks::attempt::FailureReason;
use domain::webhooks::endpoint::OpenedClientCertificate;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, Error, SignatureScheme};
use tokio_rustls::TlsConnector;

/// Maximum number of TLS sessions. rustls keeps up to eight sessions with one server, and an endpoint has one server.
const MAX_SESSIONS: usize = 8;

/// A client certificate with its key, and TLS sessions of its own: a session remembers the client certificate.
pub(crate) struct ClientIdentity {
    sha256: String,
    connector: TlsConnector,
    certificate: Arc<CertifiedKey>,
}

impl ClientIdentity {
    /// An identity that trusts what `config` trusts. Fails if the key cannot be used.
    pub(super) fn new(certificate: OpenedClientCertificate, config: &ClientConfig) -> Result<Self, Error> {
        let OpenedClientCertificate { chain, private_key, sha256 } = certificate;
        let certificate = Arc::new(CertifiedKey::from_der(chain, private_key, config.crypto_provider())?);
        let mut config = config.clone();
        config.resumption = Resumption::in_memory_sessions(MAX_SESSIONS);
        config.client_auth_cert_resolver = resolver(Some(Arc::clone(&certificate)));
        Ok(Self { sha256, connector: TlsConnector::from(Arc::new(config)), certificate })
    }

    /// SHA-256 of the certificate, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether it shows these certificates. The key belongs to the first one.
    pub(crate) fn shows(&self, chain: &[CertificateDer<'_>]) -> bool {
        self.certificate.cert == chain
    }

    pub(super) fn connector(&self) -> &TlsConnector {
        &self.connector
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

/// Answers receivers that ask for a client certificate: with this one, or with none.
pub(super) fn resolver(certificate: Option<Arc<CertifiedKey>>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(Resolver(certificate))
}

tokio::task_local! {
    /// Whether the receiver has asked for a client certificate in the handshake that runs in this task.
    static WAS_ASKED: Cell<bool>;
}

/// Runs a handshake. Returns its result, and whether the receiver asked for a client certificate.
///
/// Only the resolver learns of the question. All handshakes with the same sessions must share a resolver, so the answer is kept
/// in the task.
pub(super) async fn observe<T>(handshake: impl Future<Output = T>) -> (T, bool) {
    let observed = async {
        let result = handshake.await;
        (result, WAS_ASKED.with(Cell::get))
    };
    WAS_ASKED.scope(Cell::new(false), observed).await
}

#[derive(Debug)]
struct Resolver(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Every handshake is observed.
        let _ = WAS_ASKED.try_with(|was_asked| was_asked.set(true));
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// What happened to client certificates in the handshake of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAuth {
    /// Whether the receiver asked for a certificate.
    pub(crate) was_asked: bool,
    /// Whether the endpoint has a certificate.
    pub(crate) has_certificate: bool,
}

impl ClientAuth {
    /// Returns why the receiver ended the connection with `error`, if the reason is the client certificate.
    pub(crate) fn reason(self, error: &Error) -> Option<FailureReason> {
        let Error::AlertReceived(alert) = error else { return None };
        let is_reason = match alert {
            AlertDescription::CertificateRequired => true,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => self.was_asked || self.has_certificate,
            // With TLS 1.2, servers have no alert for a certificate that is missing. Those that cannot agree on other things
            // send this alert before they ask for a certificate.
            AlertDescription::HandshakeFailure | AlertDescription::NoCertificate => self.was_asked,
            _ => false,
        };
        let reason = if self.has_certificate {
            FailureReason::ClientCertificateRejected
        } else {
            FailureReason::ClientCertificateRequired
        };
        is_reason.then_some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_blames_the_client_certificate_only_if_it_can_be_the_reason() {
        const REQUIRED: Option<FailureReason> = Some(FailureReason::ClientCertificateRequired);
        const REJECTED: Option<FailureReason> = Some(FailureReason::ClientCertificateRejected);
        for (alert, was_asked, has_certificate, expected) in [
            (AlertDescription::CertificateRequired, true, false, REQUIRED),
            (AlertDescription::CertificateRequired, true, true, REJECTED),
            (AlertDescription::HandshakeFailure, true, false, REQUIRED),
            (AlertDescription::HandshakeFailure, true, true, REJECTED),
            (AlertDescription::HandshakeFailure, false, false, None),
            (AlertDescription::HandshakeFailure, false, true, None),
            (AlertDescription::BadCertificate, true, false, REQUIRED),
            (AlertDescription::BadCertificate, false, false, None),
            (AlertDescription::UnknownCA, true, true, REJECTED),
            // A resumed session has a certificate for which the receiver asked earlier.
            (AlertDescription::CertificateExpired, false, true, REJECTED),
            (AlertDescription::AccessDenied, true, true, REJECTED),
            (AlertDescription::ProtocolVersion, true, true, None),
            (AlertDescription::InternalError, true, true, None),
        ] {
            let reason = ClientAuth { was_asked, has_certificate }.reason(&Error::AlertReceived(alert));
            assert_eq!(reason, expected, "{alert:?}, asked: {was_asked}, certificate: {has_certificate}");
        }
    }

    #[test]
    fn an_error_of_our_own_does_not_blame_the_client_certificate() {
        let auth = ClientAuth { was_asked: true, has_certificate: true };
        assert_eq!(auth.reason(&Error::NoCertificatesPresented), None);
    }
}
