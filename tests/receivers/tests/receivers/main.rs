//! Runs each receiver of `docs/receivers` in its own language on all cases.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod feed;
mod pages;
mod program;
mod public;
mod rust;
mod servers;

use std::fs;

use receivers::cases;
use receivers::runtimes::{self, PHP, RUBY, compare, file, script};
use stack::node::Node;

#[test]
fn the_committed_cases_match_our_own_code() {
    let (path, made) = (runtimes::case_file(), cases::file());
    if std::env::var_os("RECEIVER_CASES").is_some_and(|value| value == "write") {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap();
    assert!(kept == made, "cases.tsv is out of date: set RECEIVER_CASES=write to have this test rewrite it");
}

#[test]
fn each_case_has_a_unique_name() {
    let mut names: Vec<String> = cases::all().into_iter().map(|case| case.name).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn node() {
    let node = Node::find().await.unwrap_or_else(|error| panic!("{error}"));
    compare(script(&mut node.command(), file("tests/receivers/drivers/driver.mjs")));
}

#[tokio::test]
async fn python() {
    compare(script(&mut runtimes::python().await, file("tests/receivers/drivers/driver.py")));
}

#[test]
fn java() {
    let folder = tempfile::tempdir().unwrap();
    let driver = runtimes::java(folder.path(), "Driver", "tests/receivers/drivers/Driver.java");
    let Some(mut driver) = driver else { return };
    compare(&mut driver);
}

#[test]
fn go() {
    let folder = tempfile::tempdir().unwrap();
    let driver = runtimes::go(folder.path(), "receivers", "tests/receivers/drivers/driver.go");
    let Some(mut driver) = driver else { return };
    compare(&mut driver);
}

#[test]
fn php() {
    let Some(mut php) = PHP.if_installed() else { return };
    compare(script(&mut php, file("tests/receivers/drivers/driver.php")));
}

#[test]
fn ruby() {
    let Some(mut ruby) = RUBY.if_installed() else { return };
    compare(script(ruby.arg("-w"), file("tests/receivers/drivers/driver.rb")));
}

#[test]
fn rust() {
    runtimes::compare_with(|case| rust::outcome(case).ok());
}
