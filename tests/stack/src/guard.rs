//! Processes that cannot outlive this one.
//!
//! Rust's `kill_on_drop` covers a value that is dropped, not a process that is killed. So every Python process runs below
//! `launch.py`, which holds the other end of a pipe to us and ends everything below it when the pipe closes.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::paths;

/// `program` with its arguments still to come, to be run below `launch.py`, which removes `scratch` when all has ended.
pub(crate) fn command(python: &Path, scratch: Option<&Path>, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(python);
    command.arg(paths::own("launch.py"));
    if let Some(scratch) = scratch {
        command.arg("--remove").arg(scratch);
    }
    command.arg(program).stdin(Stdio::piped());
    // A process group of its own: Ctrl-C in the terminal ends us, and us ending ends it, in this order.
    command.process_group(0);
    command
}

/// A running guarded process. Dropping it ends it, and waits until all below it has ended.
#[derive(Debug)]
pub(crate) struct Guarded(Child);

impl Guarded {
    pub(crate) fn spawn(mut command: Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // This closes the pipe.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
