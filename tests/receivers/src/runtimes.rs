//! Runs the drivers and compares what their receivers return with what the cases expect.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stack::tools;

use crate::cases::{self, Case};

/// A language whose receiver is tested only where its program is installed. `.ci/run` installs all of them.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    language: &'static str,
    program: &'static str,
    argument: &'static str,
    needs: &'static str,
}

/// Java, found by its compiler: a machine that has only `java` cannot build the driver.
pub const JAVA: Runtime = Runtime { language: "Java", program: "javac", argument: "-version", needs: "javac" };
/// Go.
pub const GO: Runtime = Runtime { language: "Go", program: "go", argument: "version", needs: "go" };
/// PHP.
pub const PHP: Runtime = Runtime { language: "PHP", program: "php", argument: "--version", needs: "php" };
/// Ruby.
pub const RUBY: Runtime = Runtime { language: "Ruby", program: "ruby", argument: "--version", needs: "ruby" };
/// Ruby with the gem that the server needs.
pub const RUBY_WITH_WEBRICK: Runtime =
    Runtime { language: "Ruby", program: "ruby", argument: "-rwebrick", needs: "ruby with webrick" };

impl Runtime {
    /// Returns a call of the program, or prints that the receiver is not run and returns `None`.
    pub fn if_installed(self) -> Option<Command> {
        let tried = Command::new(self.program).arg(self.argument).stdin(Stdio::null()).output();
        if tried.is_ok_and(|output| output.status.success()) {
            return Some(Command::new(self.program));
        }
        // `println!` would show nothing: the test runner hides it when a test passes. `.ci/run` looks for this line.
        let line = format!("not run: the {} receiver, because {} is not installed\n", self.language, self.needs);
        io::stdout().write_all(line.as_bytes()).unwrap();
        None
    }
}

/// The path of a file in the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The path of the file with all cases.
pub fn case_file() -> PathBuf {
    file("tests/receivers/cases.tsv")
}

/// A folder below `target` where a compiler keeps its cache between runs.
fn cache(name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| file("target"), PathBuf::from);
    std::path::absolute(target.join("tools").join(name)).unwrap()
}

/// Runs a program and returns its standard output. Panics if it fails.
pub fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Runs a driver on all cases. Panics if its receiver returns anything unexpected.
pub fn compare(driver: &mut Command) {
    let lines = output(driver.arg(case_file()));
    compare_lines(&String::from_utf8(lines).unwrap());
}

/// Runs the Rust receiver, which needs no driver, on all cases.
pub fn compare_with(outcome: impl Fn(&Case) -> Option<String>) {
    let lines: Vec<String> = cases::all().iter().map(|case| line(&case.name, outcome(case).as_deref())).collect();
    compare_lines(&lines.join("\n"));
}

fn compare_lines(lines: &str) {
    let expected: Vec<String> = cases::all().iter().map(|case| line(&case.name, case.expected.as_deref())).collect();
    let lines: Vec<&str> = lines.lines().collect();
    let wrong: Vec<_> = lines.iter().zip(&expected).filter(|(line, expected)| line != expected).collect();
    assert!(
        wrong.is_empty() && lines.len() == expected.len(),
        "{} of {} lines; unexpected, with what was expected: {wrong:#?}",
        lines.len(),
        expected.len()
    );
}

/// The line that a driver prints for a case.
fn line(name: &str, outcome: Option<&str>) -> String {
    match outcome {
        Some(text) => format!("{name}\tok\t{}", BASE64_STANDARD.encode(text)),
        None => format!("{name}\trefused"),
    }
}

/// Compiles the receiver in Java together with the class `main`, whose source is `main_file`. Returns a command that runs it.
pub fn java(folder: &Path, main: &str, main_file: &str) -> Option<Command> {
    let mut javac = JAVA.if_installed()?;
    let sources = ["docs/receivers/java/Inbox.java", "docs/receivers/java/Signpost.java", main_file];
    output(javac.args(["-encoding", "UTF-8", "-d"]).arg(folder).args(sources.map(file)));
    let mut java = Command::new("java");
    java.arg("-cp").arg(folder).arg(main);
    Some(java)
}

/// Compiles the receiver in Go together with `main_file`, in a module of this name. Returns a command that runs it.
pub fn go(folder: &Path, module: &str, main_file: &str) -> Option<Command> {
    let mut go = GO.if_installed()?;
    let files = [
        ("docs/receivers/go/inbox.go", "signpost/inbox.go"),
        ("docs/receivers/go/signpost.go", "signpost/signpost.go"),
        (main_file, "main.go"),
    ];
    copy(folder, files);
    fs::write(folder.join("go.mod"), format!("module {module}\n\ngo 1.19\n")).unwrap();
    go.current_dir(folder).args(["build", "-o", "main", "."]);
    go.envs([("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")]);
    output(go.env("GOCACHE", cache("go")));
    Some(Command::new(folder.join("main")))
}

/// Copies files of the repository into a folder under new names.
fn copy<const N: usize>(folder: &Path, files: [(&str, &str); N]) {
    for (from, to) in files {
        let to = folder.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file(from), to).unwrap();
    }
}

/// A Python that has what the receiver needs to decrypt.
pub async fn python() -> Command {
    let requirements = file("tests/receivers/requirements.txt");
    Command::new(tools::python_with("receivers", &requirements).await.unwrap_or_else(|error| panic!("{error}")))
}

/// Adds a driver that is a script. The variable keeps Python from writing its cache into the repository.
pub fn script(runtime: &mut Command, driver: impl AsRef<OsStr>) -> &mut Command {
    runtime.arg(driver).env("PYTHONDONTWRITEBYTECODE", "1")
}
