//! What a receiver answered.

use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use shared::delivery::{FailureReason, Phases};
use shared::retry;
use shared::time::Timestamp;

use crate::connect::Trace;
use crate::failure::Failure;

/// How much of an answer is read, so that the connection can be used again, and how much of it is kept.
const MOST_READ: usize = 64 * 1024;
const MOST_KEPT: usize = 1024;

/// What a receiver answered, or why it did not, and how long it all took.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) failure: Option<Failure>,
    pub(crate) response: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) phases: Phases,
}

impl Answer {
    /// No answer.
    pub(crate) fn none(failure: Failure, phases: Phases) -> Self {
        Self { failure: Some(failure), phases, ..Self::default() }
    }

    /// Reads the answer to an attempt that was made at `at`. Of a long one the rest is left, and its connection dropped.
    pub(crate) async fn read(mut response: Response, at: Timestamp, trace: &Trace) -> Self {
        let answered_at = Instant::now();
        let (status, retry_after) = (response.status(), retry_after(response.headers(), at));
        let (mut kept, mut left) = (Vec::new(), MOST_READ);
        // What the receiver has to say is its status. A body that breaks off, or never ends, takes nothing back of it.
        while let Ok(Some(chunk)) = response.chunk().await {
            kept.extend_from_slice(&chunk[..chunk.len().min(MOST_KEPT - kept.len())]);
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
        Self {
            status: Some(status.as_u16()),
            failure: reason_of(status).map(Failure::Receivers),
            response: (!kept.is_empty()).then(|| plain_text(&kept)),
            retry_after,
            phases: trace.phases(Some(answered_at), Instant::now()),
        }
    }
}

fn reason_of(status: StatusCode) -> Option<FailureReason> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(FailureReason::Redirect),
        _ => Some(FailureReason::Status),
    }
}

fn retry_after(headers: &HeaderMap, at: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    retry::retry_after(text, at)
}

/// Text of at most 1 KiB without control characters, so that a receiver's answer can be shown anywhere.
fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    // What is not a character at the very end was most likely cut off there.
    let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let mut plain: String = whole.chars().filter(|character| !character.is_control()).collect();
    // Every byte that is part of no character became three.
    plain.truncate(plain.floor_char_boundary(MOST_KEPT));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_as_plain_text_whatever_its_bytes() {
        assert_eq!(plain_text(b"no\x1b[31m\r\n\xc2\x85way\0"), "no[31mway");
        assert_eq!(plain_text(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(plain_text("a€".repeat(10).as_bytes()), "a€".repeat(10));
    }

    #[test]
    fn an_answer_is_cut_between_characters() {
        let text = "€".repeat(400);
        assert_eq!(plain_text(&text.as_bytes()[..MOST_KEPT]), "€".repeat(MOST_KEPT / 3));
        let garbage = [[0xff_u8; 1023].as_slice(), b"a"].concat();
        assert_eq!(plain_text(&garbage), "\u{fffd}".repeat(MOST_KEPT / 3));
    }
}
