//! Each function's role against what its code calls: neither has what the other lacks.

use crate::calls::calls_of;
use crate::statements::{Rights, rights_of};

/// Rights that no code of ours uses, and why a role may have them.
const NOT_OUR_CALLS: [(&str, &str); 6] = [
    ("logs:", "Lambda writes a function's logs under its role"),
    ("xray:", "so it does its traces"),
    ("ec2:", "Lambda connects a function to a VPC under its role"),
    ("sqs:DeleteMessage", "Lambda takes messages for a function under its role"),
    ("sqs:ReceiveMessage", "Lambda takes messages for a function under its role"),
    ("sqs:GetQueueAttributes", "Lambda takes messages for a function under its role"),
];

/// AWS asks for `sqs:SendMessage` where a batch is sent; the emulator asks for this one.
const OF_THE_EMULATOR: &str = "sqs:SendMessageBatch";

fn compare(function: &str, role: &str) {
    let is_ours = |right: &String| {
        let (_, action) = right.split_once(' ').unwrap();
        action != OF_THE_EMULATOR && !NOT_OUR_CALLS.iter().any(|(prefix, _)| action.starts_with(prefix))
    };
    let allowed: Rights = rights_of(role).into_iter().filter(is_ours).collect();
    let called = calls_of(function);
    let superfluous: Vec<&String> = allowed.difference(&called).collect();
    let missing: Vec<&String> = called.difference(&allowed).collect();
    assert!(superfluous.is_empty() && missing.is_empty(), "superfluous: {superfluous:#?}\nmissing: {missing:#?}");
}

#[test]
fn api_may_do_what_it_does() {
    compare("api", "ApiRole");
}

#[test]
fn redirect_may_do_what_it_does() {
    compare("redirect", "RedirectRole");
}

#[test]
fn webhook_sender_may_do_what_it_does() {
    compare("webhook-sender", "WebhookSenderRole");
}

#[test]
fn webhook_retry_may_do_what_it_does() {
    compare("webhook-retry", "WebhookRetryRole");
}

#[test]
fn daily_digest_may_do_what_it_does() {
    compare("daily-digest", "DailyDigestRole");
}

#[test]
fn no_role_has_a_wildcard_among_its_actions() {
    for role in ["ApiRole", "RedirectRole", "WebhookSenderRole", "WebhookRetryRole", "DailyDigestRole"] {
        assert!(!rights_of(role).iter().any(|right| right.split_once(' ').unwrap().1.contains('*')), "{role}");
    }
}
