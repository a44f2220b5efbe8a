//! Runs the baseline `bare-client`.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::error::BenchError;
use crate::process::settled_cpu;
use crate::world::{World, event};

const NAME: &str = "bare-client";

pub(crate) struct BareClient {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    cpu: Duration,
}

impl BareClient {
    pub(crate) fn start(world: &World) -> Result<Self, BenchError> {
        let mut command = Command::new(world.program(NAME));
        command.env_clear().env("TRUSTED_ROOT", world.trusted_root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or(BenchError::Missing("input"))?;
        let output = child.stdout.take().ok_or(BenchError::Missing("output"))?;
        Ok(Self { child, input, output: BufReader::new(output), cpu: Duration::ZERO })
    }

    /// Posts `count` events to `url`, ten at a time. Returns the processor time used.
    pub(crate) async fn post(&mut self, count: usize, url: &str) -> Result<Duration, BenchError> {
        self.input.write_all(format!("{count} {url} {}\n", event()).as_bytes()).await?;
        let mut line = String::new();
        if self.output.read_line(&mut line).await? == 0 {
            return Err(BenchError::Ended(NAME.into()));
        }
        let now = settled_cpu(self.child.id().unwrap_or_default()).await?;
        let used = now.saturating_sub(self.cpu);
        self.cpu = now;
        Ok(used)
    }
}
