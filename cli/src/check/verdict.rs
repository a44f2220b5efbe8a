//! What a delivery says about the way to its receiver.

use domain::webhooks::attempt::FailureReason;
use domain::webhooks::delivery::DeliveryState;

use super::step::Finding;
use crate::delivery::{Attempt, Delivery};

/// Failed attempts after which the check gives up. The second follows after seconds, and outlasts a fault that is over at once.
const MAX_FAILED_ATTEMPTS: usize = 2;

/// What the delivery says. `None` if it has to be waited for.
pub(crate) fn judge(delivery: &Delivery) -> Option<Finding> {
    let failed = delivery.attempts.iter().filter(|attempt| attempt.reason.is_some()).count();
    let last = delivery.attempts.last();
    match (delivery.state, last) {
        (DeliveryState::Delivered, Some(last)) if failed == 0 => Some(Finding::works(last.sentence())),
        (DeliveryState::Delivered, Some(last)) => {
            let first = delivery.attempts.first().unwrap_or(last);
            Some(Finding::warning(format!("{}, but {}", last.sentence(), first.sentence()), advice_about(first)))
        }
        (_, Some(last)) if delivery.state.is_final() || failed >= MAX_FAILED_ATTEMPTS => {
            Some(Finding::failed(last.sentence(), advice_about(last)))
        }
        _ => None,
    }
}

/// What a delivery says that has not ended within `seconds`.
pub(crate) fn judge_unfinished(delivery: &Delivery, seconds: u64) -> Finding {
    if let Some(reason) = &delivery.held_because {
        let advice = "Read the endpoint's health in GET …/endpoints/{id}, and try again.";
        return Finding::failed(format!("the delivery is held: {reason}"), advice);
    }
    match delivery.attempts.last() {
        Some(last) => Finding::failed(last.sentence(), advice_about(last)),
        None => Finding::failed(
            format!("no attempt was recorded within {seconds} s"),
            "The function webhook-sender does not work. Read its logs and the alarms. Check the concurrency quota: \
             `aws lambda get-account-settings --query AccountLimit.ConcurrentExecutions`.",
        ),
    }
}

fn advice_about(attempt: &Attempt) -> &'static str {
    let reason = attempt.reason.as_deref().and_then(|reason| reason.parse().ok());
    reason.map_or("docs/webhooks.md explains the reasons of failed attempts.", advice)
}

/// What to do about a failed attempt.
const fn advice(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::Status => "The receiver must answer with a status of 200 to 299.",
        FailureReason::Redirect => "Redirects are not followed. Give the URL that the receiver redirects to.",
        FailureReason::Dns => "The host of the receiver has no address. Check its name and its DNS record.",
        FailureReason::BlockedAddress => {
            "Webhooks go to public addresses only. Use a receiver on the internet, or a tunnel."
        }
        FailureReason::Refused => "No server listens on the port of the receiver. Start it, and check the port.",
        FailureReason::ConnectTimeout => {
            "The receiver did not take the connection. Allow the addresses of GET /v1/egress-ips in its firewall, and check \
             the NAT gateway of the deployment."
        }
        FailureReason::Tls => "The TLS handshake failed. The receiver must support TLS 1.2 or 1.3.",
        FailureReason::CertificateExpired
        | FailureReason::CertificateNotYetValid
        | FailureReason::CertificateWrongHost
        | FailureReason::CertificateSelfSigned
        | FailureReason::CertificateUnknownIssuer => {
            "The receiver needs a valid certificate of a public authority, with its intermediate certificates."
        }
        FailureReason::Timeout => "The receiver must answer within 15 seconds. Let it answer first and work later.",
        FailureReason::ConnectionLost => "The receiver closed the connection before it answered. Read its logs.",
        FailureReason::InvalidResponse => "The receiver does not answer in HTTP/1.1. Check the port.",
        FailureReason::TooLarge => "The headers of the receiver's answer are too large.",
        // The endpoint of the check has neither a client certificate nor a token server.
        FailureReason::ClientCertificateRequired | FailureReason::ClientCertificateRejected => {
            "The receiver of the check must accept requests without a client certificate."
        }
        FailureReason::TokenUnreachable | FailureReason::TokenRefused | FailureReason::TokenInvalid => {
            "The endpoint of the check must not need an access token."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::step::StepState;

    const ACCEPTED: &str = r#"{"number":2,"at":"2026-11-22T08:30:00.000Z","durationMs":41,"status":200}"#;
    const REFUSED: &str = r#"{"number":1,"at":"2026-11-22T08:30:00.000Z","durationMs":3,"reason":"refused"}"#;

    fn delivery(state: &str, attempts: &[&str]) -> Delivery {
        serde_json::from_str(&format!(
            r#"{{"id":"x","type":"approved","state":"{state}","attempts":[{}]}}"#,
            attempts.join(",")
        ))
        .unwrap()
    }

    #[test]
    fn a_delivery_without_a_result_is_waited_for() {
        for waiting in [delivery("queued", &[]), delivery("waiting", &[REFUSED]), delivery("held", &[])] {
            assert_eq!(judge(&waiting), None, "{waiting:?}");
        }
    }

    #[test]
    fn a_delivery_that_needed_a_second_attempt_is_a_warning() {
        let finding = judge(&delivery("delivered", &[REFUSED, ACCEPTED])).unwrap();
        assert_eq!(finding.state, StepState::Warning);
        let expected = "attempt 2 was accepted with status 200 after 41 ms, but attempt 1 failed after 3 ms: refused";
        assert_eq!(finding.detail, expected);
        assert_eq!(judge(&delivery("delivered", &[ACCEPTED])).unwrap().state, StepState::Works);
    }

    #[test]
    fn the_check_gives_up_after_the_second_failed_attempt() {
        let finding = judge(&delivery("waiting", &[REFUSED, REFUSED])).unwrap();
        assert_eq!(finding, Finding::failed("attempt 1 failed after 3 ms: refused", advice(FailureReason::Refused)));
    }

    #[test]
    fn the_advice_for_a_delivery_without_an_attempt_names_the_sender() {
        let finding = judge_unfinished(&delivery("queued", &[]), 60);
        assert_eq!(finding.detail, "no attempt was recorded within 60 s");
        assert!(finding.advice.unwrap().contains("webhook-sender"));
    }

    #[test]
    fn a_reason_of_a_later_version_is_shown() {
        let unknown = REFUSED.replace("refused", "moon-phase");
        let finding = judge(&delivery("failed", &[&unknown])).unwrap();
        assert_eq!(finding.detail, "attempt 1 failed after 3 ms: moon-phase");
    }
}
