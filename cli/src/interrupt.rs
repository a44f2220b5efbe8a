//! Ctrl-C, and the signal that ends a process in a pipeline.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Requests to end the command. They no longer end the process, and are kept until [`Interrupts::next`] returns them.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Listens for requests to end the command.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next request, which may have come already.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
