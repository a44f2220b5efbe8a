//! Test sends, kept for a day.

use serde::{Deserialize, Serialize};

use super::table::{Row, text};
use super::{Activity, StoreError, Written};
use crate::id::{EventId, ProjectId};
use crate::test_send::{KEPT, TestSend};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestRow {
    #[serde(flatten)]
    test: TestSend,
    expires_at: i64,
}

fn partition(project: ProjectId) -> String {
    format!("{project}#tests")
}

fn sort_key(id: EventId) -> String {
    format!("test#{id}")
}

fn row(project: ProjectId, test: &TestSend) -> Row<TestRow> {
    let content = TestRow { test: test.clone(), expires_at: test.id.made_at().plus(KEPT).as_seconds() };
    Row { pk: partition(project), sk: sort_key(test.id), content }
}

impl Activity {
    /// Stores a new test, which is still to be sent. Storing it again changes nothing, whatever has come of it.
    pub async fn put_test_send(&self, project: ProjectId, test: &TestSend) -> Result<(), StoreError> {
        let call = self.table.putting(&row(project, test))?.condition_expression("attribute_not_exists(pk)");
        self.table.put_if(call).await.map(drop)
    }

    /// A test as it is now, if the project has one with this id.
    pub async fn test_send(&self, project: ProjectId, id: EventId) -> Result<Option<TestSend>, StoreError> {
        let row: Option<TestRow> = self.table.get_now(&partition(project), &sort_key(id)).await?;
        Ok(row.map(|row| row.test))
    }

    /// Records what came of a test, once: [`Written::Before`] if that was recorded already.
    pub async fn end_test_send(&self, project: ProjectId, test: &TestSend) -> Result<Written, StoreError> {
        let call = self.table.putting(&row(project, test))?.condition_expression("#state = :pending");
        let call = call.expression_attribute_names("#state", "state");
        self.table.put_if(call.expression_attribute_values(":pending", text("pending"))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::store::testing::Database;
    use crate::delivery::{Attempt, Phases};
    use crate::event::EventType;
    use crate::id::EndpointId;
    use crate::random::SystemRandom;
    use crate::test_send::{NewTestSend, NotSentReason, SentRequest, TestState};
    use crate::time::Timestamp;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn what_came_of_a_test_is_recorded_once_and_read_back() {
        let (store, project) = (Database::start().await, ProjectId::new(now(), &SystemRandom));
        let new = NewTestSend { event_type: EventType::Approved };
        let pending = new.start(EventId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
        let phases = Phases { dns_ms: Some(1), ..Phases::default() };
        let attempt =
            Attempt { number: 1, at: now(), duration_ms: 9, phases, status: Some(204), reason: None, response: None };
        let done = TestState::Done { attempt, request: SentRequest::of(&http::HeaderMap::new(), b"{}") };
        let done = pending.clone().ended(done);
        let not_sent = TestState::NotSent { not_sent_because: NotSentReason::OurFault };

        assert_eq!(store.activity.end_test_send(project, &done).await.unwrap(), Written::Before);
        store.activity.put_test_send(project, &pending).await.unwrap();
        assert_eq!(store.activity.test_send(project, pending.id).await.unwrap(), Some(pending.clone()));
        assert_eq!(store.activity.end_test_send(project, &done).await.unwrap(), Written::Now);
        let again = store.activity.end_test_send(project, &pending.ended(not_sent)).await.unwrap();
        assert_eq!(again, Written::Before);
        assert_eq!(store.activity.test_send(project, done.id).await.unwrap(), Some(done));
    }
}
