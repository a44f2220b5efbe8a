//! The TLS configuration for connections to receivers.

use std::sync::Arc;

use rustls::{ClientConfig, Error, RootCertStore, crypto};

/// The root certificates that Mozilla trusts. They are built in, because reading the system's store would slow cold starts.
pub(crate) fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// TLS 1.2 and 1.3 to receivers whose certificate is signed by one of `roots`.
///
/// Sessions are kept in memory and resumed (the default of rustls). Clones of the configuration share them.
pub(crate) fn config(roots: RootCertStore) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    // One request at a time gains nothing from HTTP/2, and a connection for each bounds what a receiver can make us do.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
