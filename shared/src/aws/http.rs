//! The connections to AWS, which all clients share.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// A client that sets up TLS, and reads whom to trust, with the first call.
///
/// The SDK's own does so each time that a service's client is made, to find faults early, and once more with the first call:
/// most of what the start of a function cost.
#[derive(Debug)]
struct AtFirstCall(SharedHttpClient);

impl HttpClient for AtFirstCall {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }
}

/// One pool of connections for all clients that are given clones of this; without TLS for a service on this machine.
pub(super) fn client(is_plain: bool) -> SharedHttpClient {
    let builder = Builder::new();
    if is_plain {
        return SharedHttpClient::new(AtFirstCall(builder.build_http()));
    }
    SharedHttpClient::new(AtFirstCall(builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()))
}
