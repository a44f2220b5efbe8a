//! Searches over the deliveries of one submission, newest event first.

use super::error::StoreError;
use super::events::EventStore;
use super::search::{Found, MAX_EVENTS_PER_SUBMISSION};
use domain::foundation::id::{EventId, ProjectId};
use domain::webhooks::delivery::{Delivery, DeliveryFilter, Position};
use domain::webhooks::event::{EventFilter, SubmissionId};

impl EventStore {
    /// Returns at most `limit` matching deliveries of a submission's events, from `position` on. The index lags, so deliveries
    /// of events of the last second may be missing. Those of erased events are missing too.
    pub async fn find_deliveries_by_submission(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        filter: &DeliveryFilter,
        position: Option<Position>,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let mut ids = self.events_of(project, submission, MAX_EVENTS_PER_SUBMISSION).await?;
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let times = EventFilter { event_type: None, from: filter.from, to: filter.to };
        let mut deliveries = Vec::new();
        for id in ids {
            if !is_reached(id, position) || !times.is_within(id) {
                continue;
            }
            let all = self.deliveries_of(project, id).await?.unwrap_or_default();
            for delivery in rest(all, position).filter(|delivery| filter.matches(delivery)) {
                let id = delivery.id;
                deliveries.push(delivery);
                if deliveries.len() == limit {
                    return Ok(Found { deliveries, next: Some(Position::After(id)) });
                }
            }
        }
        Ok(Found { deliveries, next: None })
    }
}

/// Whether an event may have deliveries after `position`.
fn is_reached(id: EventId, position: Option<Position>) -> bool {
    match position {
        Some(Position::After(last)) => id <= last.event,
        Some(Position::Before(event)) => id < event,
        Some(Position::Day(_)) | None => true,
    }
}

/// The deliveries of one event that follow `position`.
fn rest(of_event: Vec<Delivery>, position: Option<Position>) -> impl Iterator<Item = Delivery> {
    let last = match position {
        Some(Position::After(last)) => of_event.iter().position(|delivery| delivery.id == last),
        Some(Position::Before(_) | Position::Day(_)) | None => None,
    };
    of_event.into_iter().skip(last.map_or(0, |last| last + 1))
}
