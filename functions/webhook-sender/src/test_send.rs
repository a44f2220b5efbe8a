//! One test task: sends a webhook with sample data, with the endpoint's current settings. A test is sent once, even if the
//! endpoint is paused or disabled, and does not change the endpoint's health.

use aws::lambda::telemetry;
use aws::store::WriteOutcome;
use domain::foundation::id::ProjectId;
use domain::webhooks::delivery::TestTask;
use domain::webhooks::endpoint::SendingState;
use domain::webhooks::request::{self, WEBHOOK_TEST};
use domain::webhooks::sample;
use domain::webhooks::test_send::{NotSentReason, SentRequest, TestSend, TestState};
use http::HeaderValue;
use tracing::warn;

use crate::outcome::{Outcome, SendError};
use crate::post::Webhook;
use crate::sender::{BatchContext, Sender};

impl Sender {
    /// Sends a test unless its result is already recorded.
    ///
    /// After a fault on our side, the test is retried within seconds, because a caller is waiting; a message that returns to
    /// the queue would arrive only after minutes. After [`MAX_WAIT`](domain::webhooks::test_send::MAX_WAIT), the fault is
    /// recorded as the result.
    pub(crate) async fn handle_test(&self, task: TestTask, batch: &BatchContext) -> Result<Outcome, SendError> {
        let stored = self.store.test_sends.get(task.project_id, task.test_id).await?;
        let Some(test) = stored.filter(TestSend::is_pending) else { return Ok(Outcome::Stale) };
        if test.is_late(self.clock.now()) {
            let state = TestState::NotSent { not_sent_reason: NotSentReason::OurFault };
            return self.end_test(task.project_id, test.ended(state)).await;
        }
        let _slot = match self.take_slot(batch, task.endpoint_id).await {
            Ok(slot) => slot,
            Err(reason) => return self.leave(task, reason, batch).await,
        };
        match self.post_test(task.project_id, &test, batch).await {
            Ok(state) => self.end_test(task.project_id, test.ended(state)).await,
            Err(error) => {
                warn!(test.id = %test.id, cause = telemetry::chain(&error), "test {} could not be sent", test.id);
                self.defer(task, batch).await
            }
        }
    }

    async fn post_test(
        &self,
        project: ProjectId,
        test: &TestSend,
        batch: &BatchContext,
    ) -> Result<TestState, SendError> {
        let Some(target) = self.endpoints.target_now(project, test.endpoint_id, self.clock.now()).await? else {
            return Ok(TestState::NotSent { not_sent_reason: NotSentReason::EndpointDeleted });
        };
        if target.state == SendingState::Unverified {
            return Ok(TestState::NotSent { not_sent_reason: NotSentReason::EndpointUnverified });
        }
        let event = sample::event(test.event_type, test.id, project);
        let (body, number, at) = (request::body(&target.secrets, &event, &*self.random), 1, self.clock.now());
        let mut headers = request::headers(&target.secrets, &event, number, at, &body);
        headers.insert(WEBHOOK_TEST, HeaderValue::from_static("true"));
        let request = SentRequest::of(&headers, &body);
        let webhook = Webhook { headers, body, number, at };
        let completed = self.post(test.endpoint_id, &target, webhook, batch).await?;
        Ok(TestState::Done { attempt: completed.attempt, request })
    }

    async fn end_test(&self, project: ProjectId, test: TestSend) -> Result<Outcome, SendError> {
        let written = self.store.test_sends.end(project, &test).await?;
        Ok(if written == WriteOutcome::Applied { Outcome::Tested(test) } else { Outcome::Stale })
    }
}
