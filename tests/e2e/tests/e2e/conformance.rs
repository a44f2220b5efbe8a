//! Points the conformance suite of `tests/conformance` at senders.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance::case::{self, Case};
use conformance::report;
use conformance::suite::{self, Options, Outcome, Verdict};
use e2e::{run, stack};
use serde_json::json;
use stack::{Stack, tools};

trials! {
    signpost_conforms_to_standard_webhooks,
    the_suite_judges_a_sender_that_posts_once,
    the_suite_judges_another_open_source_sender,
}

fn signpost_conforms_to_standard_webhooks() {
    run(async {
        let stack = stack().await;
        let environment = [
            "env".to_owned(),
            format!("SIGNPOST_API={}", stack.api_url),
            format!("SIGNPOST_OPERATOR_KEY={}", stack.operator_key),
        ];
        let options = options([environment.to_vec(), driver("signpost.py", LIBRARY).await].concat());
        let outcomes = tokio::select! {
            outcomes = outcomes(all_cases(), &options) => outcomes,
            () = sweep(stack) => unreachable!("the sweeps do not end"),
        };
        println!("{}", report::table(&outcomes));
        let wrong: Vec<String> =
            outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Passed).map(report::line).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{}", stack.log_tail().await);
    });
}

/// The library of Standard Webhooks for Python signs, and nobody retries. This shows that the suite works with any sender, and
/// that it fails one.
fn the_suite_judges_a_sender_that_posts_once() {
    run(async {
        let options = Options { patience: Duration::from_secs(3), ..options(driver("reference.py", LIBRARY).await) };
        let mut cases = all_cases();
        cases.retain(|case| case.expect.closes_within.is_none());
        for outcome in outcomes(cases, &options).await {
            let Case { name, steps, expect, https, .. } = &outcome.case;
            let is_right = match &outcome.verdict {
                Verdict::Passed => expect.requests.min == steps.len(),
                Verdict::Failed(_) => expect.requests.min > 1 || name == "gone-410" || https.is_some(),
                Verdict::Skipped(_) => ["rotation", "replay"].contains(&name.as_str()),
            };
            assert!(is_right, "{}", report::line(&outcome));
        }
    });
}

/// A sender with rules of its own. The table in the README of the suite says which ones differ.
fn the_suite_judges_another_open_source_sender() {
    const PASSES: [&str; 4] = ["success-200", "retry-500", "untrusted-certificate", "rotation"];
    // How often it tries again until the suite looks depends on the load of the machine.
    const FAILS: [(&str, &str); 3] = [
        ("redirect-302", "followed a redirect"),
        ("gone-410", " requests instead of 1"),
        ("replay", "2 different ids instead of 1"),
    ];
    run(async {
        let driver = driver("django_outbound/driver.py", OTHER_SENDER).await;
        let options = Options { patience: Duration::from_secs(40), quiet: Duration::from_secs(5), ..options(driver) };
        let mut cases = all_cases();
        let fault = |case: &Case| FAILS.iter().find(|(name, _)| *name == case.name).map(|(_, fault)| *fault);
        cases.retain(|case| PASSES.contains(&case.name.as_str()) || fault(case).is_some());
        assert_eq!(cases.len(), PASSES.len() + FAILS.len());
        for outcome in outcomes(cases, &options).await {
            let is_right = match &outcome.verdict {
                Verdict::Passed => fault(&outcome.case).is_none(),
                Verdict::Failed(faults) => {
                    fault(&outcome.case).is_some_and(|fault| faults.iter().any(|one| one.ends_with(fault)))
                }
                Verdict::Skipped(_) => false,
            };
            assert!(is_right, "{}", report::line(&outcome));
        }
    });
}

/// Packages that drivers need: the name of their environment, and the folder of their list.
const LIBRARY: (&str, &str) = ("public-verifiers", "../receivers/public");
const OTHER_SENDER: (&str, &str) = ("django-outbound", "drivers/django_outbound");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance")
}

fn all_cases() -> Vec<Case> {
    case::read(&folder().join("cases"), &[]).unwrap()
}

/// A Python that has the packages that a driver needs, and the driver.
async fn driver(file: &str, (environment, packages): (&str, &str)) -> Vec<String> {
    let python = tools::python_with(environment, &folder().join(packages).join("requirements.txt")).await;
    let python = python.unwrap_or_else(|error| panic!("{error}"));
    [python, folder().join("drivers").join(file)].map(|path| path.to_str().unwrap().to_owned()).to_vec()
}

fn options(driver: Vec<String>) -> Options {
    Options {
        listen: ([127, 0, 0, 1], 0).into(),
        public_url: None,
        secrets: Vec::new(),
        driver,
        patience: Duration::from_mins(1),
        quiet: Duration::from_secs(4),
        jobs: 12,
    }
}

async fn outcomes(cases: Vec<Case>, options: &Options) -> Vec<Outcome> {
    let receivers = suite::start(&cases, options).await.unwrap();
    suite::run(cases, &receivers, options, |_| ()).await
}

/// Runs the sweep every two seconds instead of every minute: it releases what a pause of an endpoint held.
async fn sweep(stack: &Stack) {
    loop {
        stack.invoke("webhook-retry", json!({})).await.unwrap_or_else(|error| panic!("{error}"));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
