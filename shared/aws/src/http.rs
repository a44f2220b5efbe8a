//! The connections that all AWS clients and direct calls share.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A connection pool that sets up TLS and parses the root certificates on its first call. All of its clones share it.
///
/// The SDK's own client does both whenever a service client is created, and again on the first call. That was most of the
/// start-up time of a function.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<AtFirstCall>);

#[derive(Debug)]
struct AtFirstCall {
    is_plain: bool,
    connector: OnceLock<SharedHttpConnector>,
}

impl Connections {
    /// Creates a pool. `is_plain` turns TLS off, for a service on this machine.
    pub(super) fn new(is_plain: bool) -> Self {
        Self(Arc::new(AtFirstCall { is_plain, connector: OnceLock::new() }))
    }

    /// The pool as a service that sends requests.
    pub(super) fn connector(&self) -> &SharedHttpConnector {
        self.0.connector.get_or_init(|| {
            let builder = Connector::builder();
            SharedHttpConnector::new(if self.0.is_plain {
                builder.build_http()
            } else {
                builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
            })
        })
    }
}

impl HttpClient for Connections {
    // The settings contain timeouts of connecting and reading. The timeout of the whole attempt covers both.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector().clone()
    }
}
