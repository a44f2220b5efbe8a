//! Erasure of a submission: removes the data of its events and what receivers answered.
//!
//! The event's data goes first, then the contents of its deliveries. The row of the submission notes the erased events last, so that
//! the next call completes an interrupted one.

use serde::Deserialize;

use super::error::StoreError;
use super::events::EventStore;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::text;
use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{EventType, SubmissionId};

/// Maximum number of tries for a delivery that keeps changing while it is erased.
const TRIES: usize = 5;

/// The result of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Number of erased events.
    pub events: usize,
    /// Number of deliveries of these events.
    pub deliveries: usize,
    /// Whether more events remain to be erased.
    pub has_more: bool,
}

/// The attributes of an event that erasing needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remains {
    #[serde(rename = "type")]
    event_type: EventType,
    submission_id: Option<SubmissionId>,
    endpoints: Vec<EndpointId>,
}

impl EventStore {
    /// Erases up to `limit` events of a submission with their deliveries. An event that is accepted during the call and has an
    /// earlier time is erased by the call that accepts it.
    pub async fn erase_submission(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        limit: usize,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let pk = keys::submission(project, submission);
        // Before the events are read: an event that is numbered after this write is erased, one that is numbered before it is read.
        self.note_erasure(&pk, now).await?;
        let found = self.submission(project, submission).await?;
        let mut erased = Erased { has_more: found.left().count() > limit, ..Erased::default() };
        let mut through = None;
        for (event, sequence) in found.left().take(limit) {
            through = Some(sequence);
            // The row of an event expires before that of its submission. Such an event is not counted.
            let Some(deliveries) = self.erase_event(project, event, now).await? else { continue };
            erased.deliveries += deliveries;
            erased.events += 1;
        }
        if let Some(through) = through {
            self.note_erased(&pk, through).await?;
        }
        Ok(erased)
    }

    /// Erases one event. Returns the number of its deliveries, or `None` if the event is no longer stored.
    pub(super) async fn erase_event(
        &self,
        project: ProjectId,
        id: EventId,
        now: Timestamp,
    ) -> Result<Option<usize>, StoreError> {
        let (pk, sk) = keys::event_row(project, id);
        let marking = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET erasedAt = if_not_exists(erasedAt, :now) REMOVE #data")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":now", text(now.to_string()));
        if self.table.update_if(marking).await? == WriteOutcome::Conflict {
            return Ok(None);
        }
        let Some(remains) = self.table.get_now::<Remains>(&pk, &sk).await? else { return Ok(None) };
        for endpoint in &remains.endpoints {
            self.erase_delivery(project, DeliveryId { event: id, endpoint: *endpoint }, &remains, now).await?;
        }
        Ok(Some(remains.endpoints.len()))
    }

    /// Removes the contents of a delivery and keeps the fact that it was made. A delivery without a row is stored as
    /// cancelled, so that a message that still carries the event is dropped.
    async fn erase_delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
        remains: &Remains,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let known = self.deliveries.recorded_now(project, id).await?;
            let delivery = known.clone().unwrap_or_else(|| {
                Delivery::unattempted(project, id, remains.event_type, remains.submission_id.clone())
            });
            if self.deliveries.record_erased(known.as_ref(), &delivery.erased(now)).await? == WriteOutcome::Applied {
                return Ok(());
            }
        }
        Err(StoreError::Overloaded)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::draft::Draft;
    use domain::foundation::id::ReplayId;
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
    use domain::webhooks::delivery::{DeliveryState, ReplayOutcome, Replayed};
    use domain::webhooks::event::{Event, NewEvent};

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn attempt(reason: Option<FailureReason>) -> Attempt {
        let response = Some("Hong Gildong is unknown here".to_owned());
        Attempt { number: 1, at: now(), duration_ms: 9, phases: Phases::default(), status: Some(500), reason, response }
    }

    /// An event of the submission for three endpoints: delivered, failed once, not attempted.
    async fn stored(store: &Database, project: ProjectId, submission: &str) -> (Event, Vec<Delivery>) {
        let body = format!(r#"{{"type":"approved","submissionId":"{submission}","data":{{"name":"Hong Gildong"}}}}"#);
        let new = NewEvent::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let event = new.accept(EventId::new(now(), &SystemRandom), project);
        let endpoints = [(); 3].map(|()| EndpointId::new(now(), &SystemRandom));
        let event = store.accept(&event, &endpoints).await;
        let deliveries = endpoints.map(|endpoint| Delivery::queued(&event, endpoint));
        let [taken, failed, untried] = deliveries;
        let taken = taken.after(attempt(None), None);
        let failed = failed.after(attempt(Some(FailureReason::Status)), Some(Duration::from_hours(1)));
        store.deliveries.record(&taken, None).await.unwrap();
        store.deliveries.record(&failed, failed.next_attempt_at).await.unwrap();
        (event, vec![taken, failed, untried])
    }

    fn submission(text: &str) -> SubmissionId {
        SubmissionId::try_from(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn data_and_answers_are_erased_and_the_deliveries_stay() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (event, deliveries) = stored(&store, project, "sub-1").await;
        let (other, _) = stored(&store, project, "sub-2").await;
        let erase = async || store.events.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();

        assert_eq!(erase().await, Erased { events: 1, deliveries: 3, has_more: false });
        assert_eq!(store.events.get(project, event.id).await.unwrap(), None);
        let left = store.events.deliveries_of(project, event.id).await.unwrap().unwrap();
        let by_id = |id| left.iter().find(|delivery| delivery.id == id).unwrap().clone();
        let states: Vec<DeliveryState> = deliveries.iter().map(|delivery| by_id(delivery.id).state).collect();
        assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Cancelled, DeliveryState::Cancelled]);
        let kept = by_id(deliveries[1].id);
        assert_eq!((kept.attempts[0].status, kept.attempts[0].response.clone()), (Some(500), None));
        assert!(left.iter().all(|delivery| delivery.erased_at == Some(now())));

        assert_eq!(erase().await, Erased::default());
        assert!(store.events.get(project, other.id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn an_attempt_or_replay_in_flight_does_not_restore_erased_data() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (_, deliveries) = stored(&store, project, "sub-1").await;
        store.events.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();

        let late = deliveries[2].clone().after(attempt(None), None);
        assert_eq!(store.deliveries.record(&late, None).await.unwrap(), WriteOutcome::Conflict);
        let replay_id = ReplayId::new(now(), &SystemRandom);
        let replayed = Replayed { replay_id, outcome: ReplayOutcome::Sent(attempt(None)) };
        let (recorded, written) = store.deliveries.add_replay(deliveries[0].clone(), &replayed, false).await.unwrap();
        let ReplayOutcome::Sent(sent) = &recorded.unwrap().replays[0].outcome else { panic!("it was sent") };
        assert_eq!((written, sent.status, sent.response.clone()), (WriteOutcome::Applied, Some(500), None));
    }

    #[tokio::test]
    async fn many_events_are_erased_in_several_calls_and_only_in_their_project() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        for _ in 0..3 {
            stored(&store, project, "sub-1").await;
        }
        let erase = async || store.events.erase_submission(project, &submission("sub-1"), 2, now()).await.unwrap();
        assert_eq!(erase().await, Erased { events: 2, deliveries: 6, has_more: true });
        assert_eq!(erase().await, Erased { events: 1, deliveries: 3, has_more: false });
        let elsewhere = ProjectId::new(now(), &SystemRandom);
        let foreign = store.events.erase_submission(elsewhere, &submission("sub-1"), 2, now()).await.unwrap();
        assert_eq!(foreign, Erased::default());
    }

    #[tokio::test]
    async fn an_erased_event_that_is_stored_again_keeps_its_endpoints() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (event, deliveries) = stored(&store, project, "sub-1").await;
        store.events.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();
        let later = [EndpointId::new(now(), &SystemRandom)];
        let goes_to = store.events.put(&event, &later).await.unwrap();
        let went_to = deliveries.iter().map(|delivery| delivery.id.endpoint).collect();
        assert_eq!(goes_to, (WriteOutcome::Conflict, went_to));
    }

    #[tokio::test]
    async fn an_interrupted_erasure_is_completed_by_the_next_call() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (event, deliveries) = stored(&store, project, "sub-1").await;
        let (pk, sk) = keys::event_row(project, event.id);
        let marking = store
            .events
            .table
            .updating(&pk, &sk)
            .update_expression("SET erasedAt = :now REMOVE #data")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":now", text(now().to_string()));
        store.events.table.update_if(marking).await.unwrap();
        let known = store.deliveries.recorded_now(project, deliveries[0].id).await.unwrap();
        store.deliveries.record_erased(known.as_ref(), &known.clone().unwrap().erased(now())).await.unwrap();
        let erased = store.events.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();
        assert_eq!(erased, Erased { events: 1, deliveries: 3, has_more: false });
        for delivery in store.events.deliveries_of(project, event.id).await.unwrap().unwrap() {
            assert!(delivery.state.is_final() && delivery.attempts.iter().all(|attempt| attempt.response.is_none()));
        }
    }

    #[tokio::test]
    async fn a_second_attempt_or_a_hold_in_flight_does_not_restore_erased_data() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (_, deliveries) = stored(&store, project, "sub-1").await;
        let due = store.deliveries.recorded_now(project, deliveries[1].id).await.unwrap().unwrap();
        store.events.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();
        let mut second = attempt(None);
        second.number = 2;
        let late = due.after(second, None);
        assert_eq!(store.deliveries.record(&late, None).await.unwrap(), WriteOutcome::Conflict);
        let held = deliveries[1].clone().held(domain::webhooks::health::HoldReason::Paused);
        assert_eq!(store.deliveries.record_held(&held, now()).await.unwrap(), WriteOutcome::Conflict);
        let left = store.deliveries.recorded_now(project, deliveries[1].id).await.unwrap().unwrap();
        assert_eq!((left.state, left.attempts[0].response.clone()), (DeliveryState::Cancelled, None));
    }
}
