//! Each function's role against what its code calls: neither has what the other lacks.

use crate::calls::calls_of;
use crate::statements::{Rights, rights_of};
use crate::{functions, role_of, text_of};

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

/// Rights that the names of calls suggest, and why the function does without.
const NEVER_ASKED_FOR: [(&str, &str, &str); 1] = [(
    "mail-feedback",
    "SettingsTable dynamodb:DeleteItem",
    "it changes users, and a change may delete rows but these do not",
)];

/// Fails if the role of a function allows something else than the function calls.
fn compare(function: &str) {
    let role = &role_of(function);
    let is_ours = |right: &String| {
        let (_, action) = right.split_once(' ').unwrap();
        action != OF_THE_EMULATOR && !NOT_OUR_CALLS.iter().any(|(prefix, _)| action.starts_with(prefix))
    };
    let allowed: Rights = rights_of(role).into_iter().filter(is_ours).collect();
    let is_asked_for =
        |right: &String| !NEVER_ASKED_FOR.iter().any(|(name, never, _)| *name == function && never == right);
    let called: Rights = calls_of(function).into_iter().filter(is_asked_for).collect();
    let superfluous: Vec<&String> = allowed.difference(&called).collect();
    let missing: Vec<&String> = called.difference(&allowed).collect();
    assert!(superfluous.is_empty() && missing.is_empty(), "superfluous: {superfluous:#?}\nmissing: {missing:#?}");
}

#[test]
fn api_may_do_what_it_does_and_no_more() {
    compare("api");
}

#[test]
fn redirect_may_do_what_it_does_and_no_more() {
    compare("redirect");
}

#[test]
fn webhook_sender_may_do_what_it_does_and_no_more() {
    compare("webhook-sender");
}

#[test]
fn webhook_retry_may_do_what_it_does_and_no_more() {
    compare("webhook-retry");
}

#[test]
fn daily_digest_may_do_what_it_does_and_no_more() {
    compare("daily-digest");
}

#[test]
fn mail_feedback_may_do_what_it_does_and_no_more() {
    compare("mail-feedback");
}

#[test]
fn every_function_is_compared() {
    let source = text_of("tests/stack/tests/infrastructure/roles.rs");
    for function in functions() {
        assert!(source.contains(&format!("    compare(\"{function}\");")), "{function}");
    }
}

#[test]
fn what_is_never_asked_for_would_be_missed_otherwise() {
    for (function, right, _) in NEVER_ASKED_FOR {
        assert!(calls_of(function).contains(right), "{function}: {right}");
    }
}

#[test]
fn no_role_has_a_wildcard_among_its_actions() {
    for function in functions() {
        let rights = rights_of(&role_of(&function));
        assert!(!rights.iter().any(|right| right.split_once(' ').unwrap().1.contains('*')), "{function}");
    }
}
