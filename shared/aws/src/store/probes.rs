//! Test sends and handshakes: single requests to a receiver that a caller waits for, stored for a day.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::Table;
use super::table::{Row, text};
use crate::client::Aws;
use domain::foundation::id::{EventId, ProjectId};
use domain::webhooks::handshake::Handshake;
use domain::webhooks::test_send::{RETENTION, TestSend};

/// A single request to a receiver. Its field `state` is `pending` until it has a result.
pub trait Probe: Clone + Serialize + DeserializeOwned {
    /// Prefix of the row's sort key.
    const KIND: &str;

    /// Id of the request.
    fn id(&self) -> EventId;
}

impl Probe for TestSend {
    const KIND: &str = "test";

    fn id(&self) -> EventId {
        self.id
    }
}

impl Probe for Handshake {
    const KIND: &str = "handshake";

    fn id(&self) -> EventId {
        self.id
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProbeRow<P> {
    #[serde(flatten)]
    probe: P,
    expires_at: i64,
}

fn row<P: Probe>(project: ProjectId, probe: &P) -> Row<ProbeRow<P>> {
    let content = ProbeRow { probe: probe.clone(), expires_at: probe.id().created_at().plus(RETENTION).as_seconds() };
    let (pk, sk) = keys::probe_row(project, P::KIND, probe.id());
    Row { pk, sk, content }
}

/// Requests of one kind, and their results.
#[derive(Debug, Clone)]
pub struct ProbeStore<P> {
    table: Table,
    kind: PhantomData<P>,
}

impl<P: Probe> ProbeStore<P> {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()), kind: PhantomData }
    }

    /// Stores a new request. Storing it again changes nothing, even if it has a result.
    pub async fn put(&self, project: ProjectId, probe: &P) -> Result<(), StoreError> {
        self.table.insert(&row(project, probe)).await.map(drop)
    }

    /// Returns a request (strongly consistent).
    pub async fn get(&self, project: ProjectId, id: EventId) -> Result<Option<P>, StoreError> {
        let (pk, sk) = keys::probe_row(project, P::KIND, id);
        let row: Option<ProbeRow<P>> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map(|row| row.probe))
    }

    /// Records the result of a request. [`WriteOutcome::Conflict`] if a result was recorded already.
    pub async fn end(&self, project: ProjectId, probe: &P) -> Result<WriteOutcome, StoreError> {
        let call = self.table.putting(&row(project, probe))?.condition_expression("#state = :pending");
        let call = call.expression_attribute_names("#state", "state");
        self.table.put_if(call.expression_attribute_values(":pending", text("pending"))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::id::EndpointId;
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use domain::webhooks::attempt::{Attempt, Phases};
    use domain::webhooks::event::EventType;
    use domain::webhooks::test_send::{NewTestSend, NotSentReason, SentRequest, TestState};

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn the_result_of_a_test_is_recorded_once() {
        let (store, project) = (Database::start().await, ProjectId::new(now(), &SystemRandom));
        let new = NewTestSend { event_type: EventType::Approved };
        let pending = new.start(EventId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
        let phases = Phases { dns_ms: Some(1), ..Phases::default() };
        let attempt =
            Attempt { number: 1, at: now(), duration_ms: 9, phases, status: Some(204), reason: None, response: None };
        let done = TestState::Done { attempt, request: SentRequest::of(&http::HeaderMap::new(), b"{}") };
        let done = pending.clone().ended(done);
        let not_sent = TestState::NotSent { not_sent_reason: NotSentReason::OurFault };

        assert_eq!(store.test_sends.end(project, &done).await.unwrap(), WriteOutcome::Conflict);
        store.test_sends.put(project, &pending).await.unwrap();
        assert_eq!(store.test_sends.get(project, pending.id).await.unwrap(), Some(pending.clone()));
        assert_eq!(store.test_sends.end(project, &done).await.unwrap(), WriteOutcome::Applied);
        let again = store.test_sends.end(project, &pending.ended(not_sent)).await.unwrap();
        assert_eq!(again, WriteOutcome::Conflict);
        assert_eq!(store.test_sends.get(project, done.id).await.unwrap(), Some(done));
    }
}
