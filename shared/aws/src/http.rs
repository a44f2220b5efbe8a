//! The connection pool that all AWS clients share.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A client that sets up TLS and parses the root certificates on its first call.
///
/// The SDK's own client does both whenever a service client is created, and again on the first call. That was most of the
/// start-up time of a function.
#[derive(Debug)]
struct AtFirstCall(SharedHttpClient);

impl HttpClient for AtFirstCall {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }
}

/// Creates a connection pool that all of its clones share. `is_plain` turns TLS off, for a service on this machine.
pub(super) fn client(is_plain: bool) -> SharedHttpClient {
    let builder = Builder::new();
    if is_plain {
        return SharedHttpClient::new(AtFirstCall(builder.build_http()));
    }
    SharedHttpClient::new(AtFirstCall(builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()))
}
