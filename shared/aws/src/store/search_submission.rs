//! Searches over the deliveries of one submission, newest event first.

use super::error::StoreError;
use super::events::EventStore;
use super::search::{Found, MAX_PAGES};
use domain::foundation::id::{EventId, ProjectId};
use domain::webhooks::delivery::{DeliveryFilter, Position};
use domain::webhooks::event::{EventFilter, SubmissionId};

impl EventStore {
    /// Returns at most `limit` matching deliveries of a submission's events, from `position` on. Reads the deliveries of at
    /// most [`MAX_PAGES`] events. Those of erased events are missing.
    pub async fn find_deliveries_by_submission(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        filter: &DeliveryFilter,
        position: Option<Position>,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let mut ids: Vec<EventId> = self.submission(project, submission).await?.left().map(|(id, _)| id).collect();
        let times = EventFilter { event_type: None, from: filter.from, to: filter.to };
        ids.retain(|id| position.is_none_or(|position| position.reaches_event(*id)) && times.is_within(*id));
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let is_last_page = ids.len() <= MAX_PAGES;
        ids.truncate(MAX_PAGES);
        let last_read = ids.last().copied();
        let mut deliveries = Vec::new();
        for id in ids {
            let of_event = self.deliveries_of(project, id).await?.unwrap_or_default().into_iter();
            let is_reached = |id| position.is_none_or(|position| position.reaches(id));
            for delivery in of_event.filter(|delivery| is_reached(delivery.id) && filter.matches(delivery)) {
                let id = delivery.id;
                deliveries.push(delivery);
                if deliveries.len() == limit {
                    return Ok(Found { deliveries, next: Some(Position::After(id)) });
                }
            }
        }
        Ok(Found { deliveries, next: last_read.filter(|_| !is_last_page).map(Position::Before) })
    }
}
