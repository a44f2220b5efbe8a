//! Tells what is going on, one line when a step begins and one when it is done.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Instant;

/// Where progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    is_shown: bool,
}

impl Progress {
    /// On standard error.
    pub fn shown() -> Self {
        Self { is_shown: true }
    }

    /// Nowhere.
    pub fn silent() -> Self {
        Self { is_shown: false }
    }

    /// Whether anybody reads along.
    pub fn is_shown(self) -> bool {
        self.is_shown
    }

    /// Does `work`, and tells its name before and how long it took after.
    pub async fn step<T, E>(self, name: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.tell(format_args!("  {name} …"));
        let start = Instant::now();
        let result = work.await;
        let outcome = if result.is_ok() { "✓" } else { "✗" };
        self.tell(format_args!("{outcome} {name} ({:.1} s)", start.elapsed().as_secs_f64()));
        result
    }

    /// Tells one line.
    pub fn tell(self, line: impl Display) {
        if self.is_shown {
            // Nobody reads it any more? Then there is nobody to tell so, either.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}
