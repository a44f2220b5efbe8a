//! `cargo stack up` is not reachable from other machines and leaves nothing behind.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "this is all test code")]

mod processes;

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use stack::api_client::ApiClient;
use tempfile::TempDir;

use crate::processes::Process;

/// The time-out for every wait. Only a fault reaches it.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// A running `stack up --no-demo` with its own directory.
struct Up {
    child: Child,
    dir: TempDir,
    facts: Value,
    /// What it says. Open until the end, because a program that cannot write ends.
    _stdout: Lines<BufReader<ChildStdout>>,
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
    /// Starts a stack, waits until it is up, and starts the functions behind the two HTTP APIs.
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let mut child = stack_up(dir.path()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_up = said.by_ref().map_while(Result::ok).any(|line| line.contains("Ctrl-C ends the stack"));
        if !is_up {
            let mut failure = String::new();
            child.stderr.take().unwrap().read_to_string(&mut failure).unwrap();
            panic!("the stack did not come up: {failure}");
        }
        let facts = serde_json::from_str(&fs::read_to_string(dir.path().join("stack.json")).unwrap()).unwrap();
        let up = Self { child, dir, facts, _stdout: said };
        for api in ["api", "redirect"] {
            wake(up.url(api));
        }
        up
    }

    fn url(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    /// Its process and all descendants.
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

/// Sends a request so that the function behind the API starts. Any response will do.
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

fn wait_until(condition: &str, mut is_met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_met() {
        assert!(start.elapsed() < WAIT_TIMEOUT, "waited too long until {condition}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn signal(pid: u32, name: &str) {
    // The shell has its own `kill`. The program of this name is missing on small systems.
    assert!(Command::new("sh").args(["-c", "kill $0 $1", name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_killed_stack_leaves_no_process_and_no_open_port() {
    let mut up = Up::start();
    let family = up.processes();
    let names: Vec<&str> = family.iter().map(|process| process.name.as_str()).collect();
    assert!(names.contains(&"bootstrap"), "no function is running: {names:?}");

    up.child.kill().unwrap();
    up.child.wait().unwrap();

    wait_until("all its processes have ended", || !family.iter().any(Process::is_alive));
    for url in ["api", "redirect", "mail", "receiver", "emulator"] {
        let address = up.url(url).replace("localhost", "127.0.0.1");
        assert!(TcpStream::connect(address_of(&address)).is_err(), "{url} still answers");
    }
}

#[tokio::test]
async fn links_without_the_demo_open_the_one_empty_project() {
    let up = Up::start();
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        let Output { status, stdout, stderr } = command.args(["console", "--dir"]).arg(up.dir.path()).output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        links.push(String::from_utf8(stdout).unwrap());
    }
    assert!(links[0] != links[1] && links.iter().all(|link| link.starts_with(&format!("{}/in/", up.url("console")))));
    let projects = ApiClient::new(up.url("api"), up.url("operatorKey")).get("/v1/projects").await.unwrap();
    let ids: Vec<&Value> = projects["items"].as_array().unwrap().iter().map(|project| &project["id"]).collect();
    assert_eq!(ids, [&up.facts["project"]]);
}

#[test]
fn a_killed_launcher_leaves_no_process() {
    let up = Up::start();
    let family = up.processes();
    let guard = family.iter().find(|process| process.arguments.contains("launch.py")).unwrap();

    signal(guard.pid, "-KILL");

    let below = processes::family_of_any(&family, guard.pid);
    wait_until("the emulator and its functions have ended", || !below.iter().any(Process::is_alive));
}

#[test]
fn all_ports_listen_on_loopback_only() {
    let up = Up::start();
    let listening = processes::listening_addresses(&up.processes());
    assert!(listening.len() >= 5, "expected at least four servers and the emulator: {listening:?}");
    let reachable: Vec<_> = listening.into_iter().filter(|address| !address.ip().is_loopback()).collect();
    assert_eq!(reachable, []);
}

#[test]
fn stack_json_is_private_and_is_removed_at_the_end() {
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
fn a_second_stack_in_the_same_directory_names_the_first() {
    let up = Up::start();
    let Output { status, stderr, .. } = stack_up(up.dir.path()).output().unwrap();
    let dir = fs::canonicalize(up.dir.path()).unwrap();
    let expected =
        format!("a stack is already up in {}: its URLs are in {}\n", dir.display(), dir.join("stack.json").display());
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap()), (Some(1), expected));
}

#[test]
fn without_python_the_error_says_what_to_install() {
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
