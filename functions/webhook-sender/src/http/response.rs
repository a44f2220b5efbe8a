//! What is kept of a server's response.

use std::time::{Duration, Instant};

use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{FailureReason, Phases};
use domain::webhooks::retry;
use http::header::{HeaderName, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout_at;

use crate::http::connection::Connection;
use crate::http::excerpt::excerpt;
use crate::http::failure::Failure;
use crate::http::trace::Trace;

/// Maximum number of bytes read of a response body. A body that is read to its end lets the connection be reused.
pub(super) const MAX_READ: usize = 64 * 1024;

/// Maximum number of characters kept of a header of a handshake.
const MAX_HEADER: usize = 1024;

const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// A server's response or the failure to get one, with the time that each phase took.
pub(crate) struct Exchange {
    pub(crate) answer: Result<Answer, Failure>,
    pub(crate) phases: Phases,
}

/// A response, as far as it was read. It is not `Debug`, because its body may contain an access token.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: BodyStart,
}

/// What was read of a body.
#[derive(Default)]
struct BodyStart {
    /// The first bytes.
    bytes: Vec<u8>,
    /// Number of bytes that were read.
    length: usize,
}

impl Exchange {
    /// A request without a response.
    pub(crate) fn failed(failure: Failure, phases: Phases) -> Self {
        Self { answer: Err(failure), phases }
    }

    /// Reads a response until `deadline`. If its body is longer than 64 KiB or does not end in time, the rest is not read, and the
    /// connection cannot be used again. At most `max_kept` bytes of the body are kept.
    pub(crate) async fn read(
        response: Response<Incoming>,
        connection: &mut Connection,
        deadline: Instant,
        max_kept: usize,
        trace: &Trace,
    ) -> Self {
        let answered_at = Instant::now();
        let (parts, mut incoming) = response.into_parts();
        let mut body = BodyStart::default();
        // The status alone decides. A body that breaks off or never ends does not turn a success into a failure.
        if !incoming.is_end_stream() {
            let _ = timeout_at(deadline.into(), read_body(connection, &mut incoming, max_kept, &mut body)).await;
        }
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        Self { answer: Ok(answer), phases: trace.phases(Some(answered_at), Instant::now()) }
    }
}

impl Answer {
    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Why the receiver did not accept the request; `None` if it did.
    pub(crate) fn failure(&self) -> Option<FailureReason> {
        match self.status.as_u16() {
            200..=299 => None,
            300..=399 => Some(FailureReason::Redirect),
            _ => Some(FailureReason::Status),
        }
    }

    /// The bytes of the body that were kept.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body.bytes
    }

    /// The start of the body as text.
    pub(crate) fn excerpt(&self) -> Option<String> {
        excerpt(&self.headers, &self.body.bytes, self.body.length)
    }

    /// How long the server asked us to wait, in its answer to a request that was made at `at`.
    pub(crate) fn retry_after(&self, at: Timestamp) -> Option<Duration> {
        retry::retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, at)
    }

    /// The header `WebHook-Allowed-Origin` of a handshake.
    pub(crate) fn allowed_origin(&self) -> Option<String> {
        self.short_header(&ALLOWED_ORIGIN)
    }

    /// The header `WebHook-Allowed-Rate` of a handshake.
    pub(crate) fn allowed_rate(&self) -> Option<String> {
        self.short_header(&ALLOWED_RATE)
    }

    /// The first 1,024 characters of a header. Values of a repeated header are joined as in RFC 9110, section 5.3.
    fn short_header(&self, name: &HeaderName) -> Option<String> {
        let values = self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let joined = values.collect::<Vec<_>>().join(", ");
        self.headers.contains_key(name).then(|| joined.chars().take(MAX_HEADER).collect())
    }
}

/// Reads up to 64 KiB of a body, and adds the first `max_kept` bytes to `start`.
async fn read_body(connection: &mut Connection, body: &mut Incoming, max_kept: usize, start: &mut BodyStart) {
    while start.length < MAX_READ {
        let Some(chunk) = connection.chunk(body).await else { return };
        start.bytes.extend_from_slice(&chunk[..chunk.len().min(max_kept - start.bytes.len())]);
        start.length += chunk.len();
    }
}
