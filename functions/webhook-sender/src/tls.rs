//! How connections to receivers are encrypted.

use std::sync::Arc;

use rustls::{ClientConfig, Error, RootCertStore, crypto};

/// The authorities that Mozilla trusts, built in: reading the system's own store would cost start-up time.
pub(crate) fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// TLS 1.2 and 1.3 to receivers for which one of `roots` vouches.
///
/// Sessions are kept in memory and resumed, which is rustls' default; clones of the configuration share them.
pub(crate) fn config(roots: RootCertStore) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    // The HTTP client leaves a configuration that it is given as it is, and without ALPN no receiver would choose HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
