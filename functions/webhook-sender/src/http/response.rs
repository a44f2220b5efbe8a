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
use crate::http::failure::Failure;
use crate::http::trace::Trace;

/// Maximum number of bytes read of a response body. A body that is read to its end lets the connection be reused.
const MAX_READ: usize = 64 * 1024;

/// Maximum number of bytes kept of a response body.
const MAX_KEPT: usize = 1024;

/// A receiver's response or the failure to get one, with the time that each phase took.
#[derive(Debug, Default)]
pub(crate) struct ResponseSummary {
    pub(crate) status: Option<u16>,
    pub(crate) failure: Option<Failure>,
    /// The start of the body, without control characters.
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
        let (status, retry_after) = (response.status(), retry_after(response.headers(), at));
        let mut body = response.into_body();
        let mut kept = Vec::new();
        // The status alone decides. A body that breaks off or never ends does not turn a success into a failure.
        if !body.is_end_stream() {
            let _ = timeout_at(deadline.into(), read_body(connection, &mut body, &mut kept)).await;
        }
        Self {
            status: Some(status.as_u16()),
            failure: failure_of(status).map(Failure::Receiver),
            excerpt: (!kept.is_empty()).then(|| plain_text(&kept)),
            retry_after,
            phases: trace.phases(Some(answered_at), Instant::now()),
        }
    }
}

/// Reads up to 64 KiB of a body, and adds the first KiB to `kept`.
async fn read_body(connection: &mut Connection, body: &mut Incoming, kept: &mut Vec<u8>) {
    let mut left = MAX_READ;
    while left > 0 {
        let Some(chunk) = connection.chunk(body).await else { return };
        kept.extend_from_slice(&chunk[..chunk.len().min(MAX_KEPT - kept.len())]);
        left = left.saturating_sub(chunk.len());
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

/// Returns a string of at most 1 KiB without control characters, so that it can be shown anywhere, such as in a terminal.
fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    // Invalid bytes at the end are most likely a character that was cut off.
    let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let mut plain: String = whole.chars().filter(|character| !character.is_control()).collect();
    // Each invalid byte became a replacement character of three bytes, so the string may have grown.
    plain.truncate(plain.floor_char_boundary(MAX_KEPT));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_plain_text_whatever_the_bytes() {
        assert_eq!(plain_text(b"no\x1b[31m\r\n\xc2\x85way\0"), "no[31mway");
        assert_eq!(plain_text(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(plain_text("a€".repeat(10).as_bytes()), "a€".repeat(10));
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        let text = "€".repeat(400);
        assert_eq!(plain_text(&text.as_bytes()[..MAX_KEPT]), "€".repeat(MAX_KEPT / 3));
        let garbage = [[0xff_u8; 1023].as_slice(), b"a"].concat();
        assert_eq!(plain_text(&garbage), "\u{fffd}".repeat(MAX_KEPT / 3));
    }
}
