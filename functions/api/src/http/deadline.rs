//! When Lambda ends the function.

use std::convert::Infallible;
use std::time::Duration;

use aws::lambda::deadline::deadline;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::foundation::time::Timestamp;
use lambda_http::RequestExt;

use crate::app::App;

/// Time that is left for the last reads and the response.
const RESERVE: Duration = Duration::from_secs(4);

/// When a handler must stop waiting. `None` outside of Lambda.
pub(crate) struct WaitDeadline(Option<Timestamp>);

impl WaitDeadline {
    /// The earlier of `end` and this deadline.
    pub(crate) fn limit(&self, end: Timestamp) -> Timestamp {
        self.0.map_or(end, |deadline| deadline.min(end))
    }
}

impl FromRequestParts<App> for WaitDeadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let millis = parts.lambda_context_ref().map(|context| context.deadline);
        Ok(Self(millis.map(|millis| deadline(millis, app.clock.now()).minus(RESERVE))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_before_lambda_ends_the_function() {
        let [at, end, later]: [Timestamp; 3] =
            ["2026-11-22T08:30:00Z", "2026-11-22T08:30:20Z", "2026-11-22T08:30:25Z"].map(|time| time.parse().unwrap());
        for (deadline, expected) in [(None, end), (Some(later), end), (Some(at), at)] {
            assert_eq!(WaitDeadline(deadline).limit(end), expected);
        }
    }
}
