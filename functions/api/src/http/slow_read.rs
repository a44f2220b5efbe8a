//! Reads that take seconds: reports, and dry runs of replays. They run in the function that accepts events, so a project can run
//! only one at a time, and each counts as several calls.

use aws::lambda::telemetry;
use domain::foundation::random;
use tracing::warn;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::caller::Caller;

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
