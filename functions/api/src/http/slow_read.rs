//! Reads that take seconds: reports, and dry runs of replays. They run in the function that accepts events, so a project can run
//! only one at a time, and each counts as several calls of its API key.

use aws::lambda::telemetry;
use domain::foundation::random;
use tracing::warn;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::caller::Caller;

/// Number of calls that a slow call counts as.
const WEIGHT: u32 = 10;

impl<S> Caller<S> {
    /// Counts the running call as [`WEIGHT`] calls of its API key. Authentication has counted one.
    pub(crate) async fn charge_slow(&self, app: &App) {
        self.charge(app, WEIGHT - 1).await;
    }
}

impl App {
    /// Runs a slow read of the caller's project. Fails if another one is running.
    pub(crate) async fn read_slowly<S, T>(
        &self,
        caller: &Caller<S>,
        read: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        caller.charge_slow(self).await;
        let holder = random::letters_and_digits(22, &*self.random);
        let lease = self.store.quotas.begin_slow_read(caller.project_id, holder, self.clock.now()).await?;
        let lease = lease.ok_or(ApiError::SlowReadRunning)?;
        let result = read.await;
        // The lease expires within seconds, so this failure does not fail the request.
        if let Err(error) = self.store.quotas.end_slow_read(lease).await {
            warn!(
                project.id = %caller.project_id,
                cause = telemetry::chain(&error),
                "lease of the slow read of project {} was not released", caller.project_id
            );
        }
        result
    }
}
