//! Drivers: programs that make a sender act. The README has their protocol.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use thiserror::Error;
use tokio::process::Command;

use crate::case::Case;

/// The exit code of a driver whose sender cannot do what was asked.
const UNSUPPORTED: i32 = 3;

/// What a driver can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Create an endpoint.
    Create,
    /// Publish an event for it.
    Publish,
    /// Rotate its secret.
    Rotate,
    /// Send the last event again.
    Replay,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Publish => "publish",
            Self::Rotate => "rotate",
            Self::Replay => "replay",
        }
    }
}

/// Why an action did not happen.
#[derive(Debug, Error)]
pub enum DriverError {
    /// The sender cannot do it.
    #[error("the sender cannot {0}")]
    Unsupported(&'static str),
    /// The driver ended with an error.
    #[error("the driver cannot {action}: {output}")]
    Failed {
        /// The action.
        action: &'static str,
        /// The last line of its standard error.
        output: String,
    },
    /// The driver cannot be started.
    #[error("cannot run the driver {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// A driver with one case. Its folder keeps what the driver stores between actions.
#[derive(Debug)]
pub struct Driver<'a> {
    command: &'a [String],
    case: &'a Case,
    url: &'a str,
    folder: TempDir,
}

impl<'a> Driver<'a> {
    /// Prepares a driver: a program and its arguments.
    pub fn new(command: &'a [String], case: &'a Case, url: &'a str) -> io::Result<Self> {
        Ok(Self { command, case, url, folder: tempfile::tempdir()? })
    }

    /// Runs the driver once, and returns what it prints: the secret of the endpoint, if it is a new one.
    pub async fn act(&self, action: Action) -> Result<Option<String>, DriverError> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(DriverError::Unsupported(action.name()));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command.env("CONFORMANCE_ACTION", action.name()).env("CONFORMANCE_CASE", &self.case.name);
        command.env("CONFORMANCE_URL", self.url).env("CONFORMANCE_DATA", self.case.data.to_string());
        command.env("CONFORMANCE_FOLDER", self.folder.path());
        let output = command.output().await.map_err(|error| DriverError::Io(PathBuf::from(program), error))?;
        if output.status.code() == Some(UNSUPPORTED) {
            return Err(DriverError::Unsupported(action.name()));
        }
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
            return Err(DriverError::Failed { action: action.name(), output });
        }
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(printed).filter(|printed| !printed.is_empty()))
    }
}
