//! Runs each receiver of `docs/receivers` in its own language on all cases.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod feed;
mod public;
mod rust;

use std::fs;
use std::process::Command;

use receivers::cases;
use receivers::runtimes::{self, GO, JAVA, PHP, RUBY, compare, file, output, script};
use stack::node::Node;
use stack::tools;

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
    let requirements = file("tests/receivers/requirements.txt");
    let python = tools::python_with("receivers", &requirements).await.unwrap_or_else(|error| panic!("{error}"));
    compare(script(&mut Command::new(python), file("tests/receivers/drivers/driver.py")));
}

#[test]
fn java() {
    let Some(mut javac) = JAVA.if_installed() else { return };
    let classes = tempfile::tempdir().unwrap();
    let sources =
        ["docs/receivers/java/Inbox.java", "docs/receivers/java/Signpost.java", "tests/receivers/drivers/Driver.java"];
    output(javac.args(["-encoding", "UTF-8", "-d"]).arg(classes.path()).args(sources.map(file)));
    compare(Command::new("java").arg("-cp").arg(classes.path()).arg("Driver"));
}

#[test]
fn go() {
    let Some(mut go) = GO.if_installed() else { return };
    let module = tempfile::tempdir().unwrap();
    let files = [
        ("docs/receivers/go/inbox.go", "signpost/inbox.go"),
        ("docs/receivers/go/signpost.go", "signpost/signpost.go"),
        ("tests/receivers/drivers/driver.go", "main.go"),
    ];
    runtimes::copy(module.path(), files);
    fs::write(module.path().join("go.mod"), "module receivers\n\ngo 1.19\n").unwrap();
    go.current_dir(module.path()).args(["build", "-o", "driver", "."]);
    go.envs([("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")]);
    output(go.env("GOCACHE", runtimes::cache("go")));
    compare(&mut Command::new(module.path().join("driver")));
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
