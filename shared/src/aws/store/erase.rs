//! Erasure: what a submission's events said, and what receivers answered, taken out of every row.
//!
//! An event's data goes first, then what its deliveries keep, and last the event leaves the index that finds it. So a call that
//! was cut off is finished by the next one.

use serde::Deserialize;

use super::events::{row_keys, submission_key};
use super::table::{self, text};
use super::{Activity, StoreError, Written};
use crate::delivery::Delivery;
use crate::event::{EventType, SubmissionId};
use crate::id::{DeliveryId, EndpointId, EventId, ProjectId};
use crate::time::Timestamp;

/// How often a delivery is read again that changed while it was being erased.
const TRIES: usize = 5;

/// What a call erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many events.
    pub events: usize,
    /// How many deliveries of theirs.
    pub deliveries: usize,
    /// Whether there are more events to erase.
    pub has_more: bool,
}

/// The keys of an event that the index found.
#[derive(Deserialize)]
struct Found {
    sk: String,
}

/// What erasing an event needs to know of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remains {
    #[serde(rename = "type")]
    event_type: EventType,
    submission_id: Option<SubmissionId>,
    endpoints: Vec<EndpointId>,
}

impl Activity {
    /// Erases up to `at_most` events of a submission, with their deliveries. Events that were published a moment ago may not be
    /// found yet.
    pub async fn erase_submission(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        at_most: usize,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let found = self.events_of(project, submission, at_most + 1).await?;
        let mut erased = Erased { has_more: found.len() > at_most, ..Erased::default() };
        for event in found.into_iter().take(at_most) {
            erased.deliveries += self.erase_event(project, event, now).await?;
            erased.events += 1;
        }
        Ok(erased)
    }

    /// At most `limit` events of a submission that were not erased, in no order.
    pub(super) async fn events_of(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("submission")
            .key_condition_expression("submissionKey = :key")
            .expression_attribute_values(":key", text(submission_key(project, submission)));
        let found: Vec<Found> = table::first(query, limit).await?;
        Ok(found.iter().filter_map(|row| row.sk.split_once('#')?.1.parse().ok()).collect())
    }

    /// Erases one event; answers how many deliveries it has.
    async fn erase_event(&self, project: ProjectId, id: EventId, now: Timestamp) -> Result<usize, StoreError> {
        let (pk, sk) = row_keys(project, id);
        let marking = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET erasedAt = if_not_exists(erasedAt, :now) REMOVE #data")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":now", text(now.to_string()));
        if self.table.update_if(marking).await? == Written::Before {
            return Ok(0);
        }
        let Some(remains) = self.table.get_now::<Remains>(&pk, &sk).await? else { return Ok(0) };
        for endpoint in &remains.endpoints {
            self.erase_delivery(project, DeliveryId { event: id, endpoint: *endpoint }, &remains, now).await?;
        }
        let leaving = self.table.updating(&pk, &sk).update_expression("REMOVE submissionKey");
        self.table.update_if(leaving.condition_expression("attribute_exists(pk)")).await?;
        Ok(remains.endpoints.len())
    }

    /// Leaves of a delivery only that it was made. One that nothing was recorded of is recorded as cancelled, so that the message
    /// that still carries its event leads to nothing.
    async fn erase_delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
        remains: &Remains,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let known = self.recorded_now(project, id).await?;
            let delivery = known.clone().unwrap_or_else(|| {
                Delivery::unattempted(project, id, remains.event_type, remains.submission_id.clone())
            });
            if self.record_erased(known.as_ref(), &delivery.erased(now)).await? == Written::Now {
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
    use crate::aws::store::testing::Database;
    use crate::delivery::{Attempt, DeliveryState, FailureReason, Phases, ReplayOutcome, Replayed};
    use crate::draft::Draft;
    use crate::event::{Event, NewEvent};
    use crate::id::ReplayId;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn attempt(reason: Option<FailureReason>) -> Attempt {
        let response = Some("Hong Gildong is unknown here".to_owned());
        Attempt { number: 1, at: now(), duration_ms: 9, phases: Phases::default(), status: Some(500), reason, response }
    }

    /// An event of the submission for three endpoints: taken, failed once, and never tried.
    async fn stored(store: &Database, project: ProjectId, submission: &str) -> (Event, Vec<Delivery>) {
        let body = format!(r#"{{"type":"approved","submissionId":"{submission}","data":{{"name":"Hong Gildong"}}}}"#);
        let new = NewEvent::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let event = new.accept(EventId::new(now(), &SystemRandom), project);
        let endpoints = [(); 3].map(|()| EndpointId::new(now(), &SystemRandom));
        store.activity.put_event(&event, &endpoints).await.unwrap();
        let deliveries = endpoints.map(|endpoint| Delivery::queued(&event, endpoint));
        let [taken, failed, untried] = deliveries;
        let taken = taken.after(attempt(None), None);
        let failed = failed.after(attempt(Some(FailureReason::Status)), Some(Duration::from_hours(1)));
        store.activity.record(&taken, None).await.unwrap();
        store.activity.record(&failed, failed.next_attempt_at).await.unwrap();
        (event, vec![taken, failed, untried])
    }

    fn submission(text: &str) -> SubmissionId {
        SubmissionId::try_from(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn what_was_said_is_gone_and_that_it_was_said_stays() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (event, deliveries) = stored(&store, project, "sub-1").await;
        let (other, _) = stored(&store, project, "sub-2").await;
        let erase = async || store.activity.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();

        assert_eq!(erase().await, Erased { events: 1, deliveries: 3, has_more: false });
        assert_eq!(store.activity.event(project, event.id).await.unwrap(), None);
        let left = store.activity.deliveries_of(project, event.id).await.unwrap().unwrap();
        let by_id = |id| left.iter().find(|delivery| delivery.id == id).unwrap().clone();
        let states: Vec<DeliveryState> = deliveries.iter().map(|delivery| by_id(delivery.id).state).collect();
        assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Cancelled, DeliveryState::Cancelled]);
        let kept = by_id(deliveries[1].id);
        assert_eq!((kept.attempts[0].status, kept.attempts[0].response.clone()), (Some(500), None));
        assert!(left.iter().all(|delivery| delivery.erased_at == Some(now())));

        assert_eq!(erase().await, Erased::default());
        assert!(store.activity.event(project, other.id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn an_attempt_or_replay_under_way_brings_nothing_back() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (_, deliveries) = stored(&store, project, "sub-1").await;
        store.activity.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();

        let late = deliveries[2].clone().after(attempt(None), None);
        assert_eq!(store.activity.record(&late, None).await.unwrap(), Written::Before);
        let replay_id = ReplayId::new(now(), &SystemRandom);
        let replayed = Replayed { replay_id, outcome: ReplayOutcome::Sent(attempt(None)) };
        let (recorded, written) = store.activity.add_replay(deliveries[0].clone(), &replayed, false).await.unwrap();
        let ReplayOutcome::Sent(sent) = &recorded.unwrap().replays[0].outcome else { panic!("it was sent") };
        assert_eq!((written, sent.status, sent.response.clone()), (Written::Now, Some(500), None));
    }

    #[tokio::test]
    async fn many_events_are_erased_call_by_call_in_one_project() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        for _ in 0..3 {
            stored(&store, project, "sub-1").await;
        }
        let erase = async || store.activity.erase_submission(project, &submission("sub-1"), 2, now()).await.unwrap();
        assert_eq!(erase().await, Erased { events: 2, deliveries: 6, has_more: true });
        assert_eq!(erase().await, Erased { events: 1, deliveries: 3, has_more: false });
        let elsewhere = ProjectId::new(now(), &SystemRandom);
        let foreign = store.activity.erase_submission(elsewhere, &submission("sub-1"), 2, now()).await.unwrap();
        assert_eq!(foreign, Erased::default());
    }

    #[tokio::test]
    async fn an_erased_event_that_is_stored_again_goes_where_it_went() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (event, deliveries) = stored(&store, project, "sub-1").await;
        store.activity.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();
        let later = [EndpointId::new(now(), &SystemRandom)];
        let goes_to = store.activity.put_event(&event, &later).await.unwrap();
        let went_to = deliveries.iter().map(|delivery| delivery.id.endpoint).collect();
        assert_eq!(goes_to, (Written::Before, went_to));
    }

    #[tokio::test]
    async fn a_call_that_was_cut_off_half_way_is_finished() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (event, deliveries) = stored(&store, project, "sub-1").await;
        let (pk, sk) = row_keys(project, event.id);
        let marking = store
            .activity
            .table
            .updating(&pk, &sk)
            .update_expression("SET erasedAt = :now REMOVE #data")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":now", text(now().to_string()));
        store.activity.table.update_if(marking).await.unwrap();
        let known = store.activity.recorded_now(project, deliveries[0].id).await.unwrap();
        store.activity.record_erased(known.as_ref(), &known.clone().unwrap().erased(now())).await.unwrap();
        let erased = store.activity.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();
        assert_eq!(erased, Erased { events: 1, deliveries: 3, has_more: false });
        for delivery in store.activity.deliveries_of(project, event.id).await.unwrap().unwrap() {
            assert!(delivery.state.is_final() && delivery.attempts.iter().all(|attempt| attempt.response.is_none()));
        }
    }

    #[tokio::test]
    async fn a_second_attempt_or_a_hold_under_way_brings_nothing_back() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let (_, deliveries) = stored(&store, project, "sub-1").await;
        let due = store.activity.recorded_now(project, deliveries[1].id).await.unwrap().unwrap();
        store.activity.erase_submission(project, &submission("sub-1"), 10, now()).await.unwrap();
        let mut second = attempt(None);
        second.number = 2;
        let late = due.after(second, None);
        assert_eq!(store.activity.record(&late, None).await.unwrap(), Written::Before);
        let held = deliveries[1].clone().held(crate::delivery::HoldReason::Paused);
        assert_eq!(store.activity.record_held(&held, now()).await.unwrap(), Written::Before);
        let left = store.activity.recorded_now(project, deliveries[1].id).await.unwrap().unwrap();
        assert_eq!((left.state, left.attempts[0].response.clone()), (DeliveryState::Cancelled, None));
    }
}
