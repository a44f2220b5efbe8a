//! The program `signpost`.

use std::process::Stdio;

use e2e::WAIT_TIMEOUT;
use serde_json::Value;
use stack::Stack;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The program, with nothing in its environment but the stack's API and a key.
pub(crate) fn signpost(stack: &Stack, key: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(&stack.command_line);
    command.env_clear().env("SIGNPOST_API", &stack.api_url).env("SIGNPOST_KEY", key).args(arguments);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The lines that a running program prints.
pub(crate) type Printed = Lines<BufReader<ChildStdout>>;

/// The lines of a program with a piped standard output.
pub(crate) fn printed(program: &mut Child) -> Printed {
    BufReader::new(program.stdout.take().unwrap()).lines()
}

/// Waits for a line that contains `part`, and returns it.
pub(crate) async fn wait_for_line(printed: &mut Lines<impl AsyncBufRead + Unpin>, part: &str) -> String {
    let waiting = async {
        loop {
            let line = printed.next_line().await.unwrap().unwrap_or_else(|| panic!("no line has {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    };
    tokio::time::timeout(WAIT_TIMEOUT, waiting).await.unwrap_or_else(|_| panic!("waited for a line with {part:?}"))
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
        Self::from(tokio::time::timeout(WAIT_TIMEOUT, command.output()).await.unwrap().unwrap())
    }

    pub(crate) fn from(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The output, which is one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}
