//! What `cargo stack up` promises to the machine it runs on: nothing reachable from outside, nothing left behind.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "this is all test code")]

mod processes;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::processes::Process;

/// Bounds every wait. Only a fault makes it pass.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `stack up --no-demo` with a directory of its own.
struct Up {
    child: Child,
    dir: TempDir,
    facts: Value,
}

fn stack_up(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command
        .args(["up", "--no-demo", "--dir"])
        .arg(dir)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

impl Up {
    /// Starts one, waits until it is up, and wakes the functions behind the two HTTP APIs.
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let mut child = stack_up(dir.path()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_up = said.map_while(Result::ok).any(|line| line.contains("Ctrl-C ends all of it"));
        if !is_up {
            let mut failure = String::new();
            child.stderr.take().unwrap().read_to_string(&mut failure).unwrap();
            panic!("the stack did not come up: {failure}");
        }
        let facts = serde_json::from_str(&fs::read_to_string(dir.path().join("stack.json")).unwrap()).unwrap();
        let up = Self { child, dir, facts };
        for api in ["api", "redirect"] {
            wake(up.url(api));
        }
        up
    }

    fn url(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    /// Its process and all below it.
    fn processes(&self) -> Vec<Process> {
        processes::family_of(self.child.id())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request, so that the function behind it starts. What it answers does not matter here.
fn wake(url: &str) {
    use std::io::Write as _;
    let address = address_of(url);
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET /wake HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    connection.read_to_end(&mut Vec::new()).unwrap();
}

fn address_of(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn killing_it_leaves_no_process_and_no_open_port() {
    let mut up = Up::start();
    let family = up.processes();
    let names: Vec<&str> = family.iter().map(|process| process.name.as_str()).collect();
    assert!(names.contains(&"bootstrap"), "no function runs: {names:?}");

    up.child.kill().unwrap();
    up.child.wait().unwrap();

    wait_until("all its processes have ended", || !family.iter().any(Process::is_alive));
    for url in ["api", "redirect", "mail", "receiver", "emulator"] {
        let address = up.url(url).replace("localhost", "127.0.0.1");
        assert!(TcpStream::connect(address_of(&address)).is_err(), "{url} still answers");
    }
}

#[test]
fn killing_its_guard_leaves_no_process() {
    let up = Up::start();
    let family = up.processes();
    let guard = family.iter().find(|process| process.arguments.contains("launch.py")).unwrap();

    signal(guard.pid, "-KILL");

    let below = processes::family_of_any(&family, guard.pid);
    wait_until("the emulator and its functions have ended", || !below.iter().any(Process::is_alive));
}

#[test]
fn nothing_listens_beyond_loopback() {
    let up = Up::start();
    let listening = processes::listening_addresses(&up.processes());
    assert!(listening.len() >= 5, "four servers and the emulator listen, at least: {listening:?}");
    let reachable: Vec<_> = listening.into_iter().filter(|address| !address.ip().is_loopback()).collect();
    assert_eq!(reachable, []);
}

#[test]
fn its_file_is_private_and_goes_with_it() {
    let mut up = Up::start();
    let family = up.processes();
    let file = up.dir.path().join("stack.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    signal(up.child.id(), "-TERM");

    assert!(up.child.wait().unwrap().success());
    assert!(!file.exists());
    wait_until("all its processes have ended", || !family.iter().any(Process::is_alive));
}

#[test]
fn a_second_one_says_where_the_first_is() {
    let up = Up::start();
    let Output { status, stderr, .. } = stack_up(up.dir.path()).output().unwrap();
    let dir = fs::canonicalize(up.dir.path()).unwrap();
    let expected =
        format!("a stack is already up in {}: its URLs are in {}\n", dir.display(), dir.join("stack.json").display());
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap()), (Some(1), expected));
}

#[test]
fn without_python_it_says_what_to_install() {
    let dir = TempDir::new().unwrap();
    let said = stack_up(dir.path())
        .env("PATH", dir.path())
        .env("CARGO_TARGET_DIR", dir.path().join("target"))
        .output()
        .unwrap();
    let sentence = String::from_utf8(said.stderr).unwrap();
    let last = sentence.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("the local stack needs Python 3.11 or newer with its venv module: install it"),
        "{sentence}"
    );
    assert_eq!(said.status.code(), Some(1));
}
