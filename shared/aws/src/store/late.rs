//! Late deliveries by day: one row in a partition of each later day on which a delivery was attempted or ended.
//!
//! The row only names the delivery. It is written before the delivery's own row and may be written again, so a crash between
//! the two leaves a row about something that did not happen. Readers therefore read the delivery itself and ask it what
//! happened on the day. That costs one write unit, where a transaction would double the price of the whole delivery.
//! A delivery that ends on the day of its event, as nearly all do, needs no row.

use serde::{Deserialize, Serialize};

use super::deliveries::DeliveryStore;
use super::error::StoreError;
use super::keys;
use super::table::Row;
use domain::foundation::id::{DeliveryId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::delivery::{Delivery, day_of};

/// The content of the row. It expires with the other rows of its day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LateRow {
    pub(super) id: DeliveryId,
    expires_at: i64,
}

impl DeliveryStore {
    /// Makes the report of a later day than the event's find `delivery`, if it was last attempted or ended on that day. Call
    /// this before the delivery's row is written, as the methods that record deliveries do. Repeating it changes nothing.
    pub async fn note_late(&self, delivery: &Delivery) -> Result<(), StoreError> {
        for row in self.late_rows(delivery) {
            self.table.put(&row).await?;
        }
        Ok(())
    }

    /// Does what [`Self::note_late`] does for a delivery that ends at `at`, for callers that know only its id.
    pub async fn note_late_end(&self, project: ProjectId, id: DeliveryId, at: Timestamp) -> Result<(), StoreError> {
        let day = day_of(id, at);
        if day == id.event.day() { Ok(()) } else { self.table.put(&self.late_row_on(project, id, day)).await }
    }

    /// Does what [`Self::note_late`] does for each of `deliveries`, at most `MAX_STATEMENTS`, with at most one call. Returns for
    /// which of them this certainly succeeded.
    pub(super) async fn note_late_together(&self, deliveries: &[&Delivery]) -> Vec<bool> {
        let rows: Vec<Vec<Row<LateRow>>> = deliveries.iter().map(|delivery| self.late_rows(delivery)).collect();
        let single: Vec<Row<LateRow>> = rows.iter().filter(|rows| rows.len() == 1).flatten().cloned().collect();
        let mut written = self.table.insert_all(&single).await.into_iter();
        let is_noted = |rows: &Vec<Row<LateRow>>| match rows.len() {
            0 => true,
            1 => written.next() == Some(true),
            _ => false,
        };
        rows.iter().map(is_noted).collect()
    }

    fn late_rows(&self, delivery: &Delivery) -> Vec<Row<LateRow>> {
        let days = delivery.late_days().into_iter();
        days.map(|day| self.late_row_on(delivery.project_id, delivery.id, day)).collect()
    }

    fn late_row_on(&self, project: ProjectId, id: DeliveryId, day: UtcDay) -> Row<LateRow> {
        let expires_at = self.retention.expiry_of(day.start());
        let (pk, sk) = keys::late_row(project, day, id);
        Row { pk, sk, content: LateRow { id, expires_at } }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::outcome::WriteOutcome;
    use crate::store::testing::{ACTIVITY, Database};
    use domain::foundation::id::{EndpointId, EventId, ReplayId};
    use domain::foundation::random::SystemRandom;
    use domain::reports::report::{Endpoints, Report, ReportView, Slice, SliceReader};
    use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
    use domain::webhooks::delivery::{ReplayOutcome, Replayed};
    use domain::webhooks::event::{Event, EventData, EventType, SubmissionId};

    const FAILED: Option<FailureReason> = Some(FailureReason::Status);

    fn noon() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn day_before(hours: u64) -> Timestamp {
        noon().minus(Duration::from_hours(24 + hours))
    }

    fn attempt(number: u8, at: Timestamp, reason: Option<FailureReason>) -> Attempt {
        Attempt { number, at, duration_ms: 9, phases: Phases::default(), status: Some(200), reason, response: None }
    }

    /// Stores an event that was accepted at this time, and returns its delivery.
    async fn delivery(store: &Database, project: ProjectId, accepted_at: Timestamp) -> Delivery {
        let event = Event {
            id: EventId::new(accepted_at, &SystemRandom),
            project_id: project,
            event_type: EventType::Aml,
            submission_id: Some(SubmissionId::try_from("sub-1".to_owned()).unwrap()),
            sequence: None,
            occurred_at: accepted_at,
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        let endpoint = EndpointId::new(accepted_at, &SystemRandom);
        Delivery::queued(&store.accept(&event, &[endpoint]).await, endpoint)
    }

    /// A delivery of the day before, whose first attempt failed.
    async fn tried(store: &Database, project: ProjectId) -> Delivery {
        let queued = delivery(store, project, day_before(0)).await;
        let tried = queued.after(attempt(1, day_before(0), FAILED), Some(Duration::from_hours(20)));
        store.deliveries.record(&tried, tried.next_attempt_at).await.unwrap();
        tried
    }

    async fn report(store: &Database, project: ProjectId) -> ReportView {
        let day = noon().day();
        let mut report = Report::new(project, day);
        let reader = SliceReader::new(Slice::whole(day), u64::MAX);
        store.events.count_slice(&mut report, project, day, reader).await.unwrap();
        report.view(noon(), &Endpoints::new(), Vec::new())
    }

    #[tokio::test]
    async fn the_report_of_a_day_finds_what_ended_on_it() {
        let store = Database::start().await;
        let project = ProjectId::new(noon(), &SystemRandom);
        let [failed, delivered, cancelled, expired, replayed] = [
            tried(&store, project).await,
            tried(&store, project).await,
            tried(&store, project).await,
            tried(&store, project).await,
            tried(&store, project).await,
        ];
        store.deliveries.record(&failed.after(attempt(2, noon(), FAILED), None), None).await.unwrap();
        store.deliveries.record(&delivered.after(attempt(2, noon(), None), None), None).await.unwrap();
        store.deliveries.record_closed(&cancelled.cancelled(noon())).await.unwrap();
        store.deliveries.record_closed(&expired.expired(noon())).await.unwrap();
        let given_up = replayed.after(attempt(2, day_before(0), FAILED), None);
        store.deliveries.record(&given_up, None).await.unwrap();
        let outcome = ReplayOutcome::Sent(attempt(3, noon(), None));
        let replay = Replayed { replay_id: ReplayId::new(noon(), &SystemRandom), outcome };
        store.deliveries.add_replay(given_up, &replay, false).await.unwrap();

        let report = report(&store, project).await;
        let ended = report.ended;
        assert_eq!((ended.failed, ended.delivered, ended.cancelled, ended.expired), (1, 2, 1, 1));
        assert_eq!((report.earlier_days.deliveries, report.attempts.made), (5, 2));
    }

    #[tokio::test]
    async fn late_first_attempts_that_are_recorded_together_are_found() {
        let store = Database::start().await;
        let project = ProjectId::new(noon(), &SystemRandom);
        let mut attempted = Vec::new();
        for number in 0..6 {
            // Every second event is of the day before. One of them waits for its next attempt for two days.
            let accepted_at = if number % 2 == 0 { noon() } else { day_before(number) };
            let (reason, wait) = if number == 5 { (FAILED, Some(Duration::from_hours(48))) } else { (None, None) };
            let first = delivery(&store, project, accepted_at).await.after(attempt(1, noon(), reason), wait);
            attempted.push((first, None));
        }
        for answer in store.deliveries.record_first_attempts(&attempted).await {
            assert_eq!(answer.unwrap(), WriteOutcome::Applied);
        }
        let report = report(&store, project).await;
        assert_eq!((report.totals.delivered, report.ended.delivered), (3, 5));
        assert_eq!((report.earlier_days.delivered, report.earlier_days.still_trying), (2, 1));
        assert_eq!(
            store.dump(ACTIVITY).await.matches("late#").count(),
            4,
            "one each, and one for the day without an attempt"
        );
    }

    #[tokio::test]
    async fn late_deliveries_are_counted_in_the_order_of_their_events_although_they_are_spread_over_partitions() {
        let store = Database::start().await;
        let project = ProjectId::new(noon(), &SystemRandom);
        let mut accepted = Vec::new();
        for minute in 0..250 {
            let accepted_at = day_before(0).plus(Duration::from_secs(60 * minute));
            accepted.push(accepted_at);
            let late = delivery(&store, project, accepted_at).await.after(attempt(1, noon(), None), None);
            store.deliveries.record(&late, None).await.unwrap();
        }
        let day = noon().day();
        let mut slices = vec![Slice::whole(day)];
        let mut counted = Vec::new();
        while let Some(slice) = slices.pop() {
            let mut report = Report::new(project, day);
            let reader = SliceReader::new(slice, 40);
            let end = store.events.count_slice(&mut report, project, day, reader).await.unwrap().end;
            counted.push(report.view(noon(), &Endpoints::new(), Vec::new()).earlier_days.deliveries);
            slices.extend((end < slice.to).then(|| slice.rest(end)));
        }
        assert_eq!(counted, [40, 40, 40, 40, 40, 40, 10]);
    }

    #[tokio::test]
    async fn a_delivery_that_ends_on_the_day_of_its_event_has_no_row() {
        let store = Database::start().await;
        let project = ProjectId::new(noon(), &SystemRandom);
        let queued = delivery(&store, project, noon()).await;
        let tried = queued.after(attempt(1, noon(), FAILED), Some(Duration::from_hours(1)));
        store.deliveries.record(&tried, tried.next_attempt_at).await.unwrap();
        let delivered = tried.after(attempt(2, noon().plus(Duration::from_hours(1)), None), None);
        store.deliveries.record(&delivered, None).await.unwrap();
        assert!(!store.dump(ACTIVITY).await.contains("late#"));
        assert_eq!(report(&store, project).await.ended.delivered, 1);
    }

    #[tokio::test]
    async fn a_delivery_that_is_cancelled_by_an_erasure_is_found_and_its_submission_is_not_named() {
        let store = Database::start().await;
        let project = ProjectId::new(noon(), &SystemRandom);
        tried(&store, project).await;
        store
            .deliveries
            .record(&tried(&store, project).await.after(attempt(2, noon(), FAILED), None), None)
            .await
            .unwrap();
        let submission = SubmissionId::try_from("sub-1".to_owned()).unwrap();
        let before = report(&store, project).await;
        store.events.erase_submission(project, &submission, 10, noon()).await.unwrap();
        let after = report(&store, project).await;
        assert_eq!((before.ended.cancelled, after.ended.cancelled), (0, 1));
        let is_named = |report: &ReportView| serde_json::to_string(report).unwrap().contains("sub-1");
        assert_eq!((is_named(&before), is_named(&after), after.ended.failed), (true, false, 1));
    }
}
