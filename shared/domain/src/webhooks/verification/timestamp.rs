//! The time of a captured webhook.

use std::time::Duration;

use super::finding::Finding;
use crate::foundation::time::Timestamp;

/// How far `webhook-timestamp` may be from the receiver's clock, in the libraries of Standard Webhooks.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Reads `webhook-timestamp` as seconds since 1970. Adds what is wrong with it to `findings`.
pub(super) fn seconds(text: &str, findings: &mut Vec<Finding>) -> Option<i64> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number, converted(text, is_number)) {
        (true, Some(seconds)) if text.len() <= SECONDS_DIGITS => Some(seconds),
        (_, Some(seconds)) => {
            findings.push(Finding::TimestampConverted { seconds });
            Some(seconds)
        }
        (_, None) => {
            findings.push(Finding::TimestampMalformed);
            None
        }
    }
}

/// Maximum number of digits of seconds since 1970. Milliseconds have three more.
const SECONDS_DIGITS: usize = 11;

fn converted(text: &str, is_number: bool) -> Option<i64> {
    if !is_number {
        let fraction = text.split_once('.').filter(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let whole = fraction.and_then(|(whole, _)| whole.parse().ok());
        return whole.or_else(|| Some(text.parse::<Timestamp>().ok()?.as_seconds()));
    }
    let number: i64 = text.parse().ok()?;
    // Milliseconds, microseconds or nanoseconds.
    let thousands = text.len().saturating_sub(SECONDS_DIGITS).div_ceil(3);
    (thousands <= 3).then(|| (0..thousands).fold(number, |number, _| number / 1000))
}

/// What is wrong with the time if the receiver checked it at `now`.
pub(super) fn distance(seconds: i64, now: Timestamp) -> Option<Finding> {
    let distance = now.as_seconds().abs_diff(seconds);
    if distance <= TOLERANCE.as_secs() {
        return None;
    }
    let is_past = now.as_seconds() > seconds;
    let seconds = distance;
    Some(if is_past { Finding::TimestampOld { seconds } } else { Finding::TimestampAhead { seconds } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_another_format_is_converted_and_reported() {
        const SECONDS: i64 = 1_795_336_200;
        let read = |text: &str| {
            let mut findings = Vec::new();
            (seconds(text, &mut findings), findings)
        };
        assert_eq!(read(" 1795336200 "), (Some(SECONDS), Vec::new()));
        for text in [
            "1795336200123",
            "1795336200123456",
            "1795336200123456789",
            "1795336200.5",
            "2026-11-22T08:30:00Z",
            "2026-11-22T17:30:00.5+09:00",
        ] {
            let expected = vec![Finding::TimestampConverted { seconds: SECONDS }];
            assert_eq!(read(text), (Some(SECONDS), expected), "{text}");
        }
        for text in ["", "now", "-1", "1e9", "99999999999999999999999999", "1.x", "."] {
            assert_eq!(read(text), (None, vec![Finding::TimestampMalformed]), "{text}");
        }
    }

    #[test]
    fn a_time_may_be_five_minutes_away() {
        let now: Timestamp = "2026-11-22T08:30:00.999Z".parse().unwrap();
        let at = |offset: i64| distance(now.as_seconds() + offset, now);
        assert_eq!((at(-300), at(300)), (None, None));
        assert_eq!(at(-301), Some(Finding::TimestampOld { seconds: 301 }));
        assert_eq!(at(301), Some(Finding::TimestampAhead { seconds: 301 }));
        assert_eq!(distance(i64::MIN, now), Some(Finding::TimestampOld { seconds: u64::MAX / 2 + 1 + 1_795_336_200 }));
    }
}
