//! Shows progress: one line when a step begins and one when it ends.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Instant;

/// Where progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shows progress on standard error.
    pub fn shown() -> Self {
        Self { is_shown: true }
    }

    /// Shows nothing. Tests use it.
    pub fn silent() -> Self {
        Self { is_shown: false }
    }

    /// Whether progress is shown, so that programs may write to the terminal too.
    pub fn is_shown(self) -> bool {
        self.is_shown
    }

    /// Runs `work`. Shows `name` when it begins, and its duration when it ends.
    pub async fn step<T, E>(self, name: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.tell(format_args!("  {name} …"));
        let start = Instant::now();
        let result = work.await;
        let outcome = if result.is_ok() { "✓" } else { "✗" };
        self.tell(format_args!("{outcome} {name} ({:.1} s)", start.elapsed().as_secs_f64()));
        result
    }

    /// Shows one line.
    pub fn tell(self, line: impl Display) {
        if self.is_shown {
            // A closed standard error must not end the stack.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}
