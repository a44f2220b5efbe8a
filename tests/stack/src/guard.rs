//! Processes that cannot outlive this one.
//!
//! `kill_on_drop` works only while this process runs its destructors, which SIGKILL prevents. Therefore every Python
//! process runs below `launch.py`. It holds the other end of a pipe to this process, and kills everything below it when the
//! pipe closes.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::paths;

/// A command that runs `program` below `launch.py`, which removes `scratch` at the end.
pub(crate) fn command(python: &Path, scratch: Option<&Path>, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(python);
    command.arg(paths::own("launch.py"));
    if let Some(scratch) = scratch {
        command.arg("--remove").arg(scratch);
    }
    command.arg(program).stdin(Stdio::piped());
    // Ctrl-C in the terminal signals our process group. In a group of its own, this process gets no signal and ends when the
    // pipe closes.
    command.process_group(0);
    command
}

/// A running guarded process. Dropping it ends the process and everything below it, and waits for that.
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
        // Dropping standard input closes the pipe.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
