//! Compares what arrived with a case. These rules hold for every case:
//!
//! - Each request is a `POST` with exactly one `webhook-id`, `webhook-timestamp` and `webhook-signature`.
//! - The id and the body are the same for all attempts of an event. The id has no full stop, and the body is UTF-8.
//! - A timestamp is the time of the attempt, in whole seconds since 1970, and is renewed for each attempt.
//! - A signature list has the documented form, and a `v1` signature of a secret of the endpoint.
//! - Redirects are not followed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::case::{Case, Count, Expect};
use crate::record::{Arrival, Record};
use crate::signature;

/// The greatest difference between a timestamp and our clock: verifiers reject more.
const TOLERANCE_SECONDS: i64 = 300;
/// Two attempts that are further apart have different timestamps.
const RENEWED_AFTER: Duration = Duration::from_secs(2);
/// How much earlier than asked a retry may come, because clocks and roundings differ.
const EARLY: Duration = Duration::from_millis(500);

/// Returns all faults of a sender. None means that it passed.
pub fn faults(case: &Case, record: &Record) -> Vec<String> {
    let mut faults = Vec::new();
    let number = record.arrivals.len();
    let Count { min, max } = case.expect.requests;
    if number < min || number > max {
        faults.push(format!("{number} requests instead of {}", case.expect.requests));
    }
    for (at, arrival) in record.arrivals.iter().enumerate() {
        let found = request_faults(arrival, &record.secrets, case.expect.signed_by_all);
        faults.extend(found.into_iter().map(|fault| format!("request {}: {fault}", at + 1)));
    }
    faults.extend(id_faults(case, &record.arrivals));
    faults.extend(time_faults(&case.expect, &record.arrivals));
    if record.followed_redirects > 0 {
        faults.push("followed a redirect".to_owned());
    }
    if record.refused_handshakes < case.expect.refused_handshakes {
        let (found, expected) = (record.refused_handshakes, case.expect.refused_handshakes);
        faults.push(format!("{found} TLS handshakes broken off instead of at least {expected}"));
    }
    faults
}

fn request_faults(arrival: &Arrival, secrets: &[String], signed_by_all: bool) -> Vec<String> {
    let mut faults = Vec::new();
    if arrival.method != "POST" {
        faults.push(format!("method {} instead of POST", arrival.method));
    }
    if std::str::from_utf8(&arrival.body).is_err() {
        faults.push("the body is not UTF-8".to_owned());
    }
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let missing = names.iter().filter(|name| arrival.header(name).is_none_or(str::is_empty));
    faults.extend(missing.map(|name| format!("{name} is not there exactly once")));
    let [Some(id), Some(timestamp), Some(signatures)] = names.map(|name| arrival.header(name)) else { return faults };
    if id.contains('.') {
        faults.push("webhook-id has a full stop".to_owned());
    }
    match timestamp.parse::<i64>() {
        Ok(seconds) if (seconds - arrival.unix_seconds).abs() <= TOLERANCE_SECONDS => {}
        Ok(_) => faults.push("webhook-timestamp is not the time of the attempt".to_owned()),
        Err(_) => faults.push("webhook-timestamp is not a number of seconds".to_owned()),
    }
    if !signature::is_list(signatures) {
        faults.push("webhook-signature has the wrong form".to_owned());
    }
    let signers = signature::signers(secrets, id, timestamp, &arrival.body, signatures);
    if signers.is_empty() {
        faults.push("no v1 signature fits id, timestamp and body".to_owned());
    } else if signed_by_all && !(0..secrets.len()).all(|secret| signers.contains(&secret)) {
        faults.push("not signed with every secret".to_owned());
    }
    faults
}

fn id_faults(case: &Case, arrivals: &[Arrival]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut by_id: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
    for arrival in arrivals {
        by_id.entry(arrival.header("webhook-id").unwrap_or_default()).or_default().push(arrival);
    }
    let expected = case.expect.ids.unwrap_or(1);
    if !arrivals.is_empty() && by_id.len() != expected {
        faults.push(format!("{} different ids instead of {expected}", by_id.len()));
    }
    for (earlier, later) in by_id.values().flat_map(|attempts| attempts.iter().zip(&attempts[1..])) {
        if earlier.body != later.body {
            faults.push("the body of a later attempt is different".to_owned());
        }
        let seconds = |arrival: &Arrival| arrival.header("webhook-timestamp")?.parse::<i64>().ok();
        let is_renewed = seconds(earlier) < seconds(later);
        if later.at - earlier.at >= RENEWED_AFTER && !is_renewed {
            faults.push("the timestamp of a later attempt is not renewed".to_owned());
        }
    }
    faults
}

fn time_faults(expect: &Expect, arrivals: &[Arrival]) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(first) = arrivals.first() else { return faults };
    let waited = arrivals.get(1).and_then(|second| Some(second.at.saturating_duration_since(first.ended_at?)));
    if let Some(waited) = waited.filter(|waited| *waited + EARLY < Duration::from_secs_f64(expect.waits)) {
        faults.push(format!("waited {:.1} s instead of at least {} s", waited.as_secs_f64(), expect.waits));
    }
    if let Some(limit) = expect.closes_within
        && first.given_up_after.is_none_or(|after| after > Duration::from_secs_f64(limit))
    {
        faults.push(format!("waited for an answer for more than {limit} s"));
    }
    if let Some(limit) = expect.reads_at_most.filter(|limit| first.body_taken > *limit) {
        faults.push(format!("took more than {limit} bytes of the answer"));
    }
    faults
}

/// Returns the places of the secrets that signed the last request, in the order of its header.
pub fn signers(record: &Record) -> Vec<usize> {
    let Some(last) = record.arrivals.last() else { return Vec::new() };
    let header = |name| last.header(name).unwrap_or_default();
    let (id, timestamp, signatures) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    signature::signers(&record.secrets, id, timestamp, &last.body, signatures)
}

#[cfg(test)]
mod tests;
