//! What commands that keep running do while the API cannot be reached: they wait, longer each time, and say so once.

use std::time::Duration;

use domain::foundation::error_chain::chain;
use indicatif::ProgressBar;

use crate::api::ApiError;
use crate::output;

/// First pause after a lost connection. It doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Whether the last calls reached the API.
#[derive(Debug)]
pub(crate) struct Connection {
    failures: u32,
    bar: ProgressBar,
}

impl Default for Connection {
    fn default() -> Self {
        Self::with_bar(ProgressBar::hidden())
    }
}

impl Connection {
    /// The connection of a command that shows this bar.
    pub(crate) fn with_bar(bar: ProgressBar) -> Self {
        Self { failures: 0, bar }
    }

    /// Waits before the next call. Returns the error if waiting cannot help.
    pub(crate) async fn lost(&mut self, error: ApiError) -> Result<(), ApiError> {
        if !error.is_temporary() {
            return Err(error);
        }
        if self.failures == 0 {
            self.say(&format!("connection lost: {}; trying again", chain(&error)));
        }
        tokio::time::sleep(pause(self.failures)).await;
        self.failures += 1;
        Ok(())
    }

    /// A call was answered.
    pub(crate) fn works(&mut self) {
        if self.failures > 0 {
            self.say("connected again");
        }
        self.failures = 0;
    }

    /// Writes a message above the bar.
    fn say(&self, message: &str) {
        self.bar.suspend(|| output::write_message(message));
    }
}

/// The pause after this many failures before.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::api::Problem;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let pauses: Vec<u64> = [0, 1, 2, 3, 4, 5, 100].map(|failures| pause(failures).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[tokio::test]
    async fn a_rejected_call_is_not_repeated() {
        let rejected = |status| ApiError::Refused { status, problem: Problem::default() };
        let mut connection = Connection::default();
        assert!(connection.lost(rejected(StatusCode::FORBIDDEN)).await.is_err());
        assert_eq!(connection.failures, 0);
        assert!(connection.lost(rejected(StatusCode::INTERNAL_SERVER_ERROR)).await.is_ok());
        assert_eq!(connection.failures, 1);
        connection.works();
        assert_eq!(connection.failures, 0);
    }
}
