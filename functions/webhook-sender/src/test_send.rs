//! One test: a webhook with invented content, as the endpoint is set now. Sent once, whether the endpoint takes webhooks or not,
//! and nothing of it is held against the endpoint.

use http::HeaderValue;
use shared::aws::store::Written;
use shared::delivery::TestNudge;
use shared::id::ProjectId;
use shared::sample;
use shared::telemetry;
use shared::test_send::{NotSentReason, SentRequest, TestSend, TestState};
use shared::webhook::{self, WEBHOOK_TEST};
use tracing::warn;

use crate::outcome::{Done, SendError};
use crate::post::Posted;
use crate::{Facts, Sender};

impl Sender {
    /// Sends a test, unless what came of it is recorded. A fault of ours puts it off by seconds, for somebody waits for it; given
    /// back to the queue, it would come again after minutes. When it is too late, the fault is what came of it.
    pub(crate) async fn test(&self, nudge: TestNudge, facts: &Facts) -> Result<Done, SendError> {
        let stored = self.activity.test_send(nudge.project_id, nudge.test_id).await?;
        let Some(test) = stored.filter(TestSend::is_pending) else { return Ok(Done::Stale) };
        if test.is_late(self.clock.now()) {
            let state = TestState::NotSent { not_sent_because: NotSentReason::OurFault };
            return self.end_test(nudge.project_id, test.ended(state)).await;
        }
        let patience = facts.last_start.since(self.clock.now());
        let Some(_slot) = facts.slots.take(nudge.endpoint_id, patience).await else { return self.put_off(nudge).await };
        match self.post_test(nudge.project_id, &test).await {
            Ok(state) => self.end_test(nudge.project_id, test.ended(state)).await,
            Err(error) => {
                warn!(test.id = %test.id, cause = telemetry::chain(&error), "test {} could not be sent", test.id);
                self.put_off(nudge).await
            }
        }
    }

    async fn post_test(&self, project: ProjectId, test: &TestSend) -> Result<TestState, SendError> {
        let Some(target) = self.endpoints.target_now(project, test.endpoint_id, self.clock.now()).await? else {
            return Ok(TestState::NotSent { not_sent_because: NotSentReason::EndpointDeleted });
        };
        let event = sample::event(test.event_type, test.id, project);
        let (body, number, now) = (webhook::body(&target.opened, &event, &*self.random), 1, self.clock.now());
        let mut headers = webhook::headers(&target.opened, event.id, number, now, &body);
        headers.insert(WEBHOOK_TEST, HeaderValue::from_static("true"));
        let request = SentRequest::of(&headers, &body);
        match self.poster.post(&target.url, headers, body, number, now).await {
            Posted::Answered { attempt, .. } => Ok(TestState::Done { attempt, request }),
            Posted::OurFault(fault) => Err(fault.into()),
        }
    }

    async fn end_test(&self, project: ProjectId, test: TestSend) -> Result<Done, SendError> {
        let written = self.activity.end_test_send(project, &test).await?;
        Ok(if written == Written::Now { Done::Tested(test) } else { Done::Stale })
    }
}
