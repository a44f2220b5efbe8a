//! English.

use domain::foundation::language::Language;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::health::HoldReason;

use super::{CountedState, Units, Words, count, minute};

pub(super) struct English;

impl Words for English {
    fn language(&self) -> Language {
        Language::English
    }

    fn no_webhooks(&self) -> &'static str {
        "No webhooks"
    }

    fn all_delivered(&self, delivered: u64) -> String {
        let all = if delivered == 1 { "" } else { "All " };
        format!("{all}{} delivered", webhooks(delivered))
    }

    fn delivered_and_cancelled(&self, delivered: u64, cancelled: u64) -> String {
        format!("{} delivered, {} cancelled", webhooks(delivered), count(cancelled))
    }

    fn not_delivered_yet(&self, undelivered: u64, all: u64) -> String {
        format!("{} of {} not delivered yet", count(undelivered), webhooks(all))
    }

    fn some_failed(&self, failed: u64, all: u64) -> String {
        format!("{} of {} failed", count(failed), webhooks(all))
    }

    fn some_failed_others_not_delivered_yet(&self, failed: u64, undelivered: u64, all: u64) -> String {
        format!("{} of {} failed, {} not delivered yet", count(failed), webhooks(all), count(undelivered))
    }

    fn report_title(&self) -> &'static str {
        "Webhook report"
    }

    fn day_in_progress(&self) -> &'static str {
        "in progress"
    }

    fn nothing_to_deliver(&self) -> &'static str {
        "There were no webhooks to deliver on this day."
    }

    fn webhooks_of_the_day(&self) -> &'static str {
        "Webhooks of the day"
    }

    fn data_as_of(&self, at: Timestamp) -> String {
        format!("Data as of {}.", minute(at))
    }

    fn label(&self, state: CountedState) -> &'static str {
        match state {
            CountedState::Delivered => "Delivered",
            CountedState::StillTrying => "Still trying",
            CountedState::Held => "Held",
            CountedState::Failed => "Failed",
            CountedState::Cancelled => "Cancelled",
            CountedState::Expired => "Expired",
        }
    }

    fn counted(&self, state: CountedState, number: u64) -> String {
        format!("{} {}", count(number), self.label(state).to_lowercase())
    }

    fn earlier_days_note(&self) -> &'static str {
        "Webhooks of earlier days"
    }

    fn events_accepted(&self) -> &'static str {
        "Events accepted"
    }

    fn held_for_order(&self) -> &'static str {
        "Held until an earlier webhook has ended"
    }

    fn attempts_accepted(&self) -> &'static str {
        "Attempts (accepted)"
    }

    fn first_attempt(&self) -> &'static str {
        "Delivered on the first attempt"
    }

    fn median_delivery_time(&self) -> &'static str {
        "Delivery time (median)"
    }

    fn p95_delivery_time(&self) -> &'static str {
        "Delivery time (p95)"
    }

    fn units(&self) -> Units {
        Units { milliseconds: " ms", seconds: " s", minutes: " min", hours: " h" }
    }

    fn by_event_type(&self) -> &'static str {
        "By event type"
    }

    fn by_endpoint(&self) -> &'static str {
        "By endpoint"
    }

    fn failure_reasons(&self) -> &'static str {
        "Failure reasons"
    }

    fn deleted_endpoint(&self) -> &'static str {
        "deleted endpoint"
    }

    fn problems(&self) -> &'static str {
        "Failing webhooks"
    }

    fn replay_hint(&self) -> &'static str {
        "Failed and expired webhooks are not sent again. Repair the receiver, then replay them."
    }

    fn retry_hint(&self) -> &'static str {
        "Webhooks that are still trying are sent again automatically."
    }

    fn more(&self, rows: u64) -> String {
        format!("… and {} more", count(rows))
    }

    fn failure_reason(&self, reason: FailureReason, status: Option<u16>) -> String {
        let sentence = match reason {
            FailureReason::Status => match status {
                Some(status) => return format!("The receiver responded with {status}"),
                None => "The receiver responded with an error",
            },
            FailureReason::Redirect => "The receiver responded with a redirect",
            FailureReason::Dns => "The host name could not be resolved",
            FailureReason::BlockedAddress => "The address is not on the public internet",
            FailureReason::Refused => "The connection was refused",
            FailureReason::ConnectTimeout => "No connection within 5 seconds",
            FailureReason::Tls => "TLS failed; check the certificate",
            FailureReason::CertificateExpired => "The certificate has expired",
            FailureReason::CertificateNotYetValid => "The certificate is not valid yet",
            FailureReason::CertificateWrongHost => "The certificate is for another host",
            FailureReason::CertificateSelfSigned => "The certificate is self-signed",
            FailureReason::CertificateUnknownIssuer => {
                "The certificate authority is unknown; check the intermediate certificates"
            }
            FailureReason::Timeout => "No response within 15 seconds",
            FailureReason::ConnectionLost => "The connection was lost before a response arrived",
            FailureReason::ClientCertificateRequired => {
                "The receiver demands a client certificate, and the endpoint has none"
            }
            FailureReason::ClientCertificateRejected => "The receiver rejected the client certificate",
            FailureReason::TokenUnreachable => "The token server could not be reached",
            FailureReason::TokenRefused => "The token server refused to issue an access token",
            FailureReason::TokenInvalid => "The token server sent no usable access token",
            FailureReason::InvalidResponse => "The receiver sent no valid HTTP response",
            FailureReason::TooLarge => "The response headers are too large",
        };
        sentence.to_owned()
    }

    fn submissions(&self, ids: &str) -> String {
        format!("Submissions: {ids}")
    }

    fn endpoints_in_trouble(&self) -> &'static str {
        "Endpoints with problems"
    }

    fn trouble(&self, state: HoldReason, since: Option<Timestamp>) -> String {
        let (name, effect) = match state {
            HoldReason::Paused => ("Paused", "webhooks are held until you resume the endpoint"),
            HoldReason::Disabled => ("Disabled", "webhooks are held until you resume the endpoint"),
            HoldReason::Unverified => {
                ("Not verified", "webhooks are held until the receiver grants them in a handshake")
            }
            HoldReason::Failing => ("Failing", "webhooks are held, and one is retried periodically"),
            HoldReason::Busy => {
                ("Busy", "the receiver asked for a delay; webhooks are held, and one is retried after the delay")
            }
        };
        let since = since.map(|since| format!(" since {}", minute(since))).unwrap_or_default();
        format!("{name}{since}: {effect}")
    }

    fn will_be_disabled(&self, at: Timestamp) -> String {
        format!("If the failures continue, it will be disabled at {}", minute(at))
    }

    fn unused_keys(&self, count: usize, names: &str) -> String {
        match count {
            1 => format!("One API key was not used for 90 days: {names}. Revoke it if it is no longer needed."),
            _ => {
                format!("{count} API keys were not used for 90 days: {names}. Revoke those that are no longer needed.")
            }
        }
    }

    fn expiring_keys(&self) -> &'static str {
        "API keys that expire soon"
    }

    fn expires(&self, at: Timestamp) -> String {
        format!("expires at {}", minute(at))
    }

    fn report_footer(&self, project: &str) -> String {
        format!("You receive this email because this address is confirmed for the daily webhook report of {project}.")
    }

    fn unsubscribe(&self) -> &'static str {
        "Unsubscribe"
    }

    fn endpoint_is_failing(&self, host: &str) -> String {
        format!("Webhooks to {host} are failing")
    }

    fn endpoint_was_disabled(&self, host: &str) -> String {
        format!("Webhooks to {host} have stopped")
    }

    fn every_attempt_failed(&self, since: Timestamp, failures: u64) -> String {
        format!("Every attempt since {} has failed ({} in total).", minute(since), count(failures))
    }

    fn last_failure(&self, reason: &str) -> String {
        format!("Last failure: {reason}.")
    }

    fn receiver_is_gone(&self, at: Timestamp) -> String {
        format!("At {} the receiver responded with 410 (Gone): it no longer accepts webhooks.", minute(at))
    }

    fn held_until_disabled(&self, at: Timestamp) -> String {
        let at = minute(at);
        format!(
            "Webhooks are held, and one is retried periodically. If the failures continue, the endpoint will be disabled \
             at {at}."
        )
    }

    fn held_while_disabled(&self) -> &'static str {
        "The endpoint is disabled, and no webhooks are sent to it. Its waiting and new webhooks are held."
    }

    fn fix_the_receiver(&self) -> &'static str {
        "Fix the receiver. As soon as it accepts a webhook, the held webhooks are delivered automatically."
    }

    fn fix_and_resume(&self) -> &'static str {
        "Fix the receiver, then resume the endpoint: its held webhooks are then delivered. If you no longer need the \
         endpoint, delete it."
    }

    fn notice_footer(&self, project: &str) -> String {
        format!("You receive this email because this address is confirmed for notices about the webhooks of {project}.")
    }

    fn confirmation_subject(&self) -> &'static str {
        "Confirm your address for the daily webhook report"
    }

    fn confirmation_headline(&self) -> &'static str {
        "Do you want the daily report?"
    }

    fn confirmation_question(&self, project: &str) -> String {
        format!(
            "This address was registered for the daily webhook report of {project}: one email every morning with the \
             delivery results of the day before, and another when a receiver keeps failing. No reports are sent until you \
             confirm."
        )
    }

    fn confirm(&self) -> &'static str {
        "Confirm my address"
    }

    fn link_valid_until(&self, expires_at: Timestamp) -> String {
        let until = minute(expires_at);
        format!(
            "This link is valid until {until}. If you did not expect this email, ignore it: you will not receive any \
             reports."
        )
    }
}

fn webhooks(number: u64) -> String {
    let noun = if number == 1 { "webhook" } else { "webhooks" };
    format!("{} {noun}", count(number))
}
