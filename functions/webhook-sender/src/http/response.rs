//! What is kept of a receiver's response.

use std::time::{Duration, Instant};

use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{FailureReason, Phases};
use domain::webhooks::retry;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout_at;

use crate::http::connection::Connection;
use crate::http::excerpt::{MAX_RAW_BYTES, excerpt};
use crate::http::failure::Failure;
use crate::http::trace::Trace;

/// Maximum number of bytes read of a response body. A body that is read to its end lets the connection be reused.
const MAX_READ: usize = 64 * 1024;

/// A receiver's response or the failure to get one, with the time that each phase took.
#[derive(Debug, Default)]
pub(crate) struct ResponseSummary {
    pub(crate) status: Option<u16>,
    pub(crate) failure: Option<Failure>,
    /// The start of the body as text.
    pub(crate) excerpt: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) phases: Phases,
}

impl ResponseSummary {
    /// The summary of a request without a response.
    pub(crate) fn failed(failure: Failure, phases: Phases) -> Self {
        Self { failure: Some(failure), phases, ..Self::default() }
    }

    /// Reads the response to an attempt that was made at `at`, until `deadline`. If its body is longer than 64 KiB or does not
    /// end in time, the rest is not read, and the connection cannot be used again.
    pub(crate) async fn read(
        response: Response<Incoming>,
        connection: &mut Connection,
        deadline: Instant,
        at: Timestamp,
        trace: &Trace,
    ) -> Self {
        let answered_at = Instant::now();
        let (parts, mut body) = response.into_parts();
        let mut start = BodyStart::default();
        // The status alone decides. A body that breaks off or never ends does not turn a success into a failure.
        if !body.is_end_stream() {
            let _ = timeout_at(deadline.into(), read_body(connection, &mut body, &mut start)).await;
        }
        Self {
            status: Some(parts.status.as_u16()),
            failure: failure_of(parts.status).map(Failure::Receiver),
            excerpt: excerpt(&parts.headers, &start.bytes, start.length),
            retry_after: retry_after(&parts.headers, at),
            phases: trace.phases(Some(answered_at), Instant::now()),
        }
    }
}

/// What was read of a body.
#[derive(Default)]
struct BodyStart {
    /// The first bytes, for the excerpt.
    bytes: Vec<u8>,
    /// Number of bytes that were read.
    length: usize,
}

/// Reads up to 64 KiB of a body, and adds them to `start`.
async fn read_body(connection: &mut Connection, body: &mut Incoming, start: &mut BodyStart) {
    while start.length < MAX_READ {
        let Some(chunk) = connection.chunk(body).await else { return };
        start.bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_RAW_BYTES - start.bytes.len())]);
        start.length += chunk.len();
    }
}

fn failure_of(status: StatusCode) -> Option<FailureReason> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(FailureReason::Redirect),
        _ => Some(FailureReason::Status),
    }
}

fn retry_after(headers: &HeaderMap, at: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    retry::retry_after(value, at)
}
