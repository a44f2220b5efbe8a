//! Runs the program.

use std::process::Stdio;
use std::time::Duration;

use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::testing::FakeServer;

/// Maximum duration of a run.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The project of all tests.
pub(crate) const PROJECT: &str = "019ab0c4-7e38-7a3f-8c65-0123456789ab";

/// The program, with nothing in its environment but the API, a test key and the project.
pub(crate) fn signpost(api: &FakeServer, arguments: &[&str]) -> Command {
    signpost_at(&api.url(""), arguments)
}

/// Python: runs a program on a terminal, and types the standard input.
const ON_TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs the program on a terminal, and types `typed`.
pub(crate) async fn on_terminal(api: &FakeServer, arguments: &[&str], typed: &str) -> Ended {
    let command = signpost(api, arguments);
    let program = command.as_std();
    let mut terminal = Command::new("python3");
    terminal.args(["-c", ON_TERMINAL]).arg(program.get_program()).args(program.get_args());
    terminal.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).env("TERM", "xterm");
    terminal.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    terminal.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = terminal.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).await.unwrap();
    Ended::wait(child).await
}

/// The program with an API at this URL.
pub(crate) fn signpost_at(api: &str, arguments: &[&str]) -> Command {
    let key = ApiKey::generate(ApiKeyKind::Test, &SystemRandom);
    let mut command = offline(arguments);
    command.env("SIGNPOST_API", api).env("SIGNPOST_KEY", key.expose()).env("SIGNPOST_PROJECT", PROJECT);
    command
}

/// The program with an empty environment.
pub(crate) fn offline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signpost"));
    command.env_clear().args(arguments).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Runs the program to its end.
    pub(crate) async fn of(mut command: Command) -> Self {
        Self::wait(command.spawn().unwrap()).await
    }

    /// Waits until the program ends.
    pub(crate) async fn wait(child: Child) -> Self {
        let output = tokio::time::timeout(TIMEOUT, child.wait_with_output()).await.unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ended = Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        // No command prints the key, also after a failure.
        assert!(!ended.stdout.contains("sp_test_") && !ended.stderr.contains("sp_test_"), "{ended:?}");
        ended
    }
}

/// Reads lines until one contains `part`. Returns all of them.
pub(crate) async fn read_until(output: &mut (impl AsyncRead + Unpin), part: &str) -> String {
    // One byte at a time, so that nothing behind the line is read.
    let mut lines = BufReader::with_capacity(1, output).lines();
    let mut read = String::new();
    let reading = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("{part} is missing in {read}"));
            read.push_str(&line);
            read.push('\n');
            if line.contains(part) {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(TIMEOUT, reading).await.is_ok(), "{part} is missing in {read}");
    read
}

/// Reads the rest of an output.
pub(crate) async fn read_rest(mut output: impl AsyncRead + Unpin) -> String {
    let mut rest = String::new();
    tokio::time::timeout(TIMEOUT, output.read_to_string(&mut rest)).await.unwrap().unwrap();
    rest
}

/// Presses Ctrl-C.
pub(crate) async fn interrupt(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
}
