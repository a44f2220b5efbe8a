//! Direct calls: one signed request to an AWS service, without the SDK around it.
//!
//! A call through the SDK takes about twice the processor time of a direct one: endpoint rules, interceptors, bookkeeping of
//! retries. The calls that are made for every event are therefore attempted directly first. Anything but a success is left to the
//! SDK, which makes the call again, with its retries and its errors. A direct call must be safe to repeat.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use domain::foundation::clock::{Clock, SystemClock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::http::Connections;

/// Room for the body of most calls, so that it does not move while it grows.
const TYPICAL_BODY_BYTES: usize = 4096;

/// A service with a JSON protocol.
#[derive(Debug)]
pub(crate) struct DirectService {
    pub(crate) connections: Connections,
    pub(crate) identity: Identity,
    pub(crate) region: String,
    /// Maximum time of a call.
    pub(crate) timeout: Duration,
    /// URL of the service in this region, as the SDK resolves it.
    pub(crate) url: String,
    /// Name of the service in signatures.
    pub(crate) name: &'static str,
    /// Name of the service in the header `x-amz-target`.
    pub(crate) target: &'static str,
}

impl DirectService {
    /// Makes one attempt of an operation. Returns its response, or `None` if it did not certainly succeed.
    pub(crate) async fn attempt<T: DeserializeOwned>(&self, operation: &str, input: &impl Serialize) -> Option<T> {
        let mut body = Vec::with_capacity(TYPICAL_BODY_BYTES);
        serde_json::to_writer(&mut body, input).ok()?;
        let request = self.request(operation, body)?;
        let answer = async {
            let response = self.connections.connector().call(request).await.ok()?;
            if response.status().as_u16() != 200 {
                return None;
            }
            let body = ByteStream::new(response.into_body()).collect().await.ok()?;
            serde_json::from_slice(&body.into_bytes()).ok()
        };
        timeout(self.timeout, answer).await.ok()?
    }

    fn request(&self, operation: &str, body: Vec<u8>) -> Option<HttpRequest> {
        let target = format!("{}.{operation}", self.target);
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let signable = SignableRequest::new("POST", self.url.as_str(), headers.into_iter(), SignableBody::Bytes(&body));
        let (instructions, _) = sign(signable.ok()?, &self.signing()?).ok()?.into_parts();
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method("POST").ok()?;
        request.set_uri(self.url.as_str()).ok()?;
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        *request.body_mut() = SdkBody::from(body);
        Some(request)
    }

    fn signing(&self) -> Option<SigningParams<'_>> {
        // The system's clock, as in the SDK's signatures: AWS rejects a signature of another time.
        let now = u64::try_from(SystemClock.now().as_millis()).ok()?;
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(self.name)
            .time(UNIX_EPOCH + Duration::from_millis(now))
            .settings(SigningSettings::default())
            .build();
        Some(params.ok()?.into())
    }
}
