//! TLS for connections to receivers.

use std::sync::Arc;

use domain::webhooks::endpoint::OpenedClientCertificate;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme, crypto,
};
use thiserror::Error as ThisError;
use tokio_rustls::TlsConnector;
use webpki::EndEntityCert;

use crate::http::client_auth::{self, ClientIdentity};

/// The root certificates that Mozilla trusts. They are built in, because reading the system's store would slow cold starts.
pub(crate) fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// TLS 1.2 and 1.3 to receivers whose certificate is signed by one of the roots.
///
/// Sessions are kept in memory and resumed (the default of rustls).
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    connector: TlsConnector,
}

impl Tls {
    /// TLS that trusts `roots`.
    pub(crate) fn trusting(roots: RootCertStore) -> Result<Self, Error> {
        let config = Arc::new(config(roots)?);
        Ok(Self { connector: TlsConnector::from(Arc::clone(&config)), config })
    }

    /// The identity that shows this certificate to receivers. Fails if the key cannot be used.
    pub(crate) fn identity(&self, certificate: OpenedClientCertificate) -> Result<ClientIdentity, Error> {
        ClientIdentity::new(certificate, &self.config)
    }

    /// Makes connections with this identity, or without a client certificate.
    pub(super) fn connector<'a>(&'a self, identity: Option<&'a ClientIdentity>) -> &'a TlsConnector {
        identity.map_or(&self.connector, ClientIdentity::connector)
    }
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build();
    let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    // The name of this method warns about verifiers that accept too much. This one accepts what the default one accepts.
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(ExplainingVerifier(verifier)));
    let mut config = builder.with_client_cert_resolver(client_auth::resolver(None));
    // One request at a time gains nothing from HTTP/2, and a connection for each bounds what a receiver can make us do.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificate is self-signed. rustls does not distinguish this from an unknown issuer.
#[derive(Debug, ThisError)]
#[error("certificate is self-signed")]
struct SelfSigned;

/// Whether the error of a handshake says that the certificate is self-signed.
pub(super) fn is_self_signed(error: &OtherError) -> bool {
    error.0.is::<SelfSigned>()
}

/// The default verifier of rustls, whose errors also distinguish self-signed certificates.
#[derive(Debug)]
struct ExplainingVerifier(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for ExplainingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            // A certificate of an authority that a server uses as its own has an error of its own.
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
                if names_itself_as_issuer(end_entity) =>
            {
                CertificateError::Other(OtherError(Arc::new(SelfSigned))).into()
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn names_itself_as_issuer(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}
