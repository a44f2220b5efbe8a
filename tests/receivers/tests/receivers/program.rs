//! The servers of `docs/receivers`, as programs to start and stop.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use receivers::runtimes::{self, PHP, RUBY_WITH_WEBRICK, file, script};
use stack::node::Node;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// Maximum time until a server starts, or handles a webhook.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The language of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    Node,
    Python,
    Java,
    Go,
    Php,
    Ruby,
    Rust,
}

/// A server that is ready to start.
pub(crate) struct Program {
    /// The server, and in PHP also the process that works.
    commands: Vec<Command>,
    _compiled: TempDir,
}

impl Program {
    /// Compiles the server if the language needs it. `None` if the language is not installed.
    pub(crate) async fn of(language: Language) -> Option<Self> {
        let compiled = tempfile::tempdir().unwrap();
        let run = |mut runtime: Command, server: &str| {
            script(&mut runtime, file(server));
            runtime
        };
        let commands = match language {
            Language::Node => vec![run(Node::find().await.unwrap().command(), "docs/receivers/node/server.mjs")],
            Language::Python => vec![run(runtimes::python().await, "docs/receivers/python/server.py")],
            Language::Java => vec![runtimes::java(compiled.path(), "Server", "docs/receivers/java/Server.java")?],
            Language::Go => vec![runtimes::go(compiled.path(), "receiver", "docs/receivers/go/server.go")?],
            Language::Php => {
                let [mut receive, work] = [PHP.if_installed()?, PHP.if_installed()?];
                receive.args(["-S", "127.0.0.1:0"]);
                [receive, work].map(|php| run(php, "docs/receivers/php/server.php")).into()
            }
            Language::Ruby => {
                let mut ruby = RUBY_WITH_WEBRICK.if_installed()?;
                ruby.arg("-w");
                vec![run(ruby, "docs/receivers/ruby/server.rb")]
            }
            Language::Rust => vec![Command::new(env!("CARGO_BIN_EXE_receiver"))],
        };
        Some(Self { commands, _compiled: compiled })
    }

    /// Starts the server with these variables, and waits until it listens. It keeps its files in `folder`.
    pub(crate) async fn start<const N: usize>(&self, folder: &TempDir, variables: [(&str, &str); N]) -> Server {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut lines = Lines { receiver, skipped: Vec::new() };
        let start = |command| start(command, folder.path(), &variables, &sender);
        let processes: Vec<Child> = self.commands.iter().map(start).collect();
        let line = lines.next(|line| line.contains("http://127.0.0.1:")).await;
        let (_, port) = line.split_once("http://127.0.0.1:").unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        Server { url: format!("http://127.0.0.1:{port}/hook"), processes, lines }
    }
}

fn start(command: &Command, folder: &Path, variables: &[(&str, &str)], lines: &UnboundedSender<String>) -> Child {
    let mut start = tokio::process::Command::new(command.get_program());
    start.args(command.get_args()).current_dir(folder).env("FOLDER", folder).env("PORT", "0");
    start.env_remove("ENCRYPTION").env_remove("SECRET_KEYS").env("PYTHONDONTWRITEBYTECODE", "1");
    start.envs(variables.iter().copied()).kill_on_drop(true);
    let mut child = start.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    read(child.stdout.take().unwrap(), lines.clone());
    read(child.stderr.take().unwrap(), lines.clone());
    child
}

fn read(output: impl AsyncRead + Send + Unpin + 'static, lines: UnboundedSender<String>) {
    let mut output = BufReader::new(output).lines();
    tokio::spawn(async move {
        while let Some(line) = output.next_line().await.unwrap() {
            // It fails when the test has ended.
            let _ = lines.send(line);
        }
    });
}

/// What a server prints. In PHP, two processes print.
struct Lines {
    receiver: UnboundedReceiver<String>,
    /// Lines that were read while the test waited for others.
    skipped: Vec<String>,
}

impl Lines {
    /// Waits for a line.
    async fn next(&mut self, is_wanted: impl Fn(&str) -> bool) -> String {
        if let Some(at) = self.skipped.iter().position(|line| is_wanted(line)) {
            return self.skipped.remove(at);
        }
        let (receiver, skipped) = (&mut self.receiver, &mut self.skipped);
        let wanted = async {
            while let Some(line) = receiver.recv().await {
                if is_wanted(&line) {
                    return Some(line);
                }
                skipped.push(line);
            }
            None
        };
        let found = tokio::time::timeout(TIMEOUT, wanted).await.ok().flatten();
        found.unwrap_or_else(|| panic!("the server printed only {:#?}", self.skipped))
    }
}

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    /// Where it takes webhooks.
    pub(crate) url: String,
    processes: Vec<Child>,
    lines: Lines,
}

impl Server {
    /// Waits for the next webhook that is handled. Returns its outcome, its type and its id.
    pub(crate) async fn handled(&mut self) -> String {
        self.lines.next(is_handled).await
    }

    /// Ends the server at once, as a crash does. Returns the handled webhooks that `handled` has not returned.
    pub(crate) async fn kill(mut self) -> Vec<String> {
        for mut process in self.processes.drain(..) {
            process.kill().await.unwrap();
        }
        let mut handled = self.lines.skipped;
        // The lines end once all output is read.
        while let Some(line) = self.lines.receiver.recv().await {
            handled.push(line);
        }
        handled.retain(|line| is_handled(line));
        handled
    }
}

fn is_handled(line: &str) -> bool {
    ["new ", "seen ", "older "].iter().any(|outcome| line.starts_with(outcome))
}
