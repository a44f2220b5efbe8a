//! One handshake task: asks a receiver whether it wants webhooks. A handshake is made once, even if the endpoint is paused or
//! disabled, and does not change the endpoint's health. The API stores a grant in the endpoint.

use aws::lambda::telemetry;
use aws::store::WriteOutcome;
use domain::foundation::id::ProjectId;
use domain::webhooks::delivery::HandshakeTask;
use domain::webhooks::handshake::{GrantHeaders, Handshake};
use domain::webhooks::request;
use tracing::warn;

use crate::outcome::{Outcome, SendError};
use crate::sender::{BatchContext, Sender};

impl Sender {
    /// Asks the receiver unless its answer is already recorded, or the caller no longer waits.
    ///
    /// After a fault on our side, the handshake is retried within seconds, because a caller is waiting; a message that returns to the
    /// queue would arrive only after minutes.
    pub(crate) async fn handle_handshake(
        &self,
        task: HandshakeTask,
        batch: &BatchContext,
    ) -> Result<Outcome, SendError> {
        let (project, id, now) = (task.project_id, task.handshake_id, self.clock.now());
        let stored = self.store.handshakes.get(project, id).await?;
        let asked = stored.filter(|handshake| handshake.is_pending() && !handshake.is_late(now));
        let Some(handshake) = asked else { return Ok(Outcome::Stale) };
        let _slot = match self.take_slot(batch, task.endpoint_id).await {
            Ok(slot) => slot,
            Err(reason) => return self.leave(task, reason, batch).await,
        };
        match self.ask(project, handshake).await {
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                warn!(handshake.id = %id, cause = telemetry::chain(&error), "handshake {id} could not be made");
                self.defer(task, batch).await
            }
        }
    }

    async fn ask(&self, project: ProjectId, handshake: Handshake) -> Result<Outcome, SendError> {
        // Not from the cache: the caller may have changed the endpoint a moment ago.
        let target = self.endpoints.target_now(project, handshake.endpoint_id, self.clock.now()).await?;
        let Some(target) = target.filter(|target| target.url == *handshake.url.as_url()) else {
            return Ok(Outcome::Stale);
        };
        let origin = &self.config.origin;
        let headers = request::handshake_headers(&target.secrets, origin, handshake.requested_rate);
        let completed = self.handshake(&target, headers, self.clock.now()).await?;
        let grant = GrantHeaders { allowed_origin: completed.allowed_origin, allowed_rate: completed.allowed_rate };
        let origin = origin.to_str().unwrap_or_default();
        let answered = handshake.answered(origin, completed.attempt, grant);
        let written = self.store.handshakes.end(project, &answered).await?;
        Ok(if written == WriteOutcome::Applied { Outcome::HandshakeMade(answered) } else { Outcome::Stale })
    }
}
