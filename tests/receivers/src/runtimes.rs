//! Runs the drivers, and compares what their receivers make of the cases.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::cases::{self, Case};

/// A program that receivers or tests run on.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    name: &'static str,
    version_argument: &'static str,
    debian_package: &'static str,
}

/// Node.js.
pub const NODE: Runtime = Runtime { name: "node", version_argument: "--version", debian_package: "nodejs" };
/// Java's compiler.
pub const JAVAC: Runtime =
    Runtime { name: "javac", version_argument: "-version", debian_package: "default-jdk-headless" };
/// Java.
pub const JAVA: Runtime =
    Runtime { name: "java", version_argument: "-version", debian_package: "default-jdk-headless" };
/// Go.
pub const GO: Runtime = Runtime { name: "go", version_argument: "version", debian_package: "golang-go" };
/// PHP.
pub const PHP: Runtime = Runtime { name: "php", version_argument: "--version", debian_package: "php-cli" };
/// Ruby.
pub const RUBY: Runtime = Runtime { name: "ruby", version_argument: "--version", debian_package: "ruby" };
/// OpenSSL's command line.
pub const OPENSSL: Runtime = Runtime { name: "openssl", version_argument: "version", debian_package: "openssl" };

impl Runtime {
    fn is_installed(self) -> bool {
        let version = Command::new(self.name).arg(self.version_argument).stdin(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    }

    /// The program, which every machine that runs the tests has.
    pub fn required(self) -> Command {
        let Self { name, debian_package, .. } = self;
        assert!(
            self.is_installed(),
            "the tests of the receivers need {name}: install it (Debian: `apt-get install {debian_package}`) and run this again"
        );
        Command::new(name)
    }

    /// The program, if there is one. Else it is said that something was not run, past the test runner, which hides what
    /// tests print that pass; `.ci/run` repeats it at its end.
    pub fn optional(self) -> Option<Command> {
        if self.is_installed() {
            return Some(Command::new(self.name));
        }
        io::stdout().write_all(format!("not run: {} is not installed\n", self.name).as_bytes()).unwrap();
        None
    }
}

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The file with the cases.
pub fn case_file() -> PathBuf {
    file("tests/receivers/cases.tsv")
}

/// A folder below `target` for what others build and may use again.
pub fn cache(name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| file("target"), PathBuf::from);
    std::path::absolute(target.join("tools").join(name)).unwrap()
}

/// Runs a program to its good end, and gives what it wrote.
pub fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Has a driver go through the cases, and fails if any of them does not come out as it must.
pub fn compare(driver: &mut Command) {
    let said = output(driver.arg(case_file()));
    compare_lines(&String::from_utf8(said).unwrap());
}

/// Has the receiver in Rust go through the cases.
pub fn compare_with(outcome: impl Fn(&Case) -> Option<String>) {
    let lines: Vec<String> = cases::all().iter().map(|case| line(&case.name, outcome(case).as_deref())).collect();
    compare_lines(&lines.join("\n"));
}

fn compare_lines(said: &str) {
    let expected: Vec<String> = cases::all().iter().map(|case| line(&case.name, case.expected.as_deref())).collect();
    let said: Vec<&str> = said.lines().collect();
    let wrong: Vec<_> = said.iter().zip(&expected).filter(|(said, expected)| said != expected).collect();
    assert!(wrong.is_empty() && said.len() == expected.len(), "{} of {}: {wrong:#?}", said.len(), expected.len());
}

/// A driver's line.
fn line(name: &str, outcome: Option<&str>) -> String {
    match outcome {
        Some(text) => format!("{name}\tok\t{}", BASE64_STANDARD.encode(text)),
        None => format!("{name}\trefused"),
    }
}

/// Copies files of the repository into a folder, under other names.
pub fn copy<const N: usize>(folder: &Path, files: [(&str, &str); N]) {
    for (from, to) in files {
        let to = folder.join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(file(from), to).unwrap();
    }
}

/// A driver that is a script, which leaves nothing behind.
pub fn script(runtime: &mut Command, driver: impl AsRef<OsStr>) -> &mut Command {
    runtime.arg(driver).env("PYTHONDONTWRITEBYTECODE", "1")
}
