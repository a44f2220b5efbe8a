//! Reads the feed with the readers of `docs/receivers`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::json;
use stack::node::Node;
use stack::tools;

trials! {
    the_reader_in_node_gets_every_event_once_and_in_order,
    the_reader_in_python_gets_every_event_once_and_in_order,
}

fn the_reader_in_node_gets_every_event_once_and_in_order() {
    run(async {
        let node = Node::find().await.unwrap_or_else(|error| panic!("{error}"));
        check("/feed-readers/node", || node.command(), "feed.mjs").await;
    });
}

fn the_reader_in_python_gets_every_event_once_and_in_order() {
    run(async {
        let requirements = tests().join("receivers/public/requirements.txt");
        let python = tools::python_with("public-verifiers", &requirements).await;
        let python = python.unwrap_or_else(|error| panic!("{error}"));
        check("/feed-readers/python", || Command::new(&python), "feed.py").await;
    });
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Publishes events and runs a driver of `tests/receivers` again and again, until it has read all of them.
async fn check(path: &str, program: impl Fn() -> Command, driver: &str) {
    let stack = stack().await;
    let (customer, folder) = (Customer::new(stack, path).await, tempfile::tempdir().unwrap());
    let mut expected = Vec::new();
    // The driver reads pages of four.
    for sequence in 1..=6 {
        let event =
            customer.publish(&json!({"type": "updated", "submissionId": "sub_1", "data": {"n": sequence}})).await;
        expected.push(format!("{event} {sequence} kept"));
    }
    let (started_at, mut read) = (Instant::now(), Vec::new());
    while read.len() < expected.len() && started_at.elapsed() < 2 * WAIT_TIMEOUT {
        let mut command = program();
        command.arg(tests().join("receivers/drivers").join(driver)).env("PYTHONDONTWRITEBYTECODE", "1");
        command.args([stack.api_url.as_str(), customer.project(), customer.key()]).arg(folder.path());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        read.extend(String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned));
    }
    assert_eq!(read, expected);
}
