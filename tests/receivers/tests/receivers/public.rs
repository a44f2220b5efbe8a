//! Compares our receivers with the public libraries of Standard Webhooks, on the same cases.

use std::process::Command;

use receivers::cases::{self, Case};
use receivers::runtimes::{case_file, file, output, script};
use stack::node::Node;
use stack::tools;
use standardwebhooks::Webhook;

/// Cases that the libraries accept and our receivers refuse, because they take a bad secret for a mistake.
const STRICTER: [&str; 3] = [
    "verify-webhook: a malformed secret beside the right one",
    "verify-webhook: a malformed secret before the right one",
    "verify-webhook: a short secret",
];

#[tokio::test]
async fn the_library_for_javascript_agrees() {
    let node = Node::find().await.unwrap_or_else(|error| panic!("{error}"));
    let packages = node.packages("public-verifiers", &file("tests/receivers/public")).await;
    let packages = packages.unwrap_or_else(|error| panic!("{error}"));
    let mut command = node.command();
    script(&mut command, file("tests/receivers/drivers/public.mjs")).arg(packages).arg(case_file());
    compare(&String::from_utf8(output(&mut command)).unwrap());
}

#[tokio::test]
async fn the_library_for_python_agrees() {
    let requirements = file("tests/receivers/public/requirements.txt");
    let python = tools::python_with("public-verifiers", &requirements).await;
    let mut command = Command::new(python.unwrap_or_else(|error| panic!("{error}")));
    script(&mut command, file("tests/receivers/drivers/public.py")).arg(case_file());
    compare(&String::from_utf8(output(&mut command)).unwrap());
}

/// The library for Rust verifies only with the current time. The end-to-end tests do so for every webhook; this compares
/// signatures.
#[test]
fn the_library_for_rust_makes_the_same_signatures() {
    for case in webhooks().iter().filter(|case| case.expected.is_some()) {
        let [secrets, _, id, timestamp, _, body] = given(case);
        let made = secrets
            .split(' ')
            .map(|secret| Webhook::new(secret).unwrap().sign(id, timestamp.parse().unwrap(), body.as_bytes()).unwrap());
        assert_signed(case, made);
    }
}

fn webhooks() -> Vec<Case> {
    cases::all().into_iter().filter(|case| case.function == "verify-webhook").collect()
}

/// Secrets, now, `webhook-id`, `webhook-timestamp`, `webhook-signature` and body.
fn given(case: &Case) -> [&str; 6] {
    std::array::from_fn(|at| case.given[at].as_str())
}

fn assert_signed<S: AsRef<str>>(case: &Case, made: impl IntoIterator<Item = S>) {
    let signatures: Vec<&str> = given(case)[4].split(' ').collect();
    assert!(made.into_iter().any(|made| signatures.contains(&made.as_ref())), "{}", case.name);
}

/// Compares what a driver printed, a line for each case.
fn compare(printed: &str) {
    let (cases, lines) = (webhooks(), printed.lines().collect::<Vec<_>>());
    assert_eq!(lines.len(), cases.len());
    for (case, line) in cases.iter().zip(lines) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, result, made] = fields[..] else { panic!("{line}") };
        let is_accepted = case.expected.is_some() || STRICTER.contains(&name);
        assert_eq!((name, result), (case.name.as_str(), if is_accepted { "ok" } else { "refused" }));
        if case.expected.is_some() {
            assert_signed(case, made.split(' '));
        }
    }
}
