//! How failure reasons are stored in rows and messages.
//!
//! The reasons of certificates, of token servers and of answers that are not HTTP were added later. They are stored as the reason that earlier versions
//! gave, with the precise one in `preciseReason`, which those versions ignore. After a roll-back they
//! can still read these rows. Kept reports and test sends store the precise reason alone, which they cannot read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::webhooks::attempt::{Attempt, FailureReason};
use crate::webhooks::delivery::{ReplayOutcome, Replayed, SkipReason};
use crate::webhooks::health::LastFailure;

/// The reason that versions before the precise one gave.
const fn earlier(reason: FailureReason) -> FailureReason {
    match reason {
        FailureReason::CertificateExpired
        | FailureReason::CertificateNotYetValid
        | FailureReason::CertificateWrongHost
        | FailureReason::CertificateSelfSigned
        | FailureReason::CertificateUnknownIssuer
        | FailureReason::ClientCertificateRequired
        | FailureReason::ClientCertificateRejected => FailureReason::Tls,
        FailureReason::InvalidResponse
        | FailureReason::TokenUnreachable
        | FailureReason::TokenRefused
        | FailureReason::TokenInvalid => FailureReason::ConnectionLost,
        known => known,
    }
}

/// The reason that versions before the precise one gave for a replay that was not sent.
const fn earlier_skip(reason: SkipReason) -> SkipReason {
    match reason {
        SkipReason::EndpointUnverified | SkipReason::EndpointPace => SkipReason::EndpointPaused,
        known => known,
    }
}

/// A value with a failure reason.
trait WithReason: Clone + Serialize {
    /// The reason, if the value has one.
    fn reason(&mut self) -> Option<&mut FailureReason>;

    /// Why the webhook was not sent, if it was skipped.
    fn skip_reason(&mut self) -> Option<&mut SkipReason> {
        None
    }
}

impl WithReason for Attempt {
    fn reason(&mut self) -> Option<&mut FailureReason> {
        self.reason.as_mut()
    }
}

impl WithReason for LastFailure {
    fn reason(&mut self) -> Option<&mut FailureReason> {
        Some(&mut self.reason)
    }
}

impl WithReason for Replayed {
    fn reason(&mut self) -> Option<&mut FailureReason> {
        match &mut self.outcome {
            ReplayOutcome::Sent(attempt) => attempt.reason.as_mut(),
            ReplayOutcome::Skipped { .. } => None,
        }
    }

    fn skip_reason(&mut self) -> Option<&mut SkipReason> {
        match &mut self.outcome {
            ReplayOutcome::Sent(_) => None,
            ReplayOutcome::Skipped { reason, .. } => Some(reason),
        }
    }
}

/// A value as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<T> {
    #[serde(flatten)]
    value: T,
    /// The reason, if earlier versions do not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precise_reason: Option<FailureReason>,
    /// Why the webhook was not sent, if earlier versions do not know the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precise_skip_reason: Option<SkipReason>,
}

impl<T: WithReason> Stored<T> {
    fn new(value: &T) -> Self {
        let mut value = value.clone();
        let precise_reason = value.reason().and_then(|reason| {
            let precise = std::mem::replace(reason, earlier(*reason));
            (precise != *reason).then_some(precise)
        });
        let precise_skip_reason = value.skip_reason().and_then(|reason| {
            let precise = std::mem::replace(reason, earlier_skip(*reason));
            (precise != *reason).then_some(precise)
        });
        Self { value, precise_reason, precise_skip_reason }
    }

    fn into_value(mut self) -> T {
        if let (Some(precise), Some(reason)) = (self.precise_reason, self.value.reason()) {
            *reason = precise;
        }
        if let (Some(precise), Some(reason)) = (self.precise_skip_reason, self.value.skip_reason()) {
            *reason = precise;
        }
        self.value
    }
}

/// Stores a list.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Serializer, Stored, WithReason};

    #[expect(private_bounds, reason = "only the types of this file have the trait")]
    pub(in crate::webhooks) fn serialize<T: WithReason, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Stored::new))
    }

    #[expect(private_bounds, reason = "only the types of this file have the trait")]
    pub(in crate::webhooks) fn deserialize<'de, T: WithReason + Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let stored = Vec::<Stored<T>>::deserialize(deserializer)?;
        Ok(stored.into_iter().map(Stored::into_value).collect())
    }
}

/// Stores an optional value.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Stored, WithReason};

    #[expect(private_bounds, reason = "only the types of this file have the trait")]
    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(in crate::webhooks) fn serialize<T: WithReason, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Stored::new).serialize(serializer)
    }

    #[expect(private_bounds, reason = "only the types of this file have the trait")]
    pub(in crate::webhooks) fn deserialize<'de, T: WithReason + Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<Stored<T>>::deserialize(deserializer)?.map(Stored::into_value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foundation::id::ReplayId;
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::attempt::Phases;

    /// The reasons that the versions before know.
    const EARLIER: [&str; 10] = [
        "status",
        "redirect",
        "dns",
        "blocked-address",
        "refused",
        "connect-timeout",
        "tls",
        "timeout",
        "connection-lost",
        "too-large",
    ];

    /// The reasons for skipping a replay that the versions before do not know.
    const NEW_SKIP_REASONS: [SkipReason; 2] = [SkipReason::EndpointUnverified, SkipReason::EndpointPace];

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "list")]
        attempts: Vec<Attempt>,
        #[serde(with = "list")]
        replays: Vec<Replayed>,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "option")]
        last: Option<LastFailure>,
    }

    fn attempt(reason: Option<FailureReason>) -> Attempt {
        let at = "2026-11-22T08:30:00Z".parse().unwrap();
        Attempt { number: 1, at, duration_ms: 9, phases: Phases::default(), status: None, reason, response: None }
    }

    #[test]
    fn every_reason_is_stored_under_a_name_that_earlier_versions_know_and_reads_back() {
        for reason in FailureReason::ALL {
            let replay_id = ReplayId::new("2026-11-22T08:30:00Z".parse().unwrap(), &SystemRandom);
            let outcome = ReplayOutcome::Sent(attempt(Some(reason)));
            let row = Row {
                attempts: vec![attempt(None), attempt(Some(reason))],
                replays: vec![Replayed { replay_id, outcome }],
                last: Some(LastFailure { reason, status: Some(200) }),
            };
            let stored = serde_json::to_value(&row).unwrap();
            for part in [&stored["attempts"][1], &stored["replays"][0], &stored["last"]] {
                let name = part["reason"].as_str().unwrap();
                assert!(EARLIER.contains(&name), "{name}");
                let is_precise = name != reason.as_str();
                assert_eq!(part.get("preciseReason"), is_precise.then_some(&json!(reason)), "{part}");
            }
            assert_eq!(serde_json::from_value::<Row>(stored).unwrap(), row);
        }
    }

    #[test]
    fn every_reason_for_skipping_a_replay_is_stored_under_a_name_that_earlier_versions_know_and_reads_back() {
        let at = "2026-11-22T08:30:00Z".parse().unwrap();
        for reason in SkipReason::ALL {
            let replay_id = ReplayId::new(at, &SystemRandom);
            let skipped = Replayed { replay_id, outcome: ReplayOutcome::Skipped { at, reason } };
            let row = Row { attempts: Vec::new(), replays: vec![skipped], last: None };
            let stored = serde_json::to_value(&row).unwrap();
            let (part, is_new) = (&stored["replays"][0], NEW_SKIP_REASONS.contains(&reason));
            assert_eq!(part["skipped"], if is_new { "endpoint-paused" } else { reason.as_str() });
            assert_eq!(part.get("preciseSkipReason"), is_new.then_some(&json!(reason)), "{part}");
            assert_eq!(serde_json::from_value::<Row>(stored).unwrap(), row);
        }
    }

    #[test]
    fn rows_of_earlier_versions_are_read() {
        let attempt = json!({"number": 1, "at": "2026-11-22T08:30:00.000Z", "durationMs": 9, "reason": "tls"});
        let row: Row = serde_json::from_value(json!({"attempts": [attempt], "replays": []})).unwrap();
        assert_eq!((row.attempts[0].reason, row.last), (Some(FailureReason::Tls), None));
    }
}
