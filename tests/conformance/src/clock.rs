//! The clock of this machine.

use std::time::SystemTime;

/// The current time.
#[expect(clippy::disallowed_methods, reason = "this program compares timestamps with the clock, and only here")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Whole seconds since 1970.
pub(crate) fn unix_seconds() -> i64 {
    let since = now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
